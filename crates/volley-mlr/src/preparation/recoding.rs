//! Discriminant recoding: from scores of each class against the rest to scores that compare the classes.
//!
//! Training gives every class weights of its own, against all others. A class that lies between two others has no
//! direction in which its score is the highest: it is masked (Hastie, Tibshirani and Friedman, The Elements of
//! Statistical Learning, 4.2). Its rows can be told by their *other* scores all the same. So the c scores z = W x of a
//! row are taken as c features, and classified by linear discriminant analysis. After a regression on class indicators
//! that is flexible discriminant analysis (Hastie, Tibshirani and Buja, Flexible Discriminant Analysis by Optimal
//! Scoring, 1994).
//!
//! Let πₖ be the share of class k in the training rows, and mₖ the mean of its rows, whitened with shrinkage ρ
//! ([`whitening`](crate::preparation::whitening)). Whitened rows of one class have the covariance I − (1 − ρ) Σₖ πₖ mₖ mₖᵀ. Their
//! scores have the mean μₖ and the covariance C, and are recoded as z′:
//!
//! ```text
//! μₖ = W mₖ,     C = W Wᵀ − (1 − ρ) Σₖ πₖ μₖ μₖᵀ,     P = (C + ε tr(C)/c I)⁻¹
//! z′ = U P z + b,     bₖ = −½ μₖᵀ P μₖ + log pₖ
//! ```
//!
//! The μₖ are the rows of U, and z has no bias here. pₖ is πₖ, or the same for all classes where they count alike. If
//! the scores of every class are normal with covariance C, z′ is the logarithm of the posterior probabilities, but for
//! a term that all classes share. C is positive semidefinite, as (1 − ρ) Σ πₖ mₖ mₖᵀ is no larger than the covariance
//! of the whitened rows, which is I. ε keeps directions that hardly any score has, and the noise in them, from being
//! stretched without a bound.
//!
//! z′ is linear in x, with the weights U P W, so a recoded model is as large as any other. The owner recodes what was
//! decrypted, from the class means alone.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::preparation::symmetric;

/// ε, relative to the mean variance of a score.
const RIDGE: f64 = 0.01;

/// What is known of the classes' whitened rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(crate) struct Recoding {
    /// mₖ, classes × columns.
    means: Array2<f64>,
    /// πₖ.
    shares: Array1<f64>,
    /// log pₖ.
    log_priors: Array1<f64>,
    /// ρ.
    shrinkage: f64,
}

/// A recoding as it is stored: means row by row.
#[derive(Serialize, Deserialize)]
struct Stored {
    means: Vec<f64>,
    shares: Vec<f64>,
    log_priors: Vec<f64>,
    shrinkage: f64,
}

/// z′ = A z + b, for scores that the weights it was made from give.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScoreMap {
    matrix: Array2<f64>,
    offset: Array1<f64>,
}

impl Recoding {
    /// A recoding fitted to whitened rows, samples × (columns + 1). Every class has at least one row.
    pub(crate) fn fit(features: &Array2<f64>, one_hot: &Array2<f64>, shrinkage: f64) -> Self {
        let counts = one_hot.sum_axis(Axis(0));
        let sums = one_hot.t().dot(&features.view().split_at(Axis(1), 1).1);
        let shares = &counts / features.nrows() as f64;
        Self::new(sums / counts.insert_axis(Axis(1)), shares, shrinkage)
    }

    /// The recoding for these mₖ, classes × columns, πₖ > 0 and ρ.
    pub(crate) fn new(means: Array2<f64>, shares: Array1<f64>, shrinkage: f64) -> Self {
        let log_priors = shares.mapv(f64::ln);
        Self { means, shares, log_priors, shrinkage }
    }

    /// The recoding of more rows, whitened by the same whitening.
    pub(crate) fn refit(&self, features: &Array2<f64>, one_hot: &Array2<f64>) -> Self {
        Self::fit(features, one_hot, self.shrinkage)
    }

    /// Whether classes [count alike](Self::balanced): the share of a class is below 1, and its logarithm below 0.
    pub(crate) fn is_balanced(&self) -> bool {
        self.log_priors.iter().all(|&prior| prior == 0.0)
    }

    /// The same recoding with classes that count alike.
    pub(crate) fn balanced(self) -> Self {
        Self { log_priors: Array1::zeros(self.log_priors.len()), ..self }
    }

    /// Classes and columns.
    pub(crate) fn dim(&self) -> (usize, usize) {
        self.means.dim()
    }

    /// The recoding of the scores of these weights, classes × (columns + 1), the bias first.
    pub(crate) fn of(&self, weights: &Array2<f64>) -> ScoreMap {
        let (bias, directions) = weights.view().split_at(Axis(1), 1);
        let means = self.means.dot(&directions.t());
        let weighted = &means.t() * &(&self.shares * (1.0 - self.shrinkage));
        let precision = ridge_inverse(&(directions.dot(&directions.t()) - weighted.dot(&means)));
        let matrix = means.dot(&precision);
        let halves = (&matrix * &means).sum_axis(Axis(1)) * 0.5;
        let offset = &self.log_priors - &halves - matrix.dot(&bias.column(0));
        ScoreMap { matrix, offset }
    }
}

impl ScoreMap {
    /// Recoded scores, samples × classes.
    pub(crate) fn scores(&self, scores: &Array2<f64>) -> Array2<f64> {
        scores.dot(&self.matrix.t()) + &self.offset
    }

    /// The weights that give recoded scores.
    pub(crate) fn weights(&self, weights: &Array2<f64>) -> Array2<f64> {
        let mut recoded = self.matrix.dot(weights);
        let mut bias = recoded.column_mut(0);
        bias += &self.offset;
        recoded
    }

    /// The largest factor by which independent noise of the weights grows, to first order, for weights so much larger
    /// than their noise that the map is the same without it.
    pub(crate) fn noise_gain(&self) -> f64 {
        self.matrix.rows().into_iter().map(|row| row.dot(&row).sqrt()).fold(0.0, f64::max)
    }
}

/// (C + ε tr(C)/c I)⁻¹; 0 for C = 0, which comes from weights that are all zero.
fn ridge_inverse(covariance: &Array2<f64>) -> Array2<f64> {
    let ridge = RIDGE * covariance.diag().sum() / covariance.nrows() as f64;
    symmetric::apply(covariance, |value| match value.max(0.0) + ridge {
        value if value > 0.0 => value.recip(),
        _ => 0.0,
    })
}

impl TryFrom<Stored> for Recoding {
    type Error = Error;

    /// Refuses numbers that no fit gives.
    fn try_from(Stored { means, shares, log_priors, shrinkage }: Stored) -> Result<Self, Error> {
        let classes = shares.len();
        let columns = means.len().checked_div(classes).unwrap_or(0);
        let numbers = means.iter().chain(&log_priors);
        let sound = numbers.into_iter().all(|value| value.is_finite())
            && shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (0.0..=1.0).contains(&shrinkage);
        match Array2::from_shape_vec((classes, columns), means) {
            Ok(means) if sound && log_priors.len() == classes => {
                Ok(Self { means, shares: shares.into(), log_priors: log_priors.into(), shrinkage })
            }
            _ => Err(Error::Statistics { column: columns }),
        }
    }
}

impl From<Recoding> for Stored {
    fn from(Recoding { means, shares, log_priors, shrinkage }: Recoding) -> Self {
        Self {
            means: means.iter().copied().collect(),
            shares: shares.to_vec(),
            log_priors: log_priors.to_vec(),
            shrinkage,
        }
    }
}

#[cfg(test)]
mod tests;
