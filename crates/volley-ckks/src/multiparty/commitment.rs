//! Commitments: what binds an owner to a share before anyone has seen the others'.
//!
//! Whoever sees all other shares of a sum may choose the last one so that the sum is anything: a public key whose
//! secret is known to one owner alone, or a first round of the relinearization key that makes the second round tell
//! s_i. With a Galois key of such a sum, what is decrypted tells the joint secret. So each owner first sends hashes of
//! its shares, and the shares themselves when all hashes are there. A share has fresh errors, so its hash tells nothing
//! of it.

use volley_ring::PackedPoly;

use super::accessors::message;
use super::error::PoolError;
use super::heard::Heard;
use super::pool::Pool;
use super::pool_id::PoolId;

/// A hash of a share, of the commitments of a pool, or of sums.
pub(crate) type Digest = [u8; 32];

/// What a member is committed to.
#[derive(Clone, Copy)]
pub(super) enum Committed {
    /// Its share of round one.
    RoundOne = 1,
    /// Its share of the Galois keys.
    Galois = 2,
}

/// The hash of each share that a member is [`Committed`] to.
pub(crate) type Digests = [Digest; 2];

impl Committed {
    /// The hash of these polynomials as this share of a member.
    pub(super) fn digest(self, (pool, member): (PoolId, usize), polys: &[PackedPoly]) -> Digest {
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-ckks pool share 1").update(pool.as_bytes());
        hash.update(&[self as u8, member as u8]);
        for poly in polys {
            hash.update(poly.bytes());
        }
        *hash.finalize().as_bytes()
    }

    fn of(self, [round_one, galois]: &Digests) -> &Digest {
        match self {
            Self::RoundOne => round_one,
            Self::Galois => galois,
        }
    }
}

/// A member's commitment to its share of round one, and to its share of the Galois keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    pub(crate) pool: PoolId,
    pub(crate) member: usize,
    pub(crate) digests: Digests,
}

message!(impl Commitment);

/// The commitments of all members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitments {
    pool: Pool,
    digests: Vec<Digests>,
}

impl Commitments {
    /// Puts together one commitment of each member, in any order.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], [`PoolError::UnknownMember`], [`PoolError::DuplicateShare`],
    /// [`PoolError::MissingShares`].
    pub fn new(pool: &Pool, commitments: impl IntoIterator<Item = Commitment>) -> Result<Self, PoolError> {
        let mut heard = Heard::new(pool);
        for commitment in commitments {
            heard.enter(commitment.pool, commitment.member, commitment.digests)?;
        }
        Ok(Self { pool: pool.clone(), digests: heard.all()? })
    }

    /// A hash of the pool and all commitments. Owners compare it by another way than the server's: where it is the
    /// same, they mean the same pool, and the same shares.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-ckks pool commitments 1").update(self.pool.id().as_bytes());
        for digest in self.digests.iter().flatten() {
            hash.update(digest);
        }
        *hash.finalize().as_bytes()
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn digests(&self) -> &[Digests] {
        &self.digests
    }

    /// Refuses polynomials that are not the share which the member is committed to.
    pub(super) fn check(
        &self,
        committed: Committed,
        member: usize,
        polys: &[PackedPoly],
    ) -> Result<(), PoolError> {
        if committed.digest((self.pool.id(), member), polys) == *committed.of(&self.digests[member]) {
            Ok(())
        } else {
            Err(PoolError::BrokenCommitment { member: self.pool.name(member) })
        }
    }
}
