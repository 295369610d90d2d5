//! Features of images by an ONNX model.

use std::path::{Path, PathBuf};

use numpy::ndarray::{Array2, Axis, concatenate};
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray4};
use pyo3::prelude::*;
use volley_data::{LabelSource, read_images};
use volley_features::{Backbone, ImageSource, Recipe, extract};
use volley_project::Observer;

use crate::failure::Failure;
use crate::work;

/// Images between two looks at whether the work is to end.
const IMAGES_PER_LOOK: usize = 64;

/// Where images are.
#[derive(FromPyObject)]
pub(crate) enum Images<'py> {
    /// Images × rows × columns × values of a pixel.
    #[pyo3(transparent)]
    Array(PyReadonlyArray4<'py, u8>),
    /// A folder, or a file of images.
    #[pyo3(transparent)]
    Path(PathBuf),
}

impl Images<'_> {
    fn open(self) -> Result<ImageSource, Failure> {
        match self {
            Self::Array(array) => {
                let array = array.as_array();
                let (images, rows, columns, values) = array.dim();
                let bytes = array.iter().copied().collect();
                Ok(ImageSource::from_bytes(
                    Path::new("images"),
                    [images, rows, columns, values],
                    bytes,
                    None,
                )?)
            }
            Self::Path(path) => ImageSource::open_or_read(&path, |file| {
                Ok(read_images(file, &LabelSource::Usual)?.into_parts())
            }),
        }
    }
}

/// Images × features, and the label of each image, where they have labels.
type FeaturesOfImages<'py> = (Bound<'py, PyArray2<f32>>, Option<Vec<String>>);

/// Features of images, as `volley features` computes them.
#[pyfunction]
#[pyo3(signature = (model, images, recipe, progress))]
pub(crate) fn features_of<'py>(
    py: Python<'py>,
    model: PathBuf,
    images: Images<'py>,
    recipe: PathBuf,
    progress: Option<Py<PyAny>>,
) -> PyResult<FeaturesOfImages<'py>> {
    let images = images.open()?;
    let (values, labels) = work::run(py, progress, move |reporter| {
        let backbone = Backbone::load(&model, Recipe::read(&recipe)?)?;
        let all = images.count();
        let count = reporter.counts("features", all, "images".to_owned());
        let mut parts: Vec<Array2<f32>> = Vec::new();
        for start in (0..all).step_by(IMAGES_PER_LOOK) {
            reporter.check()?;
            let range = start..all.min(start + IMAGES_PER_LOOK);
            parts.push(extract(&backbone, &images, range, |done| count.set(start + done))?.values);
        }
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        Ok((concatenate(Axis(0), &views)?, images.labels().map(<[String]>::to_vec)))
    })?;
    Ok((values.into_pyarray(py), labels))
}
