//! A training in one process: both parties' work one after the other, for those who try.

use std::sync::Arc;
use std::time::Instant;

use numpy::PyReadonlyArray2;
use pyo3::prelude::*;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_mlr::volley_ckks::{Context, EvaluationKeySet, Evaluator, SecretKey};
use volley_mlr::{
    Dataset, Error, Hyperparameters, Model, Owner, Plan, Precision, Step, Trainer, TrainingSet,
};
use volley_project::Observer;

use crate::failure::Failure;
use crate::model::PyModel;
use crate::plan::{Options, PyPlan};
use crate::work;

/// What a training gave.
#[pyclass(frozen, get_all, module = "volley")]
pub(crate) struct Training {
    model: Py<PyModel>,
    /// The largest |score| that the polynomial was given, by the training in clear.
    largest_score: f64,
    /// The range of scores on which the polynomial can be trusted.
    polynomial_range: f64,
    /// Columns, from 0, that vary so little that they count as constant.
    nearly_constant: Vec<usize>,
    /// The parts of the work, and how long each took.
    seconds: Vec<(String, f64)>,
}

/// A generator that the operating system seeds.
pub(crate) fn generator() -> Result<ChaCha20Rng, Failure> {
    Ok(ChaCha20Rng::try_from_rng(&mut SysRng)?)
}

/// Rows with their labels; those of single precision say so.
pub(crate) fn dataset(
    features: &PyReadonlyArray2<'_, f64>,
    labels: Vec<String>,
    single: bool,
) -> Result<Dataset, Failure> {
    let data = Dataset::new(features.as_array().to_owned(), labels)?;
    Ok(if single { data.with_precision(Precision::Single) } else { data })
}

/// Rows as they are trained on by a plan.
pub(crate) fn prepare(data: &Dataset, plan: &Plan, balanced: bool) -> Result<TrainingSet, Error> {
    let (profile, layout) = (plan.hyperparameters().profile(), plan.layout());
    let set = if balanced {
        TrainingSet::balanced(data, profile, layout)
    } else {
        TrainingSet::new(data, profile)
    }?;
    set.check(layout)?;
    Ok(set)
}

/// The training in clear: the largest score that the polynomial was given, and the last step.
pub(crate) fn in_clear(set: &TrainingSet, hyperparameters: &Hyperparameters) -> Result<Step, Failure> {
    let mut largest: f64 = 0.0;
    let mut last = None;
    for step in set.reference(hyperparameters) {
        let mend = |error: Error| {
            Failure::new(format!(
                "{error}; a larger sigmoid_range, a smaller learning_rate, a weight_decay or fewer iterations keep \
                 scores small"
            ))
        };
        step.check_range().map_err(mend)?;
        largest = largest.max(step.largest_score);
        last = Some(step);
    }
    Ok(Step { largest_score: largest, ..last.ok_or(Error::NoIterations)? })
}

/// Trains in clear.
#[pyfunction]
#[pyo3(signature = (features, labels, single, names, options, balanced_by))]
pub(crate) fn train_in_clear(
    py: Python<'_>,
    features: PyReadonlyArray2<'_, f64>,
    labels: Vec<String>,
    single: bool,
    names: Option<Vec<String>>,
    options: Options,
    balanced_by: Option<Bound<'_, PyPlan>>,
) -> PyResult<Training> {
    let data = dataset(&features, labels, single)?;
    let hyperparameters = options.hyperparameters()?;
    let plan = balanced_by.map(|plan| Arc::clone(&plan.get().plan));
    let (model, step, set, seconds) = work::run(py, None, move |_| {
        let mut times = Times(Vec::new());
        let (model, step, set) = times.of("training in clear", || {
            let set = match &plan {
                Some(plan) => prepare(&data, plan, true)?,
                None => TrainingSet::new(&data, hyperparameters.profile())?,
            };
            let step = in_clear(&set, &hyperparameters)?;
            Ok::<_, Failure>((set.model(step.weights.clone())?, step, set))
        })?;
        Ok((model, step, set, times.0))
    })?;
    training(py, model, names, &step, &set, seconds)
}

/// Trains on ciphertexts: makes keys, encrypts, trains and decrypts.
#[pyfunction]
#[pyo3(signature = (features, labels, single, names, plan, balanced, progress))]
#[expect(clippy::too_many_arguments, reason = "they come from one method of Python, by their names")]
pub(crate) fn train_encrypted(
    py: Python<'_>,
    features: PyReadonlyArray2<'_, f64>,
    labels: Vec<String>,
    single: bool,
    names: Option<Vec<String>>,
    plan: &Bound<'_, PyPlan>,
    balanced: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Training> {
    let data = dataset(&features, labels, single)?;
    let plan = Arc::clone(&plan.get().plan);
    let (model, step, set, seconds) = work::run(py, progress, move |reporter| {
        let mut times = Times(Vec::new());
        let set = Arc::new(prepare(&data, &plan, balanced)?);
        let step = times.of("training in clear", || in_clear(&set, plan.hyperparameters()))?;
        let model = both_parties(&plan, &set, reporter, &mut times)?;
        Ok((model, step, set, times.0))
    })?;
    training(py, model, names, &step, &set, seconds)
}

/// The owner's work, the server's, and the owner's again.
fn both_parties(
    plan: &Arc<Plan>,
    set: &Arc<TrainingSet>,
    reporter: &dyn Observer,
    times: &mut Times,
) -> Result<Model, Failure> {
    let mut rng = generator()?;
    let context = Context::new(plan.parameters().clone());
    let secret_key = Arc::new(SecretKey::generate(&context, &mut rng));
    let spec = plan.key_spec();
    let keys = times.of("keys", || {
        let count = reporter.counts("key generation", spec.key_count(), "evaluation keys".to_owned());
        EvaluationKeySet::generate_with(&secret_key, spec, &mut rng, |done| count.set(done))
    })?;
    reporter.check()?;
    let owner = Owner::new(plan, set, &secret_key)?;
    let count = reporter.counts("encryption", 1, "table".to_owned());
    let upload = times.of("encryption", || owner.encrypt(&mut rng)?.expand(&context))?;
    count.set(1);

    // From here to the model there is no key but these, and no row in clear.
    let encrypted = times.of("training", || {
        let evaluator = Arc::new(Evaluator::new(&context, keys)?);
        let mut trainer = Trainer::new(&evaluator, plan, upload)?;
        let iterations = plan.hyperparameters().iterations();
        let count = reporter.counts("training", iterations, "iterations".to_owned());
        for iteration in 1..=iterations {
            reporter.check()?;
            trainer.step()?;
            count.set(iteration);
        }
        trainer.model().ok_or(Error::NoIterations).map_err(Failure::from)
    })?;
    Ok(times.of("decryption", || owner.decrypt(&encrypted))?)
}

/// How long the parts of the work took.
struct Times(Vec<(String, f64)>);

impl Times {
    fn of<T>(&mut self, part: &str, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = run();
        self.0.push((part.to_owned(), start.elapsed().as_secs_f64()));
        result
    }
}

fn training(
    py: Python<'_>,
    model: Model,
    names: Option<Vec<String>>,
    step: &Step,
    set: &TrainingSet,
    seconds: Vec<(String, f64)>,
) -> PyResult<Training> {
    Ok(Training {
        model: Py::new(py, PyModel::of_features(model, names)?)?,
        largest_score: step.largest_score,
        polynomial_range: step.trusted_range,
        nearly_constant: set.nearly_constant().to_vec(),
        seconds,
    })
}
