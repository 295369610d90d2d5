//! The two parties on the files of the program: `volley init`, `keygen`, `encrypt`, `train` and `decrypt`.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{IntoPyArray, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use volley_data::{Schema, Use};
use volley_mlr::Owner;
use volley_mlr::volley_ckks::{Context, SecretKey};
use volley_project::atomic::FolderLock;
use volley_project::volley_program::{BadInput, Machine};
use volley_project::{
    Decryption, JobFolder, Observer, Project, RowScores, check_keys, encrypt, score, stop, train,
};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::fit::{dataset, generator, in_clear, prepare};
use crate::model::{PyModel, feature_names};
use crate::plan::PyPlan;
use crate::work;

/// An owner's project: the folder that `volley init` makes.
#[pyclass(frozen, name = "Owner", module = "volley")]
pub(crate) struct PyOwner(PathBuf);

/// A passphrase as the project asks for it.
fn passphrase(given: Option<String>) -> impl FnOnce() -> Result<Zeroizing<String>, BadInput> {
    move || {
        given
            .map(Zeroizing::new)
            .ok_or_else(|| BadInput::new("the secret key is sealed: passphrase=... opens it"))
    }
}

impl PyOwner {
    fn project(&self) -> Result<Project, Failure> {
        Ok(Project::open(&self.0)?)
    }
}

#[pymethods]
impl PyOwner {
    /// Opens a project, of Python or of the program.
    #[new]
    fn new(project: PathBuf) -> PyResult<Self> {
        let owner = Self(project);
        owner.project()?;
        Ok(owner)
    }

    /// Makes the folder of a plan, as `volley init` does. `names` are those of the features, where they have any.
    #[staticmethod]
    fn create(project: PathBuf, plan: &PyPlan, names: Option<Vec<String>>) -> PyResult<Self> {
        let schema = |names: Vec<String>| Schema::new(vec![Use::Feature; names.len()], Some(names));
        let columns = names.map(schema).transpose().map_err(Failure::from)?;
        Project::create(&project, &plan.settings, serde_json::Map::new(), columns.as_ref(), &plan.plan)
            .map_err(Failure::from)?;
        Ok(Self(project))
    }

    /// The names of the features that were planned for, where they have any.
    #[getter]
    fn planned_features(&self) -> PyResult<Option<Vec<String>>> {
        let planned = self.project()?.planned_schema().map_err(Failure::from)?;
        Ok(planned.as_ref().and_then(feature_names))
    }

    /// The names of the features that were encrypted, where they have any.
    #[getter]
    fn encrypted_features(&self) -> PyResult<Option<Vec<String>>> {
        let project = self.project()?;
        let schema = project.job().and_then(|job| project.schema(&job)).map_err(Failure::from)?;
        Ok(feature_names(&schema))
    }

    /// The folder that goes to the server, as it is.
    #[getter]
    fn upload(&self) -> PyResult<PathBuf> {
        Ok(self.project()?.upload().path().to_owned())
    }

    /// Makes the secret key, which stays, and the evaluation keys, which the server gets, as `volley keygen` does.
    #[pyo3(signature = (*, passphrase=None, replace=false, progress=None))]
    fn generate_keys(
        &self,
        py: Python<'_>,
        passphrase: Option<String>,
        replace: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let (passphrase, project) = (passphrase.map(Zeroizing::new), self.project()?);
        work::run(py, progress, move |reporter| {
            let secret_key = |context: &_, rng: &mut _| Ok((SecretKey::generate(context, rng), passphrase));
            project.generate_keys(secret_key, replace, &mut generator()?, reporter)?;
            Ok(())
        })
    }

    /// Encrypts labelled rows and completes the upload, as `volley encrypt` does.
    #[pyo3(signature = (
        features, labels, names=None, *, balanced=false, passphrase=None, replace=false, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are Python's, by their names")]
    fn encrypt_rows(
        &self,
        py: Python<'_>,
        features: PyReadonlyArray2<'_, f64>,
        labels: Vec<String>,
        names: Option<Vec<String>>,
        balanced: bool,
        passphrase: Option<String>,
        replace: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let (data, project) = (dataset(&features, labels, false)?, self.project()?);
        work::run(py, progress, move |reporter| {
            let upload = project.upload();
            let _lock = FolderLock::take(upload.path())?;
            upload.check_replaceable(replace)?;
            let plan = Arc::new(project.plan()?);
            let set = Arc::new(prepare(&data, &plan, balanced)?);
            in_clear(&set, plan.hyperparameters())?;
            let context = Context::new(plan.parameters().clone());
            let (secret_key, _) = project.secret_key(&context, self::passphrase(passphrase))?;
            check_keys(&upload.keys_file(), &secret_key)?;
            let owner = Owner::new(&plan, &set, &Arc::new(secret_key))?;
            let schema = Schema::new(vec![Use::Feature; data.features().ncols()], names)?;
            let (private, mut rng) = (project.owner_files(), generator()?);
            encrypt(&upload, &private, &owner, &schema, replace, &mut rng, reporter)?;
            Ok(())
        })
    }

