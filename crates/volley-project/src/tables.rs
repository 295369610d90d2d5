//! The user's tables: how they are read, as a command line or a project says it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use volley_data::{
    Comments, ContentError, DataError, Delimiter, Header, HeaderDoubt, LabelDoubt, LabelSource, Remarks,
    Schema, Table, TableOptions, TextKind, read_table, read_table_from,
};
use volley_mlr::ClassLabels;
use volley_program::units::counted;
use volley_program::{BadInput, OrBadInput};

use crate::observer::Observer;

mod advice;

use advice::{Columns, with_advice};

/// Standard input, where a table is read once.
const STDIN: &str = "-";
/// What settles whether the first row is a header.
const HEADER_CHOICE: &str = "--header yes or --header no says what it is";
/// Names of columns or classes in a note.
const NAMES: usize = 8;

/// How a table is read: CSV, NPY, NPZ or IDX, also gzip-compressed; `-` is standard input. A project keeps what was
/// given to `volley init`, but for the file of labels.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableSource {
    /// Column of a CSV file with the labels, by its name or its place (from 1, or from the end: -1 is the last), or
    /// array of an NPZ file [default: as in training, else the first column, or `y`]
    #[arg(long, value_name = "NAME_OR_PLACE", conflicts_with = "labels", allow_negative_numbers = true)]
    label_column: Option<String>,
    /// NPY or IDX file with the labels [default: in the table; for IDX images, the file of labels beside it]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    labels: Option<PathBuf>,
    /// Leave out a column of a CSV file, by its name or place; may be given several times
    #[arg(long, value_name = "NAME_OR_PLACE", allow_negative_numbers = true)]
    drop: Vec<String>,
    /// Array of an NPZ file with the features [default: X]
    #[arg(long, value_name = "NAME")]
    features_array: Option<String>,
    /// Read only the square of this side in the middle of IDX images
    #[arg(long, value_name = "PIXELS")]
    centre: Option<usize>,
    /// Whether the first row of a CSV file is a header; it is guessed to be one if none of its values is a number
    /// [default: auto]
    #[arg(long, value_enum)]
    header: Option<Choice>,
    /// What separates the columns of a CSV file: tab, space (any number of them) or a character such as ";" or "|"
    /// [default: the comma, semicolon or tab in the first row]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<String>,
    /// Whether lines of a CSV file that begin with # are comments; those that could be rows are refused unless it is
    /// said [default: auto]
    #[arg(long, value_enum)]
    comments: Option<Choice>,
}

/// What is to be said or left to a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Yes,
    No,
    Auto,
}

impl From<Choice> for Header {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Yes => Self::Yes,
            Choice::No => Self::No,
            Choice::Auto => Self::Auto,
        }
    }
}

impl From<Choice> for Comments {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Yes => Self::Yes,
            Choice::No => Self::No,
            Choice::Auto => Self::Auto,
        }
    }
}

/// The text of a delimiter.
fn delimiter(text: &str) -> Result<String, String> {
    text.parse::<Delimiter>().map(|delimiter| delimiter.to_string()).map_err(|error| error.to_string())
}

impl TableSource {
    /// That of a CSV file whose first column has the labels, with or without a header.
    #[must_use]
    pub fn labels_first(has_header: bool) -> Self {
        let header = if has_header { Choice::Yes } else { Choice::No };
        Self { label_column: Some("1".to_owned()), header: Some(header), ..Self::default() }
    }

    /// What a project keeps of it.
    ///
    /// # Errors
    ///
    /// None that is known.
    pub fn kept(&self) -> Result<Map<String, Value>, BadInput> {
        serde_json::to_value(self).and_then(serde_json::from_value).or_bad_input()
    }

    /// The same, and where nothing is said, what `earlier` says.
    #[must_use]
    pub fn or(&self, earlier: Self) -> Self {
        let labels_elsewhere = self.label_column.is_some() || self.labels.is_some();
        Self {
            label_column: if labels_elsewhere { self.label_column.clone() } else { earlier.label_column },
            labels: self.labels.clone(),
            drop: if self.drop.is_empty() { earlier.drop } else { self.drop.clone() },
            features_array: self.features_array.clone().or(earlier.features_array),
            centre: self.centre.or(earlier.centre),
            header: self.header.or(earlier.header),
            delimiter: self.delimiter.clone().or(earlier.delimiter),
            comments: self.comments.or(earlier.comments),
        }
    }

