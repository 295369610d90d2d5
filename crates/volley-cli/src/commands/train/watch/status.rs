//! What the server tells of itself: a file for health checks, and one with figures for Prometheus.
//!
//! The format of the figures is the text format that the node exporter's textfile collector reads. There are a dozen
//! lines whose labels are constants: no library is needed for these.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use volley_program::machine::available_disk_bytes;
use volley_program::{BadInput, OrBadInput};
use volley_project::atomic::Staged;

use super::inbox::{Inbox, Job, State};
use crate::console::warn;
use crate::event::{Event, Progress};

/// The files are written when something changes, and at least so often.
const BETWEEN_WRITES: Duration = Duration::from_secs(15);

/// What goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Doing {
    Idle,
    Training,
    Ended,
}

/// The job that is trained, and how far it is.
#[derive(Debug, Serialize)]
struct Current<'a> {
    job: &'a str,
    /// The phase, its part that is done, and what is left of it, where they are known.
    work: Option<&'a str>,
    fraction: Option<f64>,
    seconds_left: Option<f64>,
}

/// `health.json`; times are seconds since 1970.
#[derive(Debug, Serialize)]
struct Health<'a> {
    version: &'static str,
    process: u32,
    state: Doing,
    started: u64,
    updated: u64,
    current: Option<Current<'a>>,
    /// How many there are in each state.
    jobs: &'a BTreeMap<State, usize>,
    /// The names of those that are not done, by their state.
    not_done: &'a BTreeMap<State, Vec<String>>,
    disk_available_bytes: Option<u64>,
}

/// The two files, and what they say.
#[derive(Debug)]
pub(super) struct Status {
    folder: PathBuf,
    started: u64,
    facts: Facts,
    progress: Option<Progress>,
    trained: usize,
    failed: usize,
    training: Duration,
    /// What was written last, and when.
    written: Option<(Facts, Instant)>,
}

/// What is written at once when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    doing: Doing,
    job: Option<String>,
    jobs: BTreeMap<State, usize>,
    not_done: BTreeMap<State, Vec<String>>,
}

impl Status {
    /// Of a folder that is watched from here on.
    pub(super) fn new(folder: &Path) -> Self {
        let (jobs, not_done) = (BTreeMap::new(), BTreeMap::new());
        let facts = Facts { doing: Doing::Idle, job: None, jobs, not_done };
        let (trained, failed, training) = (0, 0, Duration::ZERO);
        let folder = folder.to_owned();
        Self { folder, started: now(), facts, progress: None, trained, failed, training, written: None }
    }

    /// No job is trained.
    pub(super) fn is_idle(&mut self, inbox: &Inbox) {
        self.set(Doing::Idle, None, inbox);
    }

    /// A job is trained; its last event says how far it is.
    pub(super) fn goes_on(&mut self, job: &Job, event: Option<&Event>, inbox: &Inbox) {
        match event {
            Some(Event::Progress(progress)) => self.progress = Some(progress.clone()),
            Some(Event::Phase { .. }) => self.progress = None,
            _ => {}
        }
        self.set(Doing::Training, Some(job.label()), inbox);
    }

    /// A job was trained, in so long.
    pub(super) fn trained(&mut self, took: Duration) {
        self.trained += 1;
        self.training += took;
    }

    /// A job failed, after so long.
    pub(super) fn failed(&mut self, after: Duration) {
        self.failed += 1;
        self.training += after;
    }

    /// The folder is no longer watched.
    pub(super) fn ends(&mut self, inbox: &Inbox) {
        self.set(Doing::Ended, None, inbox);
    }

    fn set(&mut self, doing: Doing, job: Option<String>, inbox: &Inbox) {
        if job != self.facts.job {
            self.progress = None;
        }
        self.facts = Facts { doing, job, jobs: inbox.counts(), not_done: inbox.not_done() };
        let is_new =
            |(facts, when): &(Facts, Instant)| *facts != self.facts || when.elapsed() >= BETWEEN_WRITES;
        if self.written.as_ref().is_none_or(is_new) {
            // A disk that is full must not end the service: what is there grows old, which tells.
            if let Err(error) = self.write() {
                warn(format!("the state of the service cannot be written: {error}"));
            }
            self.written = Some((self.facts.clone(), Instant::now()));
        }
    }

    fn write(&self) -> Result<(), BadInput> {
        let disk = available_disk_bytes(&self.folder);
        let health = self.folder.join("health.json");
        let text = serde_json::to_string_pretty(&self.health(disk)).at(&health)?;
        Staged::new(&health, |out| writeln!(out, "{text}"))?.commit(true)?;
        let metrics = self.folder.join("volley.prom");
        Staged::new(&metrics, |out| out.write_all(self.metrics(disk).as_bytes()))?.commit(true)
    }

