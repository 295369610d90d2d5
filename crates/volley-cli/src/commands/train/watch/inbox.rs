//! The folder that jobs are put into, seen from outside: names, lengths and times of files.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use volley_program::{BadInput, OrBadInput};
use volley_project::atomic::{FolderLock, Staged, is_locked};
use volley_project::{JobFolder, PROJECT_FILE};

use crate::console::{info, warn};
use crate::escaped::escaped;

/// Folders within a folder that are looked into for a job that was put too deep.
const DEPTH: usize = 2;
/// How long a job waits for room on the disk before that is looked at again.
const POSTPONEMENT: Duration = Duration::from_secs(60);

/// What is to be done with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Its files are not all there, or still change. So it is with any folder that has no job.
    Arriving,
    /// It can be trained.
    Waiting,
    /// A program is at work on it: the one that was started here, or another.
    Training,
    /// Its model is there.
    Done,
    /// It has a file with an error beside it.
    Failed,
    /// It lies in a folder within its own, where it is not looked for.
    Misplaced,
    /// The user of this program may not read its folder.
    Unreadable,
}

impl State {
    pub(super) const ALL: [Self; 7] = [
        Self::Arriving,
        Self::Waiting,
        Self::Training,
        Self::Done,
        Self::Failed,
        Self::Misplaced,
        Self::Unreadable,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Arriving => "arriving",
            Self::Waiting => "waiting",
            Self::Training => "training",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Misplaced => "misplaced",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The files of a job, without those that are hidden: name, length, time of change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content(Vec<(OsString, u64, Option<SystemTime>)>);

impl Content {
    fn of(folder: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if !is_hidden(&entry.file_name()) {
                let metadata = entry.metadata()?;
                files.push((entry.file_name(), metadata.len(), metadata.modified().ok()));
            }
        }
        files.sort_unstable();
        Ok(Self(files))
    }

    /// When a file changed last, if it is there.
    fn changed(&self, file: &Path) -> Option<SystemTime> {
        let name = file.file_name()?;
        self.0.iter().find(|(other, ..)| other == name)?.2
    }

    fn has(&self, file: &Path) -> bool {
        self.0.iter().any(|(name, ..)| Some(name.as_os_str()) == file.file_name())
    }
}

/// A job that was seen.
#[derive(Clone, Debug)]
pub(super) struct Job {
    name: OsString,
    folder: PathBuf,
    content: Content,
    state: State,
}

impl Job {
    /// Its name, as it is shown.
    pub(super) fn label(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether nobody has taken it away.
    pub(super) fn is_there(&self) -> bool {
        self.content.has(Path::new(PROJECT_FILE)) || JobFolder::new(&self.folder).job_file().exists()
    }
}

/// A folder with jobs, which no other program watches.
#[derive(Debug)]
pub(super) struct Inbox {
    folder: PathBuf,
    /// As they were seen last, by name.
    jobs: Vec<Job>,
    /// What was found to lack files.
    incomplete: HashMap<OsString, Content>,
    /// What there was no room for, and when.
    postponed: HashMap<OsString, Instant>,
    /// What failed, and could not be marked.
    unmarked: HashSet<OsString>,
    /// What was trained here, with its model.
    trained: HashMap<OsString, Content>,
    _lock: FolderLock,
}

impl Inbox {
    /// Begins to watch a folder.
    ///
    /// # Errors
    ///
    /// [`BadInput`] if there is no such folder, or another program watches it.
    pub(super) fn open(folder: &Path) -> Result<Self, BadInput> {
        // The folder itself may be missing, not the lock in it.
        fs::metadata(folder).at(folder)?;
        if folder.join(PROJECT_FILE).exists() {
            let problem = "this is a project of an owner, and no folder for jobs: only its folder upload goes to a \
                           server";
            return Err(BadInput::at(folder, problem));
        }
        if JobFolder::new(folder).job_file().exists() {
            let problem = "this is a job, and no folder for jobs: volley train FOLDER trains it, and a watch takes the \
                           folder that it is in";
            return Err(BadInput::at(folder, problem));
        }
        // Links that lie among the jobs are not followed.
        let _lock = FolderLock::take_among_links(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            jobs: Vec::new(),
            incomplete: HashMap::new(),
            postponed: HashMap::new(),
            unmarked: HashSet::new(),
            trained: HashMap::new(),
            _lock,
        })
    }

