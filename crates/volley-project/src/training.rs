//! The server's training, on what an owner sent.
//!
//! It opens the files of the upload and its own, and no others. It writes a checkpoint after every iteration but the
//! last, and the model after the last one. Each file is there as a whole or not at all, so a server that was killed
//! goes on where it was. An iteration is exact arithmetic on what is in these files, so it ends with the same model bit
//! for bit.
//!
//! Programs of several machines train one model as a [`Team`]. In an iteration each rank sums the gradient of its share
//! of the rows. The sums are added up, and all ranks make the same step of them. Sums modulo primes are exact, so the
//! model is the same whatever the number of ranks is.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator};
use volley_mlr::{Checkpoint, EncryptedModel, Error, Job, Plan, RowStorage, Trainer, wire};
use volley_program::units::{counted, show_bytes, show_duration};
use volley_program::{BadInput, CoreTimes, Machine, OrBadInput};

use crate::atomic::{FolderLock, Staged, check_free, is_locked};
use crate::check::check_upload;
use crate::disk::check_room;
use crate::failure::Failure;
use crate::job_folder::{JobFolder, checkpoint_limit, gradient_limit, model_limit, training_bytes};
use crate::observer::Observer;

mod exchange;
pub(crate) mod groups;
mod pass;
mod roll_call;
mod rows;
mod share;
pub(crate) mod team;
mod work;

use exchange::{Exchange, Step};
use groups::Groups;
use pass::Pass;
use roll_call::{Begun, Ready, RollCall};
use rows::open_rows;
use team::{Alone, Team, TeamFailure};
use work::{Work, part_of_machine};

/// How many times as long as the first iteration, whose scores are zero, any other takes: 2.4 to 2.7 were measured.
const LATER_ITERATION: f64 = 2.5;
/// How long a rank that is ended with others may still be there when their launcher is not.
const ENDING: Duration = Duration::from_secs(10);
/// How long the system may take to end a program that was killed, whose memory it takes back.
const KILLED: Duration = Duration::from_secs(3);
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
    train_rank(folder, job, &Alone, KILLED, machine, observer).map_err(TeamFailure::into_failure)
}

/// Trains as one of the ranks of a team, which all call it. Each has the files of the upload in its folder, where some
/// of the files of rows suffice. Ranks may share a folder. The model is in that of rank 0.
///
/// # Errors
///
/// As [`train`]; for ranks that do not suit each other, and files of rows that no rank has. [`TeamFailure`] says
/// whether the other ranks know.
pub fn train_in_team(
    folder: &JobFolder,
    team: &dyn Team,
    machine: Machine,
    observer: &dyn Observer,
) -> Result<(Job, IterationsDone), TeamFailure> {
    match folder.job() {
        Ok(job) => train_rank(folder, &job, team, ENDING, machine, observer).map(|done| (job, done)),
        Err(problem) => {
            let absent: Result<(Infallible, _), _> = Err(problem.into());
            let (_, never) = RollCall::of(team, absent).map_err(TeamFailure::Agreed)?;
            match never {}
        }
    }
}

/// A program that is about to leave the folder is awaited for as long as `patience`.
fn train_rank(
    folder: &JobFolder,
    job: &Job,
    team: &dyn Team,
    patience: Duration,
    machine: Machine,
    observer: &dyn Observer,
) -> Result<IterationsDone, TeamFailure> {
    let own = Rank::ready(folder, job, team, patience, observer);
    let (call, own) = RollCall::of(team, own).map_err(TeamFailure::Agreed)?;
    let done = match call.finished() {
        Some(iteration) => IterationsDone { before: iteration, all: iteration },
        None => own.train(&call, machine)?,
    };
    remove_intermediate(folder)?;
    Ok(done)
}

/// One rank, before its training.
struct Rank<'a> {
    folder: &'a JobFolder,
    job: &'a Job,
    context: Arc<Context>,
    /// Where rank 0 goes on.
    checkpoint: Option<Checkpoint<Ciphertext>>,
    team: &'a dyn Team,
    observer: &'a dyn Observer,
    /// Only rank 0 keeps others from the folder, which may be that of all ranks.
    _lock: Option<FolderLock>,
}

impl<'a> Rank<'a> {
    /// The rank, and what it tells the others.
    fn ready(
        folder: &'a JobFolder,
        job: &'a Job,
        team: &'a dyn Team,
        patience: Duration,
        observer: &'a dyn Observer,
    ) -> Result<(Self, Ready), Failure> {
        let leads = team.rank() == 0;
        if leads && is_locked(folder.path()) {
            let seconds = patience.as_secs();
            observer.info(format!("another volley is at work in this folder; it is awaited for {seconds} s"));
        }
        let lock = if leads { Some(FolderLock::take_within(folder.path(), patience)?) } else { None };
        let context = observer.during("tables", || Context::new(job.plan().parameters().clone()));
        let mut rank = Self { folder, job, context, checkpoint: None, team, observer, _lock: lock };
        let mut finished = None;
        if leads {
            rank.checkpoint = rank.read_checkpoint()?;
            finished = rank.finished()?;
            if finished.is_none() && rank.checkpoint.is_none() && folder.is_stopped()? {
                return Err(stopped_without_a_model(folder).into());
            }
        }
        let (job, all) = (format!("{} {}", job.id(), job.plan_hash()), job.plan().row_files());
        // One that trains alone finds out about each file when it checks it.
        let files = match team.size() {
            1 => std::iter::once(0..all).collect(),
            _ => folder.row_files_there(all)?,
        };
        let gradients = if finished.is_some() { Vec::new() } else { rank.begun()? };
        Ok((rank, Ready { job, files, gradients, finished }))
    }

