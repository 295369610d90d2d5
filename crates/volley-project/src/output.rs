//! Where a user may have results written: neither in the place of a file that Volley keeps or has just read, nor, where
//! they are private, into a folder that goes to others.

use std::fs;
use std::path::{Path, absolute};

use volley_program::BadInput;

use crate::atomic::{check_free, folder_of};
use crate::job_folder::{JobFolder, PARTY, PROJECT_FILE};

/// What the folder of an owner's secrets has: of a project, and of a pool.
const SECRET: [&str; 2] = ["secret-key.vly", PARTY];

/// Refuses a place among secret files, that of a file of a project or a job, that of one of the files that the result
/// is made of, and what [`check_free`] refuses.
///
/// # Errors
///
/// For such a place.
pub fn check_output(target: &Path, inputs: &[&Path], replace: bool) -> Result<(), BadInput> {
    let folder = folder_of(target);
    if SECRET.iter().any(|name| folder.join(name).is_file()) {
        return Err(BadInput::at(target, "this folder has its owner's secret files, and no others"));
    }
    if target.exists() && (target.ends_with(PROJECT_FILE) || JobFolder::new(folder).has(target)?) {
        return Err(BadInput::at(
            target,
            "this file is of the project or the job, and no result replaces it",
        ));
    }
    let place = fs::canonicalize(target).ok();
    if place.is_some() && inputs.iter().any(|input| fs::canonicalize(input).ok() == place) {
        return Err(BadInput::at(target, "this is read, and the result takes another name"));
    }
    check_free(target, replace)
}

/// The same for what is decrypted, which must not lie in a folder that goes to others either.
///
/// # Errors
///
/// For such a place.
pub fn check_decrypted(target: &Path, inputs: &[&Path], replace: bool) -> Result<(), BadInput> {
    check_stays(target)?;
    check_output(target, inputs, replace)
}

/// Refuses a place in a folder that goes to others, or below it: an upload, and what the parties of a pool exchange.
///
/// # Errors
///
/// For such a place.
pub fn check_stays(target: &Path) -> Result<(), BadInput> {
    // Folders may still have to be made.
    let folder = absolute(folder_of(target)).ok();
    let folder = folder.and_then(|folder| folder.ancestors().find_map(|there| fs::canonicalize(there).ok()));
    match folder.as_deref().and_then(|folder| folder.ancestors().find(|folder| goes_out(folder))) {
        Some(folder) => Err(BadInput::at(
            target,
            format_args!("{} goes to others, and what is private must not", folder.display()),
        )),
        None => Ok(()),
    }
}

/// Whether a folder is sent, with all that is in it.
fn goes_out(folder: &Path) -> bool {
    let is_beside =
        |name: &str, other: &Path| folder.ends_with(name) && folder.with_file_name(other).is_file();
    JobFolder::new(folder).job_file().is_file()
        || is_beside("upload", Path::new(PROJECT_FILE))
        || is_beside("exchange", &Path::new("private").join(PARTY))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project with an upload that has a job, and the folder of a party.
    fn folders() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "p/project.json",
            "p/private/secret-key.vly",
            "p/upload/job.vly",
            "p/upload/deep/x",
            "q/project.json",
        ]
        .into_iter()
        .chain([
            "q/upload/x",
            "pool/private/party.json",
            "pool/exchange/north/x",
            "job/job.vly",
            "table.csv",
        ]) {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn results_replace_no_file_that_is_kept_or_read() {
        let root = folders();
        let check = |target: &str, inputs: &[&str]| {
            let inputs: Vec<_> = inputs.iter().map(|input| root.path().join(input)).collect();
            let inputs: Vec<_> = inputs.iter().map(|input| &**input).collect();
            check_output(&root.path().join(target), &inputs, true).map_err(|error| error.to_string())
        };
        for (target, words) in [
            ("p/private/owner-state.vly", "secret files"),
            ("pool/private/model.json", "secret files"),
            ("p/project.json", "of the project or the job"),
            ("job/job.vly", "of the project or the job"),
            ("none/x", "no such folder"),
        ] {
            assert!(check(target, &[]).is_err_and(|error| error.contains(words)), "{target}");
        }
        assert_eq!(check("table.csv", &["none", "p/project.json"]), Ok(()));
        assert!(check("table.csv", &["p/../table.csv"]).is_err_and(|error| error.contains("this is read")));
        // Rows that were encrypted, and scores, may well lie where they are sent from.
        assert_eq!(check("job/scores.vly", &[]), Ok(()));
        assert!(check_output(&root.path().join("table.csv"), &[], false).is_err());
    }

    #[test]
    fn what_is_private_stays() {
        let root = folders();
        let stays = |target: &str| check_stays(&root.path().join(target)).is_ok();
        for target in ["p/x", "pool/x", "pool/private/x", "table.csv", "none/upload/x", "exchange/x"] {
            assert!(stays(target), "{target}");
        }
        // The second upload has no job yet.
        for target in
            ["p/upload/x", "p/upload/deep/x", "p/upload/none/x", "q/upload/x", "job/x", "pool/exchange/x"]
                .into_iter()
                .chain(["pool/exchange/north/x", "pool/exchange/none/deeper/x"])
        {
            assert!(!stays(target), "{target}");
            assert!(check_decrypted(&root.path().join(target), &[], true).is_err());
        }
        assert_eq!(check_decrypted(&root.path().join("p/predictions.txt"), &[], false), Ok(()));
    }
}
