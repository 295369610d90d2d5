//! The owner's folder, and the one that the server gets.
//!
//! ```text
//! PROJECT/project.json                 what was asked for
//! PROJECT/upload/                      goes to the server, as it is
//!     job.vly                          what to train; written last: with it the upload is complete
//!     evaluation-keys.vly
//!     preconditioner.vly               what the gradients are scaled by
//!     rows-00001.vly, rows-00002.vly … the rows, in files of about 64 MB
//! PROJECT/private/                     never leaves (mode 0700, files 0600)
//!     secret-key.vly
//!     owner-state.vly                  what the decrypted weights are read with
//!     columns.json                     the columns of the table that was encrypted
//!     rows-hash                        of the rows that were encrypted last, to know their scores by
//! PROJECT/append/                      mode 0700: a new upload with more rows, until its files take their places
//! ```
//!
//! The server adds `checkpoint.vly`, `gradient.vly`, `model-after-1.vly`, `model-after-2.vly` … and `model.vly` to its
//! copy of the upload; `volley stop` adds `stop`. In that folder, and in the owner's `upload`, no link is followed: the
//! party that fills a folder must not lead the other one out of it.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use volley_data::{Schema, Use};
use volley_mlr::volley_ckks::wire::{Header, Kind, WireError};
use volley_mlr::volley_ckks::{Context, EvaluationKeySet, KeySpec, SecretKey};
use volley_mlr::{Job, OwnerState, Plan, PlanHash, RowsHash};
use volley_program::{BadInput, OrBadInput};
use zeroize::Zeroizing;

use crate::atomic::{FolderLock, Staged, move_file};
use crate::console::bytes_bar;
use crate::files::{buffered, check_without_links, open_named, open_received};
use crate::passphrase::PassphraseSource;
use crate::settings::Settings;
use crate::tables::TableSource;

const OWNER_STATE: &str = "owner-state.vly";
const SCHEMA: &str = "columns.json";
/// The version of `project.json`.
const FORMAT: u32 = 1;
/// More than any job's file has.
const JOB_LIMIT: u64 = 1 << 14;
/// More than `project.json` has.
const TEXT_LIMIT: u64 = 1 << 16;
/// More than `columns.json` has: names of 65,536 columns.
const SCHEMA_LIMIT: u64 = 1 << 24;
/// More than the file of any ring's secret key has.
const SECRET_KEY_LIMIT: u64 = 1 << 20;

/// `project.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    settings: Settings,
    /// What was said of the table.
    #[serde(default)]
    table: TableSource,
    plan_hash: String,
}

/// `columns.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSchema {
    format: u32,
    /// The job of the encryption.
    job_id: String,
    columns: Schema,
}

