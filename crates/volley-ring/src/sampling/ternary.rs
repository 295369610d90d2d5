//! Uniform ternary coefficients.

use rand_core::CryptoRng;

use super::{SecretCoefficients, sample_words};

/// `degree` independent coefficients, uniform on {−1, 0, 1}: ⌊3u/2⁶⁴⌋ − 1 for a random word u, within 2⁻⁶³ of uniform.
pub fn sample_ternary(degree: usize, rng: &mut impl CryptoRng) -> SecretCoefficients {
    sample_words(degree, rng, |word| ((u128::from(word) * 3) >> 64) as i64 - 1)
}

#[cfg(test)]
mod tests;
