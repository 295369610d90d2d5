//! Features in files, as `read_table` reads them.

use std::io::{self, Seek, Write};
use std::path::Path;

use csv::Writer;
use ndarray::Array2;

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

/// Features in rows that are read from the first to the last, as often as they are needed. They need not be in memory.
pub trait FeatureRows {
    /// Samples and features: every row has as many.
    fn dim(&self) -> (usize, usize);

    /// The rows in their order.
    ///
    /// # Errors
    ///
    /// Those of the system. After a row that is an error nothing more is read.
    fn rows(&self) -> io::Result<impl Iterator<Item = io::Result<Vec<f32>>>>;
}

impl FeatureRows for Array2<f32> {
    fn dim(&self) -> (usize, usize) {
        self.dim()
    }

    fn rows(&self) -> io::Result<impl Iterator<Item = io::Result<Vec<f32>>>> {
        Ok(self.outer_iter().map(|row| Ok(row.to_vec())))
    }
}

/// Writes features (samples × features) and their labels. What is read again has the same values, and in CSV and NPZ
/// the same labels; NPY has no place for them. Memory: a row.
///
/// # Errors
///
/// [`ContentError::LabelCount`]; [`ContentError::EmptyLabel`] and [`ContentError::LabelCharacter`] for labels that
/// would not be read again; [`ContentError::Io`].
pub fn write_features(
    out: impl Write + Seek,
    format: FeatureFormat,
    features: &impl FeatureRows,
    labels: Option<&[String]>,
) -> Result<(), ContentError> {
    let (samples, columns) = features.dim();
    check_labels(samples, labels)?;
    let shape = [samples, columns];
    let bytes = |row: io::Result<Vec<f32>>| Ok(row?.iter().flat_map(|value| value.to_le_bytes()).collect());
    match format {
        FeatureFormat::Csv => write_csv(out, features, labels),
        FeatureFormat::Npy => Ok(npy::write_parts(out, "<f4", &shape, features.rows()?.map(bytes))?),
        FeatureFormat::Npz => {
            let mut npz = NpzWriter::compressed(out);
            npz.add_parts("X", "<f4", &shape, features.rows()?.map(bytes))?;
            add_labels(&mut npz, labels)?;
            npz.close().map(|_| ())
        }
    }
}

/// Writes features as [`write_features`] does to NPZ, but rounded to 8 bits: `X` holds k from 0 to 255, and a feature
/// is `X_offset` + k · `X_scale` of its column.
///
/// The steps of a column are equal and span its values. So no value moves by more than half a step, which is 1/510 of
/// the column's range (and the rounding of an f32). Rows are read twice.
///
/// # Errors
///
/// As [`write_features`].
pub fn write_features_in_bytes(
    out: impl Write + Seek,
    features: &impl FeatureRows,
    labels: Option<&[String]>,
) -> Result<(), ContentError> {
    let (samples, columns) = features.dim();
    check_labels(samples, labels)?;
    let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); columns];
    for row in features.rows()? {
        for ((low, high), value) in ranges.iter_mut().zip(row?) {
            (*low, *high) = (low.min(value), high.max(value));
        }
    }
    let steps: Vec<(f32, f32)> =
        ranges.into_iter().map(|(low, high)| (low, (high - low) / f32::from(u8::MAX))).collect();
    let byte = |(value, &(offset, scale)): (f32, &(f32, f32))| {
        // A column of one value has no steps.
        if scale > 0.0 { ((value - offset) / scale).round() as u8 } else { 0 }
    };
    let bytes = |row: io::Result<Vec<f32>>| Ok(row?.into_iter().zip(&steps).map(byte).collect());
    let mut npz = NpzWriter::compressed(out);
    npz.add_parts("X", "|u1", &[samples, columns], features.rows()?.map(bytes))?;
    npz.add("X_offset", "<f4", &[columns], steps.iter().map(|(offset, _)| offset.to_le_bytes().to_vec()))?;
    npz.add("X_scale", "<f4", &[columns], steps.iter().map(|(_, scale)| scale.to_le_bytes().to_vec()))?;
    add_labels(&mut npz, labels)?;
    npz.close().map(|_| ())
}

fn check_labels(rows: usize, labels: Option<&[String]>) -> Result<(), ContentError> {
    match labels {
        Some(labels) if labels.len() != rows => Err(ContentError::LabelCount { labels: labels.len(), rows }),
        Some(labels) => check_label_texts(labels, |index| index as u64 + 1),
        None => Ok(()),
    }
}

fn add_labels<W: Write + Seek>(
    npz: &mut NpzWriter<W>,
    labels: Option<&[String]>,
) -> Result<(), ContentError> {
    labels.map_or(Ok(()), |labels| npz.add_labels("y", labels))
}

/// A value is written in as many digits as it takes to read the same f32 again.
fn write_csv(
    out: impl Write,
    features: &impl FeatureRows,
    labels: Option<&[String]>,
) -> Result<(), ContentError> {
    let mut writer = Writer::from_writer(out);
    let label = labels.map(|_| "label".to_owned());
    let names = (1..=features.dim().1).map(|column| format!("feature_{column}"));
    writer.write_record(label.into_iter().chain(names)).map_err(crate::predictions::io_error)?;
    for (index, row) in features.rows()?.enumerate() {
        let label = labels.map(|labels| labels[index].clone());
        let values = row?.into_iter().map(|value| value.to_string());
        writer.write_record(label.into_iter().chain(values)).map_err(crate::predictions::io_error)?;
    }
    Ok(writer.flush()?)
}

#[cfg(test)]
mod tests;
