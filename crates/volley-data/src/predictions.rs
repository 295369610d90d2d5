//! Predictions as CSV: a header, then for each row the predicted class and the score of each class.

use std::io::Write;

use csv::Writer;
use ndarray::Array2;
use volley_mlr::ClassLabels;

use crate::error::ContentError;

/// Writes for each row of scores (samples × classes) the class of the highest score, then the scores. The columns are
/// `prediction`, and `score_CLASS` for each class. A score has as many digits as it takes to read the same f64 again.
///
/// # Errors
///
/// [`ContentError::Io`].
pub fn write_predictions(
    out: impl Write,
    classes: &ClassLabels,
    scores: &Array2<f64>,
) -> Result<(), ContentError> {
    let mut writer = Writer::from_writer(out);
    let header = classes.names().iter().map(|class| format!("score_{class}"));
    writer.write_record(std::iter::once("prediction".to_owned()).chain(header)).map_err(io_error)?;
    for (prediction, scores) in classes.highest(scores).into_iter().zip(scores.rows()) {
        let scores = scores.into_iter().map(ToString::to_string);
        writer.write_record(std::iter::once(prediction.to_owned()).chain(scores)).map_err(io_error)?;
    }
    Ok(writer.flush()?)
}

/// With all rows of one length, only the stream can fail.
pub(crate) fn io_error(error: csv::Error) -> ContentError {
    std::io::Error::from(error).into()
}

#[cfg(test)]
mod tests;
