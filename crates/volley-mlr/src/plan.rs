//! The plan of a training run: all that owner and server must agree on before there is a key.
//!
//! Of this crate it imports `method`, `training` and the errors.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use volley_sigmoid::SigmoidPolynomial;

use crate::training::circuit::{SPARE_LEVELS, TrainingCircuit};
use crate::volley_ckks::bootstrapping::Preset;
use crate::volley_ckks::costs::{CoreKind, CostModel};
use crate::volley_ckks::{KeySpec, Operand, Operation, Parameters, Simulator, Upload};
use crate::volley_revolver::plan::{Circuit, Demands, Plan as MatrixPlan};
use crate::volley_revolver::skewed::Split;
use crate::volley_revolver::{Error as MatrixError, Layout, Shape};

use crate::error::Error;
use crate::method::hyperparameters::Hyperparameters;
use crate::training::refresh::CopyLevels;
use crate::training::refresh::{
    self, INPUT_LEVEL, MAX_ITERATIONS, Method, Refresh, RefreshElsewhere, Schedule,
};
use crate::training::rows::RowStorage;
use noise::NoiseModel;
use planned::planned;

pub(crate) mod noise;
pub(crate) mod planned;
pub(crate) mod planning;
mod work;

/// Levels of the first iteration.
const FIRST_ITERATION_LEVELS: usize = Schedule::FIRST_LEVELS;
/// Shape, settings, parameters, layout and costs of a run. Making a plan needs no data and no randomness.
#[derive(Clone, Debug)]
pub struct Plan {
    hyperparameters: Hyperparameters,
    refreshes: Option<Refreshes>,
    storage: RowStorage,
    copy_levels: CopyLevels,
    matrices: MatrixPlan,
    /// The groups of each owner's rows, one owner after the other.
    owners: Vec<Range<usize>>,
    /// The rows of each owner. In a pool the others of its groups are zeros.
    rows: Vec<usize>,
}

planned!(Plan);

/// The cheapest plan in any memory, for a machine that has so much.
#[derive(Debug)]
pub enum ForMachine {
    /// The machine has the memory for it.
    Fits(Plan),
    /// The machine has less.
    TooLarge {
        /// The plan that takes more.
        fastest: Plan,
        /// The cheapest plan within what there is, or why there is none.
        within: Box<Result<Plan, Error>>,
    },
}

/// How a plan refreshes weights.
#[derive(Clone, Debug)]
struct Refreshes {
    method: Method,
    /// What a refresh gives, and where the data is encrypted.
    output_level: usize,
}

impl Plan {
    /// The cheapest plan for `samples` rows of `features` columns and `classes` classes that meets the demands.
    ///
    /// Where no ring has the levels, or they take more memory or time, the weights are [refreshed](crate::Refresh). The
    /// ring then has degree 2^16, unless another one is demanded. The cheaper bootstrapping is taken if the estimate of
    /// its noise moves scores by at most 1/64, otherwise the more precise one.
    ///
    /// Rows are kept in memory. Where memory is limited it may take less time to read them in every iteration: the
    /// faster of the two is planned, and [`storage`](Self::storage) says which.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyIterations`], [`Error::TooLongTraining`] and [`Error::Matrix`] where nothing fits; they say what
    /// would: fewer iterations, a larger ring, more slots, more memory. [`Error::PlanTooLarge`] for a run that no
    /// server would plan again, [`Error::WhitenedColumns`] for more columns than the profile takes.
    pub fn new(
        samples: usize,
        features: usize,
        classes: usize,
        hyperparameters: &Hyperparameters,
        demands: Demands,
    ) -> Result<Self, Error> {
        planning::cheapest(shape_of(samples, features, classes, hyperparameters)?, hyperparameters, demands)
    }

    /// The [cheapest plan](Self::new) in any memory, and where it takes more than a machine has, the cheapest one within
    /// that, or why there is none. What is simulated for one serves the other.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new) without a limit of the memory.
    pub fn for_machine(
        samples: usize,
        features: usize,
        classes: usize,
        hyperparameters: &Hyperparameters,
        demands: Demands,
        available_bytes: u64,
    ) -> Result<ForMachine, Error> {
        let shape = shape_of(samples, features, classes, hyperparameters)?;
        planning::fastest_and_within(shape, hyperparameters, demands, Some(available_bytes))
    }