    /// Decrypts a model that the server returned, as `volley decrypt` does.
    #[pyo3(signature = (model, *, private=false, passphrase=None))]
    fn decrypt(
        &self,
        py: Python<'_>,
        model: PathBuf,
        private: bool,
        passphrase: Option<String>,
    ) -> PyResult<PyModel> {
        let decryption = if private { Decryption::Private } else { Decryption::AsPlanned };
        let project = self.project()?;
        work::run(py, None, move |reporter| {
            let passphrase = self::passphrase(passphrase);
            let decrypted = project.decrypt_model(&model, decryption, passphrase, reporter)?;
            Ok(PyModel::from(decrypted.model))
        })
    }

    /// Encrypts rows without labels for a prediction, as `volley encrypt-rows` does.
    #[pyo3(signature = (features, target, *, passphrase=None, replace=false))]
    fn encrypt_for_scores(
        &self,
        py: Python<'_>,
        features: PyReadonlyArray2<'_, f64>,
        target: PathBuf,
        passphrase: Option<String>,
        replace: bool,
    ) -> PyResult<()> {
        let (features, project) = (features.as_array().to_owned(), self.project()?);
        work::run(py, None, move |reporter| {
            let passphrase = self::passphrase(passphrase);
            let (_, unlike) =
                project.encrypt_rows(&features, &target, replace, passphrase, &mut generator()?, reporter)?;
            unlike.problems().for_each(|problem| reporter.note(problem));
            Ok(())
        })
    }

    /// Decrypts scores, rows × classes, as `volley decrypt-scores` does; with the classes.
    #[pyo3(signature = (scores, *, rows=None, passphrase=None))]
    fn decrypt_scores<'py>(
        &self,
        py: Python<'py>,
        scores: PathBuf,
        rows: Option<PathBuf>,
        passphrase: Option<String>,
    ) -> PyResult<(Vec<String>, Bound<'py, PyArray2<f64>>)> {
        let project = self.project()?;
        let RowScores { classes, scores, .. } = work::run(py, None, move |reporter| {
            let passphrase = self::passphrase(passphrase);
            Ok(project.decrypt_scores(&scores, rows.as_deref(), passphrase, reporter)?)
        })?;
        Ok((classes.names().to_vec(), scores.into_pyarray(py)))
    }

    fn __repr__(&self) -> String {
        format!("<volley.Owner of {}>", self.0.display())
    }
}

/// A server with the folder of a job. It has no secret key.
#[pyclass(frozen, name = "Server", module = "volley")]
pub(crate) struct PyServer(JobFolder);

#[pymethods]
impl PyServer {
    /// The folder that an owner sent.
    #[new]
    fn new(folder: PathBuf) -> Self {
        Self(JobFolder::new(&folder))
    }

    /// Trains, as `volley train` does, and gives the path of the encrypted model. It goes on where an earlier training
    /// ended, here or in the program.
    #[pyo3(signature = (*, memory=None, progress=None))]
    fn train(&self, py: Python<'_>, memory: Option<u64>, progress: Option<Py<PyAny>>) -> PyResult<PathBuf> {
        let folder = self.0.clone();
        work::run(py, progress, move |reporter| {
            train(&folder, &folder.job()?, Machine::of_memory(memory), reporter)?;
            Ok(folder.model_file())
        })
    }

    /// Tells a training that it need not go on, as `volley stop` does.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| Ok(stop(&self.0).map(drop)?)).map_err(|error: Failure| error.into())
    }

    /// Scores encrypted rows by the encrypted model, as `volley score` does.
    #[pyo3(signature = (rows, target, *, memory=None, replace=false, progress=None))]
    fn score(
        &self,
        py: Python<'_>,
        rows: PathBuf,
        target: PathBuf,
        memory: Option<u64>,
        replace: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let folder = self.0.clone();
        work::run(py, progress, move |reporter| {
            score(&folder, &rows, &target, replace, Machine::of_memory(memory), reporter)?;
            Ok(())
        })
    }

    fn __repr__(&self) -> String {
        format!("<volley.Server of {}>", self.0.path().display())
    }
}
