//! Tables: features, labels where there are any, and where each row stands in its file.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use volley_mlr::{ClassLabels, Dataset, Precision};

use crate::error::excerpt;
use crate::source::{self, Format};
use crate::{ContentError, DataError, Idx, csv_file, npy, npz};

/// Most bytes of a file, and of what it is decompressed to, unless told otherwise: 4 GiB.
pub(crate) const DEFAULT_LIMIT: u64 = 4 << 30;

/// Where the labels of a table are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelSource {
    /// Where the format has them: the first column of a CSV file, the array `y` of an NPZ file, and for IDX images
    /// `…-images…idx3…` the file `…-labels…idx1…` beside it. A table of an NPZ or IDX file that has no such thing, and
    /// of any NPY file, has no labels.
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

/// How a table is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// Where the labels are.
    pub labels: LabelSource,
    /// The array of features in an NPZ file: `X` by default.
    pub features: String,
    /// Of IDX images, only the pixels of the square of this side in the middle are read.
    pub centre: Option<usize>,
    /// Most bytes that are read of a file, and that a compressed one may expand to: 4 GiB by default.
    pub limit: u64,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { labels: LabelSource::default(), features: "X".into(), centre: None, limit: DEFAULT_LIMIT }
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
}

impl Table {
    /// The features, rows × columns.
    #[must_use]
    pub fn features(&self) -> &Array2<f64> {
        &self.features
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
/// The format follows from the extension, before a `.gz`: `.csv`, `.npy`, `.npz`, `.idx` and names that end in `-ubyte`; of
/// other files from their first bytes. `docs/data.md` describes what is accepted.
///
/// # Errors
///
/// Whatever is wrong, with the file's name.
pub fn read_table(path: &Path, options: &TableOptions) -> Result<Table, DataError> {
    let content = source::read(path, options.limit).map_err(|cause| cause.in_file(path))?;
    parse_table(path, &content, options)
}

/// [`read_table`] of content that is in memory, not compressed as a whole, under the name it would have as a file.
///
/// # Errors
///
/// As [`read_table`].
pub fn parse_table(path: &Path, content: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    let in_file = |cause: ContentError| cause.in_file(path);
    let format = Format::of(path, content);
    check_label_source(&options.labels, format).map_err(in_file)?;
    let mut table = match format {
        Format::Csv => csv_file::parse(path, content, &options.labels).map_err(in_file)?,
        Format::Npy => {
            let array = npy::parse(content).map_err(in_file)?;
            let features = array.features().map_err(in_file)?;
            Table { precision: array.precision(), ..unlabelled(path, features) }
        }
        Format::Npz => npz::read_table(path, content, options)?,
        Format::Idx => {
            let images = Idx::parse(content, 3).and_then(|images| match options.centre {
                Some(side) => images.centre(side),
                None => Ok(images),
            });
            unlabelled(path, images.and_then(|images| images.pixels()).map_err(in_file)?)
        }
    };
    if let Some(labels) = separate_labels(path, &options.labels, format, options.limit)? {
        table.labels = Some(labels);
    }
    check_table(table)
}

/// The labels that have a file of their own.
pub(crate) fn separate_labels(
    path: &Path,
    labels: &LabelSource,
    format: Format,
    limit: u64,
) -> Result<Option<Vec<String>>, DataError> {
    let file = match labels {
        LabelSource::File(file) => Some(file.clone()),
        LabelSource::Usual if format == Format::Idx => file_beside(path),
        _ => None,
    };
    let read = |file: PathBuf| read_labels(&file, limit).map_err(|cause| cause.in_file(&file));
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
    let precision = Precision::Double;
    Table { path: path.to_owned(), features, precision, labels: None, columns: None, lines: None }
}

/// Where MNIST has the labels of these images, if there is such a file.
fn file_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    let path = images.with_file_name(&labels);
    (labels != name && path.exists()).then_some(path)
}

/// The labels in a file of one dimension.
fn read_labels(path: &Path, limit: u64) -> Result<Vec<String>, ContentError> {
    let content = source::read(path, limit)?;
    match Format::of(path, &content) {
        Format::Npy => npy::parse(&content)?.labels(),
        Format::Idx => Ok(Idx::parse(&content, 1)?.labels()),
        Format::Csv | Format::Npz => Err(ContentError::Format { expected: "an NPY or IDX file of labels" }),
    }
}

/// What holds for every table, whatever it was read from.
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
        if let Some(index) = labels.iter().position(|label| label.trim().is_empty()) {
            return Err(ContentError::EmptyLabel { row: table.row_number(index), column: 1 });
        }
        Ok(())
    };
    match check() {
        Ok(()) => Ok(table),
        Err(cause) => Err(cause.in_file(&table.path)),
    }
}

#[cfg(test)]
mod tests;
