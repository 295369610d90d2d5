//! Reading takes as much memory as the table, and none for a file that is refused by what it declares.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of the test, which clippy does not see as such here")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use peak_alloc::PeakAlloc;
use volley_data::{ContentError, LabelSource, Table, TableOptions, read_model, read_table};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MEGABYTE: usize = 1 << 20;
/// Buffers, decoders and names.
const LITTLE: usize = MEGABYTE / 2;

/// A file that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("volley-memory-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn npy(descr: &str, shape: &str, megabytes: usize) -> Vec<u8> {
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let header = format!("{dictionary:117}\n");
    let mut content = [b"\x93NUMPY\x01\x00\x76\x00", header.as_bytes()].concat();
    content.resize(content.len() + megabytes * MEGABYTE, 0);
    content
}

fn npz(name: &str, array: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default()).unwrap();
    zip.write_all(array).unwrap();
    zip.finish().unwrap().into_inner()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// The bytes that a piece of work takes at most, and what it gives.
fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = work();
    (MEMORY.peak_usage().saturating_sub(before), result)
}

fn read(
    name: &str,
    content: &[u8],
    limit: usize,
    labels: LabelSource,
) -> (usize, Result<Table, ContentError>) {
    let file = Scratch::new(name, content);
    let options = TableOptions { limit: limit as u64, ..TableOptions::with_labels(labels) };
    peak(|| read_table(&file.0, &options).map_err(|error| *error.cause))
}

/// One test: others beside it would be measured with it.
#[test]
fn memory_is_that_of_the_table() {
    // Declared beyond the limit: 4 GiB as f64, of which 16 MiB are there, packed into a few kilobytes.
    let large = npy("|u1", "(524288, 1024)", 16);
    for (name, content) in [("x.npz", npz("X.npy", &large)), ("x.npy.gz", gzip(&large))] {
        let (taken, error) = read(name, &content, 1 << 31, LabelSource::Absent);
        assert_eq!(error, Err(ContentError::Memory { needed: 1 << 32, limit: 1 << 31 }), "{name}");
        assert!(taken < LITTLE, "{name}: {taken}");
    }
    let file = Scratch::new("model.npz", &npz("coef_.npy", &npy("<f8", "(32768, 1024)", 16)));
    let (taken, error) = peak(|| read_model(&file.0).map_err(|error| *error.cause));
    assert_eq!(error, Err(ContentError::Memory { needed: 1 << 28, limit: 1 << 27 }));
    assert!(taken < LITTLE, "{taken}");
    // Declared within the limit, and not there.
    let (taken, error) = read("x.npy", &npy("<f8", "(131072, 1024)", 0), 1 << 30, LabelSource::Absent);
    assert!(matches!(error, Err(ContentError::Size { found: 0, .. })) && taken < LITTLE, "{taken}");
    let idx = [0, 0, 8, 3, 0, 1, 0, 0, 0, 0, 0, 128, 0, 0, 0, 128];
    let (taken, error) = read("x.idx", &idx, 1 << 31, LabelSource::Absent);
    assert!(matches!(error, Err(ContentError::Size { found: 0, .. })) && taken < LITTLE, "{taken}");
    // Text of a value in two bytes. A vector that grows is copied: it takes up to three times what is in it for a
    // moment.
    let text = gzip("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n".repeat(MEGABYTE / 8).as_bytes());
    let table = 16 * MEGABYTE;
    let (taken, error) = read("x.csv.gz", &text, table / 2, LabelSource::Absent);
    assert!(matches!(error, Err(ContentError::Memory { .. })), "{error:?}");
    assert!(taken < table / 2 * 3, "{taken}");
    let (taken, read_text) = read("x.csv.gz", &text, 2 * table, LabelSource::Absent);
    assert_eq!(read_text.unwrap().features().dim(), (MEGABYTE / 8, 16));
    assert!(taken < 3 * table, "{taken}");
    // Text without an end of a line, of a quote or of fields.
    for piece in ["1", "\"", ",", "\"x\"\"y"] {
        let (taken, error) =
            read("x.csv.gz", &gzip(piece.repeat(16 * MEGABYTE).as_bytes()), MEGABYTE, LabelSource::Usual);
        assert!(error.is_err() && taken < 4 * MEGABYTE, "{piece}: {taken}");
    }
}
