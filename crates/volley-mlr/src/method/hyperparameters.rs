//! The settings that are chosen before training. They are public, known to owner and server.

use volley_sigmoid::SigmoidPolynomial;

use crate::error::Error;
use crate::method::learning_rate::LearningRate;
use crate::method::objective::{Objective, weight_scale};
use crate::method::update_rule::UpdateRule;
use crate::preparation::profile::Profile;
use crate::volley_ckks::multiparty::Smudging;
use crate::volley_ckks::params::{MAX_OWNERS, ParametersError};
use crate::volley_ckks::{Error as CkksError, Flooding, Parameters, Scale};

/// Iterations up to which scores stay within the cubic's range on all data that was looked at: on standardised data,
/// and on whitened data, where scores grow faster (docs/training.md).
const FEW_STANDARDISED: usize = 10;
const FEW_WHITENED: usize = 4;
/// Rate of a few iterations on whitened features (docs/training.md).
const FEW_WHITENED_RATE: f64 = 1.0;
/// λ for more iterations than that on whitened features.
const WHITENED_DECAY: f64 = 0.03;
/// Bound on normalised weights where none is given: half as large again as the largest that was measured
/// (docs/training.md).
const WEIGHT_RANGE: f64 = 90.0;

/// Who gets a decrypted model, and what hides its error from them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Disclosure {
    /// The owner alone: nothing hides it.
    Private,
    /// Anybody.
    Flooded(Flooding),
    /// The owners of a pool, none of whom holds the key.
    Pooled(PoolDisclosure),
}

/// How the owners of a pool decrypt: each adds noise that hides what the result says of its share of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolDisclosure {
    /// Owners of the pool.
    pub owners: usize,
    /// λ: what the shares of all decryptions together say differs from what the results say by a statistical distance
    /// of at most 2^−λ.
    pub statistical_bits: u32,
    /// τ: ciphertexts that the pool decrypts, those of statistics and predictions included.
    pub decryptions: u32,
}

/// The settings of one training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameters {
    profile: Profile,
    sigmoid: SigmoidPolynomial,
    rule: UpdateRule,
    weight_range: f64,
    disclosure: Disclosure,
}

impl Hyperparameters {
    /// The number of iterations where none is asked for, whatever the shape of the table and the profile.
    ///
    /// With the settings of [`standard`](Self::standard) no score left the polynomial's range on any table that was
    /// looked at, and the accuracy was within a point of the best of one to four iterations (docs/training.md).
    pub const AUTO_ITERATIONS: usize = 2;

