//! The guide's tutorials: what their readers are asked to type works, in the order in which it stands there.

use std::env;
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
fn bring_your_own_backbone() {
    let folder = folder();
    follow(include_str!("../../../../docs/guide/src/own-backbone.md"), folder.path());
    assert!(accuracy(&folder.path().join("model.json"), &folder.path().join("test.csv")) > 0.3);
}

#[test]
fn blocks_of_other_languages_are_not_run() {
    assert_eq!(script("a\n```sh\none\n```\n```rust\ntwo\n```\n```sh\nthree\n```\n"), "one\nthree\n");
}
