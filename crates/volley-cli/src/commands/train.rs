//! `volley train`: the server.
//!
//! It opens the files of the upload and its own, and no others. It writes a checkpoint after every iteration but the
//! last, and the model after the last one. Each file is there as a whole or not at all, so a server that was killed
//! goes on where it was. An iteration is exact arithmetic on what is in these files, so it ends with the same model bit
//! for bit.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use volley_mlr::volley_ckks::wire::{Header, Kind};
use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator};
use volley_mlr::{Checkpoint, EncryptedData, EncryptedDataset, EncryptedModel, Job, Trainer, wire};
use volley_program::units::{counted, show_bytes};
use volley_program::{BadInput, Machine, OrBadInput};

use crate::atomic::{FolderLock, Staged};
use crate::files::open_received;
use crate::output::{Output, Steps, note, phase};
use crate::project::{JobFolder, checkpoint_limit, model_limit};

/// Train on an owner's upload: what the server runs
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley train upload --threads 8 --memory 16G

Killed at any moment and started again, it goes on after the last iteration that was done and ends with the same model,
upload/model.vly, which goes back to the owner. A folder with links in it is refused, so that whoever filled it
cannot lead the server out of it.")]
pub(crate) struct Options {
    /// Folder with what the owner sent: job.vly, evaluation-keys.vly, dataset.vly
    folder: PathBuf,
    #[command(flatten)]
    machine: Machine,
}

/// What the server did.
#[derive(Debug, Serialize)]
struct Trained {
    model: PathBuf,
    model_bytes: u64,
    job_id: String,
    iterations: usize,
    /// Iterations that were done before this start.
    resumed_after: usize,
    threads: usize,
    seconds: f64,
}

