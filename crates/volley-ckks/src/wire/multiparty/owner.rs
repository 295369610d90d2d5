//! The private states of an owner. Whoever has one has the owner's share of the secret.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::super::error::WireError;
use super::super::kind::Kind;
use super::super::stream::{BodyReader, BodyWriter};
use super::Names;
use crate::multiparty::{
    KeyHolder, OwnerRoundOne, OwnerRoundTwo, OwnerSecret, Pool, decode_share, encode_share, share_bytes,
};

/// Bytes of an owner's seed, and of a hash.
const SEED_BYTES: u64 = 32;
const DIGEST_BYTES: u64 = 32;
/// Bytes of the number of requests.
const COUNT_BYTES: u64 = 4;

impl OwnerRoundOne {
    /// Writes it as a file, which must be for its owner only:
    /// [`create_private_file`](crate::wire::create_private_file).
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let names = Names::of_member(Kind::OWNER_ROUND_ONE, self.member());
        names.write(self.pool(), SEED_BYTES, out, |body| body.bytes(self.secret.seed()))
    }

    /// Reads the file of a member, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool or member.
    pub fn read(pool: &Pool, member: usize, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = Names::of_member(Kind::OWNER_ROUND_ONE, member).open(pool, input, limit)?;
        file.read(|body| Ok(Self { secret: read_secret(pool, member, body)? }))
    }
}

impl OwnerRoundTwo {
    /// Writes it as a file, which must be for its owner only:
    /// [`create_private_file`](crate::wire::create_private_file).
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let names = Names::of_member(Kind::OWNER_ROUND_TWO, self.member());
        names.write(self.pool(), SEED_BYTES + DIGEST_BYTES, out, |body| {
            body.bytes(self.secret.seed())?;
            body.bytes(&self.sums)
        })
    }

    /// Reads the file of a member, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool or member.
    pub fn read(pool: &Pool, member: usize, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = Names::of_member(Kind::OWNER_ROUND_TWO, member).open(pool, input, limit)?;
        file.read(|body| Ok(Self { secret: read_secret(pool, member, body)?, sums: body.array()? }))
    }
}

impl KeyHolder {
    /// Writes it as a file, which must be for its owner only:
    /// [`create_private_file`](crate::wire::create_private_file).
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let sum = self.sum.as_ref().map_or(0, |_| share_bytes(self.pool()) as u64);
        let bytes = SEED_BYTES + sum + COUNT_BYTES + 2 * DIGEST_BYTES * self.admitted.len() as u64;
        let names = Names::of_member(Kind::KEY_HOLDER, self.member());
        names.write(self.pool(), bytes, out, |body| self.write_body(body))
    }

    fn write_body(&self, body: &mut BodyWriter<impl Write>) -> Result<(), WireError> {
        body.bytes(self.secret.seed())?;
        if let Some(sum) = &self.sum {
            body.bytes(&encode_share(sum))?;
        }
        body.bytes(&(self.admitted.len() as u32).to_le_bytes())?;
        self.admitted.iter().try_for_each(|(ciphertext, request)| {
            body.bytes(ciphertext)?;
            body.bytes(request)
        })
    }

    /// Reads the file of a member, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool or member.
    pub fn read(pool: &Pool, member: usize, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = Names::of_member(Kind::KEY_HOLDER, member).open(pool, input, limit)?;
        file.read(|body| {
            let secret = read_secret(pool, member, body)?;
            let sum = pool.sharing().map(|_| {
                body.claim(share_bytes(pool) as u64)?;
                let mut bytes = Zeroizing::new(vec![0; share_bytes(pool)]);
                body.fill(&mut bytes)?;
                decode_share(pool, &bytes).ok_or(WireError::Malformed)
            });
            let sum = sum.transpose()?;
            Ok(Self { secret, sum, admitted: read_admitted(body)? })
        })
    }
}

fn read_secret(
    pool: &Pool,
    member: usize,
    body: &mut BodyReader<impl Read>,
) -> Result<OwnerSecret, WireError> {
    let mut seed = Zeroizing::new([0; SEED_BYTES as usize]);
    body.fill(&mut *seed)?;
    Ok(OwnerSecret::from_seed(pool, member, seed)?)
}

/// Requests by their ciphertexts, in ascending order.
fn read_admitted(body: &mut BodyReader<impl Read>) -> Result<BTreeMap<[u8; 32], [u8; 32]>, WireError> {
    let mut admitted = BTreeMap::new();
    for _ in 0..u32::from_le_bytes(body.array()?) {
        let (ciphertext, request) = (body.array()?, body.array()?);
        if admitted.last_key_value().is_some_and(|(last, _)| ciphertext <= *last) {
            return Err(WireError::Malformed);
        }
        admitted.insert(ciphertext, request);
    }
    Ok(admitted)
}