    /// The same, and where nothing is said of the format, what `earlier` says. Columns go by those of training.
    #[must_use]
    pub fn or_format(&self, earlier: Self) -> Self {
        self.or(Self { label_column: None, drop: vec![], ..earlier })
    }

    /// The same for the table of test rows, which has a file of labels of its own where there is one for this table.
    ///
    /// # Errors
    ///
    /// Where there is a file of labels for the training data alone.
    pub fn for_test(&self, labels: Option<&Path>) -> Result<Self, BadInput> {
        if self.labels.is_some() && labels.is_none() {
            return Err(BadInput::new(
                "--labels has those of the training data: --test-labels names the others",
            ));
        }
        Ok(Self { labels: labels.map(Path::to_owned), ..self.clone() })
    }

    /// The file of labels, if one was named.
    #[must_use]
    pub fn labels_file(&self) -> Option<&Path> {
        self.labels.as_deref()
    }

    /// The same with this file of labels, which is not stored with the rest.
    #[must_use]
    pub fn with_labels(&self, labels: Option<PathBuf>) -> Self {
        Self { labels, ..self.clone() }
    }

    /// Labelled rows to train on. A first column that nobody named, and that looks like anything but labels, is
    /// refused, and so is a first row that looks like a header and is taken for data: a model of these would be of no
    /// use.
    ///
    /// # Errors
    ///
    /// For such a column or row, and a table that cannot be read.
    pub fn read_training(&self, path: &Path, observer: &dyn Observer) -> Result<Table, BadInput> {
        let table = self.read_unremarked(path, LabelSource::Usual, None, observer);
        let table = table.map_err(|error| self.explain(&error, Columns::Free))?;
        if let Some(doubt @ (LabelDoubt::AllDiffer | LabelDoubt::Fractions)) = table.remarks().label {
            return Err(BadInput::new(format!(
                "{}: the labels would be those of the first column, {doubt}; --label-column names the column that has \
                 them, or says its place: -1 is the last, 1 the first",
                name_of(path)
            )));
        }
        if let Some(doubt @ (HeaderDoubt::Sequence | HeaderDoubt::Label)) = table.remarks().header {
            let name = name_of(path);
            return Err(BadInput::new(format!("{name}: the first row {doubt}; {HEADER_CHOICE}")));
        }
        note_remarks(&name_of(path), table.remarks(), observer);
        note_odd_classes(&name_of(path), table.labels().unwrap_or_default(), observer);
        Ok(table)
    }

    /// Labelled rows in the columns of the table that was planned for.
    ///
    /// # Errors
    ///
    /// For a table without these columns, and one that cannot be read.
    pub fn read_planned(
        &self,
        path: &Path,
        schema: &Schema,
        observer: &dyn Observer,
    ) -> Result<Table, BadInput> {
        let table = self.read_unremarked(path, LabelSource::Usual, Some(schema), observer);
        let table = table.map_err(|error| match &*error.cause {
            ContentError::MissingFeature { name, .. } => BadInput::new(format!(
                "{}: the column {name:?} of the table that was planned for is not in this one; they go by name, in \
                 any order, and other columns take another plan: volley init",
                name_of(path)
            )),
            _ => self.explain(&error, Columns::Fixed),
        })?;
        note_remarks(&name_of(path), table.remarks(), observer);
        note_odd_classes(&name_of(path), table.labels().unwrap_or_default(), observer);
        Ok(table)
    }

    /// Labelled rows in the columns of a table that was trained on.
    ///
    /// # Errors
    ///
    /// For a table without these columns, and one that cannot be read.
    pub fn read_labelled(
        &self,
        path: &Path,
        schema: &Schema,
        observer: &dyn Observer,
    ) -> Result<Table, BadInput> {
        self.read(path, LabelSource::Usual, schema, observer)
    }

    /// Refuses labels that are none of a model's classes.
    ///
    /// # Errors
    ///
    /// For such a label.
    pub fn check_classes(&self, table: &Table, classes: &ClassLabels) -> Result<(), BadInput> {
        table.check_classes(classes).map_err(|error| self.explain(&error, Columns::Fixed))
    }

