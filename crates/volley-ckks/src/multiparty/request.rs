//! Requests for a decryption: of what, by whom, for whom, with how much noise.
//!
//! **Switching to a receiver** (collective public-key switching of eprint 2020/304). With an encryption of zero
//! (z₀, z₁) under the receiver's public key, owner i sends (s_i·c₁ + z₀ + g_i, z₁), where g_i is the owner's
//! [smudging](super::smudging) noise. The sums plus (c₀, 0) are a ciphertext under the receiver's key. Only the receiver
//! learns anything from it: all others see encryptions.
//!
//! **Opening.** Owner i sends s_i·c₁ + g_i, and c₀ plus all shares is Δ·m + e + Σ g_i. Whoever has the shares learns m.
//!
//! A request has one part or two, as its shares have.

use volley_ring::{Eval, RnsBasis, RnsPoly};

use super::accessors::message;
use super::commitment::Digest;
use super::error::PoolError;
use super::heard::Heard;
use super::pool::Pool;
use super::pool_id::PoolId;
use super::smudging::Smudging;
use crate::base::error::Error;
use crate::rlwe::keys::PublicKey;
use crate::scheme::ciphertext::{Ciphertext, Plaintext};

/// A ciphertext that some owners decrypt together: [`Opening`] or [`Switching`].
#[derive(Clone, Debug)]
pub struct Request<const PARTS: usize> {
    pub(super) pool: Pool,
    pub(super) ciphertext: Ciphertext,
    /// In ascending order.
    pub(super) owners: Vec<usize>,
    /// The noise of each owner is uniform on [−2^b, 2^b).
    pub(super) log_bound: u32,
    pub(super) receiver: Option<PublicKey>,
    digest: Digest,
}

/// A decryption for whoever has all shares.
pub type Opening = Request<1>;

/// A decryption for the owner of a public key alone.
pub type Switching = Request<2>;

/// What one owner adds to a decryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecryptionShare<const PARTS: usize> {
    pub(crate) pool: PoolId,
    pub(crate) member: usize,
    /// The hash of the request.
    pub(crate) request: Digest,
    /// Modulo the modulus of the ciphertext's level.
    pub(crate) parts: [RnsPoly<Eval>; PARTS],
}

impl Opening {
    /// The decryption of a ciphertext by these owners, for whoever has their shares.
    ///
    /// # Errors
    ///
    /// [`PoolError::Ckks`] for a ciphertext of other parameters or another key, [`PoolError::UnknownMember`],
    /// [`PoolError::TooFewOwners`], [`PoolError::NoRoom`].
    pub fn new(
        pool: &Pool,
        ciphertext: &Ciphertext,
        owners: impl IntoIterator<Item = usize>,
        smudging: &Smudging,
    ) -> Result<Self, PoolError> {
        Self::checked(pool, ciphertext, owners, smudging, None)
    }

    /// The decrypted plaintext.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], [`PoolError::UnknownMember`], [`PoolError::NotAsked`],
    /// [`PoolError::DuplicateShare`], [`PoolError::ForeignRequest`], [`PoolError::MissingShares`].
    pub fn finish(
        &self,
        shares: impl IntoIterator<Item = DecryptionShare<1>>,
    ) -> Result<Plaintext, PoolError> {
        let [poly] = self.sum(shares)?;
        let (operand, params_id) = (self.ciphertext.operand.clone(), self.ciphertext.params_id);
        Ok(Plaintext { operand, poly, params_id })
    }
}

impl Switching {
    /// The decryption of a ciphertext by these owners, for the owner of the receiver's secret key.
    ///
    /// # Errors
    ///
    /// As [`Opening::new`]; [`PoolError::Ckks`] also for a receiver's key of other parameters.
    pub fn new(
        pool: &Pool,
        ciphertext: &Ciphertext,
        owners: impl IntoIterator<Item = usize>,
        smudging: &Smudging,
        receiver: &PublicKey,
    ) -> Result<Self, PoolError> {
        if receiver.context().parameters().id() != pool.context().parameters().id() {
            return Err(Error::ParameterMismatch.into());
        }
        Self::checked(pool, ciphertext, owners, smudging, Some(receiver.clone()))
    }

