use volley_sigmoid::SigmoidPolynomial;

use super::*;
use crate::method::hyperparameters::Hyperparameters;
use crate::testing::small_ring;
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

#[test]
fn nor_where_weights_are_refreshed() {
    let preset = Preset::Fast;
    for storage in [RowStorage::Memory, RowStorage::Disk] {
        let circuit = circuit(12, storage, Some(Method::Bootstrapping(preset)));
        let levels = INPUT_LEVEL + circuit.iteration_levels();
        let parameters = preset.parameters(16, levels, 6, Security::Classical128).build().unwrap();
        let shape = Shape { samples: 100, columns: 5, classes: 2 };
        let layout = Layout::new(shape, parameters.max_slots()).unwrap();
        check(&circuit, &parameters, layout);
    }
}
