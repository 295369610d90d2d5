//! Tables: features, labels where there are any, and where each row stands in its file.

use std::fmt;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use volley_mlr::{ClassLabels, Dataset, Precision};

use crate::column::Column;
use crate::delimiter::{Comments, Delimiter};
use crate::error::{ContentError, DataError, excerpt};
use crate::labels::{LabelSource, check_labels};
use crate::schema::Schema;
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
    /// It was taken for a header, though all names in it are numbers.
    Numbers,
    /// It was taken for data, though its values count up by ones.
    Sequence,
    /// It was taken for data, though it looks like a header: its label is a text, and all others are numbers.
    Label,
}

impl fmt::Display for HeaderDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Names => "is taken for a header, though names in it repeat or stand for missing values",
            Self::Numbers => "is taken for a header, though its names are numbers",
            Self::Sequence => "is taken for data, though its values count up like numbers of columns",
            Self::Label => {
                "is taken for data, though it looks like a header: its label is a text, and all others are numbers"
            }
        })
    }
}

/// Why the first column of a CSV file may not be the one of the labels, where nobody said that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelDoubt {
    /// Every row has another label.
    AllDiffer,
    /// Labels are numbers with a fraction.
    Fractions,
    /// Labels are whole numbers, and so are the values of the last column, of which fewer are different.
    LastColumn {
        /// Different values of the first column.
        first: usize,
        /// Different values of the last column.
        last: usize,
    },
}

impl fmt::Display for LabelDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllDiffer => f.write_str("though it is another one in every row"),
            Self::Fractions => f.write_str("though there are numbers with a fraction in it"),
            Self::LastColumn { first, last } => {
                write!(f, "though it has {first} different values, and the last column has {last}")
            }
        }
    }
}

/// What was guessed of a CSV file, and what of it was left out without being asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Why the guess of whether the first row is a header may be wrong, where there is a reason.
    pub header: Option<HeaderDoubt>,
    /// The column that the labels were taken from, as the only one that is left, where the model's has another name.
    pub other_label: Option<String>,
    /// Why the labels may not be in the first column, where they were taken from there and there is a reason.
    pub label: Option<LabelDoubt>,
    /// Whether the first column was left out, because it has no name: it is taken for numbers of rows.
    pub has_index: bool,
    /// Whether the last column was left out, as it has neither a name nor a value: each line ends with a delimiter.
    pub has_empty_end: bool,
    /// The number of lines that were left out as comments.
    pub comments: u64,
    /// The names of columns that are none of the model's.
    pub left_out: Vec<String>,
    /// Whether columns with names were taken by place, as those of the model have no names, and nobody said that there
    /// is a header.
    pub is_nameless: bool,
    /// The features that seem to number the rows.
    pub numbering: Vec<Column>,
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
    /// What separates the fields of a CSV file.
    pub delimiter: Delimiter,
    /// Whether lines of a CSV file that begin with `#` are comments.
    pub comments: Comments,
    /// Columns of a CSV file that are left out, by name or place as in [`LabelSource::Named`].
    pub drop: Vec<String>,
    /// The columns of the table that a model was trained on, for rows that this model is to take. Features come in the
    /// order of that table. Columns go by name where both tables have names, else by place.
    pub schema: Option<Schema>,
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
            delimiter: Delimiter::default(),
            comments: Comments::default(),
            drop: vec![],
            schema: None,
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
    pub(crate) schema: Schema,
    pub(crate) lines: Option<Vec<u64>>,
    pub(crate) remarks: Remarks,
}

impl Table {
    /// A table of features alone.
    pub(crate) fn unlabelled(path: &Path, features: Array2<f64>) -> Self {
        Self {
            path: path.to_owned(),
            schema: Schema::of_features(features.ncols()),
            features,
            precision: Precision::Double,
            labels: None,
            columns: None,
            lines: None,
            remarks: Remarks::default(),
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

    /// The columns by which those of another table are put in the order of this one, or the schema that it was read by.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Why the guess of whether the first row is a header may be wrong, where there is a reason.
    #[must_use]
    pub fn header_doubt(&self) -> Option<HeaderDoubt> {
        self.remarks.header
    }

    /// What was guessed and left out.
    #[must_use]
    pub fn remarks(&self) -> &Remarks {
        &self.remarks
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
                let (row, label) = (self.row_number(index), excerpt(label));
                Err(ContentError::UnknownClass { row, label, classes: classes.names().to_vec() })
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
                let column = (column + 1).into();
                return Err(ContentError::NotFinite { row: self.row_number(row), column, text });
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
