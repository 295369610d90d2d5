use std::sync::Arc;

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};
use proptest::prelude::*;

use super::*;
use crate::testing::{Setup, clouds, relative_error, rng, small_ring};
use crate::volley_ckks::Flooding;
use crate::volley_revolver::Shape;
use crate::{Dataset, Error, Hyperparameters, Owner, Plan, Profile, Reference, Trainer, TrainingSet};

fn labels(counts: &[usize]) -> Vec<String> {
    let of = |(class, &count): (usize, &usize)| std::iter::repeat_n(format!("class {class}"), count);
    counts.iter().enumerate().flat_map(of).collect()
}

/// The arrangement of so many rows of each class in blocks of rows of three columns.
fn arranged(counts: &[usize], slots: usize) -> (Vec<String>, Arrangement) {
    let labels = labels(counts);
    let shape = Shape { samples: labels.len(), columns: 3, classes: counts.len() };
    let layout = Layout::new(shape, slots).unwrap();
    let arrangement = Arrangement::balanced(&ClassLabels::of(&labels).unwrap(), &labels, layout);
    (labels, arrangement)
}

/// The sums of weights by class.
fn sums(labels: &[String], arrangement: &Arrangement) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for (&row, weight) in arrangement.order.iter().zip(&arrangement.weights.values) {
        *sums.entry(labels[row].clone()).or_insert(0.0) += weight;
    }
    sums
}

