//! Nesterov's accelerated ascent with the paper's momentum.
//!
//! With V and W zero at first and Δₜ the step that the gradient at V gives, iteration t = 1, 2, … is
//!
//! ```text
//! w' = (1 − λ) W + Δₜ,    W ← (1 − ηₜ) w' + ηₜ V,    V ← w'
//! ηₜ = (1 − αₜ)/αₜ₊₁,     α₁ = 0.01,  αₜ₊₁ = (1 + √(1 + 4αₜ²))/2.
//! ```
//!
//! The gradient is taken at V and added to W, as in the paper's Algorithm 1. η is 0.99, then next to 0, then negative
//! and tends to −1.

use ndarray::{Array2, Zip};

/// The momentum η₁, η₂, …: an iterator without end.
#[derive(Clone, Debug)]
pub struct Momentum {
    alpha: f64,
    limit: f64,
}

impl Default for Momentum {
    /// The paper's momentum, which tends to 1 in size.
    fn default() -> Self {
        Self::limited(1.0)
    }
}

impl Momentum {
    /// max(ηₜ, −`limit`): the paper's momentum until it reaches the limit, which it then keeps. A limit below 1 damps
    /// the swings of long runs, whose weights otherwise overshoot.
    #[must_use]
    pub fn limited(limit: f64) -> Self {
        Self { alpha: 0.01, limit }
    }

    /// The next ηₜ.
    pub fn advance(&mut self) -> f64 {
        let next = 0.5 * (1.0 + (1.0 + 4.0 * self.alpha * self.alpha).sqrt());
        let eta = (1.0 - self.alpha) / next;
        self.alpha = next;
        eta.max(-self.limit)
    }
}

impl Iterator for Momentum {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        Some(self.advance())
    }
}

/// The weights W and the point V at which gradients are taken, classes × columns.
#[derive(Clone, Debug)]
pub struct Nesterov {
    weights: Array2<f64>,
    velocity: Array2<f64>,
    momentum: Momentum,
}

impl Nesterov {
    /// Zero weights.
    #[must_use]
    pub fn new(classes: usize, columns: usize, momentum: Momentum) -> Self {
        let zero = Array2::zeros((classes, columns));
        Self { weights: zero.clone(), velocity: zero, momentum }
    }

    /// W: the model after the iterations so far.
    #[must_use]
    pub fn weights(&self) -> &Array2<f64> {
        &self.weights
    }

    /// V: where the next gradient is taken.
    #[must_use]
    pub fn velocity(&self) -> &Array2<f64> {
        &self.velocity
    }

    /// One iteration with Δ = `step` (classes × columns) and λ = `weight_decay`.
    ///
    /// # Panics
    ///
    /// If `step` has another shape.
    pub fn advance(&mut self, step: &Array2<f64>, weight_decay: f64) {
        let eta = self.momentum.advance();
        Zip::from(&mut self.weights).and(&mut self.velocity).and(step).for_each(|w, v, s| {
            let ahead = (1.0 - weight_decay) * *w + s;
            *w = (1.0 - eta) * ahead + eta * *v;
            *v = ahead;
        });
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_momentum_follows_its_recurrence() {
        let eta: Vec<f64> = Momentum::default().take(1000).collect();
        let alpha_2 = 0.5 * (1.0 + 1.0004_f64.sqrt());
        assert!((eta[0] - 0.99 / alpha_2).abs() < 1e-15);
        let alpha_3 = 0.5 * (1.0 + (1.0 + 4.0 * alpha_2 * alpha_2).sqrt());
        assert!((eta[1] - (1.0 - alpha_2) / alpha_3).abs() < 1e-15);
        assert!(eta.windows(2).all(|pair| pair[1] < pair[0]) && eta[999] > -1.0 && eta[999] < -0.99);
    }

    #[test]
    fn a_limited_momentum_is_the_same_until_it_reaches_the_limit() {
        for (eta, limited) in Momentum::default().zip(Momentum::limited(0.7)).take(100) {
            assert_eq!(limited, if eta < -0.7 { -0.7 } else { eta });
        }
    }

    #[test]
    fn an_iteration_is_the_printed_one() {
        let mut nesterov = Nesterov::new(1, 1, Momentum::default());
        let (mut w, mut v) = (0.0, 0.0);
        for (eta, step) in Momentum::default().zip([3.0, -1.0, 2.0, 0.5]) {
            nesterov.advance(&array![[step]], 0.25);
            let ahead = 0.75 * w + step;
            (w, v) = ((1.0 - eta) * ahead + eta * v, ahead);
            assert_eq!((nesterov.weights()[[0, 0]], nesterov.velocity()[[0, 0]]), (w, v));
        }
    }
}
