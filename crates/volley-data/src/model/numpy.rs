//! A model as NumPy arrays, with the names of scikit-learn's attributes.

use std::io::{Cursor, Write};
use std::path::Path;

use volley_mlr::{ScoreKind, Sharing};

use super::{LIMIT, Parts, Statistics};
use crate::error::{ContentError, DataError};
use crate::npz::{Npz, NpzWriter};
use crate::schema::{Schema, Use};
use crate::source::Memory;

pub(super) fn write(out: impl Write, parts: &Parts) -> Result<(), ContentError> {
    let (classes, features) = parts.coef.dim();
    let mut npz = NpzWriter::new();
    npz.add_numbers("coef_", &[classes, features], &parts.coef)?;
    npz.add_numbers("intercept_", &[classes], &parts.intercept)?;
    npz.add_labels("classes_", &parts.classes)?;
    if let Some(statistics) = &parts.preprocessing {
        let roots = statistics.square_root.iter().map(|&root| vec![u8::from(root)]);
        npz.add("square_root_", "|b1", &[features], roots)?;
        npz.add_numbers("mean_", &[features], &statistics.mean)?;
        npz.add_numbers("inverse_deviation_", &[features], &statistics.inverse_deviation)?;
        npz.add_numbers("clip_", &[], [&statistics.clip])?;
    }
    match parts.sharing {
        // For readers of the file. A file without a mark holds a private model too.
        Sharing::Private => npz.add("private_", "|b1", &[], [vec![u8::from(true)]])?,
        Sharing::Flooded { statistical_bits, decryptions, deviation } => {
            let flooding = [f64::from(statistical_bits), f64::from(decryptions), deviation];
            npz.add_numbers("flooding_", &[flooding.len()], &flooding)?;
        }
    }
    if parts.scores == ScoreKind::LogPosterior {
        npz.add("log_posterior_", "|b1", &[], [vec![u8::from(true)]])?;
    }
    if let Some(columns) = &parts.columns {
        let uses: Vec<String> = columns.uses().iter().map(|each| each.name().to_owned()).collect();
        npz.add_texts("column_uses_", &uses)?;
        columns.names().map_or(Ok(()), |names| npz.add_texts("column_names_", names))?;
    }
    npz.finish(out)
}

pub(super) fn read(path: &Path, content: &[u8]) -> Result<Parts, DataError> {
    let mut memory = Memory::new(LIMIT);
    let memory = &mut memory;
    let mut npz = Npz::open(path, Box::new(Cursor::new(content)))?;
    let coef = npz.read("coef_", |array| array.features(memory))?;
    let intercept = npz.read("intercept_", |array| array.vector(memory))?;
    let classes = npz.read("classes_", |array| array.labels(memory))?;
    // Any of them asks for all of them.
    let is_standard =
        ["square_root_", "mean_", "inverse_deviation_", "clip_"].iter().any(|name| npz.has(name));
    let preprocessing = if is_standard {
        Some(Statistics {
            square_root: npz.read("square_root_", |array| array.truths(memory))?,
            mean: npz.read("mean_", |array| array.vector(memory))?,
            inverse_deviation: npz.read("inverse_deviation_", |array| array.vector(memory))?,
            clip: npz.read("clip_", |array| array.number(memory))?,
        })
    } else {
        None
    };
    let sharing = if npz.has("flooding_") {
        npz.read("flooding_", |array| flooding(&array.vector(memory)?))?
    } else {
        Sharing::Private
    };
    let scores = if npz.has("log_posterior_") { ScoreKind::LogPosterior } else { ScoreKind::OneAgainstRest };
    let columns = if npz.has("column_uses_") {
        let uses = npz.read("column_uses_", |array| {
            array.labels(memory)?.iter().map(|name| Use::of(name)).collect::<Result<Vec<_>, _>>()
        })?;
        let has_names = npz.has("column_names_");
        let names = has_names.then(|| npz.read("column_names_", |array| array.labels(memory))).transpose()?;
        Some(Schema::new(uses, names).map_err(|cause| cause.in_file(path))?)
    } else {
        None
    };
    Ok(Parts { classes, coef, intercept, preprocessing, sharing, scores, columns })
}

/// Statistical bits, decryptions and deviation.
fn flooding(numbers: &[f64]) -> Result<Sharing, ContentError> {
    let &[statistical_bits, decryptions, deviation] = numbers else {
        return Err(ContentError::ModelShape { part: "flooding", found: numbers.len(), expected: 3 });
    };
    // A number outside of the type's range becomes the nearest number in it.
    let (statistical_bits, decryptions) = (statistical_bits as u32, decryptions as u32);
    Ok(Sharing::Flooded { statistical_bits, decryptions, deviation })
}
