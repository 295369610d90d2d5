//! Shares of decryptions. They are read for a request, which their files name by its hash.

use std::array;
use std::io::{Read, Write};

use super::super::error::WireError;
use super::super::kind::Kind;
use super::super::residues::{read_poly, write_poly};
use super::{ID_BYTES, Names, check_pool};
use crate::multiparty::{DecryptionShare, PoolError, Request};

impl<const PARTS: usize> DecryptionShare<PARTS> {
    /// Bytes of its file, known before there is a share.
    #[must_use]
    pub fn file_bytes(request: &Request<PARTS>) -> u64 {
        names(request, 0).file_bytes(request.pool(), body_bytes(request))
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// [`WireError::Pool`] where it is of another pool or request, [`WireError::Io`].
    pub fn write(&self, request: &Request<PARTS>, out: impl Write) -> Result<(), WireError> {
        let pool = request.pool();
        check_pool(pool, self.pool)?;
        if self.request != request.digest() {
            return Err(PoolError::ForeignRequest { member: pool.name(self.member) }.into());
        }
        let parameters = pool.context().parameters();
        names(request, self.member).write(pool, body_bytes(request), out, |body| {
            let primes = || parameters.q_primes(request.ciphertext().level());
            self.parts.iter().try_for_each(|part| write_poly(body, part, primes()))
        })
    }

    /// Reads the file of a member, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool, member or request.
    pub fn read(
        request: &Request<PARTS>,
        member: usize,
        input: impl Read,
        limit: u64,
    ) -> Result<Self, WireError> {
        let pool = request.pool();
        let file = names(request, member).open(pool, input, limit)?;
        if file.header().extension[ID_BYTES + 1..] != request.digest() {
            return Err(PoolError::ForeignRequest { member: pool.name(member) }.into());
        }
        file.read(|body| {
            body.claim(body_bytes(request))?;
            let basis = pool.context().q(request.ciphertext().level());
            let mut parts = array::from_fn(|_| basis.zero());
            for part in &mut parts {
                *part = read_poly(body, basis)?;
            }
            Ok(Self { pool: pool.id(), member, request: request.digest(), parts })
        })
    }
}

fn names<const PARTS: usize>(request: &Request<PARTS>, member: usize) -> Names {
    let kind = if PARTS == 1 { Kind::OPENING_SHARE } else { Kind::SWITCHING_SHARE };
    Names { more: request.digest().to_vec(), ..Names::of_member(kind, member) }
}

fn body_bytes<const PARTS: usize>(request: &Request<PARTS>) -> u64 {
    PARTS as u64 * request.pool().context().parameters().packed_bytes(request.ciphertext().level())
}
