//! What both parties do when all goes well.

use std::fs;
use std::path::Path;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, starts_with};
use serde_json::Value;

use crate::setup::{SHAPE, fixture, folder, link_project, refuse, table, table_with_a_rare_class, volley};

fn json(command: &mut assert_cmd::Command) -> Value {
    serde_json::from_slice(&command.arg("--json").assert().success().get_output().stdout).unwrap()
}

#[test]
fn a_model_is_decrypted_evaluated_and_predicts() {
    let (fixture, folder) = (fixture(), folder());
    let model = folder.path().join("model.json");
    volley(["decrypt"])
        .args([&fixture.project, &fixture.model])
        .arg("-o")
        .arg(&model)
        .assert()
        .success()
        .stderr(contains("this model is private"));
    let evaluation = json(volley(["evaluate"]).args([&model, &fixture.data]));
    assert_eq!(evaluation["accuracy"], 1.0);
    assert_eq!(evaluation["confusion"], serde_json::json!([[8, 0, 0], [0, 8, 0], [0, 0, 8]]));
    volley(["evaluate"])
        .args([&model, &fixture.data])
        .assert()
        .success()
        .stdout(contains("accuracy 100.00 %"));
    let labels = json(volley(["predict"]).args([&model, &fixture.data]));
    let expected: Vec<_> = (0..24).map(|row| ["a", "b", "c"][row % 3]).collect();
    assert_eq!(labels["labels"], serde_json::json!(expected));
    let out = folder.path().join("labels");
    volley(["predict"]).args([&model, &fixture.data]).arg("-o").arg(&out).assert().success().stdout("");
    assert_eq!(fs::read_to_string(out).unwrap(), expected.join("\n") + "\n");
}

#[test]
fn encrypted_prediction_gives_the_same_labels() {
    let (fixture, folder) = (fixture(), folder());
    let path = |name: &str| folder.path().join(name);
    fs::write(path("rows.csv"), table(31)).unwrap();
    // A project of its own, as a project knows only the rows that were encrypted last.
    link_project(&path("project"));
    volley(["encrypt-rows"])
        .args([&path("project"), &path("rows.csv")])
        .arg("-o")
        .arg(path("rows.vly"))
        .assert()
        .success();
    let server = fixture.model.parent().unwrap();
    volley(["score"])
        .args([server, &path("rows.vly")])
        .arg("-o")
        .arg(path("scores.vly"))
        .assert()
        .success()
        .stdout(contains("scores of 31 rows"));
    for (name, level) in [("rows.vly", 1), ("scores.vly", 0)] {
        let inspected = json(volley(["inspect"]).arg(path(name)).arg("--job").arg(server.join("job.vly")));
        assert_eq!((&inspected["rows"], &inspected["level"]), (&31.into(), &level.into()));
    }
    let encrypted = json(volley(["decrypt-scores"]).args([path("project"), path("scores.vly")]));
    let decrypt = ["decrypt".as_ref(), fixture.project.as_os_str(), fixture.model.as_os_str(), "-o".as_ref()];
    volley(decrypt).arg(path("model.json")).assert().success();
    assert_eq!(encrypted, json(volley(["predict"]).args([path("model.json"), path("rows.csv")])));
    // The scores are those in clear, as far as encryption is exact.
    let decrypted = json(volley(["decrypt-scores", "--scores"]).args([path("project"), path("scores.vly")]));
    let clear = json(volley(["predict", "--scores"]).args([path("model.json"), path("rows.csv")]));
    let scores = |value: &Value| serde_json::from_value::<Vec<Vec<f64>>>(value["scores"].clone()).unwrap();
    for (decrypted, clear) in scores(&decrypted).iter().flatten().zip(scores(&clear).iter().flatten()) {
        assert!((decrypted - clear).abs() < 1e-4, "{decrypted} is not {clear}");
    }
    let likely =
        json(volley(["decrypt-scores", "--probabilities"]).args([path("project"), path("scores.vly")]));
    let probabilities: Vec<Vec<f64>> = serde_json::from_value(likely["probabilities"].clone()).unwrap();
    for (row, scores) in probabilities.iter().zip(scores(&decrypted)) {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(((row[1] / row[0]).ln() - (scores[1] - scores[0])).abs() < 1e-4, "{row:?}");
    }
    let out = path("scores.csv");
    let predict = ["predict".as_ref(), "--scores".as_ref(), "-o".as_ref(), out.as_os_str()];
    volley(predict).args([path("model.json"), path("rows.csv")]).assert().success();
    let text = fs::read_to_string(out).unwrap();
    assert!(
        text.starts_with("prediction,score_a,score_b,score_c\na,") && text.lines().count() == 32,
        "{text}"
    );
    volley(["predict", "--probabilities"])
        .args([path("model.json"), path("rows.csv")])
        .assert()
        .success()
        .stdout(starts_with("prediction,probability_a,probability_b,probability_c\n"));
}

