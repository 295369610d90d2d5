//! Predictions as CSV: a header, then for each row the predicted class and a figure of each class.

use std::io::Write;

use csv::Writer;
use ndarray::Array2;
use volley_mlr::ClassLabels;

use crate::error::ContentError;

/// What is written of each class beside a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFigure {
    /// Its score.
    Score,
    /// Its probability.
    Probability,
}

impl RowFigure {
    fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Probability => "probability",
        }
    }
}

/// Writes for each row of figures (samples × classes) the class of the highest, then the figures. The columns are
/// `prediction`, and for each class `score_CLASS` or `probability_CLASS`. A figure has as many digits as it takes to
/// read the same f64 again.
///
/// # Errors
///
/// [`ContentError::Io`].
pub fn write_predictions(
    out: impl Write,
    classes: &ClassLabels,
    figure: RowFigure,
    figures: &Array2<f64>,
) -> Result<(), ContentError> {
    let mut writer = Writer::from_writer(out);
    let header = classes.names().iter().map(|class| format!("{}_{class}", figure.name()));
    writer.write_record(std::iter::once("prediction".to_owned()).chain(header)).map_err(io_error)?;
    for (prediction, figures) in classes.highest(figures).into_iter().zip(figures.rows()) {
        let figures = figures.into_iter().copied().map(written);
        writer.write_record(std::iter::once(prediction.to_owned()).chain(figures)).map_err(io_error)?;
    }
    Ok(writer.flush()?)
}

/// A number that reads as the same f64 again, without the many zeros of a tiny one.
fn written(figure: f64) -> String {
    const SMALL: f64 = 1e-5;
    if figure != 0.0 && figure.abs() < SMALL { format!("{figure:e}") } else { figure.to_string() }
}

/// With all rows of one length, only the stream can fail.
pub(crate) fn io_error(error: csv::Error) -> ContentError {
    std::io::Error::from(error).into()
}

#[cfg(test)]
mod tests;
