#!/usr/bin/env python3
"""Writes seed_expansion.json, the golden vector of the seed expansion of volley-ring.

Everything is written from the definitions and shares no code with the library: ChaCha20 as in D. J. Bernstein,
"ChaCha, a variant of Salsa20" (2008), with a 64-bit block counter and a 64-bit nonce; the expansion rule as in the
documentation of `volley_ring::sampling::expand_uniform`. The cipher is first checked against published key streams.

    python3 seed_expansion.py            write seed_expansion.json beside this file
    python3 seed_expansion.py --check    compare with it instead

Python 3.8 or newer, standard library only.
"""

import json
import pathlib
import struct
import sys

DEGREE = 64
CIPHERTEXT, PUBLIC_KEY, KEY_SWITCHING_KEY = 1, 2, 3
FIRST_SPECIAL = 1 << 16


def quarter_round(x, a, b, c, d):
    for target, source, other, rotation in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[target] = (x[target] + x[source]) & 0xFFFFFFFF
        x[other] ^= x[target]
        x[other] = (x[other] << rotation | x[other] >> (32 - rotation)) & 0xFFFFFFFF


def block(key, counter, nonce):
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<Q", counter) + nonce))
    x = state[:]
    for _ in range(10):
        for column in range(4):
            quarter_round(x, column, column + 4, column + 8, column + 12)
        for diagonal in range(4):
            a, b, c, d = (4 * row + (diagonal + row) % 4 for row in range(4))
            quarter_round(x, a, b, c, d)
    return struct.pack("<16I", *((s + t) & 0xFFFFFFFF for s, t in zip(state, x)))


def key_stream(key, nonce):
    counter = 0
    while True:
        yield from block(key, counter, nonce)
        counter += 1


# The beginning of the key stream for (key, nonce): test vectors of draft-agl-tls-chacha20poly1305-04.
PUBLISHED = (
    (bytes(32), bytes(8), "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
                          "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"),
    (bytes(31) + b"\1", bytes(8), "4540f05a9f1fb296d7736e7b208e3c96eb4fe1834688d2604f450952ed432d41"
                                  "bbe2a0b6ea7566d2a5d1e7e20d42af2c53d792b1c43fea817e9ad275ae546963"),
    (bytes(32), bytes(7) + b"\1", "de9cba7bf3d69ef5e786dc63973f653a0b49e015adbff7134fcb7df137821031"
                                  "e85a050278a7084527214f73efc7fa5b5277062eb7a0433e445f41e3"),
    (bytes(range(32)), bytes(range(8)), "f798a189f195e66982105ffb640bb7757f579da31602fc93ec01ac56f85ac3c1"
                                        "34a4547b733b46413042c9440049176905d3be59ea1c53f15916155c2be8241a"),
)


def expand(seed, domain, digit, limb_number, prime):
    """The residues, and how many words were drawn for them."""
    stream = key_stream(seed, struct.pack("<Q", domain << 56 | digit << 32 | limb_number))
    bits = (prime - 1).bit_length()
    residues, words = [], 0
    while len(residues) < DEGREE:
        word = int.from_bytes(bytes(next(stream) for _ in range(8)), "little")
        words += 1
        candidate = word & ((1 << bits) - 1)
        if candidate < prime:
            residues.append(candidate)
    return residues, words


def is_prime(n):
    if n < 2 or any(n % p == 0 for p in range(2, 100) if p < n):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        powers = [pow(base, odd << k, n) for k in range(twos)]
        if base % n and powers[0] != 1 and n - 1 not in powers:
            return False
    return True


def highest_prime(bits):
    """The highest prime below 2^bits that is 1 modulo 2·DEGREE."""
    return next(q for q in range((1 << bits) - 2 * DEGREE + 1, 0, -2 * DEGREE) if is_prime(q))


def lowest_prime(bits):
    """The lowest one above 2^(bits - 1): about half of all words are skipped."""
    return next(q for q in range((1 << (bits - 1)) + 1, 1 << bits, 2 * DEGREE) if is_prime(q))


def vectors():
    counting = bytes(range(32))
    pattern = bytes((167 * i + 91) % 256 for i in range(32))
    cases = (
        (bytes(32), CIPHERTEXT, 0, 0, highest_prime(50)),
        (counting, CIPHERTEXT, 0, 0, highest_prime(50)),
        (counting, CIPHERTEXT, 0, 1, highest_prime(40)),
        (counting, CIPHERTEXT, 0, 39, lowest_prime(50)),
        (counting, PUBLIC_KEY, 0, 1, highest_prime(40)),
        (counting, PUBLIC_KEY, 0, FIRST_SPECIAL, highest_prime(49)),
        (counting, PUBLIC_KEY, 0, FIRST_SPECIAL + 3, lowest_prime(40)),
        (counting, KEY_SWITCHING_KEY, 0, 0, highest_prime(50)),
        (counting, KEY_SWITCHING_KEY, 1, 0, highest_prime(50)),
        (counting, KEY_SWITCHING_KEY, 2, FIRST_SPECIAL + 1, highest_prime(50)),
        (pattern, KEY_SWITCHING_KEY, 258, 2, lowest_prime(36)),
        (pattern, KEY_SWITCHING_KEY, 65535, FIRST_SPECIAL + 7, lowest_prime(20)),
        (pattern, CIPHERTEXT, 65535, 0xFFFFFFFF, highest_prime(30)),
    )
    for seed, domain, digit, limb_number, prime in cases:
        residues, words = expand(seed, domain, digit, limb_number, prime)
        yield {
            "seed": seed.hex(),
            "domain": domain,
            "digit": digit,
            "limb_number": limb_number,
            "prime": prime,
            "words": words,
            "residues": residues,
        }


def main():
    for key, nonce, expected in PUBLISHED:
        stream = key_stream(key, nonce)
        assert bytes(next(stream) for _ in range(len(expected) // 2)).hex() == expected, "this is not ChaCha20"
    lines = ",\n".join("  " + json.dumps(vector) for vector in vectors())
    source = "testdata/seed_expansion.py; ChaCha20 checked against draft-agl-tls-chacha20poly1305-04"
    text = f'{{\n"source": {json.dumps(source)},\n"degree": {DEGREE},\n"vectors": [\n{lines}\n]\n}}\n'
    path = pathlib.Path(__file__).with_suffix(".json")
    if "--check" in sys.argv[1:]:
        sys.exit(0 if path.read_text() == text else f"{path.name} differs")
    path.write_text(text)


if __name__ == "__main__":
    main()
