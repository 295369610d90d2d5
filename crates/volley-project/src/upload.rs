//! An upload, from the encrypted rows to the last file in its place.

use std::fs;
use std::path::Path;

use rand_core::CryptoRng;
use volley_data::Schema;
use volley_mlr::volley_ckks::SecretKey;
use volley_mlr::volley_ckks::wire::Header;
use volley_mlr::wire::write_preconditioner;
use volley_mlr::{Encryption, Error, Job, OwnerState};
use volley_program::{BadInput, OrBadInput};

use crate::atomic::Staged;
use crate::files::open_received;
use crate::job_folder::JobFolder;
use crate::project::OwnerFiles;

/// The complete files of an upload, which are not in their places yet.
#[derive(Debug)]
pub struct StagedUpload<'a> {
    folder: &'a JobFolder,
    /// The owner's state and the columns.
    private: [Staged; 2],
    files: Vec<Staged>,
    job: Staged,
}

impl<'a> StagedUpload<'a> {
    /// Encrypts all rows of a set, for a folder and the private files beside it. `written` is told how many files of
    /// rows there are. An error of it ends that.
    ///
    /// # Errors
    ///
    /// Those of `written`, of the encryption, and what the file system refuses.
    #[expect(clippy::too_many_arguments, reason = "each is another part of the upload")]
    pub fn write<E: From<BadInput> + From<Error>>(
        folder: &'a JobFolder,
        private: &OwnerFiles,
        job: &Job,
        encryption: &Encryption<'_>,
        state: &OwnerState,
        schema: &Schema,
        rng: &mut impl CryptoRng,
        mut written: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Self, E> {
        let plan = job.plan();
        let state = Staged::private(&private.owner_state(), |file| state.write(job, file))?;
        let private = [state, private.stage_schema(job, schema)?];
        let blocks = encryption.preconditioner(rng)?;
        let preconditioner =
            Staged::new(&folder.preconditioner_file(), |out| write_preconditioner(&blocks, job, out))?;
        let mut files = vec![preconditioner];
        written(0)?;
        for file in 0..plan.row_files() {
            let rows = encryption.groups(plan.row_file_groups(file), rng)?;
            files.push(Staged::new(&folder.row_file(file), |out| rows.write(job, out))?);
            written(file + 1)?;
        }
        let job = Staged::new(&folder.job_file(), |out| job.write(out))?;
        Ok(Self { folder, private, files, job })
    }

    /// Moves the files to their places, the job last. One that is there already is replaced on demand.
    ///
    /// # Errors
    ///
    /// For a job that is there already, unless it is replaced, and what the file system refuses.
    pub fn commit(self, replace: bool) -> Result<(), BadInput> {
        let row_files = self.files.len() - 1;
        self.private.into_iter().try_for_each(|file| file.commit(true))?;
        self.files.into_iter().try_for_each(|file| file.commit(true))?;
        for stale in self.folder.row_files_beyond(row_files)? {
            fs::remove_file(&stale).at(&stale)?;
        }
        self.job.commit(replace)
    }
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
