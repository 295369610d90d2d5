//! Public keys and evaluation keys: the uniform halves are seeds.

use std::io::{Read, Write};
use std::sync::Arc;

use volley_ring::PackedPoly;
use volley_ring::sampling::Seed;

use super::ciphertext::check_parameters;
use super::error::WireError;
use super::header::Header;
use super::kind::Kind;
use super::operand::check_level;
use super::residues::{packed, read_packed};
use super::stream::{BodyReader, BodyWriter, FileReader, write_file};
use crate::base::params::{Parameters, ParamsId};
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::rlwe::keys::{EvaluationKeySet, KeySpec, KeySwitchingKey, PublicKey, RaisingKeys};

fn header(kind: Kind, params_id: ParamsId, key_id: KeyId, body_bytes: u64) -> Header {
    Header { kind, params_id, key_id: Some(key_id), extension: Vec::new(), body_bytes }
}

impl PublicKey {
    fn file_header(parameters: &Parameters, key_id: KeyId) -> Header {
        let half = parameters.packed_extended_bytes(parameters.max_level());
        header(Kind::PUBLIC_KEY, parameters.id(), key_id, size_of::<Seed>() as u64 + half)
    }

    /// Bytes of the file of any key of these parameters.
    #[must_use]
    pub fn file_bytes(parameters: &Parameters) -> u64 {
        // The header is short: its length does not fail.
        Self::file_header(parameters, KeyId::from_bytes([0; 16])).file_bytes().unwrap_or(u64::MAX)
    }

    /// Writes it as a file: seed and b.
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        write_file(&Self::file_header(self.context().parameters(), self.key_id()), out, |body| {
            body.bytes(&self.seed().0)?;
            body.bytes(self.b().bytes())
        })
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(context: &Arc<Context>, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(Kind::PUBLIC_KEY)?;
        file.expect_parameters(context.parameters().id())?;
        file.expect_bare(true)?;
        let key_id = file.key_id()?;
        file.read(|body| {
            let seed = Seed(body.array()?);
            let b = read_packed(body, context.qp(context.parameters().max_level()))?;
            Ok(Self::from_half(context, key_id, seed, b))
        })
    }
}

impl EvaluationKeySet {
    /// Writes them as a file: of each key the level, the seed and the halves bⱼ. A relinearization key of several
    /// owners has the halves aⱼ instead of a seed, and the file another kind.
    ///
    /// # Errors
    ///
    /// [`WireError::ForeignParameters`] where they belong to others, [`WireError::Io`].
    pub fn write(&self, parameters: &Parameters, out: impl Write) -> Result<(), WireError> {
        check_parameters(parameters, self.params_id())?;
        let relinearization = self.relinearization_key();
        let listed = self.listed(parameters);
        let (kind, bytes) = match relinearization.map(KeySwitchingKey::seed) {
            Some(None) => (Kind::POOLED_EVALUATION_KEYS, listed.pooled_body_bytes()),
            _ => (Kind::EVALUATION_KEYS, listed.body_bytes()),
        };
        let header = header(kind, parameters.id(), self.key_id(), bytes);
        write_file(&header, out, |body| {
            body.bytes(&[u8::from(relinearization.is_some())])?;
            if let Some(key) = relinearization {
                write_key(key, body)?;
            }
            body.bytes(&(self.galois_keys().len() as u32).to_le_bytes())?;
            self.galois_keys().try_for_each(|(element, key)| {
                body.bytes(&(element as u32).to_le_bytes())?;
                write_key(key, body)
            })?;
            body.bytes(&[u8::from(self.raising_keys().is_some())])?;
            self.raising_keys().map_or(Ok(()), |keys| {
                write_key(&keys.to_ephemeral, body)?;
                write_key(&keys.from_ephemeral, body)
            })
        })
    }

    /// Reads a file of at most `limit` bytes, and expands the seeds. The keys take about twice as much in memory
    /// ([`KeySpec::memory_bytes`]).
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(context: &Arc<Context>, input: impl Read, limit: u64) -> Result<Self, WireError> {
        Self::read_file(context, FileReader::open(input, limit)?)
    }

