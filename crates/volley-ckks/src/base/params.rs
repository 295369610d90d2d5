//! Parameter sets: ring degree, modulus chain, scale, and the security they have.
//!
//! [`Parameters`] exist only as the result of [`ParametersLiteral::build`], which checks every rule; nothing that
//! takes them checks again.
//!
//! # Levels
//!
//! A level is a group of consecutive primes, and a rescaling divides by their product at once. The usual scales take
//! one prime, scales from 2^51 on take two, and each level may have its own number. Precision then has no limit but the
//! modulus (*composite scaling*: Agrawal et al., eprint 2023/1462). Plans for models that are published need that
//! ([`flooding`](crate::flooding)), and a chain can be precise where the circuit has to be
//! ([`bootstrapping`](crate::bootstrapping)).

use std::iter::once;
use std::ops::Range;

#[cfg(feature = "wire")]
use serde::{Deserialize, Serialize};
use thiserror::Error;
use volley_ring::PackedPoly;
use volley_ring::prime::{MAX_BITS, ntt_primes};

use crate::base::id::id;
use crate::base::scale::Scale;

mod secret;
mod security;

pub use secret::{MAX_OWNERS, SecretDistribution};
pub use security::{EPHEMERAL_WEIGHT, MAX_EPHEMERAL_LOG_MODULUS, Security, max_log_qp};

/// Largest log₂ N that a parameter set may have.
pub const MAX_LOG_N: u32 = 17;

/// Most primes that a parameter set may have: more than any row of the security table has room for.
pub const MAX_PRIMES: usize = 256;

/// What a parameter set is built from: bit lengths, not primes. The primes of a length are the largest NTT-friendly
/// ones below the power of two, in descending order: first those of `levels`, then those of `p_bits`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "wire", derive(Serialize, Deserialize))]
pub struct ParametersLiteral {
    /// log₂ of the ring degree N.
    pub log_n: u32,
    /// Bit lengths of the primes q₀, q₁, … of each level, in order. Decryption happens under those of level 0; every
    /// level above carries one rescaling. A level has several primes where its factor is longer than a prime can be.
    pub levels: Vec<Vec<u32>>,
    /// Bit lengths of the special primes, whose product P absorbs the noise of key switching.
    pub p_bits: Vec<u32>,
    /// log₂ of the default scale.
    pub log_scale: u32,
    /// The claim that is checked.
    pub security: Security,
}

/// Why a literal is refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// The ring degree is out of range.
    #[error("log N = {log_n} is outside {min}..={max}")]
    LogN {
        /// The degree asked for.
        log_n: u32,
        /// Smallest allowed.
        min: u32,
        /// Largest allowed.
        max: u32,
    },
    /// No ciphertext prime, or no special prime.
    #[error("at least one ciphertext prime and one special prime are needed")]
    NoPrimes,
    /// More primes than are supported.
    #[error("{count} primes are more than the {max} that are supported")]
    TooManyPrimes {
        /// The number asked for.
        count: usize,
        /// Largest allowed.
        max: usize,
    },
    /// A bit length that no prime of this library has.
    #[error("a prime of {bits} bits is not supported for log N = {log_n}: the range is {min}..={max}")]
    PrimeBits {
        /// The length asked for.
        bits: u32,
        /// log₂ N.
        log_n: u32,
        /// Smallest length.
        min: u32,
        /// Largest length.
        max: u32,
    },
    /// Not enough primes of a bit length.
    #[error("there are not {wanted} NTT primes of {bits} bits for log N = {log_n}")]
    TooFewPrimes {
        /// The length asked for.
        bits: u32,
        /// How many were needed.
        wanted: usize,
        /// log₂ N.
        log_n: u32,
    },
    /// Key switching would lose precision: a prime wider than P.
    #[error("a ciphertext prime of {bits} bits is wider than the special modulus of {special_bits} bits")]
    SpecialModulusTooSmall {
        /// Bits of the widest ciphertext prime.
        bits: u32,
        /// Bits of P.
        special_bits: u32,
    },
    /// The scale is not one that level 0 can carry.
    #[error("a scale of 2^{log_scale} does not fit under a first modulus of {q0_bits} bits")]
    ScaleTooLarge {
        /// log₂ of the scale asked for.
        log_scale: u32,
        /// Bits of the primes of level 0.
        q0_bits: u32,
    },
    /// A level without primes.
    #[error("level {level} has no primes")]
    EmptyLevel {
        /// The level.
        level: usize,
    },
    /// The modulus is too large for the ephemeral secret of bootstrapping and the security claimed.
    #[error(
        "an ephemeral secret of weight {EPHEMERAL_WEIGHT} under a modulus of {log_modulus} bits at log N = {log_n} is \
         over what {claim} allows: {max} bits for 128-bit security at log N = 16"
    )]
    EphemeralSecret {
        /// Bits of q₀·p.
        log_modulus: f64,
        /// Most bits at N = 2^16.
        max: u32,
        /// log₂ N.
        log_n: u32,
        /// The claim.
        claim: Security,
    },
    /// A number of owners that no pool has.
    #[error("a pool of {owners} owners is not supported: there are 2 to {max}")]
    PoolSize {
        /// The number asked for.
        owners: usize,
        /// Largest allowed.
        max: usize,
    },
    /// Bootstrapping under the key of a pool: nobody holds the secret that its keys are made of.
    #[error("the secret is shared by {owners} owners, and no keys of bootstrapping are made for a pool")]
    PooledBootstrapping {
        /// Owners of the pool.
        owners: usize,
    },
    /// The modulus is too large for the security claimed.
    #[error("log QP = {log_qp} is over what {claim} allows at log N = {log_n}: {}", limit(*max))]
    Insecure {
        /// Bits of QP.
        log_qp: f64,
        /// The table's limit, where the table has a row.
        max: Option<u32>,
        /// log₂ N.
        log_n: u32,
        /// The claim.
        claim: Security,
    },
}

