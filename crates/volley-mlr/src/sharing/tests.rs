use super::*;
use crate::testing::{Setup, clouds, rng, small_ring};
use crate::volley_ckks::{Evaluator, Security};
use crate::volley_revolver::plan::Demands;
use crate::{Dataset, Model, Plan, Trainer};

fn flooding(decryptions: u32) -> Flooding {
    Flooding::new(30, decryptions).unwrap()
}

fn root_mean_square(values: &Array2<f64>) -> f64 {
    (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
}

/// The models after every iteration, to the last bit and flooded.
fn train(setup: &Setup) -> Vec<[Model; 2]> {
    let evaluator: Evaluator = setup.evaluator();
    let upload = setup.upload().expand(&setup.context).unwrap();
    let mut trainer = Trainer::new(&evaluator, &setup.plan, upload).unwrap();
    let mut models = Vec::new();
    while trainer.step().unwrap().is_some() {
        let model = trainer.model().unwrap();
        let owner = setup.owner();
        models.push([owner.decrypt_private(&model).unwrap(), owner.decrypt(&model, &mut rng(9)).unwrap()]);
    }
    models
}

/// The estimate over what is measured, after each iteration: log₂.
fn slack(data: &Dataset, hyperparameters: &Hyperparameters, demands: Demands) -> Vec<f64> {
    let setup = Setup::new(data, hyperparameters, demands);
    let estimate = setup.plan.noise_model().slot_deviation() / setup.training_set.preconditioner().factor();
    let copies = (setup.plan.layout().rows() / setup.plan.layout().period()) as f64;
    let reference = setup.training_set.reference(hyperparameters);
    let models = train(&setup);
    models
        .iter()
        .zip(reference)
        .map(|([exact, _], step)| {
            // The mean of the copies, real parts only. Copies whose errors are alike make this more than it is.
            let error = root_mean_square(&(exact.weights() - &step.weights)) * (2.0 * copies).sqrt();
            (estimate / error).log2()
        })
        .collect()
}

#[test]
fn the_noise_is_what_was_estimated_or_less() {
    for (shape, log_n) in [([40, 6, 3], 10), ([128, 400, 10], 13)] {
        let [samples, features, classes] = shape;
        let data = clouds(samples, features, classes);
        for hyperparameters in [
            Hyperparameters::paper(1).unwrap(),
            Hyperparameters::paper(2).unwrap(),
            Hyperparameters::standardised(2).unwrap(),
            Hyperparameters::standardised(3).unwrap(),
        ] {
            let slack = slack(&data, &hyperparameters, small_ring(log_n));
            // After every iteration it is a bound, after the last one that wastes not too much.
            assert!(slack.iter().all(|&bits| bits > 0.5), "{slack:?}");
            assert!(slack[slack.len() - 1] < 8.0, "{slack:?}");
        }
    }
}

/// Trains by a shareable plan at 128-bit security; the noise that was added, and the bits that remain.
fn share(data: &Dataset, hyperparameters: Hyperparameters, decryptions: u32) -> [f64; 2] {
    let hyperparameters = hyperparameters.shareable(flooding(decryptions));
    let setup = Setup::new(data, &hyperparameters, Demands::default());
    assert_eq!(setup.plan.parameters().security(), Security::Classical128);
    let models = train(&setup);
    let [exact, shared] = &models[models.len() - 1];
    assert_eq!(exact.sharing(), Sharing::Private);
    let Sharing::Flooded { statistical_bits: 30, decryptions: covered, deviation } = shared.sharing() else {
        panic!("{:?}", shared.sharing())
    };
    assert_eq!(covered, decryptions);
    let added = shared.weights() - exact.weights();
    let live =
        setup.training_set.preconditioner().inverse().mapv(|inverse| f64::from(u8::from(inverse != 0.0)));
    let added = root_mean_square(&added) / live.mean().unwrap().sqrt();
    // What is left of the largest weight, the error of the encrypted training included.
    let reference = setup.training_set.reference(&hyperparameters).last().unwrap().weights;
    let bits = (largest(&reference) / root_mean_square(&(shared.weights() - &reference))).log2();
    assert!(bits > setup.plan.shared_bits().unwrap().min(MIN_SHARED_BITS + 1.0), "{bits} bits");
    [added / deviation, bits]
}

#[test]
fn a_shared_model_keeps_ten_bits_under_the_noise_of_the_theorem() {
    // Four thousand weights: the measured deviation is within a few per cent, and up to √(5/2) above what was asked for.
    let [ratio, bits] = share(&clouds(128, 400, 10), Hyperparameters::standardised(2).unwrap(), 1);
    assert!((0.95..1.65).contains(&ratio), "{ratio}");
    assert!(bits >= MIN_SHARED_BITS, "{bits}");
}

#[test]
fn a_whitened_model_has_no_more_noise_than_its_mark_says() {
    // Columns that are nearly dependent, so that weights are noisier before them than after.
    let mut features = clouds(60, 8, 3).features().clone();
    let twin = &features.column(0) * 0.9 + &(&features.column(1) * 0.02);
    features.column_mut(2).assign(&twin);
    let data = Dataset::new(features, clouds(60, 8, 3).labels().to_vec()).unwrap();
    let hyperparameters = Hyperparameters::standard(2).unwrap().shareable(flooding(1));
    let setup = Setup::new(&data, &hyperparameters, small_ring(10));
    let gain = setup.training_set.preprocessing().noise_gain();
    assert!(gain > 2.0, "{gain}");
    let [exact, shared] = &train(&setup)[1];
    let Sharing::Flooded { deviation, .. } = shared.sharing() else { panic!("{:?}", shared.sharing()) };
    let added = shared.weights() - exact.weights();
    let ratio = largest(&added) / deviation;
    // The largest of 27 weights, most of them less noisy than the mark, whose noise is up to √(5/2) of what was asked for.
    assert!((0.5..5.0).contains(&ratio), "{ratio}");
}

#[test]
fn many_decryptions_are_covered_by_more_noise() {
    let [ratio, bits] = share(&clouds(40, 6, 3), Hyperparameters::paper(2).unwrap(), 1000);
    // Of eighteen weights.
    assert!((0.5..2.5).contains(&ratio), "{ratio}");
    assert!(bits >= MIN_SHARED_BITS, "{bits}");
}

#[test]
fn the_deviation_is_that_of_the_theorem() {
    let hyperparameters = Hyperparameters::standardised(2).unwrap().shareable(flooding(5));
    let plan = Plan::new(128, 400, 10, &hyperparameters, small_ring(12)).unwrap();
    let (noise, blocks) = (plan.noise_model(), plan.layout().column_blocks());
    assert!(blocks > 1, "{blocks}");
    // √(12·τ)·2^(s/2)·t for the error of all blocks, in coefficients.
    let t = 2.0 * noise.slot_deviation() * hyperparameters.weight_scale(plan.parameters()).to_f64();
    let sigma = (12.0 * 5.0 * blocks as f64).sqrt() * 32768.0 * t;
    assert!((noise.flooding_deviation(flooding(5), 1) / sigma - 1.0).abs() < 1e-9);
    // Two terms are two errors.
    assert!((noise.flooding_deviation(flooding(5), 2) / sigma / 2f64.sqrt() - 1.0).abs() < 1e-9);
    assert!(
        plan.to_string().contains("shareable: 5 decryptions with 30 bits of statistical security"),
        "{plan}"
    );
}

#[test]
fn what_cannot_be_shared_is_refused() {
    // A plan: the more secure, the more bits it takes.
    let plan = |bits, iterations| {
        let flooding = Flooding::new(bits, 1).unwrap();
        let hyperparameters = Hyperparameters::standardised(iterations).unwrap().shareable(flooding);
        Plan::new(40, 6, 3, &hyperparameters, Demands::default())
    };
    assert!(plan(30, 2).unwrap().shared_bits().unwrap() >= MIN_SHARED_BITS);
    assert!(matches!(plan(128, 2), Err(Error::SharedBits { required: MIN_SHARED_BITS, .. })));
    assert!(matches!(plan(30, 9), Err(Error::TooManyIterations { .. } | Error::SharedBits { .. })));
    let private = Plan::new(40, 6, 3, &Hyperparameters::standardised(2).unwrap(), small_ring(10)).unwrap();
    assert_eq!(private.shared_bits(), None);
    // Data, before anything is encrypted.
    let hyperparameters = Hyperparameters::paper(2).unwrap().shareable(flooding(1));
    let refused = |data: &Dataset| {
        let setup = Setup::new(data, &hyperparameters, small_ring(10));
        setup.owner().encrypt(&mut rng(3)).unwrap_err()
    };
    let mut outlier = clouds(40, 6, 3).features().clone();
    outlier[[0, 0]] = 1e6;
    let labels = clouds(40, 6, 3).labels().to_vec();
    let error = refused(&Dataset::new(outlier, labels).unwrap());
    assert!(matches!(error, Error::NoiseModel { limit: MAX_FEATURE, .. }), "{error}");
}
