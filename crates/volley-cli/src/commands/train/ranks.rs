//! `volley train --mpi`: one of the programs that a launcher of MPI started, which train one job together.

use std::any::Any;
use std::path::Path;
use std::process;
use std::time::Instant;

use anyhow::{Context as _, Result};
use volley_mpi::World;
use volley_program::Machine;
use volley_project::{Count, Failure, JobFolder, Observer, Team, TeamFailure};

use super::Trained;
use crate::console::{self, Console};
use crate::event::Event;
use crate::failure::FailureKind;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// Trains as a rank. Rank 0 speaks for all. A rank that fails alone says who it is, and ends the others.
pub(super) fn run(folder: &Path, machine: Machine, output: Output) -> Result<()> {
    let world = World::join().context("MPI was joined before")?;
    // After MPI, which may have handlers of its own.
    let interrupt = Interrupt::by_signals_of_launchers()?;
    let (rank, start) = (world.rank(), Instant::now());
    let observer: Box<dyn Observer> = match rank {
        0 => Box::new(Console::until(interrupt)),
        _ => Box::new(Silent(interrupt)),
    };
    let trained = machine
        .start_threads()
        .map_err(|problem| TeamFailure::Own(problem.into()))
        .and_then(|()| volley_project::train_in_team(&JobFolder::new(folder), &world, machine, &*observer));
    match trained {
        Ok((job, done)) if rank == 0 => {
            let ranks = Some(world.size());
            let trained = Trained::of(&JobFolder::new(folder), &job, done, ranks, start)?;
            output.result(&trained)
        }
        Ok(_) => Ok(()),
        Err(TeamFailure::Agreed(failure)) if rank == 0 => Err(failure.into()),
        Err(TeamFailure::Agreed(failure)) => {
            // It is said once, by rank 0.
            drop(world);
            process::exit(FailureKind::of(&failure.into()).code().into());
        }
        Err(TeamFailure::Own(failure)) => end_all(&world, failure),
    }
}

/// Says which rank failed, and why.
fn end_all(world: &World, failure: Failure) -> ! {
    let name = format!("rank {} on {}", world.rank(), world.host());
    let error = anyhow::Error::from(failure).context(name);
    let kind = FailureKind::of(&error);
    console::tell(&Event::Failure { kind, text: format!("{error:#}") });
    world.abort(kind.code())
}

/// The observer of a rank that does not speak: what it would say is in its log.
struct Silent(Interrupt);

impl Observer for Silent {
    fn counts(&self, _: &'static str, _: usize, _: String) -> Box<dyn Count> {
        Box::new(())
    }

    fn begins(&self, phase: &'static str) -> Box<dyn Any> {
        tracing::debug!("{phase}");
        Box::new(())
    }

    fn info(&self, text: String) {
        tracing::info!("{text}");
    }

    fn note(&self, text: String) {
        tracing::info!("{text}");
    }

    fn is_to_end(&self) -> bool {
        self.0.is_requested()
    }
}