    /// Puts the parts of a plan together.
    fn assemble(training: &Training<'_>, matrices: MatrixPlan) -> Result<Self, Error> {
        let refreshes = match &training.method {
            None => None,
            Some(method) => {
                let refresh = method.simulated(matrices.parameters(), matrices.layout())?;
                Some(Refreshes { method: method.clone(), output_level: refresh.output_level() })
            }
        };
        let hyperparameters = training.hyperparameters.clone();
        let (storage, copy_levels) = (training.storage, training.copy_levels);
        let layout = matrices.layout();
        let (owners, rows) = (std::iter::once(0..layout.groups()).collect(), vec![layout.shape().samples]);
        Self { hyperparameters, refreshes, storage, copy_levels, matrices, owners, rows }.checked()
    }

    /// The plan of a run under these parameters, in this layout and by this split, whose weights are refreshed by
    /// something other than bootstrapping, such as the owners of a key. `refresh` is its simulation, and
    /// [`Trainer::with_refresh`](crate::Trainer::with_refresh) takes the real one. The run has no files, as a reader
    /// would not know what refreshes it.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyIterations`] where a refresh gives fewer levels than an iteration takes,
    /// [`Error::PlanTooLarge`], and [`Error::Matrix`] for what the simulator refuses.
    pub fn refreshed_by(
        hyperparameters: &Hyperparameters,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
        refresh: Arc<dyn Refresh<Simulator>>,
    ) -> Result<Self, Error> {
        let (storage, copy_levels) = (RowStorage::default(), CopyLevels::default());
        let method = Some(Method::Own(refresh));
        let training = Training { hyperparameters, method, storage, copy_levels };
        Self::restore(&training, parameters, layout, split)
    }

    /// The plan that was made once with these parameters, layout and split. It may come from anyone: it is made again
    /// in about a second, or refused.
    pub(crate) fn restore(
        training: &Training<'_>,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
    ) -> Result<Self, Error> {
        let (mut required, mut available) = (training.levels(), parameters.max_level());
        let mut data_level = available;
        if let Some(method) = &training.method {
            data_level = method.simulated(parameters, layout)?.output_level();
            let least = FIRST_ITERATION_LEVELS.max(training.iteration_levels()) + INPUT_LEVEL;
            (required, available) = (least, data_level);
            if training.hyperparameters.iterations() > MAX_ITERATIONS {
                required = usize::MAX;
            }
        }
        if required > available {
            let log_n = parameters.log_n();
            let lack = MatrixError::TooManyLevels { log_n, required, available, sufficient_log_n: None };
            return Err(training.in_iterations(lack.into()));
        }
        work::check(&layout, &training.circuit().schedule(data_level))?;
        let matrices = MatrixPlan::of(training, parameters, layout, split, &CostModel::default())?;
        Self::assemble(training, matrices)
    }

    /// Refuses a plan that no server would make again, and a shareable one that leaves too little of the weights.
    fn checked(self) -> Result<Self, Error> {
        work::check(&self.layout(), &self.schedule())?;
        match self.shared_bits() {
            Some(bits) => noise::check_bits(bits).map(|()| self),
            None => Ok(self),
        }
    }

