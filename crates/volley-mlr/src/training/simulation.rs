//! A training run on a simulator, which is how it is planned.

use std::ops::Range;
use std::sync::Arc;

use crate::encrypted::{EncryptedData, EncryptedGroup, ROW_FILE_BYTES};
use crate::error::Error;
use crate::method::objective::Objective;
use crate::training::circuit::{SPARE_LEVELS, TrainingCircuit};
use crate::training::refresh::{Method, Refresh, Schedule};
use crate::training::rows::{
    GROUPS_AT_ONCE, GroupSource, RowPreparation, RowStorage, StoredRows, groups_in_window,
};
use crate::training::trainer::Trainer;
use crate::volley_ckks::{Arithmetic, KeySpec, Parameters, SimulatedCiphertext, Simulator, Upload};
use crate::volley_revolver::Layout;
use crate::volley_revolver::plan::Circuit;
use crate::volley_revolver::skewed::{Skewed, Split};

impl<O: Objective> Circuit for TrainingCircuit<O> {
    type Error = Error;

    /// Saturates where there are more iterations than any ring has levels for.
    fn levels(&self) -> usize {
        let further = (self.rule.iterations() - 1).saturating_mul(self.iteration_levels());
        further.saturating_add(Schedule::FIRST_LEVELS + SPARE_LEVELS)
    }

    fn encoded_bytes(&self, parameters: &Parameters, layout: Layout) -> u64 {
        let Some(Method::Bootstrapping(bootstrappings)) = &self.method else { return 0 };
        bootstrappings
            .planned(parameters, layout)
            .map_or(0, |bootstrapping| bootstrapping.plan().memory_bytes())
    }

    /// What is alive in the first window of groups, when the errors of its first groups have been multiplied for the
    /// last class block: the copies and labels of the window, the weights with their carry and rotations, the errors,
    /// and the sums of the gradient. The sums are those of all class blocks where there are further windows. Otherwise
    /// the gradient of all class blocks but the last is there already.
    ///
    /// That is more in the second iteration than in the first, and more still after a refresh.
    fn least_bytes(&self, parameters: &Parameters, layout: Layout, split: Split) -> u64 {
        let output_level = |method: &Method| method.simulated(parameters, layout).map(|it| it.output_level());
        let level = match self.method.as_ref().map(output_level) {
            None => parameters.max_level(),
            Some(Ok(level)) => level,
            Some(Err(_)) => return 0,
        };
        let schedule = self.schedule(level);
        let polynomials = |count: usize, level: usize| {
            let bytes = parameters.limbs(level) * parameters.degree() * size_of::<u64>();
            (count as u64).saturating_mul(bytes as u64)
        };
        let (groups, class_blocks) = (layout.groups(), layout.class_blocks());
        let window = match self.storage {
            RowStorage::Memory => groups,
            RowStorage::Disk => groups.min(groups_in_window(layout)),
        };
        let of_columns = |count: usize| layout.column_blocks().saturating_mul(count);
        // Class blocks whose rotations and sums are alive.
        let begun = if window < groups { class_blocks } else { 1 };
        let in_iteration = |iteration: usize| {
            let errors_level = schedule.gradient_level(iteration) + 1;
            let backward = 2 * of_columns(split.backward_copies());
            let mut of_group = vec![
                polynomials(backward, schedule.backward_level(iteration)),
                polynomials(2 * class_blocks, level),
            ];
            let errors = 2 * window.min(GROUPS_AT_ONCE) * split.backward_steps();
            let mut others = vec![
                polynomials(errors, errors_level),
                polynomials(3 * of_columns(begun.saturating_mul(split.backward_sums())), errors_level),
                polynomials(2 * of_columns(class_blocks - begun), errors_level - 1),
            ];
            if iteration > 1 {
                let forward = 2 * of_columns(split.forward_copies());
                of_group.push(polynomials(forward, schedule.forward_level(iteration)));
                // M, V where there was an iteration before, and the carry.
                let weights = schedule.after(iteration - 1).level;
                let points = if iteration > 2 { 2 } else { 1 };
                let polynomials_of_point = 2 * layout.weight_ciphertexts();
                others.extend([
                    polynomials(2 * of_columns(begun.saturating_mul(layout.period())), weights),
                    polynomials(points * polynomials_of_point, weights),
                    polynomials(polynomials_of_point, weights.saturating_sub(1)),
                ]);
            }
            let sum = |bytes: Vec<u64>| bytes.into_iter().fold(0, u64::saturating_add);
            sum(of_group).saturating_mul(window as u64).saturating_add(sum(others))
        };
        let iterations = self.rule.iterations();
        // It comes as soon as the levels of the data are spent.
        let refreshed = (1..iterations.min(level + 1)).find(|&iteration| schedule.after(iteration).refreshed);
        let highest = refreshed.map(|iteration| iteration + 1);
        (1..=iterations.min(2)).chain(highest).map(in_iteration).max().unwrap_or(0)
    }

