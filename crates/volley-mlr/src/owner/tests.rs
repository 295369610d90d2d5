use ndarray::Axis;

use super::*;
use crate::testing::{Setup, clouds, labelled_clouds, rng, small_ring};
use crate::volley_ckks::Complex64;
use crate::volley_ckks::{self, Context};
use crate::volley_revolver;
use crate::{Dataset, Hyperparameters, Profile};

fn refused_by_ckks(error: volley_ckks::Error) -> Error {
    Error::Matrix(volley_revolver::Error::Ckks(error))
}

fn settings() -> Hyperparameters {
    Hyperparameters::standard(2).unwrap()
}

#[test]
fn only_the_owner_decrypts() {
    let setup = Setup::new(&clouds(40, 6, 3), &settings(), small_ring(9));
    let model = setup.train();
    assert!(setup.owner().decrypt_private(&model).is_ok());
    let stranger = Arc::new(SecretKey::generate(&setup.context, &mut rng(8)));
    let stranger = Owner::new(&setup.plan, &setup.training_set, &stranger).unwrap();
    assert_eq!(stranger.decrypt_private(&model), Err(refused_by_ckks(volley_ckks::Error::KeyMismatch)));
}

#[test]
fn models_of_other_plans_are_refused() {
    let data = clouds(40, 6, 3);
    let setup = Setup::new(&data, &settings(), small_ring(9));
    let model = setup.train();

    let longer = Setup::new(&data, &Hyperparameters::standard(3).unwrap(), small_ring(9));
    let mismatch =
        longer.owner().decrypt_private(&EncryptedModel { layout: longer.plan.layout(), ..model.clone() });
    assert_eq!(mismatch, Err(refused_by_ckks(volley_ckks::Error::ParameterMismatch)));

    // The same key and parameters, one column less: only the layout shows that the weights are others.
    let narrower = data.features().select(Axis(1), &[0, 1, 2, 3, 4]);
    let narrower = Dataset::new(narrower, data.labels().to_vec()).unwrap();
    let narrower = Setup::new(&narrower, &settings(), small_ring(9));
    assert_eq!(narrower.plan.parameters(), setup.plan.parameters());
    let owner = Owner::new(&narrower.plan, &narrower.training_set, &setup.secret_key).unwrap();
    let expected = Error::LayoutMismatch { expected: narrower.plan.layout(), actual: setup.plan.layout() };
    assert_eq!(owner.decrypt_private(&model), Err(expected));

    let mut short = model;
    short.terms[0].1.pop();
    let blocks = setup.plan.layout().column_blocks();
    let length = volley_revolver::Error::Length { expected: blocks, actual: blocks - 1 };
    assert_eq!(setup.owner().decrypt_private(&short), Err(Error::Matrix(length)));
}

/// Ciphertexts are not authentic: what is damaged decrypts to something.
#[test]
fn weights_of_no_training_are_refused() {
    let setup = Setup::new(&clouds(40, 6, 3), &settings(), small_ring(9));
    let model = setup.train();
    let weights = setup.plan.weights(2);
    let with = |value: f64| {
        let slots = vec![Complex64::from(value); weights.slots];
        let plaintext = setup.owner().encoder.encode(&slots, &weights.scale, weights.level).unwrap();
        let upload = setup.secret_key.encrypt(&plaintext, &mut rng(5)).unwrap();
        let mut other = model.clone();
        other.terms[0].1[0] = upload.expand(&setup.context).unwrap();
        setup.owner().decrypt_private(&other)
    };
    assert!(with(1e6).is_ok());
    let error = with(1.5e6).unwrap_err();
    assert!(matches!(error, Error::WeightOverflow { limit: 1_048_576.0, .. }), "{error}");
    assert!(error.to_string().starts_with("a normalised weight is 1.5e6, and"), "{error}");
}

