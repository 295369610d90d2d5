//! An owner's share of the joint secret, and the randomness of all that the owner sends.
//!
//! All comes from one random seed k of 32 bytes. What is drawn for a purpose and an input is
//!
//! ```text
//! ChaCha20(BLAKE3 keyed(k, "volley-ckks pool owner 1", pool, member, purpose, input))
//! ```
//!
//! So a message that is made again for the same input is the same message, and tells nothing new: a program may be
//! killed between two rounds and go on. Messages for different inputs have independent randomness, as long as keyed
//! BLAKE3 is a pseudorandom function. No state of a generator is kept, and none can be used twice.

use std::fmt;

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng, SeedableRng};
use volley_ring::sampling::sample_ternary;
use volley_ring::{Eval, RnsPoly};
use zeroize::{Zeroize, Zeroizing};

use super::error::PoolError;
use super::pool::Pool;
use crate::rlwe::streams::Streams;

/// The seed k of one member. It has no `Clone`, prints only whose it is, and is wiped when dropped.
pub(crate) struct OwnerSecret {
    pool: Pool,
    member: usize,
    seed: Zeroizing<[u8; 32]>,
}

/// What randomness is drawn for.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Purpose {
    /// s_i.
    Secret = 1,
    /// u_i of the relinearization key.
    Ephemeral = 2,
    /// The error of the public key.
    PublicKey = 3,
    /// The errors of the relinearization key in round one, and in round two by the sums of round one.
    Relinearization = 4,
    /// The errors of a Galois key, by its element.
    Galois = 5,
    /// The noise of a share of a decryption, by the request.
    Decryption = 6,
    /// The coefficients of the polynomial that shares s_i, by the power.
    Sharing = 7,
    /// The key of a sealed share, by its receiver.
    Sealing = 8,
    /// The keys of sealed shares of decryptions, by their requests.
    SealedOpening = 9,
}

impl OwnerSecret {
    pub(super) fn generate(pool: &Pool, member: usize, rng: &mut impl CryptoRng) -> Result<Self, PoolError> {
        let mut seed = Zeroizing::new([0; 32]);
        Streams::fork(rng).secret.fill_bytes(&mut *seed);
        Self::from_seed(pool, member, seed)
    }

    pub(crate) fn from_seed(
        pool: &Pool,
        member: usize,
        seed: Zeroizing<[u8; 32]>,
    ) -> Result<Self, PoolError> {
        pool.check_member(member)?;
        Ok(Self { pool: pool.clone(), member, seed })
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn member(&self) -> usize {
        self.member
    }

    /// k.
    #[cfg(any(test, feature = "wire"))]
    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The owner's name, for errors.
    pub(super) fn name(&self) -> String {
        self.pool.name(self.member)
    }

    /// The generator for a purpose and an input.
    pub(super) fn generator(&self, purpose: Purpose, input: &[u8]) -> ChaCha20Rng {
        let mut hash = blake3::Hasher::new_keyed(&self.seed);
        hash.update(b"volley-ckks pool owner 1").update(self.pool.id().as_bytes());
        hash.update(&[self.member as u8, purpose as u8]).update(input);
        let key = Zeroizing::new(*hash.finalize().as_bytes());
        hash.zeroize();
        ChaCha20Rng::from_seed(*key)
    }

    /// s_i modulo QP: uniform ternary.
    pub(super) fn share(&self) -> Zeroizing<RnsPoly<Eval>> {
        self.ternary(Purpose::Secret)
    }

    /// u_i modulo QP: uniform ternary.
    pub(super) fn ephemeral(&self) -> Zeroizing<RnsPoly<Eval>> {
        self.ternary(Purpose::Ephemeral)
    }

    fn ternary(&self, purpose: Purpose) -> Zeroizing<RnsPoly<Eval>> {
        let context = self.pool.context();
        let basis = context.qp(context.parameters().max_level());
        let coefficients = sample_ternary(basis.degree(), &mut self.generator(purpose, &[]));
        Zeroizing::new(basis.forward_signed(&coefficients))
    }
}

impl fmt::Debug for OwnerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pool, member) = (self.pool.id(), self.member);
        f.debug_struct("OwnerSecret").field("pool", &pool).field("member", &member).finish_non_exhaustive()
    }
}
