//! Labels of rows, as they are shown or kept.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::atomic::{Staged, check_free};
use crate::failure::BadInput;
use crate::output::{Output, note};

/// A label for each row.
#[derive(Debug, Serialize)]
pub(crate) struct Predictions<'a> {
    pub(crate) labels: Vec<&'a str>,
}

impl fmt::Display for Predictions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.labels.join("\n"))
    }
}

/// Where labels go.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// Where to write the labels, one a line [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
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

    /// Writes them.
    pub(crate) fn write(&self, predictions: &Predictions<'_>, output: Output) -> Result<()> {
        let Some(file) = &self.output else { return output.result(predictions) };
        Staged::private(file, |mut out| writeln!(out, "{predictions}"))?.commit(self.force)?;
        note(&format!("{}: {} labels", file.display(), predictions.labels.len()));
        Ok(())
    }
}
