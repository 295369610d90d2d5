//! Opens files that others may have put where they are: regular files only, and no links where others fill the folder.
//!
//! A program would wait without end for a pipe in the place of a file. A link would lead it to files that whoever made
//! the link could not reach. Both are checked on the file that was opened, so that nothing can be put in its place in
//! between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use volley_mlr::volley_ckks::wire::{FileReader, WireError};
use volley_program::{BadInput, OrBadInput};

/// Files of tens of megabytes are read in pieces of this size.
const BUFFER_BYTES: usize = 1 << 18;
const LINK: &str = "this is a link, and links in a job's folder are not followed";

/// Whether a path's last part may be a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    /// It may: the user named the file.
    Followed,
    /// It may not: another party filled the folder.
    Refused,
}

/// Opens a file that the user named, for reading. A link is followed.
///
/// # Errors
///
/// For a file that is not there, may not be read or is no regular file.
pub fn open_named(path: &Path) -> Result<File, BadInput> {
    open_regular(path, File::options().read(true), Links::Followed)
}

/// Opens a file of a folder that another party filled, for reading.
///
/// # Errors
///
/// As [`open_named`], and for a link.
pub fn open_received(path: &Path) -> Result<File, BadInput> {
    open_regular(path, File::options().read(true), Links::Refused)
}

/// Opens the file that a folder is locked by, or makes it; nothing is written to it.
///
/// # Errors
///
/// As [`open_received`].
pub fn open_lock(path: &Path) -> Result<File, BadInput> {
    open_regular(path, File::options().create(true).truncate(false).write(true).read(true), Links::Refused)
}

/// A buffer for a large file.
#[must_use]
pub fn buffered<R: Read>(file: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER_BYTES, file)
}

/// Reads the whole of a file, without keeping it, and checks its hash.
///
/// # Errors
///
/// For a file that is truncated or damaged.
pub fn check_hash(file: impl Read) -> Result<(), WireError> {
    FileReader::open(file, u64::MAX)?.read(|body| body.skip(body.left()))
}

/// Refuses a folder with links in it, and one that is a link itself.
///
/// # Errors
///
/// For a link, which is named.
pub fn check_without_links(folder: &Path) -> Result<(), BadInput> {
    // With a slash behind it a link would be followed.
    if is_link(&folder.components().collect::<PathBuf>()) {
        return Err(BadInput::at(folder, LINK));
    }
    for entry in fs::read_dir(folder).at(folder)? {
        let path = entry.at(folder)?.path();
        if is_link(&path) {
            return Err(BadInput::at(&path, LINK));
        }
    }
    Ok(())
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

fn open_regular(path: &Path, options: &mut OpenOptions, links: Links) -> Result<File, BadInput> {
    let file = match open_at_once(path, options, links) {
        Err(_) if links == Links::Refused && is_link(path) => Err(BadInput::at(path, LINK)),
        opened => opened.at(path),
    }?;
    if file.metadata().at(path)?.is_file() {
        return Ok(file);
    }
    Err(BadInput::at(path, "this is no regular file"))
}

/// Opens without waiting for whoever is at the other end of a pipe.
#[cfg(unix)]
fn open_at_once(path: &Path, options: &mut OpenOptions, links: Links) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let no_follow = if links == Links::Refused { libc::O_NOFOLLOW } else { 0 };
    options.custom_flags(libc::O_NONBLOCK | no_follow).open(path)
}

/// Opens a file: other systems have no such flags, and no pipes among the files.
#[cfg(not(unix))]
fn open_at_once(path: &Path, options: &mut OpenOptions, links: Links) -> io::Result<File> {
    if links == Links::Refused && is_link(path) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    options.open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_regular_files_are_opened_and_links_where_the_user_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "content").unwrap();
        fs::create_dir(path("folder")).unwrap();
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        let _socket = UnixListener::bind(path("socket")).unwrap();
        for open in [open_named, open_received, open_lock] {
            assert!(open(&path("file")).is_ok());
            for name in ["folder", "pipe", "socket"] {
                assert!(open(&path(name)).is_err(), "{name}");
            }
        }
        assert_eq!(fs::read_to_string(path("file")).unwrap(), "content");
        let refused = BadInput::at(&path("pipe"), "this is no regular file");
        assert_eq!(open_received(&path("pipe")).unwrap_err(), refused);
        assert!(open_named(Path::new("/dev/null")).is_err());

        check_without_links(folder.path()).unwrap();
        symlink("file", path("link")).unwrap();
        let refused = BadInput::at(&path("link"), LINK);
        assert_eq!(check_without_links(folder.path()).unwrap_err(), refused);
        assert_eq!(open_received(&path("link")).unwrap_err(), refused);
        assert_eq!(open_lock(&path("link")).unwrap_err(), refused);
        assert!(open_named(&path("link")).is_ok());
        symlink("nowhere", path("dangling")).unwrap();
        assert_eq!(open_lock(&path("dangling")).unwrap_err(), BadInput::at(&path("dangling"), LINK));
        assert!(!path("nowhere").exists());
        symlink("folder", path("other")).unwrap();
        for other in ["other", "other/", "other/."].map(path) {
            assert_eq!(check_without_links(&other).unwrap_err(), BadInput::at(&other, LINK));
        }
    }
}
