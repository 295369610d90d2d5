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
use serde::{Deserialize, Serialize};
use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator};
use volley_mlr::{Checkpoint, EncryptedModel, Job, Plan, RowStorage, Trainer, wire};
use volley_program::units::{counted, show_bytes, show_duration};
use volley_program::{BadInput, CoreTimes, Machine, OrBadInput};
use volley_project::atomic::{FolderLock, Staged, check_free};
use volley_project::{
    JobFolder, UploadProblem, check_upload, checkpoint_limit, model_limit, open_rows, training_bytes,
};

use crate::console::{Progress, info, phase, shown_keys};
use crate::disk::check_room;
use crate::event::unit_within;
use crate::failure::Passing;
use crate::interrupt::Interrupt;
use crate::output::Output;

mod pass;
mod watch;

use pass::Pass;

/// Whoever waits longer than this wants to know for how long.
const LONG_SECONDS: f64 = 10.0;

/// Train on an owner's upload: what the server runs
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley train upload --threads 8 --memory 16G    one job
  volley train --watch jobs                       every job that is put into the folder jobs

Killed at any moment and started again, it goes on where it was and ends with the same model, upload/model.vly, which
goes back to the owner. So may the model of every other iteration, upload/model-after-T.vly, as soon as it is there.
SIGTERM ends it after a checkpoint, with exit code 3. volley stop ends a training that need not go on. A folder with
links in it is refused, so that whoever filled it cannot lead the server out of it.

A watched folder has a folder for each job, by any name. NAME.error beside one says why it failed; without this file it
is tried again. health.json and volley.prom say what the server does. SIGTERM ends it after a checkpoint.")]
#[command(override_usage = "volley train [OPTIONS] <FOLDER>\n       volley train [OPTIONS] --watch <DIR>")]
pub(crate) struct Options {
    /// Folder with what the owner sent: job.vly, evaluation-keys.vly, preconditioner.vly, rows-*.vly
    #[arg(required_unless_present = "watch")]
    folder: Option<PathBuf>,
    /// Train the jobs that arrive in this folder, one after the other, until the program is asked to end
    #[arg(long, value_name = "DIR", conflicts_with_all = ["folder", "until_input_ends"])]
    watch: Option<PathBuf>,
    #[command(flatten)]
    machine: Machine,
    /// End after a checkpoint when standard input ends: for the program that started this one
    #[arg(long, hide = true)]
    until_input_ends: bool,
}

/// What the server did.
#[derive(Debug, Serialize, Deserialize)]
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

pub(super) fn run(options: &Options, log_file: Option<&Path>, output: Output) -> Result<()> {
    let interrupt = Interrupt::by_signals()?;
    if let Some(folder) = &options.watch {
        return watch::run(folder, &interrupt, options.machine, log_file, output);
    }
    let folder = options.folder.as_ref().context("there is a folder, or one that is watched")?;
    let interrupt = if options.until_input_ends { interrupt.or_by_end_of_input() } else { interrupt };
    options.machine.start_threads()?;
    output.result(&train_in(folder, &options.machine, &interrupt)?)
}

