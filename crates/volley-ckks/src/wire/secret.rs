//! Secret keys.
//!
//! The body is the coefficients of s, two bits each: 0, 1, or 2 for −1; coefficient j in bits 2(j mod 4) and above of
//! byte ⌊j/4⌋. The header of a sealed one has an extension, and its body is followed by a tag (`sealing`).

use std::io::{Read, Write};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::WireError;
use super::header::{Header, Kind};
use super::sealing::open_sealed;
use super::stream::{BodyReader, FileReader, write_file};
use crate::context::Context;
use crate::keys::SecretKey;

impl SecretKey {
    pub(super) fn file_header(&self, extension: Vec<u8>, body_bytes: usize) -> Header {
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

    /// Reads a file of at most `limit` bytes. A passphrase is needed where the key is sealed, and not used where it is
    /// not.
    ///
    /// # Errors
    ///
    /// [`WireError::PassphraseNeeded`], [`WireError::Passphrase`] where it does not open the file,
    /// [`WireError::SealingUnsupported`] for a sealed key without the feature `sealing`, and see [`WireError`].
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
        let bytes = context.parameters().degree() / 4;
        let body = if Self::is_sealed(file.header()) {
            open_sealed(file, passphrase, bytes)?
        } else {
            file.read(|body| read_packed(body, bytes))?
        };
        Ok(Self::from_coefficients(context, key_id, &unpack(&body)?))
    }

    /// Whether a file's header says that its secret key is sealed, and a passphrase has to be asked for.
    #[must_use]
    pub fn is_sealed(header: &Header) -> bool {
        header.kind == Kind::SECRET_KEY && !header.extension.is_empty()
    }
}

/// Reads so many bytes of coefficients, in clear or sealed.
pub(super) fn read_packed(
    body: &mut BodyReader<impl Read>,
    bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let mut packed = Zeroizing::new(vec![0; bytes]);
    body.fill(&mut packed)?;
    Ok(packed)
}

/// The coefficients in two bits each.
pub(super) fn pack(coefficients: &[i64]) -> Zeroizing<Vec<u8>> {
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

/// The coefficients from two bits each. The fourth value is refused.
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