/// The owner's folder.
#[derive(Debug)]
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// Makes the folder of a plan.
    pub(crate) fn create(root: &Path, settings: &Settings, table: &TableSource, plan: &Plan) -> Result<Self> {
        let project = Self { root: root.to_owned() };
        let file = project.settings_file();
        if file.try_exists().at(&file)? {
            return Err(BadInput::at(root, "the folder is a project already; choose another").into());
        }
        fs::create_dir_all(root).at(root)?;
        let upload = project.upload().folder;
        fs::create_dir_all(&upload).at(&upload)?;
        let private = project.private();
        fs::create_dir_all(&private).at(&private)?;
        // A folder that was there already gets this mode too.
        #[cfg(unix)]
        fs::set_permissions(&private, std::os::unix::fs::PermissionsExt::from_mode(0o700)).at(&private)?;
        let plan_hash = PlanHash::of(plan)?.to_string();
        let stored = Stored { format: FORMAT, settings: settings.clone(), table: table.clone(), plan_hash };
        let text = serde_json::to_string_pretty(&stored)?;
        Staged::new(&file, |out| writeln!(out, "{text}"))?.commit(false)?;
        Ok(project)
    }

    /// A folder that `volley init` made. An upload that was to take the place of another is completed.
    pub(crate) fn open(root: &Path) -> Result<Self, BadInput> {
        let project = Self { root: root.to_owned() };
        let file = project.settings_file();
        if file.try_exists().at(&file)? {
            if project.pending().job_file().exists() {
                let _lock = FolderLock::take(project.upload().path())?;
                project.complete_pending()?;
            }
            return Ok(project);
        }
        Err(BadInput::at(
            root,
            "this is no project of an owner, so there is no secret key: `volley init` makes a project",
        ))
    }

    /// The plan that was printed when the project was made.
    pub(crate) fn plan(&self) -> Result<Plan, BadInput> {
        let file = self.settings_file();
        let stored = self.stored()?;
        let plan = stored.settings.plan().at(&file)?;
        if stored.format == FORMAT && stored.plan_hash == PlanHash::of(&plan).at(&file)?.to_string() {
            return Ok(plan);
        }
        Err(BadInput::at(&file, "changed, or made by another version of volley: it takes a new project"))
    }

    /// What was asked for when the project was made.
    pub(crate) fn settings(&self) -> Result<Settings, BadInput> {
        Ok(self.stored()?.settings)
    }

    /// How tables are read, as it was said when the project was made.
    pub(crate) fn table_source(&self) -> Result<TableSource, BadInput> {
        Ok(self.stored()?.table)
    }

    fn stored(&self) -> Result<Stored, BadInput> {
        let file = self.settings_file();
        serde_json::from_str(&read_text(&file, TEXT_LIMIT)?).at(&file)
    }

    /// The columns of the table that the job was encrypted from: features without names, where they were not kept.
    pub(crate) fn schema(&self, job: &Job) -> Result<Schema, BadInput> {
        let (file, features) = (self.owner_files().schema(), job.plan().layout().shape().columns - 1);
        if !file.try_exists().at(&file)? {
            return Ok(Schema::of_features(features));
        }
        let stored: StoredSchema = serde_json::from_str(&read_text(&file, SCHEMA_LIMIT)?).at(&file)?;
        let is_of_job = stored.job_id == job.id().to_string();
        if stored.format == FORMAT && is_of_job && stored.columns.count(Use::Feature) == features {
            return Ok(stored.columns);
        }
        Err(BadInput::at(&file, "changed, or of another encryption: `volley encrypt` makes it anew"))
    }

    /// The job that was encrypted last, for work with the secret key.
    pub(crate) fn job(&self) -> Result<Job, BadInput> {
        let upload = self.upload();
        let job = upload.job()?;
        if job.plan().parameters().security().bits().is_some() {
            return Ok(job);
        }
        Err(BadInput::at(&upload.job_file(), "its parameters claim no security"))
    }

    /// What goes to the server.
    pub(crate) fn upload(&self) -> JobFolder {
        JobFolder::new(&self.root.join("upload"))
    }

    /// An upload that will take the place of the one that is there.
    fn pending(&self) -> JobFolder {
        JobFolder::new(&self.root.join("append"))
    }

    /// The private files of the job that was encrypted last.
    pub(crate) fn owner_files(&self) -> OwnerFiles {
        OwnerFiles { folder: self.private() }
    }

    /// The private files of a job whose upload is pending.
    pub(crate) fn pending_owner_files(&self) -> OwnerFiles {
        OwnerFiles { folder: self.pending().folder }
    }

    /// An empty folder for it. What an earlier one left there was never complete.
    pub(crate) fn new_pending(&self) -> Result<JobFolder, BadInput> {
        let pending = self.pending();
        let folder = pending.path();
        if folder.try_exists().at(folder)? {
            fs::remove_dir_all(folder).at(folder)?;
        }
        fs::create_dir(folder).at(folder)?;
        #[cfg(unix)]
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).at(folder)?;
        Ok(pending)
    }

    /// Moves a complete upload to its place, the job last. Interrupted, it can be done again: what was moved is there.
    /// The caller has the lock of the upload.
    pub(crate) fn complete_pending(&self) -> Result<(), BadInput> {
        let (pending, upload) = (self.pending(), self.upload());
        let folder = pending.path();
        let job_file = pending.job_file();
        for entry in fs::read_dir(folder).at(folder)? {
            let file = entry.at(folder)?.path();
            let target = match file.file_name() {
                Some(name) if name == OWNER_STATE || name == SCHEMA => self.private().join(name),
                Some(name) if file != job_file => upload.folder.join(name),
                _ => continue,
            };
            move_file(&file, &target)?;
        }
        move_file(&job_file, &upload.job_file())?;
        fs::remove_dir(folder).at(folder)
    }

    /// The folder of what stays with the owner.
    fn private(&self) -> PathBuf {
        self.root.join("private")
    }

    fn settings_file(&self) -> PathBuf {
        self.root.join("project.json")
    }

    pub(crate) fn secret_key_file(&self) -> PathBuf {
        self.private().join("secret-key.vly")
    }

    pub(crate) fn owner_state_file(&self) -> PathBuf {
        self.owner_files().owner_state()
    }

    /// Reads the secret key; asks for its passphrase if it is sealed, and returns that too.
    pub(crate) fn secret_key(
        &self,
        context: &Arc<Context>,
        source: &PassphraseSource,
    ) -> Result<(SecretKey, Option<Zeroizing<String>>), BadInput> {
        let file = self.secret_key_file();
        if !file.try_exists().at(&file)? {
            return Err(BadInput::at(&file, "there is no secret key: `volley keygen` makes one"));
        }
        let header = Header::read(open_named(&file)?).at(&file)?;
        let passphrase = SecretKey::is_sealed(&header).then(|| source.open()).transpose()?;
        let bytes = passphrase.as_ref().map(|passphrase| passphrase.as_bytes());
        // Unbuffered: no buffer is left to be wiped.
        let key = SecretKey::read(context, bytes, open_named(&file)?, SECRET_KEY_LIMIT).at(&file)?;
        Ok((key, passphrase))
    }

    /// Reads the secret key of the job, and refuses another that took its place.
    pub(crate) fn secret_key_of(
        &self,
        job: &Job,
        context: &Arc<Context>,
        source: &PassphraseSource,
    ) -> Result<SecretKey, BadInput> {
        let (key, _) = self.secret_key(context, source)?;
        if key.id() == job.key_id() {
            return Ok(key);
        }
        let (found, expected) = (key.id(), job.key_id());
        Err(BadInput::at(
            &self.secret_key_file(),
            format!("the project's secret key is now {found}, but its data was encrypted under {expected}"),
        ))
    }

    /// Reads what weights of this job are read with.
    pub(crate) fn owner_state(&self, job: &Job) -> Result<OwnerState, BadInput> {
        let file = self.owner_state_file();
        let length = complete_length(&file)?;
        OwnerState::read(job, open(&file)?, length).at(&file)
    }

    /// Stages the file that names the rows that were encrypted last.
    pub(crate) fn stage_rows_hash(&self, hash: RowsHash) -> Result<Staged, BadInput> {
        Staged::private(&self.rows_hash_file(), |mut file| writeln!(file, "{hash}"))
    }

    /// Refuses scores of other rows than those that were encrypted last.
    pub(crate) fn check_rows(&self, scores: &Path, found: RowsHash) -> Result<(), BadInput> {
        const HINT: &str = "--rows FILE names the encrypted rows that they are of";
        let file = self.rows_hash_file();
        if !file.try_exists().at(&file)? {
            return Err(BadInput::at(&file, format!("it is not known which rows were encrypted: {HINT}")));
        }
        let expected = read_text(&file, TEXT_LIMIT)?;
        let expected = expected.trim_end();
        if expected == found.to_string() {
            return Ok(());
        }
        if expected.len() != found.to_string().len() || !expected.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Err(BadInput::at(&file, format!("damaged: this is no hash of rows; {HINT}")));
        }
        let problem =
            format!("scores of other rows than those encrypted last: of {found}, not {expected}; {HINT}");
        Err(BadInput::at(scores, problem))
    }

    fn rows_hash_file(&self) -> PathBuf {
        self.private().join("rows-hash")
    }

    /// Refuses to put what is private where it would go to the server.
    pub(crate) fn check_outside_upload(&self, target: &Path) -> Result<(), BadInput> {
        let absolute = |path: &Path| fs::canonicalize(path).ok();
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = absolute(folder.unwrap_or(Path::new(".")));
        match (folder, absolute(&self.upload().folder)) {
            (Some(folder), Some(upload)) if folder.starts_with(&upload) => {
                Err(BadInput::at(target, "this folder goes to the server, and what is decrypted must not"))
            }
            _ => Ok(()),
        }
    }
}

