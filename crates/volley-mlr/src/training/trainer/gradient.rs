//! The gradient of some groups, apart from the step that is made of it.
//!
//! A gradient is a sum over all samples, so it can be had in parts: by several machines, each with a share of the rows, or one part
//! after the other. Parts are sums modulo the same primes, which are exact: whatever the parts are and in whatever order they
//! are added, the step is the same, bit for bit.

use std::ops::Range;

use maybe_rayon::prelude::*;

use super::Trainer;
use crate::encrypted::check_layout;
use crate::error::Error;
use crate::method::objective::{MaskedMean, Objective};
use crate::training::rows::{RowGroup, check_groups};
use crate::volley_ckks::{Arithmetic, Complex64, Error as CkksError, Scale};
use crate::volley_revolver::Layout;
use crate::volley_revolver::skewed::{BackwardCopies, BackwardSums, RevolvedWeights};

/// Groups whose errors are kept at the same time: enough for many threads, few enough for large data.
const GROUPS_AT_ONCE: usize = 8;

/// The preconditioned gradient of some groups at the weights of one iteration, times the step size: sums of degree 2, which wait
/// for those of the other groups. [`Trainer::gradient`] makes it, [`Trainer::add_gradients`] adds two, and
/// [`Trainer::step_by`] makes the step of that of all groups.
///
/// It knows which iteration and which groups it is of, but not which weights it was taken at. They are those of one run if
/// all its trainers went on from the same checkpoint.
#[derive(Clone, Debug)]
pub struct Gradient<T> {
    pub(crate) layout: Layout,
    /// The iteration that makes a step of it, from 1.
    pub(crate) iteration: usize,
    /// In ascending order, neither empty nor next to each other.
    pub(crate) groups: Vec<Range<usize>>,
    /// By class block.
    pub(crate) sums: Vec<BackwardSums<T>>,
}

impl<T> Gradient<T> {
    /// The iteration whose step it is of, from 1.
    #[must_use]
    pub fn iteration(&self) -> usize {
        self.iteration
    }

    /// The groups that it is the sum over, in ascending order.
    #[must_use]
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }

    /// Number of groups.
    fn group_count(&self) -> usize {
        self.groups.iter().map(Range::len).sum()
    }

    pub(crate) fn check_iteration(&self, expected: std::ops::RangeInclusive<usize>) -> Result<(), Error> {
        let found = self.iteration;
        if expected.contains(&found) { Ok(()) } else { Err(Error::GradientIteration { expected, found }) }
    }
}

/// The groups of two sums together.
///
/// # Errors
///
/// [`Error::GradientOverlap`].
fn united(a: &[Range<usize>], b: &[Range<usize>]) -> Result<Vec<Range<usize>>, Error> {
    let mut all = [a, b].concat();
    all.sort_unstable_by_key(|groups| groups.start);
    let mut united: Vec<Range<usize>> = Vec::new();
    for groups in all {
        match united.last_mut() {
            Some(last) if groups.start < last.end => {
                return Err(Error::GradientOverlap { group: groups.start });
            }
            Some(last) if groups.start == last.end => last.end = groups.end,
            _ => united.push(groups),
        }
    }
    Ok(united)
}

impl<A: Arithmetic, O: Objective> Trainer<A, O> {
    /// The gradient of some of the groups that the trainer has rows of, for the next [`step_by`](Self::step_by); `None` after the
    /// last iteration. It changes nothing.
    ///
    /// Its sums are one after the other of all class blocks, and of each K/H or K ciphertexts of degree 2 for each column
    /// block ([`Split::backward_sums`](crate::volley_revolver::skewed::Split::backward_sums)).
    ///
    /// # Errors
    ///
    /// [`Error::Groups`] for groups that it has no rows of; as [`step`](Self::step).
    pub fn gradient(&self, groups: Range<usize>) -> Result<Option<Gradient<A::Tensor>>, Error> {
        let Some((iteration, step)) = self.next_step() else { return Ok(None) };
        check_groups(&groups, self.rows.groups())?;
        let sums = (0..self.layout().class_blocks())
            .map(|class_block| {
                let weights = self.revolved_weights(class_block)?;
                self.block_sums(class_block, weights.as_ref(), groups.clone(), step)
            })
            .collect::<Result<_, Error>>()?;
        Ok(Some(Gradient { layout: self.layout(), iteration, groups: vec![groups], sums }))
    }

