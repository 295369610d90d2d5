//! Why a file was not read or written.

use std::io;

use thiserror::Error;

use super::kind::Kind;
use crate::base::params::{ParametersError, ParamsId};
use crate::multiparty::PoolError;
use crate::rlwe::key_id::KeyId;

/// A file that could not be read or written, and why.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// The system failed: no space, no permission, a broken connection.
    #[error("{message}")]
    Io {
        /// What failed.
        kind: io::ErrorKind,
        /// The system's words.
        message: String,
    },
    /// The end came before the file was complete.
    #[error("the file is truncated")]
    Truncated,
    /// The bytes of something else than a file of this library.
    #[error("this is not a Volley file")]
    Magic,
    /// A file of another version of the format.
    #[error("the file has format version {found}, this program reads version {supported}")]
    Version {
        /// The file's version.
        found: u16,
        /// The version that is read.
        supported: u16,
    },
    /// A header that is not as headers are written.
    #[error("the file's header is malformed")]
    Header,
    /// Another kind of file.
    #[error("this is a file of kind \"{found}\", and one of \"{expected}\" is needed")]
    Kind {
        /// The kind that was asked for.
        expected: Kind,
        /// The kind of the file.
        found: Kind,
    },
    /// A file of another parameter set.
    #[error("the file belongs to other parameters: {found}, not {expected}")]
    ForeignParameters {
        /// The parameters in use.
        expected: ParamsId,
        /// The file's.
        found: ParamsId,
    },
    /// A file of another owner's key, or of none.
    #[error("the file belongs to {}, not {expected}", named(*found))]
    ForeignKey {
        /// The key in use.
        expected: KeyId,
        /// The file's, if it has one.
        found: Option<KeyId>,
    },
    /// Bytes that changed since they were written.
    #[error("the file is damaged: its hash does not match")]
    Damaged,
    /// A file longer than the caller allows.
    #[error("the file says it has {bytes} bytes, the limit is {limit}")]
    LimitExceeded {
        /// Bytes of the whole file.
        bytes: u64,
        /// Bytes that were allowed.
        limit: u64,
    },
    /// Bytes after the content, in the body or after the file.
    #[error("the file goes on after its end")]
    TrailingBytes,
    /// A body that is shorter than its content.
    #[error("the body has {left} bytes left where {needed} are needed")]
    BodyLength {
        /// Bytes of the next part.
        needed: u64,
        /// Bytes left of the declared body.
        left: u64,
    },
    /// A residue that is not below its prime.
    #[error("the residue {residue} is not below its prime {modulus}")]
    ResidueRange {
        /// The residue.
        residue: u64,
        /// The prime.
        modulus: u64,
    },
    /// A level that the parameters do not have.
    #[error("level {level} does not exist: the highest is {max}")]
    LevelRange {
        /// The level.
        level: usize,
        /// The highest level.
        max: usize,
    },
    /// A scale that no ciphertext of these parameters has.
    #[error("the scale is out of range, or not a product of powers of the parameters' primes")]
    ScaleRange,
    /// Level and scale that no ciphertext has.
    #[error(transparent)]
    Operand(crate::base::error::Error),
    /// A number of slots that the ring does not have.
    #[error("2^{log2} slots do not exist: the ring has {max}")]
    SlotRange {
        /// log₂ of the number of slots.
        log2: u8,
        /// N/2.
        max: usize,
    },
    /// A number that is no Galois element, or elements that are not in ascending order.
    #[error("the Galois element {element} is out of range or order")]
    GaloisElement {
        /// The element.
        element: u64,
    },
    /// Keys that are needed and not in the file, or not up to the level at which they are needed.
    #[error("the file lacks {missing} of the {needed} keys that are needed")]
    MissingKeys {
        /// Keys that the file lacks.
        missing: usize,
        /// Keys that were asked for.
        needed: usize,
    },
    /// A structure that is not encoded as a writer would encode it.
    #[error("the content is malformed")]
    Malformed,
    /// Parameters that are refused.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// Something of another pool, member or request.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A sealed secret key, and no passphrase.
    #[error("the secret key is sealed: its passphrase is needed")]
    PassphraseNeeded,
    /// A sealed secret key, and a library without the feature `sealing`.
    #[error("the secret key is sealed, and this program was built without sealing")]
    SealingUnsupported,
    /// A passphrase that does not open the secret key.
    #[error("the passphrase is wrong, or the file was changed")]
    Passphrase,
}

/// The key of a file, if it names one.
fn named(key_id: Option<KeyId>) -> String {
    key_id.map_or_else(|| "no key".to_owned(), |key_id| format!("key {key_id}"))
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            kind => Self::Io { kind, message: error.to_string() },
        }
    }
}
