//! Keys of transport, and messages that are sealed for all members.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::super::error::WireError;
use super::super::header::Header;
use super::super::kind::Kind;
use super::super::stream::{BodyReader, BodyWriter, FileReader, write_file};
use super::{ID_BYTES, Names, check_pool};
use crate::base::params::ParamsId;
use crate::multiparty::{
    ENCAPSULATED_BYTES, MESSAGE_KEY_BYTES, Openings, Sealed, SealedForAll, SealedOpening, TAG_BYTES,
    TransportKey,
};

/// A key of transport is of no parameters.
const NO_PARAMETERS: [u8; 32] = [0; 32];

impl TransportKey {
    /// Writes it as a file, which must be for its owner only:
    /// [`create_private_file`](crate::wire::create_private_file).
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let header = Header {
            kind: Kind::TRANSPORT_KEY,
            params_id: ParamsId::from_bytes(NO_PARAMETERS),
            key_id: None,
            extension: Vec::new(),
            body_bytes: self.seed().len() as u64,
        };
        write_file(&header, out, |body| body.bytes(self.seed()))
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(Kind::TRANSPORT_KEY)?;
        file.expect_parameters(ParamsId::from_bytes(NO_PARAMETERS))?;
        file.expect_bare(false)?;
        file.read(|body| Ok(Self::from_seed(Zeroizing::new(body.array()?))))
    }
}

impl SealedOpening {
    /// Bytes of its file, known before there are shares.
    #[must_use]
    pub fn file_bytes(openings: &Openings) -> u64 {
        names(openings, 0).file_bytes(openings.pool(), body_bytes(openings))
    }

    /// Writes it as a file.
    ///
    /// # Errors
    ///
    /// [`WireError::Pool`] where it is of another pool or of other openings, [`WireError::Io`].
    pub fn write(&self, openings: &Openings, out: impl Write) -> Result<(), WireError> {
        let pool = openings.pool();
        check_pool(pool, self.pool)?;
        openings.check_digest(self.member, &self.openings)?;
        names(openings, self.member).write(pool, body_bytes(openings), out, |body| {
            self.sealed.keys.iter().try_for_each(|key| write_sealed(key, body))?;
            body.bytes(&self.sealed.message)?;
            body.bytes(&self.sealed.tag)
        })
    }

    /// Reads the file of a member, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Pool`] for a file of another pool or member, or of other openings.
    pub fn read(openings: &Openings, member: usize, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let pool = openings.pool();
        let file = names(openings, member).open(pool, input, limit)?;
        // Of the length of the one that is expected.
        let mut digest = [0; 32];
        digest.copy_from_slice(&file.header().extension[ID_BYTES + 1..]);
        openings.check_digest(member, &digest)?;
        file.read(|body| {
            body.claim(body_bytes(openings))?;
            let keys = pool.everyone().map(|_| read_sealed(MESSAGE_KEY_BYTES, body));
            let keys = keys.collect::<Result<_, _>>()?;
            let mut message = vec![0; openings.share_bytes()];
            body.fill(&mut message)?;
            let sealed = SealedForAll { keys, message, tag: body.array()? };
            Ok(Self { pool: pool.id(), member, openings: openings.digest(), sealed })
        })
    }
}

fn names(openings: &Openings, member: usize) -> Names {
    Names { more: openings.digest().to_vec(), ..Names::of_member(Kind::SEALED_OPENING, member) }
}

fn body_bytes(openings: &Openings) -> u64 {
    let keys = openings.pool().members().len() * sealed_bytes(MESSAGE_KEY_BYTES);
    (keys + openings.share_bytes() + TAG_BYTES) as u64
}

/// Bytes of a message of this length that is sealed for one member.
pub(super) fn sealed_bytes(message: usize) -> usize {
    ENCAPSULATED_BYTES + message + TAG_BYTES
}

pub(super) fn write_sealed(sealed: &Sealed, body: &mut BodyWriter<impl Write>) -> Result<(), WireError> {
    body.bytes(&sealed.encapsulated)?;
    body.bytes(&sealed.message)?;
    body.bytes(&sealed.tag)
}

pub(super) fn read_sealed(bytes: usize, body: &mut BodyReader<impl Read>) -> Result<Sealed, WireError> {
    body.claim(sealed_bytes(bytes) as u64)?;
    let encapsulated = body.array()?;
    let mut message = vec![0; bytes];
    body.fill(&mut message)?;
    Ok(Sealed { encapsulated, message, tag: body.array()? })
}
