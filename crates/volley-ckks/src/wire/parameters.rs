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
    /// Writes the set as a file of a few dozen bytes: the literal, and for a pool the number of its owners.
    ///
    /// # Errors
    ///
    /// [`WireError::Io`].
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let mut body = encode_structure(&self.literal())?;
        if let SecretDistribution::TernarySum { owners } = self.secret() {
            body.push(owners as u8);
        }
        let header = Header {
            kind: Kind::PARAMETERS,
            params_id: self.id(),
            key_id: None,
            extension: Vec::new(),
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
        file.expect_bare(false)?;
        let expected = file.header().params_id;
        let parameters = file.read(|body| {
            let literal: ParametersLiteral = body.structure(MAX_BYTES)?;
            let single = literal.build()?;
            if body.left() == 0 {
                return Ok::<_, WireError>(single);
            }
            let [owners] = body.array()?;
            Ok(single.pooled(owners.into())?)
        })?;
        let found = parameters.id();
        if found == expected { Ok(parameters) } else { Err(WireError::ForeignParameters { expected, found }) }
    }
}
