//! Parameter sets in files: what they are built from, so that reading one is building it.

use std::io::{Read, Write};

use super::error::WireError;
use super::header::Header;
use super::kind::Kind;
use super::stream::{FileReader, encode_structure, write_file};
use crate::base::params::{MAX_PRIMES, Parameters, ParametersLiteral, SecretDistribution};

/// More bytes than postcard takes for a literal with all primes, each a level.
const MAX_BYTES: u32 = 64 + 2 * MAX_PRIMES as u32;

impl Parameters {
    /// Writes the set as a file of a few dozen bytes: the literal, and in the header the number of owners of a pool.
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let body = encode_structure(&self.literal())?;
        let extension = match self.secret() {
            SecretDistribution::Ternary => Vec::new(),
            SecretDistribution::TernarySum { owners } => vec![owners as u8],
        };
        let header = Header {
            kind: Kind::PARAMETERS,
            params_id: self.id(),
            key_id: None,
            extension,
            body_bytes: body.len() as u64,
        };
        write_file(&header, out, |writer| writer.bytes(&body))
    }

    /// Reads a file of at most `limit` bytes, builds its literal, with all checks of that, and compares the id.
    ///
    /// Look at [`security`](Self::security): a file may claim none.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Parameters`] for a literal that is refused,
    /// [`WireError::ForeignParameters`] for one that gives other primes than it gave its writer.
    pub fn read(input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(Kind::PARAMETERS)?;
        let owners = match file.header() {
            Header { key_id: None, extension, .. } => match extension[..] {
                [] => None,
                [owners] => Some(owners.into()),
                _ => return Err(WireError::Header),
            },
            _ => return Err(WireError::Header),
        };
        let expected = file.header().params_id;
        let parameters = file.read(|body| {
            let literal: ParametersLiteral = body.structure(MAX_BYTES)?;
            let single = literal.build()?;
            match owners {
                None => Ok::<_, WireError>(single),
                Some(owners) => single.pooled(owners).map_err(|_| WireError::Header),
            }
        })?;
        let found = parameters.id();
        if found == expected { Ok(parameters) } else { Err(WireError::ForeignParameters { expected, found }) }
    }
}