fn train_in(folder: &Path, machine: &Machine, interrupt: &Interrupt) -> Result<Trained> {
    let start = Instant::now();
    let _span = tracing::info_span!("train", folder = %folder.display()).entered();
    let folder = JobFolder::new(folder);
    let job = folder.job()?;
    let done = run_job(&folder, &job, machine, interrupt)?;
    let model = folder.model_file();
    Ok(Trained {
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
pub(super) fn run_job(
    folder: &JobFolder,
    job: &Job,
    machine: &Machine,
    interrupt: &Interrupt,
) -> Result<Iterations> {
    let _lock = FolderLock::take(folder.path())?;
    let done = match finished(folder, job)? {
        Some(iteration) => Iterations { before: iteration, all: iteration },
        None => {
            let storage = choose_storage(machine, job.plan())?;
            phase("checking the rows", || check_upload(folder, job, storage)).map_err(in_words)?;
            let left = training_bytes(job.plan()).saturating_sub(folder.bytes_made_by_server()?);
            check_room(folder.path(), "training", left)?;
            train(folder, job, storage, interrupt)?
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
    info(format!(
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

/// An upload that is not complete may be complete later.
fn in_words(problem: UploadProblem) -> anyhow::Error {
    match problem {
        UploadProblem::Incomplete(problem) => Passing::Incomplete(problem).into(),
        UploadProblem::Wrong(problem) => problem.into(),
    }
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
fn train(folder: &JobFolder, job: &Job, storage: RowStorage, interrupt: &Interrupt) -> Result<Iterations> {
    let plan = job.plan();
    let checkpoint = folder.checkpoint_file();
    if folder.is_stopped()? && !checkpoint.try_exists().at(&checkpoint)? {
        return Err(stopped_without_a_model(folder).into());
    }
    let seconds = plan.with_storage(storage)?.seconds_on(&CoreTimes::of_this_machine()?.times);
    estimate(seconds, rayon::current_num_threads()).into_iter().for_each(info);
    let context = phase("tables", || Context::new(plan.parameters().clone()));
    let checkpoint = read_checkpoint(folder, job, &context)?;
    let before = checkpoint.as_ref().map_or(0, Checkpoint::iteration);
    let keys = shown_keys(folder, job, &context, plan.key_spec())?;
    let evaluator = Arc::new(Evaluator::new(&context, keys)?);
    let bar = Progress::new("set-up", plan.row_files(), "files of rows");
    let rows = open_rows(folder, job, &evaluator, storage, |files| {
        bar.set(files);
        interrupt.check().map_err(anyhow::Error::from)
    })?;
    drop(bar);
    let mut trainer = Trainer::from_rows(&evaluator, plan, rows)?;
    if let Some(checkpoint) = checkpoint {
        trainer = trainer.resumed(plan, checkpoint)?;
        info(format!("goes on after iteration {before} of {}", plan.hyperparameters().iterations()));
    }
    iterate(folder, job, &context, &mut trainer, before, interrupt)?;
    let model = trainer.model().ok_or_else(|| stopped_without_a_model(folder))?;
    Staged::new(&folder.model_file(), |out| model.write(job, out))?.commit(false)?;
    Ok(Iterations { before, all: model.iteration })
}

fn stopped_without_a_model(folder: &JobFolder) -> BadInput {
    let problem = "stopped before an iteration was done, so there is no model; without this file it goes on";
    BadInput::at(&folder.stop_file(), problem)
}

/// Says what a training will take here on so many threads, if that is long.
fn estimate(seconds_on_one_core: f64, threads: usize) -> Option<String> {
    let seconds = seconds_on_one_core / threads as f64;
    let (time, threads) = (show_duration(seconds), counted(threads, "thread"));
    (seconds >= LONG_SECONDS)
        .then(|| format!("training takes about {time} on {threads} of this machine, set-up included"))
}

/// The iterations after so many, until the last or until the training is stopped. Each leaves a checkpoint.
fn iterate(
    folder: &JobFolder,
    job: &Job,
    context: &Context,
    trainer: &mut Trainer<Evaluator>,
    before: usize,
    interrupt: &Interrupt,
) -> Result<()> {
    let (iterations, samples) =
        (job.plan().hyperparameters().iterations(), job.plan().layout().shape().samples);
    let progress =
        Progress::new("training", iterations * samples, unit_within("rows", iterations, "iteration"));
    progress.begin_after(before * samples);
    for iteration in before + 1..=iterations {
        interrupt.check()?;
        let start = Instant::now();
        let pass = Pass { folder, job, context, trainer, iteration, interrupt };
        let Some(gradient) = pass.gradient(&progress)? else { break };
        let report = trainer.step_by(&gradient)?;
        if iteration < iterations {
            keep(folder, job, trainer)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        info(format!("iteration {iteration} of {iterations}: {seconds:.2} s, level {}", report.level));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_training_is_announced() {
        let text = "training takes about 10 min on 2 threads of this machine, set-up included";
        assert_eq!(estimate(1200.0, 2).as_deref(), Some(text));
        assert_eq!(estimate(19.9, 2), None);
    }
}
