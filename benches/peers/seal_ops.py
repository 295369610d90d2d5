"""Times Microsoft SEAL's CKKS operations through the bindings in TenSEAL, on one thread.

SEAL has one special prime, hence as many digits as limbs, and no hoisted rotations. The package's build of SEAL does not
use HEXL.
"""

from importlib import metadata

import timing
from rings import SCALE

# SEAL's special prime is to be as wide as the widest other one.
SPECIAL_BITS = 50
# SEAL knows the limits of security up to this ring.
MAX_CHECKED_LOG_N = 15


class Seal:
    """SEAL with keys: functions that return their results, where SEAL has output arguments."""

    def __init__(self, ring):
        import tenseal.sealapi as api

        self.api = api
        degree = 1 << ring.log_n
        parameters = api.EncryptionParameters(api.SCHEME_TYPE.CKKS)
        parameters.set_poly_modulus_degree(degree)
        parameters.set_coeff_modulus(api.CoeffModulus.Create(degree, ring.prime_bits + [SPECIAL_BITS]))
        checked = ring.log_n <= MAX_CHECKED_LOG_N
        security = api.SEC_LEVEL_TYPE.TC128 if checked else api.SEC_LEVEL_TYPE.NONE
        context = api.SEALContext(parameters, True, security)
        self.generator = api.KeyGenerator(context)
        self.public_key, self.relinearization_keys = api.PublicKey(), api.RelinKeys()
        self.generator.create_public_key(self.public_key)
        self.generator.create_relin_keys(self.relinearization_keys)
        self.encoder, self.evaluator = api.CKKSEncoder(context), api.Evaluator(context)
        self.encryptor = api.Encryptor(context, self.public_key)
        self.decryptor = api.Decryptor(context, self.generator.secret_key())
        self.galois_keys = self.generate_galois_key()

    def generate_galois_key(self):
        """The key of the rotation by one slot, X -> X^3."""
        keys = self.api.GaloisKeys()
        self.generator.create_galois_keys([3], keys)
        return keys

    def encode(self, values):
        plaintext = self.api.Plaintext()
        self.encoder.encode(values, 2.0**SCALE, plaintext)
        return plaintext

    def encrypt(self, plaintext):
        ciphertext = self.api.Ciphertext()
        self.encryptor.encrypt(plaintext, ciphertext)
        return ciphertext

    def decrypt_decode(self, ciphertext):
        plaintext = self.api.Plaintext()
        self.decryptor.decrypt(ciphertext, plaintext)
        return self.encoder.decode_double(plaintext)

    def evaluate(self, operation, *operands):
        result = self.api.Ciphertext()
        getattr(self.evaluator, operation)(*operands, result)
        return result

    def multiply_relinearize(self, a, b):
        product = self.evaluate("multiply", a, b)
        self.evaluator.relinearize_inplace(product, self.relinearization_keys)
        return product

    def multiply_relinearize_rescale(self, a, b):
        product = self.multiply_relinearize(a, b)
        self.evaluator.rescale_to_next_inplace(product)
        return product

    def rotate(self, a):
        return self.evaluate("rotate_vector", a, 1, self.galois_keys)


def measure(ring):
    seal = Seal(ring)
    values = timing.operands(ring)
    plaintext = seal.encode(values)
    a, b = seal.encrypt(plaintext), seal.encrypt(plaintext)
    product = seal.multiply_relinearize(a, b)
    timing.check("product", seal.decrypt_decode(seal.multiply_relinearize_rescale(a, b)), [v * v for v in values])
    timing.check("rotation", seal.decrypt_decode(seal.rotate(a)), values[1:] + values[:1])
    operations = {
        "multiply_relinearize_rescale": lambda: seal.multiply_relinearize_rescale(a, b),
        "rotate": lambda: seal.rotate(a),
        "rescale": lambda: seal.evaluate("rescale_to_next", product),
        "multiply_plain": lambda: seal.evaluate("multiply_plain", a, plaintext),
        "encrypt_public": lambda: seal.encrypt(plaintext),
        "decrypt_decode": lambda: seal.decrypt_decode(a),
        "encode": lambda: seal.encode(values),
        "generate_galois_key": seal.generate_galois_key,
    }
    return timing.measurements(
        operations,
        library="SEAL",
        version=f"TenSEAL {metadata.version('tenseal')}",
        log_n=ring.log_n,
        limbs=ring.limbs,
        digits=ring.limbs,
        log_qp=sum(ring.prime_bits) + SPECIAL_BITS,
        threads=1,
    )


if __name__ == "__main__":
    timing.main(measure)
