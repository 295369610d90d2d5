//! `volley predict`: labels for new rows.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use volley_project::{RowScores, TableSource};

use crate::console::Console;
use crate::output::Output;
use crate::predictions::{Target, model, scores_of};

/// Predict the labels of rows with a decrypted model
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley predict model.json rows.csv              a label for each row, on standard output
  volley predict model.json rows.csv -o out.txt   the same, to a file
  volley predict model.json rows.csv --probabilities
                                                  CSV, with the probability of each class
  … | volley predict model.json -                 rows from standard input

Columns go by the names that they had in training, in any order; without a
header they go by their places. With a model that stays encrypted: volley
encrypt-rows, score, decrypt-scores.")]
pub(crate) struct Options {
    /// Model that `volley decrypt` wrote
    model: PathBuf,
    /// Rows of the model's features; their labels are not looked at
    data: PathBuf,
    #[command(flatten)]
    table: TableSource,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    options.target.check(&[&options.model, &options.data])?;
    let model = model(&options.model)?;
    let features = options.table.read_features(&options.data, model.schema(), &Console::default())?;
    let scores = scores_of(&model, &features, &options.data)?;
    let (classes, kind) = (model.model().classes().clone(), model.model().score_kind());
    options.target.write(&RowScores { classes, kind, scores }, output)
}
