//! The gradient of all groups, in parts of the weights: several machines make them, and all make the step.

use std::ops::Range;

#[cfg(feature = "wire")]
use maybe_rayon::prelude::*;

use super::Trainer;
use crate::encrypted::check_layout;
use crate::error::Error;
use crate::method::objective::Objective;
use crate::training::trainer::StepReport;
use crate::volley_ckks::Arithmetic;
use crate::volley_revolver::Layout;

/// The preconditioned gradient of all groups, times the step size, for some of the weights: ciphertexts in the layout
/// of the weights, by class block and column block. [`Trainer::step_by_parts`] makes a step of the parts of all.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientPart<C> {
    pub(crate) layout: Layout,
    /// The iteration whose step is made of it, from 1.
    pub(crate) iteration: usize,
    /// The first ciphertext of the weights that it is of.
    pub(crate) first: usize,
    pub(crate) ciphertexts: Vec<C>,
}

impl<C> GradientPart<C> {
    /// The ciphertexts of the weights that it is of, from 0.
    #[must_use]
    pub fn weights(&self) -> Range<usize> {
        self.first..self.first + self.ciphertexts.len()
    }
}

impl<A: Arithmetic, O: Objective> Trainer<A, O> {
    /// The part of some weights, from their sums over all groups: those of one ciphertext after the other.
    #[cfg(feature = "wire")]
    pub(crate) fn gradient_part(
        &self,
        first: usize,
        sums: &[A::Tensor],
    ) -> Result<GradientPart<A::Ciphertext>, Error> {
        let of_each = sums.par_chunks(self.skewed.split().backward_sums());
        let ciphertexts = of_each.map(|sums| Ok(self.skewed.gradient_block(sums)?));
        let ciphertexts = ciphertexts.collect::<Result<_, Error>>()?;
        Ok(GradientPart { layout: self.layout(), iteration: self.iteration + 1, first, ciphertexts })
    }

    /// One iteration by the parts of its gradient, in the order of the weights.
    ///
    /// # Errors
    ///
    /// [`Error::GradientParts`] where some weights are in no part or in two, [`Error::GradientIteration`] and
    /// [`Error::LayoutMismatch`] for parts of another iteration or plan, [`Error::Matrix`] for what the arithmetic
    /// refuses.
    pub fn step_by_parts(&mut self, parts: Vec<GradientPart<A::Ciphertext>>) -> Result<StepReport, Error> {
        let next = self.iteration + 1;
        let mut gradient = Vec::new();
        for part in parts {
            check_layout(self.layout(), part.layout)?;
            if part.iteration != next {
                return Err(Error::GradientIteration { expected: next..=next, found: part.iteration });
            }
            if part.first != gradient.len() {
                return Err(Error::GradientParts { ciphertext: gradient.len().min(part.first) });
            }
            gradient.extend(part.ciphertexts);
        }
        match gradient.len() == self.layout().weight_ciphertexts() {
            true => self.advance(gradient),
            false => Err(Error::GradientParts { ciphertext: gradient.len() }),
        }
    }
}