#[test]
fn a_plan_is_printed_with_what_it_takes() {
    let folder = folder();
    let project = folder.path().join("project");
    let planned = json(volley(["init"]).args(SHAPE).arg(&project));
    let plan = &planned["plan"];
    assert_eq!((&plan["samples"], &plan["classes"]), (&24.into(), &3.into()));
    assert_eq!(plan["parameters"]["security_bits"], 128);
    // What is printed is what will be.
    let size = |name: &str| fixture().upload.join(name).metadata().unwrap().len();
    assert_eq!(plan["keys_bytes"], size("evaluation-keys.vly"));
    assert_eq!(plan["upload_bytes"], size("rows-00001.vly") + size("preconditioner.vly"));
    assert_eq!(plan["row_files"], 1);
    assert_eq!(plan["shareable"], Value::Null);
    let shareable =
        json(volley(["init", "--shareable", "--profile", "paper"]).args(SHAPE).arg(project.join("2")));
    assert_eq!(shareable["plan"]["shareable"]["statistical_bits"], 30);
    assert!(shareable["plan"]["shareable"]["weight_bits"].as_f64().unwrap() >= 10.0);
}

#[test]
fn iterations_are_chosen_where_none_are_asked_for_and_that_is_said() {
    let folder = folder();
    let shape = ["init", "--samples", "24", "--features", "4", "--classes", "3"];
    for (name, auto) in [("default", &[][..]), ("auto", &["--iterations", "auto"])] {
        let planned = json(volley(shape).args(auto).arg(folder.path().join(name)));
        let plan = &planned["plan"];
        assert_eq!((&plan["iterations"], &plan["learning_rate"]), (&2.into(), &1.0.into()));
        assert!(plan["iterations_reason"].as_str().unwrap().starts_with("auto: "), "{plan}");
    }
    volley(shape)
        .arg(folder.path().join("shown"))
        .assert()
        .success()
        .stdout(contains("2 iterations (auto: "));
    let exactly = json(volley(shape).args(["--iterations", "1"]).arg(folder.path().join("exactly")));
    assert_eq!(
        (&exactly["plan"]["iterations"], &exactly["plan"]["iterations_reason"]),
        (&1.into(), &Value::Null)
    );
    for wrong in ["two", "1.5"] {
        let refused = volley(shape).args(["--iterations", wrong]).arg(folder.path().join("wrong")).assert();
        refused.code(2).stderr(contains("either `auto` or a number"));
    }
    assert!(!folder.path().join("wrong").exists());
}

#[test]
fn every_file_can_be_inspected_and_shows_no_secret() {
    let fixture = fixture();
    let inspect = |path: &Path| json(volley(["inspect"]).arg(path));
    let job = inspect(&fixture.upload.join("job.vly"));
    assert_eq!((&job["kind"], &job["plan"]["iterations"]), (&"training job".into(), &3.into()));
    let dataset = inspect(&fixture.upload.join("rows-00001.vly"));
    assert_eq!((&dataset["job_id"], &dataset["intact"]), (&job["job_id"], &true.into()));
    assert_eq!(dataset["level"], job["plan"]["parameters"]["levels"]);
    let keys = inspect(&fixture.upload.join("evaluation-keys.vly"));
    assert_eq!(keys["key_id"], job["key_id"]);
    let model = inspect(&fixture.model);
    assert_eq!((&model["iteration"], &model["level"]), (&3.into(), &1.into()));
    let secret = fixture.project.join("private/secret-key.vly");
    assert_eq!(inspect(&secret)["sealed"], false);
    let bytes = fs::read(&secret).unwrap();
    let shown = volley(["inspect"]).arg(&secret).assert().success().get_output().stdout.clone();
    let shown = String::from_utf8(shown).unwrap();
    // The names in it are in the header.
    let body: String = bytes[120..160].iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(shown.lines().count() <= 7 && !shown.contains(&body));
}