    /// The iterations of a model that is there already. A file that is no model of this job is left alone, and is an
    /// error.
    fn finished(&self) -> Result<Option<usize>, BadInput> {
        let Self { folder, job, .. } = self;
        let file = folder.model_file();
        if !file.try_exists().at(&file)? {
            return Ok(None);
        }
        let limit = model_limit(job.plan());
        let model = EncryptedModel::<Ciphertext>::read(job, &self.context, folder.open(&file)?, limit);
        model.map(|model| Some(model.iteration)).map_err(|error| in_the_way(&file, &error))
    }

    fn read_checkpoint(&self) -> Result<Option<Checkpoint<Ciphertext>>, BadInput> {
        let Self { folder, job, .. } = self;
        let file = folder.checkpoint_file();
        if !file.try_exists().at(&file)? {
            return Ok(None);
        }
        let limit = checkpoint_limit(job.plan());
        let checkpoint = Checkpoint::read(job, &self.context, folder.open(&file)?, limit);
        checkpoint.map(Some).map_err(|error| in_the_way(&file, &error))
    }

    /// The gradients of an interrupted pass that this rank goes on with: its own, and those of ranks that are no more.
    fn begun(&self) -> Result<Vec<Begun>, BadInput> {
        let Self { folder, job, team, .. } = self;
        let mut begun = Vec::new();
        for (by, file) in folder.gradient_files()? {
            if by % team.size() == team.rank() {
                let (opened, limit) = (folder.open(&file)?, gradient_limit(job.plan()));
                let (iteration, groups) = wire::read_gradient_groups(job, opened, limit)
                    .map_err(|error| in_the_way(&file, &error))?;
                begun.push(Begun { by, iteration, groups });
            }
        }
        Ok(begun)
    }

    /// Trains from the last checkpoint on, to the last iteration or until it is stopped.
    fn train(mut self, call: &RollCall, machine: Machine) -> Result<IterationsDone, TeamFailure> {
        let (plan, team) = (self.job.plan(), self.team);
        let shares = call.shares(plan).map_err(TeamFailure::Agreed)?;
        let own_checkpoint = self.checkpoint.take();
        let exchange = Exchange { job: self.job, context: &self.context, team };
        let work_of = |(rank, share)| Work { share, makes_steps: !exchange.weights_of(rank).is_empty() };
        let mut works: Vec<_> = shares.into_iter().enumerate().map(work_of).collect();
        let on_machine: Vec<_> = call.ranks_on(&team.host()).map(|rank| &works[rank]).collect();
        let machine = part_of_machine(machine, plan, &works[team.rank()], &on_machine)?;
        let work = works.swap_remove(team.rank());
        let storage = self.prepare(&work, machine)?;
        let checkpoint = exchange.checkpoint(own_checkpoint)?;
        let before = checkpoint.as_ref().map_or(0, Checkpoint::iteration);
        let trainer = match self.trainer(&work, storage, checkpoint) {
            Ok(trainer) => trainer,
            Err(Failure::Interrupted) => return Err(exchange.interrupted()),
            Err(failure) => return Err(failure.into()),
        };
        let training = Training { rank: &self, exchange, share: work.share };
        let (trainer, all) = training.iterate(trainer, before, call)?;
        if team.rank() == 0 {
            let model = trainer.model().ok_or_else(|| stopped_without_a_model(self.folder))?;
            Staged::new(&self.folder.model_file(), |out| model.write(self.job, out))?.commit(false)?;
        }
        // What is left is removed when the model is there.
        team.gather(&[]);
        Ok(IterationsDone { before, all })
    }

    /// Checks the files that this rank uses, and that it has the memory and the room on its disk.
    fn prepare(&self, work: &Work, machine: Machine) -> Result<RowStorage, Failure> {
        let Self { folder, job, observer, .. } = self;
        let of_share = work.share.plan(job.plan())?;
        let of_share = work.plan(&of_share)?;
        let what = if self.team.size() > 1 { "a rank's part of the training" } else { "training" };
        let storage = choose_storage(machine, &of_share, what, *observer)?;
        observer.during("checking the rows", || {
            check_upload(folder, job, storage, &work.share.files(job.plan()))
        })?;
        let left = training_bytes(job.plan()).saturating_sub(folder.bytes_made_by_server()?);
        check_room(folder.path(), "training", left)?;
        let core = CoreTimes::of_this_machine().map_err(|error| BadInput::new(format_args!("{error:#}")))?;
        let seconds = of_share.with_storage(storage)?.seconds_on(&core.times);
        estimate(seconds, rayon::current_num_threads()).into_iter().for_each(|text| observer.info(text));
        Ok(storage)
    }

