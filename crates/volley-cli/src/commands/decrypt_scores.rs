//! `volley decrypt-scores`: the labels that the server scored.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use volley_project::Project;

use crate::console::{Console, note};
use crate::output::Output;
use crate::passphrase::PassphraseSource;
use crate::predictions::Target;

/// Encrypted prediction, step 3, owner: decrypt the scores to labels
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley decrypt-scores digits scores.vly -o labels.txt

Scores of other rows than those that encrypt-rows encrypted last, or that
--rows names, are refused. So are scores too large to be read: the error names
the rows.

The labels are private, as every decryption is that was not made to be shared.")]
pub(crate) struct Options {
    /// Folder that `volley init` made
    project: PathBuf,
    /// Scores that the server returned
    scores: PathBuf,
    /// The encrypted rows that the scores must be of [default: those that were encrypted last]
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    source: PassphraseSource,
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let project = Project::open(&options.project)?;
    let (rows, passphrase) = (options.rows.as_deref(), || options.source.open());
    let inputs: Vec<_> = std::iter::once(&*options.scores).chain(rows).collect();
    options.target.check(&inputs)?;
    let scored = project.decrypt_scores(&options.scores, rows, passphrase, &Console::default())?;
    options.target.write(&scored, output)?;
    note("these predictions are private: they must not get to anyone who has the scores' ciphertexts");
    Ok(())
}