#[test]
fn a_sealed_key_opens_with_its_passphrase_only() {
    let (fixture, folder) = (fixture(), folder());
    let path = |name: &str| folder.path().join(name);
    fs::write(path("right"), "correct horse\n").unwrap();
    fs::write(path("wrong"), "battery staple\n").unwrap();
    let project = path("project");
    volley(["init"]).args(SHAPE).arg(&project).assert().success();
    // The key of the fixture, sealed here: what was encrypted for it there is decrypted here.
    let keygen =
        ["keygen".as_ref(), project.as_os_str(), "--reuse-key".as_ref(), fixture.project.as_os_str()];
    let made = json(volley(keygen).arg("--passphrase-file").arg(path("right")));
    assert_eq!(made["sealed"], true);
    let secret = project.join("private/secret-key.vly");
    let inspected = json(volley(["inspect"]).arg(&secret));
    assert_eq!((&inspected["sealed"], &inspected["key_id"]), (&true.into(), &made["key_id"]));
    let encrypt = || volley(["encrypt".as_ref(), project.as_os_str(), fixture.data.as_os_str()]);
    encrypt().assert().code(2).stderr(contains("--passphrase-file"));
    encrypt()
        .arg("--passphrase-file")
        .arg(path("wrong"))
        .assert()
        .code(2)
        .stderr(contains("the passphrase is wrong"));
    encrypt().arg("--passphrase-file").arg(path("right")).assert().success();
}

#[test]
fn a_project_has_its_own_keys_and_an_encryption_its_own_job() {
    let folder = folder();
    let project = folder.path().join("project");
    link_project(&project);
    let job = || json(volley(["inspect"]).arg(project.join("upload/job.vly")));
    let before = job();
    let replaced = volley(["encrypt"]).args([&project, &fixture().data]).arg("--force").assert().success();
    replaced.stderr(contains("the earlier job is replaced"));
    let after = job();
    assert_eq!(before["key_id"], after["key_id"]);
    assert_ne!(before["job_id"], after["job_id"]);
    volley(["decrypt"])
        .args([&project, &fixture().model])
        .arg("-o")
        .arg(folder.path().join("model.json"))
        .assert()
        .code(2)
        .stderr(
            contains("the file belongs to another job")
                .and(contains("after `volley encrypt --force` nothing")),
        );
    volley(["keygen", "--force"]).arg(&project).assert().success().stdout(contains("DATA --force"));
    let made = json(volley(["inspect"]).arg(project.join("private/secret-key.vly")));
    assert_ne!(made["key_id"], after["key_id"]);
    // Rows under the new key would not be the old job's.
    let rows = folder.path().join("rows.vly");
    let mut encrypt_rows = volley(["encrypt-rows", "-o"]);
    encrypt_rows.args([&rows, &project, &fixture().data]);
    encrypt_rows.assert().code(2).stderr(contains("but its data was encrypted under"));
    assert!(!rows.exists());
    // A model that was not decrypted would be lost with its key.
    fs::copy(&fixture().model, project.join("upload/model.vly")).unwrap();
    let before = fs::read(project.join("private/secret-key.vly")).unwrap();
    refuse(volley(["keygen", "--force"]).arg(&project), &["model.vly", "decrypt it first"]);
    assert_eq!(fs::read(project.join("private/secret-key.vly")).unwrap(), before);
}

