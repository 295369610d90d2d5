//! What planning simulates, in operations: time would depend on what else the machine does.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::volley_revolver::plan::Planner;

/// A run that counts the operations of its simulations.
struct Counting<'a> {
    training: Training<'a>,
    operations: AtomicU64,
}

impl Circuit for Counting<'_> {
    type Error = Error;

    fn levels(&self) -> usize {
        self.training.levels()
    }

    fn encoded_bytes(&self, parameters: &Parameters, layout: Layout) -> u64 {
        self.training.encoded_bytes(parameters, layout)
    }

    fn least_bytes(&self, parameters: &Parameters, layout: Layout, split: Split) -> u64 {
        self.training.least_bytes(parameters, layout, split)
    }

    fn depends_on_special_primes(&self) -> bool {
        self.training.depends_on_special_primes()
    }

    fn groups_at_once(&self, layout: Layout) -> usize {
        self.training.groups_at_once(layout)
    }

    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        self.training.simulate(simulator, layout, split)?;
        let operations = simulator.counts().iter().map(|(_, _, count)| count).sum();
        self.operations.fetch_add(operations, Ordering::Relaxed);
        Ok(())
    }
}

/// The operations that planning simulates, where weights are refreshed in one ring.
fn simulated(iterations: usize, [samples, features, classes]: [usize; 3]) -> u64 {
    let preset = Preset::Fast;
    let hyperparameters = Hyperparameters::standardised(iterations).unwrap();
    let storage = RowStorage::Memory;
    let method = (iterations > 4).then_some(Method::by_bootstrapping(preset));
    let refreshes = method.is_some();
    let training =
        Training { hyperparameters: &hyperparameters, method, storage, copy_levels: storage.copy_levels() };
    let levels = INPUT_LEVEL + training.iteration_levels();
    let counting = Counting { training, operations: AtomicU64::new(0) };
    let (model, shape) = (CostModel::default(), Shape { samples, columns: features + 1, classes });
    let planner = Planner::new(&counting, &model);
    let plan = if refreshes {
        let set = preset.parameters(16, levels, 6, Security::Classical128).build().unwrap();
        planner.cheapest_under(shape, &set, Demands::default())
    } else {
        planner.cheapest(shape, Demands::default())
    };
    assert_eq!(plan.unwrap().layout().shape(), shape);
    counting.operations.into_inner()
}

#[test]
fn many_rows_are_planned_as_soon_as_few() {
    for (iterations, [samples, features, classes]) in
        [(2, [52_500, 768, 10]), (40, [52_500, 768, 10]), (2, [1_000_000, 512, 10])]
    {
        let of = |samples| simulated(iterations, [samples, features, classes]);
        let (few, many) = (of(samples / 4), of(samples));
        println!("{samples} samples, {iterations} iterations: {many} operations, {few} for a quarter");
        assert!(many < few + few / 4, "{samples} samples: {many} operations, {few} for a quarter");
    }
}
