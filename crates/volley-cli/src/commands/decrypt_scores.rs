//! `volley decrypt-scores`: the labels that the server scored.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use volley_mlr::volley_ckks::{Ciphertext, Context, SeededCiphertext};
use volley_mlr::{EncryptedRows, EncryptedScores, Job, RowsHash};
use volley_program::{BadInput, OrBadInput};
use volley_project::{Project, complete_length, open};

use crate::console::{note, phase};
use crate::output::Output;
use crate::passphrase::PassphraseSource;
use crate::predictions::Target;

/// Encrypted prediction, step 3, owner: decrypt the scores to labels
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley decrypt-scores digits scores.vly -o labels.txt

Scores of other rows than those that encrypt-rows encrypted last, or that --rows names, are refused. So are scores
too large to be read: the error names the rows.

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
    options.target.check()?;
    options.target.file().map_or(Ok(()), |target| project.check_outside_upload(target))?;
    let job = project.job()?;
    let context = phase("tables", || Context::new(job.plan().parameters().clone()));
    let secret_key = project.secret_key_of(&job, &context, || options.source.open())?;
    let state = project.owner_state(&job)?;
    let file = &options.scores;
    let length = complete_length(file)?;
    let scores = EncryptedScores::<Ciphertext>::read(&job, &context, open(file)?, length).at(file)?;
    let (plan, rows_hash, scores) = scores;
    match &options.rows {
        Some(rows) => check_rows_of(&job, &context, rows, file, rows_hash)?,
        None => project.check_rows(file, rows_hash)?,
    }
    let scores = phase("decryption", || state.decrypt_scores(&plan, &secret_key, &scores)).at(file)?;
    options.target.write(state.classes(), &scores, output)?;
    note("these predictions are private: they must not get to anyone who has the scores' ciphertexts");
    Ok(())
}

/// Refuses scores of other rows than those in a file.
fn check_rows_of(
    job: &Job,
    context: &Context,
    rows: &Path,
    scores: &Path,
    found: RowsHash,
) -> Result<(), BadInput> {
    let length = complete_length(rows)?;
    let (_, encrypted) =
        EncryptedRows::<SeededCiphertext>::read(job, context, open(rows)?, length).at(rows)?;
    let expected = encrypted.hash(job).at(rows)?;
    if found == expected {
        return Ok(());
    }
    let problem = format!("scores of other rows than {}: of {found}, not {expected}", rows.display());
    Err(BadInput::at(scores, problem))
}
