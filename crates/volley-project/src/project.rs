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
//!     planned-columns.json             the columns of the table that was planned for, if there was one
//!     columns.json                     the columns of the table that was encrypted
//!     rows-hash                        of the rows that were encrypted last, to know their scores by
//!     shared-models                    the models of a shareable plan that were decrypted to be shared
//!     earlier/JOB/                     what models of an earlier job are decrypted with, which rows were added to
//! PROJECT/append/                      mode 0700: a new upload with more rows, until its files take their places
//! ```
//!
//! The server adds `checkpoint.vly`, `gradient.vly`, `model-after-1.vly`, `model-after-2.vly` … and `model.vly` to its
//! copy of the upload; `volley stop` adds `stop`. In that folder, and in the owner's `upload`, no link is followed: the
//! party that fills a folder must not lead the other one out of it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use volley_data::{Schema, Use};
use volley_mlr::volley_ckks::wire::Header;
use volley_mlr::volley_ckks::{Context, SecretKey};
use volley_mlr::{Job, JobId, OwnerState, Plan, PlanHash, RowsHash, wire};
use volley_program::{BadInput, OrBadInput};
use zeroize::Zeroizing;

use crate::atomic::{FolderLock, Staged, move_file};
use crate::files::open_named;
use crate::job_folder::{JobFolder, PROJECT_FILE, complete_length, open, read_job};
use crate::output::check_stays;
use crate::settings::Settings;

const OWNER_STATE: &str = "owner-state.vly";
const SCHEMA: &str = "columns.json";
const PLANNED_SCHEMA: &str = "planned-columns.json";
/// The version of `project.json`.
const FORMAT: u32 = 1;
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
    table: Map<String, Value>,
    plan_hash: String,
}

/// `columns.json` and `planned-columns.json`. Their names are the owner's alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSchema {
    format: u32,
    /// The job of the encryption, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    /// Whether rows were weighted for all classes to count alike.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    balanced: bool,
    columns: Schema,
}

impl StoredSchema {
    fn read(file: &Path) -> Result<Option<Self>, BadInput> {
        let is_there = file.try_exists().at(file)?;
        is_there.then(|| serde_json::from_str(&read_text(file, SCHEMA_LIMIT)?).at(file)).transpose()
    }

    fn stage(&self, file: &Path) -> Result<Staged, BadInput> {
        let text = serde_json::to_string(self).at(file)?;
        if text.len() as u64 >= SCHEMA_LIMIT {
            return Err(BadInput::new("the names of the columns are longer than 16 MiB together"));
        }
        Staged::private(file, |mut out| writeln!(out, "{text}"))
    }
}

