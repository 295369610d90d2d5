//! Random polynomials.
//!
//! Uniform polynomials are public: they are expanded from a [`Seed`] by a rule that is part of every file format
//! ([`expand_uniform`]). Ternary and Gaussian polynomials are secret: their samplers draw a fixed number of random
//! words a coefficient and have no branch and no index that depends on a value; what they return wipes itself.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

mod gaussian;
mod ternary;
mod uniform;
mod wide;

pub use gaussian::{ERROR_STANDARD_DEVIATION, sample_gaussian};
pub use ternary::{sample_sparse_ternary, sample_ternary};
pub use uniform::{Domain, Seed, expand_uniform};
pub use wide::{WideCoefficients, WideGaussian};

/// Signed coefficients that are wiped when dropped.
pub type SecretCoefficients = Zeroizing<Vec<i64>>;

/// One coefficient for each random word.
fn sample_words(degree: usize, rng: &mut impl CryptoRng, sample: impl Fn(u64) -> i64) -> SecretCoefficients {
    let mut coefficients = Zeroizing::new(vec![0; degree]);
    coefficients.iter_mut().for_each(|word| *word = rng.next_u64() as i64);
    // A loop of its own, so that the compiler vectorises it.
    coefficients.iter_mut().for_each(|word| *word = sample(*word as u64));
    coefficients
}
