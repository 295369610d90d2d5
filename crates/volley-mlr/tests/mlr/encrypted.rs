//! The mission, at secure parameters: keys, encryption, two iterations on ciphertexts, decryption.

use std::sync::Arc;

use ndarray::Array2;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_mlr::volley_ckks::{Context, EvaluationKeySet, Evaluator, SecretKey, Security};
use volley_mlr::volley_revolver::plan::{Demands, RingChoice};
use volley_mlr::{Dataset, Hyperparameters, Model, Owner, Plan, Trainer, TrainingSet};

use crate::regnet;

/// What came out of a run.
struct Run {
    training_set: Arc<TrainingSet>,
    test: Dataset,
    /// Level and decrypted model after each iteration.
    iterations: Vec<(usize, Model)>,
    max_level: usize,
}

/// Trains by a plan for 2^`log_n`, if the features are there. What the plan says of the run must be what happens.
fn train(hyperparameters: &Hyperparameters, log_n: u32) -> Option<Run> {
    let (training, test) = regnet()?;
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(log_n));
    let training_set = Arc::new(TrainingSet::new(&training, hyperparameters.profile()).unwrap());
    let demands = Demands { ring: RingChoice::LogN(log_n), ..Demands::default() };
    let (samples, features) = training.features().dim();
    let classes = training_set.classes().len();
    let plan = Arc::new(Plan::new(samples, features, classes, hyperparameters, demands).unwrap());
    assert_eq!(plan.parameters().security(), Security::Classical128);

    let context = Context::new(plan.parameters().clone());
    let secret_key = Arc::new(SecretKey::generate(&context, &mut rng));
    let keys = EvaluationKeySet::generate(&secret_key, plan.key_spec(), &mut rng).unwrap();
    assert_eq!(keys.spec(plan.parameters()).as_ref(), Ok(plan.key_spec()));
    let owner = Owner::new(&plan, &training_set, &secret_key).unwrap();
    let upload = owner.encrypt(&mut rng).unwrap();
    assert_eq!(upload.ciphertext_count(), plan.upload().ciphertexts);
    assert_eq!(upload.byte_count(plan.parameters()), plan.upload().bytes);

    let evaluator = Arc::new(Evaluator::new(&context, keys).unwrap());
    let mut trainer = Trainer::new(&evaluator, &plan, upload.expand(&context).unwrap()).unwrap();
    let mut iterations = Vec::new();
    while let Some(step) = trainer.step().unwrap() {
        iterations.push((step.level, owner.decrypt_private(&trainer.model().unwrap()).unwrap()));
    }
    assert_eq!(&evaluator.counts(), plan.counts());
    Some(Run { training_set, test, iterations, max_level: plan.data_level() })
}

fn largest(values: &Array2<f64>) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Weights within `bound` of the largest, all predictions equal, at most six levels, one left: after every iteration.
fn check_against_plain(run: &Run, hyperparameters: &Hyperparameters, bound: f64) {
    let plain: Vec<_> = run.training_set.reference(hyperparameters).collect();
    assert_eq!(run.iterations.len(), plain.len());
    for ((level, model), plain) in run.iterations.iter().zip(plain) {
        let iteration = plain.iteration;
        let plain = run.training_set.model(plain.weights).unwrap();
        let error = largest(&(model.weights() - plain.weights())) / largest(plain.weights());
        assert!(error < bound, "iteration {iteration}: {error:e}");
        assert_eq!(model.predict(run.test.features()), plain.predict(run.test.features()));
        assert!(*level >= 1 && run.max_level - level <= 6);
    }
}

/// Accuracies on the 384 rows not trained on, in per cent.
fn accuracies(run: &Run) -> Vec<f64> {
    run.iterations.iter().map(|(_, model)| 100.0 * model.accuracy(&run.test).unwrap()).collect()
}

fn check_paper(log_n: u32, bound: f64) {
    let hyperparameters = Hyperparameters::paper(2).unwrap();
    let Some(run) = train(&hyperparameters, log_n) else { return };
    check_against_plain(&run, &hyperparameters, bound);
    let [first, second] = accuracies(&run)[..] else { panic!("two iterations") };
    assert!((first - 21.1).abs() <= 0.3 && (second - 21.6).abs() <= 0.3, "{first} %, {second} %");
}

#[test]
fn the_paper_profile_at_log_n_14() {
    check_paper(14, 1e-4);
}

#[test]
fn the_paper_profile_at_log_n_16() {
    // Wider primes more than make up for the noise of a larger ring.
    check_paper(16, 5e-5);
}

#[test]
fn the_standard_profile_at_log_n_14() {
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    let Some(run) = train(&hyperparameters, 14) else { return };
    check_against_plain(&run, &hyperparameters, 1e-5);
    assert!(accuracies(&run)[1] >= 81.0, "{:?} %", accuracies(&run));
}
