//! Pools, the messages of their members, and the private states of owners.
//!
//! Every file has the pool's id in the header's extension, and every message the member it is of. Names that differ are
//! refused by [`PoolError`], another round or step by the kind of the file.

use std::io::{Read, Write};

use volley_ring::PackedPoly;

use super::error::WireError;
use super::header::Header;
use super::kind::Kind;
use super::residues::read_packed;
use super::stream::{BodyReader, BodyWriter, FileReader, write_file};
use crate::multiparty::{Digest, Digests, Pool, PoolError, PoolId};

mod decryption;
mod owner;
mod pool;
mod rounds;
mod sealed;
mod transport;

/// Bytes of a pool's id.
const ID_BYTES: usize = 32;
/// Bytes of a hash.
const DIGEST_BYTES: u64 = size_of::<Digest>() as u64;
/// Bytes of what a member is committed to.
const DIGESTS_BYTES: u64 = size_of::<Digests>() as u64;

/// What a file of a pool is of.
struct Names {
    kind: Kind,
    /// None where it is of all members.
    member: Option<usize>,
    /// What the kind adds: another member, or a request.
    more: Vec<u8>,
}

impl Names {
    fn of_pool(kind: Kind) -> Self {
        Self { kind, member: None, more: Vec::new() }
    }

    fn of_member(kind: Kind, member: usize) -> Self {
        Self { kind, member: Some(member), more: Vec::new() }
    }

    /// The pool's id, the member (u8) where there is one, and the rest.
    fn extension(&self, pool: PoolId) -> Vec<u8> {
        let member = self.member.map(|member| member as u8);
        [&pool.as_bytes()[..], member.as_slice(), &self.more].concat()
    }

    fn header(&self, pool: &Pool, body_bytes: u64) -> Header {
        Header {
            kind: self.kind.clone(),
            params_id: pool.context().parameters().id(),
            key_id: Some(pool.key_id()),
            extension: self.extension(pool.id()),
            body_bytes,
        }
    }

    /// Bytes of the whole file with a body of this length.
    fn file_bytes(&self, pool: &Pool, body_bytes: u64) -> u64 {
        // The kinds here are valid.
        self.header(pool, body_bytes).file_bytes().unwrap_or(u64::MAX)
    }

    /// Writes a file with the body that `body` writes.
    fn write<W: Write>(
        &self,
        pool: &Pool,
        body_bytes: u64,
        out: W,
        body: impl FnOnce(&mut BodyWriter<&mut W>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        write_file(&self.header(pool, body_bytes), out, body)
    }

    /// Opens a file of these names, and refuses any other.
    fn open<R: Read>(&self, pool: &Pool, input: R, limit: u64) -> Result<FileReader<R>, WireError> {
        self.member.map_or(Ok(()), |member| pool.check_member(member))?;
        let file = FileReader::open(input, limit)?;
        file.expect_kind(self.kind.clone())?;
        file.expect_parameters(pool.context().parameters().id())?;
        let expected = self.extension(pool.id());
        let found = file.header().extension.as_slice();
        if found.len() != expected.len() {
            return Err(WireError::Header);
        }
        pool.check_pool(id_of(found)?)?;
        if let Some(expected) = self.member {
            let found = usize::from(found[ID_BYTES]);
            if found != expected {
                let (expected, found) = (pool.name(expected), pool.name(found));
                return Err(PoolError::ForeignMember { expected, found }.into());
            }
        }
        file.expect_key(pool.key_id())?;
        Ok(file)
    }
}

/// The pool's id at the beginning of an extension.
fn id_of(extension: &[u8]) -> Result<PoolId, WireError> {
    let (id, _) = extension.split_first_chunk::<ID_BYTES>().ok_or(WireError::Header)?;
    Ok(PoolId::from_bytes(*id))
}

/// Refuses an object of another pool than the one whose file it shall be in.
fn check_pool(pool: &Pool, found: PoolId) -> Result<(), WireError> {
    Ok(pool.check_pool(found)?)
}

/// Bytes of polynomials modulo Q_level·P for each of these levels.
fn extended_bytes(pool: &Pool, levels: &[usize]) -> u64 {
    levels.iter().map(|&level| pool.context().parameters().packed_extended_bytes(level)).sum()
}

fn read_extended(
    pool: &Pool,
    levels: &[usize],
    body: &mut BodyReader<impl Read>,
) -> Result<Vec<PackedPoly>, WireError> {
    body.claim(extended_bytes(pool, levels))?;
    levels.iter().map(|&level| read_packed(body, pool.context().qp(level))).collect()
}

fn read_digests(body: &mut BodyReader<impl Read>) -> Result<Digests, WireError> {
    Ok([body.array()?, body.array()?])
}

fn write_digests(digests: &Digests, body: &mut BodyWriter<impl Write>) -> Result<(), WireError> {
    digests.iter().try_for_each(|digest| body.bytes(digest))
}

fn write_packed(polys: &[PackedPoly], body: &mut BodyWriter<impl Write>) -> Result<(), WireError> {
    polys.iter().try_for_each(|poly| body.bytes(poly.bytes()))
}
