//! Files that are there as a whole or not at all, and folders that one program at a time works in.
//!
//! A file is written beside its place under a name of its own, brought to the disk, and then moved. A program that is
//! killed, or runs out of space, leaves what was there before. Several files that belong together are all [`Staged`]
//! before the first is moved.

use std::fmt::Display;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::{Builder, TempPath};
use volley_program::{BadInput, OrBadInput};

use crate::files::{check_without_links, open_lock, open_received};

/// Names of files that are being written: a killed program leaves them, the next one in the folder removes them.
const PREFIX: &str = ".volley-";
const SUFFIX: &str = ".part";
const LOCK: &str = ".volley.lock";
/// Files of tens of megabytes are written in pieces of this size.
const BUFFER_BYTES: usize = 1 << 18;

/// A complete file that is not in its place yet. It is deleted when it is dropped.
#[derive(Debug)]
pub struct Staged {
    file: TempPath,
    target: PathBuf,
}

impl Staged {
    /// Writes a file for everyone.
    ///
    /// # Errors
    ///
    /// What `write` fails by, and what the file system refuses.
    pub fn new<E: Display>(
        target: &Path,
        write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
    ) -> Result<Self, BadInput> {
        let mut builder = Builder::new();
        // The permissions of any program's files; the user's mask applies.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Self::write(&mut builder, target, |file| {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
            write(&mut out).or_bad_input()?;
            out.flush().or_bad_input()
        })
    }

    /// Writes a file that only its owner may read (mode 0600 on Unix). Unbuffered: no buffer is left to be wiped.
    ///
    /// # Errors
    ///
    /// What `write` fails by, and what the file system refuses.
    pub fn private<E: Display>(
        target: &Path,
        write: impl FnOnce(&File) -> Result<(), E>,
    ) -> Result<Self, BadInput> {
        Self::write(&mut Builder::new(), target, |file| write(file).or_bad_input())
    }

    fn write(
        builder: &mut Builder<'_, '_>,
        target: &Path,
        write: impl FnOnce(&File) -> Result<(), BadInput>,
    ) -> Result<Self, BadInput> {
        let file = builder.prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder_of(target));
        let file = file.map_err(|error| refused(&error, target))?;
        write(file.as_file()).at(target)?;
        file.as_file().sync_all().at(target)?;
        // Closed: there may be more of them than a program may have open.
        Ok(Self { file: file.into_temp_path(), target: target.to_owned() })
    }

    /// Moves the file to its place. A file that is there already is replaced only on demand.
    ///
    /// # Errors
    ///
    /// For a file that is there already, unless it is replaced, and what the file system refuses.
    pub fn commit(self, replace: bool) -> Result<(), BadInput> {
        let Self { file, target } = self;
        let moved = if replace { file.persist(&target) } else { file.persist_noclobber(&target) };
        moved.map_err(|failed| failed.error).at(&target)?;
        sync_folder(folder_of(&target)).at(&target)
    }
}

/// Moves a complete file of the same file system, in the place of any that is there.
///
/// # Errors
///
/// What the file system refuses.
pub fn move_file(file: &Path, target: &Path) -> Result<(), BadInput> {
    fs::rename(file, target).at(target)?;
    sync_folder(folder_of(target)).at(target)
}

/// Refuses to begin work whose result would replace a file, unless that is demanded. Only regular files are ever
/// replaced: a device such as `/dev/null` would be gone for all programs.
///
/// # Errors
///
/// For a file that is there, unless it is replaced, for anything that is no regular file, and where the folder is not
/// there.
pub fn check_free(target: &Path, replace: bool) -> Result<(), BadInput> {
    match target.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder_of(target).exists() => Ok(()),
        Err(error) => Err(refused(&error, target)),
        Ok(there) if there.is_symlink() => Err(BadInput::at(target, "this is a link, and is not replaced")),
        Ok(there) if !there.is_file() => {
            Err(BadInput::at(target, "this is no regular file, and is not replaced"))
        }
        Ok(_) if !replace => Err(BadInput::at(target, "the file exists; --force replaces it")),
        Ok(_) => Ok(()),
    }
}

/// The right to change a folder's files; it ends with the program, however that ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Locks the folder, and removes what a killed program left half written. A folder with links in it is refused.
    ///
    /// # Errors
    ///
    /// Where another program is at work in the folder, and for one with links in it.
    pub fn take(folder: &Path) -> Result<Self, BadInput> {
        Self::take_within(folder, Duration::ZERO)
    }

    /// The same where another program may be about to end: it is awaited for so long.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn take_within(folder: &Path, patience: Duration) -> Result<Self, BadInput> {
        check_without_links(folder)?;
        let begin = Instant::now();
        while begin.elapsed() < patience && is_locked(folder) {
            thread::sleep(Duration::from_millis(50));
        }
        Self::take_among_links(folder)
    }

    /// The same in a folder whose links are of no consequence.
    ///
    /// # Errors
    ///
    /// Where another program is at work in the folder.
    pub fn take_among_links(folder: &Path) -> Result<Self, BadInput> {
        let file = open_lock(&folder.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(BadInput::at(folder, "another volley is at work in this folder"));
            }
            Err(TryLockError::Error(error)) => return Err(BadInput::at(folder, error)),
        }
        sweep(folder).at(folder)?;
        Ok(Self { _file: file })
    }
}

