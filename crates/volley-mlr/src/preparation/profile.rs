//! The ways to prepare features.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How features are prepared. Files have the order of the variants as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Raw features, as in the paper.
    Paper,
    /// Square roots of non-negative columns, then standardised.
    Standardised,
    /// The same, then whitened: up to 4,096 columns.
    Standard,
}

impl Profile {
    /// Columns that can be whitened: their eigenvectors take minutes, and the matrix 128 MiB.
    const MAX_WHITENED: usize = 4096;

    /// Refuses more features than can be prepared so.
    pub(crate) fn check_features(self, features: usize) -> Result<(), Error> {
        match self {
            Self::Standard if features > Self::MAX_WHITENED => {
                Err(Error::WhitenedColumns { columns: features, max: Self::MAX_WHITENED })
            }
            _ => Ok(()),
        }
    }
}
