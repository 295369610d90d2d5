//! Labels of rows, and their scores, as they are shown or kept.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use ndarray::Array2;
use serde::Serialize;
use volley_data::{ContentError, DataError, RowFigure, TableModel, read_model, write_predictions};
use volley_program::units::counted;
use volley_program::{BadInput, OrBadInput};
use volley_project::atomic::Staged;
use volley_project::output::check_decrypted;
use volley_project::{RowScores, UnlikeColumns};

use crate::console::{Console, info};
use crate::output::Output;

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
/// values are unlike those trained on are named.
pub(crate) fn scores_of(
    model: &TableModel,
    features: &Array2<f64>,
    data: &Path,
) -> Result<Array2<f64>, BadInput> {
    let scores = model.model().scores(features).at(data)?;
    let preprocessing = model.model().preprocessing();
    UnlikeColumns::of(preprocessing, model.schema(), features).at(data)?.note(data, &Console::default());
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
    /// Refuses an output that exists, or that is made of itself, before there is work to be lost.
    pub(crate) fn check(&self, inputs: &[&Path]) -> Result<(), BadInput> {
        self.output.iter().try_for_each(|file| check_decrypted(file, inputs, self.force))
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
