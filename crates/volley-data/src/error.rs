//! What is wrong with a file, in one line. Rows and columns are counted from 1, rows of a CSV file by the line on which
//! they start.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::column::Column;

/// A file that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{}{}: {cause}", path.display(), in_entry(entry.as_deref()))]
pub struct DataError {
    /// The file.
    pub path: PathBuf,
    /// The array in it, for NPZ files.
    pub entry: Option<String>,
    /// What is wrong with it.
    pub cause: Box<ContentError>,
}

fn in_entry(entry: Option<&str>) -> String {
    entry.map_or_else(String::new, |entry| format!(" ({})", excerpt(entry)))
}

/// What is wrong with the content of a file.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The system failed: no such file, no permission, no space.
    #[error("{message}")]
    Io {
        /// What failed.
        kind: io::ErrorKind,
        /// The system's words.
        message: String,
    },
    /// More bytes than the caller allows, after decompression.
    #[error("the content is longer than the limit of {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Values and labels that take more memory than the caller allows.
    #[error("the values and labels take at least {needed} bytes of memory, the limit is {limit}")]
    Memory {
        /// Bytes that are needed for what was read or is declared so far; `u64::MAX` also for more.
        needed: u64,
        /// The limit.
        limit: u64,
    },
    /// A gzip file that is damaged or truncated.
    #[error("damaged gzip data")]
    Gzip,
    /// No rows.
    #[error("the file has no rows")]
    NoRows,
    /// A field that is not UTF-8.
    #[error("row {row}, column {column}: the text is not UTF-8")]
    NotUtf8 {
        /// The row.
        row: u64,
        /// The column.
        column: usize,
    },
    /// A text file of another encoding, as its first bytes show.
    #[error("the text is in {found}, and UTF-8 is read")]
    Encoding {
        /// Its name.
        found: &'static str,
    },
    /// A quote that is still open where the file ends.
    #[error("row {row}, column {column}: the quote that begins here is never closed")]
    OpenQuote {
        /// The row in which the quote begins.
        row: u64,
        /// The column.
        column: usize,
    },
    /// Text between a closing quote and the end of the field.
    #[error(
        "row {row}, column {column}: the quote that begins here is closed in row {end} with text after it"
    )]
    TextAfterQuote {
        /// The row in which the quote begins.
        row: u64,
        /// The column.
        column: usize,
        /// The row in which it is closed.
        end: u64,
    },
    /// A quote in a field that does not begin with one.
    #[error("row {row}, column {column}: a quote inside of a text that is not in quotes")]
    QuoteInText {
        /// The row.
        row: u64,
        /// The column.
        column: usize,
    },
    /// A first row that does not show what separates its fields.
    #[error(
        "the first row has both {first:?} and {second:?} between texts; put texts that have one of them in quotes"
    )]
    Separators {
        /// The one that comes first.
        first: char,
        /// Another.
        second: char,
    },
    /// A row of another length than the first.
    #[error("row {row} has {found} columns, the first row has {expected}")]
    RowLength {
        /// The row.
        row: u64,
        /// Its number of columns.
        found: usize,
        /// That of the first row.
        expected: usize,
    },
    /// A row with no column beside the label's.
    #[error("row {row} has no values after its label")]
    NoValues {
        /// The row.
        row: u64,
    },
    /// A table of which no column is left but the label's.
    #[error("every column but the label's is left out")]
    AllDropped,
    /// A label that is empty or only white space.
    #[error("row {row}, {column}: the label is empty")]
    EmptyLabel {
        /// The row.
        row: u64,
        /// The column.
        column: Column,
    },
    /// A label with a line break or another control character: labels are written one a line.
    #[error("row {row}: the label {label:?} has a line break or another control character")]
    LabelCharacter {
        /// The row.
        row: u64,
        /// The label, shortened where it is long.
        label: String,
    },
    /// A value that is missing.
    #[error("row {row}, {column}: the value is empty")]
    EmptyValue {
        /// The row.
        row: u64,
        /// The column.
        column: Column,
    },
    /// A value that is no number.
    #[error("row {row}, {column}: {text:?} is not a number")]
    NotANumber {
        /// The row.
        row: u64,
        /// The column.
        column: Column,
        /// The value, shortened where it is long.
        text: String,
    },
    /// A value that is infinite or NaN.
    #[error("row {row}, {column}: {text:?} is not a finite number")]
    NotFinite {
        /// The row.
        row: u64,
        /// The column.
        column: Column,
        /// The value, shortened where it is long.
        text: String,
    },
    /// A column that is asked for by its name, where the first row is no header.
    #[error("the file is taken to have no header, in which a column could be named {name:?}")]
    NoHeader {
        /// The name.
        name: String,
    },
    /// A column of this name is not in the header.
    #[error("no column is named {name:?}; the header has {}", listed(found))]
    MissingColumn {
        /// The name.
        name: String,
        /// The names in the header.
        found: Vec<String>,
    },
    /// Two columns of the name that is asked for.
    #[error("{count} columns are named {name:?}")]
    AmbiguousColumn {
        /// The name.
        name: String,
        /// The number of columns with it.
        count: usize,
    },
    /// Columns of one name, of which a model's table has another number.
    #[error("{found} columns are named {name:?}, the model has {expected} of them")]
    RepeatedColumn {
        /// The name.
        name: String,
        /// The number of columns with it.
        found: usize,
        /// The number of the model's columns with it.
        expected: usize,
    },
    /// A column that is asked for by its place, where there is none.
    #[error("there is no column {place} among {columns}: they count from 1, or back from -1")]
    ColumnPlace {
        /// The place that was asked for.
        place: i64,
        /// The number of columns.
        columns: usize,
    },
    /// The column of the labels is also to be left out.
    #[error("column {column} has the labels and cannot be left out")]
    LabelDropped {
        /// The column.
        column: usize,
    },
    /// A feature of the model that is not among the columns.
    #[error("the model's feature {name:?} is not in the table; other columns are {}", listed(found))]
    MissingFeature {
        /// Its name.
        name: String,
        /// The names of the columns that may be features.
        found: Vec<String>,
    },
    /// A table without a header for a model whose features have names, where nobody said that it has none.
    #[error(
        "the table is taken to have no header, and the model knows its features by name: {}",
        listed(names)
    )]
    NoNames {
        /// The names of the features, in the order of the model's.
        names: Vec<String>,
    },
    /// Several columns beside the model's features, none of them of the name that its labels have.
    #[error("it is not known which column has the labels: {}", listed(found))]
    LabelColumnUnknown {
        /// Their names.
        found: Vec<String>,
    },
    /// A line that may be a comment or a row.
    #[error("row {row} begins with \"#\" like a comment and has numbers like a row")]
    CommentOrRow {
        /// The row.
        row: u64,
    },
    /// What cannot separate fields.
    #[error("{text:?} separates no fields: \"tab\", \"space\" or a character such as \";\" does")]
    Delimiter {
        /// The text, shortened where it is long.
        text: String,
    },
    /// A file of a format that is known and not read.
    #[error("this is {found}, which is not read")]
    Foreign {
        /// The format.
        found: &'static str,
    },
    /// The label's column is beyond the last.
    #[error("the labels are asked for in column {column}, there are {columns}")]
    ColumnRange {
        /// The column, from 1.
        column: usize,
        /// The number of columns.
        columns: usize,
    },
    /// Labels that are asked for where this format has none.
    #[error("labels cannot be {asked} of a {format} file")]
    LabelSource {
        /// What was asked for.
        asked: &'static str,
        /// The format of the features.
        format: &'static str,
    },
    /// Columns to be left out where this format has no columns with names or places.
    #[error("columns can be left out of a CSV file, not of a {format} file")]
    DropSource {
        /// The format of the features.
        format: &'static str,
    },
    /// Content that is not of the format that the file's name says, or that is needed.
    #[error("this is not {expected}")]
    Format {
        /// What was expected.
        expected: &'static str,
    },
    /// The end of the file comes before that of its header.
    #[error("the header of the {format} data is truncated")]
    TruncatedHeader {
        /// The format.
        format: &'static str,
    },
    /// An NPY header that is none, or longer than NumPy reads.
    #[error("malformed NPY header")]
    NpyHeader,
    /// An NPY version that is not read.
    #[error("NPY version {major}.{minor} is not known; versions 1.0 to 3.0 are read")]
    NpyVersion {
        /// The major version.
        major: u8,
        /// The minor version.
        minor: u8,
    },
    /// An array of Python objects: reading one could run any program.
    #[error(
        "the array holds pickled Python objects, which are not read; convert it with astype(float) or astype(str)"
    )]
    Pickled,
    /// Elements of a type that cannot be used here.
    #[error("elements of type {found:?} cannot be {needed}")]
    ElementType {
        /// The type in the header.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
    /// An array of another number of dimensions.
    #[error("an array of shape {shape:?} is not {needed}")]
    Dimensions {
        /// The shape.
        shape: Vec<usize>,
        /// What is needed.
        needed: &'static str,
    },
    /// More or fewer bytes than the shape in the header needs.
    #[error("{found} bytes do not fill the shape {shape:?} of {item_bytes} bytes each")]
    Size {
        /// The shape.
        shape: Vec<usize>,
        /// Bytes of an element.
        item_bytes: usize,
        /// Bytes in the file; where there are too many, those that were read.
        found: usize,
    },
    /// Text in an array that is not Unicode.
    #[error("row {row}: the label is not text")]
    LabelText {
        /// The row.
        row: u64,
    },
    /// A ZIP archive that is damaged or uses what is not supported.
    #[error("the NPZ archive cannot be read: {message}")]
    Archive {
        /// The archive reader's words.
        message: String,
    },
    /// An archive of the format for more than 4 GiB or 65,534 files.
    #[error("the NPZ archive is a ZIP64 archive, for more than 4 GiB or 65534 arrays, which is not read")]
    Zip64,
    /// An array that is not in the archive.
    #[error("no array is named {name:?}; the file has {}", listed(found))]
    MissingArray {
        /// The name.
        name: String,
        /// The arrays that are there.
        found: Vec<String>,
    },
    /// An IDX file of another type or number of dimensions.
    #[error("the magic number is {found:?}, expected [0, 0, 8, {dimensions}]")]
    IdxMagic {
        /// The first four bytes.
        found: [u8; 4],
        /// The number of dimensions that is needed.
        dimensions: u8,
    },
    /// Images smaller than the centre that is asked for.
    #[error("{rows}x{columns} images have no centre of {side}x{side}")]
    Centre {
        /// Rows of an image.
        rows: usize,
        /// Columns of an image.
        columns: usize,
        /// Side of the centre.
        side: usize,
    },
    /// Fewer items than are needed.
    #[error("{found} items where {needed} are needed")]
    ItemCount {
        /// The number that is there.
        found: usize,
        /// The number that is needed.
        needed: usize,
    },
    /// Not one label per row.
    #[error("there are {labels} labels for {rows} rows")]
    LabelCount {
        /// Number of labels.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A table without labels where they are needed.
    #[error("there are no labels")]
    NoLabels,
    /// A label that is no class.
    #[error("row {row}: the label {label:?} is none of the classes, which are {}", listed(classes))]
    UnknownClass {
        /// The row.
        row: u64,
        /// The label, shortened where it is long.
        label: String,
        /// The classes.
        classes: Vec<String>,
    },
    /// A file of another kind where a model is expected.
    #[error("this is {found}, and no model")]
    NotAModel {
        /// What it is.
        found: &'static str,
    },
    /// A file that is no model in JSON.
    #[error("this is no model: {message}")]
    Json {
        /// The parser's words, with line and column.
        message: String,
    },
    /// A model of another version of the format.
    #[error("the model has format version {found}, this program reads versions up to {supported}")]
    Version {
        /// The file's version.
        found: u64,
        /// The last version that is read.
        supported: u64,
    },
    /// Parts of a model that do not fit each other.
    #[error("{part} has {found} entries, expected are {expected}")]
    ModelShape {
        /// The part.
        part: &'static str,
        /// Its number of entries.
        found: usize,
        /// The number that fits the rest.
        expected: usize,
    },
    /// A use of a column that is not known.
    #[error("{text:?} is no use of a column")]
    ColumnUse {
        /// The text.
        text: String,
    },
    /// Several columns of labels.
    #[error("{count} columns have the labels")]
    LabelColumns {
        /// Their number.
        count: usize,
    },
    /// Standardised features that are cut at another value.
    #[error("features are cut at {found}, this program cuts them at {supported}")]
    Clip {
        /// The file's value.
        found: f64,
        /// The value in use.
        supported: f64,
    },
    /// A scale or an offset that is not one for each column.
    #[error("there are {found} entries for {columns} columns of features")]
    ScaleLength {
        /// The number of entries.
        found: usize,
        /// The number of columns.
        columns: usize,
    },
    /// A file name that does not say in which format features are to be written.
    #[error("the name of a file of features ends in .csv, .npy or .npz")]
    FeatureName,
    /// A file name that does not say in which format a model is to be written.
    #[error("the name of a model's file ends in .json or .npz")]
    ModelName,
    /// A data set or model that cannot be used.
    #[error(transparent)]
    Model(#[from] volley_mlr::Error),
}

impl ContentError {
    /// This error with the file that it is about.
    #[must_use]
    pub fn in_file(self, path: &Path) -> DataError {
        DataError { path: path.to_owned(), entry: None, cause: Box::new(self) }
    }

    pub(crate) fn in_entry(self, path: &Path, entry: &str) -> DataError {
        DataError { path: path.to_owned(), entry: Some(entry.to_owned()), cause: Box::new(self) }
    }
}

impl From<io::Error> for ContentError {
    /// A stream that is decoded wraps what is wrong with its content.
    fn from(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(|error| Self::Io { kind: error.kind(), message: error.to_string() })
    }
}

impl From<zip::result::ZipError> for ContentError {
    fn from(error: zip::result::ZipError) -> Self {
        Self::Archive { message: error.to_string() }
    }
}

/// The beginning of a text, for a message of one line.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARACTERS: usize = 40;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first names of a list, for a message.
fn listed(names: &[String]) -> String {
    const NAMES: usize = 8;
    let shown: Vec<String> = names.iter().take(NAMES).map(|name| format!("{:?}", excerpt(name))).collect();
    match (shown.is_empty(), names.len() > NAMES) {
        (true, _) => "none".to_owned(),
        (false, false) => shown.join(", "),
        (false, true) => format!("{}, …", shown.join(", ")),
    }
}
