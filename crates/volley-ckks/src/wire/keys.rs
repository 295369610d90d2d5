//! Public keys and evaluation keys: the uniform halves are seeds.

use std::io::{Read, Write};
use std::sync::Arc;

use volley_ring::sampling::Seed;

use super::ciphertext::check_parameters;
use super::operand::check_level;
use super::residues::read_packed;
use super::{BodyReader, BodyWriter, FileReader, Header, Kind, WireError, write_file};
use crate::keys::{KeyId, KeySwitchingKey, RaisingKeys};
use crate::{Context, EvaluationKeySet, KeySpec, Parameters, ParamsId, PublicKey};

fn header(kind: Kind, params_id: ParamsId, key_id: KeyId, body_bytes: u64) -> Header {
    Header { kind, params_id, key_id: Some(key_id), extension: Vec::new(), body_bytes }
}

impl PublicKey {
    fn file_header(&self) -> Header {
        let parameters = self.context().parameters();
        let half = parameters.packed_extended_bytes(parameters.max_level());
        header(Kind::PUBLIC_KEY, parameters.id(), self.key_id(), size_of::<Seed>() as u64 + half)
    }

    /// Writes it as a file: seed and b.
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        write_file(&self.file_header(), out, |body| {
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
    /// The keys that are in the set.
    ///
    /// # Errors
    ///
    /// [`WireError::ForeignParameters`] where it belongs to others.
    pub fn spec(&self, parameters: &Parameters) -> Result<KeySpec, WireError> {
        check_parameters(parameters, self.params_id())?;
        let mut spec = KeySpec::new(parameters);
        if let Some(key) = self.relinearization_key() {
            spec.need_relinearization(key.level());
        }
        self.galois_keys().for_each(|(element, key)| spec.need_galois(element, key.level()));
        if let Some(keys) = self.raising_keys() {
            spec.need_raising(keys.from_ephemeral.level());
        }
        Ok(spec)
    }

    /// Writes them as a file: of each key the level, the seed and the halves bⱼ.
    ///
    /// # Errors
    ///
    /// [`WireError::ForeignParameters`] where they belong to others, [`WireError::Io`].
    pub fn write(&self, parameters: &Parameters, out: impl Write) -> Result<(), WireError> {
        let bytes = self.spec(parameters)?.body_bytes();
        let relinearization = self.relinearization_key();
        let header = header(Kind::EVALUATION_KEYS, parameters.id(), self.key_id(), bytes);
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

    /// Reads a file of at most `limit` bytes, and expands the seeds: in memory the keys take about twice as much
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
        file.expect_kind(Kind::EVALUATION_KEYS)?;
        file.expect_parameters(context.parameters().id())?;
        file.expect_bare(true)?;
        let mut set = Self::empty(context, file.key_id()?);
        file.read(|body| {
            match body.array()? {
                [0] => {}
                [1] => set.set_relinearization_key(read_key(context, body)?),
                _ => return Err(WireError::Malformed),
            }
            let order = 2 * context.parameters().degree() as u64;
            let mut last = 1;
            for _ in 0..u32::from_le_bytes(body.array()?) {
                let element = u64::from(u32::from_le_bytes(body.array()?));
                if element <= last || element >= order || element.is_multiple_of(2) {
                    return Err(WireError::GaloisElement { element });
                }
                let key = read_key(context, body)?;
                set.add_galois_key(context.automorphism(element), key);
                last = element;
            }
            match body.array()? {
                [0] => {}
                [1] => set.set_raising_keys(RaisingKeys {
                    to_ephemeral: read_key(context.ephemeral(), body)?,
                    from_ephemeral: read_key(context, body)?,
                }),
                _ => return Err(WireError::Malformed),
            }
            Ok(set)
        })
    }
}

fn write_key(key: &KeySwitchingKey, body: &mut BodyWriter<impl Write>) -> Result<(), WireError> {
    body.bytes(&(key.level() as u16).to_le_bytes())?;
    body.bytes(&key.seed().0)?;
    key.digits().iter().try_for_each(|[b, _]| body.bytes(b.bytes()))
}

fn read_key(context: &Context, body: &mut BodyReader<impl Read>) -> Result<KeySwitchingKey, WireError> {
    let parameters = context.parameters();
    let level = usize::from(u16::from_le_bytes(body.array()?));
    check_level(parameters, level)?;
    let seed = Seed(body.array()?);
    body.claim(KeySwitchingKey::half_bytes(parameters, level))?;
    let halves = (0..parameters.digit_count(level)).map(|_| read_packed(body, context.qp(level)));
    let halves = halves.collect::<Result<Vec<_>, _>>()?;
    Ok(KeySwitchingKey::from_halves(context, level, seed, halves))
}