/// The private files of a job.
#[derive(Debug)]
pub(crate) struct OwnerFiles {
    folder: PathBuf,
}

impl OwnerFiles {
    /// What the decrypted weights are read with.
    pub(crate) fn owner_state(&self) -> PathBuf {
        self.folder.join(OWNER_STATE)
    }

    fn schema(&self) -> PathBuf {
        self.folder.join(SCHEMA)
    }

    /// Stages the columns of the table that a job was encrypted from. Their names are the owner's alone.
    pub(crate) fn stage_schema(&self, job: &Job, schema: &Schema) -> Result<Staged, BadInput> {
        let stored = StoredSchema { format: FORMAT, job_id: job.id().to_string(), columns: schema.clone() };
        let file = self.schema();
        let text = serde_json::to_string(&stored).at(&file)?;
        if text.len() as u64 >= SCHEMA_LIMIT {
            return Err(BadInput::new("the names of the columns are longer than 16 MiB together"));
        }
        Staged::private(&file, |mut out| writeln!(out, "{text}"))
    }
}

/// What the owner sends, where the server trains.
#[derive(Clone, Debug)]
pub(crate) struct JobFolder {
    folder: PathBuf,
}

impl JobFolder {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn job_file(&self) -> PathBuf {
        self.folder.join("job.vly")
    }

