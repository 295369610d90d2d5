//! A job whose rows are in several files: what happens to them before, and in the middle of, a pass.

use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use tempfile::TempDir;

use crate::setup::{TMP, folder, link, names, on_a_full_disk, refuse, replace, volley};

/// Two full files of rows and a short one.
const ROWS: usize = 195_000;
/// Too little for all rows, which are then read in every iteration.
pub(crate) const LITTLE: &str = "700M";
const ENOUGH: &str = "8G";
const UPLOAD: [&str; 6] = [
    "evaluation-keys.vly",
    "job.vly",
    "preconditioner.vly",
    "rows-00001.vly",
    "rows-00002.vly",
    "rows-00003.vly",
];

pub(crate) struct Long {
    project: PathBuf,
    pub(crate) upload: PathBuf,
    data: PathBuf,
}

/// Many rows of two columns and two classes.
pub(crate) fn long() -> &'static Long {
    static LONG: OnceLock<Long> = OnceLock::new();
    LONG.get_or_init(|| {
        let root = Path::new(TMP).join("long");
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let (project, data) = (root.join("project"), root.join("data.csv"));
        let mut table = String::new();
        for row in 0..ROWS {
            let (class, noise) = (row % 2, row * 7 % 11);
            writeln!(table, "{},{},{}", ["a", "b"][class], 20 * class + noise, row * 5 % 13).unwrap();
        }
        fs::write(&data, table).unwrap();
        volley(["init"]).args([&data, &project]).assert().success();
        volley(["keygen"]).arg(&project).assert().success();
        volley(["encrypt"]).args([&project, &data]).assert().success();
        let upload = project.join("upload");
        let found: Vec<_> = names(&upload).into_iter().filter(|name| !name.starts_with('.')).collect();
        assert_eq!(found, UPLOAD, "the layout of these rows has changed: take another number of them");
        Long { project, upload, data }
    })
}

/// An upload that the test may change.
pub(crate) fn server() -> (TempDir, PathBuf) {
    let folder = folder();
    let server = folder.path().join("server");
    link(&long().upload, &server);
    (folder, server)
}

fn train(server: &Path, memory: &str) -> Command {
    let mut command = volley(["train", "--memory", memory]);
    command.arg(server);
    command
}

/// Exit code 2, one line with these words after what is said of memory and time, and nothing that training leaves.
fn refuse_before_training(server: &Path, memory: &str, words: &[&str]) {
    let assert = train(server, memory).assert().code(2).stdout("");
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let is_said =
        |line: &&str| !["rows are read from", "training takes"].iter().any(|said| line.starts_with(said));
    let lines: Vec<_> = stderr.lines().filter(is_said).collect();
    assert!(lines.len() == 1 && words.iter().all(|word| lines[0].contains(word)), "{stderr}: {words:?}");
    assert!(names(server).iter().all(|name| UPLOAD.contains(&&**name) || name == ".volley.lock"));
}

#[test]
fn files_of_rows_that_are_missing_damaged_doubled_or_foreign_are_named_before_training() {
    let (_folder, server) = server();
    let second = server.join("rows-00002.vly");
    let content = fs::read(&second).unwrap();
    let mut damaged = content.clone();
    damaged[content.len() / 2] ^= 1;
    replace(&second, &damaged);
    for memory in [LITTLE, ENOUGH] {
        refuse_before_training(&server, memory, &["rows-00002.vly", "damaged"]);
    }
    // The same groups under two names; as long as what should be there, and not damaged.
    fs::remove_file(&second).unwrap();
    fs::hard_link(server.join("rows-00001.vly"), &second).unwrap();
    for memory in [LITTLE, ENOUGH] {
        refuse_before_training(&server, memory, &["rows-00002.vly", "the file has groups 0 to"]);
    }
    replace(&second, &content[..content.len() / 2]);
    refuse_before_training(&server, LITTLE, &["rows-00002.vly", "truncated"]);
    fs::copy(server.join("rows-00003.vly"), &second).unwrap();
    refuse_before_training(&server, LITTLE, &["rows-00002.vly", "truncated"]);
    fs::remove_file(&second).unwrap();
    refuse_before_training(
        &server,
        LITTLE,
        &["rows-00002.vly", "not there yet, and the upload is not complete without it"],
    );
    fs::hard_link(long().upload.join("rows-00002.vly"), &second).unwrap();
    let beyond = server.join("rows-00004.vly");
    fs::hard_link(&second, &beyond).unwrap();
    let words = ["rows-00004.vly", "the job has no such file of rows"];
    let assert = train(&server, LITTLE).assert().code(2).stdout("");
    assert.stderr(contains(words[0]).and(contains(words[1])));
}

