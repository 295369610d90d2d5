//! Scores that one owner asks for.

use super::*;
use crate::prediction::{EncryptedRows, EncryptedScores, PredictionPlan, Predictor};
use crate::volley_ckks::SecretKey;
use crate::volley_ckks::multiparty::Switching;

const ROWS: usize = 300;

/// Owners whose model is there, and one of whom asks.
struct Asking {
    parties: Parties,
    owners: Vec<Dataset>,
    fit: Fit,
    encrypted: EncryptedModel<Ciphertext>,
    plan: PredictionPlan,
    receiver: SecretKey,
}

fn planned(iterations: usize) -> PoolPlan {
    let disclosure = PoolDisclosure { owners: 3, statistical_bits: 40, decryptions: 64 };
    let settings = Hyperparameters::standard(iterations).unwrap().pooled(disclosure).unwrap();
    PoolPlan::new(&[100; 3], 6, 3, &settings, small_ring(9)).unwrap()
}

fn trained(parties: &Parties, upload: EncryptedData<Ciphertext>) -> EncryptedModel<Ciphertext> {
    let mut trainer = Trainer::new(&parties.evaluator, parties.plan.plan(), upload).unwrap();
    while trainer.step().unwrap().is_some() {}
    trainer.model().unwrap()
}

impl Asking {
    fn new(iterations: usize, rows: usize) -> Self {
        let data = clouds(300, 6, 3);
        let owners = by_class(&data, [&[0], &[1], &[2]]);
        let plan = planned(iterations).with_predictions(ROWS).unwrap();
        let mut parties = Parties::new(plan);
        let profile = parties.plan.plan().hyperparameters().profile();
        let fit = parties.fit(&owners, &TrainingSet::new(&data, profile).unwrap());
        let upload = parties.upload(&owners, &fit);
        let encrypted = trained(&parties, upload);
        let plan = parties.plan.prediction(rows).unwrap();
        let receiver = SecretKey::generate(parties.pool.context(), &mut parties.rng);
        Self { parties, owners, fit, encrypted, plan, receiver }
    }

    fn rows(&self) -> Array2<f64> {
        let count = self.plan.layout().shape().samples;
        clouds(count, 6, 3).features().clone()
    }

    fn encrypt(&mut self, rows: &Array2<f64>) -> Result<EncryptedRows<Ciphertext>, Error> {
        let Parties { plan, public_key, rng, .. } = &mut self.parties;
        plan.encrypt_rows(&self.plan, self.fit.state(), rows, public_key, rng)
    }

    fn score(&self, rows: &EncryptedRows<Ciphertext>) -> EncryptedScores<Ciphertext> {
        let predictor = Predictor::new(&self.parties.evaluator, &self.plan, &self.encrypted).unwrap();
        predictor.scores(rows).unwrap()
    }

    fn switchings(&self, scores: &EncryptedScores<Ciphertext>) -> Result<Vec<Switching>, Error> {
        let receiver = PublicKey::generate(&self.receiver, &mut rng(3));
        self.parties.plan.switchings(&self.parties.pool, &self.plan, scores, &[0, 1, 2], &receiver)
    }

    /// All owners switch, and the one who asked has the ciphertexts.
    fn switched(&mut self, switchings: &[Switching]) -> Vec<Ciphertext> {
        let plan = &self.parties.plan;
        let holders = std::mem::take(&mut self.parties.holders);
        let holders: Vec<_> =
            holders.into_iter().map(|holder| plan.admit(holder, switchings).unwrap()).collect();
        let share = |switching: &Switching| {
            switching.finish(holders.iter().map(|holder| holder.share(switching).unwrap())).unwrap()
        };
        let switched = switchings.iter().map(share).collect();
        self.parties.holders = holders;
        switched
    }

    fn weights(&mut self) -> (Array2<f64>, crate::Model) {
        let smudging = self.parties.plan.smudging().unwrap();
        let blocks: Vec<_> = self.encrypted.terms.iter().flat_map(|(_, blocks)| blocks.clone()).collect();
        let plaintexts: Vec<_> = blocks.iter().map(|block| self.parties.open(block, &smudging)).collect();
        let (plan, encoder) = (&self.parties.plan, &self.parties.encoder);
        let weights = plan.weights(self.fit.state(), encoder, &self.encrypted, plaintexts.clone()).unwrap();
        (weights, plan.model(self.fit.state(), encoder, &self.encrypted, plaintexts).unwrap())
    }
}

/// As many rows as a part of a group, and as several groups. After a single iteration the keys of predictions are
/// keys that the training has no use for.
#[test]
fn scores_of_the_asking_owner_are_those_of_the_opened_model() {
    for (iterations, rows) in [(1, 3), (2, 150)] {
        let mut asking = Asking::new(iterations, rows);
        let covered = asking.parties.plan.plan().key_spec().covers(asking.plan.key_spec());
        assert_eq!(covered, iterations > 1);
        assert!(asking.parties.plan.key_spec().covers(asking.plan.key_spec()));
        let rows = asking.rows();
        let encrypted = asking.encrypt(&rows).unwrap();
        let bytes: u64 =
            encrypted.features.iter().flatten().map(|row| row.record_bytes(asking.plan.parameters())).sum();
        assert_eq!(bytes, asking.plan.upload().bytes);
        let scores = asking.score(&encrypted);
        assert!(scores.weights.is_empty());
        assert!(scores.scores.iter().all(|score| *score.operand() == asking.plan.scores()));
        let switchings = asking.switchings(&scores).unwrap();
        let switched = asking.switched(&switchings);
        let (weights, model) = asking.weights();
        let Asking { parties, fit, plan, receiver, .. } = &asking;
        let found = parties.plan.scores(plan, fit.state(), receiver, &switched, &weights).unwrap();
        let expected = model.scores(&rows).unwrap();
        let error = relative_error(&found, &expected);
        assert!(error < 1e-2, "{error:e}");
        assert_eq!(model.classes().highest(&found), model.classes().highest(&expected));
    }
}

