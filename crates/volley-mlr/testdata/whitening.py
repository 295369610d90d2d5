"""Writes whitening.json: rows, and S^(-1/2) of them by scikit-learn and NumPy.

    python whitening.py > whitening.json

Made with scikit-learn 1.9.1.
"""

import json

import numpy as np
from sklearn.covariance import ledoit_wolf


def case(rows, columns, seed):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, columns)) @ generator.normal(size=(columns, columns)) + 1
    x = x.round(3)
    _, shrinkage = ledoit_wolf(x)
    # The floor on it changes none of these.
    assert shrinkage > 1 / rows
    shrinkage = (shrinkage + columns / (5 * rows)) / (1 + columns / (5 * rows))
    covariance = np.cov(x.T, bias=True)
    covariance = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / columns * np.eye(columns)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors / np.sqrt(values)) @ vectors.T
    return {"rows": x.tolist(), "shrinkage": shrinkage, "root": root.tolist()}


# Many rows, fewer rows than columns, two columns.
print(json.dumps([case(30, 5, 1), case(6, 9, 2), case(40, 2, 3)]))
