//! The encrypted training, in f64 and in clear: the same algorithm with the same polynomial.
//!
//! For prepared features x (samples × columns), one-hot labels y and t = 1, 2, …
//!
//! ```text
//! z = x Vᵀ,   Δ = rₜ · (1/B) ∘ (w ∘ (y − p(z)))ᵀ x,
//! ```
//!
//! with the learning rate rₜ of [`LearningRate`](crate::LearningRate) and weights w of the rows, all 1 unless classes are
//! [balanced](crate::TrainingSet::balanced). [`Nesterov`] makes weights of Δ. The encrypted trainer is tested against
//! this, not against exact logistic regression. A run that will diverge shows it here at no cost: each [`Step`] reports
//! how far the scores went.

use ndarray::{Array1, Array2, Axis};
use volley_sigmoid::SigmoidPolynomial;

use crate::error::Error;
use crate::method::hyperparameters::Hyperparameters;
use crate::method::nesterov::{Momentum, Nesterov};

/// A training run in clear: an iterator over its iterations.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    features: &'a Array2<f64>,
    one_hot: &'a Array2<f64>,
    inverse: &'a Array1<f64>,
    row_weights: Option<&'a Array1<f64>>,
    hyperparameters: &'a Hyperparameters,
    nesterov: Nesterov,
    iteration: usize,
}

/// What one iteration gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Counted from 1.
    pub iteration: usize,
    /// The weights W after it, classes × columns.
    pub weights: Array2<f64>,
    /// The largest |score| that the polynomial was given in it; infinite if any was not a number.
    pub largest_score: f64,
    /// The range of scores on which the polynomial can be trusted.
    pub trusted_range: f64,
    /// Whether errors drive the largest score away from zero instead of back. That is so where p(z) < 0 for z > 0, as
    /// y − p then leads away from zero for any label, and for a score that is too large to come back.
    pub runs_away: bool,
    /// The largest entry of |V| after it. V is the point that an encrypted run keeps.
    pub largest_weight: f64,
}

impl Step {
    /// Refuses scores that left the trusted range.
    ///
    /// # Errors
    ///
    /// [`Error::ScoreRange`] if they did not: the polynomial does not stand for the sigmoid there. The scores may come
    /// back, or the training [diverges](Self::check_divergence).
    pub fn check_range(&self) -> Result<(), Error> {
        let Self { iteration, largest_score: score, trusted_range, .. } = *self;
        if score <= trusted_range {
            Ok(())
        } else {
            Err(Error::ScoreRange { iteration, score, trusted_range })
        }
    }

    /// Refuses scores that are no longer led back ([`runs_away`](Self::runs_away)). A run diverges if those of its last
    /// step are not led back; one whose scores left the range and came back does not diverge.
    ///
    /// # Errors
    ///
    /// [`Error::Divergence`].
    pub fn check_divergence(&self) -> Result<(), Error> {
        let Self { iteration, largest_score: score, trusted_range, runs_away, .. } = *self;
        if runs_away { Err(Error::Divergence { iteration, score, trusted_range }) } else { Ok(()) }
    }
}

/// Scores of this many times the polynomial's range do not come back: a polynomial that grows throws them further to
/// the other side.
const FAR: f64 = 16.0;

impl<'a> Reference<'a> {
    /// A run from zero weights. `features` is samples × columns, `one_hot` samples × classes, `inverse` 1/B of each
    /// column.
    ///
    /// # Panics
    ///
    /// If the shapes do not fit together. [`TrainingSet::reference`](crate::TrainingSet::reference) gives ones that do.
    #[must_use]
    pub fn new(
        features: &'a Array2<f64>,
        one_hot: &'a Array2<f64>,
        inverse: &'a Array1<f64>,
        hyperparameters: &'a Hyperparameters,
    ) -> Self {
        assert_eq!(features.nrows(), one_hot.nrows(), "a label for each sample");
        assert_eq!(features.ncols(), inverse.len(), "a preconditioner for each column");
        let momentum = Momentum::limited(hyperparameters.momentum_limit());
        let nesterov = Nesterov::new(one_hot.ncols(), features.ncols(), momentum);
        Self { features, one_hot, inverse, row_weights: None, hyperparameters, nesterov, iteration: 0 }
    }

    /// The same run with rows that count `weights` times in the gradient.
    ///
    /// # Panics
    ///
    /// If there is not a weight for each row.
    #[must_use]
    pub fn with_row_weights(self, weights: &'a Array1<f64>) -> Self {
        assert_eq!(self.features.nrows(), weights.len(), "a weight for each sample");
        Self { row_weights: Some(weights), ..self }
    }

    /// One iteration.
    fn step(&mut self) -> Step {
        self.iteration += 1;
        let sigmoid = self.hyperparameters.sigmoid();
        let scores = self.features.dot(&self.nesterov.velocity().t());
        let largest_score = largest(&scores);
        let mut errors = self.one_hot - &scores.mapv(|score| sigmoid.value(score));
        if let Some(weights) = self.row_weights {
            errors *= &weights.view().insert_axis(Axis(1));
        }
        let rate = self.hyperparameters.learning_rate().factor(self.iteration, self.features.nrows());
        let ascent = rate * errors.t().dot(self.features) * self.inverse;
        self.nesterov.advance(&ascent, self.hyperparameters.weight_decay());
        Step {
            iteration: self.iteration,
            weights: self.nesterov.weights().clone(),
            largest_score,
            trusted_range: sigmoid.trusted_range(),
            runs_away: runs_away(sigmoid, largest_score),
            largest_weight: largest(self.nesterov.velocity()),
        }
    }
}

/// Whether a score, at least 0, is not led back by a polynomial.
fn runs_away(sigmoid: &SigmoidPolynomial, score: f64) -> bool {
    let range = sigmoid.trusted_range();
    score > FAR * range || score > range && sigmoid.value(score) < 0.0
}

/// The largest absolute value; infinite if any is not a number.
fn largest(values: &Array2<f64>) -> f64 {
    values.iter().fold(
        0.0,
        |largest, value| {
            if value.is_nan() { f64::INFINITY } else { f64::max(largest, value.abs()) }
        },
    )
}

impl Iterator for Reference<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        (self.iteration < self.hyperparameters.iterations()).then(|| self.step())
    }
}

#[cfg(test)]
mod tests;
