//! The update rule, by which gradients become weights: rate, momentum and weight decay, on ciphertexts.
//!
//! In the notation of [`Nesterov`](crate::Nesterov), with M = w' the point that an iteration makes,
//!
//! ```text
//! M = (1 − λ) W + G,    W ← (1 − η) M + η V,    V ← M,
//! ```
//!
//! where G is rₜ times the preconditioned gradient. The last iteration T needs W only. Each iteration leaves the
//! *carry* C for the next one, with all the factors that are known in advance:
//!
//! ```text
//! C ← (1 − λ)·((1 − ηₜ) M + ηₜ V)                                   and next M = C + G,
//! C ← (1 − η_T)(1 − λ)·((1 − ηₜ) M + ηₜ V) + η_T M   for t = T − 1,  and the model is W = C + (1 − η_T)·G,
//! ```
//!
//! The factor 1 − η_T of the last line goes into the factor of the gradient, where it costs nothing.

use maybe_rayon::prelude::*;

use crate::error::Error;
use crate::method::learning_rate::LearningRate;
use crate::method::nesterov::Momentum;
use crate::volley_ckks::Arithmetic;

/// Rate, momentum, weight decay and number of iterations of a run: what any [`Objective`](crate::Objective) is trained by.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRule {
    iterations: usize,
    learning_rate: LearningRate,
    weight_decay: f64,
    momentum_limit: f64,
}

impl UpdateRule {
    /// A rule with the paper's momentum. `weight_decay` is λ: the weights are scaled by 1 − λ before each step.
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`], [`Error::WeightDecay`] unless 0 ≤ λ < 1, [`Error::LearningRate`] unless a constant rate
    /// is positive and finite.
    pub fn new(iterations: usize, learning_rate: LearningRate, weight_decay: f64) -> Result<Self, Error> {
        if iterations == 0 {
            return Err(Error::NoIterations);
        }
        if !(0.0..1.0).contains(&weight_decay) {
            return Err(Error::WeightDecay { value: weight_decay });
        }
        if let LearningRate::Constant(value) = learning_rate
            && !(value > 0.0 && value.is_finite())
        {
            return Err(Error::LearningRate { value });
        }
        Ok(Self { iterations, learning_rate, weight_decay, momentum_limit: 1.0 })
    }

    /// The same rule with another λ.
    ///
    /// # Errors
    ///
    /// [`Error::WeightDecay`] unless 0 ≤ λ < 1.
    pub fn with_weight_decay(self, weight_decay: f64) -> Result<Self, Error> {
        Self::new(self.iterations, self.learning_rate, weight_decay)?.with_momentum_limit(self.momentum_limit)
    }

    /// The same rule with the paper's momentum up to a size of `limit` ([`Momentum::limited`]).
    ///
    /// # Errors
    ///
    /// [`Error::MomentumLimit`] unless it is in \[0, 1\].
    pub fn with_momentum_limit(self, limit: f64) -> Result<Self, Error> {
        if (0.0..=1.0).contains(&limit) {
            Ok(Self { momentum_limit: limit, ..self })
        } else {
            Err(Error::MomentumLimit { limit })
        }
    }

    /// The same rule for another number of iterations.
    pub(crate) fn with_iterations(&self, iterations: usize) -> Self {
        Self { iterations, ..self.clone() }
    }

    /// T, at least one.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// The learning rate.
    #[must_use]
    pub fn learning_rate(&self) -> LearningRate {
        self.learning_rate
    }

    /// λ in [0, 1).
    #[must_use]
    pub fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    /// The largest size of η.
    #[must_use]
    pub fn momentum_limit(&self) -> f64 {
        self.momentum_limit
    }

    /// η₁, η₂, … of all iterations.
    pub fn momentum(&self) -> impl Iterator<Item = f64> + use<> {
        Momentum::limited(self.momentum_limit).take(self.iterations)
    }

    /// ηₜ of an iteration, from 1.
    fn eta(&self, iteration: usize) -> f64 {
        (0..iteration).zip(self.momentum()).last().map_or(0.0, |(_, eta)| eta)
    }

    /// The factor of the gradient of an iteration: rₜ, in the last iteration times 1 − η_T.
    pub(crate) fn gradient_factor(&self, iteration: usize, samples: usize) -> f64 {
        let remaining = if iteration == self.iterations { 1.0 - self.eta(iteration) } else { 1.0 };
        self.learning_rate.factor(iteration, samples) * remaining
    }

    /// The factors of M and of V whose sum is W after an iteration.
    pub(crate) fn weight_factors(&self, iteration: usize) -> (f64, f64) {
        if iteration == self.iterations {
            return (1.0, 0.0);
        }
        let eta = self.eta(iteration);
        (1.0 - eta, eta)
    }

    /// C, which iteration t leaves for iteration t + 1: a·M + b·V, one level below them.
    pub(crate) fn carry<A: Arithmetic>(
        &self,
        arithmetic: &A,
        iteration: usize,
        point: &[A::Ciphertext],
        previous: Option<&[A::Ciphertext]>,
    ) -> Result<Vec<A::Ciphertext>, Error> {
        let eta = self.eta(iteration);
        let next_is_last = iteration + 1 == self.iterations;
        let next_eta = if next_is_last { self.eta(iteration + 1) } else { 0.0 };
        let kept = (1.0 - self.weight_decay) * (1.0 - next_eta);
        let (a, b) = (kept * (1.0 - eta) + next_eta, kept * eta);
        let times = |x: &A::Ciphertext, factor: f64, level: usize| {
            let x = arithmetic.drop_level(x, level)?;
            arithmetic.multiply_constant(&x, factor, &arithmetic.parameters().rescaling_factor(level))
        };
        (0..point.len())
            .into_par_iter()
            .map(|block| {
                let level = arithmetic.operand(&point[block]).level;
                let mut carry = times(&point[block], a, level)?;
                if let Some(previous) = previous {
                    carry = arithmetic.add(&carry, &times(&previous[block], b, level)?)?;
                }
                Ok(arithmetic.rescale(&carry)?)
            })
            .collect()
    }
}