    pub(crate) fn keys_file(&self) -> PathBuf {
        self.folder.join("evaluation-keys.vly")
    }

    pub(crate) fn preconditioner_file(&self) -> PathBuf {
        self.folder.join("preconditioner.vly")
    }

    /// A file of rows, from 0.
    pub(crate) fn row_file(&self, file: usize) -> PathBuf {
        self.folder.join(row_file_name(file))
    }

    /// What is named like a file of rows beyond so many: it belongs to another upload.
    pub(crate) fn row_files_beyond(&self, files: usize) -> Result<Vec<PathBuf>, BadInput> {
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
    pub(crate) fn made_by_server(&self) -> Result<Vec<PathBuf>, BadInput> {
        let mut made =
            vec![self.model_file(), self.checkpoint_file(), self.gradient_file(), self.stop_file()];
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

    /// The bytes of these files.
    pub(crate) fn bytes_made_by_server(&self) -> Result<u64, BadInput> {
        let lengths =
            self.made_by_server()?.into_iter().map(|file| Ok(file.symlink_metadata().at(&file)?.len()));
        lengths.sum()
    }

    /// The gradient of some of the rows, in the middle of an iteration.
    pub(crate) fn gradient_file(&self) -> PathBuf {
        self.folder.join("gradient.vly")
    }

    pub(crate) fn checkpoint_file(&self) -> PathBuf {
        self.folder.join("checkpoint.vly")
    }

    pub(crate) fn model_file(&self) -> PathBuf {
        self.folder.join("model.vly")
    }

    /// The model after an iteration that is not the last.
    pub(crate) fn model_after(&self, iteration: usize) -> PathBuf {
        self.folder.join(format!("model-after-{iteration}.vly"))
    }

    /// Tells the server to stop.
    pub(crate) fn stop_file(&self) -> PathBuf {
        self.folder.join("stop")
    }

    /// Whether the server was told to stop.
    pub(crate) fn is_stopped(&self) -> Result<bool, BadInput> {
        let file = self.stop_file();
        Ok(file.try_exists().at(&file)? && open_received(&file).map(|_| true)?)
    }

    /// Opens a file of the folder.
    pub(crate) fn open(&self, file: &Path) -> Result<BufReader<impl Read + use<>>, BadInput> {
        with_progress(file, open_received(file)?)
    }

    /// Reads the job. A folder with links in it is refused.
    pub(crate) fn job(&self) -> Result<Job, BadInput> {
        check_without_links(&self.folder)?;
        let file = self.job_file();
        if !file.try_exists().at(&file)? {
            let inner = Self::new(&self.folder.join("upload"));
            let hint = if inner.job_file().exists() {
                format!("; it is in {}", inner.folder.display())
            } else {
                String::new()
            };
            return Err(BadInput::at(&self.folder, format!("there is no job.vly in this folder{hint}")));
        }
        Job::read(self.open(&file)?, JOB_LIMIT).at(&file)
    }

    /// Reads the keys that are needed, and refuses a file that lacks one: a computation must not fail on the way.
    pub(crate) fn keys(
        &self,
        job: &Job,
        context: &Arc<Context>,
        needed: &KeySpec,
    ) -> Result<EvaluationKeySet, BadInput> {
        let file = self.keys_file();
        let (_, limit) = keys_kind_and_bytes(job);
        job.read_keys(context, needed, self.open(&file)?, limit).at(&file)
    }
}

/// The kind and the bytes of the file of a job's evaluation keys.
pub(crate) fn keys_kind_and_bytes(job: &Job) -> (Kind, u64) {
    let spec = job.key_spec();
    if job.is_pooled() {
        (Kind::POOLED_EVALUATION_KEYS, spec.pooled_byte_count())
    } else {
        (Kind::EVALUATION_KEYS, spec.byte_count())
    }
}

/// The name of a file of rows, from 0.
pub(crate) fn row_file_name(file: usize) -> String {
    format!("rows-{:05}.vly", file + 1)
}

/// Reads the file of a job that the user named.
pub(crate) fn read_job(file: &Path) -> Result<Job, BadInput> {
    Job::read(open(file)?, JOB_LIMIT).at(file)
}

/// The length of a file that has as many bytes as it says.
pub(crate) fn complete_length(file: &Path) -> Result<u64, BadInput> {
    let opened = open_named(file)?;
    let length = opened.metadata().at(file)?.len();
    let bytes = Header::read(opened).and_then(|header| header.file_bytes()).at(file)?;
    if bytes > length { Err(BadInput::at(file, WireError::Truncated)) } else { Ok(length) }
}

/// Opens a public file that the user named.
pub(crate) fn open(file: &Path) -> Result<BufReader<impl Read + use<>>, BadInput> {
    with_progress(file, open_named(file)?)
}

/// Reads a file of the project, which has no more bytes than `limit`.
fn read_text(file: &Path, limit: u64) -> Result<String, BadInput> {
    let mut text = String::new();
    open_named(file)?.take(limit).read_to_string(&mut text).at(file)?;
    Ok(text)
}

/// Shows how far a large file is read.
fn with_progress(file: &Path, opened: File) -> Result<BufReader<impl Read + use<>>, BadInput> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bar = bytes_bar(name, opened.metadata().at(file)?.len());
    Ok(buffered(bar.wrap_read(opened)))
}

/// Most bytes of the file of a model: two sums of weights, each ciphertext with both halves, at no higher level than
/// the data's.
pub(crate) fn model_limit(plan: &Plan) -> u64 {
    weights_limit(plan, 2)
}

/// Most bytes of the file of a checkpoint: M, V and the carry.
pub(crate) fn checkpoint_limit(plan: &Plan) -> u64 {
    weights_limit(plan, 3)
}

/// Most bytes of the file of a gradient: sums of degree 2, three halves each, and ranges of groups.
pub(crate) fn gradient_limit(plan: &Plan) -> u64 {
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
