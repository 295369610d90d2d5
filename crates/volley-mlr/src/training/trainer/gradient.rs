//! The gradient of some groups, apart from the step that is made of it.
//!
//! A gradient is a sum over all samples, so it can be computed in parts: by several machines, each with a share of the
//! rows, or one part after the other. Parts are sums modulo the same primes, which are exact. So the step is the same,
//! bit for bit, whatever the parts are and in whatever order they are added.

use std::ops::Range;
use std::sync::{Arc, MutexGuard, PoisonError};

use maybe_rayon::prelude::*;

use super::Trainer;
use crate::encrypted::check_layout;
use crate::error::Error;
use crate::method::objective::{MaskedMean, Objective};
use crate::training::rows::{GROUPS_AT_ONCE, RowGroup, groups_before};
use crate::volley_ckks::{Arithmetic, Complex64, Error as CkksError, Scale};
use crate::volley_revolver::Layout;
use crate::volley_revolver::skewed::{BackwardCopies, BackwardSums, RevolvedErrors, RevolvedWeights};

/// The preconditioned gradient of some groups at the weights of one iteration, times the step size. It consists of sums
/// of degree 2, to which those of the other groups are added. [`Trainer::gradient`] makes it,
/// [`Trainer::add_gradients`] adds two, and [`Trainer::step_by`] makes a step of the gradient of all groups.
///
/// A gradient knows its iteration and its groups, but not the weights that it was taken at. Gradients have the same
/// weights if all trainers of the run went on from the same checkpoint.
#[derive(Clone, Debug)]
pub struct Gradient<T> {
    pub(crate) layout: Layout,
    /// The iteration whose step is made of it, from 1.
    pub(crate) iteration: usize,
    /// Its groups, as ranges in ascending order, neither empty nor next to each other.
    pub(crate) groups: Vec<Range<usize>>,
    /// The sums by class block.
    pub(crate) sums: Vec<BackwardSums<T>>,
}

impl<T> Gradient<T> {
    /// The iteration whose step it belongs to, from 1.
    #[must_use]
    pub fn iteration(&self) -> usize {
        self.iteration
    }

