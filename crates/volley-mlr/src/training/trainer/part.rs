//! A step in parts of the weights: several machines make them, and all arrive at the same weights.

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

/// What an iteration makes of some of the weights: ciphertexts in the layout of the weights, by class block and column
/// block. The weights are refreshed, where they have to be. [`Trainer::step_by_parts`] makes the step of all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct StepPart<C> {
    pub(crate) layout: Layout,
    /// The iteration, from 1.
    pub(crate) iteration: usize,
    /// The first ciphertext of the weights that it is of.
    pub(crate) first: usize,
    /// M.
    pub(crate) point: Vec<C>,
    /// V, where it was refreshed with M.
    pub(crate) previous: Option<Vec<C>>,
}

impl<C> StepPart<C> {
    /// The ciphertexts of the weights that it is of, from 0.
    #[must_use]
    pub fn weights(&self) -> Range<usize> {
        self.first..self.first + self.point.len()
    }
}

impl<A: Arithmetic, O: Objective> Trainer<A, O> {
    /// The part of some weights, from their sums over all groups: those of one ciphertext after the other.
    #[cfg(feature = "wire")]
    pub(crate) fn step_part(
        &self,
        first: usize,
        sums: &[A::Tensor],
    ) -> Result<StepPart<A::Ciphertext>, Error> {
        let of_each = sums.par_chunks(self.skewed.split().backward_sums());
        let gradient = of_each.map(|sums| Ok(self.skewed.gradient_block(sums)?));
        let (point, previous) = self.points(first, &gradient.collect::<Result<Vec<_>, Error>>()?)?;
        Ok(StepPart { layout: self.layout(), iteration: self.iteration + 1, first, point, previous })
    }

    /// One iteration by its parts, in the order of the weights.
    ///
    /// # Errors
    ///
    /// [`Error::StepParts`] where some weights are in no part or in two, or were refreshed in some parts only,
    /// [`Error::GradientIteration`] and [`Error::LayoutMismatch`] for parts of another iteration or plan,
    /// [`Error::Matrix`] for what the arithmetic refuses.
    pub fn step_by_parts(&mut self, parts: Vec<StepPart<A::Ciphertext>>) -> Result<StepReport, Error> {
        let next = self.iteration + 1;
        let mut point = Vec::new();
        let mut previous: Option<Vec<_>> = None;
        for part in parts {
            check_layout(self.layout(), part.layout)?;
            if part.iteration != next {
                return Err(Error::GradientIteration { expected: next..=next, found: part.iteration });
            }
            if part.first != point.len() {
                return Err(Error::StepParts { ciphertext: point.len().min(part.first) });
            }
            point.extend(part.point);
            if let Some(of_part) = part.previous {
                previous.get_or_insert_default().extend(of_part);
            }
        }
        let all = self.layout().weight_ciphertexts();
        let unlike = std::iter::once(&point).chain(&previous).map(Vec::len).find(|&found| found != all);
        match unlike {
            Some(ciphertext) => Err(Error::StepParts { ciphertext }),
            None => self.arrive((point, previous)),
        }
    }
}
