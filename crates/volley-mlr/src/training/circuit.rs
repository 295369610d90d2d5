//! A training run as a circuit: an objective and an update rule, independent of what they run on.

use crate::method::objective::{Objective, weight_scale};
use crate::method::update_rule::UpdateRule;
use crate::training::refresh::CopyLevels;
use crate::training::refresh::{INPUT_LEVEL, Method, Schedule};
use crate::training::rows::RowStorage;
use crate::volley_ckks::{Parameters, Scale};

/// Levels that the model has left, so that a server can compute with it: one product, for encrypted prediction.
pub(crate) const SPARE_LEVELS: usize = INPUT_LEVEL;

/// The training of an objective by an update rule, to be planned and run. It is for any objective what a
/// [`Plan`](crate::Plan) is for the multiclass logistic regression of [`Hyperparameters`](crate::Hyperparameters).
///
/// [`volley_revolver`](crate::volley_revolver)'s [`Plan`](crate::volley_revolver::plan::Plan) chooses parameters, layout and split for it,
/// [`trainer`](Self::trainer) runs it. Data is encrypted at the highest level, at the parameters' scale, as
/// [`EncryptedData`](crate::EncryptedData) says; preprocessing, 1/B and files are the caller's.
#[derive(Clone, Debug)]
pub struct TrainingCircuit<O> {
    pub(crate) objective: O,
    pub(crate) rule: UpdateRule,
    /// How weights are refreshed, if they are.
    pub(crate) method: Option<Method>,
    /// log₂ of the bound on what is refreshed.
    pub(crate) log_range: i32,
    pub(crate) storage: RowStorage,
    pub(crate) copy_levels: CopyLevels,
}

impl<O: Objective> TrainingCircuit<O> {
    /// A run without refreshes: it takes a chain with levels for all of its iterations.
    #[must_use]
    pub fn new(objective: O, rule: UpdateRule) -> Self {
        let (storage, copy_levels) = (RowStorage::default(), CopyLevels::default());
        Self { objective, rule, method: None, log_range: 0, storage, copy_levels }
    }

    pub(crate) fn schedule(&self, data_level: usize) -> Schedule {
        Schedule {
            data_level,
            iteration_levels: self.iteration_levels(),
            iterations: self.rule.iterations(),
            refreshes: self.method.is_some(),
            copy_levels: self.copy_levels,
        }
    }

    /// Levels of every iteration but the first.
    pub(crate) fn iteration_levels(&self) -> usize {
        2 + self.objective.levels()
    }

    /// Δ/h: the scale of encrypted weights.
    pub(crate) fn weight_scale(&self, parameters: &Parameters) -> Scale {
        weight_scale(&self.objective, parameters)
    }
}
