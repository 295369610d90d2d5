//! Whitening: standardised features turned and stretched so that their covariance is near the identity.
//!
//! With μ and C the mean and the covariance (divisor n) of the d columns that vary, x becomes
//!
//! ```text
//! x' = (x − μ) R,   R = S^(−1/2),   S = (1 − ρ) C + ρ v I,   v = tr(C)/d
//! ```
//!
//! The quadratic gradient divides by the diagonal bound Bⱼ = ¼ Σₖ |xᵀx|ⱼₖ, since a full inverse cannot be applied
//! cheaply to encrypted weights. Where columns are correlated the bound is far from the Hessian, and convergence is
//! slow. x' has nearly no correlations, so a step is nearly one of Newton's method. What training finds is still a
//! linear function of x: x' wᵀ + b = x (w Rᵀ)ᵀ + b − μ·(w Rᵀ), which [`fold`](Whitening::fold) computes.
//!
//! **Shrinkage.** Let ρ* be that of Ledoit and Wolf (2004), the one of least expected squared error of S:
//!
//! ```text
//! ρ* = β/δ,   β = (Σᵢ |xᵢ − μ|⁴/n − |C|²)/(d n),   δ = (|C|² − d v²)/d
//! ρ = (ρ* + γ)/(1 + γ),   γ = d/(5n)
//! ```
//!
//! with |C|² the sum of the squares of all entries. It makes S regular where there are fewer rows than columns. Here ρ*
//! is at least 1/n and at most 1: for two rows, each the mirror image of the other about μ, the formula gives 0.
//!
//! Training needs S⁻¹, whose error grows faster than that of S where there are few rows for each column. So γ shrinks
//! more there. It leaves tables of many rows as they are (docs/training.md has the figures).
//!
//! **Floor.** Eigenvalues of S count as [`FLOOR`] · v at least. ρ vanishes with many rows, and then the directions in
//! which duplicated or dependent columns differ by rounding would be stretched without a bound.
//!
//! **Clip.** Training rows are cut off at ±[`CLIP`]: a single row can be √n deviations away in some direction, and its
//! score would leave the sigmoid's range. Other rows are not cut off, as prediction only compares scores. That is why
//! the function of x is linear.
//!
//! Cost: n·d² for C and about 10·d³ for the eigenvectors, or 10·n³ where there are fewer rows than columns, on one
//! thread.

use ndarray::{Array1, Array2, ArrayRef1, Axis};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::preparation::symmetric;

/// Largest absolute value in whitened training rows.
const CLIP: f64 = 6.0;

/// γ is the number of columns for each row, divided by this.
const ROWS_OF_COLUMN: f64 = 5.0;

/// Smallest eigenvalue, relative to the mean variance of a column: no direction is stretched by more than 32/√v.
const FLOOR: f64 = 1.0 / 1024.0;

/// A fitted whitening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(crate) struct Whitening {
    /// μ.
    mean: Array1<f64>,
    /// R, zero in the rows and columns of features that do not vary.
    root: Array2<f64>,
}

/// A whitening as it is stored: R row by row.
#[derive(Serialize, Deserialize)]
struct Stored {
    mean: Vec<f64>,
    root: Vec<f64>,
}

/// What a whitening needs to know of rows.
pub(crate) struct RowMoments {
    /// n.
    pub(crate) rows: f64,
    /// μ, of all columns.
    pub(crate) mean: Array1<f64>,
    /// The columns that vary.
    pub(crate) varying: Vec<usize>,
    /// C, of the columns that vary.
    pub(crate) covariance: Array2<f64>,
    /// The mean of |xᵢ − μ|⁴.
    pub(crate) fourth: f64,
}

impl RowMoments {
    /// The moments of `features`, samples × columns, with at least one row.
    fn of(features: &Array2<f64>) -> Self {
        let rows = features.nrows() as f64;
        let mean = features.sum_axis(Axis(0)) / rows;
        let centred = features - &mean;
        let varying: Vec<usize> =
            (0..mean.len()).filter(|&j| centred.column(j).iter().any(|&value| value != 0.0)).collect();
        let centred = centred.select(Axis(1), &varying);
        let covariance = centred.t().dot(&centred) / rows;
        let fourth = centred.rows().into_iter().map(|row| row.dot(&row).powi(2)).sum::<f64>() / rows;
        Self { rows, mean, varying, covariance, fourth }
    }

    /// v and ρ, for at least one column.
    fn shrinkage(&self) -> (f64, f64) {
        let Self { rows, ref covariance, fourth, .. } = *self;
        let columns = covariance.ncols() as f64;
        let variance = covariance.diag().sum() / columns;
        let square = covariance.iter().map(|value| value * value).sum::<f64>();
        let error = (fourth - square) / (columns * rows);
        let distance = (square - columns * variance * variance) / columns;
        // Where C is v I already, as for one column, every ρ gives it.
        let estimate = if distance > 0.0 { error / distance } else { 0.0 };
        let more = columns / (ROWS_OF_COLUMN * rows);
        (variance, (estimate.clamp(1.0 / rows, 1.0) + more) / (1.0 + more))
    }
}

