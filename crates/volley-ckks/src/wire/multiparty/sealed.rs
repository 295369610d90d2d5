//! Shares of secrets that are sealed for one member.

use std::io::{Read, Write};

use super::super::error::WireError;
use super::super::kind::Kind;
use super::transport::{read_sealed, sealed_bytes, write_sealed};
use super::{ID_BYTES, Names, check_pool};
use crate::multiparty::{Pool, PoolError, SealedShare, share_bytes};

impl SealedShare {
    /// Bytes of its file, known before there is a share.
    #[must_use]
    pub fn file_bytes(pool: &Pool) -> u64 {
        names(0, 0).file_bytes(pool, body_bytes(pool))
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// [`WireError::Pool`] where it is of another pool, [`WireError::Io`].
    pub fn write(&self, pool: &Pool, out: impl Write) -> Result<(), WireError> {
        check_pool(pool, self.pool)?;
        names(self.member, self.to)
            .write(pool, body_bytes(pool), out, |body| write_sealed(&self.sealed, body))
    }

    /// Reads the file of a member for another, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool, or other members.
    pub fn read(
        pool: &Pool,
        member: usize,
        to: usize,
        input: impl Read,
        limit: u64,
    ) -> Result<Self, WireError> {
        let file = names(member, to).open(pool, input, limit)?;
        let found = usize::from(file.header().extension[ID_BYTES + 1]);
        if found != to {
            let (expected, found) = (pool.name(to), pool.name(found));
            return Err(PoolError::ForeignMember { expected, found }.into());
        }
        file.read(|body| {
            let sealed = read_sealed(share_bytes(pool), body)?;
            Ok(Self { pool: pool.id(), member, to, sealed })
        })
    }
}

fn names(member: usize, to: usize) -> Names {
    Names { more: vec![to as u8], ..Names::of_member(Kind::SEALED_SHARE, member) }
}

fn body_bytes(pool: &Pool) -> u64 {
    sealed_bytes(share_bytes(pool)) as u64
}
