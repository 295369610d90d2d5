//! The search for the plan of a run: with rows in memory or on a disk, with refreshed weights or without.

use std::ops::RangeInclusive;

use super::{ForMachine, Plan, Training};
use crate::error::Error;
use crate::method::hyperparameters::Hyperparameters;
use crate::training::refresh::{self, INPUT_LEVEL, MAX_ITERATIONS, Method};
use crate::training::rows::RowStorage;
use crate::volley_ckks::Parameters;
use crate::volley_ckks::bootstrapping::Preset;
use crate::volley_ckks::costs::CostModel;
use crate::volley_revolver::plan::{Demands, Planner, RingChoice};
use crate::volley_revolver::skewed::Split;
use crate::volley_revolver::{Error as MatrixError, Shape};

/// log₂ of the ring degree where weights are refreshed: smaller rings have no levels beside those of a bootstrapping.
const REFRESHING_LOG_N: u32 = 16;
/// Most iterations between two refreshes, and most numbers of special primes, that are tried.
const MAX_BETWEEN: usize = 4;
const SPECIAL_PRIMES: RangeInclusive<usize> = 4..=10;
/// Bytes that a run with refreshes stays within if it can, even where there is more memory: chains for more iterations
/// between refreshes take far more keys and save little time.
pub(crate) const PREFERRED_BYTES: u64 = 12_000_000_000;

/// The cheapest plan that meets the demands. Of rows in memory and rows on a disk it is the faster one, where memory is
/// limited and the fastest plan does not fit.
pub(super) fn cheapest(
    shape: Shape,
    hyperparameters: &Hyperparameters,
    demands: Demands,
) -> Result<Plan, Error> {
    let within = demands.memory_bytes;
    match fastest_and_within(shape, hyperparameters, demands, within)? {
        ForMachine::Fits(plan) => Ok(plan),
        ForMachine::TooLarge { within, .. } => *within,
    }
}

/// The cheapest plan in any memory, and where it takes more than a limit, the one within it.
pub(super) fn fastest_and_within(
    shape: Shape,
    hyperparameters: &Hyperparameters,
    demands: Demands,
    limit: Option<u64>,
) -> Result<ForMachine, Error> {
    let model = CostModel::default();
    check_iterations(shape, hyperparameters, demands)?;
    let in_memory = Runs::new(shape, hyperparameters, demands, RowStorage::Memory);
    let in_memory = Planning::new(shape, &in_memory, &model);
    let fastest = in_memory.cheapest(Demands { memory_bytes: None, ..demands })?;
    let required = fastest.memory(demands.threads).total();
    if limit.is_none_or(|limit| required <= limit) {
        return Ok(ForMachine::Fits(fastest));
    }
    let demands = Demands { memory_bytes: limit, ..demands };
    let within = Box::new(within(in_memory, hyperparameters, demands, &model));
    Ok(ForMachine::TooLarge { fastest, within })
}

/// The cheapest plan within a limit that the fastest one does not fit.
fn within(
    mut in_memory: Planning<'_>,
    hyperparameters: &Hyperparameters,
    demands: Demands,
    model: &CostModel,
) -> Result<Plan, Error> {
    let shape = in_memory.shape;
    let on_disk = Runs::new(shape, hyperparameters, demands, RowStorage::Disk);
    match Planning::new(shape, &on_disk, model).cheapest(demands) {
        // Where both take the same time rows are kept.
        Ok(plan) => Ok(in_memory.faster_than(plan.seconds().next_up(), demands).unwrap_or(plan)),
        Err(on_disk) => {
            if let Error::Matrix(MatrixError::TooMuchMemory { required, .. }) = on_disk {
                in_memory.refuse_above(required);
            }
            in_memory.cheapest(demands).map_err(|in_memory| closer(in_memory, on_disk))
        }
    }
}

/// Refuses more iterations than a run that refreshes has, where fewer would be refreshed. Without refreshes there are
/// far fewer.
fn check_iterations(shape: Shape, hyperparameters: &Hyperparameters, demands: Demands) -> Result<(), Error> {
    let iterations = hyperparameters.iterations();
    if iterations <= MAX_ITERATIONS {
        return Ok(());
    }
    let most = hyperparameters.clone().with_iterations(MAX_ITERATIONS);
    match Runs::new(shape, &most, demands, RowStorage::Memory).refreshing {
        Some(_) => Err(Error::TooLongTraining { iterations, max: MAX_ITERATIONS }),
        None => Ok(()),
    }
}