/// A hash of everything that decides whether two objects can be used together: N, the primes, the scale and the
/// distribution of the secret, with the number of its owners. It is BLAKE3 over the encoding documented at
/// [`Parameters::id`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamsId([u8; 32]);

id!(ParamsId, 32);

/// A checked parameter set.
#[derive(Clone, Debug)]
pub struct Parameters {
    log_n: u32,
    q: Vec<u64>,
    /// Number of ciphertext primes up to each level.
    limbs: Vec<usize>,
    /// log₂ of the modulus at each level: every product asks for it.
    log_q: Vec<f64>,
    /// The product of each level's primes: every rescaling asks for it.
    rescaling_factors: Vec<Scale>,
    p: Vec<u64>,
    log_scale: u32,
    security: Security,
    digits: Vec<Range<usize>>,
    secret: SecretDistribution,
    id: ParamsId,
}

/// Compares the hash, which has everything but the claim, and the claim.
impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.security) == (other.id, other.security)
    }
}

impl Eq for Parameters {}

impl ParametersLiteral {
    /// Checks the literal and finds its primes.
    ///
    /// # Errors
    ///
    /// [`ParametersError`] says which rule is broken: the range of `log_n` and of the bit lengths, at least one prime
    /// of each kind, P at least as wide as every qᵢ, a scale below q₀, and log₂ QP within the table of the claim.
    pub fn build(&self) -> Result<Parameters, ParametersError> {
        const MIN_LOG_N: u32 = 4;
        let Self { log_n, log_scale, security, .. } = *self;
        if !(MIN_LOG_N..=MAX_LOG_N).contains(&log_n) {
            return Err(ParametersError::LogN { log_n, min: MIN_LOG_N, max: MAX_LOG_N });
        }
        if self.levels.is_empty() || self.p_bits.is_empty() {
            return Err(ParametersError::NoPrimes);
        }
        if let Some(level) = self.levels.iter().position(Vec::is_empty) {
            return Err(ParametersError::EmptyLevel { level });
        }
        let q_bits = self.levels.concat();
        // Checked before anything that takes time: the search for thousands of primes takes minutes.
        let count = q_bits.len() + self.p_bits.len();
        if count > MAX_PRIMES {
            return Err(ParametersError::TooManyPrimes { count, max: MAX_PRIMES });
        }
        let min_bits = log_n + 6;
        let mut all = q_bits.iter().chain(&self.p_bits).copied();
        if let Some(bits) = all.clone().find(|bits| !(min_bits..=MAX_BITS).contains(bits)) {
            return Err(ParametersError::PrimeBits { bits, log_n, min: min_bits, max: MAX_BITS });
        }
        let special_bits: u32 = self.p_bits.iter().sum();
        if let Some(&bits) = q_bits.iter().find(|&&bits| bits > special_bits) {
            return Err(ParametersError::SpecialModulusTooSmall { bits, special_bits });
        }
        let q0_bits = self.levels[0].iter().sum();
        if log_scale >= q0_bits {
            return Err(ParametersError::ScaleTooLarge { log_scale, q0_bits });
        }
        // Primes lie just below their power of two.
        security.check(log_n, all.by_ref().map(f64::from).sum())?;
        let mut q = self.primes()?;
        let p = q.split_off(q_bits.len());
        let limbs: Vec<usize> = self
            .levels
            .iter()
            .scan(0, |limbs, level| {
                *limbs += level.len();
                Some(*limbs)
            })
            .collect();
        let digits = digits(&q, &p);
        let log_q = limbs.iter().map(|&limbs| log2_product(&q[..limbs])).collect();
        let product = |primes: &[u64]| {
            primes.iter().fold(Scale::power_of_two(0), |product, &q| product.times(&Scale::prime(q)))
        };
        let levels = once(0).chain(limbs.iter().copied()).zip(&limbs);
        let rescaling_factors = levels.map(|(below, &limbs)| product(&q[below..limbs])).collect();
        let secret = SecretDistribution::Ternary;
        let id = params_id(log_n, &q, &limbs, &p, log_scale, secret);
        Ok(Parameters {
            log_n,
            q,
            limbs,
            log_q,
            rescaling_factors,
            p,
            log_scale,
            security,
            digits,
            secret,
            id,
        })
    }

