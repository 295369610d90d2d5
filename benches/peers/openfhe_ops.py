"""Times OpenFHE's CKKS operations through its Python package, on one thread."""

import math
import re
import shutil
import sys
import tempfile
from importlib import metadata, util
from pathlib import Path

import timing
from rings import FIRST, SCALE

# OpenFHE makes its special primes this wide.
SPECIAL_BITS = 60


def load():
    """The module `openfhe`, also where its wheel was built for another minor version of Python.

    The wheel for Ubuntu 22.04 is built for CPython 3.10, and pybind11 writes into an extension which version may load
    it. What the extension uses of Python's C interface is no different in 3.11, so there a temporary copy is loaded
    that asks for the version that runs.
    """
    try:
        import openfhe
    except ImportError:
        sys.modules.pop("openfhe", None)
    else:
        return openfhe
    spec = util.find_spec("openfhe")
    if spec is None:
        raise ImportError("no module named openfhe")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "openfhe")
        shutil.copytree(spec.submodule_search_locations[0], copy)
        for extension in copy.glob("openfhe.cpython-*.so"):
            adapt(extension)
        sys.path.insert(0, folder)
        try:
            import openfhe
        finally:
            sys.path.remove(folder)
    return openfhe


def adapt(extension):
    """Renames an extension, and writes the running version of Python where it names the one it was built for."""
    built_for = re.search(r"cpython-3(\d+)", extension.name).group(1)
    old, new = (b"openfhe\0003.%d\0" % minor for minor in (int(built_for), sys.version_info.minor))
    image = extension.read_bytes()
    if image.count(old) != 1 or len(old) != len(new):
        raise ImportError(f"the openfhe package is for Python 3.{built_for} and cannot be adapted to this one")
    extension.with_name("openfhe.so").write_bytes(image.replace(old, new))
    extension.unlink()


def make_context(fhe, ring):
    """Hybrid key switching, uniform ternary secrets, 128 bits; rescaling only where it is asked for."""
    parameters = fhe.CCParamsCKKSRNS()
    parameters.SetRingDim(1 << ring.log_n)
    parameters.SetBatchSize(ring.slots)
    parameters.SetMultiplicativeDepth(ring.limbs - 1)
    parameters.SetFirstModSize(FIRST)
    parameters.SetScalingModSize(SCALE)
    parameters.SetScalingTechnique(fhe.ScalingTechnique.FIXEDMANUAL)
    parameters.SetSecretKeyDist(fhe.SecretKeyDist.UNIFORM_TERNARY)
    parameters.SetSecurityLevel(fhe.SecurityLevel.HEStd_128_classic)
    parameters.SetKeySwitchTechnique(fhe.KeySwitchTechnique.HYBRID)
    parameters.SetNumLargeDigits(ring.digits)
    context = fhe.GenCryptoContext(parameters)
    for feature in (fhe.PKE, fhe.KEYSWITCH, fhe.LEVELEDSHE, fhe.ADVANCEDSHE):
        context.Enable(feature)
    return context


def log_qp(ring):
    """log2 of QP: as many special primes as cover the widest digit, which is the first."""
    digit = ring.prime_bits[: math.ceil(ring.limbs / ring.digits)]
    return sum(ring.prime_bits) + SPECIAL_BITS * math.ceil(sum(digit) / SPECIAL_BITS)


def measure(ring):
    fhe = load()
    context = make_context(fhe, ring)
    keys = context.KeyGen()
    context.EvalMultKeyGen(keys.secretKey)
    context.EvalRotateKeyGen(keys.secretKey, list(timing.ROTATIONS))
    values = timing.operands(ring)
    plaintext = context.MakeCKKSPackedPlaintext(values)
    a = context.Encrypt(keys.publicKey, plaintext)
    b = context.Encrypt(keys.publicKey, plaintext)
    product = context.EvalMult(a, b)
    # A key that is there already is not made again: each call asks for another rotation.
    new_rotations = iter(range(100, ring.slots))

    def multiply():
        return context.Rescale(context.EvalMult(a, b))

    def rotate_hoisted():
        digits = context.EvalFastRotationPrecompute(a)
        return [context.EvalFastRotation(a, steps, digits) for steps in timing.ROTATIONS]

    def decrypt(ciphertext):
        result = context.Decrypt(ciphertext, keys.secretKey)
        result.SetLength(ring.slots)
        return result.GetRealPackedValue()

    timing.check("product", decrypt(multiply()), [v * v for v in values])
    timing.check("rotation", decrypt(rotate_hoisted()[-1]), values[16:] + values[:16])
    operations = {
        "multiply_relinearize_rescale": multiply,
        "rotate": lambda: context.EvalRotate(a, 1),
        "rotate_hoisted_16": rotate_hoisted,
        "rescale": lambda: context.Rescale(product),
        "multiply_plain": lambda: context.EvalMult(a, plaintext),
        "encrypt_public": lambda: context.Encrypt(keys.publicKey, plaintext),
        "decrypt_decode": lambda: context.Decrypt(a, keys.secretKey),
        "encode": lambda: context.MakeCKKSPackedPlaintext(values),
        "generate_galois_key": lambda: context.EvalRotateKeyGen(keys.secretKey, [next(new_rotations)]),
    }
    return timing.measurements(
        operations,
        library="OpenFHE",
        version=metadata.version("openfhe"),
        log_n=ring.log_n,
        limbs=ring.limbs,
        digits=ring.digits,
        log_qp=log_qp(ring),
        threads=1,
    )


if __name__ == "__main__":
    timing.main(measure)