impl fmt::Display for Trained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (model, all) = (self.model.display(), counted(self.iterations, "iteration"));
        let done = match self.resumed_after {
            0 => all,
            before if before == self.iterations => format!("{all}, done before"),
            before => format!("{all}, {before} of them before"),
        };
        write!(f, "{model}: {done}, {}, {:.2} s", show_bytes(self.model_bytes), self.seconds)
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let start = Instant::now();
    options.machine.start_threads()?;
    let folder = JobFolder::new(&options.folder);
    let job = folder.job()?;
    let _lock = FolderLock::take(folder.path())?;
    let resumed_after = match finished(&folder, &job)? {
        Some(iteration) => iteration,
        None => {
            options.machine.check_memory("training", |threads| job.plan().memory(threads))?;
            check_upload(&folder, &job)?;
            train(&folder, &job)?
        }
    };
    remove_checkpoint(&folder)?;
    let model = folder.model_file();
    output.result(&Trained {
        model_bytes: fs::metadata(&model).at(&model)?.len(),
        model,
        job_id: job.id().to_string(),
        iterations: job.plan().hyperparameters().iterations(),
        resumed_after,
        threads: rayon::current_num_threads(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// The iterations of a model that is there already. A file that is no model of this job is left alone, and is an error.
fn finished(folder: &JobFolder, job: &Job) -> Result<Option<usize>, BadInput> {
    let file = folder.model_file();
    if !file.try_exists().at(&file)? {
        return Ok(None);
    }
    let context = Context::new(job.plan().parameters().clone());
    let model =
        EncryptedModel::<Ciphertext>::read(job, &context, folder.open(&file)?, model_limit(job.plan()));
    model.map(|model| Some(model.iteration)).map_err(|error| in_the_way(&file, &error))
}

fn in_the_way(file: &Path, error: &wire::WireError) -> BadInput {
    BadInput::at(file, format!("{error}; move it away to train"))
}

/// Refuses an upload that is not complete or not of this job, by headers and lengths, before gigabytes are read.
fn check_upload(folder: &JobFolder, job: &Job) -> Result<(), BadInput> {
    let plan = job.plan();
    let expected = [
        (folder.keys_file(), Kind::EVALUATION_KEYS, plan.key_spec().byte_count()),
        (folder.dataset_file(), wire::DATASET, plan.dataset_bytes()),
    ];
    for (file, kind, bytes) in expected {
        if !file.try_exists().at(&file)? {
            return Err(BadInput::at(&file, "missing: the upload is not complete"));
        }
        let opened = open_received(&file)?;
        let found = opened.metadata().at(&file)?.len();
        let header = Header::read(opened).at(&file)?;
        let problem = if header.kind != kind {
            format!("this file holds {}, what is needed is {kind}", header.kind)
        } else if header.params_id != plan.parameters().id() {
            "the file belongs to other parameters than the job's".to_owned()
        } else if header.key_id != Some(job.key_id()) {
            "the file belongs to another key than the job's".to_owned()
        } else if kind == wire::DATASET && wire::names(&header) != Some((job.id(), job.plan_hash())) {
            "the file belongs to another job".to_owned()
        } else if found != bytes {
            let cause = if found < bytes { "truncated" } else { "not the job's" };
            format!("the file is {cause}: it has {found} bytes where the plan has {bytes}")
        } else {
            continue;
        };
        return Err(BadInput::at(&file, problem));
    }
    Ok(())
}

/// Trains from the last checkpoint on, and returns its iteration.
fn train(folder: &JobFolder, job: &Job) -> Result<usize> {
    let plan = job.plan();
    let context = phase("tables", || Context::new(plan.parameters().clone()));
    let checkpoint = read_checkpoint(folder, job, &context)?;
    let resumed_after = checkpoint.as_ref().map_or(0, Checkpoint::iteration);
    let evaluator = Arc::new(Evaluator::new(&context, folder.keys(job, &context, plan.key_spec())?)?);
    let data = read_data(folder, job, &context)?;
    let mut trainer = phase("set-up", || match checkpoint {
        Some(checkpoint) => Trainer::resume(&evaluator, plan, data, checkpoint),
        None => Trainer::new(&evaluator, plan, data),
    })?;

    let iterations = plan.hyperparameters().iterations();
    if resumed_after > 0 {
        note(&format!("goes on after iteration {resumed_after} of {iterations}"));
    }
    let steps = Steps::new(resumed_after, iterations, "iterations");
    loop {
        let start = Instant::now();
        let Some(report) = trainer.step()? else { break };
        if report.iteration < iterations {
            let checkpoint = trainer.checkpoint().context("an iteration leaves a checkpoint")?;
            Staged::new(&folder.checkpoint_file(), |out| checkpoint.write(job, out))?.commit(true)?;
        }
        let (iteration, seconds) = (report.iteration, start.elapsed().as_secs_f64());
        steps.step(&format!("iteration {iteration} of {iterations}: {seconds:.2} s, level {}", report.level));
    }
    let model = trainer.model().context("training ends with a model")?;
    Staged::new(&folder.model_file(), |out| model.write(job, out))?.commit(false)?;
    Ok(resumed_after)
}

fn read_checkpoint(
    folder: &JobFolder,
    job: &Job,
    context: &Context,
) -> Result<Option<Checkpoint<Ciphertext>>, BadInput> {
    let file = folder.checkpoint_file();
    if !file.try_exists().at(&file)? {
        return Ok(None);
    }
    let checkpoint = Checkpoint::read(job, context, folder.open(&file)?, checkpoint_limit(job.plan()));
    checkpoint.map(Some).map_err(|error| in_the_way(&file, &error))
}

fn read_data(
    folder: &JobFolder,
    job: &Job,
    context: &Arc<Context>,
) -> Result<EncryptedData<Ciphertext>, BadInput> {
    let file = folder.dataset_file();
    let limit = job.plan().dataset_bytes();
    let dataset = EncryptedDataset::read(job, context, folder.open(&file)?, limit).at(&file)?;
    dataset.expand(context).at(&file)
}

/// Removes the checkpoint, which is of no use once the model is there.
fn remove_checkpoint(folder: &JobFolder) -> Result<(), BadInput> {
    let file = folder.checkpoint_file();
    match fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BadInput::at(&file, error)),
        _ => Ok(()),
    }
}
