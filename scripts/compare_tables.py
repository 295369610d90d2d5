#!/usr/bin/env python3
"""The table of docs/tables.md: encrypted training with the defaults on tables of scikit-learn and statsmodels.

    cargo build --release -p volley-cli
    python -m venv venv && venv/bin/pip install -r scripts/compare_tables.requirements.txt
    venv/bin/python scripts/compare_tables.py target/release/volley > docs/tables.md

Each table is split in four, and each part is tested on by a model of the other three. Each such model is trained by
`volley init`, `keygen`, `encrypt`, `train` and `decrypt`, without any option. Beside it is scikit-learn's
LogisticRegression with its defaults on the same rows, scaled by StandardScaler. The exit code is 1 if a table that is
not named in KNOWN is more than a point below, or two for an awkward one. Those that are named are below, and the page
says so. Names of tables after the program leave the others out.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import public_tables
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from statsmodels.datasets import anes96, fair, modechoice, randhie

# Points that a table may be below, and an awkward one.
POINTS, AWKWARD_POINTS = 1.0, 2.0
# Further below, for the reason that the page gives.
KNOWN = {"digits", "breast cancer"}
# Measured by the mean of both classes' recalls.
BALANCED = {"unbalanced, 1 : 99"}
# Tested on one of the four parts: training takes minutes.
ONE_PART = {"3,000 features"}

HEAD = """# Other tables

Encrypted training with the defaults of `volley`, beside scikit-learn's `LogisticRegression` (its defaults, on features
scaled by `StandardScaler`). Each table is split in four, and each part is tested on by a model of the other three. The
figures are means over the four parts. [compare_tables.py](../scripts/compare_tables.py) makes this page.

| table | rows × columns | classes | volley, encrypted | LogisticRegression | difference |
|---|--:|--:|--:|--:|--:|"""

TAIL = """
The last seven are random, each awkward in one way (`awkward_tables` of the script). Of the unbalanced one the mean of
both classes' recalls is shown, as 99 % are right by one class alone. The one of 3,000 features is tested on a single
part.

**Two tables of libraries are more than a point below: digits and breast cancer, by 1.4 points each.** The cause is the
L2 penalty on the weights of the standardised columns, which `LogisticRegression` has by default (C = 1) and encrypted
training has not. With a penalty too small to matter (`C=1e5`), `LogisticRegression` has 96.0 and 95.3 % on these two:
0.6 points above the encrypted figure, and 0.5 below it.

Training has two iterations. The first is linear discriminant analysis, and the second stays near it
([training.md](training.md)): scikit-learn's `LinearDiscriminantAnalysis` (shrinkage by Ledoit and Wolf) has 95.6 % on
both, with the same four parts. More iterations of `standard` do not help: 30 of them have 95.5 and 94.9 %. One against
the rest is not the cause: `OneVsRestClassifier` with the penalty has 96.7 and 97.2 %. Nor is a setting too weak. In
clear, ridges of 0.1 to 10 in the recoding, instead of 0.01, and shrinkages of twice to ten times that of Ledoit and
Wolf are better on neither of the two, and most are worse on other tables.

