//! Tables from files of any format.

use std::borrow::Cow;
use std::io::{BufReader, Read};
use std::path::Path;

use ndarray::Array2;

use crate::composed::composed;
use crate::error::{ContentError, DataError};
use crate::idx::Idx;
use crate::labels::{check_label_source, separate_labels};
use crate::source::{Content, Format, Memory};
use crate::table::{Table, TableOptions};
use crate::{csv_file, npy, npz};

/// Reads a table.
///
/// The format follows from the extension, before a `.gz`: `.csv`, `.npy`, `.npz`, `.idx` and names that end in
/// `-ubyte`; of other files from their first bytes. `docs/data.md` describes what is accepted.
///
/// # Errors
///
/// Whatever is wrong, with the file's name.
pub fn read_table(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    let content = Content::open(path, options.limit).map_err(|cause| cause.in_file(path))?;
    parse(path, content, options)
}

/// [`read_table`] of a stream, under the name that it would have as a file. An archive (NPZ) is held in memory.
///
/// # Errors
///
/// As [`read_table`].
pub fn read_table_from(path: &Path, stream: impl Read, options: &TableOptions) -> Result<Table, DataError> {
    let content = Content::of_stream(path, BufReader::new(stream), options.limit);
    parse(path, content.map_err(|cause| cause.in_file(path))?, options)
}

/// [`read_table`] of content that is in memory, not compressed as a whole, under the name it would have as a file.
///
/// # Errors
///
/// As [`read_table`].
pub fn parse_table(path: &Path, content: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    parse(path, Content::of(path, content).map_err(|cause| cause.in_file(path))?, options)
}

fn parse(path: &Path, content: Content<'_>, options: &TableOptions) -> Result<Table, DataError> {
    let in_file = |cause: ContentError| cause.in_file(path);
    let format = content.format();
    let mut memory = Memory::new(options.limit);
    check_label_source(&options.labels, format).map_err(in_file)?;
    if !options.drop.is_empty() && format != Format::Csv {
        return Err(in_file(ContentError::DropSource { format: format.name() }));
    }
    // First: a name that is wrong is told before a large table is read.
    let labels = separate_labels(path, &options.labels, format, &mut memory)?;
    let mut table = match content {
        Content::Csv(stream) => csv_file::parse(path, stream, options, &mut memory).map_err(in_file)?,
        Content::Npy(mut stream) => {
            let array = npy::open(&mut stream).map_err(in_file)?;
            let precision = array.precision();
            Table { precision, ..Table::unlabelled(path, array.features(&mut memory).map_err(in_file)?) }
        }
        Content::Npz(archive) => npz::read_table(path, archive, options, &mut memory)?,
        Content::Idx(mut stream) => {
            let features = read_pixels(&mut stream, options.centre, &mut memory);
            Table::unlabelled(path, features.map_err(in_file)?)
        }
    };
    if labels.is_some() {
        table.labels = labels;
    }
    for label in table.labels.iter_mut().flatten() {
        if let Cow::Owned(composed) = composed(label) {
            *label = composed;
        }
    }
    table.checked()
}

/// The pixels of IDX images, or of the square in the middle of each.
fn read_pixels(
    stream: &mut dyn Read,
    centre: Option<usize>,
    memory: &mut Memory,
) -> Result<Array2<f64>, ContentError> {
    let images = Idx::read(stream, 3, memory)?;
    let images = match centre {
        Some(side) => images.centre(side)?,
        None => images,
    };
    memory.take(images.bytes().len(), size_of::<f64>())?;
    images.pixels()
}

#[cfg(test)]
mod tests;