    /// Reads a file whose header was looked at.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read_file<R: Read>(context: &Arc<Context>, file: FileReader<R>) -> Result<Self, WireError> {
        read_set(context, file, None)
    }

    /// Reads the keys that are `needed` from a file whose header was looked at. A key of a higher level is cut down to
    /// the level that is needed, so the [`spec`](Self::spec) of what is read is `needed`, and memory is
    /// [`needed.memory_bytes()`](KeySpec::memory_bytes).
    ///
    /// The rest of the file is read for its hash alone; it is not checked that its residues are in range.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::ForeignParameters`] for a list of other parameters, [`WireError::MissingKeys`]
    /// where a key is not in the file or not up to the level.
    pub fn read_needed<R: Read>(
        context: &Arc<Context>,
        file: FileReader<R>,
        needed: &KeySpec,
    ) -> Result<Self, WireError> {
        check_parameters(context.parameters(), needed.parameters().id())?;
        read_set(context, file, Some(needed))
    }
}

/// Reads all keys, or those that are needed.
fn read_set(
    context: &Arc<Context>,
    file: FileReader<impl Read>,
    needed: Option<&KeySpec>,
) -> Result<EvaluationKeySet, WireError> {
    let pooled = file.header().kind == Kind::POOLED_EVALUATION_KEYS;
    if !pooled {
        file.expect_kind(Kind::EVALUATION_KEYS)?;
    }
    file.expect_parameters(context.parameters().id())?;
    file.expect_bare(true)?;
    let mut set = EvaluationKeySet::empty(context, file.key_id()?);
    file.read(|body| {
        // The kind is that of the relinearization key, so that what has none is not of this kind.
        if read_flag(body)? {
            let keep = Keep::of(needed, KeySpec::relinearization_level);
            let key = if pooled { read_pairs(context, keep, body)? } else { read_key(context, keep, body)? };
            key.into_iter().for_each(|key| set.set_relinearization_key(key));
        } else if pooled {
            return Err(WireError::Malformed);
        }
        let order = 2 * context.parameters().degree() as u64;
        let mut last = 1;
        for _ in 0..u32::from_le_bytes(body.array()?) {
            let element = u64::from(u32::from_le_bytes(body.array()?));
            if element <= last || element >= order || element.is_multiple_of(2) {
                return Err(WireError::GaloisElement { element });
            }
            let keep = Keep::of(needed, |needed| needed.galois_level(element));
            if let Some(key) = read_key(context, keep, body)? {
                set.add_galois_key(context.automorphism(element), key);
            }
            last = element;
        }
        if read_flag(body)? {
            let keep = Keep::of(needed, KeySpec::raising_level);
            let keep_ephemeral = Keep::of(needed, |needed| needed.raising_level().map(|_| 0));
            let to_ephemeral = read_key(context.ephemeral(), keep_ephemeral, body)?;
            let from_ephemeral = read_key(context, keep, body)?;
            if let (Some(to_ephemeral), Some(from_ephemeral)) = (to_ephemeral, from_ephemeral) {
                set.set_raising_keys(RaisingKeys { to_ephemeral, from_ephemeral });
            }
        }
        let (found, needed) = (set.key_count(), needed.map_or(0, KeySpec::key_count));
        match needed.checked_sub(found) {
            None | Some(0) => Ok(set),
            Some(missing) => Err(WireError::MissingKeys { missing, needed }),
        }
    })
}

fn read_flag(body: &mut BodyReader<impl Read>) -> Result<bool, WireError> {
    match body.array()? {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(WireError::Malformed),
    }
}

