//! `volley decrypt-scores`: the labels that the server scored.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use volley_mlr::EncryptedScores;
use volley_mlr::volley_ckks::{Ciphertext, Context};

use crate::failure::OrBadInput;
use crate::output::{Output, note, phase};
use crate::passphrase::PassphraseSource;
use crate::predictions::Target;
use crate::project::{Project, complete_length, open};

/// Encrypted prediction, step 3, owner: decrypt the scores to labels
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley decrypt-scores digits scores.vly -o labels.txt

The labels are private, as every decryption is that was not made to be shared.")]
pub(crate) struct Options {
    /// Folder that `volley init` made
    project: PathBuf,
    /// Scores that the server returned
    scores: PathBuf,
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
    let secret_key = project.secret_key_of(&job, &context, &options.source)?;
    let state = project.owner_state(&job)?;
    let file = &options.scores;
    let length = complete_length(file)?;
    let (plan, scores) = EncryptedScores::<Ciphertext>::read(&job, &context, open(file)?, length).at(file)?;
    let scores = phase("decryption", || state.decrypt_scores(&plan, &secret_key, &scores)).at(file)?;
    options.target.write(state.classes(), &scores, output)?;
    note("note: these predictions are private: they must not get to anyone who has the scores' ciphertexts");
    Ok(())
}
