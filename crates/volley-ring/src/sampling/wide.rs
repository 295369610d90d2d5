//! Discrete Gaussians of any width.
//!
//! A sum x + k·x′ of two independent discrete Gaussians of deviation σ is one of deviation σ·√(1 + k²), as long as the
//! grid k·Z disappears in the width of x (Micciancio and Walter, "Gaussian sampling over the integers: efficient,
//! generic, constant-time", eprint 2017/259, corollary 4.2): for k·√2·η_ε(Z) ≤ σ√(2π) the quotient of the two
//! probabilities is 1 ± O(ε) everywhere. From the errors' σ₀ = 3.19 on, each step takes the largest such k, so that σ
//! about squares: a deviation of 2^35 is the sum of 2^6 errors, one of 2^70 of 2^7, each with its factor.
//!
//! Here k ≤ σ/2.2, so √2·η ≤ 2.2·√(2π) holds for ε = 2^−65 (η_ε(Z)² ≤ ln(2 + 2/ε)/π). All is in integers: no low bits
//! are missing, as they are from a wide Gaussian that was computed in floating point, and no branch and no index
//! depends on a value.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::gaussian::{ERROR_STANDARD_DEVIATION, sample_gaussian};

/// Signed coefficients that may be longer than a word, wiped when dropped.
pub type WideCoefficients = Zeroizing<Vec<i128>>;

/// σ/k at least: √2·η_ε(Z)/√(2π) for ε = 2^−65.
const SMOOTHING: f64 = 2.2;

/// A discrete Gaussian whose deviation is one that sums of errors have.
#[derive(Clone, Debug, PartialEq)]
pub struct WideGaussian {
    /// The factors k, from the narrowest sums on.
    factors: Vec<i128>,
    deviation: f64,
}

impl WideGaussian {
    /// Widest deviation: no sum comes near the 127 bits of a coefficient.
    pub const MAX_DEVIATION: f64 = (1u128 << 100) as f64;

    /// The narrowest of these distributions with at least this deviation, which is wider by at most √(5/2); `None` for
    /// one above [`MAX_DEVIATION`](Self::MAX_DEVIATION) or for no number.
    #[must_use]
    pub fn at_least(deviation: f64) -> Option<Self> {
        if deviation.is_nan() || deviation > Self::MAX_DEVIATION {
            return None;
        }
        let mut gaussian = Self { factors: Vec::new(), deviation: ERROR_STANDARD_DEVIATION };
        while gaussian.deviation < deviation {
            let wanted = ((deviation / gaussian.deviation).powi(2) - 1.0).sqrt().ceil();
            let factor = wanted.min((gaussian.deviation / SMOOTHING).floor()).max(1.0);
            gaussian.factors.push(factor as i128);
            gaussian.deviation *= factor.hypot(1.0);
        }
        Some(gaussian)
    }

    /// σ.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    /// `degree` independent coefficients: a sum of 2^steps errors each, as described at the top of this module.
    pub fn sample(&self, degree: usize, rng: &mut impl CryptoRng) -> WideCoefficients {
        self.sum(self.factors.len(), degree, rng)
    }

    /// The deviation of the sums with the first `steps` factors.
    fn sum(&self, steps: usize, degree: usize, rng: &mut impl CryptoRng) -> WideCoefficients {
        let Some(last) = steps.checked_sub(1) else {
            let errors = sample_gaussian(degree, rng);
            return Zeroizing::new(errors.iter().map(|&error| i128::from(error)).collect());
        };
        let mut sum = self.sum(last, degree, rng);
        let scaled = self.sum(last, degree, rng);
        for (sum, &scaled) in sum.iter_mut().zip(scaled.iter()) {
            *sum += self.factors[last] * scaled;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_deviation_is_what_was_asked_for_and_hardly_more() {
        for exponent in 0..1000 {
            let wanted = (f64::from(exponent) / 10.0).exp2();
            let gaussian = WideGaussian::at_least(wanted).unwrap();
            assert!(gaussian.deviation() >= wanted);
            let least = wanted.max(ERROR_STANDARD_DEVIATION);
            assert!(gaussian.deviation() <= least * 1.582, "2^{}", wanted.log2());
            // Every factor is one that the narrower sum hides.
            let mut deviation = ERROR_STANDARD_DEVIATION;
            for &factor in &gaussian.factors {
                assert!(factor == 1 || factor as f64 * SMOOTHING <= deviation);
                deviation *= (factor as f64).hypot(1.0);
            }
            assert!(gaussian.factors.len() <= 8, "{gaussian:?}");
        }
        assert_eq!(WideGaussian::at_least(0.0).unwrap().factors, []);
        for none in [f64::NAN, f64::INFINITY, 1.1 * WideGaussian::MAX_DEVIATION] {
            assert_eq!(WideGaussian::at_least(none), None);
        }
    }

    #[test]
    fn samples_have_the_deviation_and_the_tails_of_a_gaussian() {
        const SAMPLES: usize = 1 << 14;
        for wanted in [1.0, 5.0, 100.0, (1u64 << 40) as f64, (1u128 << 75) as f64, (1u128 << 100) as f64] {
            let gaussian = WideGaussian::at_least(wanted).unwrap();
            let samples = gaussian.sample(SAMPLES, &mut ChaCha20Rng::seed_from_u64(7));
            let unit: Vec<f64> = samples.iter().map(|&x| x as f64 / gaussian.deviation()).collect();
            let mean = |f: fn(f64) -> f64| unit.iter().map(|&x| f(x)).sum::<f64>() / SAMPLES as f64;
            // Five deviations of each estimate.
            assert!(mean(|x| x).abs() < 5.0 / 128.0, "{wanted:e}");
            assert!((mean(|x| x * x) - 1.0).abs() < 5.0 * 1.415 / 128.0, "{wanted:e}");
            assert!((mean(|x| x.powi(4)) - 3.0).abs() < 5.0 * 9.8 / 128.0, "{wanted:e}");
            let within = mean(|x| f64::from(x.abs() <= 1.0));
            assert!(gaussian.factors.len() < 3 || (within - 0.6827).abs() < 0.02, "{wanted:e}: {within}");
        }
    }

    #[test]
    fn no_low_bit_is_known() {
        // The residues modulo small numbers are uniform. A float of 53 bits would leave them zero.
        let gaussian = WideGaussian::at_least((1u128 << 90) as f64).unwrap();
        let samples = gaussian.sample(1 << 14, &mut ChaCha20Rng::seed_from_u64(8));
        for modulus in [2, 3, 7, 8] {
            let mut counts = vec![0.0; modulus as usize];
            samples.iter().for_each(|x| counts[x.rem_euclid(modulus) as usize] += 1.0);
            let expected = samples.len() as f64 / modulus as f64;
            let chi_square: f64 =
                counts.iter().map(|count: &f64| (count - expected).powi(2) / expected).sum();
            assert!(chi_square < 30.0, "modulo {modulus}: {chi_square}");
        }
    }
}
