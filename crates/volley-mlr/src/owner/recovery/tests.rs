use ndarray::Axis;

use super::*;
use crate::data::dataset::{Dataset, largest};
use crate::testing::{Setup, clouds, relative_error, rng, small_ring};
use crate::{EncryptedGroup, Hyperparameters, TrainingSet};

fn part(data: &Dataset, rows: std::ops::Range<usize>) -> Dataset {
    let features = data.features().select(Axis(0), &rows.clone().collect::<Vec<_>>());
    Dataset::new(features, data.labels()[rows].iter().cloned()).unwrap()
}

fn settings() -> Hyperparameters {
    Hyperparameters::standard(2).unwrap()
}

/// The rows of a setup's upload.
fn decrypted(setup: &Setup) -> PreparedRows {
    let rows = setup.upload().groups(0..setup.plan.layout().groups());
    setup.training_set.owner_state().decrypt_rows(&setup.plan, &setup.secret_key, &rows).unwrap()
}

#[test]
fn rows_come_back_as_they_were_prepared() {
    for hyperparameters in [settings(), Hyperparameters::paper(2).unwrap()] {
        let setup = Setup::new(&clouds(300, 20, 3), &hyperparameters, small_ring(8));
        assert!(setup.plan.layout().groups() > 2);
        let rows = decrypted(&setup);
        assert_eq!(&rows.one_hot, setup.training_set.one_hot());
        assert!(relative_error(&rows.features, setup.training_set.features()) < 1e-6);
    }
}

#[test]
fn added_rows_train_to_what_all_rows_with_the_first_ones_statistics_give() {
    let all = clouds(300, 20, 3);
    let (first, second) = (part(&all, 0..200), part(&all, 200..300));
    let setup = Setup::new(&first, &settings(), small_ring(8));
    let state = setup.training_set.owner_state();
    let extended = TrainingSet::extended(decrypted(&setup), state, &second).unwrap();
    assert_eq!(extended.preprocessing(), &state.preprocessing);
    assert_eq!(extended.preconditioner().normalisation(), state.preconditioner.normalisation());
    // In clear, without any encryption between.
    let prepared = state.preprocessing.apply_to_training(first.features()).unwrap();
    let one_hot = state.classes.one_hot(first.labels()).unwrap();
    let in_clear = PreparedRows { features: prepared, one_hot };
    let in_clear = TrainingSet::extended(in_clear, state, &second).unwrap();
    assert!(relative_error(extended.features(), in_clear.features()) < 1e-6);
    assert_eq!(extended.one_hot(), &state.classes.one_hot(all.labels()).unwrap());
    let last = |set: &TrainingSet| set.reference(&settings()).last().unwrap().weights;
    assert!(relative_error(&last(&extended), &last(&in_clear)) < 1e-5);
    // Encrypted.
    let plan = setup.plan.with_samples(300).unwrap();
    assert!(setup.plan.key_spec().covers(plan.key_spec()) && plan.key_spec().covers(setup.plan.key_spec()));
    assert_eq!(plan.parameters(), setup.plan.parameters());
    let expected = last(&in_clear);
    let appended = Setup { training_set: extended.into(), plan: plan.into(), ..setup };
    let found = appended.owner().decrypt_weights(&appended.train()).unwrap();
    assert!(relative_error(&found, &expected) < 1e-3, "{}", relative_error(&found, &expected));
    assert!(largest(&expected) > 0.0);
}

#[test]
fn what_does_not_fit_the_first_rows_is_refused() {
    let setup = Setup::new(&clouds(60, 6, 3), &settings(), small_ring(8));
    let (state, mut rows) = (setup.training_set.owner_state(), decrypted(&setup));
    let extended = |data: &Dataset| TrainingSet::extended(decrypted(&setup), state, data).unwrap_err();
    let columns = Error::ColumnCount { expected: 6, found: 7 };
    assert_eq!(extended(&clouds(9, 7, 3)), columns);
    let label = Error::UnknownLabel { row: 3, label: "class 3".to_owned() };
    assert_eq!(extended(&clouds(9, 6, 4)), label);
    let narrow = PreparedRows { features: rows.features.clone(), one_hot: Array2::zeros((60, 2)) };
    let before = rows.clone();
    assert_eq!(rows.append(&narrow), Err(Error::ColumnCount { expected: 3, found: 2 }));
    let short = PreparedRows { features: Array2::zeros((1, 2)), one_hot: Array2::zeros((1, 3)) };
    assert_eq!(rows.append(&short), Err(Error::ColumnCount { expected: 7, found: 2 }));
    assert_eq!(rows, before, "nothing changes");
}

#[test]
fn what_is_no_label_and_what_is_not_the_plans_is_refused() {
    let setup = Setup::new(&clouds(60, 6, 3), &settings(), small_ring(8));
    let state = setup.training_set.owner_state();
    let groups = setup.upload().groups(0..1);
    let swapped = EncryptedGroups {
        first: 0,
        groups: groups
            .groups
            .iter()
            .map(|group| EncryptedGroup { features: group.features.clone(), labels: group.features.clone() })
            .collect(),
    };
    let refused = state.decrypt_rows(&setup.plan, &setup.secret_key, &swapped).unwrap_err();
    assert!(matches!(refused, Error::DecryptedLabel { .. }), "{refused}");
    let beyond = EncryptedGroups { first: setup.plan.layout().groups(), ..groups.clone() };
    assert!(matches!(state.decrypt_rows(&setup.plan, &setup.secret_key, &beyond), Err(Error::Groups { .. })));
    let other = Setup::new(&clouds(60, 7, 3), &settings(), small_ring(8));
    assert!(matches!(
        other.training_set.owner_state().decrypt_rows(&setup.plan, &setup.secret_key, &groups),
        Err(Error::PlanShape { .. })
    ));
}

#[test]
fn rows_with_weights_are_told_from_rows_without() {
    let data = clouds(60, 6, 3);
    // A class with fewer rows.
    let kept: Vec<usize> = (0..60).filter(|row| row % 3 > 0 || row % 4 == 0).collect();
    let labels: Vec<String> = kept.iter().map(|&row| data.labels()[row].clone()).collect();
    let data = Dataset::new(data.features().select(Axis(0), &kept), labels).unwrap();
    for profile in ["standard", "paper"] {
        let hyperparameters = match profile {
            "paper" => Hyperparameters::paper(2).unwrap(),
            _ => settings(),
        };
        let setup = Setup::new(&data, &hyperparameters, small_ring(8));
        let check = |setup: &Setup| {
            let blocks = setup.owner().encryption().unwrap().preconditioner(&mut rng(4)).unwrap();
            setup.training_set.owner_state().check_weights(&setup.plan, &setup.secret_key, &blocks)
        };
        assert_eq!(check(&setup), Ok(()));
        let balanced = TrainingSet::balanced(&data, hyperparameters.profile(), setup.plan.layout()).unwrap();
        let setup = Setup { training_set: balanced.into(), ..setup };
        assert_eq!(check(&setup), Err(Error::WeightedRows), "{profile}");
        let none = setup.training_set.owner_state().check_weights(&setup.plan, &setup.secret_key, &[]);
        assert!(matches!(none, Err(Error::Matrix(_))));
    }
}
