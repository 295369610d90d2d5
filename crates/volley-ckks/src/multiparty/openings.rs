//! Ciphertexts that the same owners open together, with shares that the members alone can read.
//!
//! Whoever has all shares of an [`Opening`] and the ciphertext learns the plaintext, and a server that passes them on
//! has both. So an owner seals its shares: all of them in one message, once, under a key of its own, and this key for
//! every member of the pool. Members learn the results, and the server learns nothing.

use maybe_rayon::prelude::*;
use zeroize::Zeroizing;

use super::accessors::message;
use super::commitment::Digest;
use super::error::PoolError;
use super::holder::KeyHolder;
use super::pool::Pool;
use super::pool_id::PoolId;
use super::request::{DecryptionShare, Opening};
use super::secret::Purpose;
use super::smudging::Smudging;
use super::transport::{SealedForAll, TransportKey, seal_for_all};
use crate::scheme::ciphertext::{Ciphertext, Plaintext};

/// Ciphertexts that the same owners open together for all members: one or more.
#[derive(Clone, Debug)]
pub struct Openings {
    pool: Pool,
    requests: Vec<Opening>,
    digest: Digest,
}

/// An owner's shares of such openings, sealed for all members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedOpening {
    pub(crate) pool: PoolId,
    pub(crate) member: usize,
    /// The hash of the openings.
    pub(crate) openings: Digest,
    pub(crate) sealed: SealedForAll,
}

/// An owner's shares as a member has them, of each opening.
#[derive(Debug)]
pub struct OpenedShares {
    pool: PoolId,
    member: usize,
    openings: Digest,
    shares: Vec<DecryptionShare<1>>,
}

message!(impl SealedOpening);
message!(impl OpenedShares);

impl Openings {
    /// The decryption of these ciphertexts by these owners, for all members.
    ///
    /// # Errors
    ///
    /// Those of [`Opening::new`], and [`PoolError::NoDecryptions`] for no ciphertext.
    pub fn new<'c>(
        pool: &Pool,
        ciphertexts: impl IntoIterator<Item = &'c Ciphertext>,
        owners: impl IntoIterator<Item = usize>,
        smudging: &Smudging,
    ) -> Result<Self, PoolError> {
        let owners: Vec<usize> = owners.into_iter().collect();
        let request = |ciphertext| Opening::new(pool, ciphertext, owners.iter().copied(), smudging);
        let requests = ciphertexts.into_iter().map(request).collect::<Result<Vec<_>, _>>()?;
        if requests.is_empty() {
            return Err(PoolError::NoDecryptions);
        }
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-ckks pool openings 1").update(pool.id().as_bytes());
        requests.iter().for_each(|request| {
            hash.update(&request.digest());
        });
        Ok(Self { pool: pool.clone(), requests, digest: *hash.finalize().as_bytes() })
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The openings, in the order of the ciphertexts.
    #[must_use]
    pub fn requests(&self) -> &[Opening] {
        &self.requests
    }

    /// The owners who are asked, in ascending order.
    #[must_use]
    pub fn owners(&self) -> &[usize] {
        self.requests[0].owners()
    }

    /// A hash of all openings.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The decrypted plaintexts, in the order of the ciphertexts.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`] and [`PoolError::ForeignRequest`] for shares of other openings, and those of
    /// [`Opening::finish`].
    pub fn finish(
        &self,
        shares: impl IntoIterator<Item = OpenedShares>,
    ) -> Result<Vec<Plaintext>, PoolError> {
        let mut by_request: Vec<Vec<_>> = self.requests.iter().map(|_| Vec::new()).collect();
        for opened in shares {
            self.pool.check_pool(opened.pool)?;
            self.check_digest(opened.member, &opened.openings)?;
            by_request.iter_mut().zip(opened.shares).for_each(|(shares, share)| shares.push(share));
        }
        self.requests.iter().zip(by_request).map(|(request, shares)| request.finish(shares)).collect()
    }

    /// Refuses what a member sent for other openings.
    pub(crate) fn check_digest(&self, member: usize, found: &Digest) -> Result<(), PoolError> {
        if *found == self.digest {
            Ok(())
        } else {
            Err(PoolError::ForeignRequest { member: self.pool.name(member) })
        }
    }

    /// Bytes of an owner's shares, packed one after the other.
    pub(crate) fn share_bytes(&self) -> usize {
        self.requests.iter().map(Opening::packed_bytes).sum()
    }
}

