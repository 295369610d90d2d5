//! The encrypted training, in f64 and in clear: the same algorithm with the same polynomial.
//!
//! For prepared features x (samples × columns), one-hot labels y and t = 1, 2, …
//!
//! ```text
//! z = x Vᵀ,   Δ = rₜ · (1/B) ∘ (y − p(z))ᵀ x,
//! ```
//!
//! with the learning rate rₜ of [`LearningRate`](crate::LearningRate); [`Nesterov`] makes the weights of Δ. The encrypted
//! trainer is tested against this, not against exact logistic regression, and a run that will diverge shows it here for
//! free: each [`Step`] reports how far the scores went.

use ndarray::{Array1, Array2};

use crate::{Error, Hyperparameters, Momentum, Nesterov};

/// A training run in clear: an iterator over its iterations.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    features: &'a Array2<f64>,
    one_hot: &'a Array2<f64>,
    inverse: &'a Array1<f64>,
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
    /// The largest entry of |V| after it, the point that an encrypted run keeps.
    pub largest_weight: f64,
}

impl Step {
    /// Whether the scores stayed in the trusted range.
    ///
    /// # Errors
    ///
    /// [`Error::ScoreRange`] if they did not: training diverges here or soon after.
    pub fn check_range(&self) -> Result<(), Error> {
        let Self { iteration, largest_score: score, trusted_range, .. } = *self;
        if score <= trusted_range {
            Ok(())
        } else {
            Err(Error::ScoreRange { iteration, score, trusted_range })
        }
    }
}

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
        Self { features, one_hot, inverse, hyperparameters, nesterov, iteration: 0 }
    }

    /// One iteration.
    fn step(&mut self) -> Step {
        self.iteration += 1;
        let sigmoid = self.hyperparameters.sigmoid();
        let scores = self.features.dot(&self.nesterov.velocity().t());
        let largest_score = largest(&scores);
        let errors = self.one_hot - &scores.mapv(|score| sigmoid.value(score));
        let rate = self.hyperparameters.learning_rate().factor(self.iteration, self.features.nrows());
        let ascent = rate * errors.t().dot(self.features) * self.inverse;
        self.nesterov.advance(&ascent, self.hyperparameters.weight_decay());
        Step {
            iteration: self.iteration,
            weights: self.nesterov.weights().clone(),
            largest_score,
            trusted_range: sigmoid.trusted_range(),
            largest_weight: largest(self.nesterov.velocity()),
        }
    }
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