    /// The estimate of the weights' noise.
    pub(crate) fn noise_model(&self) -> NoiseModel<'_> {
        NoiseModel::new(&self.hyperparameters, self.layout(), self.parameters().log_scale())
    }

    /// The bits of the largest weight that flooding leaves at least, for a shareable plan: log₂ of the weight over the
    /// deviation of its noise. They hold for data that the estimate of the noise covers (see
    /// [`Sharing`](crate::Sharing)).
    #[must_use]
    pub fn shared_bits(&self) -> Option<f64> {
        self.noise_model().nominal_bits()
    }

    /// The settings.
    #[must_use]
    pub fn hyperparameters(&self) -> &Hyperparameters {
        &self.hyperparameters
    }

    /// The groups of rows of each owner: all of them where there is one owner.
    #[must_use]
    pub fn owners(&self) -> &[Range<usize>] {
        &self.owners
    }

    /// The rows of the owners in so many groups, from the first one on: without those of zeros that fill up the last
    /// group of each owner of a pool.
    #[must_use]
    pub fn rows_in_first(&self, groups: usize) -> usize {
        let of_group = 2 * self.layout().rows();
        let of_owner = |(own, &rows): (&Range<usize>, &usize)| {
            rows.min(groups.saturating_sub(own.start).saturating_mul(of_group))
        };
        self.owners.iter().zip(&self.rows).map(of_owner).sum()
    }

    /// The same run with rows of several owners: their groups, and how many rows these have of each.
    pub(crate) fn with_owners(self, owners: Vec<Range<usize>>, rows: Vec<usize>) -> Self {
        Self { owners, rows, ..self }
    }

    /// Where the rows are while the server trains. Whoever trains may decide otherwise where copies of features serve
    /// [all iterations](CopyLevels::Highest).
    #[must_use]
    pub fn storage(&self) -> RowStorage {
        self.storage
    }

    /// The levels of the copies of features: those of each iteration where the run is planned with its rows on a disk.
    #[must_use]
    pub fn copy_levels(&self) -> CopyLevels {
        self.copy_levels
    }

    /// The same run with its rows elsewhere: other costs, and the same files.
    ///
    /// # Errors
    ///
    /// [`Error::CopiesOfIteration`] for rows in memory where each iteration has copies of its own, [`Error::Matrix`]
    /// for what the simulator refuses.
    pub fn with_storage(&self, storage: RowStorage) -> Result<Self, Error> {
        let training = Training { storage, ..self.training() };
        let (parameters, members) = (self.parameters(), (self.layout(), self.split()));
        let model = CostModel::default();
        let matrices = MatrixPlan::of(&training, parameters, members.0, members.1, &model)?;
        Ok(Self { storage, matrices, ..self.clone() })
    }

    /// The same run where others refresh the weights, for a [`Trainer`](crate::Trainer) that makes no part of the steps:
    /// it takes fewer keys and less memory.
    ///
    /// # Errors
    ///
    /// As [`refreshed_by`](Self::refreshed_by).
    pub fn without_refresh(&self) -> Result<Self, Error> {
        let Some(level) = self.refreshed_level() else { return Ok(self.clone()) };
        let method = Some(Method::Own(Arc::new(RefreshElsewhere { level })));
        let training = Training { method, ..self.training() };
        let plan = Self::restore(&training, self.parameters(), self.layout(), self.split())?;
        Ok(plan.with_owners(self.owners.clone(), self.rows.clone()))
    }

    /// The same run for another number of rows: parameters, split, and the place of each row stay. The layout of a
    /// single block of rows takes other keys than one of several ([`key_spec`](Self::key_spec)).
    ///
    /// # Errors
    ///
    /// As [`refreshed_by`](Self::refreshed_by), and [`Error::SharedBits`] where a shareable plan leaves too little of
    /// the weights for so many rows.
    pub fn with_samples(&self, samples: usize) -> Result<Self, Error> {
        let layout = self.layout().with_samples(samples)?;
        Self::restore(&self.training(), self.parameters(), layout, self.split())
    }

    /// The member of the family of products.
    #[must_use]
    pub fn split(&self) -> Split {
        self.matrices.split()
    }

    /// Estimated seconds in which the owner makes the keys, on one core with these times.
    #[must_use]
    pub fn key_seconds_on(&self, core: &CostModel) -> f64 {
        self.matrices.key_seconds_on(core)
    }

    /// Seconds of both parties together, by the model that the plan was chosen with: the server trains, the owner makes
    /// keys and upload, and these are sent.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.matrices.cost()
    }

    /// Estimated seconds of training on one core with these times, set-up included, and the reading of rows.
    #[must_use]
    pub fn seconds_on(&self, core: &CostModel) -> f64 {
        let readings = match self.storage {
            RowStorage::Memory => 1,
            RowStorage::Disk => self.hyperparameters.iterations(),
        };
        self.matrices.seconds_on(core) + readings as f64 * core.read_seconds(self.upload().bytes)
    }

    /// Of these, the seconds in which the sums of an iteration, from 1 to the last, become its gradient in the layout
    /// of the weights: relinearizations, and the rotations that add them up.
    #[must_use]
    pub fn gradient_seconds_on(&self, iteration: usize, core: &CostModel) -> f64 {
        let level = self.gradient_sums(iteration).level;
        let of = |operation, level| core.nanoseconds(self.parameters(), operation, level);
        let of_sum = of(Operation::Relinearization, level) + of(Operation::Rotation, level - 1);
        (self.layout().weight_ciphertexts() * self.split().backward_sums()) as f64 * of_sum * 1e-9
    }

    /// The level at which the data is encrypted: the highest one, or the one that a refresh returns to.
    #[must_use]
    pub fn data_level(&self) -> usize {
        self.refreshed_level().unwrap_or_else(|| self.parameters().max_level())
    }

    /// The level that a refresh returns to, if the run takes any.
    #[must_use]
    pub fn refreshed_level(&self) -> Option<usize> {
        self.refreshes.as_ref().map(|refreshes| refreshes.output_level)
    }

    /// The bootstrapping that refreshes the weights, if the run takes one.
    #[must_use]
    pub fn bootstrapping(&self) -> Option<Preset> {
        self.refreshes.as_ref().and_then(|refreshes| refreshes.method.preset())
    }

    /// How often the weights are refreshed.
    #[must_use]
    pub fn refresh_count(&self) -> usize {
        self.schedule().refreshes()
    }

    /// The bits that refreshed weights have at least: log₂ of the bound on them over the error of one.
    #[must_use]
    pub fn refresh_bits(&self) -> Option<f64> {
        self.bootstrapping().map(refresh::bits)
    }

    pub(crate) fn method(&self) -> Option<Method> {
        self.refreshes.as_ref().map(|refreshes| refreshes.method.clone())
    }

    /// The run, whatever its parameters and matrices.
    pub(crate) fn training(&self) -> Training<'_> {
        let (hyperparameters, storage, copy_levels) = (&self.hyperparameters, self.storage, self.copy_levels);
        Training { hyperparameters, method: self.method(), storage, copy_levels }
    }

    /// The run as a circuit.
    pub(crate) fn circuit(&self) -> TrainingCircuit<SigmoidPolynomial> {
        self.training().circuit()
    }

    /// The levels of the weights.
    pub(crate) fn schedule(&self) -> Schedule {
        self.circuit().schedule(self.data_level())
    }

    /// Level, scale and slots of the ciphertexts that the owner uploads.
    #[cfg(feature = "wire")]
    pub(crate) fn data(&self) -> Operand {
        let slots = self.parameters().max_slots();
        Operand { level: self.data_level(), scale: self.parameters().scale(), slots }
    }

    /// Level, scale and slots of the weights after an iteration, from 1 to the last.
    pub(crate) fn weights(&self, iteration: usize) -> Operand {
        Operand {
            level: self.schedule().after(iteration).level,
            scale: self.hyperparameters.weight_scale(self.parameters()),
            slots: self.parameters().max_slots(),
        }
    }

    /// Level, scale and slots of the sums that the gradient of an iteration is made of, from 1 to the last.
    pub(crate) fn gradient_sums(&self, iteration: usize) -> Operand {
        let level = self.schedule().gradient_level(iteration) + 1;
        let gradient = self.weights(iteration);
        let scale = gradient.scale.times(&self.parameters().rescaling_factor(level));
        Operand { level, scale, ..gradient }
    }
}