    /// Those of a bootstrapping.
    fn least_keys(&self, parameters: &Parameters, layout: Layout) -> KeySpec {
        let none = || KeySpec::new(parameters);
        let Some(Method::Bootstrapping(bootstrappings)) = &self.method else { return none() };
        let planned = bootstrappings.planned(parameters, layout);
        planned.and_then(|bootstrapping| bootstrapping.key_spec()).unwrap_or_else(|_| none())
    }

    /// A bootstrapping has linear transforms.
    fn depends_on_special_primes(&self) -> bool {
        self.method.is_some()
    }

    fn groups_at_once(&self, layout: Layout) -> usize {
        match self.storage {
            RowStorage::Memory => GROUPS_AT_ONCE,
            RowStorage::Disk => groups_in_window(layout),
        }
    }

    /// Of rows on a disk, the file that is used and the one that is read ahead.
    fn upload_memory_bytes(&self, upload: Upload) -> u64 {
        let held = match self.storage {
            RowStorage::Memory => u64::MAX,
            RowStorage::Disk => 2 * ROW_FILE_BYTES,
        };
        let unpacked = upload.memory_bytes as f64 / upload.bytes.max(1) as f64;
        upload.memory_bytes.min((held as f64 * unpacked) as u64)
    }

    /// Of a run that refreshes its weights only one cycle is simulated, and counted as often as the run goes through
    /// it.
    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        let refresh = self
            .method
            .as_ref()
            .map(|method| method.simulated(simulator.parameters(), layout))
            .transpose()?;
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
        let input = || Ok(simulator.input(&scale, schedule.data_level)?);
        let inputs = |count: usize| (0..count).map(|_| input()).collect::<Result<Vec<_>, Error>>();
        let circuit = Self { rule: self.rule.with_iterations(schedule.iterations), ..self.clone() };
        let (features, labels) = (layout.feature_ciphertexts(), layout.score_ciphertexts());
        match self.storage {
            RowStorage::Memory => {
                let features =
                    (0..layout.groups()).map(|_| inputs(layout.column_blocks())).collect::<Result<_, _>>()?;
                let (labels, preconditioner) = (inputs(labels)?, inputs(layout.column_blocks())?);
                let data = EncryptedData { layout, features, labels, preconditioner };
                Trainer::resident(&circuit, simulator, (layout, split), schedule, refresh, data)
            }
            RowStorage::Disk => {
                // They are sent, but not alive together.
                (0..features + labels).try_for_each(|_| input().map(drop))?;
                let skewed = || Skewed::new(simulator, layout, split);
                let preparation = RowPreparation::of(skewed()?, schedule, inputs(layout.column_blocks())?);
                let groups = SimulatedGroups { simulator: Arc::clone(simulator), layout, schedule };
                let rows = StoredRows::new(preparation, std::iter::once(0..layout.groups()), groups)?;
                Ok(Trainer::of(&circuit, skewed()?, simulator, schedule, refresh, Box::new(rows)))
            }
        }
    }
}

/// Groups as they are read from a disk.
#[derive(Debug)]
struct SimulatedGroups {
    simulator: Arc<Simulator>,
    layout: Layout,
    schedule: Schedule,
}

impl GroupSource<SimulatedCiphertext> for SimulatedGroups {
    fn read(&self, groups: Range<usize>) -> Result<Vec<EncryptedGroup<SimulatedCiphertext>>, Error> {
        let Self { simulator, layout, schedule } = self;
        let scale = simulator.parameters().scale();
        let read = |count: usize| {
            let ciphertext = |_| Ok(simulator.existing(&scale, schedule.data_level)?);
            (0..count).map(ciphertext).collect::<Result<Vec<_>, Error>>()
        };
        let group = |_| {
            let (features, labels) = (read(layout.column_blocks())?, read(layout.class_blocks())?);
            Ok(EncryptedGroup { features, labels })
        };
        groups.map(group).collect()
    }
}

#[cfg(test)]
mod tests;