    fn health(&self, disk_available_bytes: Option<u64>) -> Health<'_> {
        let Facts { doing, job, jobs, not_done } = &self.facts;
        let current = job.as_ref().map(|job| Current {
            job,
            work: self.progress.as_ref().map(|progress| &*progress.work),
            fraction: self.progress.as_ref().map(Progress::fraction),
            seconds_left: self.progress.as_ref().and_then(|progress| progress.seconds_left),
        });
        Health {
            version: env!("CARGO_PKG_VERSION"),
            process: process::id(),
            state: *doing,
            started: self.started,
            updated: now(),
            current,
            jobs,
            not_done,
            disk_available_bytes,
        }
    }

    /// The figures, each below its description and type.
    fn metrics(&self, disk_available_bytes: Option<u64>) -> String {
        let mut text = String::new();
        let mut figure = |name: &str, kind: &str, help: &str, values: &[(String, f64)]| {
            if values.is_empty() {
                return;
            }
            text += &format!("# HELP volley_watch_{name} {help}\n# TYPE volley_watch_{name} {kind}\n");
            for (labels, value) in values {
                text += &format!("volley_watch_{name}{labels} {value}\n");
            }
        };
        let one = |value: f64| [(String::new(), value)];
        let jobs: Vec<_> = State::ALL
            .map(|state| {
                let count = self.facts.jobs.get(&state).copied().unwrap_or_default();
                (format!("{{state=\"{}\"}}", state.name()), count as f64)
            })
            .into();
        figure("jobs", "gauge", "Jobs in the watched folder.", &jobs);
        figure("trained_total", "counter", "Jobs trained since the start.", &one(self.trained as f64));
        figure("failed_total", "counter", "Jobs that failed since the start.", &one(self.failed as f64));
        let seconds = self.training.as_secs_f64();
        figure("training_seconds_total", "counter", "Time of these jobs.", &one(seconds));
        if let Some(progress) = &self.progress {
            let help = "Part of the current phase of the current job that is done.";
            figure("progress_ratio", "gauge", help, &one(progress.fraction()));
            let left = progress.seconds_left.map(|seconds| (String::new(), seconds));
            figure("left_seconds", "gauge", "What is left of this phase.", left.as_slice());
        }
        if let Some(bytes) = disk_available_bytes {
            figure("disk_available_bytes", "gauge", "Room where the jobs are.", &one(bytes as f64));
        }
        figure("start_time_seconds", "gauge", "Start of the service.", &one(self.started as f64));
        figure("updated_time_seconds", "gauge", "When this file was written.", &one(now() as f64));
        text
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;

    /// A folder with a job that waits.
    fn inbox(folder: &Path) -> Inbox {
        fs::create_dir(folder.join("job")).unwrap();
        fs::write(folder.join("job/job.vly"), "x").unwrap();
        let mut inbox = Inbox::open(folder).unwrap();
        inbox.look(None).unwrap();
        inbox.look(None).unwrap();
        inbox
    }

    fn progress() -> Event {
        Event::Progress(Progress {
            work: "training".into(),
            done: 30,
            all: 120,
            unit: "rows".into(),
            rate: 10.0,
            seconds_left: Some(9.0),
        })
    }

    fn health(folder: &Path) -> Value {
        serde_json::from_str(&fs::read_to_string(folder.join("health.json")).unwrap()).unwrap()
    }

    #[test]
    fn health_says_what_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = inbox(folder.path());
        let mut status = Status::new(folder.path());
        status.is_idle(&inbox);
        let idle = health(folder.path());
        assert!(idle["state"] == "idle" && idle["current"].is_null() && idle["jobs"]["waiting"] == 1);
        assert_eq!(idle["not_done"], json!({"waiting": ["job"]}));
        assert_eq!(idle["process"], process::id());
        assert!(now() - idle["updated"].as_u64().unwrap() < 60);
        let job = inbox.next().unwrap();
        status.progress = None;
        status.goes_on(job, Some(&Event::Phase { work: "tables".into(), seconds: 1.0 }), &inbox);
        let begun = health(folder.path());
        assert!(begun["state"] == "training" && begun["current"]["job"] == "job");
        status.goes_on(job, Some(&progress()), &inbox);
        status.written = None;
        status.goes_on(job, None, &inbox);
        let current = &health(folder.path())["current"];
        assert!(
            current["fraction"] == 0.25 && current["seconds_left"] == 9.0 && current["work"] == "training"
        );
        status.ends(&inbox);
        assert_eq!(health(folder.path())["state"], "ended");
    }

    #[test]
    fn figures_are_lines_of_prometheus() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = inbox(folder.path());
        let mut status = Status::new(folder.path());
        status.goes_on(inbox.next().unwrap(), None, &inbox);
        status.goes_on(inbox.next().unwrap(), Some(&progress()), &inbox);
        status.trained(Duration::from_secs(3));
        status.failed(Duration::from_millis(500));
        let text = status.metrics(Some(12_000_000_000));
        for line in [
            "volley_watch_jobs{state=\"waiting\"} 1",
            "volley_watch_jobs{state=\"failed\"} 0",
            "volley_watch_trained_total 1",
            "volley_watch_failed_total 1",
            "volley_watch_training_seconds_total 3.5",
            "volley_watch_progress_ratio 0.25",
            "volley_watch_left_seconds 9",
            "volley_watch_disk_available_bytes 12000000000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        // Each figure is described and typed once, before its values; the last line ends.
        let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        for name in names {
            let help = text.find(&format!("# HELP {name} ")).unwrap();
            let value = text.find(&format!("\n{name}")).unwrap();
            assert!(help < value && text.matches(&format!("# TYPE {name} ")).count() == 1);
        }
        assert!(text.ends_with('\n'));
        let unknown = Status::new(folder.path()).metrics(None);
        assert!(!unknown.contains("disk") && !unknown.contains("progress"), "{unknown}");
    }

    #[test]
    fn a_state_that_cannot_be_written_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = inbox(folder.path());
        let mut status = Status::new(&folder.path().join("none"));
        status.is_idle(&inbox);
        assert!(status.written.is_some());
    }
}
