//! A server that trains whatever jobs arrive, and what ends it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::setup::{TMP, fixture, folder, link, names, refuse, replace, volley};

/// Far longer than a job takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A program that is killed when a test fails.
struct Running(Child);

impl Running {
    fn start(arguments: &[&str], folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_volley"));
        command.args(arguments).arg(folder).env("XDG_CACHE_HOME", Path::new(TMP).join("cache"));
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn watch(folder: &Path) -> Self {
        Self::start(&["train", "--watch"], folder)
    }

    /// Waits for something to be so.
    fn until(&mut self, what: &str, holds: impl Fn() -> bool) {
        let begin = Instant::now();
        while !holds() {
            assert_eq!(self.0.try_wait().unwrap(), None, "ended before: {what}");
            assert!(begin.elapsed() < PATIENCE, "waited too long: {what}");
            sleep(Duration::from_millis(2));
        }
    }

    fn until_there(&mut self, file: &Path) {
        self.until(&file.display().to_string(), || file.exists());
    }

    /// SIGTERM. The exit code, and what was written to standard output and standard error.
    fn terminate(mut self) -> (Option<i32>, String, String) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let output = |stream: Option<&mut dyn std::io::Read>| {
            let mut text = String::new();
            stream.unwrap().read_to_string(&mut text).unwrap();
            text
        };
        let said = output(self.0.stdout.as_mut().map(|stream| stream as _));
        let problems = output(self.0.stderr.as_mut().map(|stream| stream as _));
        (self.0.wait().unwrap().code(), said, problems)
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn health(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("health.json")).unwrap()).unwrap()
}

fn is_the_model(file: &Path) -> bool {
    fs::read(file).unwrap() == fs::read(&fixture().model).unwrap()
}

/// What the watch of a good, a damaged, a late, a whole and a deep job says.
fn check_what_was_told(problems: &str) {
    assert_eq!(
        problems.matches("deep/upload is not looked at: a job is a folder in").count(),
        1,
        "{problems}"
    );
    let ended = problems.lines().filter(|line| line.starts_with("good: ") && line.contains("3 iterations"));
    assert_eq!(ended.count(), 1, "{problems}");
    let of_jobs = ["damaged: error: ", "whole: error: "].map(|words| problems.matches(words).count());
    assert_eq!((of_jobs, problems.matches("error: ").count()), ([1, 1], 2), "{problems}");
    assert!(problems.contains("late\\u{1b}[31m: waits for the rest: "), "{problems}");
    assert!(!problems.contains('\u{1b}'), "{problems}");
    // It begins when all is there.
    let told: Vec<_> = problems.lines().filter(|line| line.starts_with("late")).collect();
    let place = |words| told.iter().position(|line: &&str| line.contains(words));
    assert!(place("waits for the rest") < place("training starts"), "{problems}");
    assert_eq!(problems.matches("training starts").count(), 3, "{problems}");
}