    /// Looks what is there. `own` is the job that was begun here, which takes its lock in a moment.
    ///
    /// # Errors
    ///
    /// [`BadInput`] if the folder cannot be read. Whatever is in it is no error.
    pub(super) fn look(&mut self, own: Option<&Job>) -> Result<(), BadInput> {
        let mut jobs = Vec::new();
        for entry in fs::read_dir(&self.folder).at(&self.folder)? {
            let entry = entry.at(&self.folder)?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let (name, folder) = (entry.file_name(), entry.path());
            if !is_folder || is_hidden(&name) {
                continue;
            }
            let is_own = own.is_some_and(|own| own.name == name);
            let job = match Content::of(&folder) {
                Ok(content) => Some(self.job(name, folder, content, is_own)),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    Some(Job { name, folder, content: Content(vec![]), state: State::Unreadable })
                }
                // A folder that vanishes is no job.
                Err(_) => None,
            };
            job.iter().filter(|_| !is_own).for_each(|job| self.tell_of(job));
            jobs.extend(job);
        }
        jobs.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let is_there = |name: &OsString| jobs.iter().any(|job| job.name == *name);
        // The mark of a job goes with it: what takes its place is tried.
        for gone in self.jobs.iter().filter(|seen| seen.state == State::Failed && !is_there(&seen.name)) {
            let _ = fs::remove_file(self.mark(&gone.name));
        }
        self.unmarked.retain(is_there);
        self.jobs = jobs;
        Ok(())
    }

    /// What a folder is: a job, or what may become one.
    fn job(&self, name: OsString, folder: PathBuf, content: Content, is_own: bool) -> Job {
        let files = JobFolder::new(&folder);
        // The program that is started for a project says what is wrong.
        let has_job = content.has(Path::new(PROJECT_FILE)) || content.has(&files.job_file());
        let is_unchanged = self.jobs.iter().any(|seen| seen.name == name && seen.content == content);
        let intermediate = [files.checkpoint_file(), files.gradient_file(0), files.stop_file()];
        // A job that came after the model may be another one, put in its place: the program that is started tells.
        let is_of_model = content.changed(&files.job_file()) <= content.changed(&files.model_file())
            || self.trained.get(&name) == Some(&content);
        let is_done = content.has(&files.model_file())
            && is_of_model
            && !intermediate.iter().any(|file| content.has(file));
        let is_marked = self.unmarked.contains(&name) || self.mark(&name).symlink_metadata().is_ok();
        let state = if is_own || is_locked(&folder) {
            State::Training
        } else if is_done {
            // It may have been trained by hand after it failed here.
            State::Done
        } else if is_marked {
            State::Failed
        } else if !has_job && job_below(&folder, DEPTH).is_some() {
            State::Misplaced
        } else if !has_job || !is_unchanged || self.incomplete.get(&name) == Some(&content) {
            State::Arriving
        } else {
            State::Waiting
        };
        Job { name, folder, content, state }
    }

    /// Says once why a job is not begun, where that may not be known.
    fn tell_of(&self, job: &Job) {
        if self.jobs.iter().any(|seen| seen.name == job.name && seen.state == job.state) {
            return;
        }
        match job.state {
            State::Misplaced => {
                let Some(below) = job_below(&job.folder, DEPTH) else { return };
                let (below, inbox) = (below.display().to_string(), self.folder.display().to_string());
                warn(format!(
                    "{} is not looked at: a job is a folder in {}",
                    escaped(&below),
                    escaped(&inbox)
                ));
            }
            State::Training => {
                info(format!("{} is trained by another program, which is waited for", escaped(&job.label())));
            }
            State::Arriving if !job.content.has(&JobFolder::new(&job.folder).job_file()) => {
                info(format!("{} waits for its job.vly", escaped(&job.label())));
            }
            State::Unreadable => {
                warn(format!(
                    "{}: this user has not the permission to read this folder",
                    escaped(&job.label())
                ));
            }
            _ => {}
        }
    }

    /// The job to train: of those that wait, the one whose `job.vly` is the oldest. None while a program is at work on
    /// one, as after a start beside a program that has not ended yet.
    pub(super) fn next(&self) -> Option<&Job> {
        if self.jobs.iter().any(|job| job.state == State::Training) {
            return None;
        }
        let is_postponed =
            |job: &Job| self.postponed.get(&job.name).is_some_and(|since| since.elapsed() < POSTPONEMENT);
        let waiting = self.jobs.iter().filter(|job| job.state == State::Waiting && !is_postponed(job));
        waiting.min_by_key(|job| job.content.changed(&JobFolder::new(&job.folder).job_file()))
    }

    /// How many jobs were in each state.
    pub(super) fn counts(&self) -> BTreeMap<State, usize> {
        let count = |state| self.jobs.iter().filter(|job| job.state == state).count();
        State::ALL.map(|state| (state, count(state))).into()
    }

    /// The names of the jobs that are not done, by their state.
    pub(super) fn not_done(&self) -> BTreeMap<State, Vec<String>> {
        let mut names = BTreeMap::new();
        for job in self.jobs.iter().filter(|job| job.state != State::Done) {
            names.entry(job.state).or_insert_with(Vec::new).push(job.label());
        }
        names
    }