/// The owner's folder.
#[derive(Debug)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// Makes the folder of a plan. It keeps what a program was told of the `table`, an object of JSON, and the columns
    /// of the table that was planned for, if there was one.
    ///
    /// # Errors
    ///
    /// For a folder that is a project already, one that cannot be written, and names of columns that are too long.
    pub fn create(
        root: &Path,
        settings: &Settings,
        table: Map<String, Value>,
        columns: Option<&Schema>,
        plan: &Plan,
    ) -> Result<Self, BadInput> {
        let project = Self { root: root.to_owned() };
        let file = project.settings_file();
        check_stays(&file)?;
        if file.try_exists().at(&file)? {
            return Err(BadInput::at(
                root,
                "the folder is a project already, which is never replaced: choose another",
            ));
        }
        let upload = project.upload();
        for remnant in [project.secret_key_file(), upload.job_file()] {
            if remnant.try_exists().at(&remnant)? {
                return Err(BadInput::at(
                    &remnant,
                    "this is of a project whose project.json is gone, and would be of no use to another: choose \
                     another folder",
                ));
            }
        }
        fs::create_dir_all(root).at(root)?;
        let upload = upload.path().to_owned();
        fs::create_dir_all(&upload).at(&upload)?;
        let private = project.private();
        fs::create_dir_all(&private).at(&private)?;
        // A folder that was there already gets this mode too.
        #[cfg(unix)]
        fs::set_permissions(&private, std::os::unix::fs::PermissionsExt::from_mode(0o700)).at(&private)?;
        if let Some(columns) = columns {
            let planned =
                StoredSchema { format: FORMAT, job_id: None, balanced: false, columns: columns.clone() };
            planned.stage(&project.planned_schema_file())?.commit(true)?;
        }
        let plan_hash = PlanHash::of(plan).at(&file)?.to_string();
        let stored = Stored { format: FORMAT, settings: settings.clone(), table, plan_hash };
        let text = serde_json::to_string_pretty(&stored).at(&file)?;
        Staged::new(&file, |out| writeln!(out, "{text}"))?.commit(false)?;
        Ok(project)
    }

    /// A folder that `volley init` made, or what is left of one with its secret key. An upload that was to take the
    /// place of another is completed.
    ///
    /// # Errors
    ///
    /// For a folder that `volley init` did not make.
    pub fn open(root: &Path) -> Result<Self, BadInput> {
        let project = Self { root: root.to_owned() };
        let (settings, key) = (project.settings_file(), project.secret_key_file());
        if settings.try_exists().at(&settings)? || key.try_exists().at(&key)? {
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

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The plan that was printed when the project was made.
    ///
    /// # Errors
    ///
    /// For a project that was changed, or made by another version.
    pub fn plan(&self) -> Result<Plan, BadInput> {
        let file = self.settings_file();
        let stored = self.stored()?;
        let plan = stored.settings.plan().at(&file)?;
        if stored.format == FORMAT && stored.plan_hash == PlanHash::of(&plan).at(&file)?.to_string() {
            return Ok(plan);
        }
        Err(BadInput::at(&file, "changed, or made by another version of volley: it takes a new project"))
    }

    /// What was asked for when the project was made.
    ///
    /// # Errors
    ///
    /// Where the file of the project cannot be read.
    pub fn settings(&self) -> Result<Settings, BadInput> {
        Ok(self.stored()?.settings)
    }

    /// How tables are read, as it was said when the project was made.
    ///
    /// # Errors
    ///
    /// Where the file is not as it was written, or of another program.
    pub fn table<T: DeserializeOwned>(&self) -> Result<T, BadInput> {
        serde_json::from_value(self.stored()?.table.into()).at(&self.settings_file())
    }

    fn stored(&self) -> Result<Stored, BadInput> {
        let file = self.settings_file();
        serde_json::from_str(&read_text(&file, TEXT_LIMIT)?).map_err(|error| {
            let help = "without a copy of it, volley decrypt still works; anything else takes a new project";
            BadInput::at(&file, format!("changed or damaged ({error}): {help}"))
        })
    }

    /// The columns of the table that the job was encrypted from: features without names, where their file is gone.
    ///
    /// # Errors
    ///
    /// For a file of columns that was changed or is of another job.
    pub fn schema(&self, job: &Job) -> Result<Schema, BadInput> {
        let features = job.plan().layout().shape().columns - 1;
        Ok(self.stored_schema(job)?.map_or_else(|| Schema::of_features(features), |stored| stored.columns))
    }

    /// Whether the columns of that table are known.
    ///
    /// # Errors
    ///
    /// As [`schema`](Self::schema).
    pub(crate) fn has_schema(&self, job: &Job) -> Result<bool, BadInput> {
        Ok(self.stored_schema(job)?.is_some())
    }

    /// Whether the rows of the job were weighted for all classes to count alike, as far as it is known.
    ///
    /// # Errors
    ///
    /// As [`schema`](Self::schema).
    pub fn is_balanced(&self, job: &Job) -> Result<bool, BadInput> {
        Ok(self.stored_schema(job)?.is_some_and(|stored| stored.balanced))
    }

    fn stored_schema(&self, job: &Job) -> Result<Option<StoredSchema>, BadInput> {
        let (file, features) = (self.files_of(job).schema(), job.plan().layout().shape().columns - 1);
        let Some(stored) = StoredSchema::read(&file)? else { return Ok(None) };
        let is_of_job = stored.job_id == Some(job.id().to_string());
        if stored.format == FORMAT && is_of_job && stored.columns.count(Use::Feature) == features {
            return Ok(Some(stored));
        }
        Err(BadInput::at(&file, "changed, or of another encryption: `volley encrypt` makes it anew"))
    }

    /// The columns of the table that was planned for, if it was one and not a shape.
    ///
    /// # Errors
    ///
    /// For a file of columns that was changed, or made by another version.
    pub fn planned_schema(&self) -> Result<Option<Schema>, BadInput> {
        let file = self.planned_schema_file();
        match StoredSchema::read(&file)? {
            Some(stored) if stored.format != FORMAT => {
                Err(BadInput::at(&file, "made by another version of volley"))
            }
            stored => Ok(stored.map(|stored| stored.columns)),
        }
    }

    /// The job that was encrypted last, for work with the secret key.
    ///
    /// # Errors
    ///
    /// Where there is no job, or its parameters claim no security.
    pub fn job(&self) -> Result<Job, BadInput> {
        let upload = self.upload();
        if !upload.job_file().try_exists().at(&upload.job_file())? {
            return Err(BadInput::at(
                upload.path(),
                "there is no job.vly in this folder: `volley encrypt` makes one. What was encrypted or trained by \
                 another takes that one's job.vly, of which the server has a copy",
            ));
        }
        secure(upload.job()?, &upload.job_file())
    }

    /// The job that a file is of: an earlier one that rows were added to, or else the one that was encrypted last.
    pub(crate) fn job_of(&self, file: &Path) -> Result<Job, BadInput> {
        let header = open(file).ok().and_then(|file| Header::read(file).ok());
        let named = header.as_ref().and_then(wire::names).map(|(job, _)| self.earlier(job).job());
        match named {
            Some(earlier) if earlier.exists() => secure(read_job(&earlier)?, &earlier),
            _ => self.job(),
        }
    }

    /// What goes to the server.
    #[must_use]
    pub fn upload(&self) -> JobFolder {
        JobFolder::new(&self.root.join("upload"))
    }

    /// An upload that will take the place of the one that is there.
    fn pending(&self) -> JobFolder {
        JobFolder::new(&self.root.join("append"))
    }

    /// The private files of the job that was encrypted last.
    #[must_use]
    pub fn owner_files(&self) -> OwnerFiles {
        OwnerFiles { folder: self.private() }
    }

    /// What the models of a job are decrypted with, once another one took its place.
    fn earlier(&self, job: JobId) -> OwnerFiles {
        OwnerFiles { folder: self.private().join("earlier").join(job.to_string()) }
    }

    /// The private files of a job: an earlier one, or the one that was encrypted last.
    fn files_of(&self, job: &Job) -> OwnerFiles {
        let earlier = self.earlier(job.id());
        if earlier.job().exists() { earlier } else { self.owner_files() }
    }

    /// Keeps what the models of the job are decrypted with, its own file last.
    fn keep_job(&self) -> Result<(), BadInput> {
        let (upload, now) = (self.upload(), self.owner_files());
        let earlier = self.earlier(upload.job()?.id());
        if earlier.job().exists() {
            return Ok(());
        }
        fs::create_dir_all(&earlier.folder).at(&earlier.folder)?;
        let of_job = (upload.job_file(), earlier.job());
        for (file, copy) in
            [(now.owner_state(), earlier.owner_state()), (now.schema(), earlier.schema()), of_job]
        {
            if file.try_exists().at(&file)? {
                let mut content = open(&file)?;
                Staged::private(&copy, |mut out| io::copy(&mut content, &mut out).map(drop))?.commit(true)?;
            }
        }
        Ok(())
    }

    /// The private files of a job whose upload is pending.
    #[must_use]
    pub fn pending_owner_files(&self) -> OwnerFiles {
        OwnerFiles { folder: self.pending().path().to_owned() }
    }

    /// An empty folder for it. What an earlier one left there was never complete.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn new_pending(&self) -> Result<JobFolder, BadInput> {
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

    /// Moves a complete upload to its place, the job last. What models of the job before are decrypted with is kept.
    /// Interrupted, it can be done again: what was moved is there. The caller has the lock of the upload.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn complete_pending(&self) -> Result<(), BadInput> {
        self.keep_job()?;
        let (pending, upload) = (self.pending(), self.upload());
        let folder = pending.path();
        let job_file = pending.job_file();
        for entry in fs::read_dir(folder).at(folder)? {
            let file = entry.at(folder)?.path();
            let target = match file.file_name() {
                Some(name) if name == OWNER_STATE || name == SCHEMA => self.private().join(name),
                Some(name) if file != job_file => upload.path().join(name),
                _ => continue,
            };
            move_file(&file, &target)?;
        }
        move_file(&job_file, &upload.job_file())?;
        fs::remove_dir(folder).at(folder)
    }

    /// The folder of what stays with the owner.
    pub(crate) fn private(&self) -> PathBuf {
        self.root.join("private")
    }

    fn planned_schema_file(&self) -> PathBuf {
        self.private().join(PLANNED_SCHEMA)
    }

    fn settings_file(&self) -> PathBuf {
        self.root.join(PROJECT_FILE)
    }

    /// Where the secret key is.
    #[must_use]
    pub fn secret_key_file(&self) -> PathBuf {
        self.private().join("secret-key.vly")
    }

    /// Reads the secret key; calls for its `passphrase` if it is sealed, and returns that too.
    ///
    /// # Errors
    ///
    /// Where there is no key, its file is damaged, or the passphrase is not that of the key.
    pub fn secret_key(
        &self,
        context: &Arc<Context>,
        passphrase: impl FnOnce() -> Result<Zeroizing<String>, BadInput>,
    ) -> Result<(SecretKey, Option<Zeroizing<String>>), BadInput> {
        let file = self.secret_key_file();
        if !file.try_exists().at(&file)? {
            return Err(BadInput::at(
                &file,
                "there is no secret key: `volley keygen` makes one; what was encrypted for a lost one stays so",
            ));
        }
        let header = Header::read(open_named(&file)?).at(&file)?;
        let passphrase = SecretKey::is_sealed(&header).then(passphrase).transpose()?;
        let bytes = passphrase.as_ref().map(|passphrase| passphrase.as_bytes());
        // Unbuffered: no buffer is left to be wiped.
        let key = SecretKey::read(context, bytes, open_named(&file)?, SECRET_KEY_LIMIT).at(&file)?;
        Ok((key, passphrase))
    }

    /// Reads the secret key of the job, and refuses another that took its place.
    ///
    /// # Errors
    ///
    /// As [`secret_key`](Self::secret_key), and for another key than the job's.
    pub fn secret_key_of(
        &self,
        job: &Job,
        context: &Arc<Context>,
        passphrase: impl FnOnce() -> Result<Zeroizing<String>, BadInput>,
    ) -> Result<SecretKey, BadInput> {
        let (key, _) = self.secret_key(context, passphrase)?;
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
    ///
    /// # Errors
    ///
    /// For a file that is missing, damaged or of another job.
    pub fn owner_state(&self, job: &Job) -> Result<OwnerState, BadInput> {
        let file = self.files_of(job).owner_state();
        if !file.try_exists().at(&file)? {
            return Err(BadInput::at(
                &file,
                "missing: only `volley encrypt` has written it, and without it no model of this job can be read: \
                 encrypt again, and train again",
            ));
        }
        let length = complete_length(&file)?;
        OwnerState::read(job, open(&file)?, length).at(&file)
    }

    /// Stages the file that names the rows that were encrypted last.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn stage_rows_hash(&self, hash: RowsHash) -> Result<Staged, BadInput> {
        Staged::private(&self.rows_hash_file(), |mut file| writeln!(file, "{hash}"))
    }

    /// Refuses scores of other rows than those that were encrypted last.
    ///
    /// # Errors
    ///
    /// For other rows, and where it is not known which rows were encrypted.
    pub fn check_rows(&self, scores: &Path, found: RowsHash) -> Result<(), BadInput> {
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
}

/// The private files of a job.
#[derive(Debug)]
pub struct OwnerFiles {
    folder: PathBuf,
}

impl OwnerFiles {
    /// What the decrypted weights are read with.
    #[must_use]
    pub fn owner_state(&self) -> PathBuf {
        self.folder.join(OWNER_STATE)
    }

    fn schema(&self) -> PathBuf {
        self.folder.join(SCHEMA)
    }

    /// The job, where it is an earlier one.
    fn job(&self) -> PathBuf {
        JobFolder::new(&self.folder).job_file()
    }

    /// Stages the columns of the table that a job was encrypted from, and whether its rows were weighted for all
    /// classes to count alike.
    ///
    /// # Errors
    ///
    /// For names that are too long, and what the file system refuses.
    pub fn stage_schema(&self, job: &Job, schema: &Schema, balanced: bool) -> Result<Staged, BadInput> {
        let (job_id, columns) = (Some(job.id().to_string()), schema.clone());
        StoredSchema { format: FORMAT, job_id, balanced, columns }.stage(&self.schema())
    }
}

/// Refuses a job whose parameters claim no security.
fn secure(job: Job, file: &Path) -> Result<Job, BadInput> {
    if job.plan().parameters().security().bits().is_some() {
        return Ok(job);
    }
    Err(BadInput::at(file, "its parameters claim no security"))
}

/// Reads a file of the project, which has no more bytes than `limit`.
pub(crate) fn read_text(file: &Path, limit: u64) -> Result<String, BadInput> {
    let mut text = String::new();
    open_named(file)?.take(limit).read_to_string(&mut text).at(file)?;
    Ok(text)
}
