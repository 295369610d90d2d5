//! What the owner is told of a training before anything is encrypted.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::setup::{
    SHAPE, fixture, folder, link_project, names, refuse, table, table_with_a_rare_class, volley,
};

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
    for words in [
        "data.csv: training diverges: in iteration 3 ",
        "--learning-rate 1 (`volley try`, `volley init`)",
        "--force",
    ] {
        assert!(error.contains(words), "{error}");
    }
    // Told to go on it asks for the keys.
    let allowed = encrypt(&project, &data).arg("--force").assert().code(2);
    allowed.stderr(says("data.csv: training diverges")).stderr(says("secret-key.vly"));
}

#[test]
fn scores_beyond_the_range_are_no_divergence() {
    let (_folder, project, data) = planned(&["--sigmoid-degree", "5", "--sigmoid-range", "2"]);
    let refused = encrypt(&project, &data).assert().code(2).stderr(says("diverges").not());
    let refused = refused.stderr(says("data.csv: in iteration "));
    let refused = refused.stderr(says("leaves the polynomial's range of 2.0")).stderr(says("--force"));
    let mended =
        "--sigmoid-range 12 without --sigmoid-degree (`volley try`, `volley init`) keeps scores within";
    refused.stderr(says(mended)).stderr(says("secret-key.vly").not());
    let forced = encrypt(&project, &data).arg("--force").assert().code(2);
    forced.stderr(says("warning: ")).stderr(says("secret-key.vly"));
}

#[test]
fn a_class_that_is_never_predicted_is_named() {
    let folder = folder();
    let (project, data) = (folder.path().join("project"), folder.path().join("data.csv"));
    link_project(&project);
    fs::write(&data, table_with_a_rare_class(24)).unwrap();
    let never = "predicts none of the training rows as \"c\": --class-weight balanced";
    encrypt(&project, &data).arg("--force").assert().success().stdout(says(never));
    let mut balanced = encrypt(&project, &data);
    let balanced = balanced.args(["--force", "--class-weight", "balanced"]).assert().success();
    balanced.stdout(says("predicts none").not());
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

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&command.arg("--json").assert().success().get_output().stdout).unwrap()
}

#[test]
fn a_table_is_tried_without_keys_or_a_folder() {
    let folder = folder();
    let data = folder.path().join("data.csv");
    fs::write(&data, table(24)).unwrap();
    let tried = json(volley(["try"]).arg(&data));
    assert_eq!(names(folder.path()), ["data.csv"]);
    assert_eq!((&tried["plan"]["iterations"], &tried["plan"]["profile"]), (&2.into(), &"standard".into()));
    let found = &tried["in_clear"];
    assert_eq!(found["training_rows"]["accuracy"], 1.0);
    for part in ["held_out_rows", "converged"] {
        assert_eq!((&found[part]["rows"], &found[part]["classes"][0]["rows"]), (&6.into(), &2.into()));
        let recalls = found[part]["classes"].as_array().unwrap().iter().map(|class| &class["recall"]);
        assert!(recalls.clone().all(|recall| *recall == 1.0), "{part}: {:?}", recalls.collect::<Vec<_>>());
    }
    assert!(found["largest_score"].as_f64().unwrap() < found["polynomial_range"].as_f64().unwrap());
    assert_eq!((&found["diverges"], &found["refusal"]), (&false.into(), &Value::Null));
    // The same again, as text as well, and by `volley init`.
    assert_eq!(json(volley(["try"]).arg(&data)), tried);
    let shown = volley(["try"]).arg(&data).assert().success();
    let shown = shown.stdout(says("accuracy         100.0 % of the 24 rows trained on"));
    let shown = shown.stdout(says("100.0 % of 6 rows held out, by a model of the others"));
    shown.stdout(says("by logistic regression in clear, converged")).stdout(says("a 100.0 %, b 100.0 %"));
    let planned = json(volley(["init"]).args([&data, &folder.path().join("project")]));
    for part in ["training_rows", "held_out_rows", "largest_score", "advice"] {
        assert_eq!(planned["in_clear"][part], found[part], "{part}");
    }
    assert_eq!(planned["plan"]["plan_hash"], tried["plan"]["plan_hash"]);
}

#[test]
fn no_project_is_made_for_scores_beyond_the_range_unless_told_to() {
    let folder = folder();
    let (project, data) = (folder.path().join("project"), folder.path().join("data.csv"));
    fs::write(&data, table(24)).unwrap();
    let far = ["--iterations", "3", "--learning-rate", "200"];
    let tried = json(volley(["try"]).args(far).arg(&data));
    assert_eq!(tried["in_clear"]["diverges"], true);
    let refusal = tried["in_clear"]["refusal"].as_str().unwrap();
    assert!(refusal.contains("--learning-rate 1"), "{refusal}");
    let init = || {
        let mut init = volley(["init"]);
        init.args(far).args([&data, &project]);
        init
    };
    refuse(
        &mut init(),
        &["data.csv: training diverges", "--learning-rate 1 (`volley try`, `volley init`)", "--force"],
    );
    assert!(!project.exists());
    init().arg("--force").assert().success().stderr(says("warning: "));
    // The option that is named mends it.
    let mended = ["--iterations", "3", "--learning-rate", "1"];
    volley(["init"]).args(mended).args([&data, &folder.path().join("mended")]).assert().success();
}

#[test]
fn encryption_shows_what_the_model_will_be() {
    let folder = folder();
    let project = folder.path().join("project");
    link_project(&project);
    let mut encrypt = encrypt(&project, &fixture().data);
    let shown = encrypt.arg("--force").assert().success();
    let replaced =
        "note: the earlier job is replaced: wherever it is trained, its model cannot be decrypted any more\n";
    let shown = shown.stderr(replaced);
    shown.stdout(says("100.0 % of 6 rows held out")).stdout(says("largest score"));
    let encrypted = json(&mut encrypt);
    assert_eq!(encrypted["in_clear"]["held_out_rows"]["accuracy"], 1.0);
    assert_eq!(encrypted["in_clear"]["iterations"], 3);
}