    /// Writes beside a job why it failed. It is not tried again while this file is there.
    pub(super) fn mark_failed(&mut self, job: &Job, problem: &str) {
        let mark = self.mark(&job.name);
        let written = Staged::new(&mark, |out| writeln!(out, "error: {}", escaped(problem)));
        if let Err(error) = written.and_then(|staged| staged.commit(true)) {
            warn(format!("the mark of a failed job cannot be written: {error}"));
            self.unmarked.insert(job.name.clone());
        }
    }

    /// Remembers that the model of a job is of that job.
    pub(super) fn mark_trained(&mut self, job: &Job) {
        if let Ok(content) = Content::of(&job.folder) {
            self.trained.insert(job.name.clone(), content);
        }
    }

    /// Leaves a job alone until its files change.
    pub(super) fn mark_incomplete(&mut self, job: &Job) {
        self.incomplete.insert(job.name.clone(), job.content.clone());
    }

    /// Lets other jobs go before, for a while.
    pub(super) fn postpone(&mut self, job: &Job) {
        self.postponed.insert(job.name.clone(), Instant::now());
    }

    /// The file that marks a failed job.
    fn mark(&self, name: &OsStr) -> PathBuf {
        let mut name = name.to_owned();
        name.push(".error");
        self.folder.join(name)
    }
}

