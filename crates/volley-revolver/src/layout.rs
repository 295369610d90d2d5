//! Layouts: where the entries of the matrices lie.
//!
//! There are n samples, d columns and c classes. K is a power of two: c rounded up, or less, where the classes are cut
//! into *class blocks* of K each. A ciphertext of `slots` slots is R rows of D slots, and slot (i, j) is slot i·D + j.
//! D is a power of two with D ≥ 2K and K·D ≤ `slots`, so that K divides R.
//!
//! * **Features.** X⁽q⁾ᵢⱼ = x[qR + i, j − K] for K ≤ j < K + w, else 0: rows of x from column K on. K zero columns to
//!   the left and K − 1 to the right take up what the products shift, so one row holds w = D − (2K − 1) columns of x.
//!   More columns go to further *column blocks*, w to each.
//! * **Weights,** skewed and K-periodic in the rows: Vᵢⱼ = v[(i + j) mod K, j − K].
//! * **Scores and errors,** skewed: Zᵢᵤ = z[i, (i + u) mod K] for 0 ≤ u < K. Labels and errors are repeated along the
//!   row: Yᵢⱼ = y[i, (i + j) mod K] for all j.
//!
//! Classes do not depend on each other, so every class block has products of its own with the same features. Weights,
//! gradients, scores, labels and errors have ciphertexts for each class block; features are shared by all of them. A
//! class block is a layout by itself ([`Layout::class_block`]): the formulas above hold within it, with its own
//! classes. Ciphertexts of weights are in the order of class block and column block, those of scores in the order of
//! group and class block.
//!
//! Slots are complex and all data is real, so two *row blocks* of R samples form a *group* and share ciphertexts.
//! Features and scores lie as X⁽²ᵐ⁾ + i·X⁽²ᵐ⁺¹⁾, errors and labels as Y⁽²ᵐ⁾ − i·Y⁽²ᵐ⁺¹⁾, because the gradient sums
//! Re((Xₐ + iX_b)(Eₐ − iE_b)) = XₐEₐ + X_bE_b. Where the number of blocks is odd the last group is real.

use std::ops::Range;

use volley_ckks::Complex64;

use crate::error::Error;

mod packing;

