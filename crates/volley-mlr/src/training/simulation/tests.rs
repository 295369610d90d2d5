use volley_sigmoid::SigmoidPolynomial;

use super::*;
use crate::method::hyperparameters::Hyperparameters;
use crate::testing::small_ring;
use crate::training::refresh::INPUT_LEVEL;
use crate::volley_ckks::bootstrapping::Preset;
use crate::volley_ckks::costs::CostModel;
use crate::volley_ckks::{Parameters, Security};
use crate::volley_revolver::Shape;
use crate::volley_revolver::plan::Plan as MatrixPlan;

fn circuit(
    iterations: usize,
    storage: RowStorage,
    method: Option<Method>,
) -> TrainingCircuit<SigmoidPolynomial> {
    let settings = Hyperparameters::few(iterations).unwrap();
    let circuit = TrainingCircuit::new(settings.sigmoid().clone(), settings.update_rule().clone());
    TrainingCircuit { storage, copy_levels: storage.copy_levels(), method, log_range: 8, ..circuit }
}

/// Compares the bound of every split with what its simulation has alive.
fn check(circuit: &TrainingCircuit<SigmoidPolynomial>, parameters: &Parameters, layout: Layout) {
    for split in [Split::candidates(&layout), Split::lean_candidates(&layout)].concat() {
        let plan = MatrixPlan::of(circuit, parameters, layout, split, &CostModel::default()).unwrap();
        let (bound, found) = (circuit.least_bytes(parameters, layout, split), plan.memory(1).ciphertexts);
        assert!(bound <= found, "{layout:?}, {split:?}: {bound} bytes at least, {found} found");
        assert!(plan.key_spec().covers(&circuit.least_keys(parameters, layout)), "{layout:?}, {split:?}");
        // Much of what is alive are copies, where there are many.
        if layout.groups() * split.backward_copies() > 64 && circuit.storage == RowStorage::Memory {
            assert!(2 * bound > found, "{layout:?}, {split:?}: {bound} bytes at least, {found} found");
        }
    }
}

#[test]
fn no_more_is_taken_for_granted_than_a_simulation_has_alive() {
    for [samples, columns, classes] in [[10, 4, 2], [300, 9, 3], [60, 12, 20]] {
        let shape = Shape { samples, columns, classes };
        for (iterations, storage) in [(1, RowStorage::Memory), (2, RowStorage::Memory), (3, RowStorage::Disk)]
        {
            let circuit = circuit(iterations, storage, None);
            let settings = Hyperparameters::few(iterations).unwrap();
            let plan = crate::Plan::new(10, 4, 2, &settings, small_ring(10)).unwrap();
            let parameters = plan.parameters().clone();
            let layouts = Layout::family(shape, parameters.max_slots()).unwrap();
            layouts.into_iter().for_each(|layout| check(&circuit, &parameters, layout));
        }
    }
}

/// Compares what planning tells from few groups, column blocks and class blocks with a simulation of all of them.
fn check_counts(circuit: &TrainingCircuit<SigmoidPolynomial>, parameters: &Parameters, layout: Layout) {
    for split in [Split::on_copies(&layout), Split::lean_candidates(&layout)[0]] {
        let plan = MatrixPlan::of(circuit, parameters, layout, split, &CostModel::default()).unwrap();
        let whole = Arc::new(Simulator::new(parameters));
        circuit.simulate(&whole, layout, split).unwrap();
        assert_eq!(plan.counts(), &whole.counts(), "{layout:?}, {split:?}");
        assert_eq!(plan.key_spec(), &whole.key_spec(), "{layout:?}, {split:?}");
        assert_eq!(plan.upload(), whole.upload(), "{layout:?}, {split:?}");
    }
}

#[test]
fn few_groups_and_blocks_tell_what_all_take() {
    let parameters = |iterations| {
        let settings = Hyperparameters::few(iterations).unwrap();
        crate::Plan::new(10, 4, 2, &settings, small_ring(10)).unwrap().parameters().clone()
    };
    // Layouts of one to fourteen column blocks, one to twenty class blocks, one to ten groups.
    for [samples, columns, classes] in [[10, 40, 2], [300, 90, 17], [60, 200, 40], [700, 33, 4]] {
        let shape = Shape { samples, columns, classes };
        for storage in [RowStorage::Memory, RowStorage::Disk] {
            let (circuit, parameters) = (circuit(3, storage, None), parameters(3));
            let layouts = Layout::family(shape, parameters.max_slots()).unwrap();
            layouts.into_iter().for_each(|layout| check_counts(&circuit, &parameters, layout));
        }
    }
}

#[test]
fn so_they_do_where_weights_are_refreshed() {
    let preset = Preset::Fast;
    for storage in [RowStorage::Memory, RowStorage::Disk] {
        let circuit = circuit(12, storage, Some(Method::by_bootstrapping(preset)));
        let levels = INPUT_LEVEL + circuit.iteration_levels();
        let parameters = preset.parameters(16, levels, 6, Security::Classical128).build().unwrap();
        let shape = Shape { samples: 100, columns: 200, classes: 70 };
        let layouts = Layout::with_period(shape, parameters.max_slots(), 16).unwrap();
        check_counts(&circuit, &parameters, layouts[0]);
    }
}

#[test]
fn nor_where_weights_are_refreshed() {
    let preset = Preset::Fast;
    for storage in [RowStorage::Memory, RowStorage::Disk] {
        let circuit = circuit(12, storage, Some(Method::by_bootstrapping(preset)));
        let levels = INPUT_LEVEL + circuit.iteration_levels();
        let parameters = preset.parameters(16, levels, 6, Security::Classical128).build().unwrap();
        let shape = Shape { samples: 100, columns: 5, classes: 2 };
        let layout = Layout::new(shape, parameters.max_slots()).unwrap();
        check(&circuit, &parameters, layout);
    }
}
