//! The guide's tutorials: what their readers are asked to type works, in the order in which it stands there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::setup::{folder, volley};

/// The shell blocks of a page, as one script.
fn script(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1);
    blocks.map(|block| block.split_once("```").expect("a block ends").0).collect()
}

/// Runs the blocks of a page in a folder, with `volley` among the programs and the repository in `$VOLLEY`.
fn follow(page: &str, folder: &Path) {
    let program = Path::new(env!("CARGO_BIN_EXE_volley")).parent().unwrap();
    let others = env::var_os("PATH").unwrap_or_default();
    let path =
        env::join_paths(std::iter::once(PathBuf::from(program)).chain(env::split_paths(&others))).unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new("sh")
        .args(["-e", "-c", &script(page)])
        .current_dir(folder)
        .env("PATH", path)
        .env("VOLLEY", repository)
        .output()
        .unwrap();
    let (said, problems) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{said}\n{problems}", output.status);
}

fn accuracy(model: &Path, table: &Path) -> f64 {
    let evaluation = volley(["evaluate", "--json"]).args([model, table]).assert().success();
    let evaluation: Value = serde_json::from_slice(&evaluation.get_output().stdout).unwrap();
    evaluation["accuracy"].as_f64().unwrap()
}

#[test]
fn train_on_your_own_table() {
    let folder = folder();
    follow(include_str!("../../../../docs/guide/src/own-table.md"), folder.path());
    let owner = folder.path().join("owner");
    assert!(accuracy(&owner.join("model.json"), &owner.join("test.csv")) > 0.8);
    assert!(!folder.path().join("stolen.json").exists());
}

#[test]
fn several_owners() {
    let folder = folder();
    follow(include_str!("../../../../docs/guide/src/several-owners.md"), folder.path());
    let model = folder.path().join("north/private/model.json");
    assert!(accuracy(&model, &folder.path().join("tables/test.csv")) > 0.8);
}

#[test]
fn bring_your_own_backbone() {
    let folder = folder();
    follow(include_str!("../../../../docs/guide/src/own-backbone.md"), folder.path());
    assert!(accuracy(&folder.path().join("model.json"), &folder.path().join("test.csv")) > 0.3);
}

/// The recipe for columns that are no numbers, run by Python with pandas where there is one.
#[test]
fn prepare_columns_that_are_no_numbers() {
    let python = env::var("VOLLEY_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_pandas = Command::new(&python).args(["-c", "import pandas"]).output();
    if !has_pandas.is_ok_and(|output| output.status.success()) {
        println!("skipped: no python3 with pandas");
        return;
    }
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let header = "kind,colour,weight,fresh,day\n";
    let rows =
        "elm,red,1.5,True,2024-01-31\noak,blue,,False,2024-02-03\nelm,,3.25,True,2024-03-01\n,red,4,False,\n";
    fs::write(path("train.csv"), format!("{header}{rows}oak,red,4,False,\n")).unwrap();
    fs::write(path("test.csv"), format!("{header}elm,green,1.5,True,2024-01-01\noak,blue,2,False,\n"))
        .unwrap();
    let page = include_str!("../../../../docs/guide/src/own-table.md");
    let recipe = page.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
    let output = Command::new(&python).args(["-c", recipe]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = "kind,colour=blue,colour=red,weight,fresh,day\n";
    let train = fs::read_to_string(path("numbers-train.csv")).unwrap();
    assert_eq!(train.strip_prefix(expected).unwrap().lines().next(), Some("elm,0,1,1.5,1.0,0.0"));
    let test = fs::read_to_string(path("numbers-test.csv")).unwrap();
    assert_eq!(test, format!("{expected}elm,0,0,1.5,1.0,-30.0\noak,1,0,2.0,0.0,3.0\n"));
    let init = |table: &str| {
        volley(["init", "--iterations", "2"]).args([path(table), path(&format!("{table}-project"))]).assert()
    };
    init("numbers-train.csv").success().stderr("");
    init("train.csv").code(2);
}

#[test]
fn blocks_of_other_languages_are_not_run() {
    assert_eq!(script("a\n```sh\none\n```\n```rust\ntwo\n```\n```sh\nthree\n```\n"), "one\nthree\n");
}
