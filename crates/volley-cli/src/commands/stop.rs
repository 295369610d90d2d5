//! `volley stop`: a training need not go on.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_project::JobFolder;
use volley_project::atomic::is_locked;

use crate::output::Output;

/// Stop a training: the model of the last iteration that was done is the result
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley stop upload

The server looks for the file upload/stop before each file of rows. It then
ends with the model of the last iteration that was done. An owner who sees by
upload/model-after-T.vly that further iterations gain nothing saves them so,
and tells the server nothing else. Encrypted prediction needs the model of the
last iteration that was planned.")]
pub(crate) struct Options {
    /// Folder that `volley train` works in
    folder: PathBuf,
}

/// What was asked of the server.
#[derive(Debug, Serialize)]
struct Stopping {
    stop: PathBuf,
    job_id: String,
    /// Whether a program is at work on the job here.
    is_training: bool,
}

impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stop, job_id, is_training } = self;
        write!(f, "{}: ", stop.display())?;
        if *is_training {
            return write!(f, "the training of job {job_id} ends before its next file of rows");
        }
        write!(
            f,
            "no training of job {job_id} is at work here; one that begins or goes on ends at once while this file is \
             there"
        )
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let folder = JobFolder::new(&options.folder);
    let job = volley_project::stop(&folder)?;
    let is_training = is_locked(folder.path());
    output.result(&Stopping { stop: folder.stop_file(), job_id: job.id().to_string(), is_training })
}
