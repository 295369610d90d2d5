"""Times OpenFHE's CKKS bootstrapping at N = 2^16 through its Python package, on one thread."""

import argparse
import math
from importlib import metadata

import timing
from openfhe_ops import SPECIAL_BITS, load

LOG_N = 16
FIRST = 60
SCALE = 59
# Levels that are left: at 59 bits each, about as much modulus as nine of Volley's.
LEVELS = 6
# Levels of the two linear transforms.
BUDGET = [3, 3]
DIGITS = 4


def make_context(fhe, depth, slots):
    """Hybrid key switching, 128 bits by the library's own table, and the sparse ternary secrets of its fastest set."""
    parameters = fhe.CCParamsCKKSRNS()
    parameters.SetRingDim(1 << LOG_N)
    parameters.SetBatchSize(slots)
    parameters.SetMultiplicativeDepth(depth)
    parameters.SetFirstModSize(FIRST)
    parameters.SetScalingModSize(SCALE)
    parameters.SetScalingTechnique(fhe.ScalingTechnique.FLEXIBLEAUTO)
    parameters.SetSecretKeyDist(fhe.SecretKeyDist.SPARSE_TERNARY)
    parameters.SetSecurityLevel(fhe.SecurityLevel.HEStd_128_classic)
    parameters.SetKeySwitchTechnique(fhe.KeySwitchTechnique.HYBRID)
    parameters.SetNumLargeDigits(DIGITS)
    context = fhe.GenCryptoContext(parameters)
    for feature in (fhe.PKE, fhe.KEYSWITCH, fhe.LEVELEDSHE, fhe.ADVANCEDSHE, fhe.FHE):
        context.Enable(feature)
    return context


def log_qp(limbs):
    """log2 of QP: as many special primes as cover the widest digit, which is the first."""
    digit = FIRST + (math.ceil(limbs / DIGITS) - 1) * SCALE
    return FIRST + (limbs - 1) * SCALE + SPECIAL_BITS * math.ceil(digit / SPECIAL_BITS)


def measure(log_slots):
    fhe = load()
    slots = 1 << log_slots
    depth = LEVELS + fhe.CryptoContext.GetBootstrapDepth(BUDGET, fhe.SecretKeyDist.SPARSE_TERNARY)
    context = make_context(fhe, depth, slots)
    keys = context.KeyGen()
    context.EvalMultKeyGen(keys.secretKey)
    context.EvalBootstrapSetup(BUDGET, [0, 0], slots)
    context.EvalBootstrapKeyGen(keys.secretKey, slots)
    values = [math.sin(i) / 2 for i in range(slots)]
    # With one level left, which bootstrapping uses up.
    plaintext = context.MakeCKKSPackedPlaintext(values, 1, depth - 1, None, slots)
    ciphertext = context.Encrypt(keys.publicKey, plaintext)
    fresh = context.EvalBootstrap(ciphertext)
    result = context.Decrypt(fresh, keys.secretKey)
    result.SetLength(slots)
    errors = [abs(got - expected) for got, expected in zip(result.GetRealPackedValue(), values)]
    timing.check("bootstrapping", errors, [0] * slots)
    median_ms = timing.median_ms(lambda: context.EvalBootstrap(ciphertext), at_most=3)
    return {
        "library": "OpenFHE",
        "version": metadata.version("openfhe"),
        "secret": "sparse ternary",
        "log_slots": log_slots,
        "log_qp": log_qp(depth + 1),
        "levels_left": depth - fresh.GetLevel() - (fresh.GetNoiseScaleDeg() - 1),
        "level_bits": SCALE,
        "worst_bits": -math.log2(max(errors)),
        "mean_bits": -math.log2(sum(errors) / slots),
        "threads": 1,
        "median_ms": median_ms,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log_slots", type=int, choices=range(1, LOG_N), metavar="log_slots", help="log2 of the slots")
    arguments = parser.parse_args()
    timing.report(lambda: [measure(arguments.log_slots)])
