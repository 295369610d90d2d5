//! Two hundred tables of `scripts/random_tables.py`: each is read as Python's own readers read it, every value and
//! label of it, or refused by name.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of the test, which clippy does not see as such here")]

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use volley_data::{
    ContentError, DataError, Header, LabelSource, Table, TableOptions, parse_table, read_table,
};
use volley_mlr::{Hyperparameters, Step, TrainingSet};
use volley_testkit::mutation::mutate;
use zip::ZipArchive;

const TABLES: &[u8] = include_bytes!("../testdata/random-tables.zip");

/// A table, and what must become of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    options: Options,
    reading: Option<Reading>,
    refusal: Option<Refusal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    labels: Labels,
    header: String,
    features: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Labels {
    Usual,
    Column(usize),
    Named(String),
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    rows: usize,
    columns: usize,
    labels: Vec<String>,
    /// The accuracy of scikit-learn's model, on the rows that it was trained on.
    accuracy: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    /// The name of the variant.
    kind: String,
    row: Option<u64>,
}

impl Entry {
    fn read(&self, folder: &Path) -> Result<Table, DataError> {
        let labels = match &self.options.labels {
            Labels::Usual => LabelSource::Usual,
            Labels::Column(index) => LabelSource::Column(*index),
            Labels::Named(name) => LabelSource::Named(name.clone()),
            Labels::File(name) => LabelSource::File(folder.join(name)),
        };
        let header = match self.options.header.as_str() {
            "yes" => Header::Yes,
            "no" => Header::No,
            _ => Header::Auto,
        };
        let mut options = TableOptions { header, ..TableOptions::with_labels(labels) };
        if let Some(features) = &self.options.features {
            options.features = features.clone();
        }
        read_table(&folder.join(&self.file), &options)
    }
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    /// For one test of this process.
    fn unpack(test: &str) -> Self {
        let name = format!("volley-random-tables-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        ZipArchive::new(Cursor::new(TABLES)).unwrap().extract(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn values(file: &Path) -> Vec<f64> {
    let mut bytes = Vec::new();
    fs::File::open(file).unwrap().read_to_end(&mut bytes).unwrap();
    bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

/// The name of the variant and the row, where it has one.
fn kind_and_row(cause: &ContentError) -> (String, Option<u64>) {
    let shown = format!("{cause:?}");
    let kind = shown.split([' ', '(']).next().unwrap_or_default().to_owned();
    let row = shown.split_once("row: ").and_then(|(_, rest)| rest.split([',', ' ']).next()?.parse().ok());
    (kind, row)
}

#[test]
fn every_table_is_read_as_by_another_reader_or_refused_by_name() {
    let folder = Folder::unpack("read");
    let manifest = fs::read(folder.0.join("manifest.json")).unwrap();
    let entries: Vec<Entry> = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(entries.len(), 200);
    for entry in &entries {
        let name = &entry.file;
        match (entry.read(&folder.0), &entry.reading, &entry.refusal) {
            (Ok(table), Some(reading), None) => {
                assert_eq!(table.features().dim(), (reading.rows, reading.columns), "{name}");
                let number = name.split('.').next().unwrap_or_default();
                let expected = values(&folder.0.join(format!("{number}.values")));
                assert!(table.features().iter().eq(&expected), "{name}: other values");
                assert_eq!(table.labels(), Some(&reading.labels[..]), "{name}");
                assert!((0.5..=1.0).contains(&reading.accuracy), "{name}");
            }
            (Err(error), None, Some(refusal)) => {
                let (kind, row) = kind_and_row(&error.cause);
                assert_eq!((&kind, row), (&refusal.kind, refusal.row.or(row)), "{error}");
            }
            (Ok(_), ..) => panic!("{name}: read, though it should be refused"),
            (Err(error), ..) => panic!("refused, though it should be read: {error}"),
        }
    }
}

/// Rows of the training set that are predicted right, beside scikit-learn's multinomial model of the same rows. Tables
/// have 40 to 90 rows: two points are less than two rows. A run that leaves the polynomial's range is not compared;
/// `volley encrypt` names it.
#[test]
fn most_tables_are_learned_as_well_as_by_logistic_regression() {
    const POINTS: f64 = 0.02;
    let folder = Folder::unpack("learned");
    let manifest = fs::read(folder.0.join("manifest.json")).unwrap();
    let entries: Vec<Entry> = serde_json::from_slice(&manifest).unwrap();
    let settings = Hyperparameters::standard(8).unwrap();
    let (mut compared, mut as_well, mut sum) = (0, 0, 0.0);
    for (entry, reading) in entries.iter().filter_map(|entry| Some((entry, entry.reading.as_ref()?))) {
        let data = entry.read(&folder.0).unwrap().into_dataset().unwrap();
        let set = TrainingSet::new(&data, settings.profile()).unwrap();
        let steps: Vec<Step> = set.reference(&settings).collect();
        if steps.iter().any(|step| step.check_range().is_err()) {
            continue;
        }
        let model = set.model(steps[7].weights.clone()).unwrap();
        let difference = model.accuracy(&data).unwrap() - reading.accuracy;
        println!("{}: {difference:+.3}", entry.file);
        compared += 1;
        as_well += usize::from(difference >= -POINTS);
        sum += difference;
    }
    let mean = sum / f64::from(compared);
    println!("{as_well} of {compared}, {mean:+.4} on the mean");
    assert!(compared >= 146 && as_well >= 139 && mean > -0.002);
}

/// Every table with random defects is read or refused, within the limit of what it may become.
#[test]
fn no_damage_is_a_panic() {
    let mut archive = ZipArchive::new(Cursor::new(TABLES)).unwrap();
    // A generator that is good enough for defects: xorshift.
    let mut state = 14u64;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let options = TableOptions { limit: 1 << 20, ..TableOptions::default() };
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let path = PathBuf::from(file.name().unwrap().into_owned());
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        for _ in 0..50 {
            let _ = parse_table(&path, &mutate(&content, &mut word), &options);
        }
    }
}