#[test]
fn jobs_are_trained_in_turn_and_one_that_fails_stops_no_other() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    // Its owner chose a name that would make a terminal red.
    let (late, late_rows) = ("late\u{1b}[31m", path("late\u{1b}[31m/rows-00001.vly"));
    for job in ["good", "damaged", late] {
        link(&fixture().upload, &path(job));
    }
    let rows = fs::read(path("damaged/rows-00001.vly")).unwrap();
    let mut damaged = rows.clone();
    damaged[rows.len() / 2] ^= 1;
    replace(&path("damaged/rows-00001.vly"), &damaged);
    replace(&late_rows, &rows[..rows.len() / 3]);
    // An owner's whole project.
    fs::create_dir(path("whole")).unwrap();
    link(&fixture().upload, &path("whole/upload"));
    fs::write(path("whole/project.json"), "{}").unwrap();
    // A job that was put a folder too deep.
    link(&fixture().upload, &path("deep/upload"));
    symlink("good", path("link")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();

    let mut watch = Running::watch(folder.path());
    watch.until_there(&path("good/model.vly"));
    watch.until_there(&path("damaged.error"));
    let error = fs::read_to_string(path("damaged.error")).unwrap();
    assert!(error.starts_with("error: ") && error.contains("rows-00001.vly"), "{error}");
    assert!(error.contains("damaged") && error.lines().count() == 1, "{error}");
    assert!(is_the_model(&path("good/model.vly")) && !path("damaged/model.vly").exists());
    watch.until_there(&path("whole.error"));
    let error = fs::read_to_string(path("whole.error")).unwrap();
    assert!(error.contains("whole/upload, which") && error.contains("the secret key, must not"), "{error}");
    fs::remove_dir_all(path("whole")).unwrap();
    fs::remove_file(path("whole.error")).unwrap();

    // What is not there as a whole is waited for.
    watch.until("one job in each state", || {
        let Value::Object(found) = health(folder.path()) else { return false };
        let states = ["done", "failed", "arriving", "misplaced"];
        found["state"] == "idle" && states.iter().all(|state| found["jobs"][*state] == 1)
    });
    let metrics = fs::read_to_string(path("volley.prom")).unwrap();
    for line in ["volley_watch_jobs{state=\"failed\"} 1", "volley_watch_trained_total 1"] {
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
    }
    refuse(volley(["train", "--watch"]).arg(folder.path()), &["another volley is at work"]);
    refuse(volley(["train", "--watch"]).arg(path("good")), &["this is a job", "the folder that it is in"]);
    for command in ["train", "stop"] {
        refuse(volley([command]).arg(folder.path()), &["jobs are in its folders, such as ", "damaged"]);
    }
    replace(&late_rows, &rows);
    // A job that was mended is tried again when its mark is gone.
    replace(&path("damaged/rows-00001.vly"), &rows);
    fs::remove_file(path("damaged.error")).unwrap();
    for job in [late, "damaged"] {
        watch.until_there(&path(job).join("model.vly"));
        assert!(is_the_model(&path(job).join("model.vly")));
    }
    watch.until("done", || health(folder.path())["jobs"]["done"] == 3);
    let (code, said, problems) = watch.terminate();
    assert_eq!(code, Some(0), "{problems}");
    assert_eq!(said.lines().filter(|line| line.contains("3 iterations")).count(), 3, "{said}");
    check_what_was_told(&problems);
    assert_eq!(health(folder.path())["state"], "ended");
    let expected =
        [".volley.lock", "damaged", "dangling", "deep", "good", "health.json", late, "link", "volley.prom"];
    assert_eq!(names(folder.path()), expected);
}

#[test]
fn a_watch_that_is_killed_or_terminated_goes_on_where_it_was() {
    for is_killed in [true, false] {
        let folder = folder();
        let job = folder.path().join("job");
        link(&fixture().upload, &job);
        let mut watch = Running::watch(folder.path());
        watch.until("a checkpoint", || job.join("checkpoint.vly").exists() || job.join("model.vly").exists());
        if is_killed {
            watch.kill();
        } else {
            let (code, _, problems) = watch.terminate();
            assert_eq!(code, Some(0), "{problems}");
            // Nothing is missing of a job that was interrupted.
            assert_eq!(health(folder.path())["jobs"]["arriving"], 0);
        }
        assert!(!folder.path().join("job.error").exists());
        let mut watch = Running::watch(folder.path());
        watch.until("done", || health(folder.path())["jobs"]["done"] == 1);
        assert!(is_the_model(&job.join("model.vly")));
        let (code, ..) = watch.terminate();
        assert_eq!(code, Some(0));
        assert!(!folder.path().join("job.error").exists());
    }
}

#[test]
fn a_job_that_another_program_trains_is_waited_for() {
    let (folder, logs) = (folder(), folder());
    let log = logs.path().join("log");
    let job = folder.path().join("held");
    link(&fixture().upload, &job);
    let lock = fs::File::create(job.join(".volley.lock")).unwrap();
    lock.lock().unwrap();
    let log_file = ["--log-file", log.to_str().unwrap(), "train", "--watch"];
    let mut watch = Running::start(&log_file, folder.path());
    let (health_file, model) = (folder.path().join("health.json"), job.join("model.vly"));
    watch.until("training", || health_file.exists() && health(folder.path())["jobs"]["training"] == 1);
    assert!(!model.exists());
    drop(lock);
    watch.until_there(&model);
    let (code, _, problems) = watch.terminate();
    assert_eq!(code, Some(0), "{problems}");
    assert_eq!(problems.matches("held is trained by another program").count(), 1, "{problems}");
    // The program that trained has the last word on it in the log.
    let log = fs::read_to_string(&log).unwrap();
    assert_eq!(log.matches("model.vly: 3 iterations").count(), 1, "{log}");
}

