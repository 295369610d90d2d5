//! Noise: the standard deviation of the error that each operation adds, as formulas that the tests compare with
//! measurements.
//!
//! All figures are for one coefficient of c₀ + c₁·s − Δ·m. With a secret of variance V_s a coefficient and rounding
//! errors uniform on [−1/2, 1/2] (variance 1/12), an error pair (r₀, r₁) contributes Var(r₀) + N·V_s·Var(r₁). V_s is
//! 2/3 for one owner and n·2/3 for a pool of n: the parameters say which
//! ([`SecretDistribution`]). The error of a slot, as a complex number, has √N times
//! the standard deviation of a coefficient, divided by the scale.

use volley_ring::sampling::ERROR_STANDARD_DEVIATION;

use crate::base::params::{Parameters, SecretDistribution};
use crate::base::scale::Scale;

/// Variance of a rounding error.
const ROUNDING_VARIANCE: f64 = 1.0 / 12.0;

/// An estimate of the noise of a ciphertext: independent errors add their variances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    variance: f64,
}

impl Noise {
    /// The noise of encryption under the secret key: one Gaussian error.
    #[must_use]
    pub fn encryption() -> Self {
        Self { variance: ERROR_STANDARD_DEVIATION.powi(2) }
    }

    /// The noise of encryption under the public key of the parameters' secret: (e·u + e₀ + e₁·s)/P for a ternary u, and
    /// the rounding of the division. A pool's key has an error e of each owner.
    #[must_use]
    pub fn public_encryption(parameters: &Parameters) -> Self {
        Self::encryption_for(parameters, parameters.secret())
    }

    /// The noise of an encryption under the public key of one owner, whatever the secret of the parameters.
    #[must_use]
    pub fn personal_encryption(parameters: &Parameters) -> Self {
        Self::encryption_for(parameters, SecretDistribution::Ternary)
    }

    fn encryption_for(parameters: &Parameters, secret: SecretDistribution) -> Self {
        let (n, owners) = (parameters.degree() as f64, secret.owners() as f64);
        let ephemeral = SecretDistribution::Ternary.variance();
        let inner = 1.0 + n * (owners * ephemeral + secret.variance());
        let special: f64 = parameters.p().iter().map(|&p| (p as f64).powi(-2)).product();
        let inner = ERROR_STANDARD_DEVIATION.powi(2) * inner * special;
        Self { variance: inner }.plus(Self::rounding_for(parameters, secret))
    }

    /// The noise of the encoding of a plaintext: its coefficients are rounded.
    #[must_use]
    pub fn plaintext_rounding() -> Self {
        Self { variance: ROUNDING_VARIANCE }
    }

    /// The noise of a division with rounding: a rescaling, or the end of a key switch.
    #[must_use]
    pub fn rounding(parameters: &Parameters) -> Self {
        Self::rounding_for(parameters, parameters.secret())
    }

    fn rounding_for(parameters: &Parameters, secret: SecretDistribution) -> Self {
        let n = parameters.degree() as f64;
        Self { variance: ROUNDING_VARIANCE * (1.0 + n * secret.variance()) }
    }

    /// The noise of a key switch at `level`, by any key but a pool's relinearization key: digits uniform on
    /// [−D/2, D/2) times Gaussian errors, one of each owner, divided by P, and rounding.
    #[must_use]
    pub fn key_switch(parameters: &Parameters, level: usize) -> Self {
        let owners = parameters.secret().owners() as f64;
        Self::switch_by(parameters, level, owners * ERROR_STANDARD_DEVIATION.powi(2))
    }

    /// The noise of a relinearization at `level`. The key of one owner is any other key. That of a pool of n is made in
    /// two rounds and has the error s·e₀ + u·e₁ + e₂ + e₃, where all are sums over the owners: variance
    /// 2·n·σ²·(1 + N·V_s).
    #[must_use]
    pub fn relinearization(parameters: &Parameters, level: usize) -> Self {
        let (n, secret) = (parameters.degree() as f64, parameters.secret());
        match secret {
            SecretDistribution::Ternary => Self::key_switch(parameters, level),
            SecretDistribution::TernarySum { owners } => {
                let errors = 2.0 * owners as f64 * ERROR_STANDARD_DEVIATION.powi(2);
                Self::switch_by(parameters, level, errors * (1.0 + n * secret.variance()))
            }
        }
    }

    /// The noise of a key switch by a key whose errors have this variance.
    fn switch_by(parameters: &Parameters, level: usize, error_variance: f64) -> Self {
        let n = parameters.degree() as f64;
        let p: f64 = parameters.p().iter().map(|&p| p as f64).product();
        let digits = parameters.digits()[..parameters.digit_count(level)].iter().map(|digit| {
            let live = &parameters.q()[digit.start..digit.end.min(parameters.limbs(level))];
            let ratio = live.iter().map(|&q| q as f64).product::<f64>() / p;
            ROUNDING_VARIANCE * ratio.powi(2)
        });
        let inner = n * error_variance * digits.sum::<f64>();
        Self { variance: inner }.plus(Self::rounding(parameters))
    }

    /// The noise that an owner adds to a decryption: for each coefficient the sum of three values uniform on
    /// [−2^b, 2^b), b = `log_bound`.
    #[must_use]
    pub fn smudging(log_bound: u32) -> Self {
        Self { variance: f64::from(2 * log_bound).exp2() }
    }

    /// The noise of a sum of `count` independent errors of this kind.
    #[must_use]
    pub fn repeated(self, count: usize) -> Self {
        Self { variance: self.variance * count as f64 }
    }

    /// The noise of a sum of independent errors.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { variance: self.variance + other.variance }
    }

    /// The noise after a multiplication by a constant factor, or a division by a prime.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { variance: self.variance * factor.powi(2) }
    }

    /// The noise of a product of two ciphertexts with the given root mean square of their slots and scales: each error
    /// times the other's message, and the product of the errors.
    #[must_use]
    pub fn product(self, message: f64, other: Self, other_message: f64, n: usize) -> Self {
        let cross = self.variance * other_message.powi(2) + other.variance * message.powi(2);
        Self { variance: cross + n as f64 * self.variance * other.variance }
    }

    /// Standard deviation of one coefficient.
    #[must_use]
    pub fn coefficient_deviation(self) -> f64 {
        self.variance.sqrt()
    }

    /// A bound t with ‖e‖₂ ≤ t for the N coefficients: twice the root mean square √(N·V). Where coefficients are
    /// independent and their tails no heavier than a Gaussian's, it fails with probability below e^(−0.8·N), that of a
    /// sum of N squares with mean 1 exceeding 4N. The coefficients of an error times the secret depend on each other by
    /// the secret, whose own norm is known within a few per cent.
    #[must_use]
    pub fn error_norm(self, parameters: &Parameters) -> f64 {
        2.0 * (self.variance * parameters.degree() as f64).sqrt()
    }

    /// Standard deviation of one slot at a scale: √(E|error|²).
    #[must_use]
    pub fn slot_deviation(self, parameters: &Parameters, scale: &Scale) -> f64 {
        (self.variance * parameters.degree() as f64).sqrt() / scale.to_f64()
    }
}

#[cfg(test)]
mod tests;