impl Opening {
    fn packed_bytes(&self) -> usize {
        self.pool.context().q(self.ciphertext.level()).packed_bytes()
    }
}

impl KeyHolder {
    /// Binds the owner to all of these openings, or to none where one is refused. Keep the owner before the shares are
    /// made, as after [`admit`](Self::admit).
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub fn admit_all(&mut self, openings: &Openings) -> Result<(), PoolError> {
        let admit = |admitted, request| self.admitted_with(admitted, request);
        self.admitted = openings.requests.iter().try_fold(self.admitted.clone(), admit)?;
        Ok(())
    }

    /// The owner's shares of openings that were admitted, sealed for all members. They are the same each time.
    ///
    /// # Errors
    ///
    /// As [`share`](Self::share).
    pub fn sealed_opening(&self, openings: &Openings) -> Result<SealedOpening, PoolError> {
        let (pool, member) = (openings.pool(), self.member());
        let shares = openings.requests.par_iter().map(|request| self.share(request));
        let shares: Vec<DecryptionShare<1>> = shares.collect::<Result<_, _>>()?;
        let mut message = Zeroizing::new(Vec::with_capacity(openings.share_bytes()));
        for (request, share) in openings.requests.iter().zip(&shares) {
            let [part] = &share.parts;
            message.extend_from_slice(pool.context().q(request.ciphertext.level()).pack(part).bytes());
        }
        let data = associated_data(pool.id(), member, &openings.digest);
        let mut rng = self.secret.generator(Purpose::SealedOpening, &openings.digest);
        let sealed = seal_for_all(pool.transport_keys(), message, &data, &mut rng);
        let to = || pool.members().join(", ");
        let sealed = sealed.ok_or_else(|| PoolError::Sealing { member: pool.name(member), to: to() })?;
        Ok(SealedOpening { pool: pool.id(), member, openings: openings.digest, sealed })
    }
}

impl SealedOpening {
    /// The shares, for the member `to`, whose key of transport this is.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], [`PoolError::UnknownMember`], [`PoolError::ForeignRequest`], and
    /// [`PoolError::Sealing`] for what does not open, or is not one share for each opening.
    pub fn open(
        &self,
        openings: &Openings,
        to: usize,
        key: &TransportKey,
    ) -> Result<OpenedShares, PoolError> {
        let pool = &openings.pool;
        pool.check_pool(self.pool)?;
        pool.check_member(self.member)?;
        pool.check_member(to)?;
        openings.check_digest(self.member, &self.openings)?;
        let data = associated_data(self.pool, self.member, &self.openings);
        let opened = key.open_for_all(&self.sealed, to, &data);
        let shares = opened.and_then(|message| unpack(openings, self.member, &message));
        let refusal = || PoolError::Sealing { member: pool.name(self.member), to: pool.name(to) };
        let shares = shares.ok_or_else(refusal)?;
        Ok(OpenedShares { pool: self.pool, member: self.member, openings: self.openings, shares })
    }
}

/// The shares of these bytes; none where there are not as many as it takes, or a residue is not below its prime.
fn unpack(openings: &Openings, member: usize, mut message: &[u8]) -> Option<Vec<DecryptionShare<1>>> {
    if message.len() != openings.share_bytes() {
        return None;
    }
    let mut share = |request: &Opening| {
        let (packed, rest) = message.split_at(request.packed_bytes());
        message = rest;
        let basis = openings.pool.context().q(request.ciphertext.level());
        let parts = [basis.packed(packed.to_vec()).ok()?.unpack()];
        Some(DecryptionShare { pool: openings.pool.id(), member, request: request.digest(), parts })
    };
    openings.requests.iter().map(&mut share).collect()
}

/// What is authenticated with the shares, beside them.
fn associated_data(pool: PoolId, member: usize, openings: &Digest) -> Vec<u8> {
    [&b"volley-ckks pool sealed opening 1"[..], pool.as_bytes(), &[member as u8], openings].concat()
}
