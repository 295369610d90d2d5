//! Ciphertexts: computed ones with both halves, fresh ones with one half and the seed of the other.

use std::io::{Read, Write};

use volley_ring::sampling::Seed;

use super::error::WireError;
use super::header::Header;
use super::kind::Kind;
use super::residues::{read_poly, write_poly};
use super::stream::{BodyReader, BodyWriter, FileReader, write_file};
use crate::base::params::{Parameters, ParamsId};
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::scheme::ciphertext::{Ciphertext, SeededCiphertext};
use crate::scheme::operand::Operand;

/// Refuses an object of another parameter set than it shall be written by.
pub(super) fn check_parameters(parameters: &Parameters, found: ParamsId) -> Result<(), WireError> {
    let expected = parameters.id();
    if found == expected { Ok(()) } else { Err(WireError::ForeignParameters { expected, found }) }
}

/// Refuses a ciphertext of another owner than the one whose file it shall be in.
pub(super) fn check_key(expected: KeyId, found: KeyId) -> Result<(), WireError> {
    if found == expected { Ok(()) } else { Err(WireError::ForeignKey { expected, found: Some(found) }) }
}

fn header(kind: Kind, params_id: ParamsId, key_id: KeyId, body_bytes: u64) -> Header {
    Header { kind, params_id, key_id: Some(key_id), extension: Vec::new(), body_bytes }
}

impl Ciphertext {
    /// Writes it into the body of a file of the owner `key_id`: operand and both halves.
    ///
    /// # Errors
    ///
    /// [`WireError::ForeignParameters`] and [`WireError::ForeignKey`] where it belongs to others;
    /// [`WireError::ScaleRange`] for a scale that is no product of powers of the parameters' primes; those of
    /// [`BodyWriter::bytes`].
    pub fn write_record(
        &self,
        parameters: &Parameters,
        key_id: KeyId,
        body: &mut BodyWriter<impl Write>,
    ) -> Result<(), WireError> {
        check_parameters(parameters, self.params_id)?;
        check_key(key_id, self.key_id)?;
        self.operand.write(parameters, body)?;
        self.parts.iter().try_for_each(|part| write_poly(body, part, parameters.q_primes(self.level())))
    }

    /// Reads what [`write_record`](Self::write_record) wrote, for the owner `key_id`.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read_record(
        context: &Context,
        key_id: KeyId,
        body: &mut BodyReader<impl Read>,
    ) -> Result<Self, WireError> {
        let operand = Operand::read(context.parameters(), body)?;
        let basis = context.q(operand.level);
        let parts = [read_poly(body, basis)?, read_poly(body, basis)?];
        Ok(Self { operand, parts, params_id: context.parameters().id(), key_id })
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// As [`write_record`](Self::write_record).
    pub fn write(&self, parameters: &Parameters, out: impl Write) -> Result<(), WireError> {
        let bytes = self.record_bytes(parameters);
        let header = header(Kind::CIPHERTEXT, self.params_id, self.key_id, bytes);
        write_file(&header, out, |body| self.write_record(parameters, self.key_id, body))
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(context: &Context, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let (file, key_id) = open(Kind::CIPHERTEXT, context, input, limit)?;
        file.read(|body| Self::read_record(context, key_id, body))
    }
}

impl SeededCiphertext {
    /// Writes it into the body of a file of the owner `key_id`: operand, seed and c₀.
    ///
    /// # Errors
    ///
    /// As [`Ciphertext::write_record`].
    pub fn write_record(
        &self,
        parameters: &Parameters,
        key_id: KeyId,
        body: &mut BodyWriter<impl Write>,
    ) -> Result<(), WireError> {
        check_parameters(parameters, self.params_id)?;
        check_key(key_id, self.key_id)?;
        self.operand.write(parameters, body)?;
        body.bytes(&self.seed.0)?;
        write_poly(body, &self.c0, parameters.q_primes(self.level()))
    }

    /// Reads what [`write_record`](Self::write_record) wrote, for the owner `key_id`.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read_record(
        context: &Context,
        key_id: KeyId,
        body: &mut BodyReader<impl Read>,
    ) -> Result<Self, WireError> {
        let operand = Operand::read(context.parameters(), body)?;
        let seed = Seed(body.array()?);
        let c0 = read_poly(body, context.q(operand.level))?;
        Ok(Self { operand, c0, seed, params_id: context.parameters().id(), key_id })
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// As [`Ciphertext::write_record`].
    pub fn write(&self, parameters: &Parameters, out: impl Write) -> Result<(), WireError> {
        let bytes = self.record_bytes(parameters);
        let header = header(Kind::SEEDED_CIPHERTEXT, self.params_id, self.key_id, bytes);
        write_file(&header, out, |body| self.write_record(parameters, self.key_id, body))
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(context: &Context, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let (file, key_id) = open(Kind::SEEDED_CIPHERTEXT, context, input, limit)?;
        file.read(|body| Self::read_record(context, key_id, body))
    }
}

fn open<R: Read>(
    kind: Kind,
    context: &Context,
    input: R,
    limit: u64,
) -> Result<(FileReader<R>, KeyId), WireError> {
    let file = FileReader::open(input, limit)?;
    file.expect_kind(kind)?;
    file.expect_parameters(context.parameters().id())?;
    file.expect_bare(true)?;
    let key_id = file.key_id()?;
    Ok((file, key_id))
}