#[test]
fn a_shareable_model_says_what_it_covers() {
    let (data, folder) = (&fixture().data, folder());
    let path = |name: &str| folder.path().join(name);
    let init = ["init", "--shareable", "--shared-decryptions", "2", "--iterations", "1"];
    let shape = ["--samples", "24", "--features", "4", "--classes", "3"];
    volley(init).args(shape).arg(path("project")).assert().success();
    volley(["keygen"]).arg(path("project")).assert().success();
    // Weights above 1 are not covered, and not advised.
    let rare = path("rare.csv");
    fs::write(&rare, table_with_a_rare_class(24)).unwrap();
    let mut balanced = volley(["encrypt", "--class-weight", "balanced"]);
    let refused = balanced.args([&path("project"), &rare]).assert().code(2);
    refused
        .stderr(contains("class weights reach 8.00, and"))
        .stderr(contains("encrypt without --class-weight"));
    let noted = volley(["encrypt"]).args([&path("project"), &rare]).assert().success();
    noted.stdout(contains("rows as \"c\": more --iterations may find them"));
    volley(["encrypt", "--force"]).args([&path("project"), data]).assert().success();
    volley(["train"]).arg(path("project/upload")).assert().success();
    let decrypt = |name: &str| {
        let mut command = volley(["decrypt"]);
        command.args([path("project"), path("project/upload/model.vly")]).arg("-o").arg(path(name));
        command
    };
    let covered = contains("one of 2 decryptions under its key that 30 bits of statistical security cover");
    decrypt("shared.json").assert().success().stderr(covered);
    decrypt("own.json").arg("--private").assert().success().stderr(contains("this model is private"));
    let sharing = |name: &str| {
        serde_json::from_slice::<Value>(&fs::read(path(name)).unwrap()).unwrap()["sharing"].clone()
    };
    assert_eq!(sharing("own.json"), "private");
    assert_eq!(sharing("shared.json")["flooded"]["decryptions"], 2);
    // A repeat counts once. Two other models leave none to be shared.
    decrypt("again.json").assert().success();
    let record = path("project/private/shared-models");
    let counted = fs::read_to_string(&record).unwrap();
    assert_eq!(counted.lines().count(), 1, "{counted}");
    let (key, _) = counted.split_once(' ').unwrap();
    fs::write(&record, format!("{key} {}\n{key} {}\n", "0".repeat(64), "1".repeat(64))).unwrap();
    refuse(&mut decrypt("third.json"), &["shared-models", "2 of 2 decryptions", "--private"]);
    assert!(!path("third.json").exists());
    decrypt("own-again.json").arg("--private").assert().success();
}

#[test]
fn completions_and_manual() {
    volley(["completions", "bash"]).assert().success().stdout(contains("decrypt-scores"));
    volley(["man"]).assert().success().stdout(contains(".TH volley 1"));
    let folder = folder();
    volley(["man", "--folder"]).arg(folder.path()).assert().success();
    assert!(folder.path().join("volley-train.1").exists());
}

#[test]
fn the_shape_of_a_table_is_planned_for() {
    let (fixture, folder) = (fixture(), folder());
    let plan_of = |arguments: &[&str], paths: &[&Path]| {
        let output =
            volley(["init", "--json", "--iterations", "3"]).args(arguments).args(paths).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let planned: Value = serde_json::from_slice(&output.stdout).unwrap();
        planned["plan"]["plan_hash"].clone()
    };
    let path = |name: &str| folder.path().join(name);
    let of_table = plan_of(&[], &[&fixture.data, &path("table")]);
    let by_hand = plan_of(&SHAPE[..6], &[&path("numbers")]);
    assert_eq!(of_table, by_hand);
    refuse(volley(["init", "--iterations", "3"]).arg(path("none")), &["--samples", "or a table"]);
    let mut both = volley(["init", "--iterations", "3", "--samples", "24"]);
    refuse(both.args([&fixture.data, &path("both")]), &["the shape is that of the table"]);
    refuse(volley(["init", "--iterations", "3"]).args([&path("gone.csv"), &path("gone")]), &["gone.csv"]);
    for name in ["none", "both", "gone"] {
        assert!(!path(name).exists(), "{name}");
    }
}
