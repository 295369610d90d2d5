use ndarray::Array2;

use super::*;
use crate::testing::{Setup, clouds, rng, small_ring};
use crate::volley_ckks::Flooding;
use crate::volley_ckks::Security;
use crate::volley_revolver::plan::Demands;
use crate::{Dataset, Hyperparameters, ScoreKind, Sharing, Trainer};

fn flooding(decryptions: u32) -> Flooding {
    Flooding::new(30, decryptions).unwrap()
}

fn root_mean_square(values: &Array2<f64>) -> f64 {
    (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
}

/// The models after every iteration, to the last bit and flooded.
fn train(setup: &Setup) -> Vec<[Model; 2]> {
    let evaluator = setup.evaluator();
    let upload = setup.upload().expand(&setup.context).unwrap();
    let mut trainer = Trainer::new(&evaluator, &setup.plan, upload).unwrap();
    let mut models = Vec::new();
    while trainer.step().unwrap().is_some() {
        let model = trainer.model().unwrap();
        let owner = setup.owner();
        models.push([owner.decrypt_private(&model).unwrap(), owner.decrypt(&model).unwrap()]);
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
    let rounded = with_rounded_statistics(shared, deviation).unwrap();
    assert_eq!(rounded.preprocessing(), shared.preprocessing(), "rounded already");
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
    // Four thousand weights: the measured deviation is within a few per cent, and up to √(5/2) above what was asked
    // for.
    let [ratio, bits] = share(&clouds(128, 400, 10), Hyperparameters::standardised(2).unwrap(), 1);
    assert!((0.95..1.65).contains(&ratio), "{ratio}");
    assert!(bits >= MIN_SHARED_BITS, "{bits}");
}

/// A trained model, with the deviation of noise that leaves so many bits of its largest weight.
fn model_with_noise(bits: f64) -> (Dataset, Model, f64) {
    let data = clouds(128, 40, 10);
    // Far from zero, in many units: the statistics matter.
    let features = Array2::from_shape_fn(data.features().dim(), |(i, j)| {
        (data.features()[[i, j]] + 100.0) * f64::from(j as i32 - 20).exp2()
    });
    let data = Dataset::new(features, data.labels().to_vec()).unwrap();
    let hyperparameters = Hyperparameters::standard(3).unwrap();
    let training_set = TrainingSet::new(&data, hyperparameters.profile()).unwrap();
    let weights = training_set.reference(&hyperparameters).last().unwrap().weights;
    let model = training_set.model(weights).unwrap();
    let deviation = largest(model.weights().columns().into_iter().skip(1).flatten()) / bits.exp2();
    (data, model, deviation)
}

#[test]
fn rounded_statistics_change_scores_by_less_than_the_noise_does() {
    for bits in [10.0, 10.7, 16.0, 30.0] {
        let (data, model, deviation) = model_with_noise(bits);
        let model = model.with_score_kind(ScoreKind::LogPosterior);
        let rounded = with_rounded_statistics(&model, deviation).unwrap();
        assert_eq!(rounded.score_kind(), ScoreKind::LogPosterior);
        assert_ne!(rounded.preprocessing(), model.preprocessing());
        assert_eq!(rounded.weights(), model.weights());
        let exact = model.scores(data.features()).unwrap();
        let change = rounded.scores(data.features()).unwrap() - &exact;
        let heaviest = largest(model.weights().columns().into_iter().skip(1).flatten());
        for row in change.rows() {
            for (change, weights) in row.iter().zip(model.weights().rows()) {
                let bound = weights.iter().skip(1).map(|w| w.abs()).sum::<f64>() / heaviest * deviation;
                assert!(change.abs() <= bound, "{bits} bits: {change:e}, {bound:e}");
            }
        }
        // Noise on the weights, of that deviation: about 40 features of size 1 and the bias.
        let noise = deviation * 40f64.sqrt();
        assert!(
            root_mean_square(&change) < 0.25 * noise,
            "{bits} bits: {:e}",
            root_mean_square(&change) / noise
        );
        if bits > 15.0 {
            assert_eq!(rounded.predict(data.features()), model.predict(data.features()));
        }
    }
}

#[test]
fn a_shared_models_statistics_have_the_digits_of_its_weights_and_no_more() {
    let (_, model, deviation) = model_with_noise(10.5);
    let rounded = with_rounded_statistics(&model, deviation).unwrap();
    let columns = |model: &Model| model.preprocessing().standardisations().unwrap().to_vec();
    for (found, exact) in columns(&rounded).into_iter().zip(columns(&model)).take(38) {
        // Eleven bits: fourteen of 1/deviation, 2⁻¹² of a power of two from deviation/2 to deviation of the mean.
        assert_eq!(found.inverse_deviation.to_bits().trailing_zeros().min(39), 39, "{found:?}");
        assert_eq!(found.square_root, exact.square_root);
        let power = (-exact.inverse_deviation.log2().floor() - 1.0).exp2();
        assert_eq!((found.mean / power * 2f64.powi(11)).fract(), 0.0, "{found:?}");
        assert!((found.mean - exact.mean).abs() * exact.inverse_deviation <= 2f64.powi(-12));
        assert!((found.inverse_deviation / exact.inverse_deviation - 1.0).abs() <= 2f64.powi(-14));
    }
    // A column that was constant tells no value; nor do the columns of a profile that has no statistics.
    let none = Standardisation { square_root: false, mean: 0.0, inverse_deviation: 0.0 };
    assert_eq!(columns(&rounded)[39], none);
    let raw = Model::new(model.weights().clone(), model.classes().clone(), Preprocessing::raw(40)).unwrap();
    assert_eq!(with_rounded_statistics(&raw, deviation).unwrap(), raw);
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
    // The largest of 27 weights, most of them less noisy than the mark, whose noise is up to √(5/2) of what was asked
    // for.
    assert!((0.5..5.0).contains(&ratio), "{ratio}");
}

#[test]
fn many_decryptions_are_covered_by_more_noise() {
    let [ratio, bits] = share(&clouds(40, 6, 3), Hyperparameters::paper(2).unwrap(), 1000);
    // The largest of eighteen weights.
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
    let plan_for = |bits, decryptions, iterations| {
        let flooding = Flooding::new(bits, decryptions).unwrap();
        let hyperparameters = Hyperparameters::standardised(iterations).unwrap().shareable(flooding);
        Plan::new(40, 6, 3, &hyperparameters, Demands::default())
    };
    let plan = |bits, iterations| plan_for(bits, 1, iterations);
    assert!(plan(30, 2).unwrap().shared_bits().unwrap() >= MIN_SHARED_BITS);
    let (private, shared) = (plan(30, 2).unwrap(), plan(128, 2).unwrap());
    assert!(shared.parameters().log_scale() > private.parameters().log_scale() + 40);
    let most = plan_for(128, u32::MAX, 2).map(|_| ());
    assert!(matches!(most, Err(Error::SharedBits { required: MIN_SHARED_BITS, .. })), "{most:?}");
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