**The first step counts too.** The momentum of the paper begins with η₁ = 0.99, so that the second iteration nearly
forgets the step of the first ([training.md](training.md)). A prototype in NumPy did without: no momentum, the rates 2.5
and 3.6 instead of 1, degree 7 on [−16, 16] instead of 3 on [−8, 8], a ridge of 1/(0.07 n) for C = 1 in the whitening,
and no recoding of two classes. Two iterations on ten folds are then 0.4 points below `LogisticRegression` on breast
cancer and 1.2 on digits, instead of 1.8 and 1.9. But on 128, 256 and 512 rows of MNIST features it is 1.8, 0.8 and 0.3
points worse than the defaults without γ ([training.md](training.md)), and it takes a level more. With the penalty in
each step as well, a factor of the weights for each principal component, these are 0.8 and 0.2 points worse and 0.2
better: that takes a ciphertext more, and digits stay 1.2 below. Converged, one class against the rest with the penalty
and recoded has 0.7 to 0.9 points less than `LogisticRegression` on digits."""


def tables():
    """Name, features and labels."""
    yield from public_tables.tables()
    for name, module, target in [
        ("affairs (fair)", fair, "affairs"),
        ("vote (anes96)", anes96, "vote"),
        ("party (anes96)", anes96, "PID"),
        ("travel (modechoice)", modechoice, "choice"),
        ("doctor visits (randhie)", randhie, "mdvis"),
    ]:
        data = module.load_pandas().data.dropna()
        features = data.drop(columns=[target]).to_numpy(float)
        labels = data[target].to_numpy()
        # Counts and shares of time: none, or any.
        yield name, features, (labels > 0 if target in ("affairs", "mdvis") else labels).astype(int)


def awkward_tables():
    """Name, features and labels of tables that are awkward in one way each."""
    rng = np.random.default_rng(0)

    def clouds(rows, columns, classes, spread, shares=None):
        labels = rng.choice(classes, rows, p=shares)
        centres = rng.normal(size=(classes, columns)) * spread
        return centres[labels] + rng.normal(size=(rows, columns)), labels

    yield "unbalanced, 1 : 99", *clouds(4000, 8, 2, 0.9, [0.99, 0.01])
    yield "one feature", *clouds(400, 1, 2, 1.5)
    wide, labels = clouds(600, 3000, 2, 0.06)
    yield "3,000 features", wide, labels
    yield "100 classes", *clouds(3000, 20, 100, 1.2)
    columns, labels = clouds(500, 6, 3, 0.8)
    yield "duplicated columns", np.hstack([columns, columns, columns[:, :1]]), labels
    columns, labels = clouds(500, 7, 3, 0.8)
    yield "ranges from 1e-9 to 1e9", columns * 10.0 ** np.arange(-9, 10, 3), labels
    columns, labels = clouds(1000, 8, 3, 0.8)
    yield "heavy tails", np.sinh(3 * columns), labels


def volley(program, fold, folder):
    """What `volley evaluate` says of a model that was trained on encrypted rows."""
    x, y, t, labels = fold
    project, upload = folder / "project", folder / "project" / "upload"
    for name, features, of_rows in [("train", x, y), ("test", t, labels)]:
        names = ",".join(["label", *(f"x{column}" for column in range(features.shape[1]))])
        rows = [[str(label), *map(repr, map(float, row))] for label, row in zip(of_rows, features)]
        (folder / f"{name}.csv").write_text("\n".join([names, *map(",".join, rows)]) + "\n")

    def run(*arguments):
        command = [program, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    run("init", folder / "train.csv", project)
    run("keygen", project)
    run("encrypt", project, folder / "train.csv")
    run("train", upload)
    run("decrypt", project, upload / "model.vly", "-o", folder / "model.json")
    return json.loads(run("evaluate", folder / "model.json", folder / "test.csv", "--json"))


def compare(program, name, x, y):
    """The share that both get right on held out rows, in percent."""
    folds = public_tables.quarters(x, y)[: 1 if name in ONE_PART else 4]
    key, score = ("balanced_accuracy", balanced_accuracy_score) if name in BALANCED else ("accuracy", accuracy_score)
    model = public_tables.logistic_regression()
    found, best = [], []
    for x, y, t, labels in folds:
        with tempfile.TemporaryDirectory() as folder:
            found.append(volley(program, (x, y, t, labels), Path(folder))[key])
        best.append(score(labels, model.fit(x, y).predict(t)))
    return 100 * np.mean(found), 100 * np.mean(best)


def main():
    print(HEAD)
    below = []
    of_points = [(POINTS, table) for table in tables()] + [(AWKWARD_POINTS, table) for table in awkward_tables()]
    for points, (name, x, y) in of_points:
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        found, best = compare(sys.argv[1], name, x, y)
        if found < best - points and name not in KNOWN:
            below.append(name)
        shape = f"{x.shape[0]:,} × {x.shape[1]:,} | {len(set(y))}"
        figures = f"{found:.1f} % | {best:.1f} % | {found - best:+.1f}"
        print(f"| {name} | {shape} | {figures} |", flush=True)
    print(TAIL)
    if below:
        sys.exit(f"below: {', '.join(below)}")


if __name__ == "__main__":
    main()
