//! The rows that the experiment trains and tests on.

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha20Rng;
use volley_data::{ContentError, Idx};
use volley_mlr::Dataset;

use crate::BadInput;

#[cfg(test)]
mod tests;

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

/// The embedded MNIST subset: 1,024 training rows and 10,000 test rows of 400 pixels from 0 to 1, the centre 20 × 20 of
/// each image, row by row.
pub(crate) fn load_mnist() -> Result<(Dataset, Dataset)> {
    let [training_images, training_labels, test_images, test_labels] = MNIST;
    let rows = |images, labels| mnist_rows(images, labels).context("the embedded MNIST data");
    Ok((rows(training_images, training_labels)?, rows(test_images, test_labels)?))
}

/// The embedded test images, in the order of the test rows: 10,000 of 28 × 28 bytes.
pub(crate) fn mnist_test_images() -> Result<Idx> {
    Idx::parse_gzip(MNIST[2], 3, LIMIT).context("the embedded MNIST data")
}

fn mnist_rows(images: &[u8], labels: &[u8]) -> Result<Dataset, ContentError> {
    let images = Idx::parse_gzip(images, 3, LIMIT)?.centre(CENTRE_SIDE)?;
    let labels = Idx::parse_gzip(labels, 1, LIMIT)?;
    Ok(Dataset::new(images.pixels()?, labels.labels())?)
}

/// Which of `available` rows are trained on, and the rest in ascending order: the first `samples`, or with a seed as
/// many at random, in random order. The seed decides nothing else.
pub(crate) fn select(
    available: usize,
    samples: usize,
    seed: Option<u64>,
) -> Result<(Vec<usize>, Vec<usize>), BadInput> {
    if samples == 0 {
        return Err(BadInput("at least one sample is needed".into()));
    }
    if samples > available {
        return Err(BadInput(format!("{samples} samples asked for, but the data has {available} rows")));
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
