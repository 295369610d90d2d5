//! The three curves that the paper compares, in clear and with exact probabilities.
//!
//! All are [`Nesterov`] ascents without weight decay. With n samples and γₜ = 1/(n t) the step Δ is
//!
//! | | probabilities P | Δ |
//! |---|---|---|
//! | [`Baseline::Softmax`] | softmax of each row | γₜ (y − P)ᵀ x |
//! | [`Baseline::Sle`] | sigmoid | γₜ (y − P)ᵀ x |
//! | [`Baseline::SleQuadratic`] | sigmoid | (1 + γₜ) (1/B) ∘ (y − P)ᵀ x |
//!
//! as in the paper's Python code, except that the code clips scores at ±8 before the sigmoid.

use ndarray::{Array1, Array2};
use volley_sigmoid::sigmoid;

use crate::method::learning_rate::LearningRate;
use crate::method::nesterov::{Momentum, Nesterov};

/// A curve of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Baseline {
    /// NAG on multinomial logistic regression.
    Softmax,
    /// NAG on the squared likelihood error.
    Sle,
    /// NAG on the squared likelihood error with the quadratic gradient.
    SleQuadratic,
}

/// A run of one baseline: an iterator without end over the weights (classes × columns) after each iteration.
#[derive(Clone, Debug)]
pub struct BaselineRun<'a> {
    baseline: Baseline,
    features: &'a Array2<f64>,
    one_hot: &'a Array2<f64>,
    inverse: &'a Array1<f64>,
    nesterov: Nesterov,
    iteration: usize,
}

impl<'a> BaselineRun<'a> {
    /// A run from zero weights. `features` is samples × columns, `one_hot` samples × classes, `inverse` 1/B of each
    /// column (read by [`Baseline::SleQuadratic`] only).
    ///
    /// # Panics
    ///
    /// If the shapes do not fit together. [`TrainingSet::baseline`](crate::TrainingSet::baseline) gives ones that do.
    #[must_use]
    pub fn new(
        baseline: Baseline,
        features: &'a Array2<f64>,
        one_hot: &'a Array2<f64>,
        inverse: &'a Array1<f64>,
    ) -> Self {
        assert_eq!(features.nrows(), one_hot.nrows(), "a label for each sample");
        assert_eq!(features.ncols(), inverse.len(), "a preconditioner for each column");
        let nesterov = Nesterov::new(one_hot.ncols(), features.ncols(), Momentum::default());
        Self { baseline, features, one_hot, inverse, nesterov, iteration: 0 }
    }
}

impl Iterator for BaselineRun<'_> {
    type Item = Array2<f64>;

    fn next(&mut self) -> Option<Array2<f64>> {
        self.iteration += 1;
        let rate = LearningRate::Decaying.factor(self.iteration, self.features.nrows());
        let scores = self.features.dot(&self.nesterov.velocity().t());
        let probabilities = match self.baseline {
            Baseline::Softmax => softmax(scores),
            Baseline::Sle | Baseline::SleQuadratic => scores.mapv_into(sigmoid),
        };
        let gradient = (self.one_hot - &probabilities).t().dot(self.features);
        let ascent = match self.baseline {
            Baseline::Softmax | Baseline::Sle => (rate - 1.0) * gradient,
            Baseline::SleQuadratic => rate * gradient * self.inverse,
        };
        self.nesterov.advance(&ascent, 0.0);
        Some(self.nesterov.weights().clone())
    }
}

/// Each row's exponentials over their sum.
fn softmax(mut scores: Array2<f64>) -> Array2<f64> {
    for mut row in scores.rows_mut() {
        // Subtracting the largest changes nothing and keeps the exponentials finite.
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.mapv_inplace(|score| (score - largest).exp());
        let sum = row.sum();
        row /= sum;
    }
    scores
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn softmax_rows_sum_to_one_and_do_not_overflow() {
        let p = softmax(array![[1e4, 1e4 + 3.0_f64.ln()], [0.0, 0.0]]);
        assert!((&p - &array![[0.25, 0.75], [0.5, 0.5]]).iter().all(|d| d.abs() < 1e-9));
    }

    #[test]
    fn first_steps_by_hand() {
        // Zero weights: P is 1/3 for softmax, 1/2 for the sigmoid. n = 1, γ₁ = 1, W = (1 − η₁) Δ.
        let (x, y, inverse) = (array![[1.0, 2.0]], array![[1.0, 0.0, 0.0]], array![0.5, 0.25]);
        let first = |baseline| BaselineRun::new(baseline, &x, &y, &inverse).next().unwrap();
        let rest = 1.0 - Momentum::default().advance();
        let close = |a: Array2<f64>, b: Array2<f64>| (a - b * rest).iter().all(|d| d.abs() < 1e-15);
        let third = 1.0 / 3.0;
        let softmax = array![[2.0 * third, 4.0 * third], [-third, -2.0 * third], [-third, -2.0 * third]];
        assert!(close(first(Baseline::Softmax), softmax));
        assert!(close(first(Baseline::Sle), array![[0.5, 1.0], [-0.5, -1.0], [-0.5, -1.0]]));
        assert!(close(first(Baseline::SleQuadratic), array![[0.5, 0.5], [-0.5, -0.5], [-0.5, -0.5]]));
    }
}