#[test]
fn a_key_of_other_parameters_is_refused() {
    let setup = Setup::new(&clouds(40, 6, 3), &settings(), small_ring(9));
    let longer = Setup::new(&clouds(40, 6, 3), &Hyperparameters::standard(3).unwrap(), small_ring(9));
    let context = Context::new(longer.plan.parameters().clone());
    let other = Arc::new(SecretKey::generate(&context, &mut rng(1)));
    let refusal = Owner::new(&setup.plan, &setup.training_set, &other).unwrap_err();
    assert_eq!(refusal, refused_by_ckks(volley_ckks::Error::ParameterMismatch));
}

#[test]
fn dead_columns_have_no_weight_whatever_they_hold_later() {
    for profile in [Profile::Paper, Profile::Standardised, Profile::Standard] {
        let hyperparameters = match profile {
            Profile::Paper => Hyperparameters::paper(2).unwrap(),
            Profile::Standardised => Hyperparameters::standardised(2).unwrap(),
            Profile::Standard => settings(),
        };
        let data = clouds(40, 6, 3);
        let setup = Setup::new(&data, &hyperparameters, small_ring(9));
        let model = setup.owner().decrypt_private(&setup.train()).unwrap();
        // After the bias.
        assert!(model.weights().column(6).iter().all(|&weight| weight == 0.0), "{profile:?}");
        assert!(model.weights().column(1).iter().all(|&weight| weight != 0.0), "{profile:?}");
        let mut later = data.features().clone();
        later.column_mut(5).fill(1e6);
        assert_eq!(model.predict(&later), model.predict(data.features()), "{profile:?}");
    }
}

#[test]
fn the_noise_of_fresh_ciphertexts_does_not_reach_dead_columns() {
    // Before they are set to zero: what is decrypted there is small beside the other weights.
    let setup = Setup::new(&clouds(40, 6, 3), &settings(), small_ring(9));
    let model = setup.train();
    let slots: Vec<_> = model.terms[0]
        .1
        .iter()
        .map(|block| setup.owner().encoder.decode(&setup.secret_key.decrypt(block).unwrap()).unwrap())
        .collect();
    let weights = setup.plan.layout().unpack_weights(&slots).unwrap().mapv(f64::abs);
    let largest = weights.iter().copied().fold(0.0, f64::max);
    let dead = weights.column(6).iter().copied().fold(0.0, f64::max);
    assert!(dead < 1e-5 * largest, "{dead:e} beside {largest:e}");
}

#[test]
fn labels_of_any_kind_come_back() {
    let strings = ["zebra", "Äpfel, rot", "5.0"];
    let numbers = [-7, 100, 3];
    let named: [Box<dyn Fn(usize) -> String>; 2] =
        [Box::new(|class| strings[class].to_owned()), Box::new(|class| numbers[class].to_string())];
    for label in named {
        let data = labelled_clouds(60, 8, 3, label);
        let setup = Setup::new(&data, &settings(), small_ring(9));
        let model = setup.owner().decrypt_private(&setup.train()).unwrap();
        let plain = setup.training_set.reference(&settings()).last().unwrap();
        let plain = setup.training_set.model(plain.weights).unwrap();
        assert_eq!(model.predict(data.features()), plain.predict(data.features()));
        assert!(model.accuracy(&data).unwrap() > 0.6);
        assert_eq!(model.classes(), setup.training_set.classes());
    }
}

#[test]
fn what_the_server_sees_does_not_depend_on_the_data() {
    // Levels and scales, whatever the unit of the features and however many classes they tell apart.
    let shape = |factor: f64| {
        let data = clouds(40, 6, 3);
        let data = Dataset::new(data.features() * factor, data.labels().to_vec()).unwrap();
        let upload = Setup::new(&data, &Hyperparameters::paper(2).unwrap(), small_ring(9)).upload();
        let ciphertexts =
            upload.features.iter().flatten().chain(&upload.labels).chain(&upload.preconditioner);
        ciphertexts.map(|ciphertext| ciphertext.operand().clone()).collect::<Vec<_>>()
    };
    assert_eq!(shape(1.0), shape(1e9));
    assert_eq!(shape(1.0), shape(1e-9));
}
