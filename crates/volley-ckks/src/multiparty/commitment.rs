//! Commitments: what binds an owner to a share before anyone has seen the others'.
//!
//! Whoever sees all other shares of a sum may choose the last one so that the sum is anything: a public key whose
//! secret is known to one owner alone, or a first round of the relinearization key that makes the second round tell
//! s_i. So each owner first sends a hash of the share, and the share itself when all hashes are there. A share has
//! fresh errors, so its hash tells nothing of it.

use super::error::PoolError;
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

impl Commitment {
    /// The pool it is of.
    #[must_use]
    pub fn pool(&self) -> PoolId {
        self.pool
    }

    /// Index of the member.
    #[must_use]
    pub fn member(&self) -> usize {
        self.member
    }
}

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

/// The members who were heard, with a hash of what they sent.
#[derive(Debug)]
pub(super) struct Heard {
    pool: Pool,
    digests: Vec<Option<Digest>>,
}

impl Heard {
    pub(super) fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), digests: vec![None; pool.members().len()] }
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Notes one message.
    pub(super) fn enter(&mut self, pool: PoolId, member: usize, digest: Digest) -> Result<(), PoolError> {
        self.pool.check_pool(pool)?;
        self.pool.check_member(member)?;
        if self.digests[member].is_some() {
            return Err(PoolError::DuplicateShare { member: self.pool.name(member) });
        }
        self.digests[member] = Some(digest);
        Ok(())
    }

    /// Refuses to go on without these members.
    pub(super) fn check_heard(&self, members: &[usize]) -> Result<(), PoolError> {
        let missing = members.iter().filter(|&&member| self.digests[member].is_none());
        let missing: Vec<_> = missing.map(|&member| self.pool.name(member)).collect();
        if missing.is_empty() { Ok(()) } else { Err(PoolError::MissingShares { members: missing }) }
    }

    /// The hashes of all members.
    pub(super) fn all(self) -> Result<Vec<Digest>, PoolError> {
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(self.digests.into_iter().flatten().collect());
        }
        Err(PoolError::MissingShares { members: missing })
    }

    /// The names of those who were not heard.
    pub(super) fn missing(&self) -> Vec<String> {
        let names = self.pool.members().iter().zip(&self.digests);
        names.filter(|(_, digest)| digest.is_none()).map(|(name, _)| name.clone()).collect()
    }
}
