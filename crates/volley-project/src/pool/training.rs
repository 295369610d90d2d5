//! The server's training. It works in a folder of its own, which has the files of an upload. Whoever has these files
//! can train, such as several machines together.

use std::fs;
use std::io;
use std::path::Path;

use super::Result;
use crate::atomic::Staged;
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
    let done = train_job(&folder, &agreed.job, session.machine, &*session.observer)?;
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

/// Whether all of that is there.
pub(super) fn is_gathered(session: &Session) -> bool {
    let Ok(agreed) = session.agreed() else { return false };
    let folder = session.training_folder();
    let rows = (0..agreed.plan().plan().row_files()).map(|number| folder.row_file(number));
    let mut files = [folder.job_file(), folder.preconditioner_file()].into_iter().chain(rows);
    files.all(|file| file.symlink_metadata().is_ok())
}

/// Gives a received file another name, by a copy where the system has no other way.
fn place(file: &Path, target: &Path) -> Result<(), BadInput> {
    if target.try_exists().at(target)? {
        return Ok(());
    }
    let mut received = open_received(file)?;
    if fs::hard_link(file, target).is_ok() {
        return Ok(());
    }
    Staged::private(target, |mut out| io::copy(&mut received, &mut out).map(drop))?.commit(false)
}
