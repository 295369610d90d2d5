//! Files, within a limit.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::error::FeatureError;

/// The content of a regular file of at most `limit` bytes: reading from anything else could wait for ever.
///
/// # Errors
///
/// [`FeatureError::Io`], [`FeatureError::File`].
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FeatureError> {
    let read = || -> io::Result<Option<Vec<u8>>> {
        if !fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        let mut content = Vec::new();
        File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut content)?;
        Ok((content.len() as u64 <= limit).then_some(content))
    };
    read()
        .map_err(|error| FeatureError::Io { path: path.to_owned(), message: error.to_string() })?
        .ok_or_else(|| FeatureError::File { path: path.to_owned(), limit })
}
