//! Training on the paper's own features: 512 MNIST digits as REGNET_X_400MF sees them, 128 of them trained on.
//!
//! The file is not part of the project; the tests pass without it, saying so.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as such here")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod encrypted;
mod other_objectives;
mod regnet;

use std::path::Path;

use ndarray::Array2;
use volley_mlr::Dataset;

const TRAINING_ROWS: usize = 128;

/// Training and test rows, if the file is there.
fn regnet() -> Option<(Dataset, Dataset)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Ok(text) =
        std::fs::read_to_string(root.join("../shared/data/regnet_x_400mf_mnist_train_first512.csv"))
    else {
        println!("skipped: the REGNET features are not beside the workspace");
        return None;
    };
    let rows: Vec<Vec<f64>> =
        text.lines().map(|line| line.split(',').map(|cell| cell.trim().parse().unwrap()).collect()).collect();
    let features = Array2::from_shape_fn((rows.len(), rows[0].len() - 1), |(i, j)| rows[i][j + 1]);
    let all = Dataset::new(features, rows.iter().map(|row| row[0].to_string())).unwrap();
    let training: Vec<usize> = (0..TRAINING_ROWS).collect();
    let test: Vec<usize> = (TRAINING_ROWS..all.samples()).collect();
    Some((all.select(&training).unwrap(), all.select(&test).unwrap()))
}
