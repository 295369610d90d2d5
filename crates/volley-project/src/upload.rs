//! An upload, from the rows in clear to the last file in its place.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rand_core::CryptoRng;
use volley_data::Schema;
use volley_mlr::volley_ckks::SecretKey;
use volley_mlr::volley_ckks::wire::Header;
use volley_mlr::wire::write_preconditioner;
use volley_mlr::{Job, Owner};
use volley_program::{BadInput, OrBadInput};

use crate::atomic::Staged;
use crate::disk::check_room;
use crate::failure::Failure;
use crate::files::open_received;
use crate::job_folder::JobFolder;
use crate::observer::{Observer, files_of_rows};
use crate::project::OwnerFiles;

/// Encrypts all rows of an owner as a new job, into a folder and the private files beside it. The files take their
/// places when all are complete, the job's last. A job that is there already is replaced on demand.
///
/// # Errors
///
/// [`Failure::NoRoom`]; [`Failure::Internal`] for rows that the plan refuses; [`Failure::Interrupted`] between two
/// files of rows; a job that is there already, unless it is replaced, and what the file system refuses.
pub fn encrypt(
    folder: &JobFolder,
    private: &OwnerFiles,
    owner: &Owner,
    schema: &Schema,
    replace: bool,
    rng: &mut impl CryptoRng,
    observer: &dyn Observer,
) -> Result<Job, Failure> {
    let plan = owner.plan();
    check_room(folder.path(), "encryption", plan.upload_bytes())?;
    let job = Job::new(Arc::clone(plan), owner.key_id(), rng).or_bad_input()?;
    let encryption = owner.encryption()?;
    let count = observer.counts("encryption", plan.row_files(), files_of_rows(plan.row_files()));
    let training_set = owner.training_set();
    let state = training_set.owner_state();
    let state = Staged::private(&private.owner_state(), |file| state.write(&job, file))?;
    let schema = private.stage_schema(&job, schema, training_set.has_row_weights())?;
    let blocks = encryption.preconditioner(rng)?;
    let preconditioner =
        Staged::new(&folder.preconditioner_file(), |out| write_preconditioner(&blocks, &job, out))?;
    let mut files = vec![state, schema, preconditioner];
    for number in 0..plan.row_files() {
        let rows = encryption.groups(plan.row_file_groups(number), rng)?;
        files.push(Staged::new(&folder.row_file(number), |out| rows.write(&job, out))?);
        count.set(number + 1);
        observer.check()?;
    }
    let last = Staged::new(&folder.job_file(), |out| job.write(out))?;

    files.into_iter().try_for_each(|file| file.commit(true))?;
    for stale in folder.row_files_beyond(plan.row_files())? {
        fs::remove_file(&stale).at(&stale)?;
    }
    last.commit(replace)?;
    Ok(job)
}

/// Refuses to complete an upload with evaluation keys of another secret key.
///
/// # Errors
///
/// For keys that are missing, damaged or of another secret key.
pub fn check_keys(file: &Path, secret_key: &SecretKey) -> Result<(), BadInput> {
    if !file.try_exists().at(file)? {
        return Err(BadInput::at(file, "there are no evaluation keys: `volley keygen` makes them"));
    }
    let header = Header::read(open_received(file)?).at(file)?;
    if header.key_id == Some(secret_key.id()) {
        return Ok(());
    }
    Err(BadInput::at(file, "these evaluation keys belong to another secret key"))
}
