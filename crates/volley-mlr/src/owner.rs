//! The owner's side of an encrypted run: encrypting a training set by a plan, decrypting the model.
//!
//! Of this crate it imports `encrypted`, `data`, `preparation`, `clear`, `plan` and the errors.

use std::sync::Arc;

use crate::volley_ckks::{Ciphertext, Encoder, KeyId, SecretKey};
use ndarray::Array2;

use crate::clear::model::Model;
use crate::clear::training_set::TrainingSet;
use crate::encrypted::EncryptedModel;
use crate::error::Error;
use crate::plan::Plan;

mod decryption;
mod encryption;
pub(crate) mod packing;
mod recovery;
pub(crate) mod sharing;

pub use encryption::Encryption;

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

    /// The plan that it encrypts by.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The rows that it encrypts.
    #[must_use]
    pub fn training_set(&self) -> &TrainingSet {
        &self.training_set
    }

    /// The name of the secret key.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.secret_key.id()
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
