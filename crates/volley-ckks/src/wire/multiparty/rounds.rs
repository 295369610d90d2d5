//! The messages of the two rounds.

use std::io::{Read, Write};

use super::super::error::WireError;
use super::super::kind::Kind;
use super::{
    DIGEST_BYTES, DIGESTS_BYTES, Names, check_pool, extended_bytes, read_digests, read_extended,
    write_digests, write_packed,
};
use crate::multiparty::{
    Commitment, Commitments, Pool, RoundOneShare, RoundOneSums, RoundTwoShare, round_one_layout,
    round_two_layout,
};

impl RoundOneShare {
    /// Bytes of its file, known before there is a share.
    #[must_use]
    pub fn file_bytes(pool: &Pool) -> u64 {
        let names = Names::of_member(Kind::ROUND_ONE_SHARE, 0);
        names.file_bytes(pool, extended_bytes(pool, &round_one_layout(pool)))
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// [`WireError::Pool`] where it is of another pool, [`WireError::Io`].
    pub fn write(&self, pool: &Pool, out: impl Write) -> Result<(), WireError> {
        check_pool(pool, self.pool)?;
        let bytes = extended_bytes(pool, &round_one_layout(pool));
        let names = Names::of_member(Kind::ROUND_ONE_SHARE, self.member);
        names.write(pool, bytes, out, |body| write_packed(&self.polys, body))
    }

    /// Reads the file of a member, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool or member.
    pub fn read(pool: &Pool, member: usize, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = Names::of_member(Kind::ROUND_ONE_SHARE, member).open(pool, input, limit)?;
        file.read(|body| {
            let polys = read_extended(pool, &round_one_layout(pool), body)?;
            Ok(Self { pool: pool.id(), member, polys })
        })
    }
}

impl RoundOneSums {
    /// Bytes of its file, known before there are sums.
    #[must_use]
    pub fn file_bytes(pool: &Pool) -> u64 {
        Names::of_pool(Kind::ROUND_ONE_SUMS).file_bytes(pool, sums_bytes(pool))
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let pool = self.pool();
        Names::of_pool(Kind::ROUND_ONE_SUMS).write(pool, sums_bytes(pool), out, |body| {
            self.commitments.digests().iter().try_for_each(|digests| write_digests(digests, body))?;
            write_packed(&self.polys, body)
        })
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool.
    pub fn read(pool: &Pool, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = Names::of_pool(Kind::ROUND_ONE_SUMS).open(pool, input, limit)?;
        file.read(|body| {
            let commitment =
                |member| Ok(Commitment { pool: pool.id(), member, digests: read_digests(body)? });
            let commitments = pool.everyone().map(commitment).collect::<Result<Vec<_>, WireError>>()?;
            let commitments = Commitments::new(pool, commitments)?;
            let polys = read_extended(pool, &round_one_layout(pool), body)?;
            Ok(Self { commitments, polys })
        })
    }
}

fn sums_bytes(pool: &Pool) -> u64 {
    pool.members().len() as u64 * DIGESTS_BYTES + extended_bytes(pool, &round_one_layout(pool))
}

impl RoundTwoShare {
    /// Bytes of its file, known before there is a share.
    #[must_use]
    pub fn file_bytes(pool: &Pool) -> u64 {
        let bytes = DIGEST_BYTES + extended_bytes(pool, &round_two_layout(pool));
        Names::of_member(Kind::ROUND_TWO_SHARE, 0).file_bytes(pool, bytes)
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// [`WireError::Pool`] where it is of another pool, [`WireError::Io`].
    pub fn write(&self, pool: &Pool, out: impl Write) -> Result<(), WireError> {
        check_pool(pool, self.pool)?;
        let bytes = DIGEST_BYTES + extended_bytes(pool, &round_two_layout(pool));
        Names::of_member(Kind::ROUND_TWO_SHARE, self.member).write(pool, bytes, out, |body| {
            body.bytes(&self.sums)?;
            write_packed(&self.polys, body)
        })
    }

    /// Reads the file of a member, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool or member.
    pub fn read(pool: &Pool, member: usize, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = Names::of_member(Kind::ROUND_TWO_SHARE, member).open(pool, input, limit)?;
        file.read(|body| {
            let sums = body.array()?;
            let polys = read_extended(pool, &round_two_layout(pool), body)?;
            Ok(Self { pool: pool.id(), member, sums, polys })
        })
    }
}
