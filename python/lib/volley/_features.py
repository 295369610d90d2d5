"""Features of images by an ONNX model."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from volley import _volley
from volley._labels import labels_of
from volley._progress import Progress, listener


def features(
    model: str | PathLike[str],
    images: str | PathLike[str] | NDArray[np.uint8],
    *,
    recipe: str | PathLike[str] | None = None,
    progress: bool | Progress | None = None,
) -> tuple[NDArray[np.float32], np.ndarray | None]:
    """Features of images by a pre-trained network, as ``volley features`` computes them, on the owner's machine.

    Parameters
    ----------
    model : path of an ONNX model
    images : path or array of bytes
        A folder of PNG and JPEG images, with a folder for each class or without; a file of IDX or NPY; or an array of
        images × rows × columns, with a last axis of 3 for red, green and blue.
    recipe : path, optional
        How an image becomes the model's input. By default the model's name with .toml.
    progress : bool or callable, optional
        As that of :class:`VolleyClassifier`.

    Returns
    -------
    features : float32 array, images × features
    labels : array, or None where the images have no labels
    """
    recipe = Path(model).with_suffix(".toml") if recipe is None else Path(recipe)
    with listener(progress) as told:
        values, labels = _volley.features_of(Path(model), _source(images), recipe, told)
    return values, None if labels is None else labels_of(labels)


def _source(images: str | PathLike[str] | NDArray[np.uint8]) -> Path | NDArray[np.uint8]:
    if isinstance(images, (str, PathLike)):
        return Path(images)
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise ValueError(f"images are bytes in 3 or 4 axes, not {images.dtype} in {images.ndim}")
    return images if images.ndim == 4 else images[..., np.newaxis]
