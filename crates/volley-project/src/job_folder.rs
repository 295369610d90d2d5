//! The folder that the server gets, and what its files have at most.

use std::fs::{self, File};
use std::io::BufReader;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use volley_mlr::volley_ckks::wire::{Header, Kind, WireError};
use volley_mlr::volley_ckks::{Context, EvaluationKeySet, KeySpec};
use volley_mlr::{Job, Plan};
use volley_program::{BadInput, OrBadInput};

use crate::atomic::check_free;
use crate::files::{buffered, check_without_links, open_named, open_received};
use crate::observer::Observer;

/// What a project, which is no such folder, is known by: its settings.
pub const PROJECT_FILE: &str = "project.json";
/// What the folder of a party of a pool has among its private files: who the party is, written last when it is made.
pub(crate) const PARTY: &str = "party.json";
/// More than any job's file has.
const JOB_LIMIT: u64 = 1 << 14;

/// What the owner sends, where the server trains.
#[derive(Clone, Debug)]
pub struct JobFolder {
    folder: PathBuf,
}

impl JobFolder {
    /// The folder by this path, whether it is there or not.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// What to train, and by which plan.
    #[must_use]
    pub fn job_file(&self) -> PathBuf {
        self.folder.join("job.vly")
    }

    /// The evaluation keys.
    #[must_use]
    pub fn keys_file(&self) -> PathBuf {
        self.folder.join("evaluation-keys.vly")
    }

    /// What gradients are scaled by, encrypted.
    #[must_use]
    pub fn preconditioner_file(&self) -> PathBuf {
        self.folder.join("preconditioner.vly")
    }

    /// A file of rows, from 0.
    #[must_use]
    pub fn row_file(&self, file: usize) -> PathBuf {
        self.folder.join(row_file_name(file))
    }