    /// The ciphertext under the receiver's key.
    ///
    /// # Errors
    ///
    /// As [`Opening::finish`].
    pub fn finish(
        &self,
        shares: impl IntoIterator<Item = DecryptionShare<2>>,
    ) -> Result<Ciphertext, PoolError> {
        let parts = self.sum(shares)?;
        // Without a receiver there is one part.
        let key_id = self.receiver.as_ref().map_or(self.pool.key_id(), PublicKey::key_id);
        let (operand, params_id) = (self.ciphertext.operand.clone(), self.ciphertext.params_id);
        Ok(Ciphertext { operand, parts, params_id, key_id })
    }
}

impl<const PARTS: usize> Request<PARTS> {
    fn checked(
        pool: &Pool,
        ciphertext: &Ciphertext,
        owners: impl IntoIterator<Item = usize>,
        smudging: &Smudging,
        receiver: Option<PublicKey>,
    ) -> Result<Self, PoolError> {
        let parameters = pool.context().parameters();
        if ciphertext.params_id != parameters.id() {
            return Err(Error::ParameterMismatch.into());
        }
        if ciphertext.key_id != pool.key_id() {
            return Err(Error::KeyMismatch.into());
        }
        let mut owners: Vec<usize> = owners.into_iter().collect();
        owners.sort_unstable();
        owners.dedup();
        owners.iter().try_for_each(|&owner| pool.check_member(owner))?;
        pool.check_owners(&owners)?;
        let log_bound = smudging.checked_log_bound(parameters, ciphertext.level(), owners.len())?;
        let (pool, ciphertext) = (pool.clone(), ciphertext.clone());
        let mut request = Self { pool, ciphertext, owners, log_bound, receiver, digest: [0; 32] };
        request.digest = request.hashed();
        Ok(request)
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What is to be decrypted.
    #[must_use]
    pub fn ciphertext(&self) -> &Ciphertext {
        &self.ciphertext
    }

    /// The owners who are asked, in ascending order.
    #[must_use]
    pub fn owners(&self) -> &[usize] {
        &self.owners
    }

    /// A hash of the pool, the ciphertext, the owners, the noise and the receiver.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    fn hashed(&self) -> Digest {
        let members = self.owners.iter().fold(0u16, |members, owner| members | 1 << owner);
        let basis = self.pool.context().q(self.ciphertext.level());
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-ckks pool request 2").update(self.pool.id().as_bytes());
        hash.update(&members.to_le_bytes()).update(&self.log_bound.to_le_bytes());
        hash.update(&(self.ciphertext.level() as u32).to_le_bytes());
        for part in &self.ciphertext.parts {
            hash.update(basis.pack(part).bytes());
        }
        if let Some(receiver) = &self.receiver {
            hash.update(receiver.key_id().as_bytes()).update(&receiver.seed().0).update(receiver.b().bytes());
        }
        *hash.finalize().as_bytes()
    }

    /// What a second request for the same ciphertext is known by: the hash of c₁ modulo the primes of level 0. The
    /// ciphertext at a lower level has the same, and so has one that differs in c₀ alone: an owner's secret meets c₁
    /// and nothing else.
    pub(super) fn ciphertext_id(&self) -> Digest {
        let basis: &RnsBasis = self.pool.context().q(0);
        let lowest = self.ciphertext.parts[1].prefix(basis.limb_count());
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-ckks pool ciphertext 1").update(basis.pack(&lowest).bytes());
        *hash.finalize().as_bytes()
    }

    pub(super) fn check_owner(&self, member: usize) -> Result<(), PoolError> {
        if self.owners.contains(&member) {
            Ok(())
        } else {
            Err(PoolError::NotAsked { member: self.pool.name(member) })
        }
    }

    /// (c₀, 0) plus all shares.
    fn sum(
        &self,
        shares: impl IntoIterator<Item = DecryptionShare<PARTS>>,
    ) -> Result<[RnsPoly<Eval>; PARTS], PoolError> {
        let basis = self.pool.context().q(self.ciphertext.level());
        let mut heard = Heard::new(&self.pool);
        let mut sum = std::array::from_fn(|_| basis.zero());
        sum.iter_mut().take(1).for_each(|first| basis.add_assign(first, &self.ciphertext.parts[0]));
        for share in shares {
            heard.enter(share.pool, share.member, ())?;
            self.check_owner(share.member)?;
            if share.request != self.digest {
                return Err(PoolError::ForeignRequest { member: self.pool.name(share.member) });
            }
            sum.iter_mut().zip(&share.parts).for_each(|(sum, part)| basis.add_assign(sum, part));
        }
        heard.check_heard(self.owners.iter().copied())?;
        Ok(sum)
    }
}

message!(impl<const PARTS: usize> DecryptionShare<PARTS>);
