//! The classic Volley Revolver: A·B by revolving the rows of Bᵀ (arXiv 2201.12577, algorithm 1).
//!
//! A is m × n, B is n × p. A ciphertext is M rows of D slots, D = max(n, p) rounded up to a power of two. A lies row by
//! row. The rows of Bᵀ lie below each other, over and over: row k holds row k mod p. B is rotated by one row p times.
//! Each time the slot-wise product with A is summed along the rows, and one entry of each row is let through. The p
//! results are added:
//!
//! ```text
//! C = Σ_r F_r ∘ SumColVec(A ∘ RowShifter(B, r))       F_r[i, (i + r) mod p] = 1
//! ```
//!
//! (The paper's F_r has (i + r) mod n, which is the same for p = n and scatters the columns of C for p < n.)
//!
//! Cost: p products, relinearizations and filters; 2·log₂ D + 1 rotations for each; three levels, and a fourth where p
//! does not divide M. The [skewed](crate::skewed) products, which need one level, are measured against this one.

use std::sync::Arc;

use maybe_rayon::prelude::*;
use ndarray::{Array2, ArrayRef2};
use volley_ckks::{Arithmetic, Complex64};

use crate::error::{Error, check_length, check_shape};
use crate::rotation::{doublings, fold};

/// The layout of A, B and A·B in ciphertexts; see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClassicLayout {
    rows: usize,
    inner: usize,
    columns: usize,
    slots: usize,
    width: usize,
}

impl ClassicLayout {
    /// The layout for A of `rows` × `inner` and B of `inner` × `columns`.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyProduct`], [`Error::SlotCount`] where `slots` is not a power of two, [`Error::TooFewSlots`] where
    /// max(`rows`, `columns`) rows do not fit.
    pub fn new(rows: usize, inner: usize, columns: usize, slots: usize) -> Result<Self, Error> {
        if rows == 0 || inner == 0 || columns == 0 {
            return Err(Error::EmptyProduct { rows, inner, columns });
        }
        if !slots.is_power_of_two() {
            return Err(Error::SlotCount { slots });
        }
        let padded = |count: usize| count.checked_next_power_of_two().unwrap_or(usize::MAX);
        let width = padded(inner.max(columns));
        let required = width.saturating_mul(padded(rows.max(columns)));
        if required > slots {
            return Err(Error::TooFewSlots { slots, required });
        }
        Ok(Self { rows, inner, columns, slots, width })
    }

    /// M, the rows of a ciphertext.
    fn height(&self) -> usize {
        self.slots / self.width
    }

    /// Slots with the values that `value` gives for (i, j).
    fn fill(&self, value: impl Fn(usize, usize) -> f64) -> Vec<Complex64> {
        (0..self.slots).map(|slot| value(slot / self.width, slot % self.width).into()).collect()
    }

    /// The slots of A, row by row.
    ///
    /// # Errors
    ///
    /// [`Error::ArrayShape`].
    pub fn pack_left(&self, a: &ArrayRef2<f64>) -> Result<Vec<Complex64>, Error> {
        check_shape([self.rows, self.inner], a.shape())?;
        Ok(self.fill(|i, j| a.get([i, j]).copied().unwrap_or(0.0)))
    }

    /// The slots of B: the rows of its transpose, repeated below each other.
    ///
    /// # Errors
    ///
    /// [`Error::ArrayShape`].
    pub fn pack_right(&self, b: &ArrayRef2<f64>) -> Result<Vec<Complex64>, Error> {
        check_shape([self.inner, self.columns], b.shape())?;
        Ok(self.fill(|i, j| b.get([j, i % self.columns]).copied().unwrap_or(0.0)))
    }

    /// A·B from the slots of the product.
    ///
    /// # Errors
    ///
    /// [`Error::Length`].
    pub fn unpack_product(&self, slots: &[Complex64]) -> Result<Array2<f64>, Error> {
        check_length(self.slots, slots.len())?;
        Ok(Array2::from_shape_fn((self.rows, self.columns), |(i, j)| slots[i * self.width + j].re))
    }
}

/// The operations of the classic product on one arithmetic, by the paper's names.
#[derive(Debug)]
pub struct Classic<A> {
    arithmetic: Arc<A>,
    layout: ClassicLayout,
}

impl<A: Arithmetic> Classic<A> {
    /// The operations on ciphertexts of `layout`.
    #[must_use]
    pub fn new(arithmetic: &Arc<A>, layout: ClassicLayout) -> Self {
        Self { arithmetic: Arc::clone(arithmetic), layout }
    }

