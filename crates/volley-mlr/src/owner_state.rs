//! What stays with the owner while the server trains.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::encrypted::check_layout;
use crate::sharing;
use crate::volley_ckks::{Ciphertext, Encoder, Plaintext, SecretKey};
use crate::volley_revolver::Shape;
use crate::{ClassLabels, EncryptedModel, Error, Model, Plan, Preconditioner, Preprocessing, Sharing};

/// What normalised weights that are decrypted stay below: as much as a plan can be asked to leave room for
/// ([`Hyperparameters`](crate::Hyperparameters)).
const MAX_WEIGHT: f64 = (1 << 20) as f64;

/// What was fitted to a training set, and turns decrypted weights into a model. The training set itself is not in it.
///
/// Private: the statistics are those of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnerState {
    pub(crate) classes: ClassLabels,
    pub(crate) preprocessing: Preprocessing,
    pub(crate) preconditioner: Preconditioner,
}

impl OwnerState {
    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &ClassLabels {
        &self.classes
    }

    /// Decrypts a model, without the training set: [flooded](crate::volley_ckks::flooding) where the plan is shareable.
    ///
    /// A model that was decrypted before comes out the same, and counts once among the τ decryptions that the plan covers.
    /// The statistics of a flooded model have no more digits than its weights need.
    ///
    /// # Errors
    ///
    /// As [`Owner::decrypt`](crate::Owner::decrypt), [`Error::WeightOverflow`] for weights that no training ends with, and [`Error::PlanShape`] where the plan was made for another shape.
    pub fn decrypt(
        &self,
        plan: &Plan,
        secret_key: &SecretKey,
        model: &EncryptedModel<Ciphertext>,
    ) -> Result<Model, Error> {
        self.check_plan(plan)?;
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
        self.check_plan(plan)?;
        let encoder = Encoder::new(secret_key.context());
        self.unpack(plan, &encoder, model, |block| Ok(secret_key.decrypt(block)?))
    }

    pub(crate) fn check_plan(&self, plan: &Plan) -> Result<(), Error> {
        self.check_shape(plan.layout().shape())
    }

    pub(crate) fn check_shape(&self, shape: Shape) -> Result<(), Error> {
        let expected = [shape.samples, shape.columns, shape.classes];
        let columns = self.preprocessing.columns() + 1;
        let actual = [shape.samples, columns, self.classes.len()];
        if expected != actual || self.preconditioner.inverse().len() != columns {
            return Err(Error::PlanShape { expected, actual });
        }
        Ok(())
    }

    pub(crate) fn decrypt_by(
        &self,
        plan: &Plan,
        secret_key: &SecretKey,
        encoder: &Encoder,
        model: &EncryptedModel<Ciphertext>,
    ) -> Result<Model, Error> {
        let Some(flooding) = plan.hyperparameters().flooding() else {
            return self.unpack(plan, encoder, model, |block| Ok(secret_key.decrypt(block)?));
        };
        let noise = plan.noise_model();
        let sigma = noise.flooding_deviation(flooding, model.terms.len());
        let decrypt = |block: &Ciphertext| Ok(secret_key.decrypt_flooded(block, sigma)?);
        let factors = model.terms.iter().map(|(factor, _)| factor * factor).sum::<f64>().sqrt();
        let deviation = noise.weight_deviation(sigma) * factors / self.preconditioner.factor()
            * self.preprocessing.noise_gain();
        let (statistical_bits, decryptions) = (flooding.statistical_bits(), flooding.decryptions());
        let sharing = Sharing::Flooded { statistical_bits, decryptions, deviation };
        Ok(sharing::with_rounded_statistics(&self.unpack(plan, encoder, model, decrypt)?, deviation)?
            .marked(sharing))
    }

    /// The model, as `decrypt` decrypts its ciphertexts.
    pub(crate) fn unpack(
        &self,
        plan: &Plan,
        encoder: &Encoder,
        model: &EncryptedModel<Ciphertext>,
        mut decrypt: impl FnMut(&Ciphertext) -> Result<Plaintext, Error>,
    ) -> Result<Model, Error> {
        let layout = plan.layout();
        check_layout(layout, model.layout)?;
        let mut weights = Array2::zeros((layout.shape().classes, layout.shape().columns));
        for (factor, blocks) in &model.terms {
            let slots = blocks
                .iter()
                .map(|block| Ok(encoder.decode(&decrypt(block)?)?))
                .collect::<Result<Vec<_>, Error>>()?;
            weights.scaled_add(*factor, &layout.unpack_weights(&slots)?);
        }
        // A bit that was flipped on the way, in the server's memory or in its model's file, makes all slots as large as the modulus.
        let largest = weights.iter().fold(0.0, |largest, weight| f64::max(largest, weight.abs()));
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
        self.model(weights)
    }

    /// The model with these weights.
    pub(crate) fn model(&self, weights: Array2<f64>) -> Result<Model, Error> {
        Model::new(weights, self.classes.clone(), self.preprocessing.clone())
    }
}
