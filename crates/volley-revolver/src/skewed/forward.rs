//! The forward product Z = X·vᵀ.

use maybe_rayon::prelude::*;
use volley_ckks::{Arithmetic, ProductTerms};

use super::Skewed;
use crate::error::{Error, check_length};
use crate::rotation::{StepGrid, doublings, fold, horner};
use crate::split::Split;

/// rot(X, −h), h < H_f, of the features of one group.
#[derive(Clone, Debug)]
pub struct ForwardCopies<C> {
    split: Split,
    /// The copies by column block and h.
    copies: Vec<Vec<C>>,
}

/// rot(V, gH_fD + h(D − 1)) of the weights, at g·H_f + h: what the forward products of all groups share.
#[derive(Clone, Debug)]
pub struct RevolvedWeights<C> {
    split: Split,
    /// The rotations by column block and g·H_f + h.
    rotations: Vec<Vec<C>>,
}

impl<A: Arithmetic> Skewed<A> {
    /// The forward copies of one group's features (one ciphertext for each column block). They are dropped to `level`,
    /// the one at which they first meet weights, before they are rotated, so that rotations and copies are small:
    /// H_f − 1 rotations for each column block.
    ///
    /// # Errors
    ///
    /// [`Error::Length`], [`Error::CiphertextSlots`], [`Error::Ckks`] (among others where `level` is above the
    /// features').
    pub fn forward_copies(
        &self,
        features: &[A::Ciphertext],
        level: usize,
    ) -> Result<ForwardCopies<A::Ciphertext>, Error> {
        let steps = StepGrid::line(self.split.forward_copies(), -1);
        Ok(ForwardCopies { split: self.split, copies: self.copies(features, level, steps)? })
    }

    /// The rotations of the weights (one ciphertext for each column block): K − 1 for each.
    ///
    /// # Errors
    ///
    /// [`Error::Length`], [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn revolve_weights(
        &self,
        weights: &[A::Ciphertext],
    ) -> Result<RevolvedWeights<A::Ciphertext>, Error> {
        self.check_blocks(weights)?;
        let babies = self.split.forward_copies();
        let giants = self.split.forward_giants();
        let steps = StepGrid { giants, giant: babies as i64 * self.row(), babies, baby: self.row() - 1 };
        let rotations = weights
            .par_iter()
            .map(|weights| steps.rotations(&*self.arithmetic, weights.clone(), self.split.factors()))
            .collect::<Result<_, _>>()?;
        Ok(RevolvedWeights { split: self.split, rotations })
    }

    /// The scores of one group, one level down. They are valid in the first K columns. The rest of each row has no
    /// meaning; the coefficients of a polynomial clear it ([`Layout::score_mask`](crate::Layout::score_mask)).
    ///
    /// K products for each column block, K/H_f relinearizations, K/H_f − 1 + log₂(D/K) rotations.
    ///
    /// # Errors
    ///
    /// [`Error::Ckks`]; [`Error::SplitMismatch`] and [`Error::Length`] for copies and weights of another split or
    /// layout.
    pub fn forward(
        &self,
        copies: &ForwardCopies<A::Ciphertext>,
        weights: &RevolvedWeights<A::Ciphertext>,
    ) -> Result<A::Ciphertext, Error> {
        let baby_steps = self.split.forward_copies();
        self.check_origin(copies.split, copies.copies.len())?;
        self.check_origin(weights.split, weights.rotations.len())?;
        let terms_of = |giant: usize| {
            let blocks = copies.copies.iter().zip(&weights.rotations);
            blocks.flat_map(|(copies, weights)| copies.iter().zip(&weights[giant * baby_steps..])).collect()
        };
        let terms: Vec<ProductTerms<'_, _>> = (0..self.split.forward_giants()).map(terms_of).collect();
        let sums = self
            .arithmetic
            .sums_of_products(&terms)?
            .par_iter()
            .map(|sum| Ok(self.arithmetic.relinearize_rescale(sum)?))
            .collect::<Result<Vec<_>, Error>>()?;
        let sum = horner(&*self.arithmetic, &sums, -(baby_steps as i64))?;
        fold(&*self.arithmetic, sum, doublings(self.layout.period(), self.layout.width(), 1))
    }

    /// The scores of all groups: [`revolve_weights`](Self::revolve_weights) once, [`forward`](Self::forward) for each
    /// group, in parallel.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward); [`Error::Length`] for another number of groups.
    pub fn forward_all(
        &self,
        copies: &[ForwardCopies<A::Ciphertext>],
        weights: &[A::Ciphertext],
    ) -> Result<Vec<A::Ciphertext>, Error> {
        check_length(self.layout.groups(), copies.len())?;
        let weights = self.revolve_weights(weights)?;
        copies.par_iter().map(|copies| self.forward(copies, &weights)).collect()
    }
}
