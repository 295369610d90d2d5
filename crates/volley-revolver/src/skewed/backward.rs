//! The backward product G = Eᵀ·X.

use std::borrow::Borrow;

use maybe_rayon::prelude::*;
use volley_ckks::{Arithmetic, ProductTerms};

use super::Skewed;
use crate::error::{Error, check_length};
use crate::layout::Layout;
use crate::rotation::{StepGrid, doublings, fold, horner};
use crate::split::{RowShifts, Split};

/// rot(X, gH + hD), or rot(X, gH) where the row shifts are made on the sums, of the features of one group.
#[derive(Clone, Debug)]
pub struct BackwardCopies<C> {
    split: Split,
    /// The copies by column block and g·H + h, or g.
    copies: Vec<Vec<C>>,
}

/// rot(E, h(D − 1)), or rot(E, −h) where the row shifts are made on the sums, of the errors of one group.
#[derive(Clone, Debug)]
pub struct RevolvedErrors<C> {
    split: Split,
    /// The rotations by h.
    rotations: Vec<C>,
}

/// Degree-2 sums of a backward product over some of the groups.
#[derive(Clone, Debug)]
pub struct BackwardSums<T> {
    split: Split,
    /// The sums by column block and g, or g·H + h where the row shifts are made on the sums.
    sums: Vec<Vec<T>>,
}

impl<T> BackwardSums<T> {
    /// The ciphertexts of the sums, [`Split::backward_sums`] for each column block, in the order in which they are
    /// written.
    pub fn tensors(&self) -> impl Iterator<Item = &T> {
        self.sums.iter().flatten()
    }

    /// These ciphertexts.
    pub fn into_tensors(self) -> impl Iterator<Item = T> {
        self.sums.into_iter().flatten()
    }

    /// The sums of a layout and a split that consist of these ciphertexts.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another number of them than layout and split have.
    pub fn from_tensors(layout: &Layout, split: Split, tensors: Vec<T>) -> Result<Self, Error> {
        let (blocks, of_block) = (layout.column_blocks(), split.backward_sums());
        check_length(blocks.saturating_mul(of_block), tensors.len())?;
        let mut tensors = tensors.into_iter();
        let sums = (0..blocks).map(|_| tensors.by_ref().take(of_block).collect()).collect();
        Ok(Self { split, sums })
    }
}

impl<A: Arithmetic> Skewed<A> {
    /// The backward copies of one group's features (one ciphertext for each column block), usually with their columns
    /// [scaled](Self::scale_columns). They are dropped to `level`, the one at which they first meet errors, before they
    /// are rotated: K − 1 rotations for each column block, or G − 1.
    ///
    /// # Errors
    ///
    /// [`Error::Length`], [`Error::CiphertextSlots`], [`Error::Ckks`] (among others where `level` is above the
    /// features').
    pub fn backward_copies(
        &self,
        features: &[A::Ciphertext],
        level: usize,
    ) -> Result<BackwardCopies<A::Ciphertext>, Error> {
        let giant = self.split.backward_steps() as i64;
        let babies = match self.split.row_shifts() {
            RowShifts::Copies => self.split.backward_steps(),
            RowShifts::Sums => 1,
        };
        let steps = StepGrid { giants: self.split.backward_giants(), giant, babies, baby: self.row() };
        Ok(BackwardCopies { split: self.split, copies: self.copies(features, level, steps)? })
    }

