//! `volley score`: the server scores encrypted rows by the encrypted model.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_mlr::volley_ckks::{Ciphertext, Context, EvaluationKeySet, Evaluator, SeededCiphertext};
use volley_mlr::{EncryptedModel, EncryptedRows, EncryptedScores, PredictionPlan, Predictor};
use volley_program::units::{counted, show_bytes};
use volley_program::{BadInput, Machine, OrBadInput};
use volley_project::atomic::{Staged, check_free};
use volley_project::{JobFolder, complete_length, model_limit, open};

use crate::console::{Progress, phase, shown, shown_keys};
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
    check_free(&options.output, options.force)?;
    options.machine.start_threads()?;
    let folder = JobFolder::new(&options.folder);
    let job = folder.job()?;
    let model_file = folder.model_file();
    if !model_file.try_exists().at(&model_file)? {
        return Err(BadInput::at(&model_file, "there is no model: `volley train` makes it").into());
    }
    let file = &options.rows;
    let length = complete_length(file)?;
    let plan = PredictionPlan::of_rows(&job, open(file)?, length).at(file)?;
    options.machine.check_memory("scoring these rows", |threads| plan.memory(threads))?;

    let context = phase("tables", || Context::new(job.plan().parameters().clone()));
    let limit = model_limit(job.plan());
    let model = EncryptedModel::<Ciphertext>::read(&job, &context, folder.open(&model_file)?, limit);
    let model = model.at(&model_file)?;
    let opened = shown(file, open(file)?);
    let (_, rows) = EncryptedRows::<SeededCiphertext>::read(&job, &context, opened, length).at(file)?;
    let rows_hash = rows.hash(&job).at(file)?;
    let rows = rows.expand(&context).at(file)?;
    let keys = shown_keys(&folder, &job, &context, plan.key_spec())?;
    let scores = scores_of(&rows, &model, &plan, keys, &context)?;
    Staged::new(&options.output, |out| scores.write(&job, rows_hash, out))?.commit(options.force)?;
    output.result(&Scored {
        file: options.output.clone(),
        rows: plan.layout().shape().samples,
        bytes: options.output.metadata().at(&options.output)?.len(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Scores rows by the model, with the keys that this takes.
pub(super) fn scores_of(
    rows: &EncryptedRows<Ciphertext>,
    model: &EncryptedModel<Ciphertext>,
    plan: &PredictionPlan,
    keys: EvaluationKeySet,
    context: &Arc<Context>,
) -> Result<EncryptedScores<Ciphertext>> {
    let evaluator = Arc::new(Evaluator::new(context, keys)?);
    let predictor = phase("set-up", || Predictor::new(&evaluator, plan, model))?;
    let bar = Progress::new("scores", rows.features.len(), "blocks of rows");
    Ok(predictor.scores_with(rows, |done| bar.set(done))?)
}
