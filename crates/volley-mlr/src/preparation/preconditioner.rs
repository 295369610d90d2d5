//! The quadratic gradient's diagonal preconditioner.
//!
//! Newton's method would multiply the gradient by the inverse of the Hessian, which for every class is bounded by
//! ¼ xᵀx (σ' ≤ ¼). The quadratic gradient takes instead the diagonal matrix B with
//!
//! ```text
//! Bⱼ = ¼ Σₖ |xᵀx|ⱼₖ
//! ```
//!
//! By Gershgorin's theorem B − ¼ xᵀx is positive semidefinite, so a step of 1/B climbs without overshooting. The owner
//! computes 1/B in clear and uploads it encrypted.
//!
//! # Columns that do harm
//!
//! A column that is zero in every training row has B = 0. With 1/(ε + B) the noise of its fresh encryption would grow
//! to weights of size 2. Here 1/B is 0 for it, and for any other column that is constant, as the bias says all that it
//! could say.
//!
//! A column that is nearly zero has a huge 1/B. It amplifies noise as well, and takes the digits of all others when 1/B
//! is encoded. So 1/B is capped at 2⁷ times the median of the non-zero ones. 2⁷ is the smallest power of two that
//! changes nothing on the paper's own features, where the largest is 124 times the median; 2⁶ leaves the accuracies
//! unchanged to four digits there, 2⁴ begins to cost. A smaller 1/B still satisfies the bound.
//!
//! The bias is not capped. Bⱼ ≥ n/4 for it, so it cannot amplify noise, and it must keep up with the other weights: on
//! the same data, standardised, it has 65 times the median, and if it is held at twice the median, training diverges by
//! iteration 15.
//!
//! # Normalisation
//!
//! Features have any size, while encryption needs a size that the server knows. Let x' = 2⁻ᵃ x and train on it. Then
//! B' = 2⁻²ᵃ B, and every iteration gives V' = 2ᵃ V and W' = 2ᵃ W. Proof by induction: both start at zero. If
//! V' = 2ᵃ V, the scores x' V'ᵀ = x Vᵀ are the same, and so are the probabilities p. The step
//! (1/B') ∘ (y − p)ᵀ x' = 2²ᵃ 2⁻ᵃ (1/B) ∘ (y − p)ᵀ x is 2ᵃ times the step of the original, and the momentum and the
//! weight decay are linear. ∎ In floating point both runs are equal bit for bit but for the exponents.
//!
//! The exponent a is chosen so that the largest 1/B' is in (¼, 1]. Then 1/B' can be encoded at one scale for all data.
//! So can x': Σᵢ x'ᵢⱼ² ≤ 4 B'ⱼ bounds it by 2 √B'ⱼ, where the smallest B' is in \[1, 4). Its size depends on how much
//! columns differ, and neither on their unit nor on the number of samples. Only the owner knows a, and multiplies the
//! decrypted weights by 2⁻ᵃ.

use ndarray::{Array1, Array2, ArrayRef2, Axis};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Largest 1/B of a column other than the bias, relative to the median of the non-zero ones.
const CAP: f64 = 128.0;

/// Largest |a|: what the exponents of f64 allow.
const MAX_NORMALISATION: u32 = 1100;

/// 1/B for prepared features, and the exponent a of the normalisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Preconditioner {
    inverse: Array1<f64>,
    normalisation: i32,
}

/// A preconditioner as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    inverse: Vec<f64>,
    normalisation: i32,
}

impl TryFrom<Stored> for Preconditioner {
    type Error = Error;

    /// Refuses numbers that no fit gives.
    fn try_from(Stored { inverse, normalisation }: Stored) -> Result<Self, Error> {
        let sound = |value: &f64| value.is_finite() && *value >= 0.0;
        if let Some(column) = inverse.iter().position(|value| !sound(value)) {
            return Err(Error::Statistics { column });
        }
        if normalisation.unsigned_abs() > MAX_NORMALISATION {
            return Err(Error::Normalisation { exponent: normalisation });
        }
        Ok(Self { inverse: inverse.into(), normalisation })
    }
}

impl From<Preconditioner> for Stored {
    fn from(preconditioner: Preconditioner) -> Self {
        let Preconditioner { inverse, normalisation } = preconditioner;
        Self { inverse: inverse.to_vec(), normalisation }
    }
}

impl Preconditioner {
    /// The preconditioner of prepared training rows, samples × columns. The first column is the bias.
    ///
    /// Cost: one product xᵀx.
    ///
    /// # Errors
    ///
    /// [`Error::Overflow`] if the features are so large that B is not finite.
    pub fn fit(features: &ArrayRef2<f64>) -> Result<Self, Error> {
        Self::of_gram(&features.t().dot(features), |column| is_constant(features, column))
    }

