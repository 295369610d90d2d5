//! Gradients as words, which machines add up without knowing what they are, and the steps that are made of them.
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
use crate::training::trainer::{Gradient, StepPart, Trainer, united};
use crate::volley_ckks::volley_ring::{ResidueSums, RnsPoly};
use crate::volley_ckks::{Ciphertext, Context, Evaluator, Operand, TensorCiphertext};
use crate::volley_revolver::skewed::BackwardSums;

/// Most gradients whose words are added: residues are below 2^50.
pub const MAX_SUMMANDS: usize = 1 << 14;

impl Plan {
    /// Number of words of the gradient of an iteration, from 1 to the last: equally many for each ciphertext of the
    /// weights.
    #[must_use]
    pub fn gradient_words(&self, iteration: usize) -> usize {
        self.tensors() * 3 * self.half_words(&self.gradient_sums(iteration))
    }

    /// Ciphertexts of degree 2 of a gradient.
    fn tensors(&self) -> usize {
        self.layout().weight_ciphertexts() * self.split().backward_sums()
    }

    /// Number of words of the parts of that iteration's step together, in the same way.
    #[must_use]
    pub fn step_words(&self, iteration: usize) -> usize {
        let (point, previous) = self.step_operands(iteration);
        let halves = [Some(point), previous].into_iter().flatten().map(|operand| self.half_words(&operand));
        self.layout().weight_ciphertexts() * 2 * halves.sum::<usize>()
    }

    /// Words of half a ciphertext.
    fn half_words(&self, operand: &Operand) -> usize {
        self.parameters().limbs(operand.level) * self.parameters().degree()
    }

    /// Level, scale and slots of M in the parts of a step, and of V where they have it.
    fn step_operands(&self, iteration: usize) -> (Operand, Option<Operand>) {
        let refreshed = self.schedule().after(iteration).refreshed;
        let [_, previous, _] = self.checkpoint_operands(iteration);
        (self.weights(iteration), previous.filter(|_| refreshed))
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
    if expected == found { Ok(()) } else { Err(Error::Words { expected, found }) }
}

/// A gradient of some groups as words, to which those of others are added ([`MAX_SUMMANDS`] at most).
#[derive(Debug)]
pub struct GradientWords {
    /// Those of each ciphertext of degree 2, in the order of a file.
    tensors: Vec<[ResidueSums; 3]>,
}

impl GradientWords {
    /// The gradient of no groups, for an iteration.
    #[must_use]
    pub fn zero(plan: &Plan, iteration: usize) -> Self {
        let (parameters, level) = (plan.parameters(), plan.gradient_sums(iteration).level);
        let zero = || ResidueSums::zero(parameters.degree(), parameters.limbs(level));
        Self { tensors: (0..plan.tensors()).map(|_| [zero(), zero(), zero()]).collect() }
    }

    fn count(&self) -> usize {
        self.tensors.iter().flatten().map(|sums| sums.words().len()).sum()
    }

    /// The words of each polynomial. Each ciphertext of the weights has equally many polynomials, one ciphertext after
    /// the other.
    #[must_use]
    pub fn polynomials(&mut self) -> Vec<&mut [u64]> {
        self.tensors.iter_mut().flatten().map(ResidueSums::words_mut).collect()
    }
}

impl From<Gradient<TensorCiphertext>> for GradientWords {
    /// Without a copy.
    fn from(gradient: Gradient<TensorCiphertext>) -> Self {
        let tensors = gradient.sums.into_iter().flat_map(BackwardSums::into_tensors);
        Self { tensors: tensors.map(|tensor| tensor.into_parts().map(ResidueSums::from)).collect() }
    }
}

impl Trainer<Evaluator> {
    /// The part of the next step for some ciphertexts of the weights, from the sums of their words over gradients of
    /// these groups, which are all together. Words of other ciphertexts may be anything.
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for gradients that have a group in common or lack one, ciphertexts that the weights have
    /// not, and words of another iteration or plan.
    pub fn part_of_word_sums<'a>(
        &self,
        job: &Job,
        summands: impl IntoIterator<Item = &'a [Range<usize>]>,
        weights: Range<usize>,
        words: GradientWords,
    ) -> Result<StepPart<Ciphertext>, WireError> {
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
            return Err(Error::StepParts { ciphertext: all }.into());
        }
        let (expected, found) = (plan.gradient_words(iteration), words.count());
        check_words(expected, found)?;
        let (operand, context) = (plan.gradient_sums(iteration), self.arithmetic().context());
        let tensor = |sums| {
            TensorCiphertext::from_residue_sums(context, job.key_id(), operand.clone(), sums)
                .map_err(|_| Error::Words { expected, found })
        };
        let of_each = plan.tensors() / all;
        let own: Vec<_> =
            words.tensors.into_iter().skip(weights.start * of_each).take(weights.len() * of_each).collect();
        let tensors = own.into_par_iter().map(tensor).collect::<Result<Vec<_>, _>>()?;
        Ok(self.step_part(weights.start, &tensors)?)
    }
}

impl StepPart<Ciphertext> {
    /// Its words.
    #[must_use]
    pub fn words(&self) -> Vec<u64> {
        let ciphertexts = || self.point.iter().chain(self.previous.iter().flatten());
        let parts = || ciphertexts().flat_map(Ciphertext::parts).map(|part| part.residues());
        let mut words = Vec::with_capacity(parts().map(<[u64]>::len).sum());
        parts().for_each(|residues| words.extend_from_slice(residues));
        words
    }

    /// The part of an iteration's step for some ciphertexts of the weights, from its words.
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for an iteration that the plan has not, another number of words than these ciphertexts
    /// have of [`Plan::step_words`], and for words that are no residues.
    pub fn from_words(
        job: &Job,
        context: &Context,
        iteration: usize,
        weights: Range<usize>,
        words: &[u64],
    ) -> Result<Self, WireError> {
        let plan = job.plan();
        plan.check_iteration(iteration)?;
        let (layout, degree) = (plan.layout(), plan.parameters().degree());
        let expected = plan.step_words(iteration) / layout.weight_ciphertexts() * weights.len();
        check_words(expected, words.len())?;
        let (of_point, of_previous) = plan.step_operands(iteration);
        let ciphertexts = |operand: &Operand, words: &[u64]| {
            let half = plan.half_words(operand);
            let ciphertext = |words: &[u64]| {
                let [c0, c1] = [&words[..half], &words[half..]]
                    .map(|residues| RnsPoly::from_residues(degree, residues.to_vec()));
                let made = c0.zip(c1).and_then(|(c0, c1)| {
                    Ciphertext::from_parts(context, job.key_id(), operand.clone(), [c0, c1]).ok()
                });
                made.ok_or(Error::Words { expected, found: expected })
            };
            words.par_chunks(2 * half).map(ciphertext).collect::<Result<Vec<_>, _>>()
        };
        let (point, previous) = words.split_at(weights.len() * 2 * plan.half_words(&of_point));
        let point = ciphertexts(&of_point, point)?;
        let previous = of_previous.map(|operand| ciphertexts(&operand, previous)).transpose()?;
        Ok(Self { layout, iteration, first: weights.start, point, previous })
    }
}