    /// RowShifter: the repeated rows of Bᵀ moved up by `shift` rows, so that row k holds row (k + `shift`) mod p.
    ///
    /// Where p divides M this is one rotation. Else the rows that come in below continue the sequence wrongly. They are
    /// taken from a second rotation, by `shift` − p, and the two masks cost a level. Every `shift` costs it, so that
    /// what is made of the results has one level and can be added.
    ///
    /// # Errors
    ///
    /// [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn row_shifter(&self, b: &A::Ciphertext, shift: usize) -> Result<A::Ciphertext, Error> {
        self.check_slots(b)?;
        let ClassicLayout { columns, width, .. } = self.layout;
        let height = self.layout.height();
        let shift = shift % columns;
        let up = (shift * width) as i64;
        match (height.is_multiple_of(columns), shift) {
            (true, 0) => Ok(b.clone()),
            (true, _) => Ok(self.arithmetic.rotate(b, up)?),
            (false, 0) => {
                let level = self.arithmetic.operand(b).level;
                let below =
                    level.checked_sub(1).ok_or(volley_ckks::Error::LevelExhausted { level, required: 1 })?;
                Ok(self.arithmetic.drop_level(b, below)?)
            }
            (false, _) => {
                let steps = [up, up - (columns * width) as i64];
                let rotated = self.arithmetic.rotate_hoisted(b, &steps)?;
                let stays = |i: usize| i + shift < height;
                let above = self.mask(&rotated[0], |i, _| stays(i))?;
                let below = self.mask(&rotated[1], |i, _| !stays(i))?;
                Ok(self.arithmetic.add(&above, &below)?)
            }
        }
    }

    /// SumRowVec: every row becomes the sum of all rows. log₂ M rotations.
    ///
    /// # Errors
    ///
    /// [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn sum_row_vec(&self, a: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
        self.check_slots(a)?;
        fold(&*self.arithmetic, a.clone(), doublings(1, self.layout.height(), self.layout.width as i64))
    }

    /// SumColVec: every column becomes the sum of all columns. 2·log₂ D rotations, and a level for the mask that keeps
    /// the first column, where no other row has come in.
    ///
    /// # Errors
    ///
    /// [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn sum_col_vec(&self, a: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
        self.check_slots(a)?;
        let width = self.layout.width;
        let sums = fold(&*self.arithmetic, a.clone(), doublings(1, width, 1))?;
        let first = self.mask(&sums, |_, j| j == 0)?;
        fold(&*self.arithmetic, first, doublings(1, width, -1))
    }

    /// A·B, row by row, in the first p columns; zero elsewhere in the rows.
    ///
    /// # Errors
    ///
    /// [`Error::CiphertextSlots`], [`Error::Ckks`].
    pub fn multiply(&self, a: &A::Ciphertext, b: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
        self.check_slots(a)?;
        let columns = self.layout.columns;
        let turns = (0..columns)
            .into_par_iter()
            .map(|turn| {
                let product = self.arithmetic.multiply(a, &self.row_shifter(b, turn)?)?;
                self.mask(&self.sum_col_vec(&product)?, |i, j| j == (i + turn) % columns)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let (first, others) = turns.split_first().ok_or(volley_ckks::Error::EmptySum)?;
        others.iter().try_fold(first.clone(), |sum, turn| Ok(self.arithmetic.add(&sum, turn)?))
    }

    /// `a` where `keep(row, column)`, else zero. One level; the scale stays, as the mask is encoded at the scale of
    /// the prime that the rescaling divides by.
    fn mask(&self, a: &A::Ciphertext, keep: impl Fn(usize, usize) -> bool) -> Result<A::Ciphertext, Error> {
        let level = self.arithmetic.operand(a).level;
        let scale = self.arithmetic.parameters().rescaling_factor(level);
        let values = || self.layout.fill(|i, j| f64::from(u8::from(keep(i, j))));
        let mask = self.arithmetic.encode(values, &scale, level)?;
        Ok(self.arithmetic.rescale(&self.arithmetic.multiply_plain(a, &mask)?)?)
    }

    fn check_slots(&self, a: &A::Ciphertext) -> Result<(), Error> {
        let (expected, actual) = (self.layout.slots, self.arithmetic.operand(a).slots);
        if expected == actual { Ok(()) } else { Err(Error::CiphertextSlots { expected, actual }) }
    }
}
