//! The server's training, on what an owner sent.
//!
//! It opens the files of the upload and its own, and no others. It writes a checkpoint after every iteration but the
//! last, and the model after the last one. Each file is there as a whole or not at all, so a server that was killed
//! goes on where it was. An iteration is exact arithmetic on what is in these files, so it ends with the same model bit
//! for bit.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator};
use volley_mlr::{Checkpoint, EncryptedModel, Error, Job, Plan, RowStorage, Trainer, wire};
use volley_program::units::{counted, show_bytes, show_duration};
use volley_program::{BadInput, CoreTimes, Machine, OrBadInput};

use crate::atomic::{FolderLock, Staged, check_free};
use crate::check::check_upload;
use crate::disk::check_room;
use crate::failure::Failure;
use crate::job_folder::{JobFolder, checkpoint_limit, model_limit, training_bytes};
use crate::observer::{Observer, files_of_rows};
use crate::rows::open_rows;

mod pass;

use pass::Pass;

/// How many times as long as the first iteration, whose scores are zero, any other takes: 2.4 to 2.7 were measured.
const LATER_ITERATION: f64 = 2.5;
/// Whoever waits longer than this wants to know for how long.
const LONG_SECONDS: f64 = 10.0;

/// Iterations of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IterationsDone {
    /// Those that were done before this start.
    pub before: usize,
    /// All that the model has: fewer than planned if the training was stopped.
    pub all: usize,
}

/// Trains on what is in a folder, unless its model is there already. The model is then in [`JobFolder::model_file`].
///
/// # Errors
///
/// [`Failure`] for an upload that is not complete, damaged or of another job, for a machine without the memory or the
/// room on its disk, and where the observer asks for an end: then a later call goes on.
pub fn train(
    folder: &JobFolder,
    job: &Job,
    machine: Machine,
    observer: &dyn Observer,
) -> Result<IterationsDone, Failure> {
    let _lock = FolderLock::take(folder.path())?;
    let done = match finished(folder, job)? {
        Some(iteration) => IterationsDone { before: iteration, all: iteration },
        None => {
            let storage = choose_storage(machine, job.plan(), observer)?;
            observer.during("checking the rows", || check_upload(folder, job, storage))?;
            let left = training_bytes(job.plan()).saturating_sub(folder.bytes_made_by_server()?);
            check_room(folder.path(), "training", left)?;
            Training { folder, job, observer }.run(storage)?
        }
    };
    remove_intermediate(folder)?;
    Ok(done)
}

