//! The rows that the experiment trains and tests on.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use csv::{Position, ReaderBuilder, StringRecord, Trim};
use ndarray::{Array2, Axis};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha20Rng;

use crate::BadInput;
use crate::idx::Idx;

#[cfg(test)]
mod tests;

const MNIST: [&[u8]; 4] = [
    include_bytes!("../../data/mnist/train-first1024-images.idx3-ubyte.gz"),
    include_bytes!("../../data/mnist/train-first1024-labels.idx1-ubyte.gz"),
    include_bytes!("../../data/mnist/t10k-images.idx3-ubyte.gz"),
    include_bytes!("../../data/mnist/t10k-labels.idx1-ubyte.gz"),
];

/// Labelled rows: label i belongs to row i of the features.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) labels: Vec<String>,
    pub(crate) features: Array2<f64>,
}

impl Rows {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The rows of these indices, in their order.
    pub(crate) fn take(&self, indices: &[usize]) -> Self {
        Self {
            labels: indices.iter().map(|&index| self.labels[index].clone()).collect(),
            features: self.features.select(Axis(0), indices),
        }
    }
}

/// Side of the centre of an image whose pixels are the features: 400 of them, as the paper's features are.
const CENTRE_SIDE: usize = 20;

/// The embedded MNIST subset: 1,024 training rows and 10,000 test rows of 400 pixels from 0 to 1, the centre 20 × 20 of
/// each image, row by row.
pub(crate) fn load_mnist() -> Result<(Rows, Rows)> {
    let [training_images, training_labels, test_images, test_labels] = MNIST;
    let rows = |images, labels| mnist_rows(images, labels).context("the embedded MNIST data");
    Ok((rows(training_images, training_labels)?, rows(test_images, test_labels)?))
}

fn mnist_rows(images: &[u8], labels: &[u8]) -> Result<Rows> {
    let (images, labels) = (Idx::parse(images, 3)?.centre(CENTRE_SIDE)?, Idx::parse(labels, 1)?);
    ensure!(images.len() == labels.len(), "{} images, but {} labels", images.len(), labels.len());
    let pixels = images.bytes.iter().map(|&pixel| f64::from(pixel) / 255.0).collect();
    Ok(Rows {
        labels: labels.bytes.iter().map(u8::to_string).collect(),
        features: Array2::from_shape_vec((images.len(), images.shape[1] * images.shape[2]), pixels)?,
    })
}

/// Reads a CSV file in UTF-8: in each row a label, then the values, as many in each row.
///
/// A first row none of whose values is a number is a header and is skipped. Blank lines are skipped; blanks around a
/// field do not count. Rows are numbered by the line on which they start.
pub(crate) fn load_features(path: &Path) -> Result<Rows, BadInput> {
    let bad = |problem: String| BadInput(format!("{}: {problem}", path.display()));
    let content = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    parse_features(&content).map_err(bad)
}

/// [`load_features`] on the content of a file; the error is what is wrong with it.
fn parse_features(content: &[u8]) -> Result<Rows, String> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(content);
    let mut labels = Vec::new();
    let mut values = Vec::new();
    let mut columns = None;
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| describe(&error, content))?;
        let row = line(record.position(), content);
        let expected = *columns.get_or_insert(record.len());
        if record.len() != expected {
            return Err(format!("row {row} has {} columns, the first row has {expected}", record.len()));
        }
        if expected < 2 {
            return Err(format!("row {row} has no values after its label"));
        }
        if index == 0 && is_header(&record) {
            continue;
        }
        if record[0].is_empty() {
            return Err(format!("row {row}, column 1: the label is empty"));
        }
        labels.push(record[0].to_owned());
        for (column, field) in record.iter().enumerate().skip(1) {
            values.push(
                value(field).map_err(|problem| format!("row {row}, column {}: {problem}", column + 1))?,
            );
        }
    }
    if labels.is_empty() {
        return Err("the file has no rows".into());
    }
    let shape = (labels.len(), values.len() / labels.len());
    let features = Array2::from_shape_vec(shape, values).map_err(|error| error.to_string())?;
    Ok(Rows { labels, features })
}

fn is_header(record: &StringRecord) -> bool {
    record.iter().skip(1).all(|field| !field.is_empty() && field.parse::<f64>().is_err())
}

fn value(field: &str) -> Result<f64, String> {
    match field.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!("{field:?} is not a finite number")),
        Err(_) if field.is_empty() => Err("the value is empty".into()),
        Err(_) => Err(format!("{field:?} is not a number")),
    }
}

/// What the CSV reader met. With rows of any length allowed that is a field that is not UTF-8.
fn describe(error: &csv::Error, content: &[u8]) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { pos, err } => {
            let row = line(pos.as_ref(), content);
            format!("row {row}, column {}: the text is not UTF-8", err.field() + 1)
        }
        _ => error.to_string(),
    }
}

/// The line on which a record starts. The reader's position is that of the blank lines before it.
fn line(position: Option<&Position>, content: &[u8]) -> u64 {
    let Some(position) = position else { return 0 };
    let rest = &content[position.byte() as usize..];
    let blank = rest.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|&&byte| byte == b'\n');
    position.line() + blank.count() as u64
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
