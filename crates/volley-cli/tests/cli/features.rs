//! `volley features`: from images to the table that `volley encrypt` takes.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use volley_data::{LabelSource, read_images};
use volley_features::{Backbone, ImageSource, PartialFeatures, Recipe};

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
fn an_interrupted_run_is_gone_on_with() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::copy(repository("crates/volley-features/testdata/tiny.onnx"), path("tiny.onnx")).unwrap();
    fs::write(path("tiny.toml"), RECIPE).unwrap();
    let file = repository("data/mnist/t10k-images.idx3-ubyte.gz");
    let features = |output: &str| {
        let mut command = volley(["features"]);
        command
            .arg(path("tiny.onnx"))
            .arg(&file)
            .args(["--range", "0..600", "--bytes", "-o"])
            .arg(path(output));
        command
    };
    features("whole.npz").assert().success();
    assert!(!path("whole.npz.part").exists());

    let (shape, bytes, labels) = read_images(&file, &LabelSource::Usual).unwrap().into_parts();
    let images = ImageSource::from_bytes(&file, shape, bytes, labels).unwrap();
    let backbone = Backbone::load(&path("tiny.onnx"), Recipe::read(&path("tiny.toml")).unwrap()).unwrap();
    let part = path("x.npz.part");
    let mut partial = PartialFeatures::open(&part, &backbone, &images, 0..600, false).unwrap();
    partial.extract(&backbone, &images, |_| {}).unwrap();
    drop(partial);
    // Half of the second block.
    let content = fs::read(&part).unwrap();
    fs::write(&part, &content[..9000]).unwrap();
    features("x.npz").assert().success().stderr(contains("going on after 256 of 600 images"));
    assert!(fs::read(path("x.npz")).unwrap() == fs::read(path("whole.npz")).unwrap());
    assert!(!part.exists());

    fs::write(path("y.npz.part"), &content).unwrap();
    let other =
        |more: &[&str]| features("y.npz").args(["--recipe"]).arg(path("other.toml")).args(more).assert();
    fs::write(path("other.toml"), RECIPE.replace("bilinear", "bicubic")).unwrap();
    other(&[])
        .code(2)
        .stderr(contains("y.npz.part: the file was begun with another").and(contains("--force begins anew")));
    assert!(fs::read(path("y.npz.part")).unwrap() == content && !path("y.npz").exists());
    other(&["--force"]).success();
    assert!(!path("y.npz.part").exists());
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

#[test]
fn labels_beside_a_folder_of_images_are_refused() {
    let folder = folder();
    let mut command = volley(["features", "tiny.onnx"]);
    command.arg(folder.path()).args(["--labels", "labels.npy", "-o", "x.csv"]);
    let words = "labelled by the names of their folders: leave --labels out";
    command.assert().code(2).stdout("").stderr(contains(words));
}
