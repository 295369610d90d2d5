//! Smudging: noise of each owner that hides what the noise of a ciphertext says about the owners' secrets.
//!
//! A share of a decryption is s_i·c₁ + g_i. Whoever knows the result Δ·m + e and all other owners' secrets computes
//! s_i·c₁ = Δ·m + e − c₀ − Σ s_j·c₁, so what the share shows is the noise e + g_i: e depends on s_i and on the
//! computation, and g_i has to hide it. Here each coefficient of g_i is the sum of three values, independent and
//! uniform on [−B, B) for B = 2^b.
//!
//! **Distance.** Let p be the distribution of such a sum, and h its Hellinger distance from itself shifted by one: h² =
//! ½·Σₓ (√p(x + 1) − √p(x))². By the triangle inequality for √p in ℓ₂ a shift by an integer e_k has a distance of at
//! most |e_k|·h. Squares of Hellinger distances of independent parts add up at most, and so do those of decryptions one
//! after another, each of which may depend on what the ones before have shown. So τ ciphertexts with ‖e‖₂ ≤ t have H² ≤
//! τ·t²·h², and a statistical distance of at most √2·H. For three uniform values p is nearly a parabolic spline, and
//! √2·h·B falls with B towards √4.562/4 = 0.534; at B = 8 it is 0.544. Hence
//!
//! ```text
//! B ≥ 0.55·2^λ·√τ·t
//! ```
//!
//! gives a distance of at most 2^−λ over all τ decryptions together, for each owner against all others and the server.
//! This is exact: no part of it is an estimate but t, which comes from the noise of the circuit that was planned
//! ([`Noise::error_norm`](crate::noise::Noise::error_norm)), never from a constant. An error with t < 1 is none.
//!
//! **Why three.** One uniform value has edges, at which a shift is seen with probability |e_k|/2B in each coefficient.
//! That asks for B ≥ 2^(λ−1)·τ·√N·t, and for N = 2^16 is 2^7·√τ times the noise. With two the constant grows with
//! √(ln B), beyond 2.6 at B = 2^80. Three have a deviation of B, 1.07 times that of a Gaussian, which has the least for
//! the same h. A sampler of Gaussians is within some distance of them, for which λ would have to be corrected; sums of
//! uniform integers are drawn as they are.
//!
//! **What it costs.** The result has the sum of all owners' noise, √n·B a coefficient and √(N·n)·B/Δ a slot. A
//! ciphertext must be decrypted at a scale and level that leave room for that: b is about λ + ½·log₂ N more than the
//! logarithm of a coefficient's noise. [`with_room`](Smudging::with_room) finds the λ that there is room for.

use rand_core::CryptoRng;
use volley_ring::{Eval, RnsBasis, RnsPoly};
use zeroize::Zeroizing;

use super::error::PoolError;
use crate::base::params::Parameters;
use crate::rlwe::noise::Noise;
use crate::scheme::operand::Operand;

/// Uniform values that a coefficient is the sum of.
const TERMS: usize = 3;
/// Above √2·h·B for every B ≥ 8.
const DISTANCE: f64 = 0.55;

/// How much decryptions may reveal: λ, for τ ciphertexts whose errors have the norm t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smudging {
    statistical_bits: u32,
    decryptions: u32,
    error_norm: f64,
}

impl Smudging {
    /// Fewest bits of statistical security.
    pub const MIN_STATISTICAL_BITS: u32 = 40;
    /// Bits of statistical security where there is room for them.
    pub const DEFAULT_STATISTICAL_BITS: u32 = 64;
    /// Most bits of statistical security: more than any key has.
    pub const MAX_STATISTICAL_BITS: u32 = 128;

    /// λ = `statistical_bits` for τ = `decryptions` ciphertexts under the key of one pool, whose errors have at most
    /// the norm t = `error_norm` each.
    ///
    /// # Errors
    ///
    /// [`PoolError::StatisticalBits`] for less than 40 bits or more than 128, [`PoolError::NoDecryptions`], and
    /// [`PoolError::ErrorNorm`] unless the norm is a positive number.
    pub fn new(statistical_bits: u32, decryptions: u32, error_norm: f64) -> Result<Self, PoolError> {
        let (min, max) = (Self::MIN_STATISTICAL_BITS, Self::MAX_STATISTICAL_BITS);
        if !(min..=max).contains(&statistical_bits) {
            return Err(PoolError::StatisticalBits { bits: statistical_bits, min, max });
        }
        if decryptions == 0 {
            return Err(PoolError::NoDecryptions);
        }
        if !(error_norm > 0.0 && error_norm.is_finite()) {
            return Err(PoolError::ErrorNorm { norm: error_norm });
        }
        Ok(Self { statistical_bits, decryptions, error_norm })
    }

