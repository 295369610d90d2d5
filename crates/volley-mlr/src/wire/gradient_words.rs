//! Gradients as words, for machines that add up their words without knowing what they are.
//!
//! The words are the residues of all ciphertexts in the order of a file: by class block, column block and sum of the
//! backward product, then by polynomial, limb and residue. There is room above residues, so those of several gradients
//! are added without a reduction, which is made once.

use std::ops::Range;

use maybe_rayon::prelude::*;

use super::error::WireError;
use super::job::Job;
use crate::error::Error;
use crate::plan::Plan;
use crate::training::trainer::{Gradient, united};
use crate::volley_ckks::{Context, TensorCiphertext};
use crate::volley_revolver::skewed::BackwardSums;

/// Most gradients whose words are added: residues are below 2^50.
pub const MAX_SUMMANDS: usize = 1 << 14;

impl Plan {
    /// Number of words of the gradient of an iteration, from 1 to the last.
    #[must_use]
    pub fn gradient_words(&self, iteration: usize) -> usize {
        let tensors = self.layout().weight_ciphertexts() * self.split().backward_sums();
        tensors * self.words_of_tensor(iteration)
    }

    fn words_of_tensor(&self, iteration: usize) -> usize {
        3 * (self.gradient_sums(iteration).level + 1) * self.parameters().degree()
    }
}

impl Gradient<TensorCiphertext> {
    /// Its words.
    #[must_use]
    pub fn words(&self) -> Vec<u64> {
        let tensors = || self.sums.iter().flat_map(BackwardSums::tensors);
        let parts = || tensors().flat_map(TensorCiphertext::parts).map(|part| part.residues());
        let mut words = Vec::with_capacity(parts().map(<[u64]>::len).sum());
        parts().for_each(|residues| words.extend_from_slice(residues));
        words
    }

    /// The gradient of several gradients together, whose groups these are, from the sums of their words.
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for gradients that have a group in common, an iteration and groups that the plan has not,
    /// and another number of words than [`Plan::gradient_words`].
    pub fn from_word_sums<'a>(
        job: &Job,
        context: &Context,
        iteration: usize,
        summands: impl IntoIterator<Item = &'a [Range<usize>]>,
        sums: &[u64],
    ) -> Result<Self, WireError> {
        let (plan, layout) = (job.plan(), job.plan().layout());
        let iterations = 1..=plan.hyperparameters().iterations();
        if !iterations.contains(&iteration) {
            return Err(Error::GradientIteration { expected: iterations, found: iteration }.into());
        }
        let (expected, found) = (plan.gradient_words(iteration), sums.len());
        if expected != found {
            return Err(Error::GradientWords { expected, found }.into());
        }
        let groups = summands
            .into_iter()
            .try_fold(Vec::new(), |all, groups| united(&all, groups))
            .map_err(WireError::Content)?;
        let (operand, of_tensor) = (plan.gradient_sums(iteration), plan.words_of_tensor(iteration));
        let tensor = |words| {
            TensorCiphertext::from_residue_sums(context, job.key_id(), operand.clone(), words)
                .map_err(|_| Error::GradientWords { expected, found })
        };
        let tensors = sums.par_chunks(of_tensor).map(tensor).collect::<Result<Vec<_>, _>>()?;
        let of_block = layout.column_blocks() * plan.split().backward_sums();
        let mut tensors = tensors.into_iter();
        let mut block = |_| {
            let tensors = tensors.by_ref().take(of_block).collect();
            BackwardSums::from_tensors(&layout, plan.split(), tensors).map_err(Error::from)
        };
        let sums = (0..layout.class_blocks()).map(&mut block).collect::<Result<_, _>>()?;
        let gradient = Self { layout, iteration, groups, sums };
        gradient.check(plan, TensorCiphertext::operand)?;
        Ok(gradient)
    }
}
