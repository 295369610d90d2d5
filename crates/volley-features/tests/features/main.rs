//! The crate as programs use it: models of `testdata`, images of every kind, and what goes wrong.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as such here")]

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use tempfile::TempDir;
use volley_data::{LabelSource, TableOptions, read_images, read_table};
use volley_features::{Backbone, FeatureError, ImageSource, Recipe};

mod extraction;
mod operators;
mod paper;
mod partial;
mod refusals;
mod regnet;

/// The recipe of the tiny model.
const RECIPE: &str = r#"
size = [8, 8]
resize = "bilinear"
channels = "rgb"
mean = [0.5, 0.5, 0.5]
deviation = [0.25, 0.25, 0.25]
layer = "features"
"#;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// A file of MNIST in the repository.
fn mnist(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist").join(name)
}

fn test_digits() -> ImageSource {
    images(&mnist("t10k-images.idx3-ubyte.gz"), &LabelSource::Usual)
}

/// The images of a file.
fn images(path: &Path, labels: &LabelSource) -> ImageSource {
    let read = |file: &Path| Ok::<_, FeatureError>(read_images(file, labels).unwrap().into_parts());
    ImageSource::open_or_read(path, read).unwrap()
}

fn recipe(folder: &TempDir, text: &str) -> Recipe {
    let path = folder.path().join("recipe.toml");
    fs::write(&path, text).unwrap();
    Recipe::read(&path).unwrap()
}

fn tiny() -> Backbone {
    let folder = tempfile::tempdir().unwrap();
    Backbone::load(&testdata("tiny.onnx"), recipe(&folder, RECIPE)).unwrap()
}

fn golden(name: &str) -> Array2<f64> {
    read_table(&testdata(name), &TableOptions::default()).unwrap().features().clone()
}

/// The largest |a − b|, and the largest |b|.
fn compare(found: &Array2<f32>, expected: &Array2<f64>) -> (f64, f64) {
    assert_eq!(found.dim(), expected.dim());
    let pairs = found.iter().zip(expected);
    pairs.fold((0.0, 0.0), |(difference, size): (f64, f64), (&a, &b)| {
        (difference.max((f64::from(a) - b).abs()), size.max(b.abs()))
    })
}
