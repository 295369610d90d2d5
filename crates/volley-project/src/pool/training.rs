//! The server's training. It works in a folder of its own, which has the files of an upload. Whoever has these files
//! can train, such as several machines together.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::Result;
use crate::atomic::Staged;
use crate::failure::Failure;
use crate::files::{open_named, open_received};
use crate::job_folder::row_file_name;
use volley_program::units::counted;
use volley_program::{BadInput, OrBadInput};

use super::folder::TRAINING_JOB;
use super::rows::PRECONDITIONER;
use super::session::Session;
use crate::training::train as train_job;

pub(super) const MODEL: &str = "model.vly";
pub(super) const TRAINING: &str = "training";

/// Trains, and sends the model. Killed and started again, it goes on where it was.
pub(super) fn train(session: &Session) -> Result<()> {
    let agreed = session.agreed()?;
    let folder = session.training_folder();
    let done = train_job(&folder, &agreed.job, session.machine, &*session.observer);
    let done = done.map_err(|failure| with_sender(session, failure))?;
    let planned = agreed.job.plan().hyperparameters().iterations();
    if done.all < planned {
        let all = counted(done.all, "iteration");
        session
            .observer
            .note(format!("the training was stopped after {all} of {planned}: its model is sent"));
    }
    let model = folder.model_file();
    let mut model = open_named(&model)?;
    Ok(session.send(MODEL, |out| io::copy(&mut model, out).map(drop))?)
}

/// Adds to a problem with a file of rows who sent it.
fn with_sender(session: &Session, failure: Failure) -> Failure {
    let Failure::Input(problem) = failure else { return failure };
    let (text, Ok(agreed)) = (problem.to_string(), session.agreed()) else { return problem.into() };
    let (plan, folder) = (agreed.plan().plan(), session.training_folder());
    for (member, name) in session.invitation.members.iter().enumerate() {
        for number in plan.row_files_of(member) {
            if text.starts_with(&folder.row_file(number).display().to_string()) {
                let sent = session.folder.sent(name, &row_file_name(number));
                let help = format!("{name} sent it as {}, which has to come again", sent.display());
                return BadInput::new(format!("{text} ({help})")).into();
            }
        }
    }
    problem.into()
}

/// Puts what the owners sent into the folder of the job, and the job.
pub(super) fn gather(session: &Session) -> Result<()> {
    let (agreed, folder) = (session.agreed()?, session.training_folder());
    let sent = |party: &str, name: &str| session.folder.sent(party, name);
    place(&sent(&session.host, PRECONDITIONER), &folder.preconditioner_file())?;
    let plan = agreed.plan().plan();
    for (member, name) in session.invitation.members.iter().enumerate() {
        for number in plan.row_files_of(member) {
            place(&sent(name, &row_file_name(number)), &folder.row_file(number))?;
        }
    }
    Ok(session.folder.keep(TRAINING_JOB, |out| agreed.pool_job.write_job(&agreed.pool, out))?)
}

/// Whether all of that is there, and is what was received last.
pub(super) fn is_gathered(session: &Session) -> bool {
    let Ok(agreed) = session.agreed() else { return false };
    let (folder, plan) = (session.training_folder(), agreed.plan().plan());
    let sent = |party: &str, name: &str| session.folder.sent(party, name);
    let is_row_file_placed = |(member, name): (usize, &String)| {
        let mut numbers = plan.row_files_of(member);
        numbers.all(|number| is_placed(&sent(name, &row_file_name(number)), &folder.row_file(number)))
    };
    folder.job_file().symlink_metadata().is_ok()
        && is_placed(&sent(&session.host, PRECONDITIONER), &folder.preconditioner_file())
        && session.invitation.members.iter().enumerate().all(is_row_file_placed)
}

/// Whether a file is the one that was received: one that was damaged on its way may have come again.
fn is_placed(received: &Path, placed: &Path) -> bool {
    let Ok(placed) = placed.symlink_metadata() else { return false };
    received.metadata().map_or(true, |received| is_same(&received, &placed))
}

#[cfg(unix)]
fn is_same(received: &Metadata, placed: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let is_link = (received.dev(), received.ino()) == (placed.dev(), placed.ino());
    // A copy was written after the last change of its source, of which the times of a change tell for sure.
    let is_newer = (received.ctime(), received.ctime_nsec()) <= (placed.mtime(), placed.mtime_nsec());
    is_link || (received.len() == placed.len() && is_newer)
}

#[cfg(not(unix))]
fn is_same(received: &Metadata, placed: &Metadata) -> bool {
    received.len() == placed.len()
}

/// Gives a received file another name, by a copy where the system has no other way.
fn place(file: &Path, target: &Path) -> Result<(), BadInput> {
    if is_placed(file, target) {
        return Ok(());
    }
    let mut received = open_received(file)?;
    if target.symlink_metadata().is_ok() {
        fs::remove_file(target).at(target)?;
    }
    if fs::hard_link(file, target).is_ok() {
        return Ok(());
    }
    Staged::private(target, |mut out| io::copy(&mut received, &mut out).map(drop))?.commit(false)
}
