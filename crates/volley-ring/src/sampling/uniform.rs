//! Uniform polynomials from seeds.

use maybe_rayon::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng, SeedableRng};

use crate::basis::RnsBasis;
use crate::poly::{Eval, RnsPoly};

/// What a seed is expanded for. Two polynomials of one seed differ in the domain, the digit or the limb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Domain {
    /// The uniform half of a ciphertext.
    Ciphertext = 1,
    /// The uniform half of a public key.
    PublicKey = 2,
    /// The uniform halves of a key-switching key, one for each digit.
    KeySwitchingKey = 3,
}

/// A public 32-byte seed of uniform polynomials: fresh for every object, and never the seed of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// A fresh seed.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self(seed)
    }
}

/// The uniform polynomial of a seed, in evaluation form.
///
/// The rule, byte by byte. The limb modulo q of digit d (0 where an object has one polynomial) and limb number i is
/// read from the ChaCha20 key stream (the original construction: 64-bit block counter from 0, 64-bit nonce) under the
/// key `seed` and the nonce, as a little-endian number,
///
///   domain · 2⁵⁶ + d · 2³² + i.
///
/// The stream is cut into 8-byte little-endian words; of each the low ⌈log₂ q⌉ bits are taken, and the word is skipped
/// if they are not below q. The N residues are in the order of the transform ([`crate::ntt`]). `limb_number` maps the
/// basis' primes to i: a ciphertext prime q_j has i = j, a special prime p_j has i = 2¹⁶ + j.
#[must_use]
pub fn expand_uniform(
    basis: &RnsBasis,
    seed: &Seed,
    domain: Domain,
    digit: u16,
    limb_number: impl Fn(usize) -> u32 + Sync,
) -> RnsPoly<Eval> {
    let mut poly = RnsPoly::stale(basis.degree(), basis.limb_count());
    poly.residues_mut().par_chunks_exact_mut(basis.degree()).zip(0..basis.limb_count()).for_each(
        |(limb, index)| {
            let nonce = (domain as u64) << 56 | u64::from(digit) << 32 | u64::from(limb_number(index));
            let mut stream = ChaCha20Rng::from_seed(seed.0);
            stream.set_stream(nonce);
            let q = basis.table(index).modulus();
            let mask = u64::MAX >> (u64::BITS - q.bits());
            for residue in limb {
                *residue = loop {
                    let candidate = stream.next_u64() & mask;
                    if candidate < q.value() {
                        break candidate;
                    }
                };
            }
        },
    );
    poly
}

#[cfg(test)]
mod tests;
