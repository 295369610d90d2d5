use ndarray::{Array2, Axis};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::volley_ckks::{Context, EvaluationKeySet, Evaluator, SecretKey, Security};
use crate::volley_revolver::plan::{Demands, RingChoice};
use crate::volley_sigmoid::SigmoidPolynomial;
use crate::{Dataset, LearningRate, Owner, Profile, TrainingSet};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Gaussian-like clouds around one centre for each class, one column dead and one nearly so.
fn clouds(samples: usize, columns: usize, classes: usize) -> Dataset {
    let mut rng = rng(5);
    let mut unit = || rng.next_u64() as f64 / u64::MAX as f64;
    let centres = Array2::from_shape_fn((classes, columns), |_| 2.0 * unit());
    let labels: Vec<usize> = (0..samples).map(|i| i % classes).collect();
    let mut features =
        Array2::from_shape_fn((samples, columns), |(i, j)| centres[[labels[i], j]] + unit() + unit());
    features.column_mut(columns - 1).fill(0.0);
    features.column_mut(columns - 2).fill(1e-6);
    features[[0, columns - 2]] = 2e-6;
    Dataset::new(features, labels.iter().map(|label| format!("class {label}"))).unwrap()
}

fn small_ring(log_n: u32) -> Demands {
    Demands { ring: RingChoice::LogN(log_n), security: Security::Unchecked, memory_bytes: None }
}

/// Trains encrypted and in clear, checks every iteration, and returns the largest relative weight error.
fn train(data: &Dataset, hyperparameters: &Hyperparameters, demands: Demands) -> f64 {
    let training_set = TrainingSet::new(data, hyperparameters.profile()).unwrap();
    let (samples, features) = data.features().dim();
    let plan = Plan::new(samples, features, training_set.classes().len(), hyperparameters, demands).unwrap();
    let context = Context::new(plan.parameters().clone());
    let secret_key = SecretKey::generate(&context, &mut rng(1));
    let keys = EvaluationKeySet::generate(&secret_key, plan.key_spec(), &mut rng(2)).unwrap();
    assert_eq!(keys.byte_count(), plan.key_spec().byte_count());
    let owner = Owner::new(&plan, &training_set, &secret_key).unwrap();
    let upload = owner.encrypt(&mut rng(3)).unwrap();
    assert_eq!(
        (upload.ciphertext_count(), upload.byte_count()),
        (plan.upload().ciphertexts, plan.upload().bytes)
    );

    let evaluator = Evaluator::new(&context, keys).unwrap();
    let mut trainer = Trainer::new(&evaluator, &plan, upload.expand(&context).unwrap()).unwrap();
    assert!(trainer.model().is_none());
    let mut worst = 0.0;
    for reference in training_set.reference(hyperparameters) {
        let step = trainer.step().unwrap().unwrap();
        assert_eq!(step.iteration, reference.iteration);
        let model = owner.decrypt(&trainer.model().unwrap()).unwrap();
        let largest = reference.weights.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
        let error = (model.weights() - &reference.weights).iter().fold(0.0, |max: f64, e| max.max(e.abs()));
        worst = f64::max(worst, error / largest);
    }
    assert_eq!(trainer.step().unwrap(), None);
    assert_eq!(&evaluator.counts(), plan.counts(), "the plan is what runs");
    worst
}

#[test]
fn every_profile_and_degree_equals_the_plain_reference() {
    let data = clouds(40, 6, 3);
    let cases = [
        (Hyperparameters::paper(3).unwrap(), 1e-6),
        (Hyperparameters::standard(3).unwrap(), 1e-5),
        (Hyperparameters::standard(1).unwrap(), 1e-5),
        (degree(5, 12.0, 3), 1e-5),
        (degree(7, 16.0, 3), 1e-5),
        (degree(1, 4.0, 2), 1e-6),
    ];
    for (hyperparameters, bound) in cases {
        let error = train(&data, &hyperparameters, small_ring(10));
        assert!(error < bound, "{error:e} for {hyperparameters:?}");
    }
}

fn degree(degree: usize, half_width: f64, iterations: usize) -> Hyperparameters {
    let sigmoid = SigmoidPolynomial::least_squares(degree, half_width).unwrap();
    Hyperparameters::new(iterations, Profile::Standard, sigmoid, 0.01, LearningRate::Constant(2.0)).unwrap()
}

#[test]
fn any_shape_trains_as_in_clear() {
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    for (samples, columns, classes) in [(2, 4, 2), (7, 5, 3), (33, 9, 5), (150, 4, 2), (20, 90, 4)] {
        let error = train(&clouds(samples, columns, classes), &hyperparameters, small_ring(9));
        assert!(error < 1e-4, "{error:e} for {samples} x {columns}, {classes} classes");
    }
}

#[test]
fn an_iteration_takes_the_levels_of_its_degree() {
    for (degree_of, levels) in [(3, 4), (5, 5), (7, 5)] {
        let hyperparameters = degree(degree_of, 8.0, 3);
        let plan = Plan::new(30, 5, 3, &hyperparameters, small_ring(10)).unwrap();
        assert_eq!(plan.data_level(), 2 + 2 * levels + 1);
    }
}

#[test]
fn data_of_another_plan_is_refused() {
    let data = clouds(40, 6, 3);
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    let training_set = TrainingSet::new(&data, Profile::Standard).unwrap();
    let plan = Plan::new(40, 6, 3, &hyperparameters, small_ring(9)).unwrap();
    let context = Context::new(plan.parameters().clone());
    let secret_key = SecretKey::generate(&context, &mut rng(1));
    let keys = EvaluationKeySet::generate(&secret_key, plan.key_spec(), &mut rng(2)).unwrap();
    let upload = Owner::new(&plan, &training_set, &secret_key).unwrap().encrypt(&mut rng(3)).unwrap();
    let evaluator = Evaluator::new(&context, keys).unwrap();

    let mut fewer = upload.expand(&context).unwrap();
    fewer.labels.pop();
    let groups = plan.layout().groups();
    let expected = Error::GroupCount { expected: groups, features: groups, labels: groups - 1 };
    assert_eq!(Trainer::new(&evaluator, &plan, fewer).unwrap_err(), expected);

    let other = Plan::new(40, 6, 3, &Hyperparameters::standard(3).unwrap(), small_ring(9)).unwrap();
    let other_context = Context::new(other.parameters().clone());
    assert!(matches!(upload.expand(&other_context), Err(Error::Matrix(_))));
    let stranger = SecretKey::generate(&context, &mut rng(9));
    let foreign = Owner::new(&plan, &training_set, &stranger).unwrap().encrypt(&mut rng(3)).unwrap();
    let foreign = foreign.expand(&context).unwrap();
    assert!(matches!(Trainer::new(&evaluator, &plan, foreign), Err(Error::Matrix(_))));

    let half = data.select(&(0..20).collect::<Vec<_>>()).unwrap();
    let half = TrainingSet::new(&half, Profile::Standard).unwrap();
    let mismatch = Error::PlanShape { expected: [40, 7, 3], actual: [20, 7, 3] };
    assert_eq!(Owner::new(&plan, &half, &secret_key).unwrap_err(), mismatch);
    assert_eq!(half.features().len_of(Axis(0)), 20);
    assert!(matches!(Owner::new(&other, &training_set, &secret_key), Err(Error::Matrix(_))));
}
