//! A training run as a circuit: an objective and an update rule, independent of what they run on.

use std::sync::Arc;

use crate::encrypted::EncryptedData;
use crate::error::Error;
use crate::objective::Objective;
use crate::refresh::{self, INPUT_LEVEL, Method, Schedule};
use crate::trainer::Trainer;
use crate::update_rule::UpdateRule;
use crate::volley_ckks::{Arithmetic, Parameters, Scale, Simulator};
use crate::volley_revolver::Layout;
use crate::volley_revolver::plan::{Circuit, Plan as MatrixPlan};
use crate::volley_revolver::skewed::Split;

/// Levels that the model has left, so that a server can compute with it: one product, for encrypted prediction.
pub(crate) const SPARE_LEVELS: usize = INPUT_LEVEL;

/// The training of an objective by an update rule, to be planned and run. It is for any objective what a
/// [`Plan`](crate::Plan) is for the multiclass logistic regression of [`Hyperparameters`](crate::Hyperparameters).
///
/// The [`Plan`](MatrixPlan) of [`volley_revolver`](crate::volley_revolver) chooses parameters, layout and split for it,
/// and [`trainer`](Self::trainer) runs it. Data is encrypted at the highest level, at the parameters' scale, as
/// [`EncryptedData`] says. Preprocessing, 1/B and files are the caller's.
#[derive(Clone, Debug)]
pub struct TrainingCircuit<O> {
    pub(crate) objective: O,
    pub(crate) rule: UpdateRule,
    /// How weights are refreshed, if they are.
    pub(crate) method: Option<Method>,
    /// log₂ of the bound on what is refreshed.
    pub(crate) log_range: i32,
}

impl<O: Objective> TrainingCircuit<O> {
    /// A run without refreshes: it takes a chain with levels for all of its iterations.
    #[must_use]
    pub fn new(objective: O, rule: UpdateRule) -> Self {
        Self { objective, rule, method: None, log_range: 0 }
    }

    /// A trainer by a plan that was made for this circuit.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] and [`Error::GroupCount`] for data of another plan, [`Error::Matrix`] for another
    /// parameter set or key, and for keys that do not suffice.
    pub fn trainer<A: Arithmetic + 'static>(
        &self,
        arithmetic: &Arc<A>,
        plan: &MatrixPlan,
        data: EncryptedData<A::Ciphertext>,
    ) -> Result<Trainer<A, O>, Error> {
        if arithmetic.parameters().id() != plan.parameters().id() {
            return Err(crate::volley_ckks::Error::ParameterMismatch.into());
        }
        let schedule = self.schedule(plan.parameters().max_level());
        Trainer::resident(self, arithmetic, (plan.layout(), plan.split()), schedule, None, data)
    }

    pub(crate) fn schedule(&self, data_level: usize) -> Schedule {
        Schedule {
            data_level,
            iteration_levels: self.iteration_levels(),
            iterations: self.rule.iterations(),
            refreshes: self.method.is_some(),
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

    /// A trainer of simulated data, for as many iterations as are scheduled.
    pub(crate) fn simulated(
        &self,
        simulator: &Arc<Simulator>,
        (layout, split): (Layout, Split),
        schedule: Schedule,
        refresh: Option<Arc<dyn refresh::Refresh<Simulator>>>,
    ) -> Result<Trainer<Simulator, O>, Error> {
        let scale = simulator.parameters().scale();
        let inputs = |count: usize| -> Result<Vec<_>, Error> {
            (0..count).map(|_| Ok(simulator.input(&scale, schedule.data_level)?)).collect()
        };
        let data = EncryptedData {
            layout,
            features: (0..layout.groups())
                .map(|_| inputs(layout.column_blocks()))
                .collect::<Result<_, _>>()?,
            labels: inputs(layout.score_ciphertexts())?,
            preconditioner: inputs(layout.column_blocks())?,
        };
        let circuit = Self { rule: self.rule.with_iterations(schedule.iterations), ..self.clone() };
        Trainer::resident(&circuit, simulator, (layout, split), schedule, refresh, data)
    }
}

/// Δ/h: the scale of encrypted weights.
pub(crate) fn weight_scale(objective: &impl Objective, parameters: &Parameters) -> Scale {
    parameters.scale().divided_by(&Scale::power_of_two(objective.log_headroom()))
}

impl<O: Objective> Circuit for TrainingCircuit<O> {
    type Error = Error;

    /// The levels of all iterations. They saturate where there are more iterations than any ring has levels for.
    fn levels(&self) -> usize {
        let further = (self.rule.iterations() - 1).saturating_mul(self.iteration_levels());
        further.saturating_add(Schedule::FIRST_LEVELS + SPARE_LEVELS)
    }

    fn encoded_bytes(&self, parameters: &Parameters, layout: Layout) -> u64 {
        let Some(preset) = self.method.as_ref().and_then(Method::preset) else { return 0 };
        let bootstrapping = refresh::bootstrapping(preset, parameters, layout);
        bootstrapping.map_or(0, |bootstrapping| bootstrapping.memory_bytes())
    }

    /// A run that refreshes its weights is a cycle that repeats: one is simulated, and counted as often as it occurs.
    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        let refresh = self.method.as_ref().map(|method| method.simulated(simulator, layout)).transpose()?;
        let max_level = simulator.parameters().max_level();
        let schedule = self.schedule(refresh.as_ref().map_or(max_level, |refresh| refresh.output_level()));
        let mut trainer = self.simulated(simulator, (layout, split), schedule.once_through(), refresh)?;
        let mut steps = |count: usize| (0..count).try_for_each(|_| trainer.step().map(drop));
        if let Some(cycle) = schedule.cycle() {
            steps(cycle.start)?;
            simulator.repeated(cycle.times, || steps(cycle.length))?;
        }
        while trainer.step()?.is_some() {}
        Ok(())
    }
}
