//! Tables: features, labels where there are any, and where each row stands in its file.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use volley_mlr::{ClassLabels, Dataset, Precision};

use crate::error::excerpt;
use crate::source::{Content, Format, Memory, label_bytes};
use crate::{ContentError, DataError, Idx, csv_file, npy, npz};

/// Most bytes of memory that a table takes unless told otherwise: 2 GiB.
pub(crate) const DEFAULT_LIMIT: u64 = 2 << 30;

/// Where the labels of a table are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelSource {
    /// Where the format has them: the first column of a CSV file, the array `y` of an NPZ file, and for IDX images
    /// `…-images…idx3…` the file `…-labels…idx1…` beside it. The table has no labels where these are missing, or where
    /// the file is NPY.
    #[default]
    Usual,
    /// Nowhere: everything is a feature.
    Absent,
    /// The column of this index, from 0, of a CSV file.
    Column(usize),
    /// The column of this name of a CSV file, or the array of this name of an NPZ file.
    Named(String),
    /// An NPY or IDX file of one dimension, of any format of features.
    File(PathBuf),
}

/// Whether the first row of a CSV file is a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// It is one if none of its values is a number; [`Table::header_doubt`] says whether that may be wrong.
    #[default]
    Auto,
    /// It is, whatever is in it.
    Yes,
    /// It is a row like any other.
    No,
}

/// Why a guess of what the first row of a CSV file is may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderDoubt {
    /// It was taken for a header, though names in it repeat or stand for missing values.
    Names,
    /// It was taken for data, though its values count up by ones.
    Sequence,
    /// It was taken for data, though its label is no number and all others are.
    Label,
}

impl fmt::Display for HeaderDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Names => "is taken for a header, though names in it repeat or stand for missing values",
            Self::Sequence => "is taken for data, though its values count up like numbers of columns",
            Self::Label => "is taken for data, though its label is no number and all others are",
        })
    }
}

/// How a table is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// Where the labels are.
    pub labels: LabelSource,
    /// The array of features in an NPZ file: `X` by default.
    pub features: String,
    /// Where it is given, only the pixels of the square of this side in the middle of IDX images are read.
    pub centre: Option<usize>,
    /// Whether the first row of a CSV file is a header.
    pub header: Header,
    /// Most bytes of memory that values (8 each) and labels take, and that a record of CSV may have: 2 GiB by default.
    /// What a header declares is compared with it before anything is read.
    pub limit: u64,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            labels: LabelSource::default(),
            features: "X".into(),
            centre: None,
            header: Header::default(),
            limit: DEFAULT_LIMIT,
        }
    }
}

impl TableOptions {
    /// The defaults, with labels from here.
    #[must_use]
    pub fn with_labels(labels: LabelSource) -> Self {
        Self { labels, ..Self::default() }
    }
}

/// Rows of finite numbers, at least one row and one column, and the label of each, where there are labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub(crate) path: PathBuf,
    pub(crate) features: Array2<f64>,
    /// What the features were rounded to in the file.
    pub(crate) precision: Precision,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) lines: Option<Vec<u64>>,
    pub(crate) header_doubt: Option<HeaderDoubt>,
}

impl Table {
    /// The features, rows × columns.
    #[must_use]
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// The features alone.
    #[must_use]
    pub fn into_features(self) -> Array2<f64> {
        self.features
    }

    /// The label of each row.
    #[must_use]
    pub fn labels(&self) -> Option<&[String]> {
        self.labels.as_deref()
    }

    /// The names of the feature columns, where the file has a header.
    #[must_use]
    pub fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// Why the guess of whether the first row is a header may be wrong, where there is a reason.
    #[must_use]
    pub fn header_doubt(&self) -> Option<HeaderDoubt> {
        self.header_doubt
    }

    /// Where a row stands in the file: its line in a CSV file, else its number from 1.
    fn row_number(&self, index: usize) -> u64 {
        self.lines.as_ref().map_or(index as u64 + 1, |lines| lines[index])
    }

    /// Refuses labels that a model does not know, which an evaluation would count as wrong.
    ///
    /// # Errors
    ///
    /// [`ContentError::NoLabels`], [`ContentError::UnknownClass`].
    pub fn check_classes(&self, classes: &ClassLabels) -> Result<(), DataError> {
        let check = || {
            let labels = self.labels.as_ref().ok_or(ContentError::NoLabels)?;
            let unknown = labels.iter().enumerate().find(|(_, label)| classes.index_of(label).is_none());
            unknown.map_or(Ok(()), |(index, label)| {
                Err(ContentError::UnknownClass { row: self.row_number(index), label: excerpt(label) })
            })
        };
        check().map_err(|cause: ContentError| cause.in_file(&self.path))
    }

    /// The data set of a table with labels.
    ///
    /// # Errors
    ///
    /// [`ContentError::NoLabels`].
    pub fn into_dataset(self) -> Result<Dataset, DataError> {
        let Self { path, features, precision, labels, .. } = self;
        let dataset = labels
            .ok_or(ContentError::NoLabels)
            .and_then(|labels| Dataset::new(features, labels).map_err(ContentError::from));
        Ok(dataset.map_err(|cause| cause.in_file(&path))?.with_precision(precision))
    }
}

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

