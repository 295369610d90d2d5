//! Labels of rows, and their scores, as they are shown or kept.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use ndarray::Array2;
use serde::Serialize;
use volley_data::{ContentError, DataError, RowFigure, Schema, TableModel, read_model, write_predictions};
use volley_mlr::{Error, Preprocessing};
use volley_program::units::counted;
use volley_program::{BadInput, OrBadInput};
use volley_project::RowScores;
use volley_project::atomic::{Staged, check_free};

use crate::console::{info, note};
use crate::output::Output;

/// Share of the values of a column that are cut off, above which the column is named.
const CUT_OFF: f64 = 0.5;
/// Columns that are named.
const SHOWN_COLUMNS: usize = 8;

/// The model in a file.
///
/// # Errors
///
/// [`BadInput`] for a file that is no model in clear.
pub(crate) fn model(file: &Path) -> Result<TableModel, BadInput> {
    let is_encrypted = file.extension().is_some_and(|extension| extension == "vly");
    let advice = |error: DataError| match *error.cause {
        _ if is_encrypted => BadInput::new(format_args!(
            "{error}; `volley decrypt` makes a model in clear of an encrypted one"
        )),
        ContentError::NotAModel { .. } | ContentError::Json { .. } | ContentError::Foreign { .. } => {
            BadInput::new(format_args!(
                "{error}; a model is the .json or .npz file that `volley decrypt` writes"
            ))
        }
        _ => BadInput::new(error),
    };
    read_model(file).map_err(advice)
}

/// A label for each row, and where they are wanted the scores or the probabilities.
#[derive(Debug, Serialize)]
struct Predictions<'a> {
    labels: Vec<&'a str>,
    /// The scores by row, then by class.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Vec<Vec<f64>>>,
    /// The probabilities by row, then by class.
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<Vec<Vec<f64>>>,
    /// What is written as text.
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Predictions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The scores of the raw rows of a file. A row whose scores overflow has no highest one, and is refused. Columns whose
/// values are far from those trained on are named.
pub(crate) fn scores_of(
    model: &TableModel,
    features: &Array2<f64>,
    data: &Path,
) -> Result<Array2<f64>, BadInput> {
    let scores = model.model().scores(features).at(data)?;
    note_cut_off(model.model().preprocessing(), model.schema(), features, data)?;
    let overflows = |row: &ndarray::ArrayView1<'_, f64>| row.iter().any(|score| !score.is_finite());
    match scores.rows().into_iter().position(|row| overflows(&row)) {
        None => Ok(scores),
        Some(row) => {
            let row = row + 1;
            let problem = format!(
                "row {row} of the data (without a header): its values are too large, its scores overflow"
            );
            Err(BadInput::at(data, problem))
        }
    }
}

/// Says which columns have hardly a value that is near those trained on.
pub(crate) fn note_cut_off(
    preprocessing: &Preprocessing,
    schema: &Schema,
    features: &Array2<f64>,
    data: &Path,
) -> Result<(), BadInput> {
    let found = cut_off(preprocessing, schema, features).at(data)?;
    found.into_iter().for_each(|problem| note(format!("{}: {problem}", data.display())));
    Ok(())
}

/// The columns that have hardly a value which is near those trained on, if there are any: of another unit, or not the
/// column.
pub(crate) fn cut_off(
    preprocessing: &Preprocessing,
    schema: &Schema,
    features: &Array2<f64>,
) -> Result<Option<String>, Error> {
    let names = schema.feature_names();
    let name = |place: usize| match &names {
        Some(names) => format!("{:?}", names[place]),
        None => format!("feature {}", place + 1),
    };
    let shares = preprocessing.cut_off(features)?;
    let far = shares.iter().enumerate().filter(|(_, share)| **share > CUT_OFF);
    let far: Vec<_> = far.map(|(place, _)| name(place)).collect();
    if far.is_empty() {
        return Ok(None);
    }
    let more = if far.len() > SHOWN_COLUMNS { ", …" } else { "" };
    let shown = far[..far.len().min(SHOWN_COLUMNS)].join(", ");
    Ok(Some(format!(
        "most values of {shown}{more} are far from those trained on, and are cut off at four deviations: is it the \
         same unit and the same column?"
    )))
}

/// What is written of predictions, and where.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// Where to write the labels, one a line [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write CSV instead: the label and the score of each class. The higher score is the likelier class
    #[arg(long = "scores")]
    with_scores: bool,
    /// Write CSV instead: the label and the probability of each class, as the model estimates it
    #[arg(long = "probabilities", conflicts_with = "with_scores")]
    with_probabilities: bool,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
}

impl Target {
    /// The file, if there is one.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        self.output.as_ref()
    }

    /// Refuses an output that exists, before there is work to be lost.
    pub(crate) fn check(&self) -> Result<(), BadInput> {
        self.output.iter().try_for_each(|file| check_free(file, self.force))
    }

    /// Writes the label of the highest of each row of scores, and what is wanted besides.
    pub(crate) fn write(&self, scored: &RowScores, output: Output) -> Result<()> {
        let RowScores { classes, kind, scores } = scored;
        let labels = classes.highest(scores);
        let probabilities = self.with_probabilities.then(|| kind.probabilities(scores));
        let figures = match &probabilities {
            Some(probabilities) => Some((RowFigure::Probability, probabilities)),
            None => self.with_scores.then_some((RowFigure::Score, scores)),
        };
        let text = match figures {
            Some((figure, figures)) => {
                let mut text = Vec::new();
                write_predictions(&mut text, classes, figure, figures)?;
                String::from_utf8(text)?.trim_end().to_owned()
            }
            None => labels.join("\n"),
        };
        let scores = self.with_scores.then(|| by_row(scores));
        let probabilities = probabilities.as_ref().map(by_row);
        let predictions = Predictions { labels, scores, probabilities, text };
        let Some(file) = &self.output else { return output.result(&predictions) };
        Staged::private(file, |out| output.write(out, &predictions))?.commit(self.force)?;
        info(format!("{}: {}", file.display(), counted(predictions.labels.len(), "prediction")));
        Ok(())
    }
}

fn by_row(figures: &Array2<f64>) -> Vec<Vec<f64>> {
    figures.rows().into_iter().map(|row| row.to_vec()).collect()
}
