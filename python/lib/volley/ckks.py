"""CKKS: approximate arithmetic on encrypted vectors, by the rules of the Rust layer.

The owner of a :class:`SecretKey` encrypts arrays of NumPy. A server that has the owner's :class:`EvaluationKeys`
computes with an :class:`Evaluator`. A :class:`Tracer` runs the same function before there are keys, and says which it
needs::

    from volley import ckks

    def circuit(x):
        return x * x + x.rotate(1) * x

    context = ckks.Context.standard(14)
    tracer = ckks.Tracer(context)
    circuit(tracer.input())

    secret_key = ckks.SecretKey(context)
    evaluator = ckks.Evaluator(context, secret_key.evaluation_keys(tracer.keys))
    result = circuit(evaluator.load(secret_key.encrypt(values)))
    secret_key.decrypt(result)

Levels and scales are exact, and nothing changes them silently:

* A product of two ciphertexts takes a level, and its scale is the product of theirs less the primes of the level.
* A product with a number or an array takes a level and keeps the scale. One with a whole number takes no level.
* ``M @ x`` takes a level and keeps the scale.
* A sum takes no level. One of different scales is refused: :func:`weighted_sum` takes a level and makes them equal.

What is refused raises :class:`volley.Error` with the words of the library. What is decrypted must stay with its owner:
its noise depends on the secret key.
"""

from volley._volley import (
    Bootstrapper,
    Ciphertext,
    Context,
    EvaluationKeys,
    Evaluator,
    KeySpec,
    Matrix,
    SecretKey,
    Tracer,
    weighted_sum,
)

__all__ = [
    "Bootstrapper",
    "Ciphertext",
    "Context",
    "EvaluationKeys",
    "Evaluator",
    "KeySpec",
    "Matrix",
    "SecretKey",
    "Tracer",
    "weighted_sum",
]
