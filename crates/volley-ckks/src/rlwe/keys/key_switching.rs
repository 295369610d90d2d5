//! Key-switching keys: gadget encryptions of one secret under another.
//!
//! The primes of a level are grouped into digits of products D₀, D₁, …. Let gⱼ be the integer that is 1 modulo the
//! primes of digit j and 0 modulo the others. A key from s′ to s is, for every digit, (−aⱼ·s + eⱼ + P·gⱼ·s′, aⱼ)
//! modulo QP (hybrid key switching: Gentry, Halevi, Smart, eprint 2012/099; Han and Ki, eprint 2019/688). For the
//! digits dⱼ = \[x\]_Dⱼ of a polynomial, Σ dⱼ·keyⱼ encrypts P·x·s′ with noise Σ dⱼ·eⱼ. The division by P brings this
//! noise down to about its own rounding error, as long as Dⱼ ≤ P
//! ([`Noise::key_switch`](crate::noise::Noise::key_switch)).
//!
//! gⱼ does not depend on the level, so a key serves every level up to its own by ignoring limbs.
//!
//! The halves aⱼ of a pool's relinearization key are computed and not uniform: they come from no seed
//! ([`multiparty`](crate::multiparty)).

use std::ops::Range;

use maybe_rayon::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::CryptoRng;
use volley_ring::sampling::{Domain, Seed, sample_gaussian};
use volley_ring::{Eval, PackedPoly, RnsPoly};

use crate::base::params::Parameters;
use crate::rlwe::context::Context;
use crate::rlwe::streams::fork;

/// A key from one secret to another, for polynomials up to a level. Uniform halves come from a seed and are expanded
/// once, when the key is made or read.
#[derive(Debug)]
pub struct KeySwitchingKey {
    level: usize,
    /// That of the halves aⱼ, unless these were computed.
    seed: Option<Seed>,
    /// (bⱼ, aⱼ) modulo Q_level·P.
    digits: Vec<[PackedPoly; 2]>,
}

impl KeySwitchingKey {
    /// A key from `from` to `to`, both modulo QP of the highest level.
    pub(crate) fn generate(
        context: &Context,
        keys: [&RnsPoly<Eval>; 2],
        level: usize,
        seed: Seed,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let basis = context.qp(level);
        let digits =
            generate_digits(context, keys, (level, seed), rng, |pair| pair.map(|half| basis.pack(&half)));
        Self { level, seed: Some(seed), digits }
    }

    /// The halves bⱼ alone of the key that [`generate`](Self::generate) gives.
    pub(crate) fn generate_halves(
        context: &Context,
        keys: [&RnsPoly<Eval>; 2],
        level: usize,
        seed: Seed,
        rng: &mut impl CryptoRng,
    ) -> Vec<PackedPoly> {
        let basis = context.qp(level);
        generate_digits(context, keys, (level, seed), rng, |[b, _]| basis.pack(&b))
    }

    /// The key with these halves bⱼ modulo Q_level·P, one for each digit of the level.
    pub(crate) fn from_halves(context: &Context, level: usize, seed: Seed, halves: Vec<PackedPoly>) -> Self {
        let digits = halves
            .into_par_iter()
            .enumerate()
            .map(|(digit, b)| {
                let a = context.expand_qp(level, &seed, Domain::KeySwitchingKey, digit as u16);
                [b, context.qp(level).pack(&a)]
            })
            .collect();
        Self { level, seed: Some(seed), digits }
    }

    /// The key with these pairs (bⱼ, aⱼ) modulo Q_level·P, one for each digit of the level.
    pub(crate) fn from_pairs(level: usize, digits: Vec<[PackedPoly; 2]>) -> Self {
        Self { level, seed: None, digits }
    }

    /// Bytes of the halves bⱼ of a key, packed. The halves aⱼ take as many bytes in memory, and none in a file where
    /// they come from a seed.
    pub(crate) fn half_bytes(parameters: &Parameters, level: usize) -> u64 {
        parameters.digit_count(level) as u64 * parameters.packed_extended_bytes(level)
    }

    /// Highest level of a ciphertext that the key can switch.
    #[must_use]
    pub fn level(&self) -> usize {
        self.level
    }

    /// The seed of the halves aⱼ; none where they were computed.
    #[must_use]
    pub fn seed(&self) -> Option<Seed> {
        self.seed
    }

    /// (bⱼ, aⱼ) modulo Q_level·P, a pair for each digit.
    pub(crate) fn digits(&self) -> &[[PackedPoly; 2]] {
        &self.digits
    }
}

/// What is made of (bⱼ, aⱼ) modulo Q_level·P for each digit of the level, where aⱼ comes from the seed.
fn generate_digits<T: Send>(
    context: &Context,
    [from, to]: [&RnsPoly<Eval>; 2],
    (level, seed): (usize, Seed),
    rng: &mut impl CryptoRng,
    make: impl Fn([RnsPoly<Eval>; 2]) -> T + Sync + Send,
) -> Vec<T> {
    let parameters = context.parameters();
    let basis = context.qp(level);
    let digits = parameters.digits()[..parameters.digit_count(level)].iter();
    let generators: Vec<_> = digits.map(|digit| (digit.clone(), fork(rng))).collect();
    let digit = |(index, (digit, mut rng)): (usize, (Range<usize>, ChaCha20Rng))| {
        let a = context.expand_qp(level, &seed, Domain::KeySwitchingKey, index as u16);
        let error = sample_gaussian(basis.degree(), &mut rng);
        let mut b = basis.forward_signed(&error);
        basis.sub_product_assign(&mut b, &a, to, context.key_limb(level, parameters.max_level()));
        let own = digit.start..digit.end.min(parameters.limbs(level));
        context.q(level).add_scaled_limbs_assign(&mut b, (from, context.special_product(level)), own);
        make([b, a])
    };
    generators.into_par_iter().enumerate().map(digit).collect()
}
