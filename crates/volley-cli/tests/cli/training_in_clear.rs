//! What the owner is told of a training before anything is encrypted.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use tempfile::TempDir;

use crate::setup::{SHAPE, folder, link_project, table, table_with_a_rare_class, volley};

/// A project without keys, which come after the training in clear.
fn planned(settings: &[&str]) -> (TempDir, PathBuf, PathBuf) {
    let folder = folder();
    let (project, data) = (folder.path().join("project"), folder.path().join("data.csv"));
    fs::write(&data, table(24)).unwrap();
    volley(["init"]).args(SHAPE).args(settings).arg(&project).assert().success();
    (folder, project, data)
}

fn encrypt(project: &Path, data: &Path) -> Command {
    volley(["encrypt".as_ref(), project.as_os_str(), data.as_os_str()])
}

fn says(words: &str) -> impl Predicate<str> {
    predicate::str::contains(words.to_owned())
}

#[test]
fn a_diverging_training_is_not_encrypted_unless_told_to() {
    let (_folder, project, data) = planned(&["--learning-rate", "200"]);
    let refused = encrypt(&project, &data).assert().code(2);
    let error = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert_eq!(error.lines().count(), 1, "{error}");
    for words in ["data.csv: training diverges: in iteration 3 ", "--learning-rate", "--allow-divergence"] {
        assert!(error.contains(words), "{error}");
    }
    // Told to go on it asks for the keys.
    let allowed = encrypt(&project, &data).arg("--allow-divergence").assert().code(2);
    allowed.stderr(says("warning: training diverges")).stderr(says("secret-key.vly"));
}

#[test]
fn scores_beyond_the_range_are_no_divergence() {
    let (_folder, project, data) = planned(&["--sigmoid-degree", "5", "--sigmoid-range", "2"]);
    let noted = encrypt(&project, &data).assert().code(2).stderr(says("diverges").not());
    let noted =
        noted.stderr(says("warning: in iteration ")).stderr(says("leaves the polynomial's range of 2.0"));
    noted.stderr(says("volley init --sigmoid-range ")).stderr(says("secret-key.vly"));
}

#[test]
fn a_class_that_is_never_predicted_is_named() {
    let folder = folder();
    let (project, data) = (folder.path().join("project"), folder.path().join("data.csv"));
    link_project(&project);
    fs::write(&data, table_with_a_rare_class(24)).unwrap();
    let never = "predicts none of the training rows as \"c\"; --class-weight balanced";
    encrypt(&project, &data).arg("--force").assert().success().stderr(says(never));
    let mut balanced = encrypt(&project, &data);
    let balanced = balanced.args(["--force", "--class-weight", "balanced"]).assert().success();
    balanced.stderr(says("predicts none").not());
    encrypt(&project, &data).args(["--class-weight", "some"]).assert().code(2).stderr(says("balanced"));
}

#[test]
fn long_runs_of_few_features_and_two_classes_are_planned() {
    let folder = folder();
    for features in ["1", "2", "3"] {
        let shape = ["--samples", "100", "--features", features, "--classes", "2", "--iterations", "12"];
        volley(["init"]).args(shape).arg(folder.path().join(features)).assert().success();
    }
}
