//! A model as a JSON object.

use std::io::Write;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use volley_mlr::{ScoreKind, Sharing};

use super::{Parts, Statistics, check_length};
use crate::error::ContentError;
use crate::schema::Schema;

const FORMAT: &str = "volley model";
/// Version 1 has no columns, version 2 does not say what scores say.
const VERSION: u64 = 3;

/// What is read first, of any version.
#[derive(Deserialize)]
struct Envelope {
    format: String,
    version: u64,
}

/// All versions.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u64,
    classes: Vec<String>,
    coef: Vec<Vec<f64>>,
    intercept: Vec<f64>,
    preprocessing: Option<Statistics>,
    #[serde(default)]
    sharing: Sharing,
    #[serde(default)]
    scores: ScoreKind,
    #[serde(default)]
    columns: Option<Schema>,
}

pub(super) fn write(mut out: impl Write, parts: Parts) -> Result<(), ContentError> {
    let document = Document {
        format: FORMAT.into(),
        version: VERSION,
        classes: parts.classes,
        coef: parts.coef.rows().into_iter().map(|row| row.to_vec()).collect(),
        intercept: parts.intercept,
        preprocessing: parts.preprocessing,
        sharing: parts.sharing,
        scores: parts.scores,
        columns: parts.columns,
    };
    serde_json::to_writer(&mut out, &document).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// What a file is that is no JSON.
fn other_kind(content: &[u8]) -> Option<&'static str> {
    let text = str::from_utf8(content).map(str::trim_start);
    match text {
        Ok(text) if text.starts_with(['{', '[']) => None,
        Ok("") => Some("an empty file"),
        Ok(text) if text.lines().next().is_some_and(|line| line.contains([',', ';', '\t'])) => {
            Some("a table in text, such as CSV")
        }
        Ok(_) => Some("a text"),
        Err(_) => Some("a file of another format"),
    }
}

pub(super) fn read(content: &[u8]) -> Result<Parts, ContentError> {
    if let Some(found) = other_kind(content) {
        return Err(ContentError::NotAModel { found });
    }
    let malformed = |error: serde_json::Error| ContentError::Json { message: error.to_string() };
    let envelope: Envelope = serde_json::from_slice(content).map_err(malformed)?;
    if envelope.format != FORMAT {
        return Err(ContentError::Format { expected: "a model" });
    }
    if !(1..=VERSION).contains(&envelope.version) {
        return Err(ContentError::Version { found: envelope.version, supported: VERSION });
    }
    let document: Document = serde_json::from_slice(content).map_err(malformed)?;
    let rows = document.coef.len();
    check_length("coef", rows, document.classes.len())?;
    let columns = document.coef.first().map_or(0, Vec::len);
    for row in &document.coef {
        check_length("a row of coef", row.len(), columns)?;
    }
    let coef = Array2::from_shape_vec((rows, columns), document.coef.concat());
    Ok(Parts {
        classes: document.classes,
        coef: coef.map_err(|_| ContentError::ModelShape { part: "coef", found: 0, expected: rows })?,
        intercept: document.intercept,
        preprocessing: document.preprocessing,
        sharing: document.sharing,
        scores: document.scores,
        columns: document.columns,
    })
}
