//! The user's tables: how they are named on the command line, and read.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ndarray::Array2;
use volley_data::{ContentError, DataError, Header, LabelSource, Table, TableOptions, read_table};
use volley_mlr::Dataset;
use volley_program::{BadInput, OrBadInput};

use crate::output::{note, phase};

/// How a table is read: CSV, NPY, NPZ or IDX, also gzip-compressed.
#[derive(Args, Clone, Debug)]
pub(crate) struct TableSource {
    /// Column of a CSV file, or array of an NPZ file, with the labels [default: the first column, or `y`]
    #[arg(long, value_name = "NAME", conflicts_with = "labels")]
    label_column: Option<String>,
    /// NPY or IDX file with the labels [default: in the table; for IDX images, the file of labels beside it]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Array of an NPZ file with the features
    #[arg(long, value_name = "NAME", default_value = "X")]
    features_array: String,
    /// Read only the square of this side in the middle of IDX images
    #[arg(long, value_name = "PIXELS")]
    centre: Option<usize>,
    /// Whether the first row of a CSV file is a header; it is guessed to be one if none of its values is a number
    #[arg(long, value_enum, default_value = "auto")]
    header: HeaderChoice,
}

/// [`Header`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum HeaderChoice {
    Yes,
    No,
    Auto,
}

impl From<HeaderChoice> for Header {
    fn from(choice: HeaderChoice) -> Self {
        match choice {
            HeaderChoice::Yes => Self::Yes,
            HeaderChoice::No => Self::No,
            HeaderChoice::Auto => Self::Auto,
        }
    }
}

impl TableSource {
    /// The same for the table of test rows, which has a file of labels of its own where there is one for this table.
    pub(crate) fn for_test(&self, labels: Option<&Path>) -> Result<Self, BadInput> {
        if self.labels.is_some() && labels.is_none() {
            return Err(BadInput::new(
                "--labels has those of the training data: --test-labels names the others",
            ));
        }
        Ok(Self { labels: labels.map(Path::to_owned), ..self.clone() })
    }

    /// Labelled rows.
    pub(crate) fn read_labelled(&self, path: &Path) -> Result<Table, BadInput> {
        self.read(path, self.label_source()).or_bad_input().inspect(|table| note_doubt(path, table))
    }

    /// Labelled rows to train on.
    pub(crate) fn read_dataset(&self, path: &Path) -> Result<Dataset, BadInput> {
        self.read_labelled(path)?.into_dataset().or_bad_input()
    }

    /// Rows of so many features, with or without labels, which are not looked at.
    pub(crate) fn read_features(&self, path: &Path, features: usize) -> Result<Array2<f64>, BadInput> {
        let fits = |table: &Table| table.features().ncols() == features;
        let problem = match self.read(path, LabelSource::Absent) {
            Ok(table) if fits(&table) => {
                note_doubt(path, &table);
                return Ok(table.into_features());
            }
            // The table is dropped before the next one is read: either may take all the memory that there is.
            unfit => unfit.err(),
        };
        match (self.read(path, self.label_source()), problem) {
            (Ok(table), Some(problem)) if !fits(&table) => Err(problem).or_bad_input(),
            (Ok(table), _) => {
                note_doubt(path, &table);
                Ok(table.into_features())
            }
            // A single column has no labels.
            (Err(DataError { cause, .. }), Some(problem))
                if matches!(*cause, ContentError::NoValues { .. }) =>
            {
                Err(problem).or_bad_input()
            }
            (Err(error), _) => Err(error).or_bad_input(),
        }
    }

    fn label_source(&self) -> LabelSource {
        let named = self.label_column.clone().map(LabelSource::Named);
        let file = self.labels.clone().map(LabelSource::File);
        named.or(file).unwrap_or_default()
    }

    fn read(&self, path: &Path, labels: LabelSource) -> Result<Table, DataError> {
        let options = TableOptions {
            features: self.features_array.clone(),
            centre: self.centre,
            header: self.header.into(),
            ..TableOptions::with_labels(labels)
        };
        phase("reading", || read_table(path, &options))
    }
}

/// Says what was guessed, where that may be wrong.
fn note_doubt(path: &Path, table: &Table) {
    if let Some(doubt) = table.header_doubt() {
        let path = path.display();
        note(&format!("note: {path}: the first row {doubt}; --header yes or --header no says what it is"));
    }
}
