//! Scores are those of the rows that were asked about, or are refused.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::str::contains;
use tempfile::TempDir;
use volley_mlr::volley_ckks::wire::{Header, write_file};

use crate::setup::{fixture, folder, link, link_project, refuse, table, volley};

/// A project with the fixture's model, and a place for files.
struct Owner {
    folder: TempDir,
    project: PathBuf,
}

impl Owner {
    fn new() -> Self {
        let folder = folder();
        let project = folder.path().join("project");
        link_project(&project);
        Self { folder, project }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Encrypts rows and has them scored by the server: `NAME.rows` and `NAME.scores`.
    fn score(&self, name: &str, table: &str) {
        let [data, rows, scores] = ["csv", "rows", "scores"].map(|kind| self.path(name).with_extension(kind));
        fs::write(&data, table).unwrap();
        volley(["encrypt-rows"]).args([&self.project, &data]).arg("-o").arg(&rows).assert().success();
        let server = fixture().model.parent().unwrap();
        volley(["score"]).args([server, &rows]).arg("-o").arg(&scores).assert().success();
    }

    fn decrypt(&self, scores: &str) -> Command {
        let mut command = volley(["decrypt-scores"]);
        command.args([&self.project, &self.path(scores)]);
        command
    }
}

#[test]
fn rows_are_not_scored_by_the_model_of_a_stopped_training() {
    let owner = Owner::new();
    let server = owner.path("server");
    link(&fixture().upload, &server);
    volley(["train"]).arg(&server).assert().success();
    fs::rename(server.join("model-after-1.vly"), server.join("model.vly")).unwrap();
    let [data, rows] = ["some.csv", "some.rows"].map(|name| owner.path(name));
    fs::write(&data, table(9)).unwrap();
    volley(["encrypt-rows"]).args([&owner.project, &data]).arg("-o").arg(&rows).assert().success();
    let mut score = volley(["score"]);
    score.args([&server, &rows]).arg("-o").arg(owner.path("some.scores"));
    refuse(&mut score, &["model.vly: the model after iteration 1 of 3", "by the last one only"]);
    refuse(volley(["train"]).arg(server.join("job.vly")), &["job.vly: this is a file"]);
}

#[test]
fn scores_of_other_rows_are_refused() {
    let owner = Owner::new();
    owner.score("first", &table(9));
    owner.decrypt("first.scores").assert().success().stdout("a\nb\nc\na\nb\nc\na\nb\nc\n");
    // Rows of equal shape, and the same rows encrypted once more.
    let turned: String = table(9).lines().rev().map(|line| format!("{line}\n")).collect();
    owner.score("turned", &turned);
    owner.decrypt("turned.scores").assert().success().stdout("c\nb\na\nc\nb\na\nc\nb\na\n");
    refuse(&mut owner.decrypt("first.scores"), &["first.scores", "scores of other rows", "--rows FILE"]);
    owner.score("again", &turned);
    refuse(&mut owner.decrypt("turned.scores"), &["turned.scores", "scores of other rows"]);
    // Rows that are named.
    let named = |scores: &str, rows: &str| {
        let mut command = owner.decrypt(scores);
        command.arg("--rows").arg(owner.path(rows));
        command
    };
    named("first.scores", "first.rows").assert().success().stdout("a\nb\nc\na\nb\nc\na\nb\nc\n");
    refuse(&mut named("first.scores", "turned.rows"), &["first.scores", "scores of other rows than"]);
    refuse(&mut named("again.scores", "turned.rows"), &["again.scores", "scores of other rows than"]);
    refuse(
        &mut named("again.scores", "again.scores"),
        &["again.scores", "this is a file of kind \"encrypted scores\""],
    );
    let (table, advice) = ("again.csv", "`volley encrypt-rows` encrypts the rows of a table");
    refuse(&mut named("again.scores", table), &[table, "this is not a Volley file", advice]);
    // A project whose file is damaged, and one that does not know any.
    let hash = owner.project.join("private/rows-hash");
    for damaged in [&b""[..], &[0; 64], &[b'z'; 64]] {
        fs::remove_file(&hash).unwrap();
        fs::write(&hash, damaged).unwrap();
        refuse(&mut owner.decrypt("again.scores"), &["rows-hash", "this is no hash of rows", "--rows FILE"]);
    }
    fs::remove_file(hash).unwrap();
    refuse(&mut owner.decrypt("again.scores"), &["rows-hash", "it is not known which rows were encrypted"]);
}

#[test]
fn scores_of_before_they_named_their_rows_are_refused() {
    let owner = Owner::new();
    owner.score("rows", &table(3));
    let file = fs::read(owner.path("rows.scores")).unwrap();
    let header = Header::read(&file[..]).unwrap();
    let body = &file[file.len() - 32 - header.body_bytes as usize..file.len() - 32];
    let header = Header { extension: header.extension[..48].to_vec(), ..header };
    let mut old = Vec::new();
    write_file(&header, &mut old, |out| out.bytes(body)).unwrap();
    fs::write(owner.path("old.scores"), old).unwrap();
    refuse(&mut owner.decrypt("old.scores"), &["old.scores", "score the rows again"]);
    volley(["inspect"]).arg(owner.path("rows.scores")).assert().success().stdout(contains("of the rows"));
}

/// One row with large values garbles all of its ciphertext: none of them gets a label.
#[test]
fn rows_beside_an_outlier_are_named_and_get_no_labels() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let shape =
        ["--samples", "40", "--features", "2", "--classes", "2", "--iterations", "2", "--profile", "paper"];
    volley(["init"]).args(shape).arg(path("project")).assert().success();
    volley(["keygen"]).arg(path("project")).assert().success();
    volley(["encrypt"]).arg(path("project")).arg(tables.join("outlier-train.csv")).assert().success();
    volley(["train"]).arg(path("project/upload")).assert().success();
    let decrypt = |name: &str, table: &str| {
        fs::write(path(name), table).unwrap();
        let mut encrypt = volley(["encrypt-rows", "-o"]);
        encrypt.args([path("rows.vly"), path("project"), path(name)]).arg("--force").assert().success();
        let mut score = volley(["score", "-o"]);
        score.args([path("scores.vly"), path("project/upload"), path("rows.vly")]).arg("--force");
        score.assert().success();
        let mut decrypt = volley(["decrypt-scores"]);
        decrypt.args([path("project"), path("scores.vly")]).arg("-o").arg(path("labels")).arg("--force");
        decrypt
    };
    let rows = fs::read_to_string(tables.join("outlier-rows.csv")).unwrap();
    let refused = &["scores.vly", "the scores of rows 0 to 7 (counted from 0) cannot be read"];
    refuse(&mut decrypt("outlier.csv", &rows), refused);
    assert!(!path("labels").exists());
    let near: String = rows.lines().take(4).map(|line| format!("{line}\n")).collect();
    decrypt("near.csv", &near).assert().success();
    assert_eq!(fs::read_to_string(path("labels")).unwrap(), "b\nb\nb\nb\n");
}