/// Whether a program is at work in the folder, as far as can be told. To find out it holds the lock for a moment, in
/// which a program that begins there would be refused.
#[must_use]
pub fn is_locked(folder: &Path) -> bool {
    let file = open_received(&folder.join(LOCK));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Removes the remains of files that were never complete.
///
/// # Errors
///
/// What the file system refuses.
pub fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let partial = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if partial && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Why a file could not be made: without the name of the temporary file that `tempfile` adds to the system's words.
fn refused(error: &io::Error, target: &Path) -> BadInput {
    if error.kind() == io::ErrorKind::NotFound {
        return BadInput::at(folder_of(target), "there is no such folder to write to");
    }
    let text = error.to_string();
    BadInput::at(target, text.split_once(" at path ").map_or(text.as_str(), |(words, _)| words))
}

/// The folder that a file lies in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings the names of a folder to the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Does nothing: other systems have no such call.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(target: &Path, content: &str) -> Staged {
        Staged::new(target, |out| out.write_all(content.as_bytes())).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_program_that_ends_is_awaited() {
        let folder = tempfile::tempdir().unwrap();
        let held = FolderLock::take(folder.path()).unwrap();
        assert!(FolderLock::take(folder.path()).is_err());
        assert!(FolderLock::take_within(folder.path(), Duration::from_millis(100)).is_err());
        let ending = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(held);
        });
        assert!(FolderLock::take_within(folder.path(), Duration::from_secs(60)).is_ok());
        ending.join().unwrap();
    }

    #[test]
    fn a_file_is_there_when_it_is_committed_and_replaced_on_demand_only() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let staged = stage(&target, "one");
        assert!(!target.exists());
        staged.commit(false).unwrap();
        assert!(stage(&target, "two").commit(false).is_err());
        assert!(check_free(&target, false).is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "one");
        check_free(&target, true).unwrap();
        stage(&target, "three").commit(true).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "three");
        assert_eq!(names(folder.path()), ["file"]);
    }

    /// Renaming over it would remove a pipe, a link or, for one who may, a device.
    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_never_replaced() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let _socket = UnixListener::bind(path("socket")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        symlink("folder", path("link")).unwrap();
        symlink("nowhere", path("dangling")).unwrap();
        let others = ["socket", "folder"].map(|name| (name, "this is no regular file, and is not replaced"));
        let links = ["link", "dangling"].map(|name| (name, "this is a link, and is not replaced"));
        for (name, problem) in others.into_iter().chain(links) {
            for replace in [false, true] {
                let refused = check_free(&path(name), replace).unwrap_err();
                assert_eq!(refused, BadInput::at(&path(name), problem));
            }
        }
        assert!(check_free(&path("none"), false).is_ok());
        let refused = check_free(&path("none/file"), false).unwrap_err();
        assert_eq!(refused, BadInput::at(&path("none"), "there is no such folder to write to"));
        assert!(check_free(Path::new("/dev/null"), true).is_err());
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let failed = Staged::private(&target, |_| Err(io::Error::other("full")));
        assert_eq!(failed.unwrap_err(), BadInput::at(&target, "full"));
        assert_eq!(names(folder.path()), Vec::<String>::new());
        let nowhere = folder.path().join("none/file");
        let refused = Staged::private(&nowhere, |_| Ok::<_, io::Error>(())).unwrap_err();
        assert_eq!(refused, BadInput::at(&folder.path().join("none"), "there is no such folder to write to"));
    }

    #[cfg(unix)]
    #[test]
    fn private_files_are_their_owners() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        Staged::private(&target, |_| Ok::<_, io::Error>(())).unwrap().commit(false).unwrap();
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn one_at_a_time_and_remains_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".volley-x.part", ".volley-x", "x.part"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join(".volley-folder.part")).unwrap();
        assert!(!is_locked(folder.path()));
        let lock = FolderLock::take(folder.path()).unwrap();
        assert!(is_locked(folder.path()));
        let left = [".volley-folder.part", ".volley-x", ".volley.lock", "x.part"];
        assert_eq!(names(folder.path()), left);
        let refused = FolderLock::take(folder.path()).unwrap_err();
        assert_eq!(refused, BadInput::at(folder.path(), "another volley is at work in this folder"));
        drop(lock);
        assert!(!is_locked(folder.path()));
        FolderLock::take(folder.path()).unwrap();
    }
}
