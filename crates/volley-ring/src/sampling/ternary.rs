//! Uniform ternary coefficients.

use cmov::CmovEq;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{SecretCoefficients, sample_words};

/// `degree` independent coefficients, uniform on {−1, 0, 1}: ⌊3u/2⁶⁴⌋ − 1 for a random word u, within 2⁻⁶³ of uniform.
pub fn sample_ternary(degree: usize, rng: &mut impl CryptoRng) -> SecretCoefficients {
    sample_words(degree, rng, |word| ((u128::from(word) * 3) >> 64) as i64 - 1)
}

/// `degree` coefficients of which `weight` are −1 or 1 and the others 0, uniform among all of these within
/// `weight`·2⁻⁴⁶ for degrees up to 2¹⁷.
///
/// Each of the `weight` coefficients takes one random word, and a pass over all places puts it into a free one:
/// `weight`·`degree` steps. When i places are taken, the word names one of the `degree` − i free places. So every
/// sequence of places has the same probability, and every set of places comes from the same number of sequences,
/// `weight`!.
///
/// Neither a branch nor an index depends on where a place is: the comparison is one instruction that the compiler does
/// not see into.
///
/// # Panics
///
/// Where the weight is above the degree.
pub fn sample_sparse_ternary(degree: usize, weight: usize, rng: &mut impl CryptoRng) -> SecretCoefficients {
    assert!(weight <= degree);
    let mut coefficients = Zeroizing::new(vec![0_i64; degree]);
    for placed in 0..weight {
        let word = Zeroizing::new(rng.next_u64());
        let sign = 1 - 2 * (*word & 1) as i64;
        // How many free places are passed over.
        let mut ahead = ((u128::from(*word >> 1) * (degree - placed) as u128) >> 63) as i64;
        for coefficient in coefficients.iter_mut() {
            let free = *coefficient & 1 ^ 1;
            let mut here = 0;
            ahead.cmoveq(&0, free as u8, &mut here);
            *coefficient += sign * i64::from(here);
            ahead -= free;
        }
    }
    coefficients
}

#[cfg(test)]
mod tests;
