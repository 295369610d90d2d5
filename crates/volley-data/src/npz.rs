//! NPZ, NumPy's format of several arrays: a ZIP archive of NPY files.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use ndarray::{Array1, Array2};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::{ContentError, DataError};
use crate::labels::LabelSource;
use crate::npy::{self, NpyArray};
use crate::source::{Decoded, Memory, Seekable};
use crate::table::{Table, TableOptions};

/// What a ZIP64 archive has before its end record.
const ZIP64_MAGIC: &[u8] = b"PK\x06\x07";
/// The longest end of an archive from there: the locator, the end record, and its comment.
const END_BYTES: u64 = 20 + 22 + (1 << 16);

/// An archive, of which an array at a time is unpacked.
pub(crate) struct Npz<'a> {
    path: &'a Path,
    archive: ZipArchive<Box<dyn Seekable + 'a>>,
}

impl<'a> Npz<'a> {
    pub(crate) fn open(path: &'a Path, mut content: Box<dyn Seekable + 'a>) -> Result<Self, DataError> {
        let archive = refuse_zip64(&mut content).and_then(|()| Ok(ZipArchive::new(content)?));
        let archive = archive.and_then(|archive| refuse_other_files(&archive).map(|()| archive));
        Ok(Self { path, archive: archive.map_err(|cause| cause.in_file(path))? })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(&file_name(name)).is_some()
    }

    /// Reads an array of this name and makes something of it.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        make: impl FnOnce(NpyArray<'_>) -> Result<T, ContentError>,
    ) -> Result<T, DataError> {
        if !self.has(name) {
            let names = self.archive.file_names().filter_map(Result::ok);
            let found = names.map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_owned()).collect();
            return Err(ContentError::MissingArray { name: name.to_owned(), found }.in_file(self.path));
        }
        let file = self.archive.by_name(&file_name(name)).map_err(ContentError::from);
        let array = file.and_then(|file| {
            let damage = |error: io::Error| ContentError::Archive { message: error.to_string() };
            make(npy::open(&mut Decoded::new(file, damage))?)
        });
        array.map_err(|cause| cause.in_entry(self.path, name))
    }
}

/// Refuses an archive of files none of which is an array.
fn refuse_other_files(archive: &ZipArchive<impl Read + Seek>) -> Result<(), ContentError> {
    let mut names = archive.file_names().filter_map(Result::ok);
    if archive.is_empty() || names.any(|name| name.ends_with(".npy")) {
        return Ok(());
    }
    Err(ContentError::Foreign { found: "a ZIP archive" })
}

/// An archive may declare any number of files, for which memory is set aside before they are seen. Without ZIP64 they
/// are 65,534 at most.
fn refuse_zip64(mut content: impl Read + Seek) -> Result<(), ContentError> {
    let length = content.seek(SeekFrom::End(0))?;
    content.seek(SeekFrom::Start(length.saturating_sub(END_BYTES)))?;
    let mut end = Vec::new();
    content.take(END_BYTES).read_to_end(&mut end)?;
    let is_zip64 = end.windows(ZIP64_MAGIC.len()).any(|bytes| bytes == ZIP64_MAGIC);
    if is_zip64 { Err(ContentError::Zip64) } else { Ok(()) }
}

fn file_name(array: &str) -> String {
    format!("{array}.npy")
}

/// Features and labels by the names in the options.
pub(crate) fn read_table(
    path: &Path,
    content: Box<dyn Seekable + '_>,
    options: &TableOptions,
    memory: &mut Memory,
) -> Result<Table, DataError> {
    const LABELS: &str = "y";
    let mut npz = Npz::open(path, content)?;
    let (mut features, precision) = npz.read(&options.features, |array| {
        let precision = array.precision();
        Ok((array.features(memory)?, precision))
    })?;
    scale_columns(&mut npz, &options.features, &mut features, memory)?;
    let mut table = Table { precision, ..Table::unlabelled(path, features) };
    let name = match &options.labels {
        LabelSource::Usual if npz.has(LABELS) => Some(LABELS),
        LabelSource::Named(name) => Some(name.as_str()),
        _ => None,
    };
    if let Some(name) = name {
        table.labels = Some(npz.read(name, |array| array.labels(memory))?);
    }
    Ok(table)
}