    /// Distinct primes for the levels and for `p_bits`.
    fn primes(&self) -> Result<Vec<u64>, ParametersError> {
        let all: Vec<u32> = self.levels.iter().flatten().chain(&self.p_bits).copied().collect();
        let mut chosen = vec![0; all.len()];
        let mut lengths = all.clone();
        lengths.sort_unstable();
        lengths.dedup();
        for bits in lengths {
            let places: Vec<usize> = (0..all.len()).filter(|&i| all[i] == bits).collect();
            let found: Vec<u64> = ntt_primes(1 << self.log_n, bits).take(places.len()).collect();
            if found.len() < places.len() {
                return Err(ParametersError::TooFewPrimes { bits, wanted: places.len(), log_n: self.log_n });
            }
            for (place, prime) in places.into_iter().zip(found) {
                chosen[place] = prime;
            }
        }
        Ok(chosen)
    }
}

impl Parameters {
    /// N = 2^14: 50 + 7 × 40 bits, two special primes of 50; seven levels, 128-bit security, exactly at the table.
    ///
    /// # Errors
    ///
    /// None in practice: the literal is tested.
    pub fn n14() -> Result<Self, ParametersError> {
        Self::preset(14, 7, 2)
    }

    /// N = 2^15: 50 + 14 × 40 bits, five special primes of 50; fourteen levels, 128-bit security.
    ///
    /// # Errors
    ///
    /// None in practice: the literal is tested.
    pub fn n15() -> Result<Self, ParametersError> {
        Self::preset(15, 14, 5)
    }

    /// N = 2^16: 50 + 27 × 40 bits, eight special primes of 50; 27 levels, 128-bit security.
    ///
    /// # Errors
    ///
    /// None in practice: the literal is tested.
    pub fn n16() -> Result<Self, ParametersError> {
        Self::preset(16, 27, 8)
    }

    fn preset(log_n: u32, levels: usize, special: usize) -> Result<Self, ParametersError> {
        let levels = [vec![vec![50]], vec![vec![40]; levels]].concat();
        let p_bits = vec![50; special];
        ParametersLiteral { log_n, levels, p_bits, log_scale: 40, security: Security::Classical128 }.build()
    }

    /// The same set for a secret that is the sum of `owners` uniform ternary ones
    /// ([`multiparty`](crate::multiparty)). Noise is that of the sum. Security is that of one summand, so the claim
    /// stays.
    ///
    /// # Errors
    ///
    /// [`ParametersError::PoolSize`] unless there are 2 to [`MAX_OWNERS`].
    pub fn pooled(&self, owners: usize) -> Result<Self, ParametersError> {
        if !(2..=MAX_OWNERS).contains(&owners) {
            return Err(ParametersError::PoolSize { owners, max: MAX_OWNERS });
        }
        let secret = SecretDistribution::TernarySum { owners };
        let id = params_id(self.log_n, &self.q, &self.limbs, &self.p, self.log_scale, secret);
        Ok(Self { secret, id, ..self.clone() })
    }

    /// What the secret is distributed as.
    #[must_use]
    pub fn secret(&self) -> SecretDistribution {
        self.secret
    }

