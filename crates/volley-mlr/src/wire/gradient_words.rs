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
use crate::training::trainer::{Gradient, GradientPart, Trainer, united};
use crate::volley_ckks::volley_ring::RnsPoly;
use crate::volley_ckks::{Ciphertext, Context, Evaluator, Operand, TensorCiphertext};
use crate::volley_revolver::skewed::BackwardSums;

/// Most gradients whose words are added: residues are below 2^50.
pub const MAX_SUMMANDS: usize = 1 << 14;

impl Plan {
    /// Number of words of the gradient of an iteration, from 1 to the last: equally many for each ciphertext of the
    /// weights.
    #[must_use]
    pub fn gradient_words(&self, iteration: usize) -> usize {
        let tensors = self.layout().weight_ciphertexts() * self.split().backward_sums();
        tensors * self.tensor_words(iteration)
    }

    /// Number of words of the parts of that gradient together, in the same way.
    #[must_use]
    pub fn part_words(&self, iteration: usize) -> usize {
        let operand = self.gradient_part(iteration);
        self.layout().weight_ciphertexts() * 2 * (operand.level + 1) * self.parameters().degree()
    }

    fn tensor_words(&self, iteration: usize) -> usize {
        3 * (self.gradient_sums(iteration).level + 1) * self.parameters().degree()
    }

    /// Level, scale and slots of the parts of a gradient.
    fn gradient_part(&self, iteration: usize) -> Operand {
        Operand { level: self.gradient_sums(iteration).level - 1, ..self.weights(iteration) }
    }

    fn check_iteration(&self, iteration: usize) -> Result<(), Error> {
        let expected = 1..=self.hyperparameters().iterations();
        if expected.contains(&iteration) {
            return Ok(());
        }
        Err(Error::GradientIteration { expected, found: iteration })
    }
}

/// Refuses another number of words.
fn check_words(expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::GradientWords { expected, found }) }
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
}

impl Trainer<Evaluator> {
    /// The part of the next gradient for some ciphertexts of the weights, from the sums of their words over gradients
    /// of these groups, which are all together.
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for gradients that have a group in common or lack one, ciphertexts that the weights have
    /// not, and another number of words than these have of [`Plan::gradient_words`].
    pub fn part_of_word_sums<'a>(
        &self,
        job: &Job,
        summands: impl IntoIterator<Item = &'a [Range<usize>]>,
        weights: Range<usize>,
        sums: &[u64],
    ) -> Result<GradientPart<Ciphertext>, WireError> {
        let (plan, iteration) = (job.plan(), self.iteration() + 1);
        plan.check_iteration(iteration)?;
        let covered = summands.into_iter().try_fold(Vec::new(), |all, groups| united(&all, groups))?;
        let groups = plan.layout().groups();
        if covered != std::iter::once(0..groups).collect::<Vec<_>>() {
            let covered = covered.iter().map(Range::len).sum();
            return Err(Error::GradientIncomplete { covered, groups }.into());
        }
        let all = plan.layout().weight_ciphertexts();
        if weights.end > all {
            return Err(Error::GradientParts { ciphertext: all }.into());
        }
        let expected = plan.gradient_words(iteration) / all * weights.len();
        check_words(expected, sums.len())?;
        let (operand, of_tensor) = (plan.gradient_sums(iteration), plan.tensor_words(iteration));
        let context = self.arithmetic().context();
        let tensor = |words| {
            TensorCiphertext::from_residue_sums(context, job.key_id(), operand.clone(), words)
                .map_err(|_| Error::GradientWords { expected, found: sums.len() })
        };
        let tensors = sums.par_chunks(of_tensor).map(tensor).collect::<Result<Vec<_>, _>>()?;
        Ok(self.gradient_part(weights.start, &tensors)?)
    }
}

impl GradientPart<Ciphertext> {
    /// Its words.
    #[must_use]
    pub fn words(&self) -> Vec<u64> {
        let parts = || self.ciphertexts.iter().flat_map(Ciphertext::parts).map(|part| part.residues());
        let mut words = Vec::with_capacity(parts().map(<[u64]>::len).sum());
        parts().for_each(|residues| words.extend_from_slice(residues));
        words
    }

    /// The part of an iteration's gradient for some ciphertexts of the weights, from its words.
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for an iteration that the plan has not, another number of words than these ciphertexts
    /// have of [`Plan::part_words`], and for words that are no residues.
    pub fn from_words(
        job: &Job,
        context: &Context,
        iteration: usize,
        weights: Range<usize>,
        words: &[u64],
    ) -> Result<Self, WireError> {
        let plan = job.plan();
        plan.check_iteration(iteration)?;
        let layout = plan.layout();
        let expected = plan.part_words(iteration) / layout.weight_ciphertexts() * weights.len();
        check_words(expected, words.len())?;
        let operand = plan.gradient_part(iteration);
        let degree = plan.parameters().degree();
        let half = (operand.level + 1) * degree;
        let ciphertext = |words: &[u64]| {
            let [c0, c1] =
                [0, half].map(|start| RnsPoly::from_residues(degree, words[start..][..half].to_vec()));
            let parts = c0.zip(c1).map(|(c0, c1)| [c0, c1]);
            let made =
                parts.map(|parts| Ciphertext::from_parts(context, job.key_id(), operand.clone(), parts));
            made.and_then(Result::ok).ok_or(Error::GradientWords { expected, found: words.len() })
        };
        let ciphertexts = words.par_chunks(2 * half).map(ciphertext).collect::<Result<_, _>>()?;
        Ok(Self { layout, iteration, first: weights.start, ciphertexts })
    }
}
