//! `volley stop`: a training need not go on.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_project::JobFolder;

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
}

impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: a training of job {} ends before its next file of rows",
            self.stop.display(),
            self.job_id
        )
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let folder = JobFolder::new(&options.folder);
    let job = volley_project::stop(&folder)?;
    output.result(&Stopping { stop: folder.stop_file(), job_id: job.id().to_string() })
}
