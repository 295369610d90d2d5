"""Classifiers that are trained on encrypted data, and the arithmetic below them.

* :class:`VolleyClassifier` is an estimator of scikit-learn.
* :class:`Plan` says what a training takes before there is a key.
* :class:`Model` is what training gives, in the program's files.
* :class:`Error` is what the library refuses, in its words.
"""

from volley._classifier import Report, VolleyClassifier
from volley._volley import Model, Plan, Training
from volley._volley import VolleyError as Error

__all__ = ["Error", "Model", "Plan", "Report", "Training", "VolleyClassifier"]