/// The cheapest plan that refreshes weights. `None` where no run does.
#[cfg(test)]
pub(crate) fn refreshing(
    shape: Shape,
    hyperparameters: &Hyperparameters,
    demands: Demands,
    storage: RowStorage,
) -> Option<Result<Plan, Error>> {
    let (runs, model) = (Runs::new(shape, hyperparameters, demands, storage), CostModel::default());
    Planning::new(shape, &runs, &model).refreshing(None, demands)
}

/// Of the reasons why rows cannot be kept in memory and why they cannot be read, the one that asks for less.
fn closer(in_memory: Error, on_disk: Error) -> Error {
    match (&in_memory, &on_disk) {
        (
            Error::Matrix(MatrixError::TooMuchMemory { required: kept, .. }),
            Error::Matrix(MatrixError::TooMuchMemory { required: read, .. }),
        ) if read < kept => on_disk,
        _ => in_memory,
    }
}

/// The runs that come into question with the rows in one place.
struct Runs<'a> {
    unrefreshed: Training<'a>,
    refreshing: Option<Refreshing<'a>>,
}

/// A run that refreshes weights, and the parameter sets that it may have.
struct Refreshing<'a> {
    run: Training<'a>,
    sets: Vec<Parameters>,
}

impl<'a> Runs<'a> {
    /// None refreshes weights where the ring has not the levels for it at the demanded security, where there are too
    /// many iterations, and where a model's error is to be hidden: the noise of a bootstrapping has no bound.
    fn new(
        shape: Shape,
        hyperparameters: &'a Hyperparameters,
        demands: Demands,
        storage: RowStorage,
    ) -> Self {
        let copy_levels = storage.copy_levels();
        let unrefreshed = Training { hyperparameters, method: None, storage, copy_levels };
        if hyperparameters.iterations() > MAX_ITERATIONS || hyperparameters.hides_errors() {
            return Self { unrefreshed, refreshing: None };
        }
        let by = |preset| {
            let method = Some(Method::by_bootstrapping(preset));
            let run = Training { hyperparameters, method, storage, copy_levels };
            let sets = run.bootstrapping_parameters(preset, demands);
            (!sets.is_empty()).then_some(Refreshing { run, sets })
        };
        let refreshing = refresh::presets(hyperparameters, shape).into_iter().find_map(by);
        Self { unrefreshed, refreshing }
    }
}

impl Training<'_> {
    /// The parameter sets of a preset with levels for whole iterations between two refreshes.
    fn bootstrapping_parameters(&self, preset: Preset, demands: Demands) -> Vec<Parameters> {
        let log_n = match demands.ring {
            RingChoice::Cheapest => REFRESHING_LOG_N,
            RingChoice::LogN(log_n) => log_n,
        };
        let parameters = |between, special| {
            let levels = INPUT_LEVEL + between * self.iteration_levels();
            preset.parameters(log_n, levels, special, demands.security).build().ok()
        };
        (1..=MAX_BETWEEN)
            .flat_map(|between| SPECIAL_PRIMES.filter_map(move |special| parameters(between, special)))
            .collect()
    }
}

/// The planning of runs with the rows in one place.
struct Planning<'a> {
    shape: Shape,
    runs: &'a Runs<'a>,
    unrefreshed: Planner<'a, Training<'a>>,
    refreshing: Option<Planner<'a, Training<'a>>>,
}

impl<'a> Planning<'a> {
    fn new(shape: Shape, runs: &'a Runs<'a>, model: &'a CostModel) -> Self {
        let refreshing = runs.refreshing.as_ref().map(|refreshing| Planner::new(&refreshing.run, model));
        Self { shape, runs, unrefreshed: Planner::new(&runs.unrefreshed, model), refreshing }
    }

    /// As [`Planner::refuse_above`].
    fn refuse_above(&mut self, required: u64) {
        self.unrefreshed.refuse_above(required);
        self.refreshing.iter_mut().for_each(|planner| planner.refuse_above(required));
    }