    /// Labelled rows in the columns and classes that the owners of a pool agreed on. What was guessed is said where the
    /// table is `new`.
    ///
    /// # Errors
    ///
    /// For a table without these columns or with other classes, and one that cannot be read.
    pub(crate) fn read_pooled(
        &self,
        path: &Path,
        schema: &Schema,
        classes: &ClassLabels,
        new: bool,
        observer: &dyn Observer,
    ) -> Result<Table, BadInput> {
        let read = self.read_unremarked(path, LabelSource::Usual, Some(schema), observer);
        let table = read.and_then(|table| table.check_classes(classes).map(|()| table));
        let table = table.map_err(|error| match &*error.cause {
            ContentError::MissingFeature { name, .. } => BadInput::at(
                path,
                format_args!("the pool's column {name:?} is not in the table; they go by name, in any order"),
            ),
            _ => self.explain(&error, Columns::Fixed),
        })?;
        if new {
            note_remarks(&name_of(path), table.remarks(), observer);
        }
        Ok(table)
    }

    /// Rows in the columns of a table that was trained on, with or without labels, which are not looked at.
    ///
    /// # Errors
    ///
    /// For a table without these columns, and one that cannot be read.
    pub fn read_features(
        &self,
        path: &Path,
        schema: &Schema,
        observer: &dyn Observer,
    ) -> Result<Array2<f64>, BadInput> {
        let ignored = LabelSource::Ignored(self.label_column.clone());
        let nowhere = Self { labels: None, label_column: None, ..self.clone() };
        Ok(nowhere.read(path, ignored, schema, observer)?.into_features())
    }

    /// Reads a table whose labels are where the options say, or else by `default`, and says what was guessed.
    fn read(
        &self,
        path: &Path,
        default: LabelSource,
        schema: &Schema,
        observer: &dyn Observer,
    ) -> Result<Table, BadInput> {
        let table = self.read_unremarked(path, default, Some(schema), observer);
        let table = table.map_err(|error| self.explain(&error, Columns::Fixed))?;
        note_remarks(&name_of(path), table.remarks(), observer);
        Ok(table)
    }

    /// The same, and says nothing.
    fn read_unremarked(
        &self,
        path: &Path,
        default: LabelSource,
        schema: Option<&Schema>,
        observer: &dyn Observer,
    ) -> Result<Table, DataError> {
        let named = self.label_column.clone().map(LabelSource::Named);
        let file = self.labels.clone().map(LabelSource::File);
        let usual = TableOptions::default();
        let delimiter = self.delimiter.as_ref().and_then(|text| text.parse().ok());
        let options = TableOptions {
            labels: named.or(file).unwrap_or(default),
            features: self.features_array.clone().unwrap_or(usual.features),
            centre: self.centre,
            header: self.header.map_or(usual.header, Header::from),
            delimiter: delimiter.unwrap_or(usual.delimiter),
            comments: self.comments.map_or(usual.comments, Comments::from),
            drop: self.drop.clone(),
            schema: schema.cloned(),
            limit: usual.limit,
        };
        observer.during("reading", || {
            if is_stdin(path) {
                return read_table_from(Path::new("standard input"), io::stdin().lock(), &options);
            }
            read_table(path, &options)
        })
    }

    /// An error with what mends it.
    fn explain(&self, error: &DataError, columns: Columns) -> BadInput {
        with_advice(error, self.label_column.is_some() || self.labels.is_some(), columns)
    }
}

/// Whether a table is standard input, which can be read once.
#[must_use]
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN)
}

