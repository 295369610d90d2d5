//! How work on a party's files ends without its result.

use std::path::Path;

use thiserror::Error;
use volley_mlr::volley_ckks::{self, multiparty::PoolError};
use volley_program::BadInput;

/// Why there is no result.
#[derive(Debug, Error)]
pub enum Failure {
    /// What the user can mend.
    #[error(transparent)]
    Input(#[from] BadInput),
    /// A file of an upload is not there yet, or not as a whole: more of it may arrive.
    #[error(transparent)]
    Incomplete(BadInput),
    /// A disk has not the room for the results: others may make room.
    #[error(transparent)]
    NoRoom(BadInput),
    /// Whoever waited for it asked for its end.
    #[error("ended before it was done; a training that is started again goes on where it was")]
    Interrupted,
    /// Only we can mend it.
    #[error(transparent)]
    Internal(#[from] volley_mlr::Error),
}

impl Failure {
    /// The same, where values in a file cause what the library refuses.
    #[must_use]
    pub fn blaming(self, file: &Path) -> Self {
        match self {
            Self::Internal(error) => Self::Input(BadInput::at(file, error)),
            other => other,
        }
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<volley_ckks::Error> for Failure {
    fn from(error: volley_ckks::Error) -> Self {
        Self::Internal(error.into())
    }
}
