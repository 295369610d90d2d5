//! Trained models, and their files.

use std::path::PathBuf;

use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use volley_data::{ModelFormat, Schema, TableModel, Use, read_model, write_model};
use volley_mlr::{Error, Model, Sharing};
use volley_project::UnlikeColumns;
use volley_project::atomic::Staged;
use volley_project::output::check_decrypted;

use crate::failure::{Failure, warn};

/// The names of the features among some columns, where they have any.
pub(crate) fn feature_names(columns: &Schema) -> Option<Vec<String>> {
    Some(columns.feature_names()?.into_iter().map(str::to_owned).collect())
}

/// A model with the columns of its table.
#[pyclass(frozen, name = "Model", module = "volley")]
pub(crate) struct PyModel(TableModel);

impl PyModel {
    /// A model of features with these names, or without any.
    pub(crate) fn of_features(model: Model, names: Option<Vec<String>>) -> Result<Self, Failure> {
        let columns = model.preprocessing().columns();
        Ok(TableModel::new(model, Schema::new(vec![Use::Feature; columns], names)?)?.into())
    }

    /// The scores of raw features. Columns that look unlike those trained on are warned of.
    fn scored(&self, py: Python<'_>, features: &PyReadonlyArray2<'_, f64>) -> PyResult<Array2<f64>> {
        let (features, model) = (features.as_array().to_owned(), self.0.model());
        let (scores, unlike) = py
            .detach(|| {
                let unlike = UnlikeColumns::of(model.preprocessing(), self.0.schema(), &features);
                Ok((model.scores(&features)?, unlike?))
            })
            .map_err(|error: Error| Failure::from(error))?;
        unlike.problems().try_for_each(|problem| warn(py, &problem))?;
        Ok(scores)
    }
}

impl From<TableModel> for PyModel {
    fn from(model: TableModel) -> Self {
        Self(model)
    }
}

#[pymethods]
impl PyModel {
    /// Reads a model that `volley decrypt` or `save` wrote.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self(py.detach(|| read_model(&path)).map_err(Failure::from)?))
    }

    /// Writes the model as .json or .npz, whole or not at all, for its owner alone (mode 0600).
    #[pyo3(signature = (path, *, replace=false))]
    fn save(&self, py: Python<'_>, path: PathBuf, replace: bool) -> PyResult<()> {
        py.detach(|| {
            let format = ModelFormat::of(&path)?;
            check_decrypted(&path, &[], replace)?;
            Staged::private(&path, |file| write_model(file, format, &self.0))?.commit(replace)?;
            Ok(())
        })
        .map_err(|error: Failure| error.into())
    }

    /// The classes, as texts, in the order of the coefficients' rows.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.0.model().classes().names().to_vec()
    }

    /// The names of the features, if they have any.
    #[getter]
    fn feature_names(&self) -> Option<Vec<&str>> {
        self.0.schema().feature_names()
    }

    /// Whether the model may be shown to those who work with the server.
    #[getter]
    fn shareable(&self) -> bool {
        self.0.model().sharing() != Sharing::Private
    }

    /// Coefficients of prepared features: classes × features.
    #[getter]
    fn coef<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        let weights = self.0.model().weights();
        weights.select(numpy::ndarray::Axis(1), &(1..weights.ncols()).collect::<Vec<_>>()).into_pyarray(py)
    }

    /// The bias of each class.
    #[getter]
    fn intercept<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.0.model().weights().column(0).to_owned().into_pyarray(py)
    }

    /// What is done to each feature before: for standardised ones whether the square root is taken, the mean and the
    /// inverse deviation; none where features stay as they are.
    #[getter]
    fn standardisation(&self) -> Option<Vec<(bool, f64, f64)>> {
        let columns = self.0.model().preprocessing().standardisations()?;
        Some(
            columns
                .iter()
                .map(|column| (column.square_root, column.mean, column.inverse_deviation))
                .collect(),
        )
    }

    /// The score of each class: rows × classes, for raw features.
    fn scores<'py>(
        &self,
        py: Python<'py>,
        features: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        Ok(self.scored(py, &features)?.into_pyarray(py))
    }

    /// The logarithm of the probability of each class: rows × classes, for raw features.
    fn log_probabilities<'py>(
        &self,
        py: Python<'py>,
        features: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let scores = self.scored(py, &features)?;
        Ok(self.0.model().score_kind().log_probabilities(&scores).into_pyarray(py))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let parts = (self.0.model(), self.0.schema());
        let bytes = serde_json::to_vec(&parts).map_err(Failure::from)?;
        Ok((py.get_type::<Self>().getattr("from_bytes")?, (PyBytes::new(py, &bytes),)))
    }

    /// A model from its pickle.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        let (model, schema) = serde_json::from_slice(bytes).map_err(Failure::from)?;
        Ok(TableModel::new(model, schema).map_err(Failure::from)?.into())
    }

    fn __repr__(&self) -> String {
        let model = self.0.model();
        format!(
            "<volley.Model of {} classes and {} features>",
            model.classes().len(),
            model.preprocessing().columns()
        )
    }
}