    /// The groups that it sums over, in ascending order.
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
pub(crate) fn united(a: &[Range<usize>], b: &[Range<usize>]) -> Result<Vec<Range<usize>>, Error> {
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
    /// The gradient of some of the groups that the trainer has rows of, for the next [`step_by`](Self::step_by); `None`
    /// after the last iteration. The trainer does not change.
    ///
    /// The gradient has the sums of all class blocks, one after the other. Each class block has K/H or K ciphertexts of
    /// degree 2 for each column block
    /// ([`Split::backward_sums`](crate::volley_revolver::skewed::Split::backward_sums)).
    ///
    /// # Errors
    ///
    /// [`Error::Groups`] for groups that the trainer has no rows of, and those of [`step`](Self::step).
    pub fn gradient(&self, groups: Range<usize>) -> Result<Option<Gradient<A::Tensor>>, Error> {
        let Some((iteration, step)) = self.next_step() else { return Ok(None) };
        groups_before(&groups, self.rows.groups())?;
        let others = self.no_sums();
        let sums = self.sums(groups.clone(), step, others, Ok)?;
        Ok(Some(Gradient { layout: self.layout(), iteration, groups: vec![groups], sums }))
    }

    /// A gradient with that of some more groups, which is added to it in place: of large weights there need not be two
    /// in memory.
    ///
    /// # Errors
    ///
    /// As [`gradient`](Self::gradient) and [`add_gradients`](Self::add_gradients).
    pub fn extend_gradient(
        &self,
        gradient: Gradient<A::Tensor>,
        groups: Range<usize>,
    ) -> Result<Gradient<A::Tensor>, Error> {
        check_layout(self.layout(), gradient.layout)?;
        let next = self.iteration + 1;
        gradient.check_iteration(next..=next)?;
        groups_before(&groups, self.rows.groups())?;
        let united = united(&gradient.groups, std::slice::from_ref(&groups))?;
        let step = self.rule.gradient_factor(next, self.layout().shape().samples);
        let others = gradient.sums.into_iter().map(Some).collect();
        let sums = self.sums(groups, step, others, Ok)?;
        Ok(Gradient { layout: self.layout(), iteration: next, groups: united, sums })
    }

    /// The gradient of the groups of two gradients together.
    ///
    /// # Errors
    ///
    /// [`Error::GradientOverlap`] where a group is in both, [`Error::GradientIteration`] and [`Error::LayoutMismatch`]
    /// for those of different iterations or plans, [`Error::Matrix`] for ciphertexts of different keys.
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

    /// The ciphertexts of a gradient of all groups, in the layout of the weights, by class block and column block.
    pub(super) fn summed(&self, gradient: &Gradient<A::Tensor>) -> Result<Vec<A::Ciphertext>, Error> {
        *self.revolved() = None;
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
        let (available, groups) = (self.rows.groups(), self.layout().groups());
        let covered = available.iter().map(Range::len).sum();
        // All of them are one range.
        let [all] = available else { return Err(Error::GradientIncomplete { covered, groups }) };
        if covered != groups {
            return Err(Error::GradientIncomplete { covered, groups });
        }
        let gradients =
            self.sums(all.clone(), step, self.no_sums(), |sums| Ok(self.skewed.gradient(&sums)?))?;
        Ok(gradients.into_iter().flatten().collect())
    }

    /// The rotated weights that are kept, which are of no use after the gradient.
    pub(super) fn revolved(&self) -> MutexGuard<'_, Option<RevolvedWeights<A::Ciphertext>>> {
        self.revolved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None for each class block.
    fn no_sums(&self) -> Vec<Option<BackwardSums<A::Tensor>>> {
        (0..self.layout().class_blocks()).map(|_| None).collect()
    }

    /// What is made of the sums over some groups, with those over others, by class block.
    ///
    /// Of rows that are all in memory one block comes after the other, so that the rotations of their weights are not
    /// all alive together. Of rows that come in windows they are, and so are the sums.
    fn sums<T>(
        &self,
        groups: Range<usize>,
        step: f64,
        mut sums: Vec<Option<BackwardSums<A::Tensor>>>,
        finish: impl Fn(BackwardSums<A::Tensor>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let class_blocks = self.layout().class_blocks();
        let mut weights: Vec<_> = (0..class_blocks).map(|_| None).collect();
        if let [weights] = &mut weights[..] {
            *weights = self.revolved().take().map(Some);
        }
        let mut finished = Vec::new();
        let size = self.rows.window().max(1);
        for start in groups.clone().step_by(size) {
            let window = start..groups.end.min(start.saturating_add(size));
            let is_last = window.end == groups.end;
            let rows = self.rows.read(window, self.iteration + 1)?;
            for class_block in 0..class_blocks {
                let revolved = match weights[class_block].take() {
                    Some(revolved) => revolved,
                    None => self.revolved_weights(class_block)?,
                };
                let block = Block { class_block, weights: revolved.as_ref(), step };
                let sum = self.block_sums(&block, start, &rows, sums[class_block].take())?;
                if is_last {
                    if class_blocks == 1 {
                        *self.revolved() = revolved;
                    }
                    finished.push(finish(sum)?);
                } else {
                    sums[class_block] = Some(sum);
                    weights[class_block] = Some(revolved);
                }
            }
        }
        Ok(finished)
    }

    /// The rotations of a class block's weights; none where they are zero.
    fn revolved_weights(&self, class_block: usize) -> Result<Option<RevolvedWeights<A::Ciphertext>>, Error> {
        let Some(state) = &self.state else { return Ok(None) };
        let column_blocks = self.layout().column_blocks();
        let point = &state.point[class_block * column_blocks..][..column_blocks];
        Ok(Some(self.skewed.revolve_weights(point)?))
    }

    /// The sums of a class block over groups from `first` on, added to those over others.
    fn block_sums(
        &self,
        block: &Block<'_, A::Ciphertext>,
        first: usize,
        rows: &[Arc<RowGroup<A::Ciphertext>>],
        others: Option<BackwardSums<A::Tensor>>,
    ) -> Result<BackwardSums<A::Tensor>, Error> {
        let chunks = rows.chunks(GROUPS_AT_ONCE).zip((first..).step_by(GROUPS_AT_ONCE));
        let mut sums = others;
        for (rows, first) in chunks {
            let errors = rows
                .par_iter()
                .zip(first..first + rows.len())
                .map(|(rows, group)| self.revolved_errors(block, group, rows))
                .collect::<Result<Vec<_>, Error>>()?;
            let copies: Vec<&BackwardCopies<_>> = rows.iter().map(|rows| &rows.backward).collect();
            sums = Some(match sums {
                Some(sums) => self.skewed.accumulate_onto(sums, &copies, &errors)?,
                None => self.skewed.accumulate(&copies, &errors)?,
            });
        }
        sums.ok_or_else(|| CkksError::EmptySum.into())
    }

    fn revolved_errors(
        &self,
        block: &Block<'_, A::Ciphertext>,
        group: usize,
        rows: &RowGroup<A::Ciphertext>,
    ) -> Result<RevolvedErrors<A::Ciphertext>, Error> {
        let index = (group, block.class_block);
        let error = match (block.weights, &rows.forward) {
            (Some(weights), Some(copies)) => {
                let scores = self.skewed.forward(copies, weights)?;
                self.error(index, rows, &scores, block.step)?
            }
            _ => self.first_error(index, rows, block.step)?,
        };
        Ok(self.skewed.revolve_errors(&error)?)
    }

    /// The scale that errors at `level` need for the gradient's to be that of the weights.
    fn error_scale(&self, level: usize) -> Scale {
        let parameters = self.arithmetic.parameters();
        let features_by_b = parameters
            .scale()
            .times(&parameters.scale())
            .divided_by(&parameters.rescaling_factor(self.schedule.backward_level(self.iteration + 1) + 1));
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
        // The mean refuses too few levels.
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

/// A class block in a pass over the rows.
struct Block<'a, C> {
    class_block: usize,
    /// None where they are zero.
    weights: Option<&'a RevolvedWeights<C>>,
    /// What the gradient is multiplied by.
    step: f64,
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
