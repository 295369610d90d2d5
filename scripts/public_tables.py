"""The tables of scikit-learn that compare_tables.py and compare_profiles.py train on, and how they are split."""

from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def tables():
    """Name, features and labels."""
    for name, load in [
        ("digits", load_digits),
        ("iris", load_iris),
        ("wine", load_wine),
        ("breast cancer", load_breast_cancer),
    ]:
        table = load()
        yield name, table.data, table.target


def quarters(x, y):
    """Training rows, labels, test rows and labels: each quarter is tested on by a model of the others."""
    split = StratifiedKFold(4, shuffle=True, random_state=0).split(x, y)
    return [(x[a], y[a], x[b], y[b]) for a, b in split]


def logistic_regression():
    """What Volley is compared with: the defaults, on standardised columns."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
