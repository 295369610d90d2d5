//! What is chosen before training: public, known to owner and server.

use serde::{Deserialize, Serialize};
use volley_sigmoid::SigmoidPolynomial;

use crate::Error;
use crate::volley_ckks::{Flooding, Parameters, Scale};

/// How features are prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Raw features, as in the paper.
    Paper,
    /// Square roots of non-negative columns, then standardised.
    Standard,
}

/// What the preconditioned gradient is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LearningRate {
    /// 1 + γₜ with γₜ = 1/(n t), the paper's.
    Decaying,
    /// The same in every iteration.
    Constant(f64),
}

impl LearningRate {
    /// The factor of iteration t = `iteration`, counted from 1, with n = `samples`.
    #[must_use]
    pub fn factor(&self, iteration: usize, samples: usize) -> f64 {
        match self {
            Self::Decaying => 1.0 + 1.0 / (samples as f64 * iteration as f64),
            Self::Constant(rate) => *rate,
        }
    }
}

/// The settings of one training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameters {
    iterations: usize,
    profile: Profile,
    sigmoid: SigmoidPolynomial,
    weight_decay: f64,
    learning_rate: LearningRate,
    flooding: Option<Flooding>,
}

impl Hyperparameters {
    /// Any combination. `weight_decay` is λ: the weights are scaled by 1 − λ before each step.
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`], [`Error::WeightDecay`] unless 0 ≤ λ < 1, [`Error::LearningRate`] unless a constant
    /// rate is positive and finite.
    pub fn new(
        iterations: usize,
        profile: Profile,
        sigmoid: SigmoidPolynomial,
        weight_decay: f64,
        learning_rate: LearningRate,
    ) -> Result<Self, Error> {
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
        Ok(Self { iterations, profile, sigmoid, weight_decay, learning_rate, flooding: None })
    }

    /// The paper's: raw features, its degree-3 polynomial, rate 1 + 1/(n t), no weight decay.
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`] for none.
    pub fn paper(iterations: usize) -> Result<Self, Error> {
        Self::new(iterations, Profile::Paper, SigmoidPolynomial::paper(), 0.0, LearningRate::Decaying)
    }

    /// Standardised features, the least squares polynomial of degree 3 on \[−8, 8\], rate 2, no weight decay.
    ///
    /// Made for few iterations: between the 20th and the 60th, depending on the data, scores leave the polynomial's
    /// range and training diverges. Longer runs take degree 5 or 7 on a wider interval, or a weight decay.
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`] for none.
    pub fn standard(iterations: usize) -> Result<Self, Error> {
        let sigmoid = SigmoidPolynomial::least_squares(3, 8.0)?;
        Self::new(iterations, Profile::Standard, sigmoid, 0.0, LearningRate::Constant(2.0))
    }

    /// With a model that may be shared: the plan takes a scale that leaves weights of
    /// [`MIN_SHARED_BITS`](crate::MIN_SHARED_BITS) bits under noise that hides what decryption says of the key.
    #[must_use]
    pub fn shareable(self, flooding: Flooding) -> Self {
        Self { flooding: Some(flooding), ..self }
    }

    /// Number of iterations, at least one.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// How features are prepared.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The polynomial in the sigmoid's place.
    #[must_use]
    pub fn sigmoid(&self) -> &SigmoidPolynomial {
        &self.sigmoid
    }

    /// log₂ h with h rounded up to a power of two.
    pub(crate) fn log_headroom(&self) -> i32 {
        self.sigmoid.half_width().log2().ceil().max(0.0) as i32
    }

    /// Δ/h: the scale of encrypted weights.
    pub(crate) fn weight_scale(&self, parameters: &Parameters) -> Scale {
        parameters.scale().divided_by(&Scale::power_of_two(self.log_headroom()))
    }

    /// How decrypted models are flooded, if they are to be shared.
    #[must_use]
    pub fn flooding(&self) -> Option<Flooding> {
        self.flooding
    }

    /// λ in [0, 1).
    #[must_use]
    pub fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    /// The learning rate.
    #[must_use]
    pub fn learning_rate(&self) -> LearningRate {
        self.learning_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_the_documented_ones() {
        let paper = Hyperparameters::paper(2).unwrap();
        assert_eq!(paper.sigmoid(), &SigmoidPolynomial::paper());
        assert_eq!(paper.learning_rate().factor(2, 128), 1.0 + 1.0 / 256.0);
        let standard = Hyperparameters::standard(2).unwrap();
        assert_eq!(standard.sigmoid().degree(), 3);
        assert_eq!(standard.learning_rate().factor(7, 128), 2.0);
        assert_eq!(
            (standard.profile(), standard.weight_decay(), standard.iterations()),
            (Profile::Standard, 0.0, 2)
        );
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        assert_eq!(Hyperparameters::paper(0), Err(Error::NoIterations));
        let with = |decay, rate| {
            Hyperparameters::new(
                1,
                Profile::Paper,
                SigmoidPolynomial::paper(),
                decay,
                LearningRate::Constant(rate),
            )
        };
        for value in [-0.1, 1.0] {
            assert_eq!(with(value, 1.0), Err(Error::WeightDecay { value }));
        }
        for value in [0.0, -1.0, f64::INFINITY] {
            assert_eq!(with(0.0, value), Err(Error::LearningRate { value }));
        }
        assert!(matches!(with(f64::NAN, 1.0), Err(Error::WeightDecay { .. })));
        assert!(matches!(with(0.0, f64::NAN), Err(Error::LearningRate { .. })));
    }
}
