//! What the other party, or whoever wrote into its folder, could put there: nothing is waited for, and no link is
//! followed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, starts_with};
use tempfile::TempDir;

use crate::setup::{fixture, folder, link, link_project, names, refuse, replace, table, volley};

/// Far longer than a refusal takes on a busy machine, far shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(60);

const SERVER_FILES: [&str; 10] = [
    "job.vly",
    "evaluation-keys.vly",
    "preconditioner.vly",
    "rows-00001.vly",
    "checkpoint.vly",
    "gradient.vly",
    "model.vly",
    "model-after-1.vly",
    "stop",
    ".volley.lock",
];

/// `volley`, which is stopped when it waits for something.
fn impatient<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = volley(arguments);
    command.timeout(PATIENCE);
    command
}

/// An upload in a folder of its own.
fn server() -> (TempDir, PathBuf) {
    let folder = folder();
    let server = folder.path().join("server");
    link(&fixture().upload, &server);
    (folder, server)
}

fn make_pipe(at: &Path) {
    let _ = fs::remove_file(at);
    assert!(std::process::Command::new("mkfifo").arg(at).status().unwrap().success());
}

/// Commands that read the job of a project, or of its upload.
fn readers_of_the_job(project: &Path, output: &Path) -> [Command; 6] {
    let (fixture, upload) = (fixture(), project.join("upload"));
    let [mut inspect, mut train, mut score] = ["inspect", "train", "score"].map(|name| impatient([name]));
    let [mut decrypt, mut encrypt_rows, mut decrypt_scores] =
        ["decrypt", "encrypt-rows", "decrypt-scores"].map(|name| impatient([name]));
    inspect.arg(upload.join("job.vly"));
    train.arg(&upload);
    score.args([&upload, &fixture.data]).arg("-o").arg(output);
    decrypt.args([project, &fixture.model]).arg("-o").arg(output);
    encrypt_rows.args([project, &fixture.data]).arg("-o").arg(output);
    decrypt_scores.args([project, &fixture.data]);
    [inspect, train, score, decrypt, encrypt_rows, decrypt_scores]
}

#[test]
fn jobs_that_would_take_minutes_are_refused() {
    let folder = folder();
    let project = folder.path().join("project");
    link_project(&project);
    for (job, words) in [
        (&include_bytes!("../../testdata/slow-plan-job.vly")[..], "operations is too large"),
        (&include_bytes!("../../testdata/endless-half-width-job.vly")[..], "is not supported for R = 1e-322"),
    ] {
        replace(&project.join("upload/job.vly"), job);
        let mut commands = readers_of_the_job(&project, &folder.path().join("output.json"));
        commands.iter_mut().for_each(|command| refuse(command, &["job.vly", words]));
    }
}

#[test]
fn links_in_an_upload_lead_nowhere() {
    let outside = folder();
    let secret = outside.path().join("secret");
    fs::write(&secret, "mine").unwrap();
    for target in [secret.clone(), outside.path().join("new")] {
        for name in SERVER_FILES.into_iter().chain(["notes"]) {
            let (_folder, server) = server();
            let _ = fs::remove_file(server.join(name));
            symlink(&target, server.join(name)).unwrap();
            let before = names(&server);
            let output = outside.path().join("output");
            refuse(&mut impatient(["train".as_ref(), server.as_os_str()]), &[name, "this is a link"]);
            let score = [
                "score".as_ref(),
                server.as_os_str(),
                fixture().data.as_ref(),
                "-o".as_ref(),
                output.as_ref(),
            ];
            refuse(&mut impatient(score), &[name, "this is a link"]);
            assert_eq!(names(&server), before);
            assert_eq!(names(outside.path()), ["secret"]);
            assert_eq!(fs::read_to_string(&secret).unwrap(), "mine");
        }
    }
    // Nor is the folder itself one.
    let (_folder, server) = server();
    let link = outside.path().join("link");
    symlink(&server, &link).unwrap();
    for link in [link.clone(), link.join("")] {
        refuse(&mut impatient(["train".as_ref(), link.as_os_str()]), &["link", "this is a link"]);
    }
    assert_eq!(names(&server), ["evaluation-keys.vly", "job.vly", "preconditioner.vly", "rows-00001.vly"]);
}