    /// The rotations of one group's errors: H − 1 of them. The errors are skewed and repeated along the row, and those
    /// of the second block of a pair are times −i.
    ///
    /// # Errors
    ///
    /// [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn revolve_errors(&self, errors: &A::Ciphertext) -> Result<RevolvedErrors<A::Ciphertext>, Error> {
        self.check_slots(errors)?;
        let step = match self.split.row_shifts() {
            RowShifts::Copies => self.row() - 1,
            RowShifts::Sums => -1,
        };
        let steps = StepGrid::line(self.split.backward_steps(), step);
        let rotations = steps.rotations(&*self.arithmetic, errors.clone(), self.split.factors())?;
        Ok(RevolvedErrors { split: self.split, rotations })
    }

    /// The sums of some groups from their copies, owned or borrowed, and their errors: K products for each group and
    /// column block. The sums are neither relinearized nor rescaled.
    ///
    /// # Errors
    ///
    /// [`Error::Ckks`] (an empty sum among others); [`Error::SplitMismatch`] and [`Error::Length`] for copies and
    /// errors of another split or layout, or for more of one than of the other.
    pub fn accumulate<B: Borrow<BackwardCopies<A::Ciphertext>>>(
        &self,
        copies: &[B],
        errors: &[RevolvedErrors<A::Ciphertext>],
    ) -> Result<BackwardSums<A::Tensor>, Error> {
        let terms = self.backward_terms(copies, errors)?;
        self.by_column_block(self.arithmetic.sums_of_products(&terms)?)
    }

    /// The sums of some groups added to those of others, one ciphertext after the other.
    ///
    /// # Errors
    ///
    /// As [`accumulate`](Self::accumulate); [`Error::SplitMismatch`] and [`Error::Length`] for other sums of another split
    /// or layout.
    pub fn accumulate_onto<B: Borrow<BackwardCopies<A::Ciphertext>>>(
        &self,
        others: BackwardSums<A::Tensor>,
        copies: &[B],
        errors: &[RevolvedErrors<A::Ciphertext>],
    ) -> Result<BackwardSums<A::Tensor>, Error> {
        self.check_origin(others.split, others.sums.len())?;
        let terms = self.backward_terms(copies, errors)?;
        let sums = others.sums.into_iter().flatten().zip(terms).collect();
        self.by_column_block(self.arithmetic.add_products(sums)?)
    }

    /// The factors of each sum of some groups, all sums of a column block one after the other.
    fn backward_terms<'a, B: Borrow<BackwardCopies<A::Ciphertext>>>(
        &self,
        copies: &'a [B],
        errors: &'a [RevolvedErrors<A::Ciphertext>],
    ) -> Result<Vec<ProductTerms<'a, A::Ciphertext>>, Error> {
        check_length(copies.len(), errors.len())?;
        let copies: Vec<_> = copies.iter().map(Borrow::borrow).collect();
        for (copies, errors) in copies.iter().zip(errors) {
            self.check_origin(copies.split, copies.copies.len())?;
            self.check_origin(errors.split, copies.copies.len())?;
        }
        let baby_steps = self.split.backward_steps();
        let terms_of = &|block: usize, index: usize| {
            let of_group = |(copies, errors): (&&'a BackwardCopies<_>, &'a RevolvedErrors<_>)| {
                let (copies, errors) = (&copies.copies[block], &errors.rotations);
                let (copies, errors) = match self.split.row_shifts() {
                    RowShifts::Copies => (&copies[index * baby_steps..], &errors[..]),
                    RowShifts::Sums => (&copies[index / baby_steps..], &errors[index % baby_steps..][..1]),
                };
                copies.iter().zip(errors)
            };
            copies.iter().zip(errors).flat_map(of_group).collect()
        };
        let indices = 0..self.split.backward_sums();
        let of_block = |block| indices.clone().map(move |index| terms_of(block, index));
        Ok((0..self.layout.column_blocks()).flat_map(of_block).collect())
    }

    fn by_column_block(&self, tensors: Vec<A::Tensor>) -> Result<BackwardSums<A::Tensor>, Error> {
        BackwardSums::from_tensors(&self.layout, self.split, tensors)
    }

    /// The sums of two sets of groups together.
    ///
    /// # Errors
    ///
    /// [`Error::Ckks`]; [`Error::SplitMismatch`] and [`Error::Length`] for sums of another split or layout.
    pub fn merge(
        &self,
        a: BackwardSums<A::Tensor>,
        b: &BackwardSums<A::Tensor>,
    ) -> Result<BackwardSums<A::Tensor>, Error> {
        self.check_origin(a.split, a.sums.len())?;
        self.check_origin(b.split, b.sums.len())?;
        let sums = a
            .sums
            .into_par_iter()
            .zip(&b.sums)
            .map(|(a, b)| a.into_iter().zip(b).map(|(a, b)| Ok(self.arithmetic.add_tensor(a, b)?)).collect())
            .collect::<Result<_, Error>>()?;
        Ok(BackwardSums { split: self.split, sums })
    }

    /// Eᵀ·X times [`gradient_multiple`](crate::Layout::gradient_multiple), one ciphertext for each column block, in the
    /// layout of the weights: one level.
    ///
    /// Each column block takes G relinearizations and G − 1 rotations, or K and K − 1 where the row shifts are made on
    /// the sums. Then it takes log₂(R/K) rotations and, where there are pairs, one conjugation, which leaves real
    /// slots.
    ///
    /// # Errors
    ///
    /// [`Error::Ckks`]; [`Error::SplitMismatch`] and [`Error::Length`] for sums of another split or layout.
    pub fn gradient(&self, sums: &BackwardSums<A::Tensor>) -> Result<Vec<A::Ciphertext>, Error> {
        self.check_origin(sums.split, sums.sums.len())?;
        sums.sums.par_iter().map(|sums| self.gradient_block(sums)).collect()
    }

    /// One ciphertext of [`gradient`](Self::gradient), from the sums of its column block:
    /// [`Split::backward_sums`] of them.
    ///
    /// # Errors
    ///
    /// As [`gradient`](Self::gradient).
    pub fn gradient_block(&self, sums: &[A::Tensor]) -> Result<A::Ciphertext, Error> {
        check_length(self.split.backward_sums(), sums.len())?;
        let baby_steps = self.split.backward_steps();
        let row = self.row();
        let relinearized = sums
            .par_iter()
            .map(|sum| Ok(self.arithmetic.relinearize_rescale(sum)?))
            .collect::<Result<Vec<_>, Error>>()?;
        let giants = match self.split.row_shifts() {
            RowShifts::Copies => relinearized,
            RowShifts::Sums => relinearized
                .par_chunks(baby_steps)
                .map(|shifts| horner(&*self.arithmetic, shifts, row))
                .collect::<Result<_, Error>>()?,
        };
        let gradient = horner(&*self.arithmetic, &giants, baby_steps as i64 * (row - 1))?;
        let rows = doublings(self.layout.period(), self.layout.rows(), row);
        let gradient = fold(&*self.arithmetic, gradient, rows)?;
        if self.layout.has_pairs() {
            let conjugate = self.arithmetic.conjugate(&gradient)?;
            return Ok(self.arithmetic.add(&gradient, &conjugate)?);
        }
        Ok(gradient)
    }

    /// The backward product of all groups: [`revolve_errors`](Self::revolve_errors),
    /// [`accumulate`](Self::accumulate), [`gradient`](Self::gradient). It keeps the H rotations of all errors at once; a
    /// trainer short of memory goes group by group and [merges](Self::merge).
    ///
    /// # Errors
    ///
    /// As those; [`Error::Length`] for another number of groups.
    pub fn backward(
        &self,
        copies: &[BackwardCopies<A::Ciphertext>],
        errors: &[A::Ciphertext],
    ) -> Result<Vec<A::Ciphertext>, Error> {
        check_length(self.layout.groups(), copies.len())?;
        check_length(self.layout.groups(), errors.len())?;
        let errors = errors.par_iter().map(|e| self.revolve_errors(e)).collect::<Result<Vec<_>, Error>>()?;
        self.gradient(&self.accumulate(copies, &errors)?)
    }
}
