//! Discrete Gaussian errors.

use rand_core::CryptoRng;

use super::{SecretCoefficients, sample_words};

/// σ of the errors: 8/√(2π), the value of the security tables.
pub const ERROR_STANDARD_DEVIATION: f64 = 3.19;

/// ⌊2⁶³ · P(|x| ≥ k)⌋ for k = 1, 2, … and P(x) ∝ exp(−x²/2σ²), computed with 80 decimal digits. The tail beyond the
/// table has probability below 2⁻⁶³.
const TAILS: [u64; LENGTH] = [
    0x6ffe065e4d356b97,
    0x51830c10f87c934a,
    0x3735817a27cb5a86,
    0x22a2ae887089f77f,
    0x140caa67aafbde4f,
    0x0aad236f7f84412a,
    0x05377dfa9e5b368b,
    0x02559a69adb48002,
    0x00f47eeb445b1346,
    0x005b5603a15a8b17,
    0x001f1ef88510c6e6,
    0x0009a9c07ef0ea2f,
    0x0002bb6f66643a6b,
    0x0000b3f7fb32c792,
    0x00002a1e718025e7,
    0x000008f639863d12,
    0x000001bba386f094,
    0x0000004df0855ab5,
    0x0000000c6fc2dca2,
    0x00000001cd4f92e2,
    0x000000003caeda33,
    0x00000000073ee89b,
    0x0000000000c901cc,
    0x000000000013c408,
    0x000000000001c374,
    0x000000000000248a,
    0x00000000000002ae,
    0x000000000000002d,
    0x0000000000000002,
];

const LENGTH: usize = 29;

/// `degree` independent coefficients of the discrete Gaussian with σ = [`ERROR_STANDARD_DEVIATION`], by inversion of
/// the cumulative table: 63 bits of a random word choose the magnitude, the last one the sign. The whole table is
/// compared for every sample.
pub fn sample_gaussian(degree: usize, rng: &mut impl CryptoRng) -> SecretCoefficients {
    sample_words(degree, rng, |word| {
        let uniform = word >> 1;
        // Both are below 2⁶³, so that the sign of the difference says which is less.
        let magnitude = TAILS.iter().map(|&tail| uniform.wrapping_sub(tail) >> 63).sum::<u64>() as i64;
        let sign = -((word & 1) as i64);
        (magnitude ^ sign) - sign
    })
}

#[cfg(test)]
mod tests;
