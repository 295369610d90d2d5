//! Files of a training run, in the format of [`volley_ckks::wire`](crate::volley_ckks::wire).
//!
//! | kind | from | to | type |
//! |---|---|---|---|
//! | training job | owner | server | [`Job`] |
//! | training rows | owner | server | [`EncryptedGroups`](crate::EncryptedGroups) |
//! | preconditioner | owner | server | [`read_preconditioner`] |
//! | checkpoint | server | itself | [`Checkpoint`](crate::Checkpoint) |
//! | gradient | server, of its share of the rows | server | [`Gradient`](crate::Gradient) |
//! | encrypted model | server | owner | [`EncryptedModel`](crate::EncryptedModel) |
//! | encrypted rows | owner | server | [`EncryptedRows`](crate::EncryptedRows) |
//! | encrypted scores | server | owner | [`EncryptedScores`](crate::EncryptedScores) |
//! | owner state | owner | itself | [`OwnerState`](crate::OwnerState) |
//! | pool job | an owner of a pool | all | [`PoolJob`](crate::PoolJob) |
//! | pool sums | an owner of a pool | the other owners | [`EncryptedSums`](crate::pool::EncryptedSums) |
//!
//! Every file carries the [`JobId`] and the [`PlanHash`], besides the names of parameters and key. All but the first
//! are written for a job and read for a job. They are refused where they belong to another job, before anything is
//! trained or decrypted. Levels, scales and numbers of ciphertexts are those that the plan gives. Scores carry the
//! [`RowsHash`] as well. `docs/formats.md` of the project says what stands where.
//!
//! The names catch mistakes. They are not authenticated: a server that wants to can give any file any name.

// It may import whatever there is in this crate.
mod checkpoint;
mod error;
mod gradient;
mod gradient_words;
pub(crate) mod job;
mod model;
pub(crate) mod names;
mod owner_state;
mod plan;
pub(crate) mod pool_job;
mod pool_plan;
mod pool_sums;
mod prediction;
mod row_files;
mod row_record;
mod training_rows;

use std::io::Read;

use crate::plan::Plan;
use crate::volley_ckks::KeyId;
use crate::volley_ckks::wire::{FileReader, Header, Kind};

use job::Job;
use names::{JobId, PlanHash, RowsHash};

pub use error::WireError;
pub use gradient::read_gradient_groups;
pub use gradient_words::{GradientWords, MAX_SUMMANDS};
pub use row_files::RowFiles;
pub use row_record::RowRecord;
pub use training_rows::{read_groups, read_preconditioner, write_preconditioner};

/// A job.
pub const JOB: Kind = Kind::new("training job");
/// Some of the rows that the owner uploads.
pub const TRAINING_ROWS: Kind = Kind::new("training rows");
/// 1/B, which goes with the rows.
pub const PRECONDITIONER: Kind = Kind::new("preconditioner");
/// What the server goes on from.
pub const CHECKPOINT: Kind = Kind::new("checkpoint");
/// What servers that share the rows add up.
pub const GRADIENT: Kind = Kind::new("gradient");
/// What the server returns.
pub const MODEL: Kind = Kind::new("encrypted model");
/// Rows whose scores the owner asks for.
pub const ROWS: Kind = Kind::new("encrypted rows");
/// Scores that the server returns.
pub const SCORES: Kind = Kind::new("encrypted scores");
/// What the owner keeps.
pub const OWNER_STATE: Kind = Kind::new("owner state");

/// The job of a pool.
pub const POOL_JOB: Kind = Kind::new("pool job");
/// Sums of a member of a pool in one round of statistics.
pub const POOL_SUMS: Kind = Kind::new("pool sums");

/// The job and the plan that a file of this layer belongs to; `None` for other files.
#[must_use]
pub fn names(header: &Header) -> Option<(JobId, PlanHash)> {
    let (job, plan) = header.extension.split_first_chunk::<16>()?;
    let (plan, rest) = plan.split_first_chunk::<32>()?;
    let of_member = header.kind == POOL_SUMS && rest.len() == pool_sums::NAMES_BYTES;
    let complete = rest.is_empty() || of_member || rows(header).is_some();
    complete.then(|| (JobId::from_bytes(*job), PlanHash::from_bytes(*plan)))
}

/// The hash of the rows that scores belong to; `None` for other files, and for scores that do not name their rows.
#[must_use]
pub fn rows(header: &Header) -> Option<RowsHash> {
    let of_scores = header.kind == SCORES && header.extension.len() == 16 + 32 + 32;
    let (_, hash) = header.extension.split_last_chunk().filter(|_| of_scores)?;
    Some(RowsHash::from_bytes(*hash))
}

/// The header of a file of a job.
fn header(job: &Job, kind: Kind, body_bytes: u64) -> Header {
    named_header(kind, job.plan(), job.key_id(), (job.id(), job.plan_hash()), body_bytes)
}

fn named_header(
    kind: Kind,
    plan: &Plan,
    key_id: KeyId,
    (job, hash): (JobId, PlanHash),
    body_bytes: u64,
) -> Header {
    Header {
        kind,
        params_id: plan.parameters().id(),
        key_id: Some(key_id),
        extension: job_extension(job, hash),
        body_bytes,
    }
}

/// The names of job and plan, as they begin every extension.
fn job_extension(job: JobId, plan: PlanHash) -> Vec<u8> {
    [&job.as_bytes()[..], plan.as_bytes()].concat()
}

/// Opens a file, and refuses it unless it is of this kind and job.
fn open<R: Read>(job: &Job, kind: Kind, input: R, limit: u64) -> Result<FileReader<R>, WireError> {
    let file = FileReader::open(input, limit)?;
    file.expect_kind(kind)?;
    if let Err(foreign) = expect_job(job, file.header()) {
        // Of a file that is damaged this is the error.
        return file.read(|_| Err(foreign));
    }
    file.expect_parameters(job.plan().parameters().id())?;
    file.expect_key(job.key_id())?;
    Ok(file)
}

/// Refuses a file of another job or plan.
fn expect_job(job: &Job, header: &Header) -> Result<(), WireError> {
    let (found_job, found_plan) = names(header).ok_or(FileError::Header)?;
    if found_job != job.id() {
        return Err(WireError::ForeignJob { expected: job.id(), found: found_job });
    }
    if found_plan != job.plan_hash() {
        return Err(WireError::ForeignPlan { expected: job.plan_hash(), found: found_plan });
    }
    Ok(())
}

type FileError = crate::volley_ckks::wire::WireError;

#[cfg(test)]
mod tests;
