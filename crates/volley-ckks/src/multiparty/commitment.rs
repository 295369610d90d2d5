//! Commitments: what binds an owner to a share before anyone has seen the others'.
//!
//! Whoever sees all other shares of a sum may choose the last one so that the sum is anything: a public key whose
//! secret is known to one owner alone, or a first round of the relinearization key that makes the second round tell
//! s_i. So each owner first sends a hash of the share, and the share itself when all hashes are there. A share has
//! fresh errors, so its hash tells nothing of it.

use super::accessors::message;
use super::error::PoolError;
use super::heard::Heard;
use super::pool::Pool;
use super::pool_id::PoolId;

/// A hash of a share, of the commitments of a pool, or of sums.
pub(crate) type Digest = [u8; 32];

/// A member's commitment to its share of round one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    pub(crate) pool: PoolId,
    pub(crate) member: usize,
    pub(crate) digest: Digest,
}

message!(impl Commitment);

/// The commitments of all members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitments {
    pool: Pool,
    digests: Vec<Digest>,
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
            heard.enter(commitment.pool, commitment.member, commitment.digest)?;
        }
        Ok(Self { pool: pool.clone(), digests: heard.all()? })
    }

    /// A hash of the pool and all commitments. Owners compare it by another way than the server's: where it is the
    /// same, they mean the same pool, and the same shares of round one.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-ckks pool commitments 1").update(self.pool.id().as_bytes());
        for digest in &self.digests {
            hash.update(digest);
        }
        *hash.finalize().as_bytes()
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn digests(&self) -> &[Digest] {
        &self.digests
    }
}
