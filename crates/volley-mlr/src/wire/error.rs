//! Why a file of a run was not read or written.

use std::ops::Range;

use thiserror::Error;

use super::FileError;
use super::names::{JobId, PlanHash};
use crate::error::Error;
use crate::volley_ckks::Operand;
use crate::volley_ckks::multiparty::PoolId;

/// A file that could not be read or written, and why.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// A file that the layer below refuses: truncated, damaged, of another key.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of another run.
    #[error("the file belongs to another job: {found}, not {expected}")]
    ForeignJob {
        /// The job in hand.
        expected: JobId,
        /// The file's.
        found: JobId,
    },
    /// A file that was made by another plan, or a plan that is not the one its file names.
    #[error("the file belongs to another plan: {found}, not {expected}")]
    ForeignPlan {
        /// The plan in hand.
        expected: PlanHash,
        /// The file's.
        found: PlanHash,
    },
    /// A file of rows in the place of another, or rows that are not those of a file.
    #[error(
        "the file has groups {} to {} of the rows where the plan has {} to {}",
        found.start, found.end, expected.start, expected.end
    )]
    ForeignGroups {
        /// The groups that the plan has in this file.
        expected: Range<usize>,
        /// Those of the file.
        found: Range<usize>,
    },
    /// A ciphertext that the plan has not at this place.
    #[error(
        "a ciphertext has level {}, scale {} and {} slots where the plan has {}, {} and {}",
        found.level, found.scale, found.slots, expected.level, expected.scale, expected.slots
    )]
    Operand {
        /// What the plan has.
        expected: Operand,
        /// What the file has.
        found: Operand,
    },
    /// Scores that do not name their rows, as those of earlier versions.
    #[error(
        "the file does not say of which rows the scores are, so an earlier version wrote it: score the rows again"
    )]
    UnnamedRows,
    /// A plan that refreshes weights by something of its own, which a reader would not know.
    #[error("the plan refreshes weights to level {level} by what no file names: it cannot be a job")]
    UnnamedRefresh {
        /// The level that a refresh returns to.
        level: usize,
    },
    /// The plan of a pool in the place of one owner's.
    #[error("the plan is of {owners} owners: its job is that of a pool")]
    PooledPlan {
        /// Owners of the plan.
        owners: usize,
    },
    /// A pool that was made for something else than a job.
    #[error("pool {pool} was not made for this job: its members agreed on something else")]
    PoolOfAnotherJob {
        /// The pool.
        pool: PoolId,
    },
    /// Rows whose ciphertexts are not of the form that the run of one owner, or of several, has.
    #[error("the ciphertexts of this run's rows {}", if *whole { "have both halves" } else { "have a seed" })]
    RowCiphertexts {
        /// Whether the rows of the run have both halves.
        whole: bool,
    },
    /// Content that is refused: settings out of range, a layout that does not exist, a checkpoint of another run.
    #[error(transparent)]
    Content(#[from] Error),
}