/// Rows that are planned to be in memory are read in every iteration where it has no room for them.
fn choose_storage(machine: Machine, plan: &Plan, observer: &dyn Observer) -> Result<RowStorage, Failure> {
    if machine.has_memory(|threads| plan.memory(threads)) {
        return Ok(plan.storage());
    }
    let on_disk = plan.with_storage(RowStorage::Disk)?;
    machine.check_memory("training", |threads| on_disk.memory(threads))?;
    let (all, few) = (plan.memory(1).total(), on_disk.memory(1).total());
    observer.info(format!(
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

/// A training that is not done.
#[derive(Clone, Copy)]
struct Training<'a> {
    folder: &'a JobFolder,
    job: &'a Job,
    observer: &'a dyn Observer,
}

impl Training<'_> {
    /// Trains from the last checkpoint on, to the last iteration or until it is stopped.
    fn run(self, storage: RowStorage) -> Result<IterationsDone, Failure> {
        let Self { folder, job, observer } = self;
        let plan = job.plan();
        let checkpoint = folder.checkpoint_file();
        if folder.is_stopped()? && !checkpoint.try_exists().at(&checkpoint)? {
            return Err(stopped_without_a_model(folder).into());
        }
        let core = CoreTimes::of_this_machine().map_err(|error| BadInput::new(format_args!("{error:#}")))?;
        let seconds = plan.with_storage(storage)?.seconds_on(&core.times);
        estimate(seconds, rayon::current_num_threads()).into_iter().for_each(|text| observer.info(text));
        let context = observer.during("tables", || Context::new(plan.parameters().clone()));
        let checkpoint = self.checkpoint(&context)?;
        let before = checkpoint.as_ref().map_or(0, Checkpoint::iteration);
        let evaluator =
            Arc::new(Evaluator::new(&context, folder.keys(job, &context, plan.key_spec(), observer)?)?);
        let count = observer.counts("set-up", plan.row_files(), files_of_rows(plan.row_files()));
        let rows = open_rows(folder, job, &evaluator, storage, |files| {
            count.set(files);
            observer.check()
        })?;
        drop(count);
        let mut trainer = Trainer::from_rows(&evaluator, plan, rows)?;
        if let Some(checkpoint) = checkpoint {
            trainer = trainer.resumed(plan, checkpoint)?;
            let iterations = plan.hyperparameters().iterations();
            observer.info(format!("goes on after iteration {before} of {iterations}"));
        }
        self.iterate(&context, &mut trainer, before)?;
        let model = trainer.model().ok_or_else(|| stopped_without_a_model(folder))?;
        Staged::new(&folder.model_file(), |out| model.write(job, out))?.commit(false)?;
        Ok(IterationsDone { before, all: model.iteration })
    }

    /// The iterations after so many, until the last or until the training is stopped. Each leaves a checkpoint.
    fn iterate(
        self,
        context: &Context,
        trainer: &mut Trainer<Evaluator>,
        before: usize,
    ) -> Result<(), Failure> {
        let Self { folder, job, observer } = self;
        let iterations = job.plan().hyperparameters().iterations();
        let samples = job.plan().rows_in_first(job.plan().layout().groups());
        let unit = format!("rows in {}", counted(iterations, "iteration"));
        let count = observer.counts("training", iterations * samples, unit);
        count.slows_after(samples, LATER_ITERATION);
        count.begin_after(before * samples);
        for iteration in before + 1..=iterations {
            observer.check()?;
            let start = Instant::now();
            let pass = Pass { folder, job, context, trainer, iteration, observer };
            let Some(gradient) = pass.gradient(&*count)? else { break };
            let report = trainer.step_by(&gradient)?;
            if iteration < iterations {
                self.keep(trainer)?;
            }
            let seconds = start.elapsed().as_secs_f64();
            let level = report.level;
            observer.info(format!("iteration {iteration} of {iterations}: {seconds:.2} s, level {level}"));
        }
        Ok(())
    }

    /// Writes what an iteration leaves: the model first, as it is there for the owner whenever training goes on after
    /// it.
    fn keep(self, trainer: &Trainer<Evaluator>) -> Result<(), Failure> {
        let Self { folder, job, .. } = self;
        let model = trainer.model().ok_or(Error::NoIterations)?;
        let checkpoint = trainer.checkpoint().ok_or(Error::NoIterations)?;
        let file = folder.model_after(model.iteration);
        check_free(&file, true)?;
        Staged::new(&file, |out| model.write(job, out))?.commit(true)?;
        Ok(Staged::new(&folder.checkpoint_file(), |out| checkpoint.write(job, out))?.commit(true)?)
    }

    fn checkpoint(self, context: &Context) -> Result<Option<Checkpoint<Ciphertext>>, BadInput> {
        let Self { folder, job, .. } = self;
        let file = folder.checkpoint_file();
        if !file.try_exists().at(&file)? {
            return Ok(None);
        }
        let checkpoint = Checkpoint::read(job, context, folder.open(&file)?, checkpoint_limit(job.plan()));
        checkpoint.map(Some).map_err(|error| in_the_way(&file, &error))
    }
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

/// Tells the server that a training need not go on. It looks before each file of rows, and ends with the model of the
/// last iteration that was done.
///
/// # Errors
///
/// For a folder without a job, a training that has ended, and what the file system refuses.
pub fn stop(folder: &JobFolder) -> Result<Job, BadInput> {
    let job = folder.job()?;
    let model = folder.model_file();
    if model.try_exists().at(&model)? {
        return Err(BadInput::at(&model, "the training has ended"));
    }
    Staged::new(&folder.stop_file(), |_| Ok::<(), wire::WireError>(()))?.commit(true)?;
    Ok(job)
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
