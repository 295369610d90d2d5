//! What is said on the way, for programs and in logs.

use std::fs;

use predicates::str::contains;
use serde_json::Value;

use crate::secret_forms::SecretForms;
use crate::setup::{SHAPE, fixture, folder, link, refuse, volley};

/// The lines of standard error, each of JSON.
fn events(assert: &assert_cmd::assert::Assert) -> Vec<Value> {
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn for_programs_every_line_is_an_event() {
    let folder = folder();
    let failed = volley(["--json", "train"]).arg(folder.path()).assert().code(2).stdout("");
    let [failure] = &events(&failed)[..] else { panic!("one event") };
    assert!(failure["event"] == "failure" && failure["kind"] == "input", "{failure}");
    assert!(failure["text"].as_str().unwrap().contains("there is no job.vly"), "{failure}");
    let server = folder.path().join("server");
    link(&fixture().upload, &server);
    fs::remove_file(server.join("rows-00001.vly")).unwrap();
    let failed = volley(["--json", "train"]).arg(&server).assert().code(2);
    assert_eq!(events(&failed).last().unwrap()["kind"], "incomplete");
    fs::hard_link(fixture().upload.join("rows-00001.vly"), server.join("rows-00001.vly")).unwrap();
    let trained = volley(["--json", "train"]).arg(&server).assert().success();
    let said = events(&trained);
    let text = |event: &Value| event["text"].as_str().unwrap_or_default().to_owned();
    assert_eq!(said.iter().filter(|event| text(event).starts_with("iteration ")).count(), 3, "{said:?}");
}

#[test]
fn for_programs_wrong_usage_is_a_failure_like_any_other() {
    for (arguments, words) in [
        (&["--json", "frobnicate"][..], "unrecognized subcommand 'frobnicate'"),
        (
            &["try", "data.csv", "--lable-column", "x", "--json"],
            "a similar argument exists: '--label-column'",
        ),
        (&["--json", "decrypt"], "required arguments were not provided"),
        (&["--json"], "requires a subcommand"),
    ] {
        let failed = volley(arguments).assert().code(2).stdout("");
        let [failure] = &events(&failed)[..] else { panic!("one event: {arguments:?}") };
        assert!(failure["event"] == "failure" && failure["kind"] == "input", "{failure}");
        let text = failure["text"].as_str().unwrap();
        assert!(text.contains(words) && !text.starts_with("error") && !text.contains("--help'"), "{text}");
    }
    // For a person it is text, and help is no failure.
    volley(["frobnicate"]).assert().code(2).stdout("").stderr(contains("unrecognized subcommand"));
    volley(["--json", "--help"]).assert().success().stdout(contains("Usage: volley")).stderr("");
}

/// Whoever sends a file chooses its name, and a terminal obeys what is in it.
#[cfg(unix)]
#[test]
fn names_bring_no_control_characters_to_a_terminal() {
    let folder = folder();
    let file = folder.path().join("evil\u{1b}[31m\u{9b}1m.csv");
    refuse(volley(["try"]).arg(&file), &["evil\\u{1b}[31m\\u{9b}1m.csv: "]);
}

/// Everything that any record may have is logged, by both parties; nothing in the log is the owner's.
#[test]
fn no_log_has_a_secret() {
    let fixture = fixture();
    let folder = folder();
    let (log, project, server) =
        (folder.path().join("log"), folder.path().join("project"), folder.path().join("server"));
    let run = |command: &str, arguments: &[&std::ffi::OsStr]| {
        let mut volley = volley(["--log-file"]);
        volley.arg(&log).arg(command).args(arguments).env("RUST_LOG", "trace");
        volley.assert().success();
    };
    run("init", &[&SHAPE.map(std::ffi::OsStr::new)[..], &[project.as_ref()]].concat());
    run("keygen", &[project.as_ref()]);
    run("encrypt", &[project.as_ref(), fixture.data.as_ref()]);
    link(&project.join("upload"), &server);
    run("train", &[server.as_ref()]);
    let (model, output) = (server.join("model.vly"), folder.path().join("model.json"));
    run("decrypt", &[project.as_ref(), model.as_ref(), "-o".as_ref(), output.as_ref()]);

    let found = SecretForms::of_project(&project).unwrap().search(&{
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        fs::copy(&log, logs.join("log")).unwrap();
        logs
    });
    assert_eq!(found.unwrap(), Vec::<String>::new());
    let text = fs::read_to_string(&log).unwrap();
    // A value of the table, a weight.
    let table = fs::read_to_string(&fixture.data).unwrap();
    let values = table.lines().flat_map(|line| line.split(',').skip(1));
    // The end of a time may be one by chance.
    let numbers: Vec<&str> = text.split(|c: char| !c.is_ascii_digit() && c != '.').collect();
    assert!(values.into_iter().all(|value| !numbers.contains(&value)), "{text}");
    let model: Value = serde_json::from_slice(&fs::read(&output).unwrap()).unwrap();
    let weight = model["coef"][0][0].as_f64().unwrap().to_string();
    assert!(weight.len() > 8 && !text.contains(&weight), "{text}");
    // The records of all commands, with times and levels.
    assert_eq!(text.lines().filter(|line| line.contains("begins")).count(), 5, "{text}");
    assert!(text.lines().all(|line| line.starts_with("20") && line.contains('Z')), "{text}");
    for level in [" INFO ", "DEBUG "] {
        assert!(text.contains(level), "{text}");
    }
}

#[test]
fn what_is_logged_is_chosen() {
    let folder = folder();
    let log = folder.path().join("log");
    let train = |levels: Option<&str>| {
        let mut command = volley(["train"]);
        command.arg(folder.path()).env_remove("RUST_LOG");
        levels.map(|levels| command.env("RUST_LOG", levels));
        command
    };
    train(None).arg("--log-file").arg(&log).assert().code(2);
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains(" INFO ") && text.contains("ERROR ") && text.contains("no job.vly"), "{text}");
    // A second program goes on at the end; only what is asked for.
    train(Some("error")).arg("--log-file").arg(&log).assert().code(2);
    let longer = fs::read_to_string(&log).unwrap();
    assert!(longer.starts_with(&text) && longer.lines().count() == text.lines().count() + 1, "{longer}");
    // Without a file it is on standard error, beside what the user is told.
    train(Some("info")).assert().code(2).stderr(contains(" INFO ")).stderr(contains("\nerror: "));
    refuse(&mut train(Some("volley=loud")), &["RUST_LOG"]);
    refuse(train(None).args(["--log-file", "/nowhere/log"]), &["/nowhere: there is no such folder"]);
    refuse(train(None).args(["--log-file", "/"]), &["this is a folder, and a log is a file"]);
    let secret = fixture().project.join("private/secret-key.vly");
    refuse(train(None).arg("--log-file").arg(secret), &["its owner's secret files"]);
    let data = &fixture().data;
    let before = fs::read(data).unwrap();
    refuse(train(None).arg("--log-file").arg(data), &["data.csv", "this is no log"]);
    assert_eq!(fs::read(data).unwrap(), before);
}
