//! Disks that are too small for what a command will write.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use predicates::str::contains;

use crate::setup::{SHAPE, fixture, folder, names, volley};

/// Runs a command of the shell where a folder is a disk of so many bytes, in a view of the files that no other program
/// has. `None` where the system does not allow that.
fn on_a_disk_of(bytes: u64, folder: &Path, script: &str, files: &Path) -> Option<Output> {
    let mount = "mount -t tmpfs -o size=\"$1\" none \"$2\"";
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &format!("{mount} && {{ {script}; }}")]);
        command.arg(env!("CARGO_BIN_EXE_volley")).arg(bytes.to_string()).args([folder, files]).output()
    };
    if !run("true").is_ok_and(|output| output.status.success()) {
        return None;
    }
    run(script).ok()
}

fn refused(output: &Output, words: &[&str]) {
    let problem = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{problem}");
    assert!(problem.starts_with("error: ") && problem.lines().count() == 1, "{problem}");
    assert!(words.iter().all(|word| problem.contains(word)), "{problem}: {words:?}");
}

/// Room for the upload, and for less than the model of the first iteration.
#[test]
fn training_is_refused_before_the_first_iteration() {
    let (folder, upload) = (folder(), &fixture().upload);
    let lengths = names(upload).into_iter().map(|name| fs::metadata(upload.join(name)).unwrap().len());
    let bytes = lengths.sum::<u64>() + (1 << 20);
    let script = "cp \"$3\"/*.vly \"$2\"; \"$0\" train \"$2\"; code=$?; ls \"$2\"; exit $code";
    let Some(output) = on_a_disk_of(bytes, folder.path(), script, upload) else {
        println!("skipped: no disk can be mounted here");
        return;
    };
    refused(&output, &["training writes up to ", " MB, and the disk has room for "]);
    let left = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!left.contains("model") && !left.contains("checkpoint"), "{left}");
}

#[test]
fn keys_and_rows_are_refused_before_they_are_made() {
    let (folder, project) = (folder(), &fixture().project);
    let shape = SHAPE.join(" ");
    let keys = format!("\"$0\" init {shape} \"$2/p\" > /dev/null && exec \"$0\" keygen \"$2/p\"");
    let Some(output) = on_a_disk_of(50_000_000, folder.path(), &keys, project) else {
        println!("skipped: no disk can be mounted here");
        return;
    };
    refused(&output, &["key generation writes up to 95.2 MB, and the disk has room for 50.0 MB"]);
    // With the keys there is a megabyte left.
    let rows = "cp -r \"$3\"/private \"$3\"/project.json \"$2\"; mkdir \"$2/upload\"; \
                cp \"$3\"/upload/evaluation-keys.vly \"$2/upload\"; exec \"$0\" encrypt \"$2\" \"$3/../data.csv\"";
    let Some(output) = on_a_disk_of(96_500_000, folder.path(), rows, project) else {
        println!("skipped: no disk can be mounted here");
        return;
    };
    refused(&output, &["encryption writes up to ", " MB, and the disk has room for "]);
}

/// What the help names is all that is read of a project.
#[test]
fn decryption_needs_a_few_small_files_of_the_project() {
    let (fixture, folder) = (fixture(), folder());
    let project = folder.path().join("project");
    let needed =
        ["upload/job.vly", "private/secret-key.vly", "private/owner-state.vly", "private/columns.json"];
    let help = volley(["decrypt", "--help"]).assert().success();
    let help = String::from_utf8(help.get_output().stdout.clone()).unwrap();
    for file in needed {
        fs::create_dir_all(project.join(file).parent().unwrap()).unwrap();
        fs::copy(fixture.project.join(file), project.join(file)).unwrap();
        assert!(help.contains(file), "{file}: {help}");
    }
    let decrypt = || {
        let mut command = volley(["decrypt"]);
        command.arg(&project).arg(&fixture.model).arg("-o").arg(folder.path().join("model.json"));
        command.arg("--force").assert()
    };
    decrypt().success();
    let away = folder.path().join("away");
    for (file, words) in [
        ("upload/job.vly", "takes that one's job.vly, of which the server has a copy"),
        ("private/secret-key.vly", "there is no secret key"),
        ("private/owner-state.vly", "without it no model of this job can be read: encrypt again"),
    ] {
        fs::rename(project.join(file), &away).unwrap();
        decrypt().code(2).stderr(contains(words));
        fs::rename(&away, project.join(file)).unwrap();
    }
}
