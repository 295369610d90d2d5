//! Reading and writing one file from front to back.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize, Zeroizing};

use super::error::WireError;
use super::header::Header;
use super::kind::Kind;
use crate::base::params::ParamsId;
use crate::rlwe::key_id::KeyId;
use crate::scheme::file_size::HASH_BYTES;

/// As many bytes as BLAKE3 hashes at once where vectors are longest: 16 chunks of a KiB.
const SKIPPED_AT_ONCE: usize = 1 << 14;

/// Writes one file: the header, then what `body` writes, then the hash.
///
/// # Errors
///
/// [`WireError::Io`]; [`WireError::Header`] for a header that cannot be read again; [`WireError::BodyLength`] and
/// [`WireError::TrailingBytes`] where `body` writes less or more than the header says; those of `body`.
pub fn write_file<W: Write, E: From<WireError>>(
    header: &Header,
    mut out: W,
    body: impl FnOnce(&mut BodyWriter<&mut W>) -> Result<(), E>,
) -> Result<(), E> {
    let mut hash = blake3::Hasher::new();
    hash.update(&header.write(&mut out)?);
    let mut writer = BodyWriter { out: &mut out, hash, left: header.body_bytes };
    body(&mut writer)?;
    let BodyWriter { mut hash, left, .. } = writer;
    if left > 0 {
        return Err(WireError::BodyLength { needed: left, left: 0 }.into());
    }
    out.write_all(hash.finalize().as_bytes()).map_err(WireError::from)?;
    hash.zeroize();
    Ok(())
}

/// The body of a file that is being written.
#[derive(Debug)]
pub struct BodyWriter<W> {
    out: W,
    hash: blake3::Hasher,
    left: u64,
}

impl<W: Write> BodyWriter<W> {
    /// Writes bytes.
    ///
    /// # Errors
    ///
    /// [`WireError::Io`]; [`WireError::TrailingBytes`] beyond the length that the header says.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(WireError::TrailingBytes)?;
        self.out.write_all(bytes)?;
        self.hash.update(bytes);
        Ok(())
    }

    /// Writes the length (u32) and the postcard encoding of a small structure.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes), and [`WireError::Malformed`] for what postcard refuses.
    pub fn structure(&mut self, value: &impl Serialize) -> Result<(), WireError> {
        self.bytes(&encode_structure(value)?)
    }
}

/// The length (u32) and the postcard encoding of a small structure.
///
/// # Errors
///
/// [`WireError::Malformed`] for what postcard refuses.
pub fn encode_structure(value: &impl Serialize) -> Result<Vec<u8>, WireError> {
    let encoded = postcard::to_allocvec(value).map_err(|_| WireError::Malformed)?;
    let length = u32::try_from(encoded.len()).map_err(|_| WireError::Malformed)?;
    Ok([&length.to_le_bytes()[..], &encoded].concat())
}

/// A file whose header was read.
#[derive(Debug)]
pub struct FileReader<R> {
    header: Header,
    body: BodyReader<R>,
}

impl<R: Read> FileReader<R> {
    /// Reads the header, and refuses a file that says it has more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// Those of [`Header::read`], and [`WireError::LimitExceeded`].
    pub fn open(mut input: R, limit: u64) -> Result<Self, WireError> {
        let (header, encoded_header) = Header::decode(&mut input)?;
        let bytes = header.file_bytes()?;
        if bytes > limit {
            return Err(WireError::LimitExceeded { bytes, limit });
        }
        let mut hash = blake3::Hasher::new();
        hash.update(&encoded_header);
        let body = BodyReader { input, hash, left: header.body_bytes, failure: None };
        Ok(Self { header, body })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Refuses another kind of file.
    ///
    /// # Errors
    ///
    /// [`WireError::Kind`].
    pub fn expect_kind(&self, expected: Kind) -> Result<(), WireError> {
        if self.header.kind == expected {
            return Ok(());
        }
        Err(WireError::Kind { expected, found: self.header.kind.clone() })
    }

    /// Refuses a file of another parameter set.
    ///
    /// # Errors
    ///
    /// [`WireError::ForeignParameters`].
    pub fn expect_parameters(&self, expected: ParamsId) -> Result<(), WireError> {
        let found = self.header.params_id;
        if found == expected { Ok(()) } else { Err(WireError::ForeignParameters { expected, found }) }
    }

    /// Refuses a file of another owner.
    ///
    /// # Errors
    ///
    /// [`WireError::ForeignKey`].
    pub fn expect_key(&self, expected: KeyId) -> Result<(), WireError> {
        let found = self.header.key_id;
        if found == Some(expected) { Ok(()) } else { Err(WireError::ForeignKey { expected, found }) }
    }

    /// The owner's key, which this kind of file must name.
    pub(super) fn key_id(&self) -> Result<KeyId, WireError> {
        self.header.key_id.ok_or(WireError::Header)
    }

    /// Refuses names that this kind of file does not have.
    pub(super) fn expect_bare(&self, with_key: bool) -> Result<(), WireError> {
        let bare = self.header.extension.is_empty() && self.header.key_id.is_some() == with_key;
        if bare { Ok(()) } else { Err(WireError::Header) }
    }

    /// Reads the body, and checks the hash and that nothing follows it.
    ///
    /// Where `body` fails, the rest is read all the same: if the file is incomplete or damaged, that is the error.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`], [`WireError::Damaged`], [`WireError::TrailingBytes`], [`WireError::Io`], those of
    /// `body`.
    pub fn read<T, E: From<WireError>>(
        mut self,
        body: impl FnOnce(&mut BodyReader<R>) -> Result<T, E>,
    ) -> Result<T, E> {
        let result = body(&mut self.body);
        let left = self.body.left;
        self.body.finish()?;
        let value = result?;
        if left > 0 { Err(WireError::TrailingBytes.into()) } else { Ok(value) }
    }
}

/// The body of a file that is being read.
#[derive(Debug)]
pub struct BodyReader<R> {
    input: R,
    hash: blake3::Hasher,
    left: u64,
    /// Why the input gave no more. What follows it would be read at the wrong place.
    failure: Option<WireError>,
}

impl<R: Read> BodyReader<R> {
    /// Refuses what the declared body has no room for. Readers ask this before they set memory aside.
    ///
    /// # Errors
    ///
    /// [`WireError::BodyLength`].
    pub fn claim(&self, needed: u64) -> Result<(), WireError> {
        if needed > self.left { Err(WireError::BodyLength { needed, left: self.left }) } else { Ok(()) }
    }

