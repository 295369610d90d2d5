//! What is done between the products: pairs are taken apart, errors are repeated.

use volley_ckks::Arithmetic;

use super::Skewed;
use crate::error::Error;
use crate::layout::Part;
use crate::rotation::{doublings, fold};

impl<A: Arithmetic> Skewed<A> {
    /// The scores of each [part](crate::Layout::parts) of a group, as real numbers, times
    /// [`score_multiple`](crate::Layout::score_multiple). A pair gives twice the real and twice the imaginary part, by
    /// one conjugation and at no level. A single block gives the scores themselves.
    ///
    /// # Errors
    ///
    /// [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn split_scores(
        &self,
        group: usize,
        scores: &A::Ciphertext,
    ) -> Result<Vec<(Part, A::Ciphertext)>, Error> {
        self.check_slots(scores)?;
        if let [part] = self.layout.parts(group) {
            return Ok(vec![(*part, scores.clone())]);
        }
        let conjugate = self.arithmetic.conjugate(scores)?;
        let real = self.arithmetic.add(scores, &conjugate)?;
        // i(ā − a) = 2 Im a.
        let imaginary = self.arithmetic.multiply_by_i(&self.arithmetic.sub(&conjugate, scores)?)?;
        Ok(vec![(Part::Real, real), (Part::Imaginary, imaginary)])
    }

    /// Errors in the first K columns, with zeros in the others, repeated along the row: log₂(D/K) rotations to the
    /// right.
    ///
    /// # Errors
    ///
    /// [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn repeat_along_row(&self, errors: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
        self.check_slots(errors)?;
        fold(&*self.arithmetic, errors.clone(), doublings(self.layout.period(), self.layout.width(), -1))
    }
}
