//! `volley predict`: labels for new rows.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::atomic::{Staged, check_free};
use crate::failure::OrBadInput;
use crate::output::{Output, note};
use crate::tables;

/// Predict the labels of rows with a decrypted model
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley predict model.json rows.csv              a label for each row, on standard output
  volley predict model.json rows.csv -o out.csv   the same, to a file")]
pub(crate) struct Options {
    /// Model that `volley decrypt` wrote
    model: PathBuf,
    /// Rows of the model's features; a label before them is not looked at
    data: PathBuf,
    /// Where to write the labels, one a line [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
}

/// A label for each row.
#[derive(Debug, Serialize)]
struct Predictions<'a> {
    labels: Vec<&'a str>,
}

impl fmt::Display for Predictions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.labels.join("\n"))
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let model = tables::read_model(&options.model)?;
    let features = tables::read_features(&options.data, model.preprocessing().columns())?;
    let predictions = Predictions { labels: model.predict(&features).at(&options.data)? };
    let Some(target) = &options.output else { return output.result(&predictions) };
    check_free(target, options.force)?;
    Staged::private(target, |mut out| writeln!(out, "{predictions}"))?.commit(options.force)?;
    note(&format!("{}: {} labels", target.display(), predictions.labels.len()));
    Ok(())
}