    /// Bytes that are left of the declared body.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Fills `bytes`.
    ///
    /// # Errors
    ///
    /// [`WireError::BodyLength`], [`WireError::Truncated`], [`WireError::Io`].
    pub fn fill(&mut self, bytes: &mut [u8]) -> Result<(), WireError> {
        self.claim(bytes.len() as u64)?;
        self.input(|input| input.read_exact(bytes))?;
        self.hash.update(bytes);
        self.left -= bytes.len() as u64;
        Ok(())
    }

    /// The next bytes: `u16::from_le_bytes(body.array()?)`.
    ///
    /// # Errors
    ///
    /// As [`fill`](Self::fill).
    pub fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], WireError> {
        let mut bytes = [0; LENGTH];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads what [`BodyWriter::structure`] wrote, of at most `max_bytes` encoded.
    ///
    /// # Errors
    ///
    /// As [`fill`](Self::fill), and [`WireError::Malformed`] for anything that writing would not give.
    pub fn structure<T: Serialize + DeserializeOwned>(&mut self, max_bytes: u32) -> Result<T, WireError> {
        let length = u32::from_le_bytes(self.array()?);
        self.claim(length.into())?;
        if length > max_bytes {
            return Err(WireError::Malformed);
        }
        // The vector grows with what arrives, not with what is claimed.
        let mut encoded = Vec::new();
        self.input(|input| match input.take(length.into()).read_to_end(&mut encoded)? {
            read if read < length as usize => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        })?;
        self.hash.update(&encoded);
        self.left -= u64::from(length);
        let value: T = postcard::from_bytes(&encoded).map_err(|_| WireError::Malformed)?;
        let again = postcard::to_allocvec(&value).map_err(|_| WireError::Malformed)?;
        if again == encoded { Ok(value) } else { Err(WireError::Malformed) }
    }

    /// Reads so many bytes for the hash alone.
    ///
    /// # Errors
    ///
    /// As [`fill`](Self::fill).
    pub fn skip(&mut self, bytes: u64) -> Result<(), WireError> {
        self.claim(bytes)?;
        let mut buffer = Zeroizing::new([0; SKIPPED_AT_ONCE]);
        let end = self.left - bytes;
        while self.left > end {
            let length = (self.left - end).min(buffer.len() as u64) as usize;
            self.fill(&mut buffer[..length])?;
        }
        Ok(())
    }

    /// Uses the input once.
    fn input<T>(&mut self, read: impl FnOnce(&mut R) -> io::Result<T>) -> Result<T, WireError> {
        read(&mut self.input).map_err(|error| {
            let error = WireError::from(error);
            self.failure = Some(error.clone());
            error
        })
    }

    /// Reads to the end of the body and of the file, and compares the hash.
    fn finish(&mut self) -> Result<(), WireError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.skip(self.left)?;
        let mut hash = [0; HASH_BYTES as usize];
        self.input.read_exact(&mut hash)?;
        let damaged = *self.hash.finalize().as_bytes() != hash;
        self.hash.zeroize();
        if damaged {
            return Err(WireError::Damaged);
        }
        match io::copy(&mut (&mut self.input).take(1), &mut io::sink())? {
            0 => Ok(()),
            _ => Err(WireError::TrailingBytes),
        }
    }
}