/// Two trainings on the same rows, encrypted twice, differ by their noise and nothing else, and so do the scores of
/// rows that are encrypted twice: by √2 times the noise of one.
#[test]
fn the_error_of_scores_is_within_its_bound() {
    let mut asking = Asking::new(2, 150);
    let rows = asking.rows();
    let mut scores = Vec::new();
    for _ in 0..2 {
        let upload = asking.parties.upload(&asking.owners, &asking.fit);
        asking.encrypted = trained(&asking.parties, upload);
        let encrypted = asking.encrypt(&rows).unwrap();
        scores.push(asking.score(&encrypted).scores);
    }
    let t = asking.parties.plan.plan().noise_model().score_error_norm();
    // Decrypted with next to no noise, so that it is that of the ciphertexts.
    let least = Smudging::new(40, 1, 1e-13).unwrap();
    let encoder = Encoder::new(asking.parties.pool.context());
    let scale = asking.plan.scores().scale.to_f64();
    for (one, other) in scores[0].iter().zip(&scores[1]) {
        let difference = asking.parties.evaluator.sub(one, other).unwrap();
        let slots = encoder.decode(&asking.parties.open(&difference, &least)).unwrap();
        let square = slots.iter().map(|slot| slot.norm_sqr()).sum::<f64>() / slots.len() as f64;
        let norm = (square / 2.0).sqrt() * scale;
        assert!(norm < t && norm > 1e-6 * t, "{norm:e} of {t:e}");
    }
}

#[test]
fn a_ciphertext_of_scores_is_switched_once() {
    let mut asking = Asking::new(2, 3);
    let rows = asking.rows();
    let encrypted = asking.encrypt(&rows).unwrap();
    let scores = asking.score(&encrypted);
    let switchings = asking.switchings(&scores).unwrap();
    let holder = asking.parties.holders.remove(0);
    let plan = &asking.parties.plan;
    let holder = plan.admit(holder, &switchings).unwrap();
    // The same once more changes nothing, another receiver is refused.
    let holder = plan.admit(holder, &switchings).unwrap();
    // Beside three rounds of statistics.
    assert_eq!(holder.decryptions(), 3 + switchings.len());
    let other = SecretKey::generate(asking.parties.pool.context(), &mut rng(8));
    let other = PublicKey::generate(&other, &mut rng(9));
    let again = plan.switchings(&asking.parties.pool, &asking.plan, &scores, &[0, 1, 2], &other).unwrap();
    let refused = plan.admit(holder, &again).map(drop);
    assert_eq!(refused, Err(Error::Pool(PoolError::DecryptedBefore { member: "north".to_owned() })));
}

#[test]
fn scores_and_rows_that_do_not_fit_are_refused() {
    let mut asking = Asking::new(2, 3);
    let rows = asking.rows();
    assert_eq!(
        asking.encrypt(&Array2::zeros((2, 6))).map(drop),
        Err(Error::RowCount { expected: 3, found: 2 })
    );
    // Columns are cut off before they are whitened, so it takes a state of few rows for a row to be far.
    let state = asking.fit.state().clone().for_rows(asking.fit.state().classes(), 6, 1).unwrap();
    let Parties { plan, public_key, rng, .. } = &mut asking.parties;
    let far = plan.encrypt_rows(&asking.plan, &state, &(&rows * 1e6), public_key, rng).map(drop);
    assert!(matches!(far, Err(Error::NoiseModel { limit: 16.0, .. })), "{far:?}");
    let mut scores = {
        let encrypted = asking.encrypt(&rows).unwrap();
        asking.score(&encrypted)
    };
    let moved = EncryptedScores { layout: asking.parties.plan.plan().layout(), ..scores.clone() };
    assert!(matches!(asking.switchings(&moved), Err(Error::LayoutMismatch { .. })));
    let few = asking.switchings(&scores).unwrap();
    scores.scores.push(scores.scores[0].clone());
    assert!(matches!(asking.switchings(&scores), Err(Error::Matrix(_))));
    // More decryptions than were planned.
    let disclosure = PoolDisclosure { owners: 3, statistical_bits: 40, decryptions: 1 };
    let settings = Hyperparameters::standard(2).unwrap().pooled(disclosure).unwrap();
    let plan = PoolPlan::new(&[100; 3], 6, 3, &settings, small_ring(9)).unwrap();
    let mut holder = asking.parties.holders.remove(1);
    let smudging = asking.parties.plan.smudging().unwrap();
    let block = &asking.encrypted.terms[0].1[0];
    let before = 1 + holder.decryptions();
    holder.admit(&Opening::new(&asking.parties.pool, block, 0..3, &smudging).unwrap()).unwrap();
    let refused = plan.admit(holder, &few).map(drop);
    assert_eq!(refused, Err(Error::PooledDecryptions { planned: 1, found: before + few.len() }));
}

#[test]
fn predictions_are_part_of_what_is_planned() {
    let (without, with) = (planned(2), planned(2).with_predictions(ROWS).unwrap());
    let scores = with.prediction(ROWS).unwrap().layout().score_ciphertexts();
    assert_eq!(with.score_ciphertexts(), scores);
    assert_eq!(with.decryptions() as usize, without.decryptions() as usize + scores);
    assert_eq!((without.predicted_rows(), with.predicted_rows()), (0, ROWS));
    assert_eq!(without.key_spec(), without.plan().key_spec());
    assert!(with.score_bits().unwrap() >= 5.0, "{}", with.score_bits().unwrap());
}
