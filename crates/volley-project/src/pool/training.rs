//! The server's training. It works in a folder of its own, which has the files of an upload.

use std::fs;
use std::io;
use std::path::Path;

use super::Result;
use crate::atomic::Staged;
use crate::files::{open_named, open_received};
use crate::job_folder::{JobFolder, row_file_name};
use volley_program::{BadInput, OrBadInput};

use super::keys::JOB_FOLDER;
use super::rows::PRECONDITIONER;
use super::session::Session;
use crate::training::train as train_job;

pub(super) const MODEL: &str = "model.vly";

/// Trains, and sends the model. Killed and started again, it goes on where it was.
pub(super) fn train(session: &Session) -> Result<()> {
    let agreed = session.agreed()?;
    let folder = JobFolder::new(&session.folder.kept(JOB_FOLDER));
    gather(session, &folder)?;
    train_job(&folder, &agreed.job, session.machine, &*session.observer)?;
    let model = folder.model_file();
    let mut model = open_named(&model)?;
    Ok(session.send(MODEL, |out| io::copy(&mut model, out).map(drop))?)
}

/// Puts what the owners sent into the folder of the job.
fn gather(session: &Session, folder: &JobFolder) -> Result<(), BadInput> {
    let sent = |party: &str, name: &str| session.folder.sent(party, name);
    place(&sent(&session.host, PRECONDITIONER), &folder.preconditioner_file())?;
    let plan = session.agreed()?.plan().plan();
    for (member, name) in session.invitation.members.iter().enumerate() {
        for number in plan.row_files_of(member) {
            place(&sent(name, &row_file_name(number)), &folder.row_file(number))?;
        }
    }
    Ok(())
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