    /// What the set was built from, but for the number of owners of a [pooled](Self::pooled) one.
    #[must_use]
    pub fn literal(&self) -> ParametersLiteral {
        let bits = |primes: &[u64]| primes.iter().map(|&prime| prime_bits(prime)).collect();
        ParametersLiteral {
            log_n: self.log_n,
            levels: (0..self.limbs.len()).map(|level| bits(self.level_primes(level))).collect(),
            p_bits: bits(&self.p),
            log_scale: self.log_scale,
            security: self.security,
        }
    }

    /// log₂ N.
    #[must_use]
    pub fn log_n(&self) -> u32 {
        self.log_n
    }

    /// The ring degree N.
    #[must_use]
    pub fn degree(&self) -> usize {
        1 << self.log_n
    }

    /// N/2, the number of complex slots of a full plaintext.
    #[must_use]
    pub fn max_slots(&self) -> usize {
        self.degree() / 2
    }

    /// The ciphertext primes q₀, …, q_L.
    #[must_use]
    pub fn q(&self) -> &[u64] {
        &self.q
    }

    /// The special primes.
    #[must_use]
    pub fn p(&self) -> &[u64] {
        &self.p
    }

    /// L, the level of a fresh ciphertext: the number of rescalings it has.
    #[must_use]
    pub fn max_level(&self) -> usize {
        self.limbs.len() - 1
    }

    /// Number of ciphertext primes that are live at `level`: all of them at levels above the highest.
    #[must_use]
    pub fn limbs(&self, level: usize) -> usize {
        self.limbs.get(level).copied().unwrap_or(self.q.len())
    }

    /// The primes of one level: those that a rescaling at it divides by. A level above the highest has none.
    #[must_use]
    pub fn level_primes(&self, level: usize) -> &[u64] {
        let below = if level == 0 { 0 } else { self.limbs(level - 1) };
        &self.q[below..self.limbs(level)]
    }

    /// The factor that a rescaling at `level` divides by: the product of the level's primes. Above the highest level it
    /// is one.
    #[must_use]
    pub fn rescaling_factor(&self, level: usize) -> Scale {
        self.rescaling_factors.get(level).cloned().unwrap_or_else(|| Scale::power_of_two(0))
    }

    /// log₂ of the default scale.
    #[must_use]
    pub fn log_scale(&self) -> u32 {
        self.log_scale
    }

    /// The default scale 2^`log_scale`.
    #[must_use]
    pub fn scale(&self) -> Scale {
        Scale::power_of_two(self.log_scale as i32)
    }

    /// log₂ of the product of the primes up to `level`: all of them at levels above the highest.
    #[must_use]
    pub fn log_q(&self, level: usize) -> f64 {
        self.log_q[level.min(self.max_level())]
    }

    /// log₂ of QP, on which security rests.
    #[must_use]
    pub fn log_qp(&self) -> f64 {
        self.log_q(self.max_level()) + log2_product(&self.p)
    }

    /// The security that was claimed and checked.
    #[must_use]
    pub fn security(&self) -> Security {
        self.security
    }

    /// The parameters of the ephemeral secret of [`bootstrapping`](crate::bootstrapping): level 0 alone, with one special
    /// prime p of its own. They claim nothing; [`check_ephemeral`](Self::check_ephemeral) checks what is claimed of the
    /// secret.
    ///
    /// # Panics
    ///
    /// Never: a part of a parameter set is a parameter set, and there are 50-bit primes for every ring.
    #[must_use]
    pub fn ephemeral(&self) -> Self {
        let ParametersLiteral { log_n, mut levels, log_scale, .. } = self.literal();
        levels.truncate(1);
        let literal = ParametersLiteral {
            log_n,
            levels,
            p_bits: vec![MAX_BITS],
            log_scale,
            security: Security::Unchecked,
        };
        literal.build().expect("level 0 is a chain")
    }

    /// Whether an ephemeral secret has the security that the set claims.
    ///
    /// # Errors
    ///
    /// [`ParametersError::EphemeralSecret`] where it has not, [`ParametersError::PooledBootstrapping`] for a secret
    /// that several owners share.
    pub fn check_ephemeral(&self) -> Result<(), ParametersError> {
        if let SecretDistribution::TernarySum { owners } = self.secret {
            return Err(ParametersError::PooledBootstrapping { owners });
        }
        self.security.check_ephemeral(self.log_n, self.log_q(0) + f64::from(MAX_BITS))
    }