/// The shape of the matrices: with the bias.
fn shape_of(
    samples: usize,
    features: usize,
    classes: usize,
    hyperparameters: &Hyperparameters,
) -> Result<Shape, Error> {
    // The bias alone would be a column, but not a training.
    if features == 0 {
        return Err(MatrixError::EmptyShape { samples, columns: features, classes }.into());
    }
    hyperparameters.profile().check_features(features)?;
    // More columns than there are numbers do not fit either.
    Ok(Shape { samples, columns: features.saturating_add(1), classes })
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MEGA: f64 = 1e6;
        let (parameters, layout) = (self.parameters(), self.layout());
        let shape = layout.shape();
        writeln!(
            f,
            "{} samples, {} columns, {} classes, {} iterations",
            shape.samples,
            shape.columns,
            shape.classes,
            self.hyperparameters.iterations()
        )?;
        writeln!(
            f,
            "log N {}, log QP {:.0}, {}",
            parameters.log_n(),
            parameters.log_qp(),
            parameters.security()
        )?;
        let upload = self.upload();
        writeln!(f, "upload {} ciphertexts, {:.1} MB", upload.ciphertexts, upload.bytes as f64 / MEGA)?;
        let keys = self.key_spec();
        writeln!(f, "{} evaluation keys, {:.0} MB", keys.key_count(), keys.byte_count() as f64 / MEGA)?;
        // The same text on every machine.
        let kind = CoreKind::Avx512Ifma;
        write!(
            f,
            "server memory {:.0} MB, about {:.1} s on one core with {kind}",
            self.memory(1).total() as f64 / MEGA,
            self.seconds_on(&CostModel::of(kind))
        )?;
        if let Some((preset, bits)) = self.bootstrapping().zip(self.refresh_bits()) {
            let count = self.refresh_count();
            write!(f, "\n{count} refreshes by bootstrapping, preset {preset:?}, at least {bits:.0} bits")?;
        }
        match (self.hyperparameters.flooding(), self.shared_bits()) {
            (Some(flooding), Some(bits)) => write!(
                f,
                "\nshareable: {} decryptions with {} bits of statistical security leave {bits:.0} bits",
                flooding.decryptions(),
                flooding.statistical_bits()
            ),
            _ => Ok(()),
        }
    }
}

