//! Refusing an upload that is not complete, damaged, or not of the job, before gigabytes are read.

use std::fs::File;
use std::path::PathBuf;

use rayon::prelude::*;
use volley_mlr::volley_ckks::wire::{Header, Kind};
use volley_mlr::{Job, RowStorage, wire};
use volley_program::units::grouped;
use volley_program::{BadInput, OrBadInput};

use crate::failure::Failure;
use crate::files::{buffered, open_received};
use crate::job_folder::{JobFolder, keys_kind_and_bytes};

/// A file of an upload, as the plan has it.
struct Expected {
    file: PathBuf,
    kind: Kind,
    bytes: u64,
}

/// Checks headers and lengths of all files, of those of rows only the ones of these numbers. Rows that are read in
/// every iteration are read through once: those that go to memory are checked when they are read.
///
/// # Errors
///
/// [`Failure::Incomplete`] for a file that is missing or shorter than planned: more of it may arrive. Else
/// [`Failure::Input`] for one that is damaged, or not of the job.
pub(crate) fn check_upload(
    folder: &JobFolder,
    job: &Job,
    storage: RowStorage,
    files: &[usize],
) -> Result<(), Failure> {
    let plan = job.plan();
    let file = |file, kind, bytes| Expected { file, kind, bytes };
    let row_files: Vec<_> = files
        .iter()
        .map(|&number| file(folder.row_file(number), wire::TRAINING_ROWS, plan.row_file_bytes(number)))
        .collect();
    let (kind, bytes) = keys_kind_and_bytes(job);
    let keys = file(folder.keys_file(), kind, bytes);
    let preconditioner =
        file(folder.preconditioner_file(), wire::PRECONDITIONER, plan.preconditioner_bytes());
    [&keys, &preconditioner].into_iter().chain(&row_files).try_for_each(|file| file.check(job))?;
    if let Some(beyond) = folder.row_files_beyond(plan.row_files())?.first() {
        let problem = "the job has no such file of rows: it belongs to another upload";
        return Err(BadInput::at(beyond, problem).into());
    }
    if storage == RowStorage::Memory {
        return Ok(());
    }
    Ok(files.par_iter().try_for_each(|&number| read_through(folder, job, number))?)
}

/// Reads a file of rows, without keeping it: its hash, and whether it has the rows of its number. A file that is there
/// under two names is whole under both.
fn read_through(folder: &JobFolder, job: &Job, number: usize) -> Result<(), BadInput> {
    let (plan, file) = (job.plan(), folder.row_file(number));
    let opened = buffered(open_received(&file)?);
    let found = wire::read_groups(job, opened, plan.row_file_bytes(number)).at(&file)?;
    let expected = plan.row_file_groups(number);
    if found == expected {
        return Ok(());
    }
    Err(BadInput::at(&file, wire::WireError::ForeignGroups { expected, found }))
}

impl Expected {
    fn check(&self, job: &Job) -> Result<(), Failure> {
        let file = &self.file;
        if !file.try_exists().at(file)? {
            return Err(Failure::Incomplete(BadInput::at(
                file,
                "not there yet, and the upload is not complete without it",
            )));
        }
        let opened = open_received(file)?;
        let found = opened.metadata().at(file)?.len();
        match self.check_content(job, opened, found) {
            Err(problem) if found < self.bytes => Err(Failure::Incomplete(problem)),
            checked => Ok(checked?),
        }
    }

    fn check_content(&self, job: &Job, opened: File, found: u64) -> Result<(), BadInput> {
        let Self { file, kind, bytes } = self;
        let header = Header::read(opened).at(file)?;
        let problem = if header.kind != *kind {
            format!("this is a file of kind \"{}\", and one of \"{kind}\" is needed", header.kind)
        } else if header.params_id != job.plan().parameters().id() {
            "the file belongs to other parameters than the job's".to_owned()
        } else if header.key_id != Some(job.key_id()) {
            "the file belongs to another key than the job's".to_owned()
        } else if ![Kind::EVALUATION_KEYS, Kind::POOLED_EVALUATION_KEYS].contains(kind)
            && wire::names(&header) != Some((job.id(), job.plan_hash()))
        {
            "the file belongs to another job".to_owned()
        } else if found != *bytes {
            let cause = if found < *bytes { "truncated" } else { "not the job's" };
            let (found, bytes) = (grouped(found), grouped(*bytes));
            format!("the file is {cause}: it has {found} bytes where the plan has {bytes}")
        } else {
            return Ok(());
        };
        Err(BadInput::at(file, problem))
    }
}
