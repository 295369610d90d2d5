//! Scores of rows that one owner asks for, under the key of the pool.
//!
//! The owner encrypts its rows under the public key. The server scores them by the encrypted model, as it does for a
//! single owner ([`prediction`](crate::prediction)). All owners, or as many as the threshold says, switch the scores to
//! a public key of the owner who asks, so that nobody else reads them.
//!
//! **Recoding.** Scores of whitened rows are recoded by a map that is made of the trained weights. A ciphertext is
//! decrypted once, so no weights come with scores: the map is that of the weights in the model that the owners
//! decrypted.
//!
//! **Noise.** A decrypted score has the noise of the owners' shares, whose deviation is that of
//! [`score_bits`](PoolPlan::score_bits). It hides t, which the plan bounds for rows of a normalised norm of at most 16
//! ([`NoiseModel`](crate::plan::noise::NoiseModel)).

use ndarray::{Array2, Axis};
use rand_core::CryptoRng;

use super::plan::PoolPlan;
use crate::clear::owner_state::OwnerState;
use crate::encrypted::check_layout;
use crate::error::Error;
use crate::plan::noise::MAX_ROW_NORM;
use crate::prediction::{EncryptedRows, EncryptedScores, PredictionPlan};
use crate::volley_ckks::multiparty::{KeyHolder, Pool, Smudging, Switching};
use crate::volley_ckks::noise::Noise;
use crate::volley_ckks::{Ciphertext, PublicKey, SecretKey};
use crate::volley_revolver::Error as MatrixError;

impl PoolPlan {
    /// Ciphertexts that the owners decrypt: those of three rounds of statistics, of the model, and of scores.
    #[must_use]
    pub fn decryptions(&self) -> u32 {
        self.statistics_decryptions() + self.decryptions_after_statistics()
    }

    /// Ciphertexts that the owners decrypt where statistics are [given](OwnerState::for_rows): those of the model, and
    /// of scores.
    #[must_use]
    pub fn decryptions_after_statistics(&self) -> u32 {
        let weights = self.plan().layout().weight_ciphertexts();
        u32::try_from(weights + self.score_ciphertexts()).unwrap_or(u32::MAX)
    }

    /// The prediction of so many rows by the model of this pool.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for no rows.
    pub fn prediction(&self, rows: usize) -> Result<PredictionPlan, Error> {
        PredictionPlan::new(self.plan(), rows)
    }

    /// The noise by which the owners decrypt scores.
    ///
    /// # Errors
    ///
    /// None that the settings have not found.
    pub fn score_smudging(&self) -> Result<Smudging, Error> {
        self.smudging_of(self.plan().noise_model().score_error_norm())
    }

    /// −log₂ of the deviation that the owners' noise has in a score. The plan leaves ten bits to the largest weight, of
    /// at least 2⁻⁶, from which about five follow here.
    ///
    /// # Errors
    ///
    /// None that the settings have not found.
    pub fn score_bits(&self) -> Result<f64, Error> {
        let (plan, owners) = (self.plan(), self.rows().len());
        let noise: Noise = self.score_smudging()?.noise(owners);
        let scale = plan.weights(plan.hyperparameters().iterations()).scale;
        // The real or the imaginary part of a slot.
        Ok(0.5 - noise.slot_deviation(plan.parameters(), &scale).log2())
    }

    /// Encrypts raw rows, samples × columns, prepared by what the pool has [fitted](super::Fit::state). `rng` must
    /// never repeat.
    ///
    /// # Errors
    ///
    /// [`Error::RowCount`] and [`Error::PlanShape`] for rows and a state that are not the plan's,
    /// [`Error::ColumnCount`], [`Error::NoiseModel`] for a row whose normalised norm is above 16, [`Error::Matrix`] for
    /// a key of other parameters.
    pub fn encrypt_rows(
        &self,
        prediction: &PredictionPlan,
        state: &OwnerState,
        features: &Array2<f64>,
        public_key: &PublicKey,
        rng: &mut impl CryptoRng,
    ) -> Result<EncryptedRows<Ciphertext>, Error> {
        let context = public_key.context();
        state.check_prediction(prediction, context)?;
        let features = state.prepare_rows(prediction, features)?;
        let norms = features.map_axis(Axis(1), |row| row.dot(&row).sqrt());
        // A norm that is no number is too large as well.
        if let Some(&value) = norms.iter().find(|&&norm| norm.is_nan() || norm > MAX_ROW_NORM) {
            return Err(Error::NoiseModel { what: "norms of normalised rows", value, limit: MAX_ROW_NORM });
        }
        prediction.encrypt(&features, context, |plaintext| public_key.encrypt(plaintext, rng))
    }

    /// What the owners are asked to switch to the key of a receiver, by group and class block.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] and [`Error::Matrix`] for scores of another prediction, and [`Error::Pool`] as
    /// [`Switching::new`].
    pub fn switchings(
        &self,
        pool: &Pool,
        prediction: &PredictionPlan,
        scores: &EncryptedScores<Ciphertext>,
        owners: &[usize],
        receiver: &PublicKey,
    ) -> Result<Vec<Switching>, Error> {
        check_layout(prediction.layout(), scores.layout)?;
        let (expected, actual) = (prediction.layout().score_ciphertexts(), scores.scores.len());
        if actual != expected {
            return Err(MatrixError::Length { expected, actual }.into());
        }
        let smudging = self.score_smudging()?;
        let of =
            |ciphertext| Ok(Switching::new(pool, ciphertext, owners.iter().copied(), &smudging, receiver)?);
        scores.scores.iter().map(of).collect()
    }

    /// Binds an owner to switch scores: to all of them, or to none where one is refused. Keep the owner before the
    /// shares are made, as after [`KeyHolder::admit`].
    ///
    /// # Errors
    ///
    /// [`Error::Pool`] as [`KeyHolder::admit`], and [`Error::PooledDecryptions`] for more ciphertexts than the owners
    /// planned to decrypt.
    pub fn admit(&self, mut holder: KeyHolder, switchings: &[Switching]) -> Result<KeyHolder, Error> {
        switchings.iter().try_for_each(|switching| holder.admit(switching))?;
        let (planned, found) = (self.disclosure()?.decryptions, holder.decryptions());
        if found > planned as usize {
            return Err(Error::PooledDecryptions { planned, found });
        }
        Ok(holder)
    }

    /// The scores, samples × classes, from ciphertexts that the owners switched to the key of the owner who asked.
    /// `weights` are those of the pool's [model](Self::weights), by which scores are recoded.
    ///
    /// # Errors
    ///
    /// [`Error::PlanShape`] for a state that is not the plan's, [`Error::Matrix`] for ciphertexts of another key or
    /// parameter set, or not as many as the plan has, [`Error::ScoreOverflow`] where a score is not below
    /// [`max_score`](PredictionPlan::max_score).
    pub fn scores(
        &self,
        prediction: &PredictionPlan,
        state: &OwnerState,
        secret_key: &SecretKey,
        switched: &[Ciphertext],
        weights: &Array2<f64>,
    ) -> Result<Array2<f64>, Error> {
        Ok(state.model_scores(weights, state.unpack_scores(prediction, secret_key, switched)?))
    }
}
