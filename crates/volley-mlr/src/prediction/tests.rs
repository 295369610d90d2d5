use std::sync::Mutex;

use super::*;
use crate::testing::{Setup, clouds, rng, small_ring};
use crate::volley_ckks::{EvaluationKeySet, Evaluator, Flooding, KeySpec};
use crate::volley_revolver;
use crate::volley_revolver::plan::{Demands, RingChoice};
use crate::{Dataset, Hyperparameters, Model};

fn refused_by_ckks(error: CkksError) -> Error {
    Error::Matrix(volley_revolver::Error::Ckks(error))
}

/// Rows that were not trained on, labelled by their cloud.
fn rows(count: usize, columns: usize, classes: usize) -> Dataset {
    clouds(count, columns, classes)
}

/// Predicts encrypted rows as server and owner do, and checks what was foreseen.
#[expect(clippy::panic_in_result_fn, reason = "a helper of tests, whose assertions are tests")]
fn predict(
    setup: &Setup,
    keys: &KeySpec,
    model: &EncryptedModel<Ciphertext>,
    rows: &Array2<f64>,
) -> Result<Array2<f64>, Error> {
    let plan = PredictionPlan::new(&setup.plan, rows.nrows())?;
    let state = setup.training_set.owner_state();
    let upload = state.encrypt_rows(&plan, &setup.secret_key, rows, &mut rng(4))?;
    let uploaded: Vec<_> = upload.features.iter().flatten().collect();
    assert_eq!(uploaded.len(), plan.upload().ciphertexts);
    let bytes: u64 = uploaded.iter().map(|row| row.record_bytes(plan.parameters())).sum();
    assert_eq!(bytes, plan.upload().bytes);

    let keys = EvaluationKeySet::generate(&setup.secret_key, keys, &mut rng(5))?;
    let evaluator = Arc::new(Evaluator::new(&setup.context, keys)?);
    let predictor = Predictor::new(&evaluator, &plan, model)?;
    let told = Mutex::new(Vec::new());
    let progress = |done| told.lock().unwrap().push(done);
    let scores = predictor.scores_with(&upload.expand(&setup.context)?, progress)?;
    let mut told = told.into_inner().unwrap();
    told.sort_unstable();
    assert_eq!(told, (1..=plan.layout().groups()).collect::<Vec<_>>());
    assert_eq!(&evaluator.counts(), plan.counts());
    assert!(scores.scores.iter().all(|score| *score.operand() == plan.scores()));
    assert_eq!(plan.weights().is_some(), setup.plan.hyperparameters().profile() == Profile::Standard);
    assert!(scores.weights.iter().all(|weights| Some(weights.operand()) == plan.weights()));
    state.decrypt_scores(&plan, &setup.secret_key, &scores)
}

/// Share of rows with the same class encrypted and in clear, and the largest difference of scores.
fn agreement(model: &Model, rows: &Dataset, scores: &Array2<f64>) -> (f64, f64) {
    let plain = model.scores(rows.features()).unwrap();
    let error = (scores - &plain).iter().fold(0.0, |max: f64, error| max.max(error.abs()));
    let (encrypted, plain) = (model.classes().highest(scores), model.classes().highest(&plain));
    let same = encrypted.iter().zip(&plain).filter(|(a, b)| a == b).count();
    (same as f64 / plain.len() as f64, error)
}

