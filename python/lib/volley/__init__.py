"""Classifiers that are trained on encrypted data, and the arithmetic below them.

* :class:`VolleyClassifier` is an estimator of scikit-learn.
* :class:`Owner` and :class:`Server` are the two parties, on the files of the program ``volley``.
* :class:`Pool` is a party where several owners train one model.
* :mod:`volley.ckks` is the arithmetic on encrypted vectors.
* :class:`Plan` says what a training takes before there is a key.
* :class:`Model` is what training gives, in the program's files.
* :func:`features` computes features of images by an ONNX model.
* :class:`Error` is what the library refuses, in its words.
"""

from importlib.metadata import version

from volley._classifier import Report, VolleyClassifier
from volley._features import features
from volley._party import Owner, Server
from volley._pool import Pool
from volley._volley import Error, Model, Plan, Training

__version__ = version("volley")

__all__ = [
    "Error",
    "Model",
    "Owner",
    "Plan",
    "Pool",
    "Report",
    "Server",
    "Training",
    "VolleyClassifier",
    "features",
]