fn write_key(key: &KeySwitchingKey, body: &mut BodyWriter<impl Write>) -> Result<(), WireError> {
    let half = |body: &mut BodyWriter<_>, half: usize| {
        key.digits().iter().try_for_each(|pair| body.bytes(pair[half].bytes()))
    };
    body.bytes(&(key.level() as u16).to_le_bytes())?;
    match key.seed() {
        Some(seed) => {
            body.bytes(&seed.0)?;
            half(body, 0)
        }
        None => half(body, 0).and_then(|()| half(body, 1)),
    }
}

/// How much is kept of a key that is read.
#[derive(Clone, Copy)]
enum Keep {
    All,
    UpTo(usize),
    Nothing,
}

impl Keep {
    /// What a list has for one key; without a list all is kept.
    fn of(needed: Option<&KeySpec>, level: impl FnOnce(&KeySpec) -> Option<usize>) -> Self {
        needed.map_or(Self::All, |needed| level(needed).map_or(Self::Nothing, Self::UpTo))
    }

    /// The level up to which a key of this level is kept: none, where it does not reach the one that is needed.
    fn level(self, found: usize) -> Option<usize> {
        match self {
            Self::All => Some(found),
            Self::UpTo(level) => Some(level).filter(|&level| level <= found),
            Self::Nothing => None,
        }
    }
}

/// Reads one key, or what is kept of it.
fn read_key(
    context: &Context,
    keep: Keep,
    body: &mut BodyReader<impl Read>,
) -> Result<Option<KeySwitchingKey>, WireError> {
    let found = read_level(context, body)?;
    let seed = Seed(body.array()?);
    let halves = read_halves(context, (found, keep), body)?;
    Ok(halves.map(|(level, halves)| KeySwitchingKey::from_halves(context, level, seed, halves)))
}

/// Reads one key that has all halves, or what is kept of it.
fn read_pairs(
    context: &Context,
    keep: Keep,
    body: &mut BodyReader<impl Read>,
) -> Result<Option<KeySwitchingKey>, WireError> {
    let found = read_level(context, body)?;
    let first = read_halves(context, (found, keep), body)?;
    let second = read_halves(context, (found, keep), body)?;
    Ok(first.zip(second).map(|((level, first), (_, second))| {
        KeySwitchingKey::from_pairs(level, first.into_iter().zip(second).map(<[_; 2]>::from).collect())
    }))
}

fn read_level(context: &Context, body: &mut BodyReader<impl Read>) -> Result<usize, WireError> {
    let level = usize::from(u16::from_le_bytes(body.array()?));
    check_level(context.parameters(), level)?;
    Ok(level)
}

/// Reads one half for each digit of a key of level `found`, and returns those that are kept, with their level.
fn read_halves(
    context: &Context,
    (found, keep): (usize, Keep),
    body: &mut BodyReader<impl Read>,
) -> Result<Option<(usize, Vec<PackedPoly>)>, WireError> {
    let parameters = context.parameters();
    let bytes = KeySwitchingKey::half_bytes(parameters, found);
    body.claim(bytes)?;
    let Some(level) = keep.level(found) else {
        body.skip(bytes)?;
        return Ok(None);
    };
    let halves = (0..parameters.digit_count(level)).map(|_| read_half(context, found, level, body));
    let halves = halves.collect::<Result<Vec<_>, _>>()?;
    let digits_above = parameters.digit_count(found) - halves.len();
    body.skip(digits_above as u64 * parameters.packed_extended_bytes(found))?;
    Ok(Some((level, halves)))
}

/// Reads a polynomial modulo Q_found·P, and keeps its limbs modulo Q_level·P. Limbs end at whole bytes.
fn read_half(
    context: &Context,
    found: usize,
    level: usize,
    body: &mut BodyReader<impl Read>,
) -> Result<PackedPoly, WireError> {
    let parameters = context.parameters();
    let basis = context.qp(level);
    let kept = parameters.packed_bytes(level);
    let mut bytes = vec![0; basis.packed_bytes()];
    let (q, p) = bytes.split_at_mut(kept as usize);
    body.fill(q)?;
    body.skip(parameters.packed_bytes(found) - kept)?;
    body.fill(p)?;
    packed(basis, bytes)
}