    /// The same for `rows` rows that nobody has together: their features have the mean 0 and this covariance (divisor
    /// n), which is 0 for columns that do not vary. The bias is not among them.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub(crate) fn of_covariance(covariance: &Array2<f64>, rows: f64) -> Result<Self, Error> {
        let gram = Array2::from_shape_fn((covariance.nrows() + 1, covariance.ncols() + 1), |(i, j)| {
            match (i.checked_sub(1), j.checked_sub(1)) {
                (None, None) => rows,
                (Some(i), Some(j)) => covariance[[i, j]] * rows,
                _ => 0.0,
            }
        });
        Self::of_gram(&gram, |column| gram[[column, column]] == 0.0)
    }

    /// The preconditioner of more rows of the same columns, with the same normalisation. A column that had no step
    /// before has none.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub(crate) fn refit(&self, features: &ArrayRef2<f64>) -> Result<Self, Error> {
        let mut inverse = Self::fit(features)?.inverse;
        inverse.zip_mut_with(&self.inverse, |inverse, &before| {
            if before == 0.0 {
                *inverse = 0.0;
            }
        });
        Ok(Self { inverse, normalisation: self.normalisation })
    }

    /// The same for rows that count `weights` times, all of them positive. Bⱼ = ¼ Σₖ |xᵀ diag(w) x|ⱼₖ bounds the
    /// Hessian of the weighted loss.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    ///
    /// # Panics
    ///
    /// If there is not a weight for each row.
    pub fn fit_weighted(features: &Array2<f64>, weights: &Array1<f64>) -> Result<Self, Error> {
        let weighted = features * &weights.view().insert_axis(Axis(1));
        Self::of_gram(&weighted.t().dot(features), |column| is_constant(features, column))
    }

    fn of_gram(gram: &ArrayRef2<f64>, is_constant: impl Fn(usize) -> bool) -> Result<Self, Error> {
        let mut inverse: Array1<f64> = gram
            .rows()
            .into_iter()
            .enumerate()
            .map(|(j, products)| {
                let inverse = 4.0 / products.mapv(f64::abs).sum();
                // Where all products underflow the column is zero for every purpose.
                if (j > 0 && is_constant(j)) || inverse.is_infinite() { 0.0 } else { inverse }
            })
            .collect();
        if let Some(column) = gram.rows().into_iter().position(|row| !row.mapv(f64::abs).sum().is_finite()) {
            return Err(Error::Overflow { column });
        }
        let cap = CAP * median_of_non_zero(&inverse);
        inverse.iter_mut().skip(1).for_each(|value| *value = value.min(cap));
        Ok(Self::normalised(inverse))
    }

    /// 1/B with the normalisation of its largest.
    fn normalised(inverse: Array1<f64>) -> Self {
        let largest = inverse.iter().copied().fold(0.0, f64::max);
        Self { inverse, normalisation: (-0.5 * largest.log2()).floor() as i32 }
    }

    /// The preconditioner of so many rows that are distributed as those it was fitted to. B grows with the number of
    /// rows, which it tells itself: it is n/4 for the bias, as the other columns have the mean 0.
    ///
    /// # Errors
    ///
    /// [`Error::Statistics`] if the bias has no step.
    pub(crate) fn for_rows(&self, rows: usize) -> Result<Self, Error> {
        match self.inverse.first() {
            Some(&bias) if bias > 0.0 => Ok(Self::normalised(&self.inverse * (4.0 / (rows as f64 * bias)))),
            _ => Err(Error::Statistics { column: 0 }),
        }
    }

    /// 1/B, one for each column of the prepared features.
    #[must_use]
    pub fn inverse(&self) -> &Array1<f64> {
        &self.inverse
    }

    /// a: features are encrypted as 2⁻ᵃ x.
    #[must_use]
    pub fn normalisation(&self) -> i32 {
        self.normalisation
    }

    /// 2ᵃ, exactly: normalised features are x divided by it, weights are the decrypted ones divided by it.
    #[must_use]
    pub fn factor(&self) -> f64 {
        f64::from(self.normalisation).exp2()
    }

    /// 1/B' = 2²ᵃ/B, for the normalised features; the largest is in (¼, 1].
    #[must_use]
    pub fn normalised_inverse(&self) -> Array1<f64> {
        self.inverse.mapv(|value| value * self.factor() * self.factor())
    }
}

fn is_constant(features: &ArrayRef2<f64>, column: usize) -> bool {
    let column = features.column(column);
    column.iter().all(|value| *value == column[0])
}

/// The median of the values that are not zero: the upper one where there are two, 0 where there is none.
fn median_of_non_zero(values: &Array1<f64>) -> f64 {
    let mut values: Vec<f64> = values.iter().copied().filter(|&value| value != 0.0).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
