//! A party of a pool, on the files of the program: `volley pool init`, `join`, `next`, `status` and `score`.

use std::path::PathBuf;

use numpy::PyReadonlyArray2;
use pyo3::prelude::*;
use volley_project::TableSource;
use volley_project::pool::{self, Joining, Outlook, PoolSettings, Proposal, Session, Workplace};
use volley_project::volley_program::Machine;

use crate::failure::Failure;
use crate::fit::generator;
use crate::model::{PyModel, feature_names};
use crate::plan::{core_times, figures, iterations};
use crate::work::{self, Reporter};

/// Steps, and who is waited for in each.
type AwaitedBySteps = Vec<(String, Vec<String>)>;

/// The folder of an owner or of the server.
#[pyclass(frozen, name = "Pool", module = "volley")]
pub(crate) struct PyPool(PathBuf);

/// A table with the labels in its first column.
#[derive(FromPyObject)]
pub(crate) struct OwnerTable {
    #[pyo3(item)]
    name: String,
    #[pyo3(item)]
    table: PathBuf,
    #[pyo3(item)]
    has_header: bool,
}

/// What an owner proposes to the others.
#[derive(FromPyObject)]
pub(crate) struct Options {
    #[pyo3(item)]
    members: Vec<String>,
    #[pyo3(item)]
    threshold: Option<usize>,
    #[pyo3(item)]
    classes: Vec<String>,
    /// As after `--iterations`.
    #[pyo3(item)]
    iterations: String,
    #[pyo3(item)]
    statistical_bits: u32,
    #[pyo3(item)]
    memory: Option<u64>,
    #[pyo3(item)]
    predict: usize,
    #[pyo3(item)]
    statistics: Option<PathBuf>,
}

impl OwnerTable {
    fn owner(&self) -> Result<pool::Owner, Failure> {
        Ok(pool::Owner::new(&self.name, &self.table, &TableSource::labels_first(self.has_header))?)
    }
}

impl Options {
    fn proposal(self) -> Result<Proposal, Failure> {
        let settings = PoolSettings {
            iterations: iterations(&self.iterations)?.count(),
            statistical_bits: self.statistical_bits,
            memory: self.memory,
            predict: self.predict,
            statistics: None,
        };
        let Self { members, threshold, classes, statistics, .. } = self;
        Ok(Proposal { members, threshold, classes, settings, statistics })
    }
}

fn workplace(memory: Option<u64>, reporter: &Reporter) -> Result<Workplace, Failure> {
    let (observer, rng) = (Box::new(reporter.clone()), Box::new(generator()?));
    Ok(Workplace { machine: Machine::of_memory(memory), observer, rng })
}

impl PyPool {
    /// Does something in the folder, without progress.
    fn with<T: Send + 'static>(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&Session) -> Result<T, Failure> + Send + 'static,
    ) -> PyResult<T> {
        let folder = self.0.clone();
        work::run(py, None, move |reporter| look(&Session::open(&folder, workplace(None, reporter)?, None)?))
    }
}

#[pymethods]
impl PyPool {
    /// The folder of a party, of Python or of the program.
    #[new]
    fn new(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        let pool = Self(folder);
        pool.with(py, |_| Ok(()))?;
        Ok(pool)
    }

    /// Invites other owners, as `volley pool init` does.
    #[staticmethod]
    fn invite(py: Python<'_>, folder: PathBuf, owner: OwnerTable, options: Options) -> PyResult<Self> {
        let root = folder.clone();
        work::run(py, None, move |reporter| {
            let session =
                pool::invite(&root, owner.owner()?, options.proposal()?, workplace(None, reporter)?)?;
            session.advance()?;
            Ok(())
        })?;
        Ok(Self(folder))
    }

    /// Takes part, as `volley pool join` does: as an owner, or without a table as the server.
    #[staticmethod]
    fn join(py: Python<'_>, folder: PathBuf, owner: Option<OwnerTable>) -> PyResult<Self> {
        let root = folder.clone();
        work::run(py, None, move |reporter| {
            let joining = match owner {
                Some(owner) => Joining::Owner(Box::new(owner.owner()?)),
                None => Joining::Server,
            };
            pool::join(&root, joining, workplace(None, reporter)?)?.advance()?;
            Ok(())
        })?;
        Ok(Self(folder))
    }

    /// Does what is due, as `volley pool next` does, and gives the steps that were done.
    #[pyo3(signature = (*, fingerprint=None, memory=None, leave_training=false, force=false, progress=None))]
    fn next(
        &self,
        py: Python<'_>,
        fingerprint: Option<String>,
        memory: Option<u64>,
        leave_training: bool,
        force: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<String>> {
        let folder = self.0.clone();
        work::run(py, progress, move |reporter| {
            let session = Session::open(&folder, workplace(memory, reporter)?, fingerprint)?;
            let session = if leave_training { session.leaving_training()? } else { session };
            let session = if force { session.sending_unlike_rows() } else { session };
            Ok(session.advance()?)
        })
    }

    /// Who is waited for, by step; and the fingerprint that owners compare, once it is known.
    #[getter]
    fn outlook(&self, py: Python<'_>) -> PyResult<(AwaitedBySteps, Option<String>)> {
        let (Outlook { awaited, fingerprint }, confirmed) =
            self.with(py, |session| Ok((session.outlook()?, session.confirmed()?)))?;
        Ok((
            awaited.into_iter().map(|awaited| (awaited.step, awaited.from)).collect(),
            fingerprint.or(confirmed),
        ))
    }

    /// What the pool takes, as `volley pool status --json` gives it; nothing before there is a plan.
    #[getter]
    fn needs<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let json = self.with(py, |session| {
            let needs = session.needs(&core_times()?.times)?;
            Ok(needs.map(|needs| serde_json::to_string(&needs)).transpose()?)
        })?;
        json.map(|json| figures(py, &json)).transpose()
    }

    /// The name by which the party sends.
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |session| Ok(session.name().to_owned()))
    }

    /// The names of the features that the owners agreed on, where they have any.
    #[getter]
    fn features(&self, py: Python<'_>) -> PyResult<Option<Vec<String>>> {
        self.with(py, |session| Ok(feature_names(session.columns())))
    }

    /// The owners, in their order.
    #[getter]
    fn members(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.with(py, |session| Ok(session.members().to_vec()))
    }

    /// The model, once this owner has it.
    #[getter]
    fn model(&self, py: Python<'_>) -> PyResult<Option<PyModel>> {
        Ok(self.with(py, |session| Ok(session.model()?))?.map(PyModel::from))
    }

    /// Asks for scores of rows, as `volley pool score` does.
    #[pyo3(signature = (features, by))]
    fn ask(&self, py: Python<'_>, features: PyReadonlyArray2<'_, f64>, by: Vec<String>) -> PyResult<()> {
        let features = features.as_array().to_owned();
        self.with(py, move |session| Ok(session.ask(&features, &by)?))
    }

    /// The files of classes and scores that this owner has got, in the order of its requests.
    #[getter]
    fn predictions(&self, py: Python<'_>) -> PyResult<Vec<PathBuf>> {
        self.with(py, |session| Ok(session.predictions()?))
    }

    fn __repr__(&self) -> String {
        format!("<volley.Pool of {}>", self.0.display())
    }
}