#[test]
fn a_watched_job_is_stopped_as_any_other() {
    let folder = folder();
    let job = folder.path().join("job");
    link(&fixture().upload, &job);
    volley(["stop"]).arg(&job).assert().success();
    let mut watch = Running::start(&["train", "--json", "--watch"], folder.path());
    let mark = folder.path().join("job.error");
    watch.until_there(&mark);
    assert!(fs::read_to_string(&mark).unwrap().contains("stopped before an iteration was done"));
    fs::remove_file(job.join("stop")).unwrap();
    fs::remove_file(&mark).unwrap();
    watch.until("a checkpoint", || job.join("checkpoint.vly").exists() || job.join("model.vly").exists());
    let is_stopped = !job.join("model.vly").exists() && fs::write(job.join("stop"), "").is_ok();
    watch.until("done", || health(folder.path())["jobs"]["done"] == 1);
    let (_, _, problems) = watch.terminate();
    let events = problems.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let failed = events.filter(|event| event["event"] == "failure");
    assert!(
        failed
            .map(|event| (event["job"].clone(), event["kind"].clone()))
            .eq([("job".into(), "input".into())]),
        "{problems}"
    );
    if is_stopped {
        let model = fs::read(job.join("model.vly")).unwrap();
        let mut kept = (1..=2).map(|iteration| job.join(format!("model-after-{iteration}.vly")));
        assert!(
            is_the_model(&job.join("model.vly"))
                || kept.any(|kept| fs::read(kept).is_ok_and(|kept| kept == model))
        );
    }
}

#[test]
fn a_training_that_is_terminated_ends_after_a_checkpoint() {
    let folder = folder();
    let server = folder.path().join("server");
    link(&fixture().upload, &server);
    let mut training = Running::start(&["train", "--json"], &server);
    training.until("a checkpoint", || {
        server.join("checkpoint.vly").exists() || server.join("model.vly").exists()
    });
    let (code, said, problems) = training.terminate();
    if code != Some(0) {
        assert_eq!((code, &*said), (Some(3), ""), "{problems}");
        let last: Value = serde_json::from_str(problems.lines().last().unwrap()).unwrap();
        assert!(last["event"] == "failure" && last["kind"] == "interrupted", "{last}");
        assert!(server.join("checkpoint.vly").exists() && !server.join("model.vly").exists());
        volley(["train"]).arg(&server).assert().success();
    }
    assert!(is_the_model(&server.join("model.vly")));
}

#[test]
fn a_job_that_lacks_what_comes_last_is_told() {
    let folder = folder();
    fs::create_dir(folder.path().join("begun")).unwrap();
    fs::write(folder.path().join("begun/rows-00001.vly"), "").unwrap();
    let mut watch = Running::watch(folder.path());
    watch.until_there(&folder.path().join("health.json"));
    watch.until("it was seen", || health(folder.path())["jobs"]["arriving"] == 1);
    let (.., problems) = watch.terminate();
    assert_eq!(problems.matches("begun waits for its job.vly").count(), 1, "{problems}");
}

#[test]
fn what_cannot_be_watched() {
    let folder = folder();
    refuse(volley(["train", "--watch"]).arg(folder.path().join("none")), &["none", "there is no such file"]);
    fs::write(folder.path().join("file"), "").unwrap();
    refuse(volley(["train", "--watch"]).arg(folder.path().join("file")), &["file"]);
    volley(["train", "--watch"]).args([folder.path(), folder.path()]).assert().code(2);
    volley(["train"]).assert().code(2);
}
