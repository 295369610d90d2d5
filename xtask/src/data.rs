//! The rows that the experiment trains and tests on.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha20Rng;
use volley_data::{ContentError, Idx, Images, LabelDoubt, TableOptions, parse_table, read_table};
use volley_mlr::Dataset;
use volley_program::{BadInput, OrBadInput};

#[cfg(test)]
mod tests;

/// CNN features of the first training images and of all test images of MNIST.
const FEATURES: [(&str, &[u8]); 2] = [
    ("train-first8192.npz", include_bytes!("../../data/mnist-features/train-first8192.npz")),
    ("t10k.npz", include_bytes!("../../data/mnist-features/t10k.npz")),
];

const MNIST: [&[u8]; 4] = [
    include_bytes!("../../data/mnist/train-first1024-images.idx3-ubyte.gz"),
    include_bytes!("../../data/mnist/train-first1024-labels.idx1-ubyte.gz"),
    include_bytes!("../../data/mnist/t10k-images.idx3-ubyte.gz"),
    include_bytes!("../../data/mnist/t10k-labels.idx1-ubyte.gz"),
];

/// Side of the centre of an image whose pixels are the features: 400 of them, as the paper's features are.
const CENTRE_SIDE: usize = 20;
/// More bytes than any of the files has.
const LIMIT: u64 = 1 << 24;

/// What is trained and tested on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The embedded CNN features of MNIST.
    Cnn,
    /// The embedded pixels of MNIST.
    Pixels,
    /// A file of the user's, whose rows are split.
    File(PathBuf),
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "cnn" => Self::Cnn,
            "pixels" => Self::Pixels,
            file => Self::File(file.into()),
        })
    }
}

/// Rows to train and to test on.
#[derive(Debug)]
pub(crate) struct Data {
    /// What they are, for a reader.
    pub(crate) name: String,
    pub(crate) training: Dataset,
    pub(crate) test: Dataset,
    /// Rows that are neither trained nor tested on.
    pub(crate) validation: Option<Dataset>,
    /// The images of the test rows, where they are known.
    pub(crate) images: Option<Images>,
}

impl Source {
    /// Rows to train on, chosen by [`select`], and rows to test on: those of a file of their own, if there is one.
    pub(crate) fn load(&self, samples: usize, seed: Option<u64>, test: Option<&Path>) -> Result<Data> {
        let (name, (training, test)) = match (self, test) {
            (Self::File(path), test) => return split_file(path, samples, seed, test),
            (_, Some(test)) => {
                return Err(BadInput::at(test, "the embedded data has test rows of its own").into());
            }
            (Self::Cnn, None) => ("MNIST, CNN features", load_features()?),
            (Self::Pixels, None) => ("MNIST, pixels", load_mnist()?),
        };
        let (chosen, _) = select(training.samples(), samples, seed)?;
        let training = training.select(&chosen)?;
        Ok(Data { name: name.into(), training, test, validation: None, images: Some(mnist_test_images()?) })
    }
}

/// Splits the rows of a file. Those that are not trained on are tested on, or are for validation where a file of test
/// rows is given.
fn split_file(path: &Path, samples: usize, seed: Option<u64>, test: Option<&Path>) -> Result<Data> {
    let read = |path: &Path| {
        let table = read_table(path, &TableOptions::default()).or_bad_input()?;
        if let Some(doubt @ (LabelDoubt::AllDiffer | LabelDoubt::Fractions)) = table.remarks().label {
            let problem = format!("{}: the labels are those of the first column, {doubt}", path.display());
            return Err(BadInput::new(problem));
        }
        table.into_dataset().or_bad_input()
    };
    let data = read(path)?;
    let (chosen, rest) = select(data.samples(), samples, seed)?;
    let training = data.select(&chosen)?;
    let rest = if rest.is_empty() { None } else { Some(data.select(&rest)?) };
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let Some(file) = test else {
        let test = rest.ok_or_else(|| {
            let problem =
                format!("{}: all {samples} rows are trained on, none is left to test", path.display());
            BadInput::new(problem)
        })?;
        return Ok(Data { name, training, test, validation: None, images: None });
    };
    let test = read(file)?;
    let [found, expected] = [&test, &training].map(|rows| rows.features().ncols());
    if found != expected {
        let problem = format!("{found} features, but the training rows have {expected}");
        return Err(BadInput::at(file, problem).into());
    }
    Ok(Data { name, training, test, validation: rest, images: None })
}

/// The embedded CNN features: 8,192 training rows and 10,000 test rows of 304 features.
pub(crate) fn load_features() -> Result<(Dataset, Dataset)> {
    let rows = |(name, content): (&str, &[u8])| {
        let table = parse_table(Path::new(name), content, &TableOptions::default())?;
        table.into_dataset().context("the embedded CNN features")
    };
    let [training, test] = FEATURES;
    Ok((rows(training)?, rows(test)?))
}

/// The embedded MNIST subset: 1,024 training rows and 10,000 test rows of 400 pixels from 0 to 1, the centre 20 × 20 of
/// each image, row by row.
pub(crate) fn load_mnist() -> Result<(Dataset, Dataset)> {
    let [training_images, training_labels, test_images, test_labels] = MNIST;
    let rows = |images, labels| mnist_rows(images, labels).context("the embedded MNIST data");
    Ok((rows(training_images, training_labels)?, rows(test_images, test_labels)?))
}

/// The embedded test images, in the order of the test rows: 10,000 of 28 × 28 bytes.
fn mnist_test_images() -> Result<Images> {
    Idx::parse_gzip(MNIST[2], 3, LIMIT).and_then(Images::try_from).context("the embedded MNIST data")
}

fn mnist_rows(images: &[u8], labels: &[u8]) -> Result<Dataset, ContentError> {
    let images = Idx::parse_gzip(images, 3, LIMIT)?.centre(CENTRE_SIDE)?;
    let labels = Idx::parse_gzip(labels, 1, LIMIT)?;
    Ok(Dataset::new(images.pixels()?, labels.labels())?)
}

/// Chooses which of `available` rows are trained on: the first `samples`, or with a seed as many at random, in random
/// order. Returns these, and the rest in ascending order. The seed decides nothing else.
pub(crate) fn select(
    available: usize,
    samples: usize,
    seed: Option<u64>,
) -> Result<(Vec<usize>, Vec<usize>), BadInput> {
    if samples == 0 {
        return Err(BadInput::new("at least one sample is needed"));
    }
    if samples > available {
        return Err(BadInput::new(format!("{samples} samples asked for, but the data has {available} rows")));
    }
    let mut rows: Vec<usize> = (0..available).collect();
    let Some(seed) = seed else {
        let rest = rows.split_off(samples);
        return Ok((rows, rest));
    };
    let (chosen, rest) = rows.partial_shuffle(&mut ChaCha20Rng::seed_from_u64(seed), samples);
    rest.sort_unstable();
    Ok((chosen.to_vec(), rest.to_vec()))
}