    /// What is named like a file of rows beyond so many: it belongs to another upload.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn row_files_beyond(&self, files: usize) -> Result<Vec<PathBuf>, BadInput> {
        let mut beyond = Vec::new();
        for entry in fs::read_dir(&self.folder).at(&self.folder)? {
            let name = entry.at(&self.folder)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("rows-")?.strip_suffix(".vly"));
            let Some(number) = number else { continue };
            if !number.parse().is_ok_and(|number: usize| (1..=files).contains(&number)) {
                beyond.push(self.folder.join(name));
            }
        }
        beyond.sort_unstable();
        Ok(beyond)
    }

    /// What a server put there, or whoever told it to stop.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn made_by_server(&self) -> Result<Vec<PathBuf>, BadInput> {
        let mut made = vec![self.model_file(), self.checkpoint_file(), self.stop_file()];
        made.extend(self.gradient_files()?.into_iter().map(|(_, file)| file));
        for entry in fs::read_dir(&self.folder).at(&self.folder)? {
            let name = entry.at(&self.folder)?.file_name();
            if name.to_str().is_some_and(|name| name.starts_with("model-after-")) {
                made.push(self.folder.join(name));
            }
        }
        // A link counts, wherever it leads.
        made.retain(|file| file.symlink_metadata().is_ok());
        Ok(made)
    }

    /// Refuses a new job in the place of one that is there, unless it is to be replaced; and of one that a server
    /// worked on: what it made would be taken for the new job's.
    ///
    /// # Errors
    ///
    /// For such a job, and what the file system refuses.
    pub fn check_replaceable(&self, replace: bool) -> Result<(), BadInput> {
        check_free(&self.job_file(), replace)?;
        match self.made_by_server()?.first() {
            None => Ok(()),
            Some(file) => Err(BadInput::at(
                file,
                "this belongs to the job that would be replaced: move it away, or remove it",
            )),
        }
    }

    /// The bytes of these files.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn bytes_made_by_server(&self) -> Result<u64, BadInput> {
        let lengths =
            self.made_by_server()?.into_iter().map(|file| Ok(file.symlink_metadata().at(&file)?.len()));
        lengths.sum()
    }

    /// The gradient of some of the rows, in the middle of an iteration, as a rank of those that train together has it.
    /// One that trains alone is rank 0.
    #[must_use]
    pub fn gradient_file(&self, rank: usize) -> PathBuf {
        self.folder.join(match rank {
            0 => "gradient.vly".to_owned(),
            rank => format!("gradient-{rank}.vly"),
        })
    }

    /// The gradients that are there, by rank.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn gradient_files(&self) -> Result<Vec<(usize, PathBuf)>, BadInput> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).at(&self.folder)? {
            let name = entry.at(&self.folder)?.file_name();
            let rank = name.to_str().and_then(|name| name.strip_prefix("gradient")?.strip_suffix(".vly"));
            let rank = rank.and_then(|rank| match rank {
                "" => Some(0),
                rank => rank.strip_prefix('-')?.parse().ok(),
            });
            if let Some(rank) = rank.filter(|&rank| self.gradient_file(rank).ends_with(&name)) {
                found.push((rank, self.folder.join(name)));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Which of so many files of rows are there, by their numbers from 0.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn row_files_there(&self, files: usize) -> Result<Vec<Range<usize>>, BadInput> {
        let mut there: Vec<Range<usize>> = Vec::new();
        for file in 0..files {
            let path = self.row_file(file);
            if path.try_exists().at(&path)? {
                match there.last_mut() {
                    Some(last) if last.end == file => last.end += 1,
                    _ => there.push(file..file + 1),
                }
            }
        }
        Ok(there)
    }

    /// What a training goes on from.
    #[must_use]
    pub fn checkpoint_file(&self) -> PathBuf {
        self.folder.join("checkpoint.vly")
    }

    /// The encrypted model of the last iteration.
    #[must_use]
    pub fn model_file(&self) -> PathBuf {
        self.folder.join("model.vly")
    }

    /// The model after an iteration that is not the last.
    #[must_use]
    pub fn model_after(&self, iteration: usize) -> PathBuf {
        self.folder.join(format!("model-after-{iteration}.vly"))
    }

    /// Whether a file by this name is what the owner of the job sent, or what its server made.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub(crate) fn has(&self, file: &Path) -> Result<bool, BadInput> {
        if !self.job_file().is_file() {
            return Ok(false);
        }
        let mut own = vec![self.job_file(), self.keys_file(), self.preconditioner_file()];
        own.extend(self.row_files_beyond(0)?);
        own.extend(self.made_by_server()?);
        Ok(own.iter().any(|own| own.file_name() == file.file_name()))
    }

    /// Tells the server to stop.
    #[must_use]
    pub fn stop_file(&self) -> PathBuf {
        self.folder.join("stop")
    }

    /// Whether the server was told to stop.
    ///
    /// # Errors
    ///
    /// What the file system refuses, and for a link.
    pub fn is_stopped(&self) -> Result<bool, BadInput> {
        let file = self.stop_file();
        Ok(file.try_exists().at(&file)? && open_received(&file).map(|_| true)?)
    }

    /// Refuses to go on where someone has taken the job away: what is written then would be left behind.
    ///
    /// # Errors
    ///
    /// For a folder without a job.
    pub(crate) fn check_there(&self) -> Result<(), BadInput> {
        if self.job_file().exists() {
            return Ok(());
        }
        Err(BadInput::at(&self.folder, "the job was taken away while it was trained"))
    }

    /// Opens a file of the folder.
    ///
    /// # Errors
    ///
    /// For a file that is not there, may not be read, or is no regular file.
    pub fn open(&self, file: &Path) -> Result<BufReader<File>, BadInput> {
        Ok(buffered(open_received(file)?))
    }

    /// Reads the job. A folder with links in it is refused.
    ///
    /// # Errors
    ///
    /// For a folder without a job or with links in it, and a job that is damaged.
    pub fn job(&self) -> Result<Job, BadInput> {
        if self.folder.is_file() {
            return Err(BadInput::at(&self.folder, "this is a file: name the folder that it is in"));
        }
        let file = self.job_file();
        // A link to nowhere is there.
        if file.symlink_metadata().is_err() && !file.try_exists().at(&file)? {
            fs::metadata(&self.folder).at(&self.folder)?;
            let jobs = self.jobs_within();
            let hint = if self.folder.join(PROJECT_FILE).exists() {
                format!(
                    "; it is a project of an owner. A server gets {}, which `volley encrypt` completes, and nothing \
                     else: the rest, which has the secret key, must not leave its owner; where it did, delete it here, \
                     and the owner begins a new project with new keys",
                    self.folder.join("upload").display()
                )
            } else if self.folder.join("private").join(PARTY).exists() {
                "; it is the folder of a party of a pool, where volley pool next does what is due; a training that the \
                 server left is in private/job"
                    .to_owned()
            } else if let Some(first) = jobs.first() {
                format!("; jobs are in its folders, such as {}", first.display())
            } else {
                "; `volley encrypt` makes it, at the owner's".to_owned()
            };
            return Err(BadInput::at(&self.folder, format!("there is no job.vly in this folder{hint}")));
        }
        check_without_links(&self.folder)?;
        Job::read(self.open(&file)?, JOB_LIMIT).at(&file)
    }

    /// The folders in this one that have a job, by name.
    fn jobs_within(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut jobs: Vec<_> =
            entries.map(|entry| entry.path()).filter(|path| Self::new(path).job_file().exists()).collect();
        jobs.sort_unstable();
        jobs
    }

    /// Reads the keys that are needed, and refuses a file that lacks one: a computation must not fail on the way.
    ///
    /// # Errors
    ///
    /// For keys that are damaged, of another secret key, or lack a needed one.
    pub fn keys(
        &self,
        job: &Job,
        context: &Arc<Context>,
        needed: &KeySpec,
        observer: &dyn Observer,
    ) -> Result<EvaluationKeySet, BadInput> {
        let (file, (_, limit)) = (self.keys_file(), keys_kind_and_bytes(job));
        let opened = buffered(observer.reads(&file, open_received(&file)?));
        job.read_keys(context, needed, opened, limit).at(&file)
    }
}

