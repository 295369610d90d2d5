//! Secret keys: in clear, or sealed with a passphrase.
//!
//! The body is the coefficients of s, two bits each: 0, 1, or 2 for −1; coefficient j in bits 2(j mod 4) and above of
//! byte ⌊j/4⌋. A sealed one is encrypted and authenticated by XChaCha20-Poly1305 under a key that Argon2id (version
//! 0x13) derives from the passphrase, with all bytes of the file before the body as associated data. Salt, cost and
//! nonce are in the header's extension.

use std::io::{Read, Write};
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{FileReader, Header, Kind, WireError, write_file};
use crate::{Context, SecretKey};

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
    /// Most that a file may demand of who opens it: a second or two.
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

impl SecretKey {
    fn file_header(&self, extension: Vec<u8>, body_bytes: usize) -> Header {
        Header {
            kind: Kind::SECRET_KEY,
            params_id: self.context().parameters().id(),
            key_id: Some(self.id()),
            extension,
            body_bytes: body_bytes as u64,
        }
    }

    /// Writes it in clear. The file must be for its owner only:
    /// [`create_private_file`](super::create_private_file).
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let body = pack(&self.coefficients());
        write_file(&self.file_header(Vec::new(), body.len()), out, |writer| writer.bytes(&body))
    }

    /// Writes it sealed with a passphrase, by Argon2id with 64 MiB, three passes and four lanes: a fraction of a second.
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

    /// Reads a file of at most `limit` bytes. A passphrase is needed where the key is sealed, and not used where it is
    /// not.
    ///
    /// # Errors
    ///
    /// [`WireError::PassphraseNeeded`], [`WireError::Passphrase`] where it does not open the file, and see
    /// [`WireError`].
    pub fn read(
        context: &Arc<Context>,
        passphrase: Option<&[u8]>,
        input: impl Read,
        limit: u64,
    ) -> Result<Self, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(Kind::SECRET_KEY)?;
        file.expect_parameters(context.parameters().id())?;
        let key_id = file.key_id()?;
        let degree = context.parameters().degree();
        let seal = match &file.header().extension[..] {
            [] => None,
            encoded => Some(decode_seal(encoded)?),
        };
        let associated = file.encoded_header().to_vec();
        // The hash is compared before a key is derived.
        let (mut body, tag) = file.read(|body| {
            let mut packed = Zeroizing::new(vec![0; degree / 4]);
            body.fill(&mut packed)?;
            let tag: Option<[u8; TAG_BYTES]> = seal.as_ref().map(|_| body.array()).transpose()?;
            Ok::<_, WireError>((packed, tag))
        })?;
        if let (Some(seal), Some(tag)) = (seal, tag) {
            seal.cipher(passphrase.ok_or(WireError::PassphraseNeeded)?)?
                .decrypt_inout_detached(
                    &XNonce::from(seal.nonce),
                    &associated,
                    body.as_mut_slice().into(),
                    &Tag::from(tag),
                )
                .map_err(|_| WireError::Passphrase)?;
        }
        Ok(Self::from_coefficients(context, key_id, &unpack(&body)?))
    }

    /// Whether a file's header says that its secret key is sealed: whether to ask for a passphrase.
    #[must_use]
    pub fn is_sealed(header: &Header) -> bool {
        header.kind == Kind::SECRET_KEY && !header.extension.is_empty()
    }
}

fn decode_seal(encoded: &[u8]) -> Result<Seal, WireError> {
    let seal: Seal = postcard::from_bytes(encoded).map_err(|_| WireError::Header)?;
    let again = postcard::to_allocvec(&seal).map_err(|_| WireError::Header)?;
    let sound = again == encoded && seal.cost.params().is_some();
    if sound { Ok(seal) } else { Err(WireError::Header) }
}

/// Two bits a coefficient.
fn pack(coefficients: &[i64]) -> Zeroizing<Vec<u8>> {
    let mut packed = Zeroizing::new(vec![0; coefficients.len() / 4]);
    for (byte, coefficients) in packed.iter_mut().zip(coefficients.chunks_exact(4)) {
        for (place, &coefficient) in coefficients.iter().enumerate() {
            // −1 is …11 in binary: its upper bit alone.
            let code = (coefficient & 1) + (coefficient >> 1 & 1);
            *byte |= (code as u8) << (2 * place);
        }
    }
    packed
}

/// Refuses the fourth value.
fn unpack(packed: &[u8]) -> Result<Zeroizing<Vec<i64>>, WireError> {
    let invalid = packed.iter().fold(0, |invalid, byte| invalid | (byte & byte >> 1 & 0b0101_0101));
    if invalid != 0 {
        return Err(WireError::Malformed);
    }
    let mut coefficients = Zeroizing::new(Vec::with_capacity(4 * packed.len()));
    for &byte in packed {
        coefficients.extend((0..4).map(|place| {
            let code = i64::from(byte >> (2 * place) & 3);
            // 0, 1, 2 to 0, 1, −1.
            code - 3 * (code >> 1)
        }));
    }
    Ok(coefficients)
}
