use std::io::Cursor;

use ndarray::array;
use proptest::prelude::*;
use volley_mlr::Precision;

use super::*;
use crate::{LabelSource, TableOptions, parse_table};

fn labels() -> Vec<String> {
    ["cat", "dog", "cat"].map(str::to_owned).to_vec()
}

fn features() -> Array2<f32> {
    array![[0.1, -3.5e-7, 2.0], [0.2, 4.0, 2.0], [1.0 / 3.0, 1e30, 2.0]]
}

fn nowhere() -> Cursor<Vec<u8>> {
    Cursor::new(Vec::new())
}

/// Rows on a disk that fails after the first.
struct Failing;

impl FeatureRows for Failing {
    fn dim(&self) -> (usize, usize) {
        (2, 1)
    }

    fn rows(&self) -> io::Result<impl Iterator<Item = io::Result<Vec<f32>>>> {
        Ok([Ok(vec![1.0]), Err(io::Error::other("torn"))].into_iter())
    }
}

#[test]
fn rows_that_cannot_be_read_are_an_error() {
    for format in [FeatureFormat::Csv, FeatureFormat::Npy, FeatureFormat::Npz] {
        let error = write_features(nowhere(), format, &Failing, None).unwrap_err();
        assert!(matches!(&error, ContentError::Io { .. }) && error.to_string().contains("torn"), "{error}");
    }
    let error = write_features_in_bytes(nowhere(), &Failing, None).unwrap_err();
    assert!(error.to_string().contains("torn"), "{error}");
}

fn written(format: FeatureFormat, labels: Option<&[String]>) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    write_features(&mut content, format, &features(), labels).unwrap();
    content.into_inner()
}

fn in_bytes(features: &Array2<f32>, labels: Option<&[String]>) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    write_features_in_bytes(&mut content, features, labels).unwrap();
    content.into_inner()
}

#[test]
fn what_is_written_is_read_again() {
    let exact = features().mapv(f64::from);
    let labels = labels();
    for (name, format) in
        [("x.csv", FeatureFormat::Csv), ("x.npz", FeatureFormat::Npz), ("x.npy", FeatureFormat::Npy)]
    {
        let content = written(format, Some(&labels));
        let table = parse_table(Path::new(name), &content, &TableOptions::default()).unwrap();
        let expected = (format != FeatureFormat::Npy).then_some(&labels[..]);
        assert_eq!(table.labels(), expected, "{name}");
        let precision = if format == FeatureFormat::Csv { Precision::Double } else { Precision::Single };
        assert_eq!(table.precision, precision, "{name}");
        // CSV gives the decimal number nearest to the f32, read as an f64.
        assert_eq!(table.features().mapv(|value| value as f32), features(), "{name}");
        assert!(format == FeatureFormat::Csv || table.features() == exact, "{name}");
        assert_eq!(FeatureFormat::of(Path::new(name)).unwrap(), format);
    }
    let absent = TableOptions::with_labels(LabelSource::Absent);
    let table = parse_table(Path::new("x.csv"), &written(FeatureFormat::Csv, None), &absent).unwrap();
    assert_eq!(table.columns().unwrap(), ["feature_1", "feature_2", "feature_3"]);
    let digits: Vec<String> = ["3", "1", "4"].map(str::to_owned).to_vec();
    let content = written(FeatureFormat::Npz, Some(&digits));
    let table = parse_table(Path::new("x.npz"), &content, &TableOptions::default()).unwrap();
    assert_eq!(table.labels().unwrap(), digits);
}

#[test]
fn what_cannot_be_written() {
    let error = FeatureFormat::of(Path::new("x.json")).unwrap_err();
    assert_eq!(*error.cause, ContentError::FeatureName);
    let two = &labels()[..2];
    let count = Err(ContentError::LabelCount { labels: 2, rows: 3 });
    assert_eq!(write_features(nowhere(), FeatureFormat::Csv, &features(), Some(two)), count);
    assert_eq!(write_features_in_bytes(nowhere(), &features(), Some(two)), count);
    for (label, cause) in [
        ("a\0", ContentError::LabelCharacter { row: 2, label: "a\0".into() }),
        ("a\nb", ContentError::LabelCharacter { row: 2, label: "a\nb".into() }),
        (" ", ContentError::EmptyLabel { row: 2, column: 1.into() }),
    ] {
        let labels = ["b", label, "c"].map(str::to_owned);
        for format in [FeatureFormat::Csv, FeatureFormat::Npz] {
            let error = write_features(nowhere(), format, &features(), Some(&labels)).unwrap_err();
            assert_eq!(error, cause);
        }
        assert_eq!(write_features_in_bytes(nowhere(), &features(), Some(&labels)), Err(cause));
    }
}

#[test]
fn scales_must_fit_the_columns() {
    let mut npz = NpzWriter::new();
    npz.add("X", "|u1", &[1, 2], [vec![1], vec![2]]).unwrap();
    npz.add_numbers("X_scale", &[3], &[1.0, 2.0, 3.0]).unwrap();
    npz.add_numbers("X_offset", &[2], &[1.0, 2.0]).unwrap();
    let mut content = Vec::new();
    npz.finish(&mut content).unwrap();
    let error = parse_table(Path::new("x.npz"), &content, &TableOptions::default()).unwrap_err();
    assert_eq!(*error.cause, ContentError::ScaleLength { found: 3, columns: 2 });
    assert_eq!(error.entry.as_deref(), Some("X_scale"));
}

proptest! {
    #[test]
    fn bytes_are_within_half_a_step(
        rows in 1usize..6,
        columns in 1usize..5,
        values in prop::collection::vec(-1e3f32..1e3, 30),
    ) {
        let features = Array2::from_shape_fn((rows, columns), |(row, column)| values[row * columns + column]);
        let content = in_bytes(&features, None);
        let table = parse_table(Path::new("x.npz"), &content, &TableOptions::default()).unwrap();
        for (found, exact) in table.features().columns().into_iter().zip(features.columns()) {
            let high = exact.iter().copied().fold(f32::MIN, f32::max);
            let low = exact.iter().copied().fold(f32::MAX, f32::min);
            let bound = f64::from(high - low) / 510.0 * 1.001 + 1e-3 * f64::from(f32::EPSILON) * 1e6;
            for (found, &exact) in found.iter().zip(exact) {
                prop_assert!((found - f64::from(exact)).abs() <= bound, "{} and {}", found, exact);
            }
        }
        prop_assert_eq!(content, in_bytes(&features, None));
    }
}
