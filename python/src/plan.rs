//! Plans, as `volley init` makes and prints them.

use std::sync::Arc;

use pyo3::prelude::*;
use volley_mlr::{Hyperparameters, Plan, PlanHash};
use volley_project::volley_program::{CoreTimes, Iterations, ProfileName};
use volley_project::{PlanSummary, SecurityBits, Settings};

use crate::failure::Failure;
use crate::work;

const PROFILES: [ProfileName; 3] = [ProfileName::Standard, ProfileName::Standardised, ProfileName::Paper];

/// A plan, with what was asked for.
#[pyclass(frozen, name = "Plan", module = "volley")]
pub(crate) struct PyPlan {
    pub(crate) plan: Arc<Plan>,
    pub(crate) settings: Settings,
    iterations: Iterations,
}

impl PyPlan {
    fn summary(&self) -> Result<PlanSummary, Failure> {
        let summary = PlanSummary::new(&self.plan, PlanHash::of(&self.plan)?, &core_times()?);
        Ok(summary.with_iterations_reason(self.iterations.reason()))
    }
}

/// What this machine's cores take.
pub(crate) fn core_times() -> Result<CoreTimes, Failure> {
    CoreTimes::of_this_machine().map_err(|error| Failure::new(format!("{error:#}")))
}

/// Figures as values of Python, from the JSON of the program.
pub(crate) fn figures<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (json,))
}

/// What is asked for, as `--iterations` has it.
pub(crate) fn iterations(text: &str) -> Result<Iterations, Failure> {
    text.parse::<Iterations>().map_err(|problem| Failure::new(format!("iterations: {problem}")))
}

/// The settings of a training of a shape, as Python says them.
#[derive(FromPyObject)]
pub(crate) struct Options {
    /// As after `--iterations`.
    #[pyo3(item)]
    iterations: String,
    #[pyo3(item)]
    profile: String,
    #[pyo3(item)]
    sigmoid_degree: Option<usize>,
    #[pyo3(item)]
    sigmoid_range: Option<f64>,
    #[pyo3(item)]
    learning_rate: Option<f64>,
    #[pyo3(item)]
    weight_decay: Option<f64>,
    #[pyo3(item)]
    momentum_limit: Option<f64>,
    #[pyo3(item)]
    security: u32,
    #[pyo3(item)]
    log_n: Option<u32>,
    #[pyo3(item)]
    memory: Option<u64>,
    #[pyo3(item)]
    small_keys: bool,
    /// Bits of statistical security of so many decryptions that may be shared.
    #[pyo3(item, default)]
    shareable: Option<(u32, u32)>,
}

impl Options {
    fn settings(
        self,
        iterations: Iterations,
        samples: usize,
        features: usize,
        classes: usize,
    ) -> Result<Settings, Failure> {
        let profile = PROFILES.into_iter().find(|profile| profile.to_string() == self.profile);
        let unknown = || {
            let names = PROFILES.map(|profile| profile.to_string()).join(", ");
            Failure::new(format!("there is no profile {:?}: {names}", self.profile))
        };
        let unshared = Settings::of(samples, features, classes);
        let (statistical_bits, shared_decryptions) =
            self.shareable.unwrap_or((unshared.statistical_bits, unshared.shared_decryptions));
        Ok(Settings {
            iterations: iterations.count(),
            profile: profile.ok_or_else(unknown)?,
            sigmoid_degree: self.sigmoid_degree,
            sigmoid_range: self.sigmoid_range,
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            momentum_limit: self.momentum_limit,
            security: SecurityBits::try_from(self.security).map_err(Failure::new)?,
            log_n: self.log_n,
            memory: self.memory,
            small_keys: self.small_keys,
            shareable: self.shareable.is_some(),
            statistical_bits,
            shared_decryptions,
            ..unshared
        })
    }

    /// The settings of a training in clear, which takes no plan.
    pub(crate) fn hyperparameters(self) -> Result<Hyperparameters, Failure> {
        let iterations = iterations(&self.iterations)?;
        // The shape is not looked at.
        Ok(self.settings(iterations, 1, 1, 1)?.hyperparameters()?)
    }
}

#[pymethods]
impl PyPlan {
    #[new]
    fn new(
        py: Python<'_>,
        samples: usize,
        features: usize,
        classes: usize,
        options: Options,
    ) -> PyResult<Self> {
        let iterations = iterations(&options.iterations)?;
        let settings = options.settings(iterations, samples, features, classes)?;
        work::run(py, None, move |_| {
            let plan = Arc::new(settings.plan()?);
            Ok(Self { plan, settings, iterations })
        })
    }

    /// The name of the plan: the same for the same shape and settings, in the program as well.
    #[getter]
    fn hash(&self) -> PyResult<String> {
        Ok(PlanHash::of(&self.plan).map_err(Failure::from)?.to_string())
    }

    /// All figures, as `volley init --json` gives them.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let text =
            py.detach(|| Ok(serde_json::to_string(&self.summary()?)?)).map_err(|error: Failure| error)?;
        figures(py, &text)
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(py.detach(|| self.summary())?.to_string())
    }

    fn __repr__(&self) -> String {
        let shape = self.plan.layout().shape();
        format!(
            "<volley.Plan of {} samples, {} features, {} classes>",
            shape.samples,
            shape.columns - 1,
            shape.classes
        )
    }
}
