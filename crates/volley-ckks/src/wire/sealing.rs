//! Secret keys that are sealed with a passphrase.
//!
//! The body is encrypted and authenticated by XChaCha20-Poly1305 under a key that Argon2id (version 0x13) derives from
//! the passphrase, with all bytes of the file before the body as associated data. Salt, cost and nonce are in the
//! header's extension.

use std::io::{Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::WireError;
use super::secret_file::{pack, read_packed};
use super::stream::{FileReader, write_file};
use crate::rlwe::keys::SecretKey;

/// Bytes of the authentication behind the body.
const TAG_BYTES: usize = 16;

/// How a body is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    cost: Cost,
    salt: [u8; 16],
    nonce: [u8; 24],
}

/// The work of Argon2id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) lanes: u32,
}

impl Cost {
    /// The second recommendation of RFC 9106.
    const DEFAULT: Self = Self { memory_kib: 1 << 16, iterations: 3, lanes: 4 };
    /// The most work that a file may demand of whoever opens it: a second or two.
    const MAX: Self = Self { memory_kib: 1 << 18, iterations: 8, lanes: 16 };

    fn params(&self) -> Option<Params> {
        let Self { memory_kib, iterations, lanes } = *self;
        let bounded = memory_kib <= Self::MAX.memory_kib
            && iterations <= Self::MAX.iterations
            && lanes <= Self::MAX.lanes;
        Params::new(memory_kib, iterations, lanes, Some(32)).ok().filter(|_| bounded)
    }
}

impl Seal {
    /// Reads a header's extension. Another encoding is refused, and a cost beyond the largest.
    fn decode(encoded: &[u8]) -> Result<Self, WireError> {
        let seal: Self = postcard::from_bytes(encoded).map_err(|_| WireError::Header)?;
        let again = postcard::to_allocvec(&seal).map_err(|_| WireError::Header)?;
        let sound = again == encoded && seal.cost.params().is_some();
        if sound { Ok(seal) } else { Err(WireError::Header) }
    }

    /// The cipher under the passphrase's key.
    fn cipher(&self, passphrase: &[u8]) -> Result<XChaCha20Poly1305, WireError> {
        let params = self.cost.params().ok_or(WireError::Header)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, &self.salt, &mut *key)
            .map_err(|_| WireError::Passphrase)?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }
}

/// Reads so many bytes of coefficients that are sealed.
pub(super) fn open_sealed(
    file: FileReader<impl Read>,
    passphrase: Option<&[u8]>,
    bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let seal = Seal::decode(&file.header().extension)?;
    let associated = file.header().encode()?;
    // The hash is compared before a key is derived.
    let (mut body, tag) = file.read(|body| {
        let packed = read_packed(body, bytes)?;
        Ok::<_, WireError>((packed, Tag::from(body.array::<TAG_BYTES>()?)))
    })?;
    seal.cipher(passphrase.ok_or(WireError::PassphraseNeeded)?)?
        .decrypt_inout_detached(&XNonce::from(seal.nonce), &associated, body.as_mut_slice().into(), &tag)
        .map_err(|_| WireError::Passphrase)?;
    Ok(body)
}

impl SecretKey {
    /// Writes it sealed with a passphrase, by Argon2id with 64 MiB, three passes and four lanes: a fraction of a
    /// second.
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write_sealed(
        &self,
        passphrase: &[u8],
        rng: &mut impl CryptoRng,
        out: impl Write,
    ) -> Result<(), WireError> {
        self.write_sealed_at(Cost::DEFAULT, passphrase, rng, out)
    }

    pub(super) fn write_sealed_at(
        &self,
        cost: Cost,
        passphrase: &[u8],
        rng: &mut impl CryptoRng,
        out: impl Write,
    ) -> Result<(), WireError> {
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        rng.fill_bytes(&mut salt);
        rng.fill_bytes(&mut nonce);
        let seal = Seal { cost, salt, nonce };
        let mut body = pack(&self.coefficients());
        let extension = postcard::to_allocvec(&seal).map_err(|_| WireError::Malformed)?;
        let header = self.file_header(extension, body.len() + TAG_BYTES);
        let tag = seal
            .cipher(passphrase)?
            .encrypt_inout_detached(&XNonce::from(nonce), &header.encode()?, body.as_mut_slice().into())
            .map_err(|_| WireError::Malformed)?;
        write_file(&header, out, |writer| {
            writer.bytes(&body)?;
            writer.bytes(&tag)
        })
    }
}