    /// Any combination of settings. `weight_decay` is λ: the weights are scaled by 1 − λ before each step.
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
        let rule = UpdateRule::new(iterations, learning_rate, weight_decay)?;
        Ok(Self { profile, sigmoid, rule, weight_range: WEIGHT_RANGE, disclosure: Disclosure::Private })
    }

    /// The paper's settings: raw features, its degree-3 polynomial, rate 1 + 1/(n t), no weight decay.
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`] for none.
    pub fn paper(iterations: usize) -> Result<Self, Error> {
        Self::new(iterations, Profile::Paper, SigmoidPolynomial::paper(), 0.0, LearningRate::Decaying)
    }

    /// Whitened features. Up to four iterations take rate 1 and the polynomial of [`few`](Self::few). More iterations
    /// take rate 2 and the polynomial of [`many`](Self::many), a weight decay of 0.03 and a momentum of at most 0.7
    /// (docs/training.md).
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`] for none.
    pub fn standard(iterations: usize) -> Result<Self, Error> {
        let settings = if iterations <= FEW_WHITENED {
            let few = Self::few(iterations)?;
            let rule = UpdateRule::new(iterations, LearningRate::Constant(FEW_WHITENED_RATE), 0.0)?;
            Self { rule, ..few }
        } else {
            let many = Self::many(iterations)?;
            let rule = many.rule.with_weight_decay(WHITENED_DECAY)?;
            Self { rule, ..many }
        };
        Ok(Self { profile: Profile::Standard, ..settings })
    }

    /// Standardised features and rate 2: [`few`](Self::few) for up to ten iterations, [`many`](Self::many) for more.
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`] for none.
    pub fn standardised(iterations: usize) -> Result<Self, Error> {
        if iterations <= FEW_STANDARDISED { Self::few(iterations) } else { Self::many(iterations) }
    }

    /// Standardised features, the least squares polynomial of degree 3 on \[−8, 8\], rate 2, no weight decay. These
    /// settings reach the most with few levels.
    ///
    /// Between the 10th iteration and the 60th, depending on the data, scores leave the polynomial's range and training
    /// diverges.
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`] for none.
    pub fn few(iterations: usize) -> Result<Self, Error> {
        let sigmoid = SigmoidPolynomial::least_squares(3, 8.0)?;
        Self::new(iterations, Profile::Standardised, sigmoid, 0.0, LearningRate::Constant(2.0))
    }

    /// Standardised features, the least squares polynomial of degree 7 on \[−16, 16\], rate 2, weight decay 0.01 and a
    /// momentum of at most 0.7: stable for as many iterations as wanted on all data that was looked at, with scores
    /// within ±10 (docs/training.md).
    ///
    /// # Errors
    ///
    /// [`Error::NoIterations`] for none.
    pub fn many(iterations: usize) -> Result<Self, Error> {
        let sigmoid = SigmoidPolynomial::for_range(16.0)?;
        Self::new(iterations, Profile::Standardised, sigmoid, 0.01, LearningRate::Constant(2.0))?
            .with_momentum_limit(0.7)
    }

    /// These settings with another polynomial, such as [that for a bound on the
    /// scores](SigmoidPolynomial::for_range).
    #[must_use]
    pub fn with_sigmoid(self, sigmoid: SigmoidPolynomial) -> Self {
        Self { sigmoid, ..self }
    }

    /// These settings with the paper's momentum up to a size of `limit`
    /// ([`Momentum::limited`](crate::Momentum::limited)).
    ///
    /// # Errors
    ///
    /// [`Error::MomentumLimit`] unless it is in \[0, 1\].
    pub fn with_momentum_limit(self, limit: f64) -> Result<Self, Error> {
        Ok(Self { rule: self.rule.with_momentum_limit(limit)?, ..self })
    }

    /// The same settings for another number of iterations, at least one.
    pub(crate) fn with_iterations(self, iterations: usize) -> Self {
        Self { rule: self.rule.with_iterations(iterations), ..self }
    }

    /// These settings with a bound on the [normalised](crate::Preconditioner) weights. A plan that refreshes weights
    /// makes room for it, with as many bits less for their fractions, and the owner checks it before encrypting.
    ///
    /// # Errors
    ///
    /// [`Error::WeightRange`] unless it is positive and at most 2²⁰.
    pub fn with_weight_range(self, range: f64) -> Result<Self, Error> {
        const MAX: f64 = (1 << 20) as f64;
        if range > 0.0 && range <= MAX {
            Ok(Self { weight_range: range, ..self })
        } else {
            Err(Error::WeightRange { range })
        }
    }

    /// These settings for a model that may be shared. The plan takes a scale that leaves
    /// [`MIN_SHARED_BITS`](crate::MIN_SHARED_BITS) bits of the weights under noise that hides what decryption says of
    /// the key.
    #[must_use]
    pub fn shareable(self, flooding: Flooding) -> Self {
        Self { disclosure: Disclosure::Flooded(flooding), ..self }
    }

    /// These settings for a model of several owners. The plan takes a scale that leaves
    /// [`MIN_SHARED_BITS`](crate::MIN_SHARED_BITS) bits of the weights under the noise of all owners' shares.
    ///
    /// # Errors
    ///
    /// [`Error::Pool`] for a number of owners that no pool has, and for λ or τ that no
    /// [`Smudging`] has.
    pub fn pooled(self, disclosure: PoolDisclosure) -> Result<Self, Error> {
        let PoolDisclosure { owners, statistical_bits, decryptions } = disclosure;
        if !(2..=MAX_OWNERS).contains(&owners) {
            return Err(CkksError::from(ParametersError::PoolSize { owners, max: MAX_OWNERS }).into());
        }
        Smudging::new(statistical_bits, decryptions, 1.0)?;
        Ok(Self { disclosure: Disclosure::Pooled(disclosure), ..self })
    }

    /// Rate, momentum, weight decay and number of iterations.
    #[must_use]
    pub fn update_rule(&self) -> &UpdateRule {
        &self.rule
    }

    /// Number of iterations, at least one.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.rule.iterations()
    }

    /// How features are prepared.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The polynomial that stands for the sigmoid.
    #[must_use]
    pub fn sigmoid(&self) -> &SigmoidPolynomial {
        &self.sigmoid
    }

    /// log₂ h with h rounded up to a power of two.
    pub(crate) fn log_headroom(&self) -> i32 {
        self.sigmoid.log_headroom()
    }

    /// Δ/h: the scale of encrypted weights.
    pub(crate) fn weight_scale(&self, parameters: &Parameters) -> Scale {
        weight_scale(&self.sigmoid, parameters)
    }

    /// η₁, η₂, … of all iterations.
    pub fn momentum(&self) -> impl Iterator<Item = f64> + use<> {
        self.rule.momentum()
    }

    /// The largest size of η.
    #[must_use]
    pub fn momentum_limit(&self) -> f64 {
        self.rule.momentum_limit()
    }

    /// The bound on normalised weights.
    #[must_use]
    pub fn weight_range(&self) -> f64 {
        self.weight_range
    }

    /// How decrypted models are flooded, if they are to be shared.
    #[must_use]
    pub fn flooding(&self) -> Option<Flooding> {
        match self.disclosure {
            Disclosure::Flooded(flooding) => Some(flooding),
            Disclosure::Private | Disclosure::Pooled(_) => None,
        }
    }

    /// How the owners of a pool decrypt models, if there is a pool.
    #[must_use]
    pub fn pool(&self) -> Option<PoolDisclosure> {
        match self.disclosure {
            Disclosure::Pooled(pool) => Some(pool),
            Disclosure::Private | Disclosure::Flooded(_) => None,
        }
    }

    /// Whether a decrypted model gets noise that hides its error.
    pub(crate) fn hides_errors(&self) -> bool {
        self.disclosure != Disclosure::Private
    }

    pub(crate) fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// λ in [0, 1).
    #[must_use]
    pub fn weight_decay(&self) -> f64 {
        self.rule.weight_decay()
    }

    /// The learning rate.
    #[must_use]
    pub fn learning_rate(&self) -> LearningRate {
        self.rule.learning_rate()
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
        assert_eq!(standard.learning_rate().factor(7, 128), 1.0);
        assert_eq!(
            (standard.profile(), standard.weight_decay(), standard.iterations()),
            (Profile::Standard, 0.0, 2)
        );
        assert_eq!(Hyperparameters::standard(4).unwrap().sigmoid(), standard.sigmoid());
        let longer = Hyperparameters::standard(5).unwrap();
        assert_eq!((longer.sigmoid().degree(), longer.sigmoid().half_width()), (7, 16.0));
        assert_eq!((longer.profile(), longer.weight_decay()), (Profile::Standard, 0.03));
        assert_eq!((longer.momentum_limit(), longer.learning_rate()), (0.7, LearningRate::Constant(2.0)));
        assert_eq!(Hyperparameters::standardised(10), Hyperparameters::few(10));
        assert_eq!(Hyperparameters::few(2).unwrap().learning_rate(), LearningRate::Constant(2.0));
        let many = Hyperparameters::standardised(11).unwrap();
        assert_eq!(many, Hyperparameters::many(11).unwrap());
        assert_eq!(many.profile(), Profile::Standardised);
        assert_eq!((many.sigmoid().degree(), many.sigmoid().half_width()), (7, 16.0));
        assert_eq!((many.weight_decay(), many.momentum_limit()), (0.01, 0.7));
        assert_eq!(many.momentum().count(), 11);
    }

    #[test]
    fn as_many_columns_are_whitened_as_can_be() {
        assert_eq!(Profile::Standard.check_features(4096), Ok(()));
        let refusal = Error::WhitenedColumns { columns: 4097, max: 4096 };
        assert_eq!(Profile::Standard.check_features(4097), Err(refusal.clone()));
        assert_eq!(Profile::Standardised.check_features(4097), Ok(()));
        let data = crate::Dataset::new(ndarray::Array2::zeros((2, 4097)), ["a", "b"]).unwrap();
        assert_eq!(crate::TrainingSet::new(&data, Profile::Standard).unwrap_err(), refusal);
        let settings = Hyperparameters::standard(1).unwrap();
        let refused = crate::Plan::new(2, 4097, 2, &settings, crate::testing::small_ring(14));
        assert_eq!(refused.unwrap_err(), refusal);
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
        let few = Hyperparameters::few(1).unwrap();
        for limit in [-0.1, 1.1] {
            assert_eq!(few.clone().with_momentum_limit(limit), Err(Error::MomentumLimit { limit }));
        }
        for range in [0.0, -1.0, f64::INFINITY] {
            assert_eq!(few.clone().with_weight_range(range), Err(Error::WeightRange { range }));
        }
        assert!(matches!(few.with_weight_range(f64::NAN), Err(Error::WeightRange { .. })));
        assert!(matches!(with(f64::NAN, 1.0), Err(Error::WeightDecay { .. })));
        assert!(matches!(with(0.0, f64::NAN), Err(Error::LearningRate { .. })));
    }
}
