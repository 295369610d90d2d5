"""CKKS from Python, beside NumPy."""

import gc
import pickle
import resource

import numpy as np
import pytest

import volley
from volley import ckks

SLOTS = 64


@pytest.fixture(scope="module")
def context():
    """A small ring, for tests alone: nothing is safe under it."""
    return ckks.Context(10, [[50]] + [[40]] * 6, [50], 40, security=None)


@pytest.fixture(scope="module")
def secret_key(context):
    return ckks.SecretKey(context)


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, SLOTS), rng.uniform(-1, 1, SLOTS)


def evaluate(context, secret_key, circuit, *inputs):
    """Traces a circuit, makes its keys, and runs it."""
    tracer = ckks.Tracer(context)
    circuit(*(tracer.input(slots=len(values)) for values in inputs))
    evaluator = ckks.Evaluator(context, secret_key.evaluation_keys(tracer.keys))
    return circuit(*(evaluator.load(secret_key.encrypt(values)) for values in inputs))


MATRIX = np.random.default_rng(1).uniform(-1, 1, (SLOTS, SLOTS)) / SLOTS
CIRCUITS = {
    "sum": (lambda x, y: x + y, lambda x, y: x + y),
    "difference": (lambda x, y: x - y, lambda x, y: x - y),
    "negative": (lambda x, y: -x, lambda x, y: -x),
    "numbers": (lambda x, y: 1 - 2 * x + 0.5, lambda x, y: 1.5 - 2 * x),
    "a fraction of": (lambda x, y: 0.25 * x + x * 0.5 - 1.0, lambda x, y: 0.75 * x - 1),
    "arrays": (lambda x, y: MATRIX[0] * x + MATRIX[1], lambda x, y: MATRIX[0] * x + MATRIX[1]),
    "array less": (lambda x, y: MATRIX[0] - x, lambda x, y: MATRIX[0] - x),
    "less array": (lambda x, y: x - MATRIX[0], lambda x, y: x - MATRIX[0]),
    "product": (lambda x, y: x * y, lambda x, y: x * y),
    "square": (lambda x, y: x.square() + y * y, lambda x, y: x**2 + y**2),
    "powers": (lambda x, y: x**2 + y**2 - (x * y) ** 1, lambda x, y: x**2 + y**2 - x * y),
    "quotients": (
        lambda x, y: x / 2 + y / 0.75 + x / (2 + MATRIX[0]),
        lambda x, y: x / 2 + y / 0.75 + x / (2 + MATRIX[0]),
    ),
    "rotation": (lambda x, y: x.rotate(3) + y.rotate(-1), lambda x, y: np.roll(x, -3) + np.roll(y, 1)),
    "rotations": (lambda x, y: x.sum_of_rotations([1, 2]), lambda x, y: np.roll(x, -1) + np.roll(x, -2)),
    "matrix": (lambda x, y: MATRIX @ x, lambda x, y: MATRIX @ x),
    "polynomial": (lambda x, y: x.polynomial([1, 0.5, 0, -2.0]), lambda x, y: 1 + x / 2 - 2 * x**3),
    "chebyshev": (lambda x, y: x.polynomial([0, 0, 1.0], "chebyshev"), lambda x, y: 2 * x**2 - 1),
    "combination": (
        lambda x, y: ckks.weighted_sum([(x, 2.0), (x * y, -1.0)]),
        lambda x, y: 2 * x - x * y,
    ),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_operations_are_those_of_numpy(context, secret_key, vectors, name):
    encrypted, in_clear = CIRCUITS[name]
    result = secret_key.decrypt(evaluate(context, secret_key, encrypted, *vectors))
    assert np.abs(result - in_clear(*vectors)).max() < 1e-6


def test_complex_slots_are_conjugated(context, secret_key):
    values = np.array([1 + 2j, -0.5j, 0.25, -1])
    result = evaluate(context, secret_key, lambda x: x.conjugate(), values)
    assert np.abs(secret_key.decrypt_complex(result) - values.conj()).max() < 1e-6


def test_a_prepared_matrix_is_used_again(context, secret_key, vectors):
    tracer = ckks.Tracer(context)
    tracer.matrix(MATRIX) @ tracer.input(slots=SLOTS)
    evaluator = ckks.Evaluator(context, secret_key.evaluation_keys(tracer.keys))
    matrix = evaluator.matrix(MATRIX)
    for values in vectors:
        x = evaluator.load(secret_key.encrypt(values))
        result = matrix @ x
        assert (result.level, result.log_scale) == (x.level - 1, x.log_scale)
        assert np.abs(secret_key.decrypt(result) - MATRIX @ values).max() < 1e-6


def test_levels_and_scales_are_exact(context, secret_key, vectors):
    x = secret_key.encrypt(vectors[0])
    assert (x.level, x.slots, x.log_scale) == (context.max_level, SLOTS, 40.0)
    assert (0.5 * x).log_scale == 40.0 and (0.5 * x).level == x.level - 1
    assert (3 * x).log_scale == 40.0 and (3 * x).level == x.level
    assert x.drop_level(1).level == 1
    assert secret_key.encrypt(vectors[0], level=2).level == 2


def test_what_rust_refuses_is_refused_in_its_words(context, secret_key, vectors):
    x = secret_key.encrypt(vectors[0])
    refused = [
        (lambda: x * x, "relinearization key"),
        (lambda: x.rotate(1), "key"),
        (lambda: x + secret_key.encrypt(vectors[0], level=0) * 0.5, "level"),
        (lambda: x + np.ones(3), "64 and 3 slots"),
        (lambda: x - np.ones(3), "64 and 3 slots"),
        (lambda: x * np.ones(SLOTS // 2), "64 and 32 slots"),
        (lambda: x + secret_key.encrypt(np.ones(8)), "64 and 8 slots"),
        (lambda: x * secret_key.encrypt(np.ones(8)), "64 and 8 slots"),
        (lambda: ckks.weighted_sum([(x, 1.0), (secret_key.encrypt(np.ones(8)), 1.0)]), "64 and 8 slots"),
        (lambda: x * np.ones((2, 2)), "one dimension"),
        (lambda: np.ones((2, 3)) @ x, "square matrix"),
        (lambda: x.polynomial([1.0], "fourier"), "no basis"),
        (lambda: x.polynomial([]), "coefficients"),
        (lambda: secret_key.encrypt(np.full(4, np.nan)), "finite"),
        (lambda: secret_key.encrypt(np.ones(10_000)), "10000 values are too many: a ciphertext has at most 512 slots"),
        (lambda: secret_key.decrypt(secret_key.encrypt([1, 2j])), "slot 1 has the imaginary part 2.0"),
        (lambda: ckks.weighted_sum([]), "sum"),
        (lambda: ckks.Context.standard(20), "standard"),
        (lambda: ckks.Context(10, [[50]], [50], 40), "log N"),
        (lambda: ckks.Context(10, [[50]], [50], 40, security=100), "claim"),
        (lambda: secret_key.decrypt(ckks.Tracer(context).input()), "traced"),
        (lambda: x + ckks.Tracer(context).input(slots=SLOTS), "traced"),
        (lambda: ckks.Tracer(context).input() + ckks.Tracer(context).input(), "two tracers"),
        (lambda: ckks.SecretKey(context).decrypt(x), "key"),
    ]
    for operation, words in refused:
        with pytest.raises(volley.Error, match=words):
            operation()


def test_a_power_takes_the_levels_of_its_logarithm(context, secret_key, vectors):
    for exponent, levels in [(1, 0), (2, 1), (3, 2), (4, 2), (7, 3), (8, 3)]:
        raised = evaluate(context, secret_key, lambda x: x**exponent, vectors[0])
        assert raised.level == 6 - levels
        assert np.allclose(secret_key.decrypt(raised), vectors[0] ** exponent, atol=1e-6)


def test_what_is_no_power_or_quotient_is_refused(secret_key, vectors):
    x = secret_key.encrypt(vectors[0])
    for exponent in [0, -1, 0.5, 2.0, x]:
        with pytest.raises(TypeError, match="a whole number from 1 up"):
            x**exponent
    with pytest.raises(TypeError, match="nothing is divided by a ciphertext"):
        x / x
    for zero in [0, 0.0, np.zeros(SLOTS)]:
        with pytest.raises(ZeroDivisionError):
            x / zero


def test_a_sum_of_different_scales_is_refused_and_a_combination_makes_them_equal(context, secret_key, vectors):
    with pytest.raises(volley.Error, match="scale"):
        evaluate(context, secret_key, lambda x: x * x + x, vectors[0])
    circuit = lambda x: ckks.weighted_sum([(x, 1.0), (x * x, 1.0)])  # noqa: E731
    result = secret_key.decrypt(evaluate(context, secret_key, circuit, vectors[0]))
    assert np.abs(result - vectors[0] - vectors[0] ** 2).max() < 1e-6


def test_two_parties_share_bytes(context, secret_key, vectors):
    spec = ckks.KeySpec(context, products=True, rotations=[1], conjugation=True)
    keys = secret_key.evaluation_keys(spec | ckks.KeySpec(context, rotations=[2]))
    assert keys.spec.key_count == 4
    sent = [context.to_bytes(), keys.to_bytes(), secret_key.encrypt_to_bytes(vectors[0])]
    whole = len(secret_key.encrypt(vectors[0]).to_bytes())
    assert len(sent[2]) < 0.6 * whole, "half of it is a seed"

    servers = ckks.Context.from_bytes(sent[0])
    evaluator = ckks.Evaluator(servers, ckks.EvaluationKeys.from_bytes(servers, sent[1]))
    x = evaluator.load(sent[2])
    returned = (x * x).rotate(2).to_bytes()

    result = secret_key.decrypt(evaluator.load(returned))
    assert np.abs(result - np.roll(vectors[0] ** 2, -2)).max() < 1e-6
    damaged = bytearray(returned)
    damaged[1000] ^= 1
    with pytest.raises(volley.Error):
        evaluator.load(bytes(damaged))


def test_a_secret_key_goes_nowhere_unasked(context, secret_key, vectors):
    with pytest.raises(TypeError, match="to_bytes"):
        pickle.dumps(secret_key)
    assert repr(secret_key) == f"<volley.ckks.SecretKey {secret_key.id}>"
    x = secret_key.encrypt(vectors[0])
    for bytes_, passphrase in [
        (secret_key.to_bytes(passphrase=None), None),
        (secret_key.to_bytes(passphrase="correct horse"), "correct horse"),
    ]:
        again = ckks.SecretKey.from_bytes(context, bytes_, passphrase=passphrase)
        assert np.array_equal(again.decrypt(x), secret_key.decrypt(x))
    with pytest.raises(volley.Error, match="passphrase"):
        ckks.SecretKey.from_bytes(context, bytes_, passphrase="wrong")
    with pytest.raises(TypeError):
        secret_key.to_bytes()


def test_contexts_are_pickled_and_ciphertexts_are_not(context, secret_key, vectors):
    assert repr(pickle.loads(pickle.dumps(context))) == repr(context)
    assert "NO security" in repr(context)
    assert "128 bits" in repr(ckks.Context.standard(14))
    with pytest.raises(TypeError, match="to_bytes"):
        pickle.dumps(secret_key.encrypt(vectors[0]))


def test_levels_come_back_by_bootstrapping():
    context = ckks.Context.for_bootstrapping("fast", 10, 3, 3, security=None)
    values = np.linspace(-0.9, 0.9, 16)

    def circuit(x, bootstrapper):
        return x.bootstrap(bootstrapper)

    tracer = ckks.Tracer(context)
    traced = circuit(tracer.input(slots=16, level=0), tracer.bootstrapper("fast", 16))
    secret_key = ckks.SecretKey(context)
    evaluator = ckks.Evaluator(context, secret_key.evaluation_keys(tracer.keys))
    x = evaluator.load(secret_key.encrypt(values, level=0))
    result = circuit(x, evaluator.bootstrapper("fast", 16))
    assert result.level == traced.level > x.level
    assert np.abs(secret_key.decrypt(result) - values).max() < 1e-3
    with pytest.raises(volley.Error, match="another backend"):
        x.bootstrap(tracer.bootstrapper("fast", 16))
    with pytest.raises(volley.Error, match="preset"):
        evaluator.bootstrapper("slow")


def test_a_thousand_products_leave_no_memory(context, secret_key, vectors):
    keys = secret_key.evaluation_keys(ckks.KeySpec(context, products=True))
    evaluator = ckks.Evaluator(context, keys)
    x, y = (evaluator.load(secret_key.encrypt(values)) for values in vectors)
    for _ in range(100):
        x * y
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        x * y
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # A product is 0.1 MB: a thousand that stayed would be 100 MB.
    assert grown < 10_000, f"{grown} kB"
