//! A file's bytes, within a limit, and what they are.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::ContentError;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
pub(crate) const NPY_MAGIC: &[u8] = b"\x93NUMPY";

/// What a table can be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Npy,
    Npz,
    Idx,
}

impl Format {
    /// By the extension, or where that says nothing by the first bytes (after decompression).
    pub(crate) fn of(path: &Path, content: &[u8]) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let by_name = [
            (".csv", Self::Csv),
            (".npy", Self::Npy),
            (".npz", Self::Npz),
            (".idx", Self::Idx),
            ("-ubyte", Self::Idx),
        ];
        if let Some((_, format)) = by_name.iter().find(|(end, _)| name.ends_with(end)) {
            return *format;
        }
        if content.starts_with(NPY_MAGIC) {
            Self::Npy
        } else if content.starts_with(b"PK\x03\x04") {
            Self::Npz
        } else if content.starts_with(&[0, 0]) {
            Self::Idx
        } else {
            Self::Csv
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Npy => "NPY",
            Self::Npz => "NPZ",
            Self::Idx => "IDX",
        }
    }
}

/// The content of a file, decompressed where it is gzip-compressed.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ContentError> {
    let content = read_within(File::open(path)?, limit)?;
    if content.starts_with(&GZIP_MAGIC) { gunzip(&content, limit) } else { Ok(content) }
}

/// What a stream holds, if it is not more than `limit` bytes. Memory grows with what is read.
pub(crate) fn read_within(stream: impl Read, limit: u64) -> Result<Vec<u8>, ContentError> {
    let mut content = Vec::new();
    stream.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(ContentError::TooLarge { limit });
    }
    Ok(content)
}

/// Decompresses gzip data.
pub(crate) fn gunzip(content: &[u8], limit: u64) -> Result<Vec<u8>, ContentError> {
    read_within(MultiGzDecoder::new(content), limit).map_err(|error| match error {
        ContentError::Io { .. } => ContentError::Gzip,
        other => other,
    })
}

/// Whether content is gzip-compressed.
pub(crate) fn is_gzip(content: &[u8]) -> bool {
    content.starts_with(&GZIP_MAGIC)
}
