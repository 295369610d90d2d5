//! The rows of each owner as files, for `volley pool`.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result};
use ndarray::Array2;
use volley_data::{FeatureFormat, write_features};
use volley_mlr::{ClassLabels, Dataset};

/// Writes `owner-1.npz`, `owner-2.npz` … and `test.npz` into a folder.
pub(super) fn write(folder: &Path, rows: &[Dataset], test: &Dataset) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (owner, rows) in rows.iter().enumerate() {
        write_table(&folder.join(format!("owner-{}.npz", owner + 1)), rows)?;
    }
    write_table(&folder.join("test.npz"), test)
}

/// Writes the names of the classes into `classes.txt`, and into `in-clear.tsv` what trainings in clear reach: a line
/// with a name and an accuracy for each.
pub(super) fn write_in_clear(
    folder: &Path,
    classes: &ClassLabels,
    accuracies: &[(String, String)],
) -> Result<()> {
    fs::write(folder.join("classes.txt"), classes.names().join(",") + "\n")?;
    let lines: String = accuracies.iter().map(|(name, accuracy)| format!("{name}\t{accuracy}\n")).collect();
    Ok(fs::write(folder.join("in-clear.tsv"), lines)?)
}

fn write_table(path: &Path, data: &Dataset) -> Result<()> {
    let features: Array2<f32> = data.features().mapv(|value| value as f32);
    let file = File::create_new(path).with_context(|| path.display().to_string())?;
    Ok(write_features(BufWriter::new(file), FeatureFormat::Npz, &features, Some(data.labels()))?)
}
