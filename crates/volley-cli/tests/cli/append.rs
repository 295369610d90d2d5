//! Rows that are added to a job that has not begun.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::str::contains;
use serde_json::Value;

use crate::setup::{fixture, folder, link, link_a_project, link_project, names, refuse, table, volley};

/// Enough rows for several blocks: those that are added need no other keys.
const FIRST: usize = 1600;
const ALL: usize = 2700;

/// Rows of the table from one on.
fn rows(range: std::ops::Range<usize>) -> String {
    let text = table(range.end);
    text.lines().skip(range.start).fold(String::new(), |text, line| text + line + "\n")
}

fn encrypt(project: &Path, data: &Path) -> Command {
    let mut command = volley(["encrypt"]);
    command.arg(project).arg(data);
    command
}

fn append(project: &Path, data: &Path) -> Command {
    let mut command = encrypt(project, data);
    command.arg("--append");
    command
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&command.arg("--json").assert().success().get_output().stdout).unwrap()
}

/// A project of a table, up to the complete upload.
fn encrypted(options: &[&str], data: &Path, project: &Path) {
    volley(["init", "--profile", "paper"]).args(options).args([data, project]).assert().success();
    volley(["keygen"]).arg(project).assert().success();
    encrypt(project, data).assert().success();
}

/// `volley decrypt`, into a file beside the upload that was trained.
fn decrypt(project: &Path, server: &Path) -> Command {
    let mut command = volley(["decrypt"]);
    command.arg(project).arg(server.join("model.vly")).arg("-o").arg(server.with_extension("json"));
    command
}

/// Trains on a copy of an upload.
fn train(project: &Path, server: &Path) {
    link(&project.join("upload"), server);
    volley(["train"]).arg(server).assert().success();
}

/// Equal but for encryption's noise.
fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>]) {
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
    }
}

/// A model in clear, from a copy of an upload that is trained here.
fn model(project: &Path, server: &Path) -> Vec<Vec<f64>> {
    train(project, server);
    decrypted(project, server)
}

/// A model in clear, from a copy of an upload that was trained.
fn decrypted(project: &Path, server: &Path) -> Vec<Vec<f64>> {
    decrypt(project, server).arg("--force").assert().success();
    let model: Value = serde_json::from_slice(&fs::read(server.with_extension("json")).unwrap()).unwrap();
    serde_json::from_value(model["coef"].clone()).unwrap()
}

#[test]
fn added_rows_are_trained_on_and_an_append_that_was_cut_off_is_completed_or_was_never_there() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("first.csv"), rows(0..FIRST)).unwrap();
    fs::write(path("more.csv"), rows(FIRST..ALL)).unwrap();
    let project = path("project");
    encrypted(&[], &path("first.csv"), &project);
    link_a_project(&project, &path("before"));

    // What is left of an append that never became complete is of no account.
    fs::create_dir(project.join("append")).unwrap();
    fs::write(project.join("append/rows-00001.vly"), "half").unwrap();
    let appended = json(&mut append(&project, &path("more.csv")));
    assert_eq!(appended["samples"], ALL);
    assert_eq!(appended["appended_samples"], ALL - FIRST);
    assert!(!project.join("append").exists());
    let found = model(&project, &path("server"));

    // The paper's profile has no statistics: the same as all rows at once, but for encryption's noise.
    let all = path("all");
    fs::write(path("all.csv"), rows(0..ALL)).unwrap();
    encrypted(&[], &path("all.csv"), &all);
    assert_close(&found, &model(&all, &path("server of all")));

    // Cut off with some files in their places: the next command completes it, whatever it is.
    let cut = path("cut");
    link_a_project(&path("before"), &cut);
    let pending = cut.join("append");
    fs::create_dir(&pending).unwrap();
    let new_upload = project.join("upload");
    for name in names(&new_upload).iter().filter(|name| name.starts_with("rows") || *name == "job.vly") {
        fs::hard_link(new_upload.join(name), pending.join(name)).unwrap();
    }
    for name in ["private/owner-state.vly", "private/columns.json", "upload/preconditioner.vly"] {
        fs::remove_file(cut.join(name)).unwrap();
        fs::hard_link(project.join(name), cut.join(name)).unwrap();
    }
    let early = path("server that got it too early");
    link(&cut.join("upload"), &early);
    refuse(volley(["train"]).arg(&early), &["preconditioner.vly", "another job"]);
    refuse(
        volley(["decrypt"]).arg(&cut).arg(path("gone.vly")).arg("-o").arg(path("none.json")),
        &["gone.vly"],
    );
    assert_eq!(model(&cut, &path("server of cut")), found);
    assert!(!pending.exists());

    // Cut off before it was complete: the earlier upload is as it was.
    let before = path("before");
    fs::create_dir(before.join("append")).unwrap();
    fs::hard_link(new_upload.join("rows-00001.vly"), before.join("append/rows-00001.vly")).unwrap();
    let server = path("server of before");
    let earlier = model(&before, &server);

    // A model of the earlier job was on its way from a server when rows were added.
    assert_eq!(decrypted(&project, &server), earlier);
    // So were scores.
    let (encrypted_rows, scores) = (path("rows.vly"), path("scores.vly"));
    volley(["encrypt-rows"])
        .args([&before, &path("more.csv")])
        .arg("-o")
        .arg(&encrypted_rows)
        .assert()
        .success();
    volley(["score"]).args([&server, &encrypted_rows]).arg("-o").arg(&scores).assert().success();
    let mut of_earlier = volley(["decrypt-scores", "--rows"]);
    of_earlier.args([&encrypted_rows, &project, &scores]).assert().success();
    refuse(decrypt(&all, &server).arg("--force"), &["job"]);
}

