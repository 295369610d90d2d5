//! The header, which stands before the body.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use super::error::WireError;
use super::kind::Kind;
use crate::base::params::ParamsId;
use crate::rlwe::key_id::KeyId;
use crate::scheme::file_size::{HASH_BYTES, PREAMBLE_BYTES};

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u16 = 1;
/// The first bytes of every file. They are no text, and programs that change line ends damage them, as with PNG's.
const MAGIC: [u8; 8] = *b"\x89VLY\r\n\x1a\n";
/// Longest header.
const MAX_HEADER_BYTES: usize = 1024;

/// What a file is, and whose: enough to decide whether to read the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the file holds.
    pub kind: Kind,
    /// The parameter set.
    pub params_id: ParamsId,
    /// The owner's key, where there is one behind the content.
    pub key_id: Option<KeyId>,
    /// What the layer of the kind adds. It is public, even for secret keys.
    pub extension: Vec<u8>,
    /// Length of the body.
    pub body_bytes: u64,
}

/// [`Header`] as postcard encodes it.
#[derive(Serialize, Deserialize)]
struct Encoded {
    kind: Kind,
    params_id: [u8; 32],
    key_id: Option<[u8; 16]>,
    extension: Vec<u8>,
    body_bytes: u64,
}

impl Header {
    /// Magic, version, length and header: what stands before the body.
    pub(super) fn encode(&self) -> Result<Vec<u8>, WireError> {
        let encoded = postcard::to_allocvec(&Encoded {
            kind: self.kind.clone(),
            params_id: *self.params_id.as_bytes(),
            key_id: self.key_id.map(|id| *id.as_bytes()),
            extension: self.extension.clone(),
            body_bytes: self.body_bytes,
        });
        let encoded = encoded
            .ok()
            .filter(|encoded| self.kind.is_valid() && encoded.len() <= MAX_HEADER_BYTES)
            .ok_or(WireError::Header)?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(encoded.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&encoded);
        Ok(bytes)
    }

    /// Reads what stands before the body, and returns it with its bytes.
    pub(super) fn decode(mut input: impl Read) -> Result<(Self, Vec<u8>), WireError> {
        let mut bytes = vec![0; PREAMBLE_BYTES];
        input.read_exact(&mut bytes[..MAGIC.len()])?;
        if bytes[..MAGIC.len()] != MAGIC {
            return Err(WireError::Magic);
        }
        input.read_exact(&mut bytes[MAGIC.len()..])?;
        let found = u16::from_le_bytes([bytes[8], bytes[9]]);
        if found != VERSION {
            return Err(WireError::Version { found, supported: VERSION });
        }
        let length = usize::from(u16::from_le_bytes([bytes[10], bytes[11]]));
        if length > MAX_HEADER_BYTES {
            return Err(WireError::Header);
        }
        bytes.resize(PREAMBLE_BYTES + length, 0);
        input.read_exact(&mut bytes[PREAMBLE_BYTES..])?;
        let encoded: Encoded =
            postcard::from_bytes(&bytes[PREAMBLE_BYTES..]).map_err(|_| WireError::Header)?;
        let header = Self {
            kind: encoded.kind,
            params_id: ParamsId::from_bytes(encoded.params_id),
            key_id: encoded.key_id.map(KeyId::from_bytes),
            extension: encoded.extension,
            body_bytes: encoded.body_bytes,
        };
        // Only one encoding is accepted.
        if header.encode()? == bytes { Ok((header, bytes)) } else { Err(WireError::Header) }
    }

    /// Reads the header of a file and nothing after it, to show what the file is. A file that is to be read as a whole
    /// is opened with [`FileReader`](super::FileReader).
    ///
    /// # Errors
    ///
    /// [`WireError::Magic`], [`WireError::Version`], [`WireError::Header`], [`WireError::Truncated`],
    /// [`WireError::Io`].
    pub fn read(input: impl Read) -> Result<Self, WireError> {
        Self::decode(input).map(|(header, _)| header)
    }

    /// Bytes of the whole file. The number saturates where a header claims more than a file can have.
    ///
    /// # Errors
    ///
    /// [`WireError::Header`] for a header that cannot be written: an invalid kind, or too long.
    pub fn file_bytes(&self) -> Result<u64, WireError> {
        Ok((self.encode()?.len() as u64 + HASH_BYTES).saturating_add(self.body_bytes))
    }

    pub(super) fn write(&self, mut out: impl Write) -> Result<Vec<u8>, WireError> {
        let bytes = self.encode()?;
        out.write_all(&bytes)?;
        Ok(bytes)
    }
}
