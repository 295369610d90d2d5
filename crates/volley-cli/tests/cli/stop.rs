//! Models of the iterations on the way, and a training that is stopped.

use std::fs;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;

use crate::kill::kill_after_a_checkpoint;
use crate::setup::{fixture, folder, link, refuse, volley};

#[test]
fn the_model_of_every_iteration_is_decrypted_and_all_are_compared() {
    let (fixture, folder) = (fixture(), folder());
    let server = folder.path().join("server");
    link(&fixture.upload, &server);
    volley(["train"]).arg(&server).assert().success();
    let mut evaluate = volley(["evaluate"]);
    for (iteration, file) in [(1, "model-after-1.vly"), (2, "model-after-2.vly"), (3, "model.vly")] {
        let output = folder.path().join(format!("model-{iteration}.json"));
        let mut decrypt = volley(["decrypt"]);
        decrypt.arg(&fixture.project).arg(server.join(file)).arg("-o").arg(&output);
        decrypt.assert().success().stdout(contains(format!("after iteration {iteration}")));
        evaluate.arg(output);
    }
    // A page compares a model with as many iterations in clear.
    for (iteration, note) in [(1, "the model after iteration 1 of 3"), (3, "")] {
        let [model, page] = ["model", "page"].map(|name| folder.path().join(format!("{name}-{iteration}")));
        let mut report = volley(["report", "--json"]);
        report
            .arg(&fixture.project)
            .arg(model.with_extension("json"))
            .args([&fixture.data; 2])
            .arg("-o")
            .arg(page);
        let made = report.assert().success().stderr(contains(note).and(contains("diverge").not()));
        let made: Value = serde_json::from_slice(&made.get_output().stdout).unwrap();
        assert!(made["max_relative_weight_error"].as_f64().unwrap() < 1e-3);
        assert_eq!(made["curves"]["plain"]["test"].as_array().unwrap().len(), iteration + 1);
    }
    let shown = evaluate.arg(&fixture.data).assert().success();
    let shown = String::from_utf8(shown.get_output().stdout.clone()).unwrap();
    assert_eq!(
        shown.lines().filter(|line| line.contains("model-") && line.contains('%')).count(),
        3,
        "{shown}"
    );
    let json = evaluate.arg("--json").assert().success();
    let json: Value = serde_json::from_slice(&json.get_output().stdout).unwrap();
    let accuracies: Vec<f64> =
        json["models"].as_array().unwrap().iter().map(|model| model["accuracy"].as_f64().unwrap()).collect();
    assert!(accuracies.len() == 3 && accuracies.iter().all(|accuracy| *accuracy > 0.5), "{accuracies:?}");
}

#[test]
fn a_stopped_training_ends_with_the_model_that_it_has() {
    let folder = folder();
    let server = folder.path().join("server");
    link(&fixture().upload, &server);
    kill_after_a_checkpoint(&server);
    if server.join("model.vly").exists() {
        return;
    }
    volley(["stop"]).arg(&server).assert().success().stdout(contains("no training of job"));
    let trained = volley(["train"]).arg(&server).assert().success();
    trained.stdout(contains("stopped after").and(contains("of 3")));
    assert!(!server.join("stop").exists() && !server.join("checkpoint.vly").exists());
    let model = fs::read(server.join("model.vly")).unwrap();
    let kept = (1..=2).map(|iteration| fs::read(server.join(format!("model-after-{iteration}.vly"))));
    assert!(kept.filter_map(Result::ok).any(|kept| kept == model));
    let output = folder.path().join("model.json");
    let mut decrypt = volley(["decrypt"]);
    decrypt.arg(&fixture().project).arg(server.join("model.vly")).arg("-o").arg(&output).assert().success();
    refuse(volley(["stop"]).arg(&server), &["model.vly", "has ended"]);
}

#[test]
fn a_training_that_is_stopped_before_it_begins_has_no_model() {
    let folder = folder();
    let server = folder.path().join("server");
    link(&fixture().upload, &server);
    volley(["stop"]).arg(&server).assert().success();
    refuse(volley(["train"]).arg(&server), &["stop", "no model", "goes on"]);
    fs::remove_file(server.join("stop")).unwrap();
    volley(["train"]).arg(&server).assert().success();
    assert!(fs::read(server.join("model.vly")).unwrap() == fs::read(&fixture().model).unwrap());
    refuse(volley(["stop"]).arg(folder.path()), &["no job.vly"]);
}