/// The folder of a job within a folder, so many deep at most.
fn job_below(folder: &Path, depth: usize) -> Option<PathBuf> {
    if depth == 0 {
        return None;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders = entries.filter(is_folder).map(|entry| entry.path());
    folders.find_map(|folder| {
        let is_job = JobFolder::new(&folder).job_file().symlink_metadata().is_ok();
        if is_job { Some(folder) } else { job_below(&folder, depth - 1) }
    })
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A folder with files in folders: `a/job.vly`.
    fn inbox(files: &[&str]) -> (TempDir, Inbox) {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| write(folder.path(), file, "x"));
        let inbox = Inbox::open(folder.path()).unwrap();
        (folder, inbox)
    }

    fn write(folder: &Path, file: &str, content: &str) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn states(inbox: &mut Inbox) -> Vec<(String, State)> {
        inbox.look(None).unwrap();
        inbox.jobs.iter().map(|job| (job.label(), job.state)).collect()
    }

    fn state(inbox: &mut Inbox, name: &str) -> Option<State> {
        states(inbox).into_iter().find(|(other, _)| other == name).map(|(_, state)| state)
    }

    #[test]
    fn a_job_waits_when_it_no_longer_changes_and_the_oldest_is_next() {
        let (folder, mut inbox) = inbox(&["b/job.vly", "a/rows-00001.vly", "note", ".c/job.vly", "d/other"]);
        let expected = |b| [("a", State::Arriving), ("b", b), ("d", State::Arriving)];
        for b in [State::Arriving, State::Waiting] {
            assert_eq!(states(&mut inbox), expected(b).map(|(name, state)| (name.to_owned(), state)));
        }
        fs::remove_dir_all(folder.path().join("d")).unwrap();
        write(folder.path(), "a/job.vly", "x");
        write(folder.path(), "b/rows-00001.vly", "x");
        assert!(states(&mut inbox).iter().all(|(_, state)| *state == State::Arriving));
        assert!(inbox.next().is_none());
        write(folder.path(), "b/rows-00001.vly", "xx");
        assert_eq!(state(&mut inbox, "b"), Some(State::Arriving));
        assert!(states(&mut inbox).iter().all(|(_, state)| *state == State::Waiting));
        assert_eq!(inbox.next().unwrap().label(), "b");
        let old = fs::File::options().write(true).open(folder.path().join("a/job.vly")).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        inbox.look(None).unwrap();
        inbox.look(None).unwrap();
        assert_eq!(inbox.next().unwrap().label(), "a");
    }

    #[test]
    fn failed_and_incomplete_jobs_are_left_alone_until_something_changes() {
        let (folder, mut inbox) = inbox(&["a/job.vly"]);
        states(&mut inbox);
        states(&mut inbox);
        let job = inbox.next().unwrap().clone();
        inbox.mark_incomplete(&job);
        assert_eq!(state(&mut inbox, "a"), Some(State::Arriving));
        write(folder.path(), "a/rows-00001.vly", "x");
        states(&mut inbox);
        assert_eq!(state(&mut inbox, "a"), Some(State::Waiting));
        inbox.postpone(&job);
        assert!(inbox.next().is_none() && inbox.counts()[&State::Waiting] == 1);
        inbox.mark_failed(&job, "no such rows");
        assert_eq!(fs::read_to_string(folder.path().join("a.error")).unwrap(), "error: no such rows\n");
        assert_eq!(state(&mut inbox, "a"), Some(State::Failed));
        fs::remove_file(folder.path().join("a.error")).unwrap();
        assert_eq!(state(&mut inbox, "a"), Some(State::Waiting));
        // Trained by hand.
        write(folder.path(), "a/model.vly", "x");
        inbox.mark_failed(&job, "no such rows");
        assert_eq!(state(&mut inbox, "a"), Some(State::Done));
        fs::remove_file(folder.path().join("a/model.vly")).unwrap();
        fs::remove_file(folder.path().join("a.error")).unwrap();
        // A mark that cannot be written.
        fs::create_dir(folder.path().join("a.error")).unwrap();
        inbox.mark_failed(&job, "again");
        fs::remove_dir(folder.path().join("a.error")).unwrap();
        assert_eq!(state(&mut inbox, "a"), Some(State::Failed));
    }

    #[test]
    fn a_project_is_not_watched() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "project.json", "{}");
        let refused = Inbox::open(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("a project of an owner"), "{refused}");
    }

    #[test]
    fn a_job_in_the_place_of_one_that_is_done_is_looked_at() {
        let (folder, mut inbox) = inbox(&["a/job.vly", "a/model.vly"]);
        let old = |file: &str| {
            let file = fs::File::options().write(true).open(folder.path().join(file)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        };
        old("a/job.vly");
        assert_eq!(state(&mut inbox, "a"), Some(State::Done));
        write(folder.path(), "a/job.vly", "other");
        old("a/model.vly");
        states(&mut inbox);
        assert_eq!(state(&mut inbox, "a"), Some(State::Waiting));
        // The program found the model to be that of the job.
        let job = inbox.next().unwrap().clone();
        inbox.mark_trained(&job);
        assert_eq!(state(&mut inbox, "a"), Some(State::Done));
    }

    #[test]
    fn models_are_done_and_locked_folders_at_work() {
        let (folder, mut inbox) =
            inbox(&["a/job.vly", "a/model.vly", "b/job.vly", "b/model.vly", "c/job.vly"]);
        write(folder.path(), "b/checkpoint.vly", "x");
        states(&mut inbox);
        let expected =
            [("a".into(), State::Done), ("b".into(), State::Waiting), ("c".into(), State::Waiting)];
        assert_eq!(states(&mut inbox), expected);
        let lock = FolderLock::take(&folder.path().join("b")).unwrap();
        assert_eq!(state(&mut inbox, "b"), Some(State::Training));
        assert!(inbox.next().is_none() && inbox.counts()[&State::Waiting] == 1);
        drop(lock);
        assert_eq!(state(&mut inbox, "b"), Some(State::Waiting));
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        let other = Inbox::open(folder.path()).unwrap_err();
        assert_eq!(other, BadInput::at(folder.path(), "another volley is at work in this folder"));
    }

    #[test]
    fn a_whole_project_is_tried_so_that_it_is_told_what_is_wrong() {
        let (folder, mut inbox) = inbox(&["a/project.json", "a/upload/job.vly", "b/upload/job.vly"]);
        states(&mut inbox);
        assert_eq!(state(&mut inbox, "a"), Some(State::Waiting));
        let job = inbox.next().unwrap().clone();
        inbox.mark_failed(&job, "why");
        assert_eq!(state(&mut inbox, "a"), Some(State::Failed));
        // Its mark goes with it.
        fs::remove_dir_all(folder.path().join("a")).unwrap();
        states(&mut inbox);
        assert!(!folder.path().join("a.error").exists());
        write(folder.path(), "a/job.vly", "x");
        states(&mut inbox);
        assert_eq!(state(&mut inbox, "a"), Some(State::Waiting));
    }

    #[test]
    fn jobs_in_folders_within_are_counted_as_misplaced() {
        let files = ["a/upload/job.vly", "b/c/upload/job.vly", "d/e/f/upload/job.vly"];
        let (folder, mut inbox) = inbox(&files);
        fs::create_dir(folder.path().join("empty")).unwrap();
        let [misplaced, arriving] = [["a", "b"], ["d", "empty"]].map(|names| names.map(str::to_owned).into());
        states(&mut inbox);
        states(&mut inbox);
        assert_eq!(
            inbox.not_done(),
            BTreeMap::from([(State::Misplaced, misplaced), (State::Arriving, arriving)])
        );
        assert!(inbox.next().is_none() && inbox.counts()[&State::Misplaced] == 2);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_no_jobs() {
        let (folder, mut inbox) = inbox(&["a/job.vly"]);
        std::os::unix::fs::symlink("a", folder.path().join("b")).unwrap();
        assert_eq!(states(&mut inbox).len(), 1);
        let nowhere = folder.path().join("none");
        assert!(Inbox::open(&nowhere).is_err());
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(inbox.look(None).is_err());
    }
}
