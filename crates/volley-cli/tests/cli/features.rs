//! `volley features`: from images to the table that `volley encrypt` takes.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::str::contains;

use crate::setup::{folder, volley};

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

const RECIPE: &str = "size = [8, 8]\nresize = \"bilinear\"\nchannels = \"rgb\"\nlayer = \"features\"\n";

#[test]
fn digits_become_a_table() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::copy(repository("crates/volley-features/testdata/tiny.onnx"), path("tiny.onnx")).unwrap();
    fs::write(path("tiny.toml"), RECIPE).unwrap();
    let images = repository("data/mnist/t10k-images.idx3-ubyte.gz");
    let features = |output: &str| {
        let mut command = volley(["features"]);
        command.arg(path("tiny.onnx")).arg(&images).args(["--range", "0..20", "-o"]).arg(path(output));
        command
    };
    features("x.csv").assert().success().stdout(contains("20 images × 6 features, labelled"));
    let table = fs::read_to_string(path("x.csv")).unwrap();
    assert!(table.starts_with("label,feature_1,"), "{table}");
    let labels: String = table.lines().skip(1).map(|line| &line[..1]).collect();
    assert_eq!(labels, "72104149590690159734");
    let provenance = fs::read_to_string(path("x.csv.toml")).unwrap();
    assert!(provenance.contains("image_count = 20") && provenance.contains("[recipe]"), "{provenance}");

    features("x.csv").assert().code(2).stderr(contains("the file exists"));
    features("x.csv").args(["--force", "--threads", "1"]).assert().success();
    assert_eq!(fs::read_to_string(path("x.csv")).unwrap(), table);
    features("x.npz").arg("--bytes").assert().success();
    features("x.npy").assert().success().stderr(contains("no place for labels"));
}

#[test]
fn what_cannot_be_used_is_named() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let model = repository("crates/volley-features/testdata/tiny.onnx");
    let images = repository("data/mnist/t10k-images.idx3-ubyte.gz");
    let refused = |recipe: &str, output: &str, more: &[&str], words: &str| {
        fs::write(path("recipe.toml"), recipe).unwrap();
        let mut command = volley(["features"]);
        command.arg(&model).arg(&images).arg("--recipe").arg(path("recipe.toml")).arg("-o").arg(path(output));
        command.args(more).assert().code(2).stdout("").stderr(contains(words));
        assert!(!path(output).exists());
    };
    refused(RECIPE, "x.json", &[], "ends in .csv, .npy or .npz");
    refused(RECIPE, "x.csv", &["--bytes"], "only .npz files have features in bytes");
    refused(RECIPE, "x.csv", &["--range", "9990..10001"], "there are 10000");
    refused(RECIPE, "x.csv", &["--range", "3"], "two numbers such as 0..128");
    refused("size = 8", "x.csv", &[], "recipe.toml");
    refused(&RECIPE.replace("[8, 8]", "[9, 9]"), "x.csv", &[], "tiny.onnx: the model takes f32 [N, 3, 8, 8]");
}
