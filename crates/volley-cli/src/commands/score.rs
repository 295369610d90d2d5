//! `volley score`: the server predicts what it cannot read.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator, SeededCiphertext};
use volley_mlr::{EncryptedModel, EncryptedRows, Predictor};

use crate::atomic::{Staged, check_free};
use crate::failure::{BadInput, OrBadInput};
use crate::memory::show_bytes;
use crate::output::{Output, phase};
use crate::project::{JobFolder, model_limit, open};

/// Encrypted prediction, step 2, server: score encrypted rows with the encrypted model
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley score upload rows.vly -o scores.vly")]
pub(crate) struct Options {
    /// Folder in which `volley train` made the model
    folder: PathBuf,
    /// Rows that `volley encrypt-rows` wrote
    rows: PathBuf,
    /// Where to write the encrypted scores
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
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
        write!(f, "{file}: scores of {} rows, {bytes}, {:.2} s", self.rows, self.seconds)
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let start = Instant::now();
    check_free(&options.output, options.force)?;
    let folder = JobFolder::new(&options.folder);
    let job = folder.job()?;
    let training = job.plan();
    let context = phase("tables", || Context::new(training.parameters().clone()));
    let file = folder.model_file();
    if !file.try_exists().at(&file)? {
        return Err(BadInput::at(&file, "there is no model: `volley train` makes it").into());
    }
    let model =
        EncryptedModel::<Ciphertext>::read(&job, &context, open(&file)?, model_limit(training)).at(&file)?;
    let file = &options.rows;
    let length = file.metadata().at(file)?.len();
    let (plan, rows) =
        EncryptedRows::<SeededCiphertext>::read(&job, &context, open(file)?, length).at(file)?;
    let rows = rows.expand(&context).at(file)?;
    let keys = phase("reading keys", || folder.keys(&job, &context, plan.key_spec()))?;
    let evaluator = Evaluator::new(&context, keys)?;
    let scores = phase("scoring", || Predictor::new(&evaluator, &plan, &model)?.scores(&rows))?;
    Staged::new(&options.output, |out| scores.write(&job, out))?.commit(options.force)?;
    output.result(&Scored {
        file: options.output.clone(),
        rows: plan.layout().shape().samples,
        bytes: options.output.metadata().at(&options.output)?.len(),
        seconds: start.elapsed().as_secs_f64(),
    })
}
