"""Features of images, from paths and arrays."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from test_parties import needs_program, run

import volley

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "crates" / "volley-features" / "testdata" / "tiny.onnx"
IMAGES = ROOT / "data" / "mnist" / "t10k-images.idx3-ubyte.gz"


@pytest.fixture
def recipe(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text('size = [8, 8]\nresize = "bilinear"\nchannels = "rgb"\nlayer = "features"\n')
    return file


@pytest.fixture(scope="module")
def images():
    return np.frombuffer(gzip.decompress(IMAGES.read_bytes())[16:], dtype=np.uint8).reshape(-1, 28, 28)[:100]


@needs_program
def test_they_are_those_of_the_program(recipe, images, tmp_path):
    told = []
    found, labels = volley.features(MODEL, images, recipe=recipe, progress=lambda *step: told.append(step))
    assert labels is None and found.dtype == np.float32 and told[-1] == ("features", 100, 100)
    run("features", MODEL, IMAGES, "--recipe", recipe, "--range", "0..100", "-o", tmp_path / "x.npz")
    assert np.array_equal(found, np.load(tmp_path / "x.npz")["X"])
    np.save(tmp_path / "some.npy", images[:10])
    assert np.array_equal(volley.features(MODEL, tmp_path / "some.npy", recipe=recipe)[0], found[:10])
    in_colours = np.repeat(images[:10, :, :, np.newaxis], 3, axis=3)
    assert np.array_equal(volley.features(MODEL, in_colours, recipe=recipe)[0], found[:10])


def test_what_is_no_image_is_refused(recipe, images):
    with pytest.raises(ValueError, match="bytes in 3 or 4 axes, not float64"):
        volley.features(MODEL, images / 255, recipe=recipe)
    with pytest.raises(volley.Error, match="tiny.toml"):
        volley.features(MODEL, images)
    with pytest.raises(volley.Error):
        volley.features(MODEL, images.reshape(50, 28, 28, 2), recipe=recipe)
    with pytest.raises(volley.Error, match="none"):
        volley.features(MODEL, "none", recipe=recipe)
