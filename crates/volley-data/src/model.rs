//! Models as JSON and NPZ. Coefficients are those of prepared features; the preprocessing stands beside them.
//!
//! Both have the same parts, under the names of scikit-learn where it has them (in NPZ with its underscore at the end):
//! `coef` (classes × features), `intercept` and `classes`. Where columns are standardised there are `square_root`,
//! `mean`, `inverse_deviation` and `clip` besides. `sharing` says whether the model may be shared; in NPZ a model that
//! may has `flooding` (statistical bits, decryptions, deviation). A file without it holds a private model.
//!
//! `scores` says what the scores of a row say of its classes (in NPZ `log_posterior_`, where their differences are
//! logarithms of ratios). A file without it has scores of one class against the rest.
//!
//! `columns` are those of the table that was trained on: what each is for and its name (in NPZ `column_uses_` and,
//! where there are names, `column_names_`). A file without it takes features without names.
//!
//! Standardising cuts features off, so it is not affine and cannot be folded into the coefficients, as a whitening is.
//! The paper's profile does not prepare features.

use std::io::Write;
use std::path::Path;

use ndarray::{Array2, Axis, concatenate};
use serde::{Deserialize, Serialize};
use volley_mlr::{ClassLabels, Model, Preprocessing, ScoreKind, Sharing, Standardisation};

use crate::error::{ContentError, DataError};
use crate::schema::{Schema, Use};
use crate::source;

mod json;
mod numpy;

/// Most bytes of a model in JSON, and of memory of one in NPZ: 128 MiB, or 16 million numbers. Reading JSON takes up to
/// twenty times as much memory as its text.
const LIMIT: u64 = 1 << 27;

/// How a model is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelFormat {
    /// A JSON object.
    Json,
    /// NumPy arrays.
    Npz,
}

impl ModelFormat {
    /// The format that an extension says: `.json` or `.npz`.
    ///
    /// # Errors
    ///
    /// [`ContentError::ModelName`] for any other.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("json") => Ok(Self::Json),
            Some("npz") => Ok(Self::Npz),
            _ => Err(ContentError::ModelName.in_file(path)),
        }
    }
}

/// A model, and the columns of the table that it was trained on, by which it takes other tables.
#[derive(Clone, Debug, PartialEq)]
pub struct TableModel {
    model: Model,
    schema: Schema,
}

impl TableModel {
    /// A model of the features of a table.
    ///
    /// # Errors
    ///
    /// [`ContentError::ModelShape`] where the columns have more or fewer features than the model.
    pub fn new(model: Model, schema: Schema) -> Result<Self, ContentError> {
        check_length("columns (features)", schema.count(Use::Feature), model.preprocessing().columns())?;
        Ok(Self { model, schema })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The columns of the table that it was trained on.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// Writes a model, so that [`read_model`] gives the same one, bit for bit.
///
/// # Errors
///
/// [`ContentError::Io`].
pub fn write_model(out: impl Write, format: ModelFormat, model: &TableModel) -> Result<(), ContentError> {
    let parts = Parts::of(model);
    match format {
        ModelFormat::Json => json::write(out, parts),
        ModelFormat::Npz => numpy::write(out, &parts),
    }
}

/// Reads a model, in whichever format it is.
///
/// # Errors
///
/// Whatever is wrong, with the file's name.
pub fn read_model(path: &Path) -> Result<TableModel, DataError> {
    let content = source::read(path, LIMIT).map_err(|cause| cause.in_file(path))?;
    let parts = if content.starts_with(b"PK") {
        numpy::read(path, &content)?
    } else {
        json::read(&content).map_err(|cause| cause.in_file(path))?
    };
    parts.into_model().map_err(|cause| cause.in_file(path))
}

/// What both formats hold.
struct Parts {
    classes: Vec<String>,
    /// Classes × features.
    coef: Array2<f64>,
    intercept: Vec<f64>,
    preprocessing: Option<Statistics>,
    sharing: Sharing,
    scores: ScoreKind,
    /// None for features alone, without names.
    columns: Option<Schema>,
}

/// The statistics of standardised columns, an entry for each feature.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statistics {
    square_root: Vec<bool>,
    mean: Vec<f64>,
    inverse_deviation: Vec<f64>,
    clip: f64,
}

impl Parts {
    fn of(TableModel { model, schema }: &TableModel) -> Self {
        let (bias, coef) = model.weights().view().split_at(Axis(1), 1);
        Self {
            classes: model.classes().names().to_vec(),
            coef: coef.to_owned(),
            intercept: bias.iter().copied().collect(),
            preprocessing: model.preprocessing().standardisations().map(Statistics::of),
            sharing: model.sharing(),
            scores: model.score_kind(),
            columns: (*schema != Schema::of_features(schema.uses().len())).then(|| schema.clone()),
        }
    }

    fn into_model(self) -> Result<TableModel, ContentError> {
        let (rows, columns) = self.coef.dim();
        check_length("intercept", self.intercept.len(), rows)?;
        let preprocessing = match self.preprocessing {
            None => Preprocessing::raw(columns),
            Some(statistics) => statistics.into_preprocessing(columns)?,
        };
        let shape =
            |_| ContentError::ModelShape { part: "intercept", found: self.intercept.len(), expected: rows };
        let bias = Array2::from_shape_vec((rows, 1), self.intercept.clone()).map_err(shape)?;
        let weights = concatenate(Axis(1), &[bias.view(), self.coef.view()]).map_err(shape)?;
        let model = Model::new(weights, ClassLabels::try_from(self.classes)?, preprocessing)?;
        let schema = self.columns.unwrap_or_else(|| Schema::of_features(columns));
        TableModel::new(model.marked(self.sharing).with_score_kind(self.scores), schema)
    }
}

impl Statistics {
    fn of(columns: &[Standardisation]) -> Self {
        Self {
            square_root: columns.iter().map(|column| column.square_root).collect(),
            mean: columns.iter().map(|column| column.mean).collect(),
            inverse_deviation: columns.iter().map(|column| column.inverse_deviation).collect(),
            clip: Standardisation::CLIP,
        }
    }

    fn into_preprocessing(self, columns: usize) -> Result<Preprocessing, ContentError> {
        let lengths = [
            ("square_root", self.square_root.len()),
            ("mean", self.mean.len()),
            ("inverse_deviation", self.inverse_deviation.len()),
        ];
        for (part, found) in lengths {
            check_length(part, found, columns)?;
        }
        if self.clip != Standardisation::CLIP {
            return Err(ContentError::Clip { found: self.clip, supported: Standardisation::CLIP });
        }
        let columns = self.square_root.into_iter().zip(self.mean).zip(self.inverse_deviation);
        let columns = columns.map(|((square_root, mean), inverse_deviation)| Standardisation {
            square_root,
            mean,
            inverse_deviation,
        });
        Ok(Preprocessing::standard(columns.collect())?)
    }
}

fn check_length(part: &'static str, found: usize, expected: usize) -> Result<(), ContentError> {
    if found == expected { Ok(()) } else { Err(ContentError::ModelShape { part, found, expected }) }
}

#[cfg(test)]
mod tests;
