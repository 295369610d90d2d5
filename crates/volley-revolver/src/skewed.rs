//! The skewed Volley Revolver: Z = X·vᵀ and G = Eᵀ·X without a mask, at one level each.
//!
//! The notation is that of [`layout`](crate::layout), with rot(a, k)ₛ = aₛ₊ₖ. One product needs K rotations
//! b = 0 … K − 1.
//!
//! **Forward.** X·rot(V, bD) holds at column j a term of class (i + j + b) mod K, which belongs at skew index
//! (j + b) mod K: shifted right by b it stands at a column congruent to it. All K products are therefore added before
//! any row is summed,
//!
//! ```text
//! S = Σ_b rot(X, −b) · rot(V, b(D − 1))        one relinearization, no mask
//! Z = S + rot(S, K) + rot(S, 2K) + …           log₂(D/K) rotations, exact in the first K columns
//! ```
//!
//! over all column blocks as well. rot(X, −b) never changes; the rotations of V are hoisted and shared by all samples.
//!
//! **Backward.** With E repeated along the rows, X·rot(E, −b) holds at (i, j) a term of class (i + j − b) mod K, and b
//! rows further up is where V keeps that class. With b = gH + h,
//!
//! ```text
//! A_g = Σ rot(X, gH + hD) · rot(E, h(D − 1))   over h and all samples, degree 2, not relinearized
//! G   = Σ_g rot(A_g, gH(D − 1))                K/H relinearizations in all
//! G   = G + rot(G, KD) + rot(G, 2KD) + …       log₂(R/K) rotations
//! ```
//!
//! and G has exactly the layout of V. Zero margins of K and K − 1 columns take up all that crosses the end of a row.
//! [`Split`] names the members of this family: which of the shifts are made once on X, and which on the sums.
//!
//! **Class blocks.** The products are those of one class block at a time, with its weights and its errors. Copies of
//! the features serve all class blocks.
//!
//! **Pairs.** V is real, so Z of a pair of blocks is Z⁽²ᵐ⁾ + i·Z⁽²ᵐ⁺¹⁾ at the price of one product;
//! [`split_scores`](Skewed::split_scores) separates them by one conjugation. With E = E⁽²ᵐ⁾ − i·E⁽²ᵐ⁺¹⁾ the real part of
//! the gradient is the sum over both blocks. It is taken by one conjugation of the result.

use std::sync::Arc;

use maybe_rayon::prelude::*;
use volley_ckks::Arithmetic;

use crate::error::{Error, check_length};
use crate::layout::Layout;
use crate::rotation::StepGrid;

mod backward;
mod family;
mod forward;
mod scores;

pub use crate::split::{Rotations, RowShifts, Split};
pub use backward::{BackwardCopies, BackwardSums, RevolvedErrors};
pub use forward::{ForwardCopies, RevolvedWeights};

/// The products of one layout by one [`Split`] on one arithmetic: see the [module](self).
///
/// Ciphertexts are given and returned as a slice over column blocks (features of a group; weights and gradients of a
/// class block) or as one (scores and errors of a group and class block). Whatever runs in parallel is exact modular
/// arithmetic: results do not depend on the number of threads.
#[derive(Debug)]
pub struct Skewed<A> {
    arithmetic: Arc<A>,
    layout: Layout,
    split: Split,
}

impl<A: Arithmetic> Skewed<A> {
    /// The products of `layout` by `split`.
    ///
    /// # Errors
    ///
    /// [`Error::SplitPeriod`] where the split was made for another number of padded classes.
    pub fn new(arithmetic: &Arc<A>, layout: Layout, split: Split) -> Result<Self, Error> {
        if split.period() != layout.period() {
            return Err(Error::SplitPeriod { expected: layout.period(), actual: split.period() });
        }
        Ok(Self { arithmetic: Arc::clone(arithmetic), layout, split })
    }

    /// What they are computed on.
    #[must_use]
    pub fn arithmetic(&self) -> &Arc<A> {
        &self.arithmetic
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The split.
    #[must_use]
    pub fn split(&self) -> Split {
        self.split
    }

    /// The features of a group times factors of the columns ([`Layout::pack_columns`]): one product and one level
    /// for each column block. Backward copies that are made of these scale the gradient of every iteration at no
    /// further cost.
    ///
    /// # Errors
    ///
    /// [`Error::Length`], [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn scale_columns(
        &self,
        features: &[A::Ciphertext],
        factors: &[A::Ciphertext],
    ) -> Result<Vec<A::Ciphertext>, Error> {
        self.check_blocks(features)?;
        self.check_blocks(factors)?;
        features.par_iter().zip(factors).map(|(x, factor)| Ok(self.arithmetic.multiply(x, factor)?)).collect()
    }

    /// The copies of features: `blocks` dropped to `level` and rotated by each step, by column block and step.
    fn copies(
        &self,
        blocks: &[A::Ciphertext],
        level: usize,
        steps: StepGrid,
    ) -> Result<Vec<Vec<A::Ciphertext>>, Error> {
        self.check_blocks(blocks)?;
        blocks
            .par_iter()
            .map(|a| {
                let dropped = self.arithmetic.drop_level(a, level)?;
                steps.rotations(&*self.arithmetic, dropped, self.split.copies())
            })
            .collect()
    }

    /// D as a rotation: one row up.
    fn row(&self) -> i64 {
        self.layout.width() as i64
    }

    fn check_blocks(&self, blocks: &[A::Ciphertext]) -> Result<(), Error> {
        check_length(self.layout.column_blocks(), blocks.len())?;
        blocks.iter().try_for_each(|a| self.check_slots(a))
    }

    fn check_slots(&self, a: &A::Ciphertext) -> Result<(), Error> {
        let (expected, actual) = (self.layout.slots(), self.arithmetic.operand(a).slots);
        if expected == actual { Ok(()) } else { Err(Error::CiphertextSlots { expected, actual }) }
    }

    /// Refuses what another split made, or what was made for other column blocks.
    fn check_origin(&self, split: Split, column_blocks: usize) -> Result<(), Error> {
        if split != self.split {
            return Err(Error::SplitMismatch { expected: self.split, actual: split });
        }
        check_length(self.layout.column_blocks(), column_blocks)
    }
}
