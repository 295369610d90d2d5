//! NPZ, NumPy's format of several arrays: a ZIP archive of NPY files.

use std::io::{self, Cursor, Write};
use std::path::Path;

use ndarray::{Array1, Array2};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::npy::{self, NpyArray};
use crate::source::read_within;
use crate::table::unlabelled;
use crate::{ContentError, DataError, LabelSource, Table, TableOptions};

/// An archive in memory, of which up to `limit` bytes are unpacked in all.
pub(crate) struct Npz<'a> {
    path: &'a Path,
    archive: ZipArchive<Cursor<&'a [u8]>>,
    limit: u64,
    unpacked: u64,
}

impl<'a> Npz<'a> {
    pub(crate) fn open(path: &'a Path, content: &'a [u8], limit: u64) -> Result<Self, DataError> {
        let archive =
            ZipArchive::new(Cursor::new(content)).map_err(|error| ContentError::from(error).in_file(path))?;
        Ok(Self { path, archive, limit, unpacked: 0 })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(&file_name(name)).is_some()
    }

    /// Reads an array of this name and makes something of it.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        make: impl FnOnce(&NpyArray<'_>) -> Result<T, ContentError>,
    ) -> Result<T, DataError> {
        if !self.has(name) {
            let names = self.archive.file_names().filter_map(Result::ok);
            let found = names.map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_owned()).collect();
            return Err(ContentError::MissingArray { name: name.to_owned(), found }.in_file(self.path));
        }
        let array = self.unpack(name).and_then(|content| make(&npy::parse(&content)?));
        array.map_err(|cause| cause.in_entry(self.path, name))
    }

    fn unpack(&mut self, name: &str) -> Result<Vec<u8>, ContentError> {
        let file = self.archive.by_name(&file_name(name))?;
        let content = read_within(file, self.limit - self.unpacked).map_err(|error| match error {
            ContentError::TooLarge { .. } => ContentError::TooLarge { limit: self.limit },
            ContentError::Io { message, .. } => ContentError::Archive { message },
            other => other,
        })?;
        self.unpacked += content.len() as u64;
        Ok(content)
    }
}

fn file_name(array: &str) -> String {
    format!("{array}.npy")
}

/// Features and labels by the names in the options.
pub(crate) fn read_table(path: &Path, content: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    const LABELS: &str = "y";
    let mut npz = Npz::open(path, content, options.limit)?;
    let (mut features, precision) =
        npz.read(&options.features, |array| Ok((array.features()?, array.precision())))?;
    scale_columns(&mut npz, &options.features, &mut features)?;
    let mut table = Table { precision, ..unlabelled(path, features) };
    let name = match &options.labels {
        LabelSource::Usual if npz.has(LABELS) => Some(LABELS),
        LabelSource::Named(name) => Some(name.as_str()),
        _ => None,
    };
    if let Some(name) = name {
        table.labels = Some(npz.read(name, |array| array.labels())?);
    }
    Ok(table)
}

/// Where the features are k in steps, makes them offset + k · scale, column by column.
fn scale_columns(npz: &mut Npz<'_>, name: &str, features: &mut Array2<f64>) -> Result<(), DataError> {
    let (scale, offset) = (format!("{name}_scale"), format!("{name}_offset"));
    // Either of them asks for both.
    if !npz.has(&scale) && !npz.has(&offset) {
        return Ok(());
    }
    let columns = features.ncols();
    let numbers = |array: &NpyArray<'_>| {
        let numbers = array.vector()?;
        let found = numbers.len();
        if found == columns {
            Ok(Array1::from(numbers))
        } else {
            Err(ContentError::ScaleLength { found, columns })
        }
    };
    let (scale, offset) = (npz.read(&scale, numbers)?, npz.read(&offset, numbers)?);
    *features *= &scale;
    *features += &offset;
    Ok(())
}

/// Puts an archive together in memory: models and features are small.
pub(crate) struct NpzWriter {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    options: SimpleFileOptions,
}

impl NpzWriter {
    pub(crate) fn new() -> Self {
        Self::with(CompressionMethod::Stored)
    }

    pub(crate) fn compressed() -> Self {
        Self::with(CompressionMethod::Deflated)
    }

    fn with(method: CompressionMethod) -> Self {
        let options = SimpleFileOptions::default().compression_method(method);
        Self { zip: ZipWriter::new(Cursor::new(Vec::new())), options }
    }

    /// Adds an array in C order, without a date, so that the same content gives the same bytes.
    pub(crate) fn add(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        elements: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<(), ContentError> {
        self.zip.start_file(file_name(name), self.options)?;
        Ok(npy::write(&mut self.zip, descr, shape, elements)?)
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
        if let Some(label) = labels.iter().find(|label| label.ends_with('\0')) {
            return Err(ContentError::NullCharacter { label: label.clone() });
        }
        let (descr, texts) = npy::texts(labels);
        self.add(name, &descr, &shape, texts)
    }

    pub(crate) fn add_numbers<'n>(
        &mut self,
        name: &str,
        shape: &[usize],
        numbers: impl IntoIterator<Item = &'n f64>,
    ) -> Result<(), ContentError> {
        self.add(name, "<f8", shape, numbers.into_iter().map(|number| number.to_le_bytes().to_vec()))
    }

    pub(crate) fn finish(self, mut out: impl Write) -> Result<(), ContentError> {
        let content = self.zip.finish().map_err(|error: ZipError| io::Error::other(error))?;
        out.write_all(content.get_ref())?;
        Ok(out.flush()?)
    }
}

#[cfg(test)]
mod tests;
