//! Rows that were encrypted for training, decrypted by their owner: to add others to them.

use ndarray::{Array2, Axis};

use crate::clear::owner_state::OwnerState;
use crate::clear::prepared_rows::PreparedRows;
use crate::encrypted::EncryptedGroups;
use crate::error::Error;
use crate::plan::Plan;
use crate::preparation::recoding::Recoding;
use crate::training::rows::check_groups;
use crate::volley_ckks::{Complex64, Encoder, SecretKey, SeededCiphertext};

/// Labels are 0 or 1, with noise that is far smaller than this.
const LABEL_NOISE: f64 = 0.1;
/// Rows count alike where 1/B differs in them by no more than this, relative to the largest 1/B.
const WEIGHT_NOISE: f64 = 1e-4;

impl OwnerState {
    /// Decrypts rows of an upload. Labels come back exactly, features as exactly as they were encrypted. The rows have
    /// the order of the data, unless they were arranged for [class weights](Self::check_weights).
    ///
    /// # Errors
    ///
    /// [`Error::PlanShape`] where the plan was made for another shape, [`Error::Groups`] for groups that it has not,
    /// [`Error::DecryptedLabel`] for what does not decrypt to labels, [`Error::Matrix`] for ciphertexts of another
    /// owner or another number of them.
    pub fn decrypt_rows(
        &self,
        plan: &Plan,
        secret_key: &SecretKey,
        rows: &EncryptedGroups<SeededCiphertext>,
    ) -> Result<PreparedRows, Error> {
        let layout = plan.layout();
        self.check_shape(layout.shape())?;
        check_groups(&rows.range(), 0..layout.groups())?;
        let shape = layout.shape();
        let mut all = PreparedRows {
            features: Array2::zeros((0, shape.columns)),
            one_hot: Array2::zeros((0, shape.classes)),
        };
        let encoder = Encoder::new(secret_key.context());
        for (group, encrypted) in rows.range().zip(&rows.groups) {
            let slots = |ciphertexts: &[SeededCiphertext]| decrypt(secret_key, &encoder, ciphertexts);
            let features = layout.unpack_group_features(&slots(&encrypted.features)?, group)?;
            let one_hot = layout.unpack_group_labels(&slots(&encrypted.labels)?, group)?;
            let one_hot = exact_labels(&one_hot, layout.group_samples(group).start)?;
            all.append(&PreparedRows { features: self.as_prepared(features), one_hot })?;
        }
        Ok(all)
    }

    /// Refuses rows that do not count alike: their order and weights would be others with more rows.
    ///
    /// # Errors
    ///
    /// [`Error::WeightedRows`], and [`Error::Matrix`] for ciphertexts of another owner or another number of them.
    pub fn check_weights(
        &self,
        plan: &Plan,
        secret_key: &SecretKey,
        preconditioner: &[SeededCiphertext],
    ) -> Result<(), Error> {
        let expected = plan.layout().pack_columns(&self.preconditioner.normalised_inverse())?;
        let found = decrypt(secret_key, &Encoder::new(secret_key.context()), preconditioner)?;
        if found.len() != expected.len() {
            let (expected, actual) = (expected.len(), found.len());
            return Err(crate::volley_revolver::Error::Length { expected, actual }.into());
        }
        let norms =
            |blocks: &[Vec<Complex64>]| blocks.iter().flatten().map(|slot| slot.norm()).fold(0.0, f64::max);
        let limit = WEIGHT_NOISE * norms(&expected);
        let differs = found.iter().flatten().zip(expected.iter().flatten());
        let alike = differs.into_iter().all(|(found, expected)| (found - expected).norm() <= limit);
        if alike && !self.recoding.as_ref().is_some_and(Recoding::is_balanced) {
            Ok(())
        } else {
            Err(Error::WeightedRows)
        }
    }

    /// Decrypted features as they were before their normalisation. What has one value whatever the row has it exactly:
    /// the bias, and what was prepared of a constant column.
    fn as_prepared(&self, features: Array2<f64>) -> Array2<f64> {
        let mut prepared = features * self.preconditioner.factor();
        let zero = self.preprocessing.standardisations().is_some();
        for (column, (mut values, &inverse)) in
            prepared.columns_mut().into_iter().zip(self.preconditioner.inverse()).enumerate()
        {
            if column == 0 {
                values.fill(1.0);
            } else if zero && inverse == 0.0 {
                values.fill(0.0);
            }
        }
        prepared
    }
}

fn decrypt(
    secret_key: &SecretKey,
    encoder: &Encoder,
    ciphertexts: &[SeededCiphertext],
) -> Result<Vec<Vec<Complex64>>, Error> {
    let context = secret_key.context();
    let slots = |ciphertext: &SeededCiphertext| {
        Ok(encoder.decode(&secret_key.decrypt(&ciphertext.expand(context)?)?)?)
    };
    ciphertexts.iter().map(slots).collect()
}

/// Labels without their noise: one class in each row. `first` is the number of the first row.
fn exact_labels(decrypted: &Array2<f64>, first: usize) -> Result<Array2<f64>, Error> {
    let labels = decrypted.mapv(f64::round);
    let noise = decrypted - &labels;
    for (row, (labels, noise)) in labels.axis_iter(Axis(0)).zip(noise.axis_iter(Axis(0))).enumerate() {
        let one = labels.iter().all(|&label| label == 0.0 || label == 1.0) && labels.sum() == 1.0;
        if !one || noise.iter().any(|noise| noise.abs() > LABEL_NOISE) {
            return Err(Error::DecryptedLabel { row: first + row });
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests;
