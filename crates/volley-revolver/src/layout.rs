//! Where the entries of the matrices lie.
//!
//! n samples, d columns, c classes. K is c rounded up to a power of two; a ciphertext of `slots` slots is R rows of
//! D slots, slot (i, j) being i·D + j, with D a power of two, D ≥ 2K and K·D ≤ `slots` (so that K | R).
//!
//! * **Features.** X⁽q⁾ᵢⱼ = x[qR + i, j − K] for K ≤ j < K + w, else 0: rows of x from column K on. K zero columns to the
//!   left and K − 1 to the right take up what the products shift, so one row holds w = D − (2K − 1) columns of x.
//!   More columns go to further *column blocks*, w to each.
//! * **Weights,** skewed and K-periodic in the rows: Vᵢⱼ = v[(i + j) mod K, j − K].
//! * **Scores and errors,** skewed: Zᵢᵤ = z[i, (i + u) mod K] for 0 ≤ u < K. Labels and errors are repeated along the row:
//!   Yᵢⱼ = y[i, (i + j) mod K] for all j.
//!
//! Slots are complex and all data is real, so two *row blocks* of R samples form a *group* and share ciphertexts:
//! X = X⁽²ᵐ⁾ + i·X⁽²ᵐ⁺¹⁾, scores likewise; errors and labels as Y⁽²ᵐ⁾ − i·Y⁽²ᵐ⁺¹⁾, because
//! Re((Xₐ + iX_b)(Eₐ − iE_b)) = XₐEₐ + X_bE_b is what the gradient sums. The last group of an odd number of blocks is
//! real.

use std::ops::Range;

use volley_ckks::Complex64;

use crate::Error;

mod packing;

/// Most copies of feature ciphertexts: each has a megabyte or more in a ring that is secure, so many a hundred gigabytes.
/// Simulated they take 0.3 kB and ten microseconds each.
const MAX_COPIES: usize = 1 << 17;

/// What is to be laid out: the shapes of x (`samples` × `columns`) and of v (`classes` × `columns`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// n, the rows of the feature matrix.
    pub samples: usize,
    /// d, its columns; a column of ones for the bias is one of them.
    pub columns: usize,
    /// c, the rows of the weight matrix.
    pub classes: usize,
}

/// The two row blocks of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The first block, in the real parts of the slots.
    Real,
    /// The second block, in the imaginary parts.
    Imaginary,
}

impl Part {
    /// 1 or i: the factor of this part in features and scores.
    #[must_use]
    pub fn unit(self) -> Complex64 {
        match self {
            Self::Real => Complex64::ONE,
            Self::Imaginary => Complex64::I,
        }
    }

    /// 1 or −i: the factor of this part in labels and errors.
    #[must_use]
    pub fn error_unit(self) -> Complex64 {
        self.unit().conj()
    }
}

/// A checked placement of matrices in ciphertexts; see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    shape: Shape,
    slots: usize,
    width: usize,
    period: usize,
}

impl Layout {
    /// The layout with the narrowest rows that hold all columns in one block; where K such rows do not fit into
    /// `slots`, the one with the widest rows that do, and several column blocks.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyShape`], [`Error::SlotCount`] where `slots` is not a power of two, [`Error::TooFewSlots`] where
    /// K rows of 2K slots do not fit: 2K² slots would; [`Error::TooManyCopies`] for matrices larger than any machine has
    /// memory for.
    pub fn new(shape: Shape, slots: usize) -> Result<Self, Error> {
        let candidates = Self::candidates(shape, slots)?;
        Ok(candidates[candidates.len() - 1])
    }

