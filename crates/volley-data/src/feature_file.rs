//! Features in files, as `read_table` reads them.

use std::io::Write;
use std::path::Path;

use csv::Writer;
use ndarray::{Array2, Axis};

use crate::error::{ContentError, DataError};
use crate::labels::check_labels as check_label_texts;
use crate::npy;
use crate::npz::NpzWriter;

/// How features are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureFormat {
    /// A header, the label first in each row.
    Csv,
    /// One array of features, without labels.
    Npy,
    /// Arrays `X` and `y`.
    Npz,
}

impl FeatureFormat {
    /// The format that an extension says: `.csv`, `.npy` or `.npz`.
    ///
    /// # Errors
    ///
    /// [`ContentError::FeatureName`] for any other.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("npy") => Ok(Self::Npy),
            Some("npz") => Ok(Self::Npz),
            _ => Err(ContentError::FeatureName.in_file(path)),
        }
    }
}

/// Writes features (samples × features) and their labels. What is read again has the same values, and in CSV and NPZ
/// the same labels; NPY has no place for them.
///
/// # Errors
///
/// [`ContentError::LabelCount`]; [`ContentError::EmptyLabel`] and [`ContentError::LabelCharacter`] for labels that
/// would not be read again; [`ContentError::Io`].
pub fn write_features(
    out: impl Write,
    format: FeatureFormat,
    features: &Array2<f32>,
    labels: Option<&[String]>,
) -> Result<(), ContentError> {
    check_labels(features.nrows(), labels)?;
    let shape = features.shape();
    let elements = features.iter().map(|value| value.to_le_bytes().to_vec());
    match format {
        FeatureFormat::Csv => write_csv(out, features, labels),
        FeatureFormat::Npy => Ok(npy::write(out, "<f4", shape, elements)?),
        FeatureFormat::Npz => {
            let mut npz = NpzWriter::compressed();
            npz.add("X", "<f4", shape, elements)?;
            add_labels(&mut npz, labels)?;
            npz.finish(out)
        }
    }
}

/// Writes features as [`write_features`] does to NPZ, but rounded to 8 bits: `X` holds k from 0 to 255, and a feature
/// is `X_offset` + k · `X_scale` of its column.
///
/// The steps of a column are equal and span its values. So no value moves by more than half a step, which is 1/510 of
/// the column's range (and the rounding of an f32).
///
/// # Errors
///
/// As [`write_features`].
pub fn write_features_in_bytes(
    out: impl Write,
    features: &Array2<f32>,
    labels: Option<&[String]>,
) -> Result<(), ContentError> {
    check_labels(features.nrows(), labels)?;
    let range = |column: ndarray::ArrayView1<'_, f32>| {
        let low = column.iter().copied().fold(f32::INFINITY, f32::min);
        let high = column.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        (low, (high - low) / f32::from(u8::MAX))
    };
    let (offsets, scales): (Vec<f32>, Vec<f32>) = features.axis_iter(Axis(1)).map(range).unzip();
    let byte = |(value, (offset, scale)): (&f32, (&f32, &f32))| {
        // A column of one value has no steps.
        if *scale > 0.0 { vec![((value - offset) / scale).round() as u8] } else { vec![0] }
    };
    let bytes = features.rows().into_iter().flat_map(|row| {
        let columns = offsets.iter().zip(&scales);
        row.into_iter().zip(columns).map(byte).collect::<Vec<_>>()
    });
    let numbers =
        |values: &[f32]| values.iter().map(|value| value.to_le_bytes().to_vec()).collect::<Vec<_>>();
    let columns = [features.ncols()];
    let mut npz = NpzWriter::compressed();
    npz.add("X", "|u1", features.shape(), bytes)?;
    npz.add("X_offset", "<f4", &columns, numbers(&offsets))?;
    npz.add("X_scale", "<f4", &columns, numbers(&scales))?;
    add_labels(&mut npz, labels)?;
    npz.finish(out)
}

fn check_labels(rows: usize, labels: Option<&[String]>) -> Result<(), ContentError> {
    match labels {
        Some(labels) if labels.len() != rows => Err(ContentError::LabelCount { labels: labels.len(), rows }),
        Some(labels) => check_label_texts(labels, |index| index as u64 + 1),
        None => Ok(()),
    }
}

fn add_labels(npz: &mut NpzWriter, labels: Option<&[String]>) -> Result<(), ContentError> {
    labels.map_or(Ok(()), |labels| npz.add_labels("y", labels))
}

/// A value is written in as many digits as it takes to read the same f32 again.
fn write_csv(out: impl Write, features: &Array2<f32>, labels: Option<&[String]>) -> Result<(), ContentError> {
    let mut writer = Writer::from_writer(out);
    let label = labels.map(|_| "label".to_owned());
    let names = (1..=features.ncols()).map(|column| format!("feature_{column}"));
    writer.write_record(label.into_iter().chain(names)).map_err(crate::predictions::io_error)?;
    for (index, row) in features.rows().into_iter().enumerate() {
        let label = labels.map(|labels| labels[index].clone());
        let values = row.into_iter().map(ToString::to_string);
        writer.write_record(label.into_iter().chain(values)).map_err(crate::predictions::io_error)?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests;