    /// As [`new`](Self::new), with the most bits up to the default that there is room for: a ciphertext of this operand
    /// that `owners` owners decrypt keeps `precision` bits after the binary point of its slots. That is, the deviation
    /// of a slot by smudging stays below 2^−`precision`.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), and [`PoolError::NoRoom`] where there is room for less than 40 bits.
    pub fn with_room(
        parameters: &Parameters,
        operand: &Operand,
        owners: usize,
        precision: f64,
        decryptions: u32,
        error_norm: f64,
    ) -> Result<Self, PoolError> {
        let slot = Noise::smudging(0).repeated(owners).slot_deviation(parameters, &operand.scale).log2();
        let room_log2 = (-precision - slot).min(modulus_room(parameters, operand.level, owners));
        let least = Self::new(Self::MIN_STATISTICAL_BITS, decryptions, error_norm)?;
        let log_bound = least.log_bound();
        let spare = (room_log2 - f64::from(log_bound)).floor();
        if spare < 0.0 {
            return Err(PoolError::NoRoom { bits: least.statistical_bits, log_bound, owners, room_log2 });
        }
        let more = Self::DEFAULT_STATISTICAL_BITS - Self::MIN_STATISTICAL_BITS;
        Ok(Self { statistical_bits: least.statistical_bits + more.min(spare as u32), ..least })
    }

    /// λ.
    #[must_use]
    pub fn statistical_bits(&self) -> u32 {
        self.statistical_bits
    }

    /// τ.
    #[must_use]
    pub fn decryptions(&self) -> u32 {
        self.decryptions
    }

    /// t.
    #[must_use]
    pub fn error_norm(&self) -> f64 {
        self.error_norm
    }

    /// b: a coefficient of each owner's noise is the sum of three values uniform on [−2^b, 2^b). One bit more of
    /// security is one bit more of noise.
    #[must_use]
    pub fn log_bound(&self) -> u32 {
        let ciphertexts = 0.5 * f64::from(self.decryptions).log2();
        let hidden =
            DISTANCE.log2() + f64::from(self.statistical_bits) + ciphertexts + self.error_norm.log2();
        hidden.ceil().max(0.0) as u32
    }

    /// The noise that all owners together add to a decryption.
    #[must_use]
    pub fn noise(&self, owners: usize) -> Noise {
        Noise::smudging(self.log_bound()).repeated(owners)
    }

    /// [`log_bound`](Self::log_bound), where the modulus of a level has room for it.
    pub(super) fn checked_log_bound(
        &self,
        parameters: &Parameters,
        level: usize,
        owners: usize,
    ) -> Result<u32, PoolError> {
        let (log_bound, room_log2) = (self.log_bound(), modulus_room(parameters, level, owners));
        if f64::from(log_bound) > room_log2 {
            return Err(PoolError::NoRoom { bits: self.statistical_bits, log_bound, owners, room_log2 });
        }
        Ok(log_bound)
    }
}

/// log₂ of the largest bound for which the noise of all owners is below a quarter of the modulus: another quarter is
/// left for values.
fn modulus_room(parameters: &Parameters, level: usize, owners: usize) -> f64 {
    parameters.log_q(level) - 2.0 - ((TERMS * owners) as f64).log2()
}

/// Noise of one owner: coefficients independent, each the sum of three values uniform on [−2^b, 2^b), b = `log_bound`,
/// modulo the primes of a basis.
pub(super) fn sample_smudging(
    basis: &RnsBasis,
    log_bound: u32,
    rng: &mut impl CryptoRng,
) -> Zeroizing<RnsPoly<Eval>> {
    let mut sum = sample_uniform(basis, log_bound, rng);
    for _ in 1..TERMS {
        basis.add_assign(&mut sum, &sample_uniform(basis, log_bound, rng));
    }
    sum
}

/// Coefficients independent and uniform on [−2^b, 2^b), b = `log_bound`, modulo the primes of a basis.
///
/// A coefficient is put together of signed words, the highest of which carries the sign, so that it is exact for every
/// b. No branch and no address depends on it.
pub(super) fn sample_uniform(
    basis: &RnsBasis,
    log_bound: u32,
    rng: &mut impl CryptoRng,
) -> Zeroizing<RnsPoly<Eval>> {
    const CHUNK: u32 = 48;
    // Both have at least one bit to take: the lower words CHUNK each, the highest what is left and the sign.
    let (lower, top_bits) = (log_bound / CHUNK, log_bound % CHUNK + 1);
    let mut chunk = |value: &dyn Fn(u64) -> i64| {
        let words = (0..basis.degree()).map(|_| value(rng.next_u64())).collect();
        let words: Zeroizing<Vec<i64>> = Zeroizing::new(words);
        basis.from_signed(&words)
    };
    let radix: Vec<u64> = basis.moduli().map(|q| q.reduce(1 << CHUNK)).collect();
    let mut sum = chunk(&|word| word as i64 >> (u64::BITS - top_bits));
    for _ in 0..lower {
        basis.mul_integer_assign(&mut sum, &radix);
        let words = Zeroizing::new(chunk(&|word| (word >> (u64::BITS - CHUNK)) as i64));
        basis.add_assign(&mut sum, &words);
    }
    Zeroizing::new(basis.forward(sum))
}