    /// Every feasible layout, from the narrowest rows (most column blocks, fewest row blocks) to the widest of use:
    /// there is at least one, and all but the last have several column blocks. Those with too many
    /// [copies](Self::copies) are left out.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn candidates(shape: Shape, slots: usize) -> Result<Vec<Self>, Error> {
        let Shape { samples, columns, classes } = shape;
        if samples == 0 || columns == 0 || classes < 2 {
            return Err(Error::EmptyShape { samples, columns, classes });
        }
        if !slots.is_power_of_two() {
            return Err(Error::SlotCount { slots });
        }
        let period = classes.checked_next_power_of_two().unwrap_or(usize::MAX);
        let required = period.saturating_mul(period).saturating_mul(2);
        if required > slots {
            return Err(Error::TooFewSlots { slots, required });
        }
        let mut layouts = vec![Self { shape, slots, width: 2 * period, period }];
        while let Some(&last) = layouts.last()
            && last.column_blocks() > 1
            && 2 * last.width <= slots / period
        {
            layouts.push(Self { width: 2 * last.width, ..last });
        }
        let copies = layouts.iter().map(Self::copies).min().unwrap_or_default();
        if copies > MAX_COPIES {
            return Err(Error::TooManyCopies { copies, max: MAX_COPIES });
        }
        layouts.retain(|layout| layout.copies() <= MAX_COPIES);
        Ok(layouts)
    }

    /// The layout with rows of `width` slots: for another number of samples under weights that exist already.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`Error::Width`] where `width` is not among the [`candidates`](Self::candidates).
    pub fn with_width(shape: Shape, slots: usize, width: usize) -> Result<Self, Error> {
        let candidates = Self::candidates(shape, slots)?;
        candidates.iter().find(|layout| layout.width == width).copied().ok_or(Error::Width {
            width,
            narrowest: candidates[0].width,
            widest: candidates[candidates.len() - 1].width,
        })
    }

    /// The matrices' shapes.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Slots of a ciphertext.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// D, the slots of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// R, the rows of a ciphertext: samples of a row block. A multiple of [`period`](Self::period).
    #[must_use]
    pub fn rows(&self) -> usize {
        self.slots / self.width
    }

    /// K, the number of classes padded to a power of two: the period of the weights in the rows.
    #[must_use]
    pub fn period(&self) -> usize {
        self.period
    }

    /// w = D − (2K − 1), the matrix columns that a row holds.
    #[must_use]
    pub fn columns_per_block(&self) -> usize {
        self.width - (2 * self.period - 1)
    }

    /// Number of column blocks: ciphertexts of the weights, and of each group's features.
    #[must_use]
    pub fn column_blocks(&self) -> usize {
        self.shape.columns.div_ceil(self.columns_per_block())
    }

    /// The matrix columns of a column block; empty past the last one.
    #[must_use]
    pub fn block_columns(&self, column_block: usize) -> Range<usize> {
        chunk(column_block, self.columns_per_block(), self.shape.columns)
    }

    /// Number of row blocks, of R samples each.
    #[must_use]
    pub fn row_blocks(&self) -> usize {
        self.shape.samples.div_ceil(self.rows())
    }

    /// Number of groups: pairs of row blocks, the last of which may be a single one.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.row_blocks().div_ceil(2)
    }

    /// Number of copies of feature ciphertexts, one for each shift of a product: groups · column blocks · K, or the
    /// largest number.
    #[must_use]
    pub fn copies(&self) -> usize {
        self.groups().saturating_mul(self.column_blocks()).saturating_mul(self.period)
    }

    /// The parts that a group has: one for a single last block, else both.
    #[must_use]
    pub fn parts(&self, group: usize) -> &'static [Part] {
        if 2 * group + 1 < self.row_blocks() { &[Part::Real, Part::Imaginary] } else { &[Part::Real] }
    }

    /// The samples of one part of a group; empty where that part does not exist.
    #[must_use]
    pub fn part_samples(&self, group: usize, part: Part) -> Range<usize> {
        let block = match part {
            Part::Real => 2 * group,
            Part::Imaginary => 2 * group + 1,
        };
        chunk(block, self.rows(), self.shape.samples)
    }

    /// Whether any group is a pair: the gradient then needs its real part taken.
    #[must_use]
    pub fn has_pairs(&self) -> bool {
        self.row_blocks() > 1
    }

    /// How many times the scores the parts are that
    /// [`Skewed::split_scores`](crate::skewed::Skewed::split_scores) gives: 2 for a pair (a + ā is twice the real
    /// part), 1 for a single block.
    #[must_use]
    pub fn score_multiple(&self, group: usize) -> f64 {
        self.parts(group).len() as f64
    }

    /// How many times Eᵀ·X the backward product is: 2 where there are pairs, else 1.
    /// [`pack_columns`](Self::pack_columns) divides by it.
    #[must_use]
    pub fn gradient_multiple(&self) -> f64 {
        if self.has_pairs() { 2.0 } else { 1.0 }
    }
}

/// The `index`-th of the chunks of `size` that 0..`end` is cut into; empty past the last.
fn chunk(index: usize, size: usize, end: usize) -> Range<usize> {
    let start = index.saturating_mul(size).min(end);
    start..start.saturating_add(size).min(end)
}

#[cfg(test)]
mod tests;