/// A file of rows for which there is no room leaves the upload that was there; with room the same command makes
/// another.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_of_rows() {
    use crate::setup::link_a_project;
    let folder = folder();
    let project = folder.path().join("project");
    link_a_project(&long().project, &project);
    let upload = project.join("upload");
    let arguments = ["encrypt".as_ref(), project.as_ref(), long().data.as_ref(), "--force".as_ref()];
    refuse(&mut on_a_full_disk(30_000, &arguments), &["rows-00001.vly", "too large"]);
    for name in UPLOAD {
        assert!(fs::read(upload.join(name)).unwrap() == fs::read(long().upload.join(name)).unwrap());
    }
    assert!(names(&upload).iter().all(|name| UPLOAD.contains(&&**name) || name == ".volley.lock"));
    volley(arguments).assert().success();
    // A file of the earlier job among those of this one.
    let second = upload.join("rows-00002.vly");
    fs::remove_file(&second).unwrap();
    fs::hard_link(long().upload.join("rows-00002.vly"), &second).unwrap();
    refuse_before_training(&upload, LITTLE, &["rows-00002.vly", "another job"]);
}

/// Trains until a pass has a file behind it, then does something to the folder. The last line that training writes.
fn disturbed(server: &Path, disturb: impl FnOnce()) -> String {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_volley"));
    command.args(["train", "--memory", LITTLE]).arg(server);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let written = || fs::metadata(server.join("gradient.vly")).and_then(|gradient| gradient.modified()).ok();
    let before = written();
    while written().is_none_or(|written| before == Some(written)) {
        assert_eq!(child.try_wait().unwrap(), None);
        sleep(Duration::from_millis(1));
    }
    disturb();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let last = lines.last().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{last}");
    last
}

/// Full disk, a file that changes, a folder that vanishes: what was done is not lost, and the model is the same.
#[cfg(unix)]
#[test]
fn a_pass_that_is_disturbed_goes_on_when_what_disturbed_it_is_mended() {
    let (_undisturbed, undisturbed) = server();
    let arguments = ["train".as_ref(), "--memory".as_ref(), LITTLE.as_ref(), undisturbed.as_ref()];
    on_a_full_disk(100, &arguments).assert().code(2).stderr(contains("gradient.vly: File too large"));
    assert_eq!(names(&undisturbed)[1..], UPLOAD);
    train(&undisturbed, LITTLE).assert().success();
    let model = fs::read(undisturbed.join("model.vly")).unwrap();

    let (folder, server) = server();
    let (second, kept) = (server.join("rows-00002.vly"), folder.path().join("kept"));
    fs::rename(&second, &kept).unwrap();
    fs::copy(&kept, &second).unwrap();
    let mut damaged = fs::read(&second).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    // In the first pass it has been read already.
    let changed = disturbed(&server, || replace(&second, &damaged));
    assert!(changed.starts_with("error: ") && changed.contains("rows-00002.vly: "), "{changed}");
    assert!(changed.contains("damaged") && changed.contains("goes on where it was"), "{changed}");
    for name in ["gradient.vly", "checkpoint.vly", "model-after-1.vly"] {
        assert!(server.join(name).exists(), "{name}");
    }
    train(&server, LITTLE).assert().code(2).stderr(contains("rows-00002.vly").and(contains("damaged")));
    fs::rename(&kept, &second).unwrap();

    let away = folder.path().join("away");
    let vanished = disturbed(&server, || fs::rename(&server, &away).unwrap());
    assert!(vanished.starts_with(&format!("error: {}", server.display())), "{vanished}");
    assert!(vanished.contains("there is no such file"), "{vanished}");
    assert!(!server.exists() && !away.join("model.vly").exists());
    fs::rename(&away, &server).unwrap();

    // A model for which there is no room.
    let arguments = ["train".as_ref(), "--memory".as_ref(), LITTLE.as_ref(), server.as_ref()];
    on_a_full_disk(10, &arguments).assert().code(2).stderr(contains("model.vly: File too large"));
    assert!(!server.join("model.vly").exists());
    let resumed = train(&server, LITTLE).assert().success();
    resumed.stderr(contains("goes on after iteration 1 of 2"));
    assert!(fs::read(server.join("model.vly")).unwrap() == model);
}
