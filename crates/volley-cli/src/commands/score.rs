//! `volley score`: the server scores encrypted rows by the encrypted model.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_program::units::{counted, show_bytes};
use volley_program::{Machine, OrBadInput};
use volley_project::{JobFolder, score};

use crate::console::Console;
use crate::output::Output;

/// Encrypted prediction, step 2, server: score encrypted rows with the encrypted model
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley score upload rows.vly -o scores.vly --threads 8 --memory 16G")]
pub(crate) struct Options {
    /// Folder in which `volley train` made the model
    folder: PathBuf,
    /// Rows that `volley encrypt-rows` wrote
    rows: PathBuf,
    /// Where to write the encrypted scores
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    machine: Machine,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
}

/// The scores that were made.
#[derive(Debug, Serialize)]
struct Scored {
    file: PathBuf,
    rows: usize,
    bytes: u64,
    seconds: f64,
}

impl fmt::Display for Scored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, bytes) = (self.file.display(), show_bytes(self.bytes));
        write!(f, "{file}: scores of {}, {bytes}, {:.2} s", counted(self.rows, "row"), self.seconds)
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let start = Instant::now();
    options.machine.start_threads()?;
    let (folder, target) = (JobFolder::new(&options.folder), &options.output);
    let console = Console::default();
    let plan = score(&folder, &options.rows, target, options.force, options.machine, &console)?;
    output.result(&Scored {
        file: target.clone(),
        rows: plan.layout().shape().samples,
        bytes: target.metadata().at(target)?.len(),
        seconds: start.elapsed().as_secs_f64(),
    })
}