#[test]
fn encrypted_prediction_agrees_with_prediction_in_clear() {
    // One row, a part of a group, many groups; one column block and several; one iteration and three.
    for (columns, classes, iterations, counts) in
        [(6, 3, 2, vec![1, 300]), (40, 2, 3, vec![150]), (6, 5, 1, vec![100])]
    {
        let hyperparameters = Hyperparameters::standard(iterations).unwrap();
        let setup = Setup::new(&clouds(40, columns, classes), &hyperparameters, small_ring(9));
        let encrypted = setup.train();
        let model = setup.owner().decrypt_private(&encrypted).unwrap();
        for count in counts {
            let rows = rows(count, columns, classes);
            let plan = PredictionPlan::new(&setup.plan, count).unwrap();
            // Keys of training, where it had a forward product.
            assert_eq!(setup.plan.key_spec().covers(plan.key_spec()), iterations > 1);
            let keys = if iterations > 1 { setup.plan.key_spec() } else { plan.key_spec() };
            let scores = predict(&setup, keys, &encrypted, rows.features()).unwrap();
            let (same, error) = agreement(&model, &rows, &scores);
            assert!(same >= 0.999 && error < 1e-4, "{columns} columns: {same}, {error:e}");
        }
    }
}

#[test]
fn class_blocks_predict_as_in_clear() {
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    for (columns, classes, period) in [(6, 5, 2), (6, 7, 4), (40, 5, 2)] {
        let data = clouds(40, columns, classes);
        let setup = Setup::in_class_blocks(&data, &hyperparameters, small_ring(9), period);
        let encrypted = setup.train();
        let model = setup.owner().decrypt_private(&encrypted).unwrap();
        for count in [1, 150] {
            let rows = rows(count, columns, classes);
            let scores = predict(&setup, setup.plan.key_spec(), &encrypted, rows.features()).unwrap();
            let (same, error) = agreement(&model, &rows, &scores);
            assert!(same >= 0.999 && error < 1e-4, "{classes} classes by {period}: {same}, {error:e}");
        }
        // A ciphertext of weights less than the blocks have.
        let mut fewer = encrypted;
        fewer.terms[0].1.pop();
        let plan = PredictionPlan::new(&setup.plan, 1).unwrap();
        let refused = Predictor::new(&setup.evaluator(), &plan, &fewer).map(drop).unwrap_err();
        let expected = setup.plan.layout().weight_ciphertexts();
        assert_eq!(refused, Error::Matrix(volley_revolver::Error::Length { expected, actual: expected - 1 }));
    }
}

#[test]
fn thousands_of_rows_at_full_security() {
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    let demands = Demands { ring: RingChoice::LogN(14), ..Demands::default() };
    let setup = Setup::new(&clouds(40, 12, 3), &hyperparameters, demands);
    let encrypted = setup.train();
    let model = setup.owner().decrypt_private(&encrypted).unwrap();
    let rows = rows(5000, 12, 3);
    let scores = predict(&setup, setup.plan.key_spec(), &encrypted, rows.features()).unwrap();
    let (same, error) = agreement(&model, &rows, &scores);
    assert!(same >= 0.999, "{same}, {error:e}");
    // The least that sets two scores of one row apart.
    assert!(error < 1e-4, "{error:e}");
}

#[test]
fn a_shareable_model_predicts_as_well() {
    let flooding = Flooding::new(30, 1).unwrap();
    let hyperparameters = Hyperparameters::standard(2).unwrap().shareable(flooding);
    let setup = Setup::new(&clouds(40, 6, 3), &hyperparameters, small_ring(9));
    let encrypted = setup.train();
    let model = setup.owner().decrypt_private(&encrypted).unwrap();
    let rows = rows(200, 6, 3);
    let scores = predict(&setup, setup.plan.key_spec(), &encrypted, rows.features()).unwrap();
    let (same, error) = agreement(&model, &rows, &scores);
    assert!(same >= 0.999 && error < 1e-4, "{same}, {error:e}");
}

