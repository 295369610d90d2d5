//! A file's content as a stream, what it is, and the memory that may be made of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::ContentError;

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";
pub(crate) const NPY_MAGIC: &[u8] = b"\x93NUMPY";
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
const IDX_MAGIC: &[u8] = &[0, 0];
/// Most bytes of memory that a table takes unless told otherwise: 2 GiB.
pub(crate) const DEFAULT_LIMIT: u64 = 2 << 30;
/// Bytes that tell the formats apart.
const MAGIC_BYTES: u64 = 6;
/// A compressed archive is held in memory beside its directory and the table. It may take the limit divided by this.
const ARCHIVE_PART: u64 = 4;

/// A format of Weka's, whose rows are CSV.
const ARFF: &str = "an ARFF file";
/// A format of pairs of a column and its value, which only its rows show.
pub(crate) const LIBSVM: &str = "a LIBSVM file";

/// What a table can be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Npy,
    Npz,
    Idx,
    /// Known, and not read.
    Foreign(&'static str),
}

/// Formats that tables often have elsewhere, by the ends of names and the first bytes.
const FOREIGN: [(&[&str], &[u8], &str); 9] = [
    (&[".vly"], b"\x89VLY\r\n", "a file of keys or ciphertexts"),
    (&[".parquet", ".pq"], b"PAR1", "a Parquet file"),
    (&[".feather", ".arrow"], b"ARROW1", "an Arrow or Feather file"),
    (&[".xlsx", ".xls", ".ods"], b"\xd0\xcf\x11\xe0", "a spreadsheet"),
    (&[".h5", ".hdf5"], b"\x89HDF", "an HDF5 file"),
    (&[".pkl", ".pickle"], b"\x80\x04\x95", "a pickle"),
    (&[".json", ".jsonl"], b"{\"", "JSON"),
    (&[".arff"], b"@relat", ARFF),
    (&[], b"@RELAT", ARFF),
];

impl Format {
    /// By the extension, or where that says nothing by the first bytes (after decompression).
    fn of(path: &Path, start: &[u8]) -> Self {
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
        let is_foreign = |(ends, magic, _): &&(&[&str], &[u8], _)| {
            start.starts_with(magic) || ends.iter().any(|end| name.ends_with(end))
        };
        if let Some((.., foreign)) = FOREIGN.iter().find(is_foreign) {
            return Self::Foreign(foreign);
        }
        let by_start = [(NPY_MAGIC, Self::Npy), (ZIP_MAGIC, Self::Npz), (IDX_MAGIC, Self::Idx)];
        by_start.iter().find(|(magic, _)| start.starts_with(magic)).map_or(Self::Csv, |(_, format)| *format)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Npy => "NPY",
            Self::Npz => "NPZ",
            Self::Idx => "IDX",
            Self::Foreign(name) => name,
        }
    }
}

/// What an archive is read from: its directory is at its end.
pub(crate) trait Seekable: Read + Seek {}

impl<T: Read + Seek> Seekable for T {}

