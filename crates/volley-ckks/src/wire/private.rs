//! Files that only their owner may read.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a new file that only its owner may read and write (mode 0600 on Unix; elsewhere the folder decides). An
/// existing file is left alone: secrets are not overwritten.
///
/// # Errors
///
/// Those of the system; [`io::ErrorKind::AlreadyExists`] where there is a file.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
