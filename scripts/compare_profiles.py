#!/usr/bin/env python3
"""The table of docs/training.md: accuracy in clear of the profiles, before and after whitening, beside scikit-learn.

    cargo build --example accuracy -p volley-data
    python scripts/compare_profiles.py target/debug/examples/accuracy

Needs NumPy and scikit-learn (made with 1.9.1). Scikit-learn's tables are split in four, each part being tested on by a model
of the others. Of the MNIST features (data/mnist-features) the first rows are trained on and all 10,000 test rows tested on.
"""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import public_tables

FEATURES = Path(__file__).parent.parent / "data" / "mnist-features"


def folds():
    """Name, and training rows, labels, test rows, labels of each part."""
    for name, x, y in public_tables.tables():
        yield name, public_tables.quarters(x, y)

    def features(name):
        arrays = np.load(FEATURES / name)
        return arrays["X_offset"] + arrays["X"] * arrays["X_scale"], arrays["y"]

    x, y = features("train-first8192.npz")
    t, labels = features("t10k.npz")
    for rows in (128, 1024, 8192):
        yield f"MNIST features, {rows:,} rows", [(x[:rows], y[:rows], t, labels)]


def volley(program, fold, folder):
    """Of each profile and number of iterations: accuracy and largest score, NaN where training diverges."""
    x, y, t, labels = fold
    paths = [folder / "training.npz", folder / "test.npz"]
    np.savez(paths[0], X=x, y=y)
    np.savez(paths[1], X=t, y=labels)
    output = subprocess.run([program, *paths], check=True, capture_output=True, text=True).stdout
    number = lambda text: np.nan if text == "-" else float(text)
    lines = [line.split() for line in output.splitlines()]
    return {(name, int(count)): (number(accuracy), number(score)) for name, count, accuracy, score in lines}


def main():
    warnings.filterwarnings("ignore")
    keys = [(name, count) for name in ("standardised", "standard") for count in (2, 4, 10, 30)]
    print("| table | `standardised`, T = 2 | 4 | 10 | 30 | `standard`, T = 2 | 4 | 10 | 30 | scikit-learn |")
    print("|---" * (len(keys) + 2) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for name, parts in folds():
            results = [volley(sys.argv[1], part, Path(folder)) for part in parts]
            cells = []
            for key in keys:
                accuracy, score = np.transpose([result[key] for result in results])
                diverged = np.isnan(accuracy).any()
                cells.append("–" if diverged else f"{100 * accuracy.mean():.1f} ({score.max():.1f})")
            model = public_tables.logistic_regression()
            best = np.mean([model.fit(x, y).score(t, labels) for x, y, t, labels in parts])
            print(f"| {name} | " + " | ".join(cells) + f" | {100 * best:.1f} |", flush=True)


if __name__ == "__main__":
    main()