impl Whitening {
    /// A whitening fitted to `features`, samples × columns, with at least one row, and its ρ.
    pub(crate) fn fit(features: &Array2<f64>) -> (Self, f64) {
        let moments = RowMoments::of(features);
        if features.nrows() >= moments.varying.len() {
            return Self::of(&moments);
        }
        let centred = (features - &moments.mean).select(Axis(1), &moments.varying) / moments.rows.sqrt();
        Self::by(&moments, |root| symmetric::apply_to_gram(&centred, root))
    }

    /// The whitening of rows with these moments, and its ρ.
    pub(crate) fn of(moments: &RowMoments) -> (Self, f64) {
        Self::by(moments, |root| symmetric::apply(&moments.covariance, root))
    }

    /// The same, where `of_covariance` gives a function of C.
    fn by(
        moments: &RowMoments,
        of_covariance: impl FnOnce(&dyn Fn(f64) -> f64) -> Array2<f64>,
    ) -> (Self, f64) {
        let RowMoments { mean, varying, .. } = moments;
        let mut root = Array2::zeros((mean.len(), mean.len()));
        let mut shrinkage = 1.0;
        if !varying.is_empty() {
            let variance;
            (variance, shrinkage) = moments.shrinkage();
            // (1 − ρ) λ + ρ v, with the floor, to the power of −1/2.
            let inner = of_covariance(&|value| {
                let shrunk = (1.0 - shrinkage) * value + shrinkage * variance;
                shrunk.max(FLOOR * variance).sqrt().recip()
            });
            for (row, &i) in inner.rows().into_iter().zip(varying) {
                for (value, &j) in row.iter().zip(varying) {
                    root[[i, j]] = *value;
                }
            }
        }
        (Self { mean: mean.clone(), root }, shrinkage)
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.mean.len()
    }

    /// Whitened rows, nothing cut off.
    pub(crate) fn apply(&self, features: &Array2<f64>) -> Array2<f64> {
        (features - &self.mean).dot(&self.root)
    }

    /// The covariance of whitened rows, from that of rows before: Rᵀ C R, and R is symmetric.
    pub(crate) fn covariance(&self, covariance: &Array2<f64>) -> Array2<f64> {
        self.root.dot(covariance).dot(&self.root)
    }

    /// Whitened rows to train on.
    pub(crate) fn apply_to_training(&self, features: &Array2<f64>) -> Array2<f64> {
        self.apply(features).mapv(|value| value.clamp(-CLIP, CLIP))
    }

    /// The weights, classes × (columns + 1), the bias first, that give original features the scores that `weights` give
    /// whitened features.
    pub(crate) fn fold(&self, weights: &Array2<f64>) -> Array2<f64> {
        let mut folded = weights.to_owned();
        let (mut bias, mut rest) = folded.view_mut().split_at(Axis(1), 1);
        rest.assign(&weights.view().split_at(Axis(1), 1).1.dot(&self.root.t()));
        bias.column_mut(0).scaled_add(-1.0, &rest.dot(&self.mean));
        folded
    }

    /// The largest factor by which [`fold`](Self::fold) changes the deviation of independent noise of the weights.
    pub(crate) fn noise_gain(&self) -> f64 {
        let norm = |row: &ArrayRef1<f64>| row.dot(row).sqrt();
        let bias = 1f64.hypot(norm(&self.mean.dot(&self.root)));
        self.root.rows().into_iter().map(|row| norm(&row)).fold(bias, f64::max)
    }
}

impl TryFrom<Stored> for Whitening {
    type Error = Error;

    /// Refuses numbers that no fit gives.
    fn try_from(Stored { mean, root }: Stored) -> Result<Self, Error> {
        let size = mean.len();
        let sound = |column: &usize| {
            let row = root.get(column * size..(column + 1) * size);
            mean[*column].is_finite() && row.is_some_and(|row| row.iter().all(|value| value.is_finite()))
        };
        if let Some(column) = (0..size).find(|column| !sound(column)) {
            return Err(Error::Statistics { column });
        }
        let root =
            Array2::from_shape_vec((size, size), root).map_err(|_| Error::Statistics { column: size })?;
        Ok(Self { mean: mean.into(), root })
    }
}

impl From<Whitening> for Stored {
    fn from(Whitening { mean, root }: Whitening) -> Self {
        Self { mean: mean.to_vec(), root: root.iter().copied().collect() }
    }
}

#[cfg(test)]
mod tests;
