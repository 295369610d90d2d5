//! The user's tables: how they are named on the command line, and read.

use std::path::{Path, PathBuf};

use clap::Args;
use ndarray::Array2;
use volley_data::{LabelSource, Table, TableOptions, read_table};
use volley_mlr::Dataset;

use crate::failure::{BadInput, OrBadInput};
use crate::output::phase;

/// How a table is read: CSV, NPY, NPZ or IDX, also gzip-compressed.
#[derive(Args, Debug)]
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
    /// Of IDX images, read only the square of this side in the middle
    #[arg(long, value_name = "PIXELS")]
    centre: Option<usize>,
}

impl TableSource {
    /// Labelled rows.
    pub(crate) fn read_labelled(&self, path: &Path) -> Result<Table, BadInput> {
        let named = self.label_column.clone().map(LabelSource::Named);
        let file = self.labels.clone().map(LabelSource::File);
        self.read(path, named.or(file).unwrap_or_default())
    }

    /// Labelled rows to train on.
    pub(crate) fn read_dataset(&self, path: &Path) -> Result<Dataset, BadInput> {
        self.read_labelled(path)?.into_dataset().or_bad_input()
    }

    /// Rows of so many features, with labels, which are not looked at, or without.
    pub(crate) fn read_features(&self, path: &Path, features: usize) -> Result<Array2<f64>, BadInput> {
        match self.read(path, LabelSource::Absent) {
            Ok(table) if table.features().ncols() == features => Ok(table.features().clone()),
            _ => Ok(self.read_labelled(path)?.features().clone()),
        }
    }

    fn read(&self, path: &Path, labels: LabelSource) -> Result<Table, BadInput> {
        let options = TableOptions {
            features: self.features_array.clone(),
            centre: self.centre,
            ..TableOptions::with_labels(labels)
        };
        phase("reading", || read_table(path, &options)).or_bad_input()
    }
}
