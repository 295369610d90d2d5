"""Labels and columns between NumPy, pandas and files."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np


def names_of(classes: np.ndarray) -> list[str]:
    """The texts by which classes are told apart in files: whole numbers without a point, whatever their type."""
    names = [str(int(label)) if isinstance(label, Integral) else str(label) for label in classes]
    if len(set(names)) < len(names):
        raise ValueError("two classes have the same text, by which they are told apart in files")
    return names


def labels_of(names: list[str]) -> np.ndarray:
    """The labels that a file names: whole numbers where all are, else texts."""
    try:
        numbers = np.array([int(name) for name in names])
    except ValueError:
        return np.array(names)
    return numbers if [str(number) for number in numbers] == names else np.array(names)


def refuse_categories(X: Any) -> None:
    """Refuses columns of a DataFrame that hold no numbers, by their names."""
    if not hasattr(X, "dtypes") or not hasattr(X, "columns"):
        return
    strange = [f"{name!r} ({kind})" for name, kind in zip(X.columns, X.dtypes) if not _is_numeric(kind)]
    if strange:
        raise ValueError(
            f"could not convert columns to numbers, which Volley takes alone: {', '.join(strange)}; "
            "a OneHotEncoder in a ColumnTransformer makes numbers of categories, and a difference in days those of dates"
        )


def _is_numeric(kind: Any) -> bool:
    return getattr(kind, "kind", "O") in "biuf"
