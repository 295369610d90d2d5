//! A training run on a simulator, which is how it is planned.

use std::sync::Arc;

use crate::encrypted::EncryptedData;
use crate::error::Error;
use crate::method::objective::Objective;
use crate::training::circuit::{SPARE_LEVELS, TrainingCircuit};
use crate::training::refresh::{Method, Refresh, Schedule, bootstrapping};
use crate::training::trainer::Trainer;
use crate::volley_ckks::{Arithmetic, Parameters, Simulator};
use crate::volley_revolver::Layout;
use crate::volley_revolver::plan::Circuit;
use crate::volley_revolver::skewed::Split;

impl<O: Objective> Circuit for TrainingCircuit<O> {
    type Error = Error;

    /// Saturates where there are more iterations than any ring has levels for.
    fn levels(&self) -> usize {
        let further = (self.rule.iterations() - 1).saturating_mul(self.iteration_levels());
        further.saturating_add(Schedule::FIRST_LEVELS + SPARE_LEVELS)
    }

    fn encoded_bytes(&self, parameters: &Parameters, layout: Layout) -> u64 {
        let Some(preset) = self.method.as_ref().and_then(Method::preset) else { return 0 };
        let bootstrapping = bootstrapping(preset, parameters, layout);
        bootstrapping.map_or(0, |bootstrapping| bootstrapping.memory_bytes())
    }

    /// Of a run that refreshes its weights only one cycle is simulated, and counted as often as the run goes through it.
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

impl<O: Objective> TrainingCircuit<O> {
    /// A trainer of simulated data, for as many iterations as are scheduled.
    pub(crate) fn simulated(
        &self,
        simulator: &Arc<Simulator>,
        (layout, split): (Layout, Split),
        schedule: Schedule,
        refresh: Option<Arc<dyn Refresh<Simulator>>>,
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