/// The kind and the bytes of the file of a job's evaluation keys.
#[must_use]
pub fn keys_kind_and_bytes(job: &Job) -> (Kind, u64) {
    let spec = job.key_spec();
    if job.is_pooled() {
        (Kind::POOLED_EVALUATION_KEYS, spec.pooled_byte_count())
    } else {
        (Kind::EVALUATION_KEYS, spec.byte_count())
    }
}

/// The name of a file of rows, from 0.
#[must_use]
pub fn row_file_name(file: usize) -> String {
    format!("rows-{:05}.vly", file + 1)
}

/// Reads the file of a job that the user named.
///
/// # Errors
///
/// For a file that is no job.
pub fn read_job(file: &Path) -> Result<Job, BadInput> {
    Job::read(open(file)?, JOB_LIMIT).at(file)
}

/// The length of a file that has as many bytes as it says.
///
/// # Errors
///
/// For a file that is truncated or none of Volley's.
pub fn complete_length(file: &Path) -> Result<u64, BadInput> {
    let opened = open_named(file)?;
    let length = opened.metadata().at(file)?.len();
    let bytes = Header::read(opened).and_then(|header| header.file_bytes()).at(file)?;
    if bytes > length { Err(BadInput::at(file, WireError::Truncated)) } else { Ok(length) }
}

/// Opens a public file that the user named.
///
/// # Errors
///
/// For a file that is not there, may not be read, or is no regular file.
pub fn open(file: &Path) -> Result<BufReader<File>, BadInput> {
    Ok(buffered(open_named(file)?))
}

/// Most bytes of the file of a model: two sums of weights, each ciphertext with both halves, at no higher level than
/// the data's.
#[must_use]
pub fn model_limit(plan: &Plan) -> u64 {
    weights_limit(plan, 2)
}

/// Most bytes of the file of a checkpoint: M, V and the carry.
#[must_use]
pub fn checkpoint_limit(plan: &Plan) -> u64 {
    weights_limit(plan, 3)
}

/// Most bytes of the file of a gradient: sums of degree 2, three halves each, and ranges of groups.
#[must_use]
pub fn gradient_limit(plan: &Plan) -> u64 {
    let sums = plan.layout().weight_ciphertexts() * plan.split().backward_sums();
    sums as u64 * 3 * half_bytes(plan) + 8 * plan.layout().groups() as u64 + (1 << 12)
}

fn weights_limit(plan: &Plan, weights: u64) -> u64 {
    weights * plan.layout().weight_ciphertexts() as u64 * 2 * half_bytes(plan) + (1 << 12)
}

/// Most bytes of half a ciphertext: as a seeded one of the data, whose operand may be shorter.
fn half_bytes(plan: &Plan) -> u64 {
    let upload = plan.upload();
    upload.bytes.div_ceil(upload.ciphertexts.max(1) as u64) + (1 << 12)
}

/// Most bytes that training writes beside an upload: the model of every iteration, and a checkpoint and a gradient,
/// each beside the one that it replaces.
#[must_use]
pub fn training_bytes(plan: &Plan) -> u64 {
    let models = plan.hyperparameters().iterations() as u64 * model_limit(plan);
    models + 2 * (checkpoint_limit(plan) + gradient_limit(plan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn every_iteration_leaves_a_model() {
        let of = |iterations| Settings { iterations, ..Settings::of(24, 4, 3) }.plan().unwrap();
        let (two, three) = (of(2), of(3));
        assert!(training_bytes(&two) >= 2 * model_limit(&two) + checkpoint_limit(&two));
        assert!(training_bytes(&three) > training_bytes(&two));
    }
}