#[test]
fn dead_columns_do_not_count_whatever_they_hold() {
    let hyperparameters = Hyperparameters::paper(2).unwrap();
    let setup = Setup::new(&clouds(40, 6, 3), &hyperparameters, small_ring(9));
    let encrypted = setup.train();
    let model = setup.owner().decrypt_private(&encrypted).unwrap();
    let mut features = rows(50, 6, 3).features().clone();
    features.column_mut(5).fill(1e6);
    let scores = predict(&setup, setup.plan.key_spec(), &encrypted, &features).unwrap();
    let error = (&scores - &model.scores(&features).unwrap()).mapv(f64::abs);
    assert!(error.iter().all(|&error| error < 1e-4), "{error}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let data = clouds(40, 6, 3);
    let setup = Setup::new(&data, &Hyperparameters::standard(2).unwrap(), small_ring(9));
    let (model, evaluator) = (setup.train(), setup.evaluator());
    let (state, secret_key) = (setup.training_set.owner_state(), &setup.secret_key);
    let plan = PredictionPlan::new(&setup.plan, 40).unwrap();
    let empty = volley_revolver::Error::EmptyShape { samples: 0, columns: 7, classes: 3 };
    assert_eq!(PredictionPlan::new(&setup.plan, 0).unwrap_err(), Error::Matrix(empty));

    // The owner's side.
    let encrypt = |rows: &Array2<f64>| state.encrypt_rows(&plan, secret_key, rows, &mut rng(4)).map(drop);
    assert_eq!(encrypt(&Array2::zeros((39, 6))), Err(Error::RowCount { expected: 40, found: 39 }));
    assert_eq!(encrypt(&Array2::zeros((40, 5))), Err(Error::ColumnCount { expected: 6, found: 5 }));
    let longer = Setup::new(&data, &Hyperparameters::standard(3).unwrap(), small_ring(9));
    let foreign = state.encrypt_rows(&plan, &longer.secret_key, data.features(), &mut rng(4));
    assert_eq!(foreign.map(drop), Err(refused_by_ckks(CkksError::ParameterMismatch)));
    let other = Setup::new(&clouds(40, 5, 3), &Hyperparameters::standard(2).unwrap(), small_ring(9));
    let wrong =
        other.training_set.owner_state().encrypt_rows(&plan, secret_key, data.features(), &mut rng(4));
    assert!(matches!(wrong.map(drop), Err(Error::PlanShape { .. })));

    // The server's.
    let upload = state.encrypt_rows(&plan, secret_key, data.features(), &mut rng(4)).unwrap();
    let upload = upload.expand(&setup.context).unwrap();
    let predictor = Predictor::new(&evaluator, &plan, &model).unwrap();
    let fewer = PredictionPlan::new(&setup.plan, 20).unwrap();
    let refused = |plan: &PredictionPlan, model: &EncryptedModel<Ciphertext>| {
        Predictor::new(&evaluator, plan, model).map(drop).unwrap_err()
    };
    let mismatch = predictor.scores(&EncryptedRows { layout: fewer.layout(), ..upload.clone() }).map(drop);
    let expected = Error::LayoutMismatch { expected: plan.layout(), actual: fewer.layout() };
    assert_eq!(mismatch, Err(expected));
    let mut short = upload.clone();
    short.features[0].pop();
    assert!(matches!(predictor.scores(&short), Err(Error::Matrix(volley_revolver::Error::Length { .. }))));
    let early = EncryptedModel { iteration: 1, ..model.clone() };
    assert_eq!(refused(&plan, &early), Error::UnfinishedModel { iteration: 1, iterations: 2 });
    let mut two = model.clone();
    two.terms.push(two.terms[0].clone());
    assert_eq!(refused(&plan, &two), Error::UnfinishedModel { iteration: 2, iterations: 2 });
    let moved = EncryptedModel { layout: fewer.layout(), ..model.clone() };
    assert!(matches!(refused(&plan, &moved), Error::LayoutMismatch { .. }));
    let mut spent = model.clone();
    spent.terms[0].1.iter_mut().for_each(|block| *block = block.drop_level(plan.parameters(), 0).unwrap());
    let no_level = CkksError::LevelExhausted { level: 0, required: LEVEL };
    assert_eq!(refused(&plan, &spent), refused_by_ckks(no_level));
    let foreign = PredictionPlan::new(&longer.plan, 40).unwrap();
    assert_eq!(refused(&foreign, &model), refused_by_ckks(CkksError::ParameterMismatch));

    // A single iteration's keys have no forward product.
    let single = Setup::new(&data, &Hyperparameters::standard(1).unwrap(), small_ring(9));
    let missing = predict(&single, single.plan.key_spec(), &single.train(), data.features());
    assert!(matches!(missing, Err(Error::Matrix(volley_revolver::Error::Ckks(_)))), "{missing:?}");

    // The owner again.
    let scores = predictor.scores(&upload).unwrap();
    let bare = EncryptedScores { weights: vec![], ..scores.clone() };
    let refusal = state.decrypt_scores(&plan, secret_key, &bare).unwrap_err();
    assert!(matches!(refusal, Error::Matrix(volley_revolver::Error::Length { actual: 0, .. })), "{refusal}");
    let moved = EncryptedScores { layout: fewer.layout(), ..scores };
    let mismatch = state.decrypt_scores(&plan, secret_key, &moved);
    assert!(matches!(mismatch, Err(Error::LayoutMismatch { .. })));
}

/// One row far away spoils those in its ciphertext and no others.
#[test]
fn scores_that_wrap_around_are_named() {
    let setup = Setup::new(&clouds(40, 6, 3), &Hyperparameters::paper(2).unwrap(), small_ring(9));
    let (model, evaluator) = (setup.train(), setup.evaluator());
    let (state, secret_key) = (setup.training_set.owner_state(), &setup.secret_key);
    let clear = setup.owner().decrypt_private(&model).unwrap();
    let plan = PredictionPlan::new(&setup.plan, 300).unwrap();
    let predictor = Predictor::new(&evaluator, &plan, &model).unwrap();
    assert_eq!(plan.max_score().round(), 4096.0);
    let per_ciphertext = 2 * plan.layout().rows();
    for outlier in [0, 7, per_ciphertext - 1, per_ciphertext, 299] {
        let mut data = rows(300, 6, 3).features().clone();
        let row = data.row(outlier).to_owned();
        let largest = |scores: &Array2<f64>| scores.iter().fold(0.0, |max: f64, score| max.max(score.abs()));
        let one = largest(&clear.scores(&row.clone().insert_axis(ndarray::Axis(0))).unwrap());
        // To just below the bound all is well: the other slots are smaller.
        for (size, refused) in [(2000.0, false), (20_000_000.0, true)] {
            data.row_mut(outlier).assign(&(&row * (size / one)));
            let upload = state.encrypt_rows(&plan, secret_key, &data, &mut rng(4)).unwrap();
            let scores = predictor.scores(&upload.expand(&setup.context).unwrap()).unwrap();
            let start = outlier / per_ciphertext * per_ciphertext;
            let together = start..(start + per_ciphertext).min(300);
            match state.decrypt_scores(&plan, secret_key, &scores) {
                Ok(scores) => {
                    assert!(!refused, "{outlier}: {scores}");
                    let error = largest(&(&scores - &clear.scores(&data).unwrap()));
                    assert!(error < 0.1, "{error:e}");
                }
                Err(error) => {
                    assert!(refused, "{error}");
                    let limit = plan.max_score();
                    assert_eq!(error, Error::ScoreOverflow { rows: vec![together.clone()], limit });
                    assert!(
                        error.to_string().contains(&format!("rows {start} to {}", together.end - 1)),
                        "{error}"
                    );
                }
            }
        }
        // What its own encryption has no room for is refused there.
        data.row_mut(outlier).assign(&(&row * 1e30));
        let overflow = state.encrypt_rows(&plan, secret_key, &data, &mut rng(4)).map(drop).unwrap_err();
        let is_overflow = |error: &volley_revolver::Error| {
            matches!(error, volley_revolver::Error::Ckks(CkksError::EncodingOverflow { .. }))
        };
        assert!(matches!(&overflow, Error::Matrix(error) if is_overflow(error)), "{overflow}");
    }
}
