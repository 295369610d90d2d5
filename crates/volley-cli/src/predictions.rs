//! Labels of rows, and their scores, as they are shown or kept.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use ndarray::Array2;
use serde::Serialize;
use volley_data::{ContentError, DataError, TableModel, read_model, write_predictions};
use volley_mlr::{ClassLabels, Model};
use volley_program::units::counted;
use volley_program::{BadInput, OrBadInput};
use volley_project::atomic::{Staged, check_free};

use crate::console::info;
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

/// A label for each row, and where they are wanted the scores.
#[derive(Debug, Serialize)]
struct Predictions<'a> {
    labels: Vec<&'a str>,
    /// The scores by row, then by class.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Vec<Vec<f64>>>,
    /// What is written as text.
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Predictions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The scores of the raw rows of a file. A row whose scores overflow has no highest one, and is refused.
pub(crate) fn scores_of(model: &Model, features: &Array2<f64>, data: &Path) -> Result<Array2<f64>, BadInput> {
    let scores = model.scores(features).at(data)?;
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
    /// Write CSV instead: the label and the score of each class. Scores are no probabilities: the
    /// higher one is the likelier class, and of the profile `standard` a difference of two scores of a row estimates
    /// roughly the logarithm of how much likelier one class is
    #[arg(long = "scores")]
    with_scores: bool,
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

    /// Writes the labels of the highest of each row of scores (samples × classes).
    pub(crate) fn write(&self, classes: &ClassLabels, scores: &Array2<f64>, output: Output) -> Result<()> {
        let labels = classes.highest(scores);
        let text = if self.with_scores {
            let mut text = Vec::new();
            write_predictions(&mut text, classes, scores)?;
            String::from_utf8(text)?.trim_end().to_owned()
        } else {
            labels.join("\n")
        };
        let by_row = || scores.rows().into_iter().map(|row| row.to_vec()).collect();
        let predictions = Predictions { labels, scores: self.with_scores.then(by_row), text };
        let Some(file) = &self.output else { return output.result(&predictions) };
        Staged::private(file, |out| output.write(out, &predictions))?.commit(self.force)?;
        info(format!("{}: {}", file.display(), counted(predictions.labels.len(), "prediction")));
        Ok(())
    }
}
