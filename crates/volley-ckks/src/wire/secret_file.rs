//! What the files of secret keys have in common, in clear or sealed.
//!
//! The body is the coefficients of s, two bits each: 0, 1, or 2 for −1; coefficient j in bits 2(j mod 4) and above of
//! byte ⌊j/4⌋. The header of a sealed one has an extension, and its body is followed by a tag (`sealing`).

use std::io::Read;

use zeroize::Zeroizing;

use super::error::WireError;
use super::header::Header;
use super::kind::Kind;
use super::stream::BodyReader;
use crate::rlwe::keys::SecretKey;

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

/// Two bits a coefficient.
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

/// Refuses the fourth value.
pub(super) fn unpack(packed: &[u8]) -> Result<Zeroizing<Vec<i64>>, WireError> {
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