/// What a server returns is put into the owner's folder, links and all.
#[test]
fn links_in_the_owners_upload_lead_nowhere() {
    let folder = folder();
    let project = folder.path().join("project");
    link_project(&project);
    let outside = folder.path().join("outside");
    let output = folder.path().join("output.json");
    symlink(&outside, project.join("upload/.volley.lock")).unwrap();
    for arguments in [
        vec!["keygen".as_ref(), "--force".as_ref(), project.as_os_str()],
        vec!["encrypt".as_ref(), "--force".as_ref(), project.as_os_str(), fixture().data.as_ref()],
        vec![
            "decrypt".as_ref(),
            project.as_os_str(),
            fixture().model.as_ref(),
            "-o".as_ref(),
            output.as_ref(),
        ],
        vec![
            "encrypt-rows".as_ref(),
            project.as_os_str(),
            fixture().data.as_ref(),
            "-o".as_ref(),
            output.as_ref(),
        ],
    ] {
        refuse(&mut impatient(arguments), &[".volley.lock", "this is a link"]);
    }
    assert!(!outside.exists() && !output.exists());
}

/// The training of a server's folder is refused for a file in it. A model in the way is found when it is written.
fn refuse_to_train(server: &Path, name: &str, words: &str) {
    let mut train = impatient(["train".as_ref(), server.as_os_str()]);
    if name != "model-after-1.vly" {
        return refuse(&mut train, &[name, words]);
    }
    let started = starts_with("the upload is complete: training starts\nerror: ");
    train.assert().code(2).stderr(started.and(contains(name)).and(contains(words)));
}

#[test]
fn pipes_and_folders_in_the_place_of_files_are_not_waited_for() {
    for name in SERVER_FILES {
        let (_folder, server) = server();
        make_pipe(&server.join(name));
        refuse_to_train(&server, name, "this is no regular file");
        fs::remove_file(server.join(name)).unwrap();
        fs::create_dir(server.join(name)).unwrap();
        refuse_to_train(&server, name, "");
    }
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let (pipe, output) = (path("pipe"), path("output.json"));
    make_pipe(&pipe);
    let (project, server) = (&fixture().project, fixture().model.parent().unwrap());
    for arguments in [
        vec!["inspect".as_ref(), pipe.as_os_str()],
        vec!["score".as_ref(), server.as_ref(), pipe.as_ref(), "-o".as_ref(), output.as_ref()],
        vec!["decrypt".as_ref(), project.as_ref(), pipe.as_ref(), "-o".as_ref(), output.as_ref()],
        vec!["decrypt-scores".as_ref(), project.as_ref(), pipe.as_ref()],
    ] {
        refuse(&mut impatient(arguments), &["pipe", "this is no regular file"]);
    }
    for name in ["project.json", "private/secret-key.vly", "private/owner-state.vly"] {
        let project = path(name.rsplit('/').next().unwrap());
        link_project(&project);
        make_pipe(&project.join(name));
        let encrypt = ["encrypt".as_ref(), "--force".as_ref(), project.as_os_str(), fixture().data.as_ref()];
        let decrypt = [
            "decrypt".as_ref(),
            project.as_os_str(),
            fixture().model.as_ref(),
            "-o".as_ref(),
            output.as_ref(),
        ];
        let arguments = if name == "project.json" { &encrypt[..] } else { &decrypt[..] };
        refuse(&mut impatient(arguments), &[name, "this is no regular file"]);
    }
}

/// What the user's own shell puts there: rows without labels, as those with labels are read twice.
#[test]
fn tables_may_come_from_a_pipe() {
    let folder = folder();
    let model = folder.path().join("model.json");
    let decrypt =
        ["decrypt".as_ref(), fixture().project.as_os_str(), fixture().model.as_ref(), "-o".as_ref()];
    volley(decrypt).arg(&model).assert().success();
    let mut predict = impatient(["predict".as_ref(), model.as_os_str(), "/dev/stdin".as_ref()]);
    let unlabelled: String = table(3).lines().map(|line| format!("{}\n", &line[2..])).collect();
    predict.write_stdin(unlabelled).assert().success().stdout("a\nb\nc\n");
}
