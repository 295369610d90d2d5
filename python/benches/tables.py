"""Ten tables: VolleyClassifier beside LogisticRegression, by accuracy on rows held out.

Both get the same five stratified folds, twice shuffled. LogisticRegression gets standardised columns and its defaults.
VolleyClassifier trains in clear on all folds, as its model on ciphertexts is the same but for their noise; on the first
fold it trains on ciphertexts as well, and the table says of how many rows held out the prediction differs.

    python benches/tables.py            # all ten, the table in Markdown
    python benches/tables.py --clear    # without ciphertexts
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from volley import VolleyClassifier

Table = tuple[np.ndarray, np.ndarray]
#: Points of accuracy that VolleyClassifier may be below LogisticRegression.
MARGIN = 0.01


def named_iris() -> Table:
    data = datasets.load_iris()
    return data.data, data.target_names[data.target]


def high_or_low() -> Table:
    X, y = datasets.load_diabetes(return_X_y=True)
    return X, np.where(y > np.median(y), "high", "low")


def made(**shape: object) -> Callable[[], Table]:
    return lambda: datasets.make_classification(random_state=0, **shape)


TABLES: dict[str, Callable[[], Table]] = {
    "iris, labels are texts": named_iris,
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "diabetes, high or low": high_or_low,
    "wide": made(n_samples=300, n_features=200, n_informative=20, n_classes=2),
    "tall": made(n_samples=10_000, n_features=10, n_informative=6, n_classes=3),
    "unbalanced": made(n_samples=2000, n_features=12, n_informative=6, weights=[0.95], flip_y=0.01),
    "twenty classes": made(
        n_samples=2000, n_features=30, n_informative=20, n_classes=20, n_clusters_per_class=1, class_sep=2.0
    ),
    "five clouds": lambda: datasets.make_blobs(n_samples=1000, n_features=8, centers=5, cluster_std=4.0, random_state=0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clear", action="store_true", help="do not train on ciphertexts")
    clear_only = parser.parse_args().clear
    print("| table | rows × features, classes | LogisticRegression | VolleyClassifier | difference | encrypted |")
    print("|---|---|---|---|---|---|")
    worst = 1.0
    for name, table in TABLES.items():
        X, y = table()
        folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
        rival = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        theirs = cross_val_score(rival, X, y, cv=folds).mean()
        ours = cross_val_score(VolleyClassifier(execution="clear"), X, y, cv=folds).mean()
        worst = min(worst, ours - theirs)
        encrypted = "–" if clear_only else on_ciphertexts(X, y, *next(folds.split(X, y)))
        shape = f"{X.shape[0]} × {X.shape[1]}, {len(np.unique(y))}"
        print(
            f"| {name} | {shape} | {100 * theirs:.1f} % | {100 * ours:.1f} % | {100 * (ours - theirs):+.1f} | {encrypted} |",
            flush=True,
        )
    verdict = "within a point" if worst >= -MARGIN else "MORE THAN A POINT BELOW"
    print(f"\nThe largest loss is {-100 * worst:.1f} points: {verdict}.")


def on_ciphertexts(X: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> str:
    """How many predictions differ from those of the model in clear, and what the training took."""
    in_clear = VolleyClassifier(execution="clear").fit(X[train], y[train])
    start = time.perf_counter()
    encrypted = VolleyClassifier().fit(X[train], y[train])
    seconds = time.perf_counter() - start
    differ = np.sum(in_clear.predict(X[test]) != encrypted.predict(X[test]))
    return f"{differ} of {len(test)} differ, {seconds:.1f} s"


if __name__ == "__main__":
    main()
