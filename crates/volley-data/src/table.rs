//! Tables: features, labels where there are any, and where each row stands in its file.

use std::fmt;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use volley_mlr::{ClassLabels, Dataset, Precision};

use crate::error::{ContentError, DataError, excerpt};
use crate::labels::{LabelSource, check_labels};
use crate::source::DEFAULT_LIMIT;

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
    /// A table of features alone.
    pub(crate) fn unlabelled(path: &Path, features: Array2<f64>) -> Self {
        Self {
            path: path.to_owned(),
            features,
            precision: Precision::Double,
            labels: None,
            columns: None,
            lines: None,
            header_doubt: None,
        }
    }

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

    /// The table, if what holds for every one, whatever it was read from, holds for it.
    pub(crate) fn checked(self) -> Result<Self, DataError> {
        let check = || {
            if self.features.is_empty() {
                return Err(ContentError::NoRows);
            }
            if let Some(((row, column), value)) =
                self.features.indexed_iter().find(|(_, value)| !value.is_finite())
            {
                let text = value.to_string();
                return Err(ContentError::NotFinite { row: self.row_number(row), column: column + 1, text });
            }
            let Some(labels) = &self.labels else { return Ok(()) };
            let rows = self.features.nrows();
            if labels.len() != rows {
                return Err(ContentError::LabelCount { labels: labels.len(), rows });
            }
            check_labels(labels, |index| self.row_number(index))
        };
        match check() {
            Ok(()) => Ok(self),
            Err(cause) => Err(cause.in_file(&self.path)),
        }
    }
}