    /// The trainer of a share, after the iterations of a checkpoint.
    fn trainer(
        &self,
        work: &Work,
        storage: RowStorage,
        checkpoint: Option<Checkpoint<Ciphertext>>,
    ) -> Result<Trainer<Evaluator>, Failure> {
        let Self { folder, job, context, observer, .. } = self;
        let plan = job.plan();
        let keys = folder.keys(job, context, work.plan(plan)?.key_spec(), *observer)?;
        let evaluator = Arc::new(Evaluator::new(context, keys)?);
        let rows = open_rows(self, &evaluator, &work.share, storage)?;
        let of_work = if work.makes_steps { Trainer::from_rows } else { Trainer::without_refresh };
        let trainer = of_work(&evaluator, plan, rows)?;
        let Some(checkpoint) = checkpoint else { return Ok(trainer) };
        let (before, iterations) = (checkpoint.iteration(), plan.hyperparameters().iterations());
        observer.info(format!("goes on after iteration {before} of {iterations}"));
        Ok(trainer.resumed(plan, checkpoint)?)
    }
}

/// Rows that are planned to be in memory are read in every iteration where it has no room for them.
fn choose_storage(
    machine: Machine,
    plan: &Plan,
    what: &str,
    observer: &dyn Observer,
) -> Result<RowStorage, Failure> {
    if machine.has_memory(|threads| plan.memory(threads)) {
        return Ok(plan.storage());
    }
    let on_disk = plan.with_storage(RowStorage::Disk)?;
    machine.check_memory(what, |threads| on_disk.memory(threads))?;
    let (all, few) = (plan.memory(1).total(), on_disk.memory(1).total());
    observer.info(format!(
        "rows are read from their files in every iteration: it takes {}, and all of them in memory {}",
        show_bytes(few),
        show_bytes(all)
    ));
    Ok(RowStorage::Disk)
}

fn in_the_way(file: &Path, error: &wire::WireError) -> BadInput {
    BadInput::at(file, format!("{error}; move it away to train"))
}

/// The iterations of a training that is not done.
struct Training<'a> {
    rank: &'a Rank<'a>,
    exchange: Exchange<'a>,
    share: Groups,
}

impl Training<'_> {
    /// The iterations after so many, until the last or until the training is stopped, with their number. Each leaves a
    /// checkpoint.
    fn iterate(
        &self,
        mut trainer: Trainer<Evaluator>,
        before: usize,
        call: &RollCall,
    ) -> Result<(Trainer<Evaluator>, usize), TeamFailure> {
        let Rank { job, team, observer, .. } = *self.rank;
        let (iterations, samples) =
            (job.plan().hyperparameters().iterations(), job.plan().rows_in_first(usize::MAX));
        let unit = format!("rows in {}", counted(iterations, "iteration"));
        let count = observer.counts("training", iterations * samples, unit);
        count.slows_after(samples, LATER_ITERATION);
        count.begin_after(before * samples);
        let (mut covered, mut begun) = call.gradients(before + 1);
        let mut begun = begun.swap_remove(team.rank());
        for iteration in before + 1..=iterations {
            let start = Instant::now();
            let (covered, begun) = (std::mem::take(&mut covered), std::mem::take(&mut begun));
            let pass = Pass { rank: self.rank, trainer: &trainer, share: &self.share, covered, iteration };
            let ended = pass.gradient(&begun, &*count)?;
            let step = self.exchange.step(&mut trainer, iteration, ended)?;
            let Some(Step { report, waited_seconds }) = step else { return Ok((trainer, iteration - 1)) };
            self.rank.folder.check_there()?;
            if team.rank() == 0 {
                if iteration < iterations {
                    self.keep(&trainer)?;
                }
                let (seconds, level) = (start.elapsed().as_secs_f64(), report.level);
                let waited = match team.size() {
                    1 => String::new(),
                    _ => format!(", {waited_seconds:.2} s of it waiting for other ranks"),
                };
                observer.info(format!(
                    "iteration {iteration} of {iterations}: {seconds:.2} s, level {level}{waited}"
                ));
            }
        }
        Ok((trainer, iterations))
    }

    /// Writes what an iteration leaves: the model first, as it is there for the owner whenever training goes on after
    /// it.
    fn keep(&self, trainer: &Trainer<Evaluator>) -> Result<(), Failure> {
        let Rank { folder, job, .. } = *self.rank;
        let model = trainer.model().ok_or(Error::NoIterations)?;
        let checkpoint = trainer.checkpoint().ok_or(Error::NoIterations)?;
        let file = folder.model_after(model.iteration);
        check_free(&file, true)?;
        Staged::new(&file, |out| model.write(job, out))?.commit(true)?;
        Ok(Staged::new(&folder.checkpoint_file(), |out| checkpoint.write(job, out))?.commit(true)?)
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
    let single = [folder.checkpoint_file(), folder.stop_file()];
    for file in folder.gradient_files()?.into_iter().map(|(_, file)| file).chain(single) {
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
