"""volley.ckks beside the Rust layer below it, TenSEAL and OpenFHE, in one run, on one thread: median processor times in
milliseconds.

    pip install ./python tenseal openfhe
    python python/benches/beside.py

N = 2^14, primes of 50 and 40 bits, full slots. The product of a matrix of 16 × 16 is with a vector of 16 slots. Every
library runs in a process of its own, which checks that its results decrypt. The Rust layer is timed by `layer.rs`, which
cargo builds as it builds the package. OpenFHE and SEAL are set up by `benches/peers`; OpenFHE has no product with a
matrix, so it gets the method of diagonals on hoisted rotations.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benches" / "peers"))

import numpy as np
import timing
from rings import FIRST, RINGS, SCALE

RING = RINGS[14]
# Small enough for TenSEAL, whose product took most of a minute for 64.
SIZE = 16
VALUES = np.array(timing.operands(RING))
MATRIX = np.random.default_rng(0).uniform(-1, 1, (SIZE, SIZE)) / SIZE
OPERATIONS = ["encrypt", "product", "rotation", "matrix"]


def volley():
    from volley import ckks

    context = ckks.Context.standard(14)
    secret_key = ckks.SecretKey(context)
    tracer = ckks.Tracer(context)
    tracer.input() * tracer.input().rotate(1)
    tracer.matrix(MATRIX) @ tracer.input(slots=SIZE)
    evaluator = ckks.Evaluator(context, secret_key.evaluation_keys(tracer.keys))
    x = evaluator.load(secret_key.encrypt(VALUES))
    short = evaluator.load(secret_key.encrypt(VALUES[:SIZE]))
    matrix = evaluator.matrix(MATRIX)
    timing.check("product", secret_key.decrypt(x * x), VALUES**2)
    timing.check("rotation", secret_key.decrypt(x.rotate(1)), np.roll(VALUES, -1))
    timing.check("matrix", secret_key.decrypt(matrix @ short), MATRIX @ VALUES[:SIZE])
    return {
        "encrypt": lambda: secret_key.encrypt(VALUES),
        "product": lambda: x * x,
        "rotation": lambda: x.rotate(1),
        "matrix": lambda: matrix @ short,
    }


def tenseal():
    import tenseal as ts

    bits = RING.prime_bits + [FIRST]
    context = ts.context(ts.SCHEME_TYPE.CKKS, 1 << RING.log_n, coeff_mod_bit_sizes=bits, n_threads=1)
    context.global_scale = 2.0**SCALE
    context.generate_galois_keys()
    x, short = (ts.ckks_vector(context, values.tolist()) for values in (VALUES, VALUES[:SIZE]))
    matrix = MATRIX.T.tolist()
    timing.check("product", (x * x).decrypt(), VALUES**2)
    timing.check("matrix", short.mm(matrix).decrypt(), MATRIX @ VALUES[:SIZE])
    values = VALUES.tolist()
    # Its vectors cannot be rotated.
    return {
        "encrypt": lambda: ts.ckks_vector(context, values),
        "product": lambda: x * x,
        "matrix": lambda: short.mm(matrix),
    }


def openfhe():
    import openfhe_ops

    fhe = openfhe_ops.load()
    context = openfhe_ops.make_context(fhe, RING)
    keys = context.KeyGen()
    context.EvalMultKeyGen(keys.secretKey)
    context.EvalRotateKeyGen(keys.secretKey, list(range(1, SIZE)))
    values = VALUES.tolist()
    x = context.Encrypt(keys.publicKey, context.MakeCKKSPackedPlaintext(values))
    repeated = np.tile(VALUES[:SIZE], RING.slots // SIZE)
    short = context.Encrypt(keys.publicKey, context.MakeCKKSPackedPlaintext(repeated.tolist()))
    rows = np.arange(SIZE)
    diagonals = [np.tile(MATRIX[rows, (rows + k) % SIZE], RING.slots // SIZE).tolist() for k in range(SIZE)]
    diagonals = [context.MakeCKKSPackedPlaintext(diagonal) for diagonal in diagonals]

    def matrix():
        digits = context.EvalFastRotationPrecompute(short)
        total = context.EvalMult(short, diagonals[0])
        for k in range(1, SIZE):
            total = context.EvalAdd(total, context.EvalMult(context.EvalFastRotation(short, k, digits), diagonals[k]))
        return context.Rescale(total)

    def decrypted(ciphertext):
        result = context.Decrypt(ciphertext, keys.secretKey)
        result.SetLength(RING.slots)
        return result.GetRealPackedValue()

    product = lambda: context.Rescale(context.EvalMult(x, x))  # noqa: E731
    timing.check("product", decrypted(product()), VALUES**2)
    timing.check("matrix", decrypted(matrix())[:SIZE], MATRIX @ VALUES[:SIZE])
    return {
        "encrypt": lambda: context.Encrypt(keys.publicKey, context.MakeCKKSPackedPlaintext(values)),
        "product": product,
        "rotation": lambda: context.EvalRotate(x, 1),
        "matrix": matrix,
    }


LIBRARIES = {"volley": volley, "tenseal": tenseal, "openfhe": openfhe}
PACKAGE = Path(__file__).parents[1]
LAYER = ["cargo", "bench", "--quiet", "--locked", "--manifest-path", str(PACKAGE / "Cargo.toml"), "--bench", "layer"]


def main() -> None:
    if len(sys.argv) > 1:
        json.dump({name: timing.median_ms(run) for name, run in LIBRARIES[sys.argv[1]]().items()}, sys.stdout)
        return
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    commands = {"Rust layer": LAYER} | {library: [sys.executable, __file__, library] for library in LIBRARIES}
    found = {}
    for library, command in commands.items():
        done = subprocess.run(command, env=one_thread, capture_output=True, text=True)
        if done.returncode == 0:
            found[library] = json.loads(done.stdout)
        else:
            print(f"{library}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
    print(f"| operation | {' | '.join(f'{library}, ms' for library in found)} |")
    print(f"|---|{'--:|' * len(found)}")
    for operation in OPERATIONS:
        times = [found[library].get(operation) for library in found]
        print(f"| {operation} | {' | '.join('–' if time is None else f'{time:.2f}' for time in times)} |")


if __name__ == "__main__":
    main()