/// The content of a file, by its format.
pub(crate) enum Content<'a> {
    Csv(Box<dyn BufRead + 'a>),
    Npy(Box<dyn BufRead + 'a>),
    Idx(Box<dyn BufRead + 'a>),
    Npz(Box<dyn Seekable + 'a>),
}

impl Content<'static> {
    /// The content of a file, as [`of_stream`](Self::of_stream). An archive that is not compressed as a whole is not held
    /// in memory.
    pub(crate) fn open(path: &Path, limit: u64) -> Result<Self, ContentError> {
        let (start, file) = peek(BufReader::new(File::open(path)?))?;
        if !is_gzip(&start) && Format::of(path, &start) == Format::Npz {
            return Ok(Self::Npz(Box::new(BufReader::new(File::open(path)?))));
        }
        Self::of_stream(path, file, limit)
    }
}

impl<'a> Content<'a> {
    /// What a stream holds, decompressed where it is gzip-compressed. An archive is held in memory, up to a quarter of
    /// `limit` bytes.
    pub(crate) fn of_stream(
        path: &Path,
        stream: impl BufRead + 'a,
        limit: u64,
    ) -> Result<Self, ContentError> {
        let (start, stream) = peek(stream)?;
        let (start, stream) = if is_gzip(&start) { peek(gunzip(stream))? } else { (start, stream) };
        Ok(match Format::of(path, &start) {
            Format::Csv => Self::Csv(stream),
            Format::Npy => Self::Npy(stream),
            Format::Idx => Self::Idx(stream),
            Format::Npz => Self::Npz(Box::new(Cursor::new(read_within(stream, limit / ARCHIVE_PART)?))),
            Format::Foreign(found) => return Err(ContentError::Foreign { found }),
        })
    }

    /// Content that is in memory and not compressed as a whole, under the name that it would have as a file.
    pub(crate) fn of(path: &Path, content: &'a [u8]) -> Result<Self, ContentError> {
        Ok(match Format::of(path, content) {
            Format::Csv => Self::Csv(Box::new(content)),
            Format::Npy => Self::Npy(Box::new(content)),
            Format::Idx => Self::Idx(Box::new(content)),
            Format::Npz => Self::Npz(Box::new(Cursor::new(content))),
            Format::Foreign(found) => return Err(ContentError::Foreign { found }),
        })
    }

    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Csv(_) => Format::Csv,
            Self::Npy(_) => Format::Npy,
            Self::Idx(_) => Format::Idx,
            Self::Npz(_) => Format::Npz,
        }
    }
}

/// The first bytes of a stream, and the stream as it was before.
fn peek<'a>(mut stream: impl BufRead + 'a) -> io::Result<(Vec<u8>, Box<dyn BufRead + 'a>)> {
    let mut start = Vec::new();
    stream.by_ref().take(MAGIC_BYTES).read_to_end(&mut start)?;
    Ok((start.clone(), Box::new(Cursor::new(start).chain(stream))))
}

/// The content of a file, decompressed where it is gzip-compressed, if it is not more than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ContentError> {
    let (start, file) = peek(BufReader::new(File::open(path)?))?;
    if is_gzip(&start) { read_within(gunzip(file), limit) } else { read_within(file, limit) }
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

/// What gzip data is decompressed to.
pub(crate) fn gunzip<'a>(compressed: impl BufRead + 'a) -> impl BufRead + 'a {
    BufReader::new(Decoded::new(MultiGzDecoder::new(compressed), |_| ContentError::Gzip))
}

/// Whether content is gzip-compressed.
pub(crate) fn is_gzip(content: &[u8]) -> bool {
    content.starts_with(GZIP_MAGIC)
}

/// A stream out of a decoder. Damage is told as such, and apart from failures of the system.
pub(crate) struct Decoded<R> {
    stream: R,
    damage: fn(io::Error) -> ContentError,
}

impl<R> Decoded<R> {
    pub(crate) fn new(stream: R, damage: fn(io::Error) -> ContentError) -> Self {
        Self { stream, damage }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
        self.stream.read(buffer).map_err(|error| match error.kind() {
            InvalidData | InvalidInput | Other | UnexpectedEof => io::Error::other((self.damage)(error)),
            _ => error,
        })
    }
}

/// The memory that a table may take. A reader asks for memory before it takes it.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    limit: u64,
    taken: u64,
}

impl Memory {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, taken: 0 }
    }

    /// Asks for the memory of `count` items of `bytes` each. Sizes that overflow are beyond any limit.
    pub(crate) fn take(&mut self, count: usize, bytes: usize) -> Result<(), ContentError> {
        let needed = (count as u64).saturating_mul(bytes as u64).saturating_add(self.taken);
        if needed > self.limit || needed == u64::MAX {
            return Err(ContentError::Memory { needed, limit: self.limit });
        }
        self.taken = needed;
        Ok(())
    }

    pub(crate) fn left(&self) -> u64 {
        self.limit - self.taken
    }
}

/// The number of elements of an array of this shape; `usize::MAX` also for more.
pub(crate) fn element_count(shape: &[usize]) -> usize {
    if shape.contains(&0) {
        return 0;
    }
    shape.iter().fold(1, |product: usize, &size| product.saturating_mul(size))
}

/// The memory of a label of up to so many bytes.
pub(crate) const fn label_bytes(text: usize) -> usize {
    size_of::<String>().saturating_add(text)
}
