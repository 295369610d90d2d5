//! What stays with the owner while the server trains.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::encrypted::check_layout;
use crate::volley_ckks::{Ciphertext, Encoder, SecretKey};
use crate::{ClassLabels, EncryptedModel, Error, Model, Plan, Preconditioner, Preprocessing};

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
    /// Decrypts a model, without the training set.
    ///
    /// # Errors
    ///
    /// As [`Owner::decrypt`](crate::Owner::decrypt), and [`Error::PlanShape`] where the plan was made for another shape.
    pub fn decrypt(
        &self,
        plan: &Plan,
        secret_key: &SecretKey,
        model: &EncryptedModel<Ciphertext>,
    ) -> Result<Model, Error> {
        self.check_plan(plan)?;
        self.decrypt_by(plan, secret_key, &Encoder::new(secret_key.context()), model)
    }

    pub(crate) fn check_plan(&self, plan: &Plan) -> Result<(), Error> {
        let shape = plan.layout().shape();
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
        let layout = plan.layout();
        check_layout(layout, model.layout)?;
        let mut weights = Array2::zeros((layout.shape().classes, layout.shape().columns));
        for (factor, blocks) in &model.terms {
            let slots = blocks
                .iter()
                .map(|block| Ok(encoder.decode(&secret_key.decrypt(block)?)?))
                .collect::<Result<Vec<_>, Error>>()?;
            weights.scaled_add(*factor, &layout.unpack_weights(&slots)?);
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