    /// The gradient of the groups of both together.
    ///
    /// # Errors
    ///
    /// [`Error::GradientOverlap`] where a group is in both, [`Error::GradientIteration`] and [`Error::LayoutMismatch`] for those
    /// of different iterations or plans, [`Error::Matrix`] for ciphertexts of different keys.
    pub fn add_gradients(
        &self,
        a: Gradient<A::Tensor>,
        b: &Gradient<A::Tensor>,
    ) -> Result<Gradient<A::Tensor>, Error> {
        check_layout(self.layout(), a.layout)?;
        check_layout(self.layout(), b.layout)?;
        b.check_iteration(a.iteration..=a.iteration)?;
        let groups = united(&a.groups, &b.groups)?;
        let merge = |(a, b)| Ok(self.skewed.merge(a, b)?);
        let sums = a.sums.into_iter().zip(&b.sums).map(merge).collect::<Result<_, Error>>()?;
        Ok(Gradient { groups, sums, layout: a.layout, iteration: a.iteration })
    }

    /// The weights' gradient that a gradient of all groups is, by class block and column block.
    pub(super) fn summed(&self, gradient: &Gradient<A::Tensor>) -> Result<Vec<A::Ciphertext>, Error> {
        check_layout(self.layout(), gradient.layout)?;
        let next = self.iteration + 1;
        gradient.check_iteration(next..=next)?;
        let (covered, groups) = (gradient.group_count(), self.layout().groups());
        if covered != groups {
            return Err(Error::GradientIncomplete { covered, groups });
        }
        let sums = gradient.sums.iter().map(|sums| Ok(self.skewed.gradient(sums)?));
        Ok(sums.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
    }

    /// The gradient of all groups, times the step size, by class block and column block.
    pub(super) fn whole_gradient(&self, step: f64) -> Result<Vec<A::Ciphertext>, Error> {
        let available = self.rows.groups();
        let (covered, groups) = (available.len(), self.layout().groups());
        if covered != groups {
            return Err(Error::GradientIncomplete { covered, groups });
        }
        // One block after the other, so that the rotations of their weights and errors are not all alive together.
        let gradients = (0..self.layout().class_blocks()).map(|class_block| {
            let weights = self.revolved_weights(class_block)?;
            let sums = self.block_sums(class_block, weights.as_ref(), available.clone(), step)?;
            Ok(self.skewed.gradient(&sums)?)
        });
        Ok(gradients.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
    }

    /// The rotations of a class block's weights; none where they are zero.
    fn revolved_weights(&self, class_block: usize) -> Result<Option<RevolvedWeights<A::Ciphertext>>, Error> {
        let Some(state) = &self.state else { return Ok(None) };
        let column_blocks = self.layout().column_blocks();
        let point = &state.point[class_block * column_blocks..][..column_blocks];
        Ok(Some(self.skewed.revolve_weights(point)?))
    }

    /// The sums of a class block over some groups.
    fn block_sums(
        &self,
        class_block: usize,
        weights: Option<&RevolvedWeights<A::Ciphertext>>,
        groups: Range<usize>,
        step: f64,
    ) -> Result<BackwardSums<A::Tensor>, Error> {
        let mut sums: Option<BackwardSums<A::Tensor>> = None;
        for first in groups.clone().step_by(GROUPS_AT_ONCE) {
            let chunk = first..groups.end.min(first + GROUPS_AT_ONCE);
            let (rows, errors): (Vec<_>, Vec<_>) = chunk
                .into_par_iter()
                .map(|group| {
                    let rows = self.rows.group(group)?;
                    let error = match (weights, &rows.forward) {
                        (Some(weights), Some(copies)) => {
                            let scores = self.skewed.forward(copies, weights)?;
                            self.error((group, class_block), &rows, &scores, step)?
                        }
                        _ => self.first_error((group, class_block), &rows, step)?,
                    };
                    let errors = self.skewed.revolve_errors(&error)?;
                    Ok((rows, errors))
                })
                .collect::<Result<Vec<_>, Error>>()?
                .into_iter()
                .unzip();
            let copies: Vec<&BackwardCopies<_>> = rows.iter().map(|rows| &rows.backward).collect();
            let partial = self.skewed.accumulate(&copies, &errors)?;
            sums = Some(match sums {
                Some(sums) => self.skewed.merge(sums, &partial)?,
                None => partial,
            });
        }
        sums.ok_or_else(|| CkksError::EmptySum.into())
    }

    /// The scale that errors at `level` need for the gradient's to be that of the weights.
    fn error_scale(&self, level: usize) -> Scale {
        let parameters = self.arithmetic.parameters();
        let features_by_b = parameters
            .scale()
            .times(&parameters.scale())
            .divided_by(&parameters.rescaling_factor(self.schedule.data_level));
        self.weight_scale().times(&parameters.rescaling_factor(level)).divided_by(&features_by_b)
    }

    /// step·(y − μ(0)), along the rows.
    fn first_error(
        &self,
        (group, class_block): ScoreIndex,
        rows: &RowGroup<A::Ciphertext>,
        step: f64,
    ) -> Result<A::Ciphertext, Error> {
        let level = self.schedule.data_level - 1;
        let scale = self.error_scale(level);
        let labels = self.scaled_labels(&rows.labels[class_block], step, &scale, level)?;
        let layout = self.layout().class_block(class_block);
        let mean = || {
            let factor = -self.objective.mean_at_zero() * step;
            let masks = layout
                .parts(group)
                .iter()
                .map(|&part| layout.label_mask(group, part, part.error_unit() * factor));
            add_all(masks, layout.slots())
        };
        let mean = self.arithmetic.encode(mean, &scale, level)?;
        Ok(self.arithmetic.add_plain(&labels, &mean)?)
    }

    /// step·(y − μ(z)), repeated along the rows.
    fn error(
        &self,
        (group, class_block): ScoreIndex,
        rows: &RowGroup<A::Ciphertext>,
        scores: &A::Ciphertext,
        step: f64,
    ) -> Result<A::Ciphertext, Error> {
        // Where there are too few levels the mean says so.
        let level = self.arithmetic.operand(scores).level.saturating_sub(self.objective.levels());
        let scale = self.error_scale(level);
        let layout = self.layout().class_block(class_block);
        let means = self
            .skewed
            .split_scores(group, scores)?
            .par_iter()
            .map(|&(part, ref scores)| {
                let of = MaskedMean {
                    argument_factor: 1.0 / layout.score_multiple(group),
                    output_factor: -step,
                    mask: &|| layout.score_mask(group, part, part.error_unit()),
                    scale: &scale,
                };
                self.objective.mean(&*self.arithmetic, scores, &of)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let mut parts = means.into_iter();
        let mut sum = parts.next().ok_or(CkksError::EmptySum)?;
        for part in parts {
            sum = self.arithmetic.add(&sum, &part)?;
        }
        let repeated = self.skewed.repeat_along_row(&sum)?;
        let labels = self.scaled_labels(&rows.labels[class_block], step, &scale, level)?;
        Ok(self.arithmetic.add(&repeated, &labels)?)
    }

    /// step·y at `scale` and `level`, from the level above.
    fn scaled_labels(
        &self,
        labels: &A::Ciphertext,
        step: f64,
        scale: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error> {
        let labels = self.arithmetic.drop_level(labels, level + 1)?;
        let constant = scale
            .times(&self.arithmetic.parameters().rescaling_factor(level + 1))
            .divided_by(&self.arithmetic.operand(&labels).scale);
        let product = self.arithmetic.multiply_constant(&labels, step, &constant)?;
        Ok(self.arithmetic.rescale(&product)?)
    }
}

/// Group and class block of scores, labels and errors.
type ScoreIndex = (usize, usize);

/// The sum of slot vectors.
fn add_all(vectors: impl Iterator<Item = Vec<Complex64>>, slots: usize) -> Vec<Complex64> {
    vectors.fold(vec![Complex64::ZERO; slots], |mut sum, vector| {
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += value;
        }
        sum
    })
}

#[cfg(test)]
mod tests;
