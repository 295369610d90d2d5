"""The rings at which all libraries are timed: Volley's presets, as closely as each library can have them.

The ciphertext primes have the same bits everywhere: `FIRST` for q_0, `SCALE` for each of the others.
"""

from typing import NamedTuple

FIRST = 50
SCALE = 40


class Ring(NamedTuple):
    """A ring of degree 2**log_n with a chain of ciphertext primes."""

    log_n: int
    limbs: int
    # Digits of hybrid key switching. At 2^14 Volley has 4, for which OpenFHE's special primes of 60 bits are too wide
    # at 128-bit security: there it gets as many digits as limbs.
    digits: int

    @property
    def slots(self):
        return 1 << (self.log_n - 1)

    @property
    def prime_bits(self):
        return [FIRST] + [SCALE] * (self.limbs - 1)


RINGS = {ring.log_n: ring for ring in (Ring(14, 8, 8), Ring(15, 15, 3), Ring(16, 28, 3))}
