//! The owner's side of an encrypted run: encrypting a training set by a plan, decrypting the model.
//!
//! Of this crate it imports `encrypted`, `data`, `preparation`, `clear`, `plan` and the errors.

use std::sync::Arc;

use crate::volley_ckks::{Ciphertext, Complex64, Encoder, SecretKey};
use ndarray::Array2;
use rand_core::CryptoRng;

use crate::clear::model::Model;
use crate::clear::training_set::TrainingSet;
use crate::data::class_weight::RowWeights;
use crate::encrypted::{EncryptedData, EncryptedDataset, EncryptedModel};
use crate::error::Error;
use crate::plan::Plan;

mod decryption;
mod sharing;

/// An owner's key with a plan and the training set that stays in clear.
#[derive(Debug)]
pub struct Owner {
    plan: Arc<Plan>,
    training_set: Arc<TrainingSet>,
    secret_key: Arc<SecretKey>,
    encoder: Encoder,
}

impl Owner {
    /// An owner of a training set, with a secret key of the plan's parameters.
    ///
    /// # Errors
    ///
    /// [`Error::PlanShape`] where the plan was made for another shape, [`Error::LayoutMismatch`] where the rows were
    /// [arranged](TrainingSet::balanced) for another layout, [`Error::Matrix`] for a key of other parameters.
    pub fn new(
        plan: &Arc<Plan>,
        training_set: &Arc<TrainingSet>,
        secret_key: &Arc<SecretKey>,
    ) -> Result<Self, Error> {
        training_set.check(plan.layout())?;
        if secret_key.context().parameters().id() != plan.parameters().id() {
            return Err(crate::volley_ckks::Error::ParameterMismatch.into());
        }
        Ok(Self {
            plan: Arc::clone(plan),
            training_set: Arc::clone(training_set),
            secret_key: Arc::clone(secret_key),
            encoder: Encoder::new(secret_key.context()),
        })
    }

    /// Encrypts features, labels and 1/B under the secret key, each ciphertext with a seed of its own. 1/B is
    /// multiplied by the weights of the rows, if they have any.
    ///
    /// Features are normalised by a power of two that only the owner knows
    /// ([`Preconditioner`](crate::Preconditioner)), so that 1/B is at most 1. Every plaintext is encoded at the
    /// parameters' scale, and what the server sees does not depend on the data.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] where a value is too large to be encoded; [`Error::WeightsOutOfRange`] where the plan
    /// refreshes weights, and training in clear shows that those of this data are larger than it leaves room for; for a
    /// shareable plan [`Error::NoiseModel`], [`Error::ScoreRange`] and [`Error::SharedBits`] where the model of this
    /// data cannot be shared.
    pub fn encrypt(&self, rng: &mut impl CryptoRng) -> Result<EncryptedDataset, Error> {
        if let Some(flooding) = self.plan.hyperparameters().flooding() {
            sharing::check(&self.plan, flooding, &self.training_set)?;
        }
        if self.plan.refresh_count() > 0 {
            self.check_weights()?;
        }
        let (layout, preconditioner) = (self.plan.layout(), self.training_set.preconditioner());
        let features = self.training_set.features() / preconditioner.factor();
        let mut encrypt = |slots: &[Complex64]| -> Result<_, Error> {
            let scale = self.plan.parameters().scale();
            let plaintext = self.encoder.encode(slots, &scale, self.plan.data_level())?;
            Ok(self.secret_key.encrypt(&plaintext, rng)?)
        };
        let mut encrypt_all = |vectors: &[Vec<Complex64>]| -> Result<Vec<_>, Error> {
            vectors.iter().map(|slots| encrypt(slots)).collect()
        };
        Ok(EncryptedData {
            layout,
            features: layout
                .pack_features(&features)?
                .iter()
                .map(|group| encrypt_all(group))
                .collect::<Result<_, _>>()?,
            labels: encrypt_all(&layout.pack_labels(self.training_set.one_hot())?)?,
            preconditioner: encrypt_all(&self.packed_preconditioner()?)?,
        })
    }

    /// wᵢ/B′ⱼ, by column block: the weight of the rows at each place, which all blocks of rows share.
    fn packed_preconditioner(&self) -> Result<Vec<Vec<Complex64>>, Error> {
        let (layout, preconditioner) = (self.plan.layout(), self.training_set.preconditioner());
        let mut blocks = layout.pack_columns(&preconditioner.normalised_inverse())?;
        let Some(RowWeights { values, .. }) = self.training_set.weights() else { return Ok(blocks) };
        for block in &mut blocks {
            for (row, &weight) in block.chunks_exact_mut(layout.width()).zip(values) {
                row.iter_mut().for_each(|slot| *slot *= weight);
            }
        }
        Ok(blocks)
    }

    /// Refuses data whose weights leave the range that is refreshed.
    fn check_weights(&self) -> Result<(), Error> {
        let hyperparameters = self.plan.hyperparameters();
        let (factor, range) = (self.training_set.preconditioner().factor(), hyperparameters.weight_range());
        for step in self.training_set.reference(hyperparameters) {
            let (iteration, weight) = (step.iteration, step.largest_weight * factor);
            if weight > range {
                return Err(Error::WeightsOutOfRange { iteration, weight, range });
            }
        }
        Ok(())
    }

    /// Decrypts a model: [flooded](crate::volley_ckks::flooding) where the plan is shareable, otherwise
    /// [private](crate::Sharing).
    ///
    /// A model that was decrypted before comes out the same, and counts once among the τ decryptions that the plan
    /// covers. The statistics of a flooded model have no more digits than its weights need.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] for a model of another plan, [`Error::Matrix`] for ciphertexts of another owner or
    /// parameter set or at a level without room for the noise, [`Error::NotFinite`] where what was decrypted is no
    /// model.
    pub fn decrypt(&self, model: &EncryptedModel<Ciphertext>) -> Result<Model, Error> {
        self.training_set.owner_state().decrypt_by(&self.plan, &self.secret_key, &self.encoder, model)
    }

    /// Decrypts a model for the owner alone, to the last bit, whatever the plan is for.
    ///
    /// # Errors
    ///
    /// As [`decrypt`](Self::decrypt).
    pub fn decrypt_private(&self, model: &EncryptedModel<Ciphertext>) -> Result<Model, Error> {
        self.training_set.model(self.decrypt_weights(model)?)
    }

    /// Decrypts the weights that training found, classes × (columns + 1), for the owner alone. They are weights of
    /// prepared features, and [`TrainingSet::model`] makes a model of them. The training in clear has the same in
    /// [`Step::weights`](crate::Step).
    ///
    /// # Errors
    ///
    /// As [`decrypt`](Self::decrypt).
    pub fn decrypt_weights(&self, model: &EncryptedModel<Ciphertext>) -> Result<Array2<f64>, Error> {
        let decrypt = |block: &Ciphertext| Ok(self.secret_key.decrypt(block)?);
        self.training_set.owner_state().unpack(&self.plan, &self.encoder, model, decrypt)
    }
}

#[cfg(test)]
mod tests;