/// A run as a circuit.
pub(crate) struct Training<'a> {
    pub(crate) hyperparameters: &'a Hyperparameters,
    /// How weights are refreshed, if they are.
    pub(crate) method: Option<Method>,
    pub(crate) storage: RowStorage,
    pub(crate) copy_levels: CopyLevels,
}

impl Training<'_> {
    fn circuit(&self) -> TrainingCircuit<SigmoidPolynomial> {
        TrainingCircuit {
            objective: self.hyperparameters.sigmoid().clone(),
            rule: self.hyperparameters.update_rule().clone(),
            method: self.method.clone(),
            log_range: refresh::log_range(self.hyperparameters),
            storage: self.storage,
            copy_levels: self.copy_levels,
        }
    }

    /// Levels of every iteration but the first.
    fn iteration_levels(&self) -> usize {
        self.circuit().iteration_levels()
    }

    /// Turns a lack of levels into what it is to the user: too many iterations.
    fn in_iterations(&self, error: Error) -> Error {
        let Error::Matrix(MatrixError::TooManyLevels { log_n, available, sufficient_log_n, .. }) = error
        else {
            return error;
        };
        let possible = match available.checked_sub(FIRST_ITERATION_LEVELS + SPARE_LEVELS) {
            Some(further) => 1 + further / self.iteration_levels(),
            None => 0,
        };
        let iterations = self.hyperparameters.iterations();
        Error::TooManyIterations { iterations, log_n, possible, sufficient_log_n }
    }
}

impl Circuit for Training<'_> {
    type Error = Error;

    fn levels(&self) -> usize {
        self.circuit().levels()
    }

    fn log_scale(&self, shape: Shape, log_n: u32) -> Option<u32> {
        noise::log_scale(self.hyperparameters, shape, log_n)
    }

    fn encoded_bytes(&self, parameters: &Parameters, layout: Layout) -> u64 {
        self.circuit().encoded_bytes(parameters, layout)
    }

    fn upload_memory_bytes(&self, upload: Upload) -> u64 {
        self.circuit().upload_memory_bytes(upload)
    }

    fn least_bytes(&self, parameters: &Parameters, layout: Layout, split: Split) -> u64 {
        self.circuit().least_bytes(parameters, layout, split)
    }

    fn least_keys(&self, parameters: &Parameters, layout: Layout) -> KeySpec {
        self.circuit().least_keys(parameters, layout)
    }

    fn depends_on_special_primes(&self) -> bool {
        self.circuit().depends_on_special_primes()
    }

    fn groups_at_once(&self, layout: Layout) -> usize {
        self.circuit().groups_at_once(layout)
    }

    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        self.circuit().simulate(simulator, layout, split)
    }
}

#[cfg(test)]
mod tests;