/// Where the features are numbers k of steps, makes them offset + k · scale, column by column.
fn scale_columns(
    npz: &mut Npz<'_>,
    name: &str,
    features: &mut Array2<f64>,
    memory: &mut Memory,
) -> Result<(), DataError> {
    let (scale, offset) = (format!("{name}_scale"), format!("{name}_offset"));
    // Either of them asks for both.
    if !npz.has(&scale) && !npz.has(&offset) {
        return Ok(());
    }
    let columns = features.ncols();
    let mut numbers = |array: NpyArray<'_>| {
        let numbers = array.vector(memory)?;
        let found = numbers.len();
        if found == columns {
            Ok(Array1::from(numbers))
        } else {
            Err(ContentError::ScaleLength { found, columns })
        }
    };
    let (scale, offset) = (npz.read(&scale, &mut numbers)?, npz.read(&offset, &mut numbers)?);
    *features *= &scale;
    *features += &offset;
    Ok(())
}

/// Puts an archive together: in memory, or where it is to be.
pub(crate) struct NpzWriter<W: Write + Seek = Cursor<Vec<u8>>> {
    zip: ZipWriter<W>,
    options: SimpleFileOptions,
}

impl NpzWriter {
    /// An archive in memory, for models, which are small.
    pub(crate) fn new() -> Self {
        Self::with(Cursor::new(Vec::new()), CompressionMethod::Stored)
    }

    pub(crate) fn finish(self, mut out: impl Write) -> Result<(), ContentError> {
        out.write_all(self.close()?.get_ref())?;
        Ok(out.flush()?)
    }
}

impl<W: Write + Seek> NpzWriter<W> {
    pub(crate) fn compressed(out: W) -> Self {
        Self::with(out, CompressionMethod::Deflated)
    }

    fn with(out: W, method: CompressionMethod) -> Self {
        let options = SimpleFileOptions::default().compression_method(method);
        Self { zip: ZipWriter::new(out), options }
    }

    /// Adds an array in C order, without a date, so that the same content gives the same bytes.
    pub(crate) fn add(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        elements: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<(), ContentError> {
        self.add_parts(name, descr, shape, elements.into_iter().map(Ok))
    }

    /// [`add`](Self::add) of parts of any number of elements, which may have to be read.
    pub(crate) fn add_parts(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        parts: impl IntoIterator<Item = io::Result<Vec<u8>>>,
    ) -> Result<(), ContentError> {
        self.zip.start_file(file_name(name), self.options)?;
        Ok(npy::write_parts(&mut self.zip, descr, shape, parts)?)
    }

    /// Adds labels. Those that are integers are written as such, so that they compare with NumPy's.
    pub(crate) fn add_labels(&mut self, name: &str, labels: &[String]) -> Result<(), ContentError> {
        let shape = [labels.len()];
        let integer =
            |label: &String| label.parse::<i64>().ok().filter(|number| number.to_string() == *label);
        if let Some(integers) = labels.iter().map(integer).collect::<Option<Vec<_>>>() {
            return self.add(
                name,
                "<i8",
                &shape,
                integers.iter().map(|number| number.to_le_bytes().to_vec()),
            );
        }
        self.add_texts(name, labels)
    }

    pub(crate) fn add_texts(&mut self, name: &str, texts: &[String]) -> Result<(), ContentError> {
        let (descr, elements) = npy::texts(texts);
        self.add(name, &descr, &[texts.len()], elements)
    }

    pub(crate) fn add_numbers<'n>(
        &mut self,
        name: &str,
        shape: &[usize],
        numbers: impl IntoIterator<Item = &'n f64>,
    ) -> Result<(), ContentError> {
        self.add(name, "<f8", shape, numbers.into_iter().map(|number| number.to_le_bytes().to_vec()))
    }

    pub(crate) fn close(self) -> Result<W, ContentError> {
        let mut out = self.zip.finish().map_err(|error: ZipError| io::Error::other(error))?;
        out.flush()?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
