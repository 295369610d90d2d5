//! The two parties on the files of the program: `volley init`, `keygen`, `encrypt`, `train` and `decrypt`.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyReadonlyArray2;
use pyo3::prelude::*;
use volley_data::{Schema, Use};
use volley_mlr::volley_ckks::{Ciphertext, Context, EvaluationKeySet, Evaluator, SecretKey};
use volley_mlr::{Checkpoint, EncryptedModel, Gradient, Job, Owner, Plan, Trainer};
use volley_project::atomic::{FolderLock, Staged, check_free};
use volley_project::volley_program::{BadInput, OrBadInput};
use volley_project::{
    JobFolder, Project, StagedUpload, UploadProblem, check_keys, check_upload, checkpoint_limit, model_limit,
    open, open_rows,
};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::fit::{dataset, generator, in_clear, prepare};
use crate::model::PyModel;
use crate::plan::PyPlan;
use crate::work::{self, Reporter};

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

    /// Makes the folder of a plan, as `volley init` does.
    #[staticmethod]
    fn create(project: PathBuf, plan: &PyPlan) -> PyResult<Self> {
        Project::create(&project, &plan.settings, serde_json::Map::new(), &plan.plan)
            .map_err(Failure::from)?;
        Ok(Self(project))
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
            let upload = project.upload();
            let _lock = FolderLock::take(upload.path())?;
            check_free(&project.secret_key_file(), replace)?;
            check_free(&upload.keys_file(), replace)?;
            let plan = project.plan()?;
            let (context, spec) = (Context::new(plan.parameters().clone()), plan.key_spec());
            let mut rng = generator()?;
            let secret_key = SecretKey::generate(&context, &mut rng);
            let told = |done| reporter.tell("keys", done, spec.key_count());
            let keys = EvaluationKeySet::generate_with(&secret_key, spec, &mut rng, told)?;
            reporter.step("keys", spec.key_count(), spec.key_count())?;
            let secret = Staged::private(&project.secret_key_file(), |file| match &passphrase {
                Some(passphrase) => secret_key.write_sealed(passphrase.as_bytes(), &mut rng, file),
                None => secret_key.write(file),
            })?;
            let public = Staged::new(&upload.keys_file(), |out| keys.write(plan.parameters(), out))?;
            secret.commit(replace)?;
            Ok(public.commit(replace)?)
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
            check_free(&upload.job_file(), replace)?;
            let plan = Arc::new(project.plan()?);
            let set = Arc::new(prepare(&data, &plan, balanced)?);
            in_clear(&set, plan.hyperparameters())?;
            let context = Context::new(plan.parameters().clone());
            let (secret_key, _) = project.secret_key(&context, self::passphrase(passphrase))?;
            check_keys(&upload.keys_file(), &secret_key)?;
            let owner = Owner::new(&plan, &set, &Arc::new(secret_key))?;
            let mut rng = generator()?;
            let job = Job::new(Arc::clone(&plan), owner.key_id(), &mut rng)?;
            let schema = Schema::new(vec![Use::Feature; data.features().ncols()], names)?;
            let (private, encryption) = (project.owner_files(), owner.encryption()?);
            let written = |files| reporter.step("encryption", files, plan.row_files());
            let state = set.owner_state();
            StagedUpload::write(&upload, &private, &job, &encryption, state, &schema, &mut rng, written)?
                .commit(replace)?;
            Ok(())
        })
    }

    /// Decrypts a model that the server returned, as `volley decrypt` does.
    #[pyo3(signature = (model, *, passphrase=None))]
    fn decrypt(&self, py: Python<'_>, model: PathBuf, passphrase: Option<String>) -> PyResult<PyModel> {
        let project = self.project()?;
        work::run(py, None, move |_| {
            let job = project.job()?;
            let plan = job.plan();
            let context = Context::new(plan.parameters().clone());
            let secret_key = project.secret_key_of(&job, &context, self::passphrase(passphrase))?;
            let state = project.owner_state(&job)?;
            let encrypted =
                EncryptedModel::<Ciphertext>::read(&job, &context, open(&model)?, model_limit(plan));
            let decrypted = state.decrypt(plan, &secret_key, &encrypted.at(&model)?).at(&model)?;
            PyModel::new(decrypted, project.schema(&job)?)
        })
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

    /// Trains, as `volley train` does, and gives the path of the encrypted model. Every iteration leaves a checkpoint,
    /// which a training that was ended goes on from, here or in the program.
    #[pyo3(signature = (progress=None))]
    fn train(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> PyResult<PathBuf> {
        let folder = self.0.clone();
        work::run(py, progress, move |reporter| {
            let job = folder.job()?;
            let _lock = FolderLock::take(folder.path())?;
            let context = Context::new(job.plan().parameters().clone());
            let model = folder.model_file();
            if model.exists() {
                // A file that is no model of this job is left alone, and is an error.
                EncryptedModel::<Ciphertext>::read(
                    &job,
                    &context,
                    folder.open(&model)?,
                    model_limit(job.plan()),
                )
                .at(&model)?;
                return Ok(model);
            }
            let storage = job.plan().storage();
            check_upload(&folder, &job, storage).map_err(|problem| match problem {
                UploadProblem::Incomplete(problem) | UploadProblem::Wrong(problem) => problem,
            })?;
            train(&folder, &job, &context, reporter)?;
            Ok(model)
        })
    }

    fn __repr__(&self) -> String {
        format!("<volley.Server of {}>", self.0.path().display())
    }
}

/// Trains from the last checkpoint on, to the last iteration.
fn train(folder: &JobFolder, job: &Job, context: &Arc<Context>, reporter: &Reporter) -> Result<(), Failure> {
    let plan = job.plan();
    let keys = folder.keys(job, context, plan.key_spec(), folder.open(&folder.keys_file())?)?;
    let evaluator = Arc::new(Evaluator::new(context, keys)?);
    let read = |files| reporter.step("set-up", files, plan.row_files());
    let rows = open_rows(folder, job, &evaluator, plan.storage(), read)?;
    let mut trainer = Trainer::from_rows(&evaluator, plan, rows)?;
    let mut before = 0;
    let file = folder.checkpoint_file();
    if file.exists() {
        let checkpoint =
            Checkpoint::read(job, context, folder.open(&file)?, checkpoint_limit(plan)).at(&file)?;
        before = checkpoint.iteration();
        trainer = trainer.resumed(plan, checkpoint)?;
    }
    for iteration in before..plan.hyperparameters().iterations() {
        let gradient = gradient(&trainer, plan, iteration, reporter)?;
        trainer.step_by(&gradient)?;
        if iteration + 1 < plan.hyperparameters().iterations() {
            let checkpoint =
                trainer.checkpoint().ok_or_else(|| Failure::new("an iteration leaves a checkpoint"))?;
            Staged::new(&file, |out| checkpoint.write(job, out))?.commit(true)?;
        }
    }
    let model = trainer.model().ok_or_else(|| Failure::new("an iteration leaves a model"))?;
    Staged::new(&folder.model_file(), |out| model.write(job, out))?.commit(false)?;
    for done in [file, folder.gradient_file()] {
        if done.exists() {
            std::fs::remove_file(&done).at(&done)?;
        }
    }
    Ok(())
}

/// The gradient of all rows, file by file: between them the work may end.
fn gradient(
    trainer: &Trainer<Evaluator>,
    plan: &Plan,
    iteration: usize,
    reporter: &Reporter,
) -> Result<Gradient<<Evaluator as volley_mlr::volley_ckks::Arithmetic>::Tensor>, Failure> {
    let (files, iterations) = (plan.row_files(), plan.hyperparameters().iterations());
    let missing = || Failure::new("an iteration is left");
    reporter.step("training", iteration * files, iterations * files)?;
    let mut sum = trainer.gradient(plan.row_file_groups(0))?.ok_or_else(missing)?;
    for file in 1..files {
        reporter.step("training", iteration * files + file, iterations * files)?;
        sum = trainer.extend_gradient(sum, plan.row_file_groups(file))?;
    }
    reporter.step("training", (iteration + 1) * files, iterations * files)?;
    Ok(sum)
}