proptest! {
    #[test]
    fn every_row_has_a_place_and_blocks_share_weights(
        counts in prop::collection::vec(1_usize..120, 2..6),
        log_slots in 7_u32..10,
    ) {
        let (labels, arrangement) = arranged(&counts, 1 << log_slots);
        let (n, c) = (labels.len(), counts.len());
        let (rows, weights) = (arrangement.weights.layout.rows(), &arrangement.weights.values);
        let mut order = arrangement.order.clone();
        order.sort_unstable();
        prop_assert!(order.into_iter().eq(0..n));
        prop_assert!((weights.sum() / n as f64 - 1.0).abs() < 1e-12);
        for index in rows..n {
            prop_assert_eq!(weights[index], weights[index % rows]);
        }
        // Between the weights of the most and the least frequent class.
        let of = |count: usize| n as f64 / (c * count) as f64;
        let [largest, least] = [*counts.iter().min().unwrap(), *counts.iter().max().unwrap()].map(of);
        prop_assert!(weights.iter().all(|&w| least * (1.0 - 1e-12) <= w && w <= largest * (1.0 + 1e-12)));
        let blocks = n.div_ceil(rows);
        if blocks == 1 {
            for sum in sums(&labels, &arrangement).values() {
                prop_assert!((sum / n as f64 * c as f64 - 1.0).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn classes_have_places_of_their_own_wherever_their_sizes_allow_it() {
    // 32 rows in a block.
    for (counts, slots, blocks) in [
        (vec![3, 150], 256, 5),
        (vec![22, 100], 256, 4),
        (vec![15, 14, 85], 512, 4),
        (vec![9, 87], 256, 3),
        (vec![16, 9], 256, 1),
    ] {
        let (labels, arrangement) = arranged(&counts, slots);
        let layout = arrangement.weights.layout;
        assert_eq!(labels.len().div_ceil(layout.rows()), blocks, "{counts:?}");
        let exact = counts.iter().all(|&count| count >= blocks * blocks.saturating_sub(2));
        let ideal = labels.len() as f64 / counts.len() as f64;
        for (label, sum) in sums(&labels, &arrangement) {
            assert_eq!((sum / ideal - 1.0).abs() < 1e-12, exact, "{counts:?}, {label}: {sum} of {ideal}");
        }
    }
}

#[test]
fn a_class_without_a_place_of_its_own_shares_one() {
    // Three rows of 153 in places of five: 25.5 and 0.51 on the mean.
    let (labels, arrangement) = arranged(&[3, 150], 256);
    let shared = (3.0 * 153.0 / 6.0 + 2.0 * 153.0 / 300.0) / 5.0;
    assert!((sums(&labels, &arrangement)["class 0"] - 3.0 * shared).abs() < 1e-9);
}

/// One row in `every` is of the rarer of two classes.
fn rare(samples: usize, every: usize) -> Dataset {
    let clouds = clouds(2 * samples, 6, 2);
    let rows: Vec<usize> = (0..samples).map(|i| 2 * i + usize::from(i % every == 0)).collect();
    clouds.select(&rows).unwrap()
}

fn setup(data: &Dataset, hyperparameters: &Hyperparameters, log_n: u32) -> Setup {
    let (samples, features) = data.features().dim();
    let plan = Plan::new(samples, features, 2, hyperparameters, small_ring(log_n)).unwrap();
    let balanced = TrainingSet::balanced(data, Profile::Standard, plan.layout()).unwrap();
    Setup { training_set: Arc::new(balanced), ..Setup::of(data, hyperparameters, plan) }
}

#[test]
fn weighted_training_is_that_of_repeated_rows() {
    // Twelve rows of one class, four of the other: three times as many of each of these give the same training.
    let data = rare(16, 4);
    let hyperparameters = Hyperparameters::few(4).unwrap();
    let training_set = setup(&data, &hyperparameters, 10).training_set;
    let class = training_set.one_hot().column(0);
    let rarer = f64::from(u8::from(class.sum() == 4.0));
    let repeated: Vec<usize> =
        (0..16).flat_map(|row| std::iter::repeat_n(row, if class[row] == rarer { 3 } else { 1 })).collect();
    let features = training_set.features().select(Axis(0), &repeated);
    let one_hot = training_set.one_hot().select(Axis(0), &repeated);
    // Weights are 2 and 2/3.
    let preconditioner = crate::Preconditioner::fit(&features).unwrap();
    let expected = Reference::new(&features, &one_hot, preconditioner.inverse(), &hyperparameters);
    for (step, expected) in training_set.reference(&hyperparameters).zip(expected) {
        let error = (&step.weights - &expected.weights).iter().fold(0.0, |max: f64, e| max.max(e.abs()));
        assert!(error < 1e-12, "{error:e}");
    }
}

/// In one block and in many.
#[test]
fn encrypted_training_of_weighted_rows_is_that_in_clear() {
    let hyperparameters = Hyperparameters::few(4).unwrap();
    for (samples, log_n) in [(60, 11), (500, 9)] {
        let data = rare(samples, 20);
        let setup = setup(&data, &hyperparameters, log_n);
        assert_eq!(setup.plan.layout().row_blocks() > 2, log_n == 9);
        let evaluator = setup.evaluator();
        let upload = setup.upload().expand(&setup.context).unwrap();
        let mut trainer = Trainer::new(&evaluator, &setup.plan, upload).unwrap();
        for reference in setup.training_set.reference(&hyperparameters) {
            trainer.step().unwrap().unwrap();
            let model = setup.owner().decrypt_private(&trainer.model().unwrap()).unwrap();
            let in_clear = setup.training_set.model(reference.weights).unwrap();
            let error = relative_error(model.weights(), in_clear.weights());
            println!("{samples} rows, iteration {}: {:e}", reference.iteration, error);
            assert!(error < 1e-4, "{samples} rows, {}: {error:e}", reference.iteration);
        }
        assert_eq!(&evaluator.counts(), setup.plan.counts(), "the plan is what runs");
    }
}

#[test]
fn a_rare_class_is_found() {
    let (data, hyperparameters) = (rare(1000, 100), Hyperparameters::few(8).unwrap());
    let weights =
        |set: &TrainingSet| -> Array2<f64> { set.reference(&hyperparameters).last().unwrap().weights };
    let alike = TrainingSet::new(&data, Profile::Standardised).unwrap();
    assert_eq!(alike.recalls(&weights(&alike)).predicted(), [1000, 0]);
    let recoded = TrainingSet::new(&data, Profile::Standard).unwrap();
    assert!(recoded.recalls(&weights(&recoded)).predicted().iter().all(|&rows| rows > 0));
    let balanced = setup(&data, &hyperparameters, 12).training_set;
    assert!(balanced.recalls(&weights(&balanced)).predicted().iter().all(|&rows| rows > 0));
    let model = balanced.model(weights(&balanced)).unwrap();
    let predicted = model.predict(data.features()).unwrap();
    let recall = |class: &str| {
        let rows = data.labels().iter().zip(&predicted).filter(|(label, _)| *label == class);
        let found = rows.clone().filter(|(_, found)| **found == class).count();
        found as f64 / rows.count() as f64
    };
    let balanced_accuracy = f64::midpoint(recall("class 0"), recall("class 1"));
    assert!(balanced_accuracy > 0.95, "{balanced_accuracy}");
}

#[test]
fn rows_arranged_for_another_layout_are_refused() {
    let (data, hyperparameters) = (rare(500, 20), Hyperparameters::few(2).unwrap());
    let setup = setup(&data, &hyperparameters, 9);
    let other = Plan::new(500, 6, 2, &hyperparameters, small_ring(10)).unwrap();
    let set = Arc::new(TrainingSet::balanced(&data, Profile::Standard, other.layout()).unwrap());
    let refusal = Owner::new(&setup.plan, &set, &setup.secret_key).unwrap_err();
    assert_eq!(refusal, Error::LayoutMismatch { expected: setup.plan.layout(), actual: other.layout() });
    let fewer = Plan::new(499, 6, 2, &hyperparameters, small_ring(9)).unwrap();
    let refusal = TrainingSet::balanced(&data, Profile::Standard, fewer.layout()).unwrap_err();
    assert_eq!(refusal, Error::PlanShape { expected: [499, 7, 2], actual: [500, 7, 2] });
}

#[test]
fn a_shareable_model_has_no_rows_that_count_more_than_once() {
    let hyperparameters = Hyperparameters::few(1).unwrap().shareable(Flooding::new(30, 1).unwrap());
    let setup = setup(&rare(60, 20), &hyperparameters, 11);
    let refusal = setup.owner().encrypt(&mut rng(3)).unwrap_err();
    assert_eq!(refusal, Error::NoiseModel { what: "class weights", value: 10.0, limit: 1.0 });
}

#[test]
fn rows_fill_places_exactly_wherever_any_numbers_of_places_do() {
    for (blocks, full, short) in (1..7).flat_map(|b| (0..6).flat_map(move |f| (0..6).map(move |s| (b, f, s))))
    {
        // One block has full places only.
        let short = if blocks == 1 { 0 } else { short };
        let places = Places { full, short, blocks };
        let held = |(full, short): (usize, usize)| full * blocks + short * (blocks - 1);
        for rows in 0..=held((full, short)) {
            let mut all = (0..=full).flat_map(|f| (0..=short).map(move |s| (f, s)));
            let possible = all.any(|numbers| held(numbers) == rows);
            let found = places.exactly(rows);
            assert_eq!(found.is_some(), possible, "{rows} rows, {places:?}");
            let (f, s) = found.unwrap_or_else(|| places.at_least(rows));
            assert!(f <= full && s <= short && held((f, s)) >= rows, "{rows} rows, {places:?}");
            assert!(found.is_none() || held((f, s)) == rows);
        }
    }
}
