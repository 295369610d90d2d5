//! Objectives: how the scores of samples and their labels become errors.
//!
//! All generalised linear models with their canonical links have the gradient (y − μ(z))ᵀ x, for scores z = x vᵀ and
//! targets y. They differ in the mean μ alone: the sigmoid for logistic regression, the identity for linear regression,
//! the exponential for Poisson regression. An [`Objective`] is μ as a circuit; the rest of training is the same for all
//! of them.

use std::fmt::Debug;

use volley_sigmoid::{MaskedSigmoid, SigmoidPolynomial};

use crate::error::Error;
use crate::volley_ckks::{Arithmetic, Complex64, Parameters, Scale};

/// The mean μ of a generalised linear model, on ciphertexts.
///
/// [`SigmoidPolynomial`] is the objective of logistic regression by the squared likelihood error. The tests of this
/// crate have two others, linear and Poisson regression (`tests/mlr/other_objectives.rs`).
pub trait Objective: Clone + Debug + Send + Sync {
    /// Levels that [`mean`](Self::mean) takes.
    fn levels(&self) -> usize;

    /// log₂ h: weights are encrypted at Δ/h, which is best where scores stay in \[−h, h\].
    fn log_headroom(&self) -> i32;

    /// μ(0). Training begins with weights of zero, whose errors need no ciphertext of scores.
    fn mean_at_zero(&self) -> f64;

    /// m ∘ b·μ(a·z) for scores z, at exactly the scale that is asked for and [`levels`](Self::levels) below z.
    ///
    /// # Errors
    ///
    /// What the arithmetic refuses, such as too few levels.
    fn mean<A: Arithmetic>(
        &self,
        arithmetic: &A,
        scores: &A::Ciphertext,
        of: &MaskedMean<'_>,
    ) -> Result<A::Ciphertext, Error>;
}

/// The mean that is wanted: m ∘ b·μ(a·z).
#[expect(missing_debug_implementations, reason = "a closure")]
pub struct MaskedMean<'a> {
    /// a, by which the encrypted values are multiplied to give scores.
    pub argument_factor: f64,
    /// b, by which means are multiplied; negative, with the step size in it.
    pub output_factor: f64,
    /// m, with one value for each slot. It is zero where there is no score, whatever is encrypted there.
    pub mask: &'a (dyn Fn() -> Vec<Complex64> + Sync),
    /// The scale of the result.
    pub scale: &'a Scale,
}

/// Δ/h: the scale of encrypted weights.
pub(crate) fn weight_scale(objective: &impl Objective, parameters: &Parameters) -> Scale {
    parameters.scale().divided_by(&Scale::power_of_two(objective.log_headroom()))
}

impl Objective for SigmoidPolynomial {
    fn levels(&self) -> usize {
        Self::levels(self)
    }

    fn log_headroom(&self) -> i32 {
        self.half_width().log2().ceil().max(0.0) as i32
    }

    fn mean_at_zero(&self) -> f64 {
        0.5
    }

    fn mean<A: Arithmetic>(
        &self,
        arithmetic: &A,
        scores: &A::Ciphertext,
        of: &MaskedMean<'_>,
    ) -> Result<A::Ciphertext, Error> {
        let MaskedMean { argument_factor, output_factor, mask, scale } = *of;
        let masked = MaskedSigmoid { polynomial: self, argument_factor, output_factor, mask };
        Ok(masked.evaluate(arithmetic, scores, scale)?)
    }
}
