//! Pools: what all members agree on, so that reading one is making it again.

use std::io::{Read, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use volley_ring::sampling::Seed;

use super::super::error::WireError;
use super::super::kind::Kind;
use super::super::stream::{BodyReader, FileReader, encode_structure};
use super::{DIGESTS_BYTES, Names, check_pool, id_of, read_digests, write_digests};
use crate::base::params::{MAX_OWNERS, Parameters};
use crate::multiparty::{Commitment, MAX_NAME_BYTES, Pool, PoolId, TRANSPORT_KEY_BYTES, TransportPublicKey};
use crate::rlwe::context::Context;
use crate::rlwe::keys::KeySpec;

/// A pool as postcard encodes it, without keys of transport: these follow it, by member.
#[derive(Serialize, Deserialize)]
struct Encoded {
    members: Vec<String>,
    threshold: Option<u8>,
    seed: [u8; 32],
    relinearization: Option<u16>,
    /// Elements and levels, in ascending order.
    galois: Vec<(u32, u16)>,
}

/// More bytes than postcard takes for the members, the seed and the lengths.
const MAX_FIXED_BYTES: usize = MAX_OWNERS * (MAX_NAME_BYTES + 2) + 64;
/// Most bytes that postcard takes for an element and a level.
const MAX_KEY_BYTES: usize = 5 + 3;

impl Pool {
    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let spec = self.spec();
        let structure = encode_structure(&Encoded {
            members: self.members().to_vec(),
            threshold: self.sharing().map(|owners| owners as u8),
            seed: self.seed().0,
            relinearization: spec.relinearization_level().map(|level| level as u16),
            galois: spec.galois_elements().map(|(element, level)| (element as u32, level as u16)).collect(),
        })?;
        let keys: Vec<u8> = self.transport_keys().iter().flat_map(TransportPublicKey::to_bytes).collect();
        let bytes = (structure.len() + keys.len()) as u64;
        Names::of_pool(Kind::POOL).write(self, bytes, out, |body| {
            body.bytes(&structure)?;
            body.bytes(&keys)
        })
    }

    /// Reads a file of at most `limit` bytes, makes the pool again, with all checks of that, and compares the id.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a pool that is refused, or that has not the id in its header.
    pub fn read(context: &Arc<Context>, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(Kind::POOL)?;
        file.expect_parameters(context.parameters().id())?;
        let expected = id_of(&file.header().extension)?;
        let (extension, key_id) = (file.header().extension.clone(), file.key_id()?);
        let pool = file.read(|body| {
            let max = MAX_FIXED_BYTES + MAX_KEY_BYTES * context.parameters().degree();
            let encoded: Encoded = body.structure(max as u32)?;
            let keys = read_transport_keys(encoded.members.len(), body)?;
            let spec = key_spec(context.parameters(), &encoded)?;
            let (threshold, seed) = (encoded.threshold.map(usize::from), Seed(encoded.seed));
            let members = encoded.members.into_iter().zip(keys).collect();
            Ok::<_, WireError>(Self::checked(context, members, threshold, spec, seed)?)
        })?;
        check_pool(&pool, expected)?;
        let names = Names::of_pool(Kind::POOL).extension(pool.id());
        if extension == names && key_id == pool.key_id() { Ok(pool) } else { Err(WireError::Header) }
    }
}

fn read_transport_keys(
    members: usize,
    body: &mut BodyReader<impl Read>,
) -> Result<Vec<TransportPublicKey>, WireError> {
    body.claim((members * TRANSPORT_KEY_BYTES) as u64)?;
    let mut key =
        || TransportPublicKey::from_bytes(&body.array::<TRANSPORT_KEY_BYTES>()?).ok_or(WireError::Malformed);
    (0..members).map(|_| key()).collect()
}

/// The list of keys, with elements that exist, in ascending order. Levels are checked with the pool.
fn key_spec(parameters: &Parameters, encoded: &Encoded) -> Result<KeySpec, WireError> {
    let mut spec = KeySpec::new(parameters);
    if let Some(level) = encoded.relinearization {
        spec.need_relinearization(level.into());
    }
    let (order, mut last) = (2 * parameters.degree() as u64, 1);
    for &(element, level) in &encoded.galois {
        let element = u64::from(element);
        if element <= last || element >= order || element.is_multiple_of(2) {
            return Err(WireError::GaloisElement { element });
        }
        spec.need_galois(element, level.into());
        last = element;
    }
    Ok(spec)
}

impl Commitment {
    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// [`WireError::Pool`] where it is of another pool, [`WireError::Io`].
    pub fn write(&self, pool: &Pool, out: impl Write) -> Result<(), WireError> {
        check_pool(pool, self.pool)?;
        let names = Names::of_member(Kind::POOL_COMMITMENT, self.member);
        names.write(pool, DIGESTS_BYTES, out, |body| write_digests(&self.digests, body))
    }

    /// Reads the file of a member, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool or member.
    pub fn read(pool: &Pool, member: usize, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = Names::of_member(Kind::POOL_COMMITMENT, member).open(pool, input, limit)?;
        let pool: PoolId = pool.id();
        file.read(|body| Ok(Self { pool, member, digests: read_digests(body)? }))
    }
}