    /// The cheapest plan that meets the demands.
    fn cheapest(&self, demands: Demands) -> Result<Plan, Error> {
        let run = &self.runs.unrefreshed;
        let unrefreshed = self.unrefreshed.cheapest(self.shape, demands);
        let unrefreshed = unrefreshed.and_then(|matrices| Plan::assemble(run, matrices));
        let lacks_levels = matches!(unrefreshed, Err(Error::Matrix(MatrixError::TooManyLevels { .. })));
        // Iterations that fit between two refreshes need none where there are the levels.
        let refreshing = if lacks_levels || self.is_long() { self.refreshing(None, demands) } else { None };
        match (unrefreshed, refreshing) {
            (Ok(unrefreshed), Some(Ok(refreshing))) => Ok(or_better(unrefreshed, refreshing, demands)),
            (Ok(plan), _) | (Err(_), Some(Ok(plan))) => Ok(plan),
            (Err(_), Some(Err(error))) if lacks_levels => Err(error),
            (Err(error), _) => Err(run.in_iterations(error)),
        }
    }

    /// The same, where it takes less than so many seconds; that no run does is known sooner.
    fn faster_than(&self, seconds: f64, demands: Demands) -> Option<Plan> {
        let unrefreshed = || self.unrefreshed.faster_than(seconds, self.shape, demands).is_some();
        let refreshing = || matches!(self.refreshing(Some(seconds), demands), Some(Ok(_)));
        let any = unrefreshed() || refreshing();
        let cheapest = any.then(|| self.cheapest(demands).ok()).flatten();
        cheapest.filter(|plan| plan.seconds() < seconds)
    }

    fn is_long(&self) -> bool {
        self.runs.unrefreshed.hyperparameters.iterations() > MAX_BETWEEN
    }

    /// The cheapest plan that refreshes weights, if there are runs that do. With a plan in hand that takes so many
    /// seconds it is a faster one, or an error.
    fn refreshing(&self, in_hand: Option<f64>, demands: Demands) -> Option<Result<Plan, Error>> {
        let (Refreshing { run, sets }, planner) =
            self.runs.refreshing.as_ref().zip(self.refreshing.as_ref())?;
        let set = match self.cheapest_of(planner, sets, demands) {
            Ok(set) => set,
            Err(error) => return Some(Err(error)),
        };
        let matrices = match in_hand {
            None => planner.cheapest_under(self.shape, set, demands),
            Some(seconds) => Ok(planner.faster_than_under(seconds, self.shape, set, demands)?),
        };
        Some(matrices.and_then(|matrices| Plan::assemble(run, matrices)))
    }

    /// The parameter set under which the default layout and split take the least time, if possible among those that
    /// meet the demands in a usual machine's memory. Comparing all layouts and splits under each would take minutes.
    fn cheapest_of<'s>(
        &self,
        planner: &Planner<'_, Training<'_>>,
        sets: &'s [Parameters],
        demands: Demands,
    ) -> Result<&'s Parameters, Error> {
        let layout = planner.layout_by_default(self.shape, &sets[0])?;
        let candidates = planner.candidates(sets, layout, Split::on_copies(&layout))?;
        let mut candidates: Vec<_> = sets.iter().zip(candidates).collect();
        candidates.sort_by(|(_, a), (_, b)| a.seconds().total_cmp(&b.seconds()));
        let memory_bytes = demands.memory_bytes.map_or(PREFERRED_BYTES, |limit| limit.min(PREFERRED_BYTES));
        let preferred = Demands { memory_bytes: Some(memory_bytes), ..demands };
        for (set, candidate) in &candidates {
            if candidate.meets(preferred)? {
                return Ok(set);
            }
        }
        Ok(candidates[0].0)
    }
}

/// The plan that keeps to [`PREFERRED_BYTES`], or else the faster one.
fn or_better(one: Plan, other: Plan, demands: Demands) -> Plan {
    let excess = |plan: &Plan| plan.memory(demands.threads).total() > PREFERRED_BYTES;
    let order = excess(&one).cmp(&excess(&other)).then(one.seconds().total_cmp(&other.seconds()));
    if order.is_le() { one } else { other }
}