/// Most copies of feature ciphertexts of the groups that a plan simulates, and most of their ciphertexts of scores, and
/// most ciphertexts of weights. A simulated ciphertext takes 0.3 kB and ten microseconds.
const MAX_COPIES: usize = 1 << 17;
/// Most groups that a plan simulates as they are: of more it simulates a few.
pub(crate) const MAX_WHOLE_GROUPS: usize = 25;
/// Most ciphertexts of features, and of scores. In a ring that is secure a ciphertext takes a megabyte or more, so that
/// the largest number takes several terabytes.
const MAX_CIPHERTEXTS: usize = 1 << 22;
/// Up to so many padded classes there is one class block: its margins are small beside the columns, and every further
/// block has labels and sigmoids of its own.
const MAX_SINGLE_PERIOD: usize = 16;
/// Padded classes of the smallest class block.
const MIN_PERIOD: usize = 2;

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

    /// The value that a slot of features or scores has for this part.
    pub(crate) fn value(self, slot: Complex64) -> f64 {
        match self {
            Self::Real => slot.re,
            Self::Imaginary => slot.im,
        }
    }

    /// The value that a slot of errors or labels has for this part.
    pub(crate) fn error_value(self, slot: Complex64) -> f64 {
        self.value(slot.conj())
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
    /// The layout in one class block with the narrowest rows that hold all columns in one column block. Where K such
    /// rows do not fit into `slots`, it has the widest rows that fit, and several column blocks.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyShape`], [`Error::SlotCount`] where `slots` is not a power of two, [`Error::TooFewSlots`] where
    /// K rows of 2K slots do not fit: 2K² slots would; [`Error::TooManyCopies`] and [`Error::TooManyCiphertexts`] for
    /// matrices larger than can be planned or stored.
    pub fn new(shape: Shape, slots: usize) -> Result<Self, Error> {
        let candidates = Self::candidates(shape, slots)?;
        Ok(candidates[candidates.len() - 1])
    }

    /// Every feasible layout in one class block, from the narrowest rows (most column blocks, fewest row blocks) to the
    /// widest of use: there is at least one, and all but the last have several column blocks. Those that are too large
    /// to be planned or stored are left out.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn candidates(shape: Shape, slots: usize) -> Result<Vec<Self>, Error> {
        Self::with_period(shape, slots, padded(shape.classes))
    }

    /// The [candidates](Self::candidates) for every size of class blocks that comes into question, the largest first. For up
    /// to 16 classes that is one block. For more it is every size that fits: a block of K classes needs 2K² slots,
    /// margins of 2K − 1 columns in every row, and K copies of the features; fewer classes in a block mean more blocks,
    /// each with labels and sigmoids of its own.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), where no size fits.
    pub fn family(shape: Shape, slots: usize) -> Result<Vec<Self>, Error> {
        let whole = padded(shape.classes);
        let smallest = if whole > MAX_SINGLE_PERIOD { MIN_PERIOD } else { whole };
        check_slots(shape, slots, smallest)?;
        let fits = |&period: &usize| required_slots(period) <= slots;
        let periods = (smallest.ilog2()..usize::BITS).map(|log2| 1 << log2).take_while(fits);
        let periods: Vec<usize> = periods.take_while(|&period| period <= whole).collect();
        supported(periods.iter().rev().flat_map(|&period| Self::widths(shape, slots, period)).collect())
    }

    /// The [candidates](Self::candidates) in class blocks of `period` classes.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`Error::Period`] where `period` is not a power of two from 2 to the padded number of
    /// classes.
    pub fn with_period(shape: Shape, slots: usize, period: usize) -> Result<Vec<Self>, Error> {
        check_slots(shape, slots, period)?;
        let max = padded(shape.classes);
        if !period.is_power_of_two() || !(MIN_PERIOD..=max).contains(&period) {
            return Err(Error::Period { period, max });
        }
        supported(Self::widths(shape, slots, period))
    }

    /// Widths of rows, from the narrowest to the first that hold all columns, or to the widest of which `period` fit
    /// into the slots.
    fn widths(shape: Shape, slots: usize, period: usize) -> Vec<Self> {
        let mut layouts = vec![Self { shape, slots, width: 2 * period, period }];
        while let Some(&last) = layouts.last()
            && last.column_blocks() > 1
            && 2 * last.width <= slots / period
        {
            layouts.push(Self { width: 2 * last.width, ..last });
        }
        layouts
    }

    /// The layout in one class block with rows of `width` slots.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`Error::Width`] where `width` is not among the [`candidates`](Self::candidates).
    pub fn with_width(shape: Shape, slots: usize, width: usize) -> Result<Self, Error> {
        Self::with_period_and_width(shape, slots, padded(shape.classes), width)
    }

    /// The layout in class blocks of `period` classes with rows of `width` slots.
    ///
    /// # Errors
    ///
    /// As [`with_period`](Self::with_period), and [`Error::Width`] where `width` is not among those.
    pub fn with_period_and_width(
        shape: Shape,
        slots: usize,
        period: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let candidates = Self::with_period(shape, slots, period)?;
        candidates.iter().find(|layout| layout.width == width).copied().ok_or(Error::Width {
            width,
            narrowest: candidates[0].width,
            widest: candidates[candidates.len() - 1].width,
        })
    }

    /// The layout of another number of samples under the same weights.
    ///
    /// # Errors
    ///
    /// As [`with_period_and_width`](Self::with_period_and_width).
    pub fn with_samples(&self, samples: usize) -> Result<Self, Error> {
        let shape = Shape { samples, ..self.shape };
        Self::with_period_and_width(shape, self.slots, self.period, self.width)
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

    /// R, the rows of a ciphertext, which are the samples of a row block. It is a multiple of [`period`](Self::period).
    #[must_use]
    pub fn rows(&self) -> usize {
        self.slots / self.width
    }

    /// K, a power of two: the classes of a class block, and the period of the weights in the rows.
    #[must_use]
    pub fn period(&self) -> usize {
        self.period
    }

    /// Number of class blocks.
    #[must_use]
    pub fn class_blocks(&self) -> usize {
        self.shape.classes.div_ceil(self.period)
    }

    /// The classes of a class block: K of them, fewer in the last one, none past it.
    #[must_use]
    pub fn block_classes(&self, class_block: usize) -> Range<usize> {
        chunk(class_block, self.period, self.shape.classes)
    }

    /// The layout of a class block by itself, whose weights, scores and labels are those of its classes.
    #[must_use]
    pub fn class_block(&self, class_block: usize) -> Self {
        let classes = self.block_classes(class_block).len();
        Self { shape: Shape { classes, ..self.shape }, ..*self }
    }

    /// Number of ciphertexts of weights or of a gradient: class blocks · column blocks, saturating.
    #[must_use]
    pub fn weight_ciphertexts(&self) -> usize {
        self.class_blocks().saturating_mul(self.column_blocks())
    }

    /// Number of ciphertexts of scores, labels or errors: groups · class blocks, saturating.
    #[must_use]
    pub fn score_ciphertexts(&self) -> usize {
        self.groups().saturating_mul(self.class_blocks())
    }

    /// w = D − (2K − 1), the matrix columns that a row holds.
    #[must_use]
    pub fn columns_per_block(&self) -> usize {
        self.width - (2 * self.period - 1)
    }

    /// Number of column blocks: ciphertexts of each class block's weights, and of each group's features.
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

    /// Number of ciphertexts of features: groups · column blocks, or the largest number.
    #[must_use]
    pub fn feature_ciphertexts(&self) -> usize {
        self.groups().saturating_mul(self.column_blocks())
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

    /// The samples of all parts of a group.
    #[must_use]
    pub fn group_samples(&self, group: usize) -> Range<usize> {
        self.part_samples(group, Part::Real).start..self.part_samples(group, Part::Imaginary).end
    }

    /// Whether any group is a pair: the gradient then needs its real part taken.
    #[must_use]
    pub fn has_pairs(&self) -> bool {
        self.row_blocks() > 1
    }

    /// The factor by which the parts that [`Skewed::split_scores`](crate::skewed::Skewed::split_scores) gives are
    /// larger than the scores: 2 for a pair (a + ā is twice the real part), 1 for a single block.
    #[must_use]
    pub fn score_multiple(&self, group: usize) -> f64 {
        self.parts(group).len() as f64
    }

    /// The factor by which the backward product is larger than Eᵀ·X: 2 where there are pairs, else 1.
    /// [`pack_columns`](Self::pack_columns) divides by it.
    #[must_use]
    pub fn gradient_multiple(&self) -> f64 {
        if self.has_pairs() { 2.0 } else { 1.0 }
    }
}

/// The classes of a single class block: the next power of two, saturating.
fn padded(classes: usize) -> usize {
    classes.checked_next_power_of_two().unwrap_or(usize::MAX)
}

/// The fewest slots for blocks of K = `period` classes: K rows of 2K.
fn required_slots(period: usize) -> usize {
    period.saturating_mul(period).saturating_mul(2)
}

/// Refuses empty shapes, and slots that no layout in blocks of so many classes fits.
fn check_slots(shape: Shape, slots: usize, period: usize) -> Result<(), Error> {
    let Shape { samples, columns, classes } = shape;
    if samples == 0 || columns == 0 || classes < 2 {
        return Err(Error::EmptyShape { samples, columns, classes });
    }
    if !slots.is_power_of_two() {
        return Err(Error::SlotCount { slots });
    }
    let required = required_slots(period);
    if required > slots { Err(Error::TooFewSlots { slots, required }) } else { Ok(()) }
}

/// The layouts that can be planned and stored, if there are any.
fn supported(mut layouts: Vec<Layout>) -> Result<Vec<Layout>, Error> {
    let fewest = |number: fn(&Layout) -> usize| layouts.iter().map(number).min().unwrap_or_default();
    let (copies, ciphertexts) = (fewest(most_copies), fewest(most_ciphertexts));
    if copies > MAX_COPIES {
        return Err(Error::TooManyCopies { copies, max: MAX_COPIES });
    }
    if ciphertexts > MAX_CIPHERTEXTS {
        return Err(Error::TooManyCiphertexts { ciphertexts, max: MAX_CIPHERTEXTS });
    }
    layouts.retain(|layout| most_copies(layout) <= MAX_COPIES && most_ciphertexts(layout) <= MAX_CIPHERTEXTS);
    Ok(layouts)
}

/// Copies or ciphertexts of scores of the groups that a plan simulates, or ciphertexts of weights: the most of them.
fn most_copies(layout: &Layout) -> usize {
    let of_groups = |number: usize| number.saturating_mul(layout.groups().min(MAX_WHOLE_GROUPS));
    let copies = layout.column_blocks().saturating_mul(layout.period());
    of_groups(copies).max(of_groups(layout.class_blocks())).max(layout.weight_ciphertexts())
}

/// Ciphertexts of features or of scores, if they are more.
fn most_ciphertexts(layout: &Layout) -> usize {
    layout.feature_ciphertexts().max(layout.score_ciphertexts())
}

/// The `index`-th of the chunks of `size` that 0..`end` is cut into; empty past the last.
fn chunk(index: usize, size: usize, end: usize) -> Range<usize> {
    let start = index.saturating_mul(size).min(end);
    start..start.saturating_add(size).min(end)
}

#[cfg(test)]
mod tests;