/// [`read_table`] of content that is in memory, not compressed as a whole, under the name it would have as a file.
///
/// # Errors
///
/// As [`read_table`].
pub fn parse_table(path: &Path, content: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    parse(path, Content::of(path, content), options)
}

fn parse(path: &Path, content: Content<'_>, options: &TableOptions) -> Result<Table, DataError> {
    let in_file = |cause: ContentError| cause.in_file(path);
    let format = content.format();
    let mut memory = Memory::new(options.limit);
    check_label_source(&options.labels, format).map_err(in_file)?;
    let mut table = match content {
        Content::Csv(stream) => csv_file::parse(path, stream, options, &mut memory).map_err(in_file)?,
        Content::Npy(mut stream) => {
            let array = npy::open(&mut stream).map_err(in_file)?;
            let precision = array.precision();
            Table { precision, ..unlabelled(path, array.features(&mut memory).map_err(in_file)?) }
        }
        Content::Npz(archive) => npz::read_table(path, archive, options, &mut memory)?,
        Content::Idx(mut stream) => {
            let features = read_pixels(&mut stream, options.centre, &mut memory);
            unlabelled(path, features.map_err(in_file)?)
        }
    };
    if let Some(labels) = separate_labels(path, &options.labels, format, &mut memory)? {
        table.labels = Some(labels);
    }
    check_table(table)
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

/// The labels that have a file of their own.
pub(crate) fn separate_labels(
    path: &Path,
    labels: &LabelSource,
    format: Format,
    memory: &mut Memory,
) -> Result<Option<Vec<String>>, DataError> {
    let file = match labels {
        LabelSource::File(file) => Some(file.clone()),
        LabelSource::Usual if format == Format::Idx => file_beside(path),
        _ => None,
    };
    let read = |file: PathBuf| read_labels(&file, memory).map_err(|cause| cause.in_file(&file));
    file.map(read).transpose()
}

/// Refuses what a format has no place for.
pub(crate) fn check_label_source(labels: &LabelSource, format: Format) -> Result<(), ContentError> {
    let asked = match (labels, format) {
        (LabelSource::Column(_), Format::Npy | Format::Npz | Format::Idx) => "a column",
        (LabelSource::Named(_), Format::Npy | Format::Idx) => "a named part",
        _ => return Ok(()),
    };
    Err(ContentError::LabelSource { asked, format: format.name() })
}

/// A table of features alone.
pub(crate) fn unlabelled(path: &Path, features: Array2<f64>) -> Table {
    Table {
        path: path.to_owned(),
        features,
        precision: Precision::Double,
        labels: None,
        columns: None,
        lines: None,
        header_doubt: None,
    }
}

/// Where MNIST has the labels of these images, if there is such a file.
fn file_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    let path = images.with_file_name(&labels);
    (labels != name && path.exists()).then_some(path)
}

/// The labels in a file of one dimension.
fn read_labels(path: &Path, memory: &mut Memory) -> Result<Vec<String>, ContentError> {
    let labels = match Content::open(path, memory.left())? {
        Content::Npy(mut stream) => npy::open(&mut stream)?.labels(memory)?,
        Content::Idx(mut stream) => {
            let labels = Idx::read(&mut stream, 1, memory)?;
            memory.take(labels.items(), label_bytes("255".len()))?;
            labels.labels()
        }
        Content::Csv(_) | Content::Npz(_) => {
            return Err(ContentError::Format { expected: "an NPY or IDX file of labels" });
        }
    };
    check_labels(&labels, |index| index as u64 + 1).map(|()| labels)
}

/// Refuses labels that no class can have, by the number of the row of an index.
pub(crate) fn check_labels(labels: &[String], row: impl Fn(usize) -> u64) -> Result<(), ContentError> {
    let Some(index) = labels.iter().position(|label| !ClassLabels::is_name(label)) else { return Ok(()) };
    if labels[index].trim().is_empty() {
        return Err(ContentError::EmptyLabel { row: row(index), column: 1 });
    }
    Err(ContentError::LabelCharacter { row: row(index), label: excerpt(&labels[index]) })
}

/// Checks what holds for every table, whatever it was read from.
fn check_table(table: Table) -> Result<Table, DataError> {
    let check = || {
        if table.features.is_empty() {
            return Err(ContentError::NoRows);
        }
        if let Some(((row, column), value)) =
            table.features.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            let text = value.to_string();
            return Err(ContentError::NotFinite { row: table.row_number(row), column: column + 1, text });
        }
        let Some(labels) = &table.labels else { return Ok(()) };
        let rows = table.features.nrows();
        if labels.len() != rows {
            return Err(ContentError::LabelCount { labels: labels.len(), rows });
        }
        check_labels(labels, |index| table.row_number(index))
    };
    match check() {
        Ok(()) => Ok(table),
        Err(cause) => Err(cause.in_file(&table.path)),
    }
}

#[cfg(test)]
mod tests;
