//! From raw features to the rows that training and prediction use.
//!
//! Statistics come from the training rows alone. They stay with the owner's model, and prediction applies them. Every
//! profile puts the bias, a column of ones, first.
//!
//! [`Profile::Paper`] changes nothing else. [`Profile::Standard`] takes, for each column,
//!
//! 1. the square root, if no training value is negative (outputs of a ReLU are skewed; a negative value that turns up
//!    later counts as 0);
//! 2. the difference from the mean;
//! 3. the quotient by the standard deviation, or by 2⁻²⁰ of the largest absolute value where that is greater: a column
//!    that varies only by rounding is not blown up;
//! 4. the nearest value in \[−4, 4\].
//!
//! A column that is constant in the training rows becomes 0, whatever it holds later.

use ndarray::{Array2, ArrayRef1};
use serde::{Deserialize, Serialize};

use crate::{Error, Profile};

/// Smallest standard deviation, relative to the column's largest absolute value.
const DEVIATION_FLOOR: f64 = 1.0 / (1 << 20) as f64;

/// A fitted preprocessing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Columns", into = "Columns")]
pub struct Preprocessing(Columns);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Columns {
    Raw(usize),
    Standard(Vec<Standardisation>),
}

/// What is done to one column: the square root if so said, the difference from the mean, the product with the inverse
/// deviation, the nearest value in \[−[`CLIP`](Self::CLIP), `CLIP`\].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// Whether the square root is taken, of a negative value that of 0.
    pub square_root: bool,
    /// The mean, after the root.
    pub mean: f64,
    /// 1/deviation; 0 for a constant column.
    pub inverse_deviation: f64,
}

impl Preprocessing {
    /// Fitted to `training` rows, samples × columns.
    #[must_use]
    pub fn fit(training: &Array2<f64>, profile: Profile) -> Self {
        Self(match profile {
            Profile::Paper => Columns::Raw(training.ncols()),
            Profile::Standard => Columns::Standard(
                training.columns().into_iter().map(|column| Standardisation::fit(&column)).collect(),
            ),
        })
    }

    /// Of the paper's profile: `columns` features that stay as they are.
    #[must_use]
    pub fn raw(columns: usize) -> Self {
        Self(Columns::Raw(columns))
    }

    /// Of the standard profile, as it was fitted before.
    ///
    /// # Errors
    ///
    /// [`Error::Statistics`] for statistics that no fit gives.
    pub fn standard(columns: Vec<Standardisation>) -> Result<Self, Error> {
        Self::try_from(Columns::Standard(columns))
    }

    /// What is done to each column; none where features stay as they are.
    #[must_use]
    pub fn standardisations(&self) -> Option<&[Standardisation]> {
        match &self.0 {
            Columns::Raw(_) => None,
            Columns::Standard(columns) => Some(columns),
        }
    }

    /// Number of feature columns, without the bias.
    #[must_use]
    pub fn columns(&self) -> usize {
        match &self.0 {
            Columns::Raw(columns) => *columns,
            Columns::Standard(columns) => columns.len(),
        }
    }

    /// The bias column and the prepared features: samples × (columns + 1).
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] if there are not as many columns as were fitted.
    pub fn apply(&self, features: &Array2<f64>) -> Result<Array2<f64>, Error> {
        let (rows, found) = features.dim();
        if found != self.columns() {
            return Err(Error::ColumnCount { expected: self.columns(), found });
        }
        Ok(Array2::from_shape_fn((rows, found + 1), |(i, j)| match j.checked_sub(1) {
            None => 1.0,
            Some(column) => self.value(column, features[[i, column]]),
        }))
    }

    fn value(&self, column: usize, raw: f64) -> f64 {
        match &self.0 {
            Columns::Raw(_) => raw,
            Columns::Standard(columns) => columns[column].apply(raw),
        }
    }
}

impl Standardisation {
    /// Largest absolute value of a standardised feature.
    pub const CLIP: f64 = 4.0;

    fn fit(training: &ArrayRef1<f64>) -> Self {
        let square_root = training.iter().all(|&value| value >= 0.0);
        let values = training.mapv(|value| if square_root { value.sqrt() } else { value });
        // Each term is divided before it is added, so that no sum of finite values overflows.
        let count = values.len() as f64;
        let mean = values.iter().map(|value| value / count).sum::<f64>();
        let deviation = values.iter().map(|value| (value - mean).powi(2) / count).sum::<f64>().sqrt();
        let largest = values.iter().fold(0.0, |largest, value| f64::max(largest, value.abs()));
        let constant = values.iter().all(|&value| value == values[0]);
        let inverse_deviation = if constant {
            0.0
        } else {
            1.0 / deviation.max(DEVIATION_FLOOR * largest).max(f64::MIN_POSITIVE)
        };
        Self { square_root, mean, inverse_deviation }
    }

    fn apply(&self, value: f64) -> f64 {
        if self.inverse_deviation == 0.0 {
            return 0.0;
        }
        let value = if self.square_root { value.max(0.0).sqrt() } else { value };
        ((value - self.mean) * self.inverse_deviation).clamp(-Self::CLIP, Self::CLIP)
    }
}

impl TryFrom<Columns> for Preprocessing {
    type Error = Error;

    /// Refuses statistics that no fit gives.
    fn try_from(columns: Columns) -> Result<Self, Error> {
        if let Columns::Standard(columns) = &columns {
            let sound = |column: &Standardisation| {
                column.mean.is_finite()
                    && column.inverse_deviation.is_finite()
                    && column.inverse_deviation >= 0.0
            };
            if let Some(column) = columns.iter().position(|column| !sound(column)) {
                return Err(Error::Statistics { column });
            }
        }
        Ok(Self(columns))
    }
}

impl From<Preprocessing> for Columns {
    fn from(preprocessing: Preprocessing) -> Self {
        preprocessing.0
    }
}

#[cfg(test)]
mod tests;
