//! The rows of each owner as files, for `volley pool`.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result};
use ndarray::Array2;
use volley_data::{FeatureFormat, write_features};
use volley_mlr::Dataset;

/// Writes `owner-1.npz`, `owner-2.npz` … and `test.npz` into a folder.
pub(super) fn write(folder: &Path, rows: &[Dataset], test: &Dataset) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (owner, rows) in rows.iter().enumerate() {
        write_table(&folder.join(format!("owner-{}.npz", owner + 1)), rows)?;
    }
    write_table(&folder.join("test.npz"), test)
}

fn write_table(path: &Path, data: &Dataset) -> Result<()> {
    let features: Array2<f32> = data.features().mapv(|value| value as f32);
    let file = File::create_new(path).with_context(|| path.display().to_string())?;
    Ok(write_features(BufWriter::new(file), FeatureFormat::Npz, &features, Some(data.labels()))?)
}
