//! `volley train`: the server.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::{Deserialize, Serialize};
use volley_mlr::Job;
use volley_program::units::{counted, show_bytes};
use volley_program::{BadInput, Machine, OrBadInput};
use volley_project::{IterationsDone, JobFolder};

use crate::console::Console;
use crate::interrupt::Interrupt;
use crate::output::Output;

#[cfg(feature = "mpi")]
mod ranks;
mod watch;

/// How launchers of MPI tell the programs that they start how many there are: Open MPI, MPICH, and `srun`.
const LAUNCHED: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];

/// Train on an owner's upload: what the server runs
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley train upload --threads 8 --memory 16G    one job
  volley train --watch jobs                       every job that is put into the folder jobs
  mpirun -n 4 volley train --mpi upload           one job on several machines

Killed at any moment and started again, it goes on where it was and ends with
the same model, upload/model.vly, which goes back to the owner. So may the
model of every other iteration, upload/model-after-T.vly, as soon as it is
there. SIGTERM ends it after a checkpoint, with exit code 3. volley stop ends
a training that need not go on. A folder with links in it is refused, so that
whoever filled it cannot lead the server out of it.

A watched folder has a folder for each job, by any name. NAME.error beside one
says why it failed; without this file it is tried again. health.json and
volley.prom say what the server does. SIGTERM ends it after a checkpoint.")]
#[command(override_usage = "volley train [OPTIONS] <FOLDER>\n       volley train [OPTIONS] --watch <DIR>")]
pub(crate) struct Options {
    /// Folder with what the owner sent: job.vly, evaluation-keys.vly, preconditioner.vly, rows-*.vly
    #[arg(required_unless_present = "watch")]
    folder: Option<PathBuf>,
    /// Train the jobs that arrive in this folder, one after the other, until the program is asked to end
    #[arg(long, value_name = "DIR", conflicts_with_all = ["folder", "until_input_ends"])]
    watch: Option<PathBuf>,
    /// Train one job together with the other programs that mpirun, srun or another launcher of MPI started. Each works
    /// on its share of the rows
    #[arg(long, conflicts_with_all = ["watch", "until_input_ends"])]
    mpi: bool,
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
    /// The programs that trained together, if they were started so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ranks: Option<usize>,
    /// Those of this program.
    threads: usize,
    seconds: f64,
}

impl Trained {
    /// What a training made in a folder.
    fn of(
        folder: &JobFolder,
        job: &Job,
        done: IterationsDone,
        ranks: Option<usize>,
        start: Instant,
    ) -> Result<Self> {
        let model = folder.model_file();
        Ok(Self {
            model_bytes: fs::metadata(&model).at(&model)?.len(),
            model,
            job_id: job.id().to_string(),
            iterations: done.all,
            planned_iterations: job.plan().hyperparameters().iterations(),
            resumed_after: done.before,
            ranks,
            threads: rayon::current_num_threads(),
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}

impl fmt::Display for Trained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (model, all) = (self.model.display(), counted(self.iterations, "iteration"));
        let all = match self.planned_iterations {
            planned if planned > self.iterations => format!("stopped after {all} of {planned}"),
            _ => all,
        };
        let done = match self.resumed_after {
            0 => all,
            before if before == self.iterations => format!("{all}, done before"),
            before => format!("{all}, {before} of them before"),
        };
        let ranks = self.ranks.map(|ranks| format!(" on {}", counted(ranks, "rank"))).unwrap_or_default();
        write!(f, "{model}: {done}, {}, {:.2} s{ranks}", show_bytes(self.model_bytes), self.seconds)
    }
}

pub(super) fn run(options: &Options, log_file: Option<&Path>, output: Output) -> Result<()> {
    if let Some(folder) = options.folder.as_ref().filter(|_| options.mpi) {
        return train_as_rank(folder, options.machine, output);
    }
    check_alone()?;
    let interrupt = Interrupt::by_signals()?;
    if let Some(folder) = &options.watch {
        return watch::run(folder, &interrupt, options.machine, log_file, output);
    }
    let folder = options.folder.as_ref().context("there is a folder, or one that is watched")?;
    let interrupt = if options.until_input_ends { interrupt.or_by_end_of_input() } else { interrupt };
    options.machine.start_threads()?;
    output.result(&train_in(folder, options.machine, &Console::until(interrupt))?)
}

/// Refuses to be one of several programs that a launcher of MPI started, each of which would train the whole job.
fn check_alone() -> Result<(), BadInput> {
    let launched = |name| env::var(name).ok()?.parse::<usize>().ok();
    match LAUNCHED.into_iter().filter_map(launched).max() {
        Some(programs) if programs > 1 => Err(BadInput::new(format!(
            "{programs} programs were started, and each would train the whole job; volley train --mpi shares it"
        ))),
        _ => Ok(()),
    }
}

fn train_in(folder: &Path, machine: Machine, console: &Console) -> Result<Trained> {
    let start = Instant::now();
    let _span = tracing::info_span!("train", folder = %folder.display()).entered();
    let folder = JobFolder::new(folder);
    let job = folder.job()?;
    let done = volley_project::train(&folder, &job, machine, console)?;
    let trained = Trained::of(&folder, &job, done, None, start)?;
    tracing::info!("{trained}");
    Ok(trained)
}

#[cfg(feature = "mpi")]
fn train_as_rank(folder: &Path, machine: Machine, output: Output) -> Result<()> {
    ranks::run(folder, machine, output)
}

#[cfg(not(feature = "mpi"))]
fn train_as_rank(_: &Path, _: Machine, _: Output) -> Result<()> {
    let problem = "this volley was built without MPI; cargo build --release --package volley-cli --features mpi builds \
                   one with it";
    Err(BadInput::new(problem).into())
}
