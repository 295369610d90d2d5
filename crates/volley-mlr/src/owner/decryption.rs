//! Models decrypted by what was fitted to their training set.

use ndarray::Array2;

use super::sharing;
use crate::clear::model::{Model, Sharing};
use crate::clear::owner_state::OwnerState;
use crate::data::dataset::largest;
use crate::encrypted::{EncryptedModel, check_layout};
use crate::error::Error;
use crate::plan::Plan;
use crate::preparation::recoding::ScoreMap;
use crate::volley_ckks::{Ciphertext, Encoder, Plaintext, SecretKey};
use crate::volley_revolver::Layout;

/// What normalised weights that are decrypted stay below: as much as a plan can be asked to leave room for
/// ([`Hyperparameters`](crate::Hyperparameters)).
const MAX_WEIGHT: f64 = (1 << 20) as f64;

impl OwnerState {
    /// Decrypts a model, without the training set: [flooded](crate::volley_ckks::flooding) where the plan is shareable.
    ///
    /// A model that was decrypted before comes out the same, and counts once among the τ decryptions that the plan
    /// covers. The statistics of a flooded model have no more digits than its weights need.
    ///
    /// # Errors
    ///
    /// As [`Owner::decrypt`](crate::Owner::decrypt), [`Error::WeightOverflow`] for weights that no training ends with, and
    /// [`Error::PlanShape`] where the plan was made for another shape.
    pub fn decrypt(
        &self,
        plan: &Plan,
        secret_key: &SecretKey,
        model: &EncryptedModel<Ciphertext>,
    ) -> Result<Model, Error> {
        self.check_shape(plan.layout().shape())?;
        self.decrypt_by(plan, secret_key, &Encoder::new(secret_key.context()), model)
    }

    /// Decrypts a model for the owner alone, to the last bit, whatever the plan is for.
    ///
    /// # Errors
    ///
    /// As [`decrypt`](Self::decrypt).
    pub fn decrypt_private(
        &self,
        plan: &Plan,
        secret_key: &SecretKey,
        model: &EncryptedModel<Ciphertext>,
    ) -> Result<Model, Error> {
        self.check_shape(plan.layout().shape())?;
        let encoder = Encoder::new(secret_key.context());
        self.model(self.unpack(plan, &encoder, model, |block| Ok(secret_key.decrypt(block)?))?)
    }

    pub(super) fn decrypt_by(
        &self,
        plan: &Plan,
        secret_key: &SecretKey,
        encoder: &Encoder,
        model: &EncryptedModel<Ciphertext>,
    ) -> Result<Model, Error> {
        let Some(flooding) = plan.hyperparameters().flooding() else {
            return self.model(self.unpack(plan, encoder, model, |block| Ok(secret_key.decrypt(block)?))?);
        };
        let noise = plan.noise_model();
        let sigma = noise.flooding_deviation(flooding, model.terms.len());
        let decrypt = |block: &Ciphertext| Ok(secret_key.decrypt_flooded(block, sigma)?);
        let weights = self.unpack(plan, encoder, model, decrypt)?;
        let map = self.score_map(&weights);
        let recoding_gain = map.as_ref().map_or(1.0, ScoreMap::noise_gain);
        let factors = model.terms.iter().map(|(factor, _)| factor * factor).sum::<f64>().sqrt();
        let deviation = noise.weight_deviation(sigma) * factors / self.preconditioner.factor()
            * self.preprocessing.noise_gain()
            * recoding_gain;
        let (statistical_bits, decryptions) = (flooding.statistical_bits(), flooding.decryptions());
        let sharing = Sharing::Flooded { statistical_bits, decryptions, deviation };
        let model = self.model_by(map.as_ref(), weights)?;
        Ok(sharing::with_rounded_statistics(&model, deviation)?.marked(sharing))
    }

    /// The weights of prepared features, as `decrypt` decrypts their ciphertexts.
    pub(crate) fn unpack(
        &self,
        plan: &Plan,
        encoder: &Encoder,
        model: &EncryptedModel<Ciphertext>,
        mut decrypt: impl FnMut(&Ciphertext) -> Result<Plaintext, Error>,
    ) -> Result<Array2<f64>, Error> {
        let layout = plan.layout();
        check_layout(layout, model.layout)?;
        let mut weights = Array2::zeros((layout.shape().classes, layout.shape().columns));
        for (factor, blocks) in &model.terms {
            weights.scaled_add(*factor, &self.unpack_blocks(layout, encoder, blocks, &mut decrypt)?);
        }
        Ok(weights)
    }

    /// The weights in the ciphertexts of one term.
    pub(crate) fn unpack_blocks(
        &self,
        layout: Layout,
        encoder: &Encoder,
        blocks: &[Ciphertext],
        mut decrypt: impl FnMut(&Ciphertext) -> Result<Plaintext, Error>,
    ) -> Result<Array2<f64>, Error> {
        let slots = blocks
            .iter()
            .map(|block| Ok(encoder.decode(&decrypt(block)?)?))
            .collect::<Result<Vec<_>, Error>>()?;
        let mut weights = layout.unpack_weights(&slots)?;
        // A bit that was flipped on the way, in the server's memory or in its model's file, makes all slots as large as
        // the modulus.
        let largest = largest(&weights);
        if largest >= MAX_WEIGHT {
            return Err(Error::WeightOverflow { weight: largest, limit: MAX_WEIGHT });
        }
        weights /= self.preconditioner.factor();
        // A column without a step has a zero weight; what was decrypted there is noise.
        let inverse = self.preconditioner.inverse();
        for (mut column, _) in
            weights.columns_mut().into_iter().zip(inverse).filter(|&(_, &inverse)| inverse == 0.0)
        {
            column.fill(0.0);
        }
        Ok(weights)
    }
}
