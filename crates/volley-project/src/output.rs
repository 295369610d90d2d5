//! Where a user may have results written: neither among secret files, which they could replace, nor, where they are
//! decrypted, into what goes to the server.

use std::fs;
use std::path::Path;

use volley_program::BadInput;

use crate::atomic::{check_free, folder_of};
use crate::job_folder::JobFolder;

/// What the folder of an owner's secrets has: of a project, and of a pool.
const SECRET: [&str; 2] = ["secret-key.vly", "party.json"];

/// Refuses a place among secret files, and what [`check_free`] refuses.
///
/// # Errors
///
/// For such a place.
pub fn check_output(target: &Path, replace: bool) -> Result<(), BadInput> {
    if SECRET.iter().any(|name| folder_of(target).join(name).is_file()) {
        return Err(BadInput::at(target, "this folder has its owner's secret files, and no others"));
    }
    check_free(target, replace)
}

/// The same for what is decrypted, which must not lie in an upload either.
///
/// # Errors
///
/// For such a place.
pub fn check_decrypted(target: &Path, replace: bool) -> Result<(), BadInput> {
    check_outside_upload(target)?;
    check_output(target, replace)
}

/// Refuses a place in the folder that goes to a server, or below it.
///
/// # Errors
///
/// For such a place.
pub fn check_outside_upload(target: &Path) -> Result<(), BadInput> {
    let folder = fs::canonicalize(folder_of(target)).ok();
    let has_job = |folder: &Path| JobFolder::new(folder).job_file().is_file();
    if folder.is_some_and(|folder| folder.ancestors().any(has_job)) {
        return Err(BadInput::at(target, "this folder goes to the server, and what is decrypted must not"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_belong_neither_to_secrets_nor_into_an_upload() {
        let folder = tempfile::tempdir().unwrap();
        let [secret, upload] = ["private", "upload"].map(|name| folder.path().join(name));
        for (folder, file) in [(&secret, SECRET[0]), (&upload, "job.vly")] {
            fs::create_dir_all(folder.join("deep")).unwrap();
            fs::write(folder.join(file), "").unwrap();
        }
        let [owner_state, rows] = [secret.join("owner-state.vly"), upload.join("rows.vly")];
        assert!(check_output(&owner_state, true).is_err() && check_decrypted(&owner_state, true).is_err());
        // Rows that were encrypted may well go to the server.
        assert!(check_output(&rows, true).is_ok() && check_decrypted(&rows, true).is_err());
        assert!(check_outside_upload(&upload.join("deep/page")).is_err());
        let elsewhere = folder.path().join("predictions.txt");
        assert_eq!(check_decrypted(&elsewhere, false), Ok(()));
        fs::write(&elsewhere, "").unwrap();
        assert!(check_decrypted(&elsewhere, false).is_err() && check_output(&elsewhere, false).is_err());
    }
}
