//! What planning simulates, in operations: time would depend on what else the machine does.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::volley_revolver::plan::{Planner, simulated_groups};

/// A run that counts its simulations.
struct Counting<'a> {
    training: Training<'a>,
    simulations: AtomicU64,
    operations: AtomicU64,
    /// Groups times column blocks times class blocks of all layouts that are simulated.
    products: AtomicU64,
}

impl<'a> Counting<'a> {
    fn of(training: Training<'a>) -> Self {
        Self {
            training,
            simulations: AtomicU64::new(0),
            operations: AtomicU64::new(0),
            products: AtomicU64::new(0),
        }
    }
}

/// The products of a group with the copies of a column block, for each class block.
fn products(groups: usize, layout: Layout) -> u64 {
    (groups * layout.column_blocks() * layout.class_blocks()) as u64
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

    fn least_keys(&self, parameters: &Parameters, layout: Layout) -> KeySpec {
        self.training.least_keys(parameters, layout)
    }

    fn depends_on_special_primes(&self) -> bool {
        self.training.depends_on_special_primes()
    }

    fn groups_at_once(&self, layout: Layout) -> usize {
        self.training.groups_at_once(layout)
    }

    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        self.training.simulate(simulator, layout, split)?;
        self.simulations.fetch_add(1, Ordering::Relaxed);
        let operations = simulator.counts().iter().map(|(_, _, count)| count).sum();
        self.operations.fetch_add(operations, Ordering::Relaxed);
        self.products.fetch_add(products(layout.groups(), layout), Ordering::Relaxed);
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
    let counting = Counting::of(training);
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

/// The largest runs of their kind that a reader does not refuse: many samples, many iterations, many columns.
#[test]
fn no_more_is_simulated_than_a_reader_allows() {
    for (shape, iterations, grow) in [
        ([100, 3, 2], 3, [1, 0]),
        ([100, 60, 10], 40, [1, 0]),
        ([4, 100, 2], 1000, [0, 1]),
        ([4, 100, 10], 3, [0, 1]),
    ] {
        let small = plan(shape, iterations, in_ring(16)).unwrap();
        let [samples, columns] = grow.map(|grows| 1 + grows * (usize::MAX >> 20));
        let shape = small.layout().shape();
        let layout = |shift: u32| {
            let times = |size: usize, most: usize| size.saturating_mul((most >> shift).max(1));
            let shape = Shape {
                samples: times(shape.samples, samples),
                columns: times(shape.columns, columns),
                ..shape
            };
            let layout = Layout::new(shape, small.parameters().max_slots()).ok()?;
            work::check(&layout, &small.schedule()).is_ok().then_some(layout)
        };
        let largest = (0..64).find_map(layout).unwrap();
        let (counting, split) = (Counting::of(small.training()), Split::on_copies(&largest));
        MatrixPlan::of(&counting, small.parameters(), largest, split, &CostModel::default()).unwrap();
        let (found, most) = (counting.products.into_inner(), products(simulated_groups(&largest), largest));
        assert!(found <= most, "{found} products of {most} for {largest:?}");
    }
}

/// Where nothing fits, the leanest member is sought among all: bounds rule out most.
#[test]
fn that_nothing_fits_is_known_from_hundreds_of_simulations() {
    const MOST: u64 = 600;
    let (hyperparameters, model) = (Hyperparameters::standardised(4).unwrap(), CostModel::default());
    let (storage, method) = (RowStorage::Memory, None);
    let training =
        Training { hyperparameters: &hyperparameters, method, storage, copy_levels: storage.copy_levels() };
    let counting = Counting::of(training);
    let shape = Shape { samples: 300, columns: 61, classes: 100 };
    let demands = Demands { memory_bytes: Some(100_000_000), ..Demands::default() };
    let refused = Planner::new(&counting, &model).cheapest(shape, demands);
    assert!(matches!(refused, Err(Error::Matrix(MatrixError::TooMuchMemory { .. }))));
    let simulations = counting.simulations.into_inner();
    println!("{simulations} simulations");
    assert!(simulations <= MOST, "{simulations} simulations");
}