fn name_of(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Says what was guessed, where that may be wrong, and what was left out.
fn note_remarks(path: &str, remarks: &Remarks, observer: &dyn Observer) {
    if let Some(doubt) = remarks.header {
        observer.note(format!("{path}: the first row {doubt}; {HEADER_CHOICE}"));
    }
    if remarks.has_index {
        observer.note(format!(
            "{path}: the first column has no name and is left out, as numbers of rows; to keep it, name it"
        ));
    }
    if remarks.comments > 0 {
        let lines = counted(remarks.comments as usize, "line");
        observer
            .note(format!("{path}: {lines} left out that begin with #; --comments no reads them as rows"));
    }
    if !remarks.left_out.is_empty() {
        let names = first_names(&quoted(&remarks.left_out));
        observer.note(format!("{path}: left out, as this training has no such features: {names}"));
    }
    if remarks.is_nameless {
        observer.note(format!(
            "{path}: the columns are taken by place, whatever their names, as those of the training have none"
        ));
    }
    for column in &remarks.numbering {
        let place = column.place;
        observer.note(format!("{path}: {column} seems to number the rows; --drop {place} leaves it out"));
    }
    if remarks.has_empty_end {
        observer.note(format!(
            "{path}: each line ends with separators, the empty columns after them are left out"
        ));
    }
    if let Some(name) = &remarks.other_label {
        observer.note(format!(
            "{path}: the labels are taken from the column {name:?}, as the model's has another name and is not there"
        ));
    }
    if let Some(doubt) = remarks.label {
        let help = "--label-column names another, -1 the last";
        observer.note(format!("{path}: the labels are taken from the first column, {doubt}; {help}"));
    }
}

/// Says which classes have a single row, as a row that is none has, which stand for a missing label, and which are the
/// same number or the same word.
fn note_odd_classes(path: &str, labels: &[String], observer: &dyn Observer) {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    labels.iter().for_each(|label| *rows.entry(label).or_default() += 1);
    let single: Vec<_> = rows.iter().filter(|&(_, &rows)| rows == 1).map(|(label, _)| label).collect();
    let has_others = single.len() < rows.len();
    if let (true, Some(_)) = (has_others, single.first()) {
        observer.note(format!("{path}: classes of a single row: {}", first_names(&quoted(&single))));
    }
    let mut numbers: HashMap<u64, &str> = HashMap::new();
    for (label, number) in rows.keys().filter_map(|label| Some((*label, label.parse::<f64>().ok()?))) {
        if let Some(other) = numbers.insert(number.to_bits(), label) {
            observer.note(format!("{path}: the classes {other:?} and {label:?} are the same number"));
        }
    }
    let mut words: HashMap<String, &str> = HashMap::new();
    for label in rows.keys() {
        if let Some(other) = words.insert(label.trim().to_lowercase(), label) {
            observer
                .note(format!("{path}: the classes {other:?} and {label:?} differ in case or spaces only"));
        }
    }
    let missing: Vec<_> = rows.keys().filter(|label| TextKind::of(label) == TextKind::Missing).collect();
    if !missing.is_empty() {
        let names = first_names(&quoted(&missing));
        observer.note(format!(
            "{path}: {names} counts as a class: leave out the rows if their labels are missing"
        ));
    }
}

fn quoted(names: &[impl Debug]) -> Vec<String> {
    names.iter().map(|name| format!("{name:?}")).collect()
}

/// The first of some names, for a note.
pub(crate) fn first_names(names: &[String]) -> String {
    let more = if names.len() > NAMES { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(NAMES)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_goes_before_what_was_said_earlier() {
        let text = |text: &str| Some(text.to_owned());
        let earlier = TableSource {
            label_column: text("kind"),
            drop: vec!["id".into()],
            header: Some(Choice::Yes),
            delimiter: text("tab"),
            ..TableSource::default()
        };
        assert_eq!(TableSource::default().or(earlier.clone()), earlier);
        let file = TableSource { labels: Some("y.npy".into()), ..TableSource::default() };
        assert_eq!(file.or(earlier.clone()).label_column, None);
        let said = TableSource { label_column: text("-1"), drop: vec!["2".into()], ..TableSource::default() };
        let both = said.or(earlier.clone());
        assert_eq!((both.label_column, both.drop), (text("-1"), vec!["2".to_owned()]));
        assert_eq!((both.header, both.delimiter), (Some(Choice::Yes), text("tab")));
        let format = TableSource::default().or_format(earlier);
        assert_eq!((format.label_column, format.drop, format.header), (None, vec![], Some(Choice::Yes)));
    }

    #[test]
    fn a_project_keeps_all_but_the_file_of_labels() {
        let source = TableSource {
            label_column: Some("-1".into()),
            labels: Some("y.npy".into()),
            comments: Some(Choice::No),
            ..TableSource::default()
        };
        let stored = serde_json::to_string(&source).unwrap();
        assert!(!stored.contains("y.npy"));
        let expected = TableSource { labels: None, ..source };
        assert_eq!(serde_json::from_str::<TableSource>(&stored).unwrap(), expected);
        assert_eq!(serde_json::from_str::<TableSource>("{}").unwrap(), TableSource::default());
        assert!(serde_json::from_str::<TableSource>("{\"labelcolumn\":\"a\"}").is_err());
    }
}
