//! `volley decrypt-scores`: the labels that the server scored.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use volley_mlr::volley_ckks::wire::{FileReader, WireError};
use volley_mlr::volley_ckks::{Ciphertext, Context};
use volley_mlr::{EncryptedScores, PredictionPlan, wire};

use crate::failure::{BadInput, OrBadInput};
use crate::output::{Output, phase};
use crate::passphrase::PassphraseSource;
use crate::predictions::{Predictions, Target};
use crate::project::{Project, open};

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
    let job = project.upload().job()?;
    let context = phase("tables", || Context::new(job.plan().parameters().clone()));
    let (secret_key, _passphrase) = project.secret_key(&context, &options.source)?;
    let state = project.owner_state(&job)?;
    let file = &options.scores;
    let length = file.metadata().at(file)?.len();
    let plan = PredictionPlan::new(job.plan(), row_count(file, length)?).at(file)?;
    let scores = EncryptedScores::<Ciphertext>::read(&job, &plan, &context, open(file)?, length).at(file)?;
    let scores = phase("decryption", || state.decrypt_scores(&plan, &secret_key, &scores)).at(file)?;
    options.target.write(&Predictions { labels: state.classes().highest(&scores) }, output)
}

/// The number of rows that the file says it has, which is less than its bytes.
fn row_count(path: &Path, length: u64) -> Result<usize, BadInput> {
    let file = FileReader::open(open(path)?, length).at(path)?;
    file.expect_kind(wire::SCORES).at(path)?;
    let count = file.read(|body| {
        let count = u64::from_le_bytes(body.array()?);
        let mut buffer = [0; 1 << 14];
        while body.left() > 0 {
            let length = body.left().min(buffer.len() as u64) as usize;
            body.fill(&mut buffer[..length])?;
        }
        Ok::<_, WireError>(count)
    });
    match count.at(path)? {
        count if count < length => Ok(count as usize),
        count => Err(BadInput::at(path, format!("the file has no room for the scores of {count} rows"))),
    }
}
