//! Secret keys, in clear or sealed.

use std::io::{Read, Write};
use std::sync::Arc;

use super::error::WireError;
use super::header::Header;
use super::kind::Kind;
use super::sealing::open_sealed;
use super::secret_file::{pack, read_packed, unpack};
use super::stream::{FileReader, write_file};
use crate::rlwe::context::Context;
use crate::rlwe::keys::SecretKey;

impl SecretKey {
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
