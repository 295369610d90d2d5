//! `volley train --watch`: jobs are trained in turn as they arrive in a folder.
//!
//! ```text
//! DIR/NAME/          a job: the upload of an owner, by any name
//! DIR/NAME.error     why it failed; without this file it is tried again
//! DIR/health.json    what the server does, at most half a minute old
//! DIR/volley.prom    the same in figures, for the textfile collector of Prometheus' node exporter
//! ```
//!
//! Each job is trained by a program of its own: whatever it does, even to be killed by the system for its memory, ends
//! that job alone, and leaves its memory to the next one. The program here opens no file that an owner sent. It keeps
//! nothing that the folder does not have, so it may be killed and started again at any moment.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use volley_program::Machine;

use crate::console::{info, pass_on, tell_of};
use crate::event::Event;
use crate::failure::FailureKind;
use crate::interrupt::Interrupt;
use crate::output::Output;
use inbox::{Inbox, Job};
use status::Status;
use worker::{Outcome, Worker};

mod inbox;
mod status;
mod worker;

/// Time between two looks into the folder. A job is begun when nothing in it has changed from one to the next.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// How soon a request to end is noticed.
const TICK: Duration = Duration::from_millis(200);

/// Trains jobs until the program is asked to end.
///
/// # Errors
///
/// [`BadInput`](volley_program::BadInput) for a folder that cannot be read or written, or that another program watches.
/// A job's error is none of these.
pub(super) fn run(
    folder: &Path,
    interrupt: &Interrupt,
    machine: Machine,
    log_file: Option<&Path>,
    output: Output,
) -> Result<()> {
    let inbox = Inbox::open(folder)?;
    let status = Status::new(folder);
    let worker = Worker { machine, log_file, interrupt };
    let mut watch = Watch { inbox, status, worker, output };
    info(format!("{}: waiting for jobs", folder.display()));
    while !interrupt.is_requested() {
        match watch.look()? {
            Some(job) => watch.train(&job)?,
            None => pause(interrupt),
        }
    }
    // Of what a job that was interrupted has written last, the second look sees that it no longer changes.
    watch.inbox.look(None)?;
    watch.inbox.look(None)?;
    watch.status.ends(&watch.inbox);
    info(format!("{}: no longer watched", folder.display()));
    Ok(())
}

fn pause(interrupt: &Interrupt) {
    let begin = Instant::now();
    while begin.elapsed() < BETWEEN_LOOKS && !interrupt.is_requested() {
        sleep(TICK);
    }
}

/// A folder that is watched.
struct Watch<'a> {
    inbox: Inbox,
    status: Status,
    worker: Worker<'a>,
    output: Output,
}

impl Watch<'_> {
    /// The job whose turn it is.
    fn look(&mut self) -> Result<Option<Job>> {
        self.inbox.look(None)?;
        self.status.is_idle(&self.inbox);
        Ok(self.inbox.next().cloned())
    }

    /// Trains one job. Its failure is marked beside it.
    fn train(&mut self, job: &Job) -> Result<()> {
        let (inbox, status) = (&mut self.inbox, &mut self.status);
        let begin = Instant::now();
        let mut looked = begin;
        let outcome = self.worker.train(job, |event| {
            if looked.elapsed() >= BETWEEN_LOOKS {
                looked = Instant::now();
                inbox.look(Some(job))?;
            }
            status.goes_on(job, event, inbox);
            Ok(())
        })?;
        // The log has what the program that trained has logged itself.
        let label = job.label();
        let info = |text| pass_on(&label, &Event::Info { text });
        let warn = |text| pass_on(&label, &Event::Warning { text });
        match outcome {
            Outcome::Trained(trained) => {
                self.status.trained(begin.elapsed());
                self.inbox.mark_trained(job);
                info(trained.to_string());
                self.output.result(&trained)?;
            }
            // A job that was taken away has nothing to be mended.
            Outcome::Failed(..) | Outcome::Crashed(_) if !job.is_there() => {
                let text = "was taken away while it was trained".to_owned();
                tell_of(&label, &Event::Info { text });
            }
            Outcome::Failed(kind, problem) => {
                self.fails(job, begin.elapsed(), &problem);
                pass_on(&label, &Event::Failure { kind, text: problem });
            }
            Outcome::Crashed(problem) => {
                self.fails(job, begin.elapsed(), &problem);
                tell_of(&label, &Event::Failure { kind: FailureKind::Internal, text: problem });
            }
            Outcome::Incomplete(problem) => {
                info(format!("waits for the rest: {problem}"));
                self.inbox.mark_incomplete(job);
            }
            Outcome::NoRoom(problem) => {
                warn(format!("waits for room on the disk: {problem}"));
                self.inbox.postpone(job);
            }
            Outcome::Interrupted => info("interrupted; it goes on later".to_owned()),
        }
        Ok(())
    }

    fn fails(&mut self, job: &Job, after: Duration, problem: &str) {
        self.status.failed(after);
        self.inbox.mark_failed(job, problem);
    }
}