    /// The gadget: indices of the primes of each digit. There are as few digits as there can be with none wider than P;
    /// a wider one would add its excess to the noise.
    #[must_use]
    pub fn digits(&self) -> &[Range<usize>] {
        &self.digits
    }

    /// Number of digits of a polynomial at `level`.
    #[must_use]
    pub fn digit_count(&self, level: usize) -> usize {
        self.digits.iter().take_while(|digit| digit.start < self.limbs(level)).count()
    }

    /// Bytes of a polynomial modulo Q_level, [packed](PackedPoly).
    pub(crate) fn packed_bytes(&self, level: usize) -> u64 {
        PackedPoly::byte_count(self.degree(), self.q_primes(level)) as u64
    }

    /// Bytes of a polynomial modulo Q_level·P, [packed](PackedPoly).
    pub(crate) fn packed_extended_bytes(&self, level: usize) -> u64 {
        let primes = self.q_primes(level).chain(self.p.iter().copied());
        PackedPoly::byte_count(self.degree(), primes) as u64
    }

    /// The primes up to `level`.
    pub(crate) fn q_primes(&self, level: usize) -> impl Iterator<Item = u64> + '_ {
        self.q[..self.limbs(level)].iter().copied()
    }

    /// The hash of this set: BLAKE3 of the ASCII text `volley-ckks parameters 1`, then, little-endian, log₂ N (u32),
    /// the number of levels (u32), for each of them the number of its primes (u32) and the primes (u64), the number of
    /// special primes (u32), the primes (u64), log₂ of the scale (u32) and the secret's distribution: the byte 1 for a
    /// uniform ternary one, the byte 2 and the number of owners (u8) for a sum.
    #[must_use]
    pub fn id(&self) -> ParamsId {
        self.id
    }
}

/// Bits of a prime: those of the length it was chosen for.
fn prime_bits(prime: u64) -> u32 {
    u64::BITS - prime.leading_zeros()
}

fn limit(max: Option<u32>) -> String {
    max.map_or_else(|| "the table has no such ring".to_owned(), |max| format!("{max} bits"))
}

/// log₂ of a product of primes.
fn log2_product(primes: &[u64]) -> f64 {
    primes.iter().map(|&q| (q as f64).log2()).sum()
}

/// Cuts consecutive primes into as few digits as there can be with none above P, and these as narrow as they can be. A
/// digit as wide as P makes four times the noise of a rounding, one that is a few bits narrower makes none.
fn digits(q: &[u64], p: &[u64]) -> Vec<Range<usize>> {
    let width = |digit: &Range<usize>| log2_product(&q[digit.clone()]);
    let mut best = digits_below(q, log2_product(p));
    loop {
        let widest = best.iter().map(width).fold(0.0, f64::max);
        let narrower = digits_below(q, widest.next_down());
        if narrower.len() > best.len() || narrower.iter().any(|digit| width(digit) >= widest) {
            return best;
        }
        best = narrower;
    }
}

/// Cuts consecutive primes into digits. Each has as many as stay at or below a width in bits, and at least one.
fn digits_below(q: &[u64], width: f64) -> Vec<Range<usize>> {
    let mut digits: Vec<Range<usize>> = Vec::new();
    for index in 0..q.len() {
        match digits.last_mut() {
            Some(digit) if log2_product(&q[digit.start..=index]) <= width => digit.end = index + 1,
            _ => digits.push(index..index + 1),
        }
    }
    digits
}

fn params_id(
    log_n: u32,
    q: &[u64],
    limbs: &[usize],
    p: &[u64],
    log_scale: u32,
    secret: SecretDistribution,
) -> ParamsId {
    let mut hash = blake3::Hasher::new();
    hash.update(b"volley-ckks parameters 1").update(&log_n.to_le_bytes());
    hash.update(&(limbs.len() as u32).to_le_bytes());
    let starts = [0].iter().chain(limbs);
    let levels = starts.zip(limbs).map(|(&start, &end)| &q[start..end]);
    for primes in levels.chain([p]) {
        hash.update(&(primes.len() as u32).to_le_bytes());
        for prime in primes {
            hash.update(&prime.to_le_bytes());
        }
    }
    hash.update(&log_scale.to_le_bytes());
    match secret {
        SecretDistribution::Ternary => hash.update(&[1]),
        SecretDistribution::TernarySum { owners } => hash.update(&[2, owners as u8]),
    };
    ParamsId(*hash.finalize().as_bytes())
}

#[cfg(test)]
mod tests;
