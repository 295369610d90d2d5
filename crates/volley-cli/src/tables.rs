//! The user's tables and models.

use std::fs;
use std::path::Path;

use csv::{ReaderBuilder, Trim};
use ndarray::Array2;
use volley_mlr::{Dataset, Model};

use crate::failure::{BadInput, OrBadInput};

/// Labelled rows: the label first in each.
pub(crate) fn read_dataset(path: &Path) -> Result<Dataset, BadInput> {
    let (fields, rows) = read_fields(path)?;
    let columns = fields.len() / rows;
    let labels = fields.chunks(columns).map(|row| row[0].clone());
    Dataset::new(values(path, &fields, rows, 1)?, labels).at(path)
}

/// Rows of a model's features, with or without a label first.
pub(crate) fn read_features(path: &Path, features: usize) -> Result<Array2<f64>, BadInput> {
    let (fields, rows) = read_fields(path)?;
    let labels = usize::from(fields.len() / rows == features + 1);
    values(path, &fields, rows, labels)
}

fn read_fields(path: &Path) -> Result<(Vec<String>, usize), BadInput> {
    let mut reader = ReaderBuilder::new().has_headers(false).trim(Trim::All).from_path(path).at(path)?;
    let (mut fields, mut rows) = (Vec::new(), 0);
    for record in reader.records() {
        fields.extend(record.at(path)?.iter().map(str::to_owned));
        rows += 1;
    }
    if rows == 0 { Err(BadInput::at(path, "the file has no rows")) } else { Ok((fields, rows)) }
}

fn values(path: &Path, fields: &[String], rows: usize, skip: usize) -> Result<Array2<f64>, BadInput> {
    let columns = fields.len() / rows;
    let values: Vec<f64> = fields
        .chunks(columns)
        .flat_map(|row| &row[skip.min(columns)..])
        .map(|field| field.parse())
        .collect::<Result<_, _>>()
        .at(path)?;
    Array2::from_shape_vec((rows, columns.saturating_sub(skip)), values).at(path)
}

/// A model that `volley decrypt` wrote.
pub(crate) fn read_model(path: &Path) -> Result<Model, BadInput> {
    serde_json::from_str(&fs::read_to_string(path).at(path)?).at(path)
}