#[test]
fn rows_that_do_not_belong_to_the_first_are_refused_and_nothing_changes() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let project = path("project");
    link_project(&project);
    let upload = project.join("upload");
    let job = fs::read(upload.join("job.vly")).unwrap();
    fs::write(path("more.csv"), rows(24..30)).unwrap();
    let narrow: String =
        rows(24..30).lines().map(|line| line.rsplitn(3, ',').last().unwrap().to_owned() + "\n").collect();
    fs::write(path("narrow.csv"), narrow).unwrap();
    fs::write(path("other.csv"), rows(24..30).replace("c,", "d,")).unwrap();
    fs::write(path("many.csv"), rows(24..20_000)).unwrap();
    refuse(&mut append(&project, &path("gone.csv")), &["gone.csv"]);
    refuse(&mut append(&project, &path("narrow.csv")), &["narrow.csv", "columns"]);
    refuse(
        &mut append(&project, &path("other.csv")),
        &["other.csv", "row 3: the label \"d\"", "none of the classes"],
    );
    refuse(&mut append(&project, &path("many.csv")), &["many.csv", "other evaluation keys", "volley init"]);
    // Metres and millimetres.
    fs::write(path("far.csv"), rows(24..30).replace(",1.", ",1000.").replace(",3.", ",3000.")).unwrap();
    refuse(
        &mut append(&project, &path("far.csv")),
        &["far.csv: most values of feature 1", "--force adds them"],
    );
    let mut weighted = append(&project, &path("more.csv"));
    weighted.arg("--class-weight=balanced").assert().code(2).stderr(contains("cannot be used with"));
    for name in ["checkpoint.vly", "gradient.vly", "model.vly", "model-after-1.vly", "stop"] {
        fs::write(upload.join(name), "").unwrap();
        refuse(&mut append(&project, &path("more.csv")), &[name, "the training has begun"]);
        refuse(
            encrypt(&project, &path("more.csv")).arg("--force"),
            &[name, "would be replaced: move it away"],
        );
        fs::remove_file(upload.join(name)).unwrap();
    }
    // A file of the upload that is damaged, and one that is gone.
    let rows_file = upload.join("rows-00001.vly");
    let content = fs::read(&rows_file).unwrap();
    let mut damaged = content.clone();
    damaged[content.len() / 2] ^= 1;
    for content in [damaged, Vec::new()] {
        fs::remove_file(&rows_file).unwrap();
        fs::write(&rows_file, content).unwrap();
        refuse(&mut append(&project, &path("more.csv")), &["rows-00001.vly"]);
    }
    fs::remove_file(&rows_file).unwrap();
    refuse(&mut append(&project, &path("more.csv")), &["rows-00001.vly"]);
    assert_eq!(fs::read(upload.join("job.vly")).unwrap(), job);
    assert!(!project.join("append").exists());
    fs::remove_file(upload.join("job.vly")).unwrap();
    refuse(&mut append(&project, &path("more.csv")), &["there is no job.vly"]);
}

#[test]
fn rows_with_class_weights_are_refused_and_others_are_added() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let project = path("project");
    link_project(&project);
    fs::write(path("more.csv"), rows(24..30)).unwrap();
    encrypt(&project, &fixture().data).args(["--force", "--class-weight", "balanced"]).assert().success();
    refuse(&mut append(&project, &path("more.csv")), &["class weights", "plan for all rows"]);
    // As many of each class: the recoding tells it, as all weights are 1.
    encrypt(&project, &fixture().data).arg("--force").assert().success();
    append(&project, &path("more.csv"))
        .assert()
        .success()
        .stderr(contains("statistics of the first"))
        .stdout(contains("30 rows"));
    let server = path("server");
    train(&project, &server);
    decrypt(&project, &server).assert().success();
    volley(["evaluate"])
        .arg(path("server.json"))
        .arg(&fixture().data)
        .assert()
        .success()
        .stdout(contains("100.00 %"));
    refuse(volley(["decrypt"]).arg(&project).arg(&fixture().model).arg("-o").arg(path("old.json")), &["job"]);
    let mut report = volley(["report"]);
    report.args([&project, &path("server.json"), &fixture().data, &fixture().data]);
    let words = "a report takes the rows of the last encryption, and none that --append added";
    refuse(report.arg("-o").arg(path("page")), &["data.csv", words]);
}

#[test]
fn columns_of_added_rows_go_by_their_names() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let named = |rows: String, header: &str| format!("{header}\n{rows}");
    fs::write(path("first.csv"), named(rows(0..FIRST), "kind,p,q,r,s")).unwrap();
    let swapped = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        [fields[2], fields[1], fields[0], fields[4], fields[3]].join(",") + "\n"
    };
    let more: String = rows(FIRST..ALL).lines().map(swapped).collect();
    fs::write(path("more.csv"), named(more.clone(), "q,p,kind,s,r")).unwrap();
    fs::write(path("renamed.csv"), named(more, "q,p,kind,s,other")).unwrap();
    let project = path("project");
    let by_name = ["--label-column", "kind"];
    encrypted(&by_name, &path("first.csv"), &project);
    refuse(&mut append(&project, &path("renamed.csv")), &["renamed.csv", "\"r\""]);
    append(&project, &path("more.csv")).assert().success();
    let found = model(&project, &path("server"));

    fs::write(path("all.csv"), named(rows(0..ALL), "kind,p,q,r,s")).unwrap();
    let all = path("all");
    encrypted(&by_name, &path("all.csv"), &all);
    assert_close(&found, &model(&all, &path("server of all")));
}
