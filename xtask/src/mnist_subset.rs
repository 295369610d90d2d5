//! `cargo xtask mnist-subset`: makes the embedded MNIST subset from the original IDX files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use volley_data::Idx;
use volley_program::BadInput;

use crate::workspace;

/// Training images that are kept.
pub(crate) const TRAINING_IMAGES: usize = 1024;
/// All test images of MNIST.
pub(crate) const TEST_IMAGES: usize = 10_000;

/// Side of the images.
const SIDE: usize = 28;
const DIGITS: u8 = 10;
/// More bytes than any of the original files has.
const LIMIT: u64 = 1 << 28;

/// Where the original files are.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and the same of t10k, plain or .gz
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
}

/// Writes the four files of `data/mnist`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let target = workspace::root().join("data/mnist");
    let mut total = 0;
    for (name, count, output) in
        [("train", TRAINING_IMAGES, "train-first1024"), ("t10k", TEST_IMAGES, "t10k")]
    {
        let (images, labels) =
            load(&options.from, name, count).map_err(|error| BadInput::new(format!("{error:#}")))?;
        for (array, kind) in [(images, "images.idx3"), (labels, "labels.idx1")] {
            let path = target.join(format!("{output}-{kind}-ubyte.gz"));
            let mut content = Vec::new();
            array.write_gzip(&mut content)?;
            fs::write(&path, &content).with_context(|| format!("cannot write {}", path.display()))?;
            println!("{:>9} bytes  {}", content.len(), path.display());
            total += content.len();
        }
    }
    println!("{total:>9} bytes in all");
    Ok(())
}

/// The subset of the original files that begin with `name`.
fn load(folder: &Path, name: &str, count: usize) -> Result<(Idx, Idx)> {
    let images = read(folder, &format!("{name}-images-idx3-ubyte"), 3)?;
    let labels = read(folder, &format!("{name}-labels-idx1-ubyte"), 1)?;
    subset(&images, &labels, count).with_context(|| format!("the {name} files"))
}

/// The first `count` images, cropped, and their labels.
fn subset(images: &Idx, labels: &Idx, count: usize) -> Result<(Idx, Idx)> {
    ensure!(images.shape()[1..] == [SIDE; 2], "images of {:?} pixels are not MNIST's", &images.shape()[1..]);
    ensure!(images.items() == labels.items(), "{} images, but {} labels", images.items(), labels.items());
    let labels = labels.first(count)?;
    ensure!(labels.bytes().iter().all(|&label| label < DIGITS), "a label is not a digit");
    Ok((images.first(count)?, labels))
}

/// Reads `name`, or `name.gz` where there is no `name`.
fn read(folder: &Path, name: &str, dimensions: u8) -> Result<Idx> {
    let plain = folder.join(name);
    let path = if plain.exists() { plain } else { folder.join(format!("{name}.gz")) };
    let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Idx::parse_gzip(&content, dimensions, LIMIT).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(count: usize, side: usize) -> Idx {
        Idx::new(vec![count, side, side], vec![0; count * side * side]).unwrap()
    }

    fn labels(bytes: &[u8]) -> Idx {
        Idx::new(vec![bytes.len()], bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_subset_is_cropped() {
        let (images, labels) = subset(&images(3, 28), &labels(&[5, 0, 4]), 2).unwrap();
        assert_eq!((images.shape(), labels.bytes()), (&[2, 28, 28][..], &[5, 0][..]));
    }

    #[test]
    fn files_that_are_not_mnist_are_refused() {
        let message = |images: Idx, digits: &[u8], count| {
            subset(&images, &labels(digits), count).unwrap_err().to_string()
        };
        assert_eq!(message(images(1, 27), &[5], 1), "images of [27, 27] pixels are not MNIST's");
        assert_eq!(message(images(2, 28), &[5], 1), "2 images, but 1 labels");
        assert_eq!(message(images(1, 28), &[10], 1), "a label is not a digit");
        assert_eq!(message(images(1, 28), &[5], 2), "1 items where 2 are needed");
    }
}
