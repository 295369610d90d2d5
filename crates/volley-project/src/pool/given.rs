//! Statistics that prepare the rows and are given: the owner state of a training on other rows, such as public ones.
//!
//! The invitation has the hash of the file, so that the fingerprint which owners compare is of the file as well.

use std::io;
use std::path::Path;

use super::Result;
use crate::files::open_named;
use volley_mlr::OwnerState;
use volley_program::{BadInput, OrBadInput};

use super::agreement::Invitation;
use super::folder::PoolFolder;

/// Sent by the owner who invites.
const STATISTICS: &str = "statistics.vly";
/// More than the statistics of any table take: a covariance of 4,096 columns.
const LIMIT: u64 = 1 << 28;

/// The hash of a file of statistics that fit the table of the owner who invites.
pub(super) fn hash(file: &Path, invitation: &Invitation) -> Result<String, BadInput> {
    fitting(OwnerState::read_fitted(open_named(file)?, LIMIT).at(file)?, invitation, 1).at(file)?;
    let mut hash = blake3::Hasher::new();
    hash.update_reader(open_named(file)?).at(file)?;
    Ok(hash.finalize().to_hex().to_string())
}

/// Sends the file to all parties, unless it is there.
pub(super) fn send(folder: &PoolFolder, host: &str, file: &Path) -> Result<(), BadInput> {
    if folder.has(host, STATISTICS) {
        return Ok(());
    }
    let mut given = open_named(file)?;
    folder.send(host, STATISTICS, |out| io::copy(&mut given, out).map(drop))
}

/// Refuses another file than the one that the invitation names.
pub(super) fn check(folder: &PoolFolder, host: &str, invitation: &Invitation) -> Result<(), BadInput> {
    let Some(expected) = &invitation.settings.statistics else { return Ok(()) };
    folder.read(host, STATISTICS, |input| OwnerState::read_fitted(input, LIMIT))?;
    if folder.hash_of(host, STATISTICS).as_ref() == Some(expected) {
        return Ok(());
    }
    let problem = format!("other statistics than those of the invitation of {host}");
    Err(BadInput::at(&folder.sent(host, STATISTICS), problem))
}

/// The statistics, as those of all rows of the pool. Their file was [checked](check).
pub(super) fn state(
    folder: &PoolFolder,
    host: &str,
    invitation: &Invitation,
    rows: usize,
) -> Result<OwnerState, BadInput> {
    let state = folder.read(host, STATISTICS, |input| OwnerState::read_fitted(input, LIMIT))?;
    fitting(state, invitation, rows).at(&folder.sent(host, STATISTICS))
}

fn fitting(state: OwnerState, invitation: &Invitation, rows: usize) -> Result<OwnerState, BadInput> {
    state.for_rows(&invitation.class_labels()?, invitation.features(), rows).or_bad_input()
}
