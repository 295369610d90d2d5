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
use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator};
use volley_mlr::{Checkpoint, EncryptedModel, Job, Plan, RowStorage, Trainer, wire};
use volley_program::units::{counted, show_bytes};
use volley_program::{BadInput, Machine, OrBadInput};

use crate::atomic::{FolderLock, Staged, check_free};
use crate::output::{Output, Steps, note, phase};
use crate::project::{JobFolder, checkpoint_limit, model_limit};

mod pass;
mod rows;
mod upload;

use pass::Pass;

/// Train on an owner's upload: what the server runs
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley train upload --threads 8 --memory 16G

Killed at any moment and started again, it goes on where it was and ends with the same model, upload/model.vly, which
goes back to the owner. So may the model of every other iteration, upload/model-after-T.vly, as soon as it is there.
volley stop ends a training that need not go on. A folder with links in it is refused, so that whoever filled it
cannot lead the server out of it.")]
pub(crate) struct Options {
    /// Folder with what the owner sent: job.vly, evaluation-keys.vly, preconditioner.vly, rows-*.vly
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
    /// Iterations that the model has; fewer than planned if it was stopped.
    iterations: usize,
    planned_iterations: usize,
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
        let done = match self.planned_iterations {
            planned if planned > self.iterations => format!("stopped after {done} of {planned}"),
            _ => done,
        };
        write!(f, "{model}: {done}, {}, {:.2} s", show_bytes(self.model_bytes), self.seconds)
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let start = Instant::now();
    options.machine.start_threads()?;
    let folder = JobFolder::new(&options.folder);
    let job = folder.job()?;
    let done = run_job(&folder, &job, &options.machine)?;
    let model = folder.model_file();
    output.result(&Trained {
        model_bytes: fs::metadata(&model).at(&model)?.len(),
        model,
        job_id: job.id().to_string(),
        iterations: done.all,
        planned_iterations: job.plan().hyperparameters().iterations(),
        resumed_after: done.before,
        threads: rayon::current_num_threads(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Trains on what is in a folder, unless its model is there already.
pub(super) fn run_job(folder: &JobFolder, job: &Job, machine: &Machine) -> Result<Iterations> {
    let _lock = FolderLock::take(folder.path())?;
    let done = match finished(folder, job)? {
        Some(iteration) => Iterations { before: iteration, all: iteration },
        None => {
            let storage = choose_storage(machine, job.plan())?;
            upload::check(folder, job, storage)?;
            train(folder, job, storage)?
        }
    };
    remove_intermediate(folder)?;
    Ok(done)
}

/// Rows that are planned to be in memory are read in every iteration where it has no room for them.
fn choose_storage(machine: &Machine, plan: &Plan) -> Result<RowStorage> {
    if machine.has_memory(|threads| plan.memory(threads)) {
        return Ok(plan.storage());
    }
    let on_disk = plan.with_storage(RowStorage::Disk)?;
    machine.check_memory("training", |threads| on_disk.memory(threads))?;
    let (all, few) = (plan.memory(1).total(), on_disk.memory(1).total());
    note(&format!(
        "rows are read from their files in every iteration: it takes {}, and all of them in memory {}",
        show_bytes(few),
        show_bytes(all)
    ));
    Ok(RowStorage::Disk)
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

/// The iterations that were done before this start, and with those of this start.
pub(super) struct Iterations {
    before: usize,
    all: usize,
}

/// Trains on an upload from the last checkpoint on, to the last iteration or until it is stopped.
fn train(folder: &JobFolder, job: &Job, storage: RowStorage) -> Result<Iterations> {
    let plan = job.plan();
    let context = phase("tables", || Context::new(plan.parameters().clone()));
    let checkpoint = read_checkpoint(folder, job, &context)?;
    let before = checkpoint.as_ref().map_or(0, Checkpoint::iteration);
    let evaluator = Arc::new(Evaluator::new(&context, folder.keys(job, &context, plan.key_spec())?)?);
    let rows = phase("set-up", || rows::open(folder, job, &evaluator, storage))?;
    let mut trainer = Trainer::from_rows(&evaluator, plan, rows)?;
    if let Some(checkpoint) = checkpoint {
        trainer = trainer.resumed(plan, checkpoint)?;
    }

    let iterations = plan.hyperparameters().iterations();
    if before > 0 {
        note(&format!("goes on after iteration {before} of {iterations}"));
    }
    let steps = Steps::new(before, iterations, "iterations");
    for iteration in before + 1..=iterations {
        let start = Instant::now();
        let pass = Pass { folder, job, trainer: &trainer, iteration };
        let Some(gradient) = pass.gradient(&context, &steps)? else { break };
        let report = trainer.step_by(&gradient)?;
        if iteration < iterations {
            keep(folder, job, &trainer)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        steps.step(&format!("iteration {iteration} of {iterations}: {seconds:.2} s, level {}", report.level));
    }
    let Some(model) = trainer.model() else {
        let stop = folder.stop_file();
        let problem =
            "stopped before an iteration was done, so there is no model; without this file it goes on";
        return Err(BadInput::at(&stop, problem).into());
    };
    Staged::new(&folder.model_file(), |out| model.write(job, out))?.commit(false)?;
    Ok(Iterations { before, all: model.iteration })
}

/// Writes what an iteration leaves: the model first, as it is there for the owner whenever training goes on after it.
fn keep(folder: &JobFolder, job: &Job, trainer: &Trainer<Evaluator>) -> Result<()> {
    let model = trainer.model().context("an iteration leaves a model")?;
    let checkpoint = trainer.checkpoint().context("an iteration leaves a checkpoint")?;
    let file = folder.model_after(model.iteration);
    check_free(&file, true)?;
    Staged::new(&file, |out| model.write(job, out))?.commit(true)?;
    Staged::new(&folder.checkpoint_file(), |out| checkpoint.write(job, out))?.commit(true)?;
    Ok(())
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

/// Removes what a run goes on from, which is of no use once the model is there.
fn remove_intermediate(folder: &JobFolder) -> Result<(), BadInput> {
    for file in [folder.checkpoint_file(), folder.gradient_file(), folder.stop_file()] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(BadInput::at(&file, error));
            }
            _ => {}
        }
    }
    Ok(())
}
