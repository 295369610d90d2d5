//! Rows after their preparation.

use ndarray::{Array2, Axis};

use crate::error::Error;

/// Rows as they are trained on, in the order that they have there.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedRows {
    /// Prepared features, samples × (columns + 1): the bias first.
    pub features: Array2<f64>,
    /// Labels, samples × classes.
    pub one_hot: Array2<f64>,
}

impl PreparedRows {
    /// Puts other rows behind these. Room grows by doubling, so that many parts take time in proportion to their rows.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] for rows of other columns or classes; then nothing changes.
    pub fn append(&mut self, others: &Self) -> Result<(), Error> {
        let refusal = |rows: &Array2<f64>, others: &Array2<f64>| Error::ColumnCount {
            expected: rows.ncols(),
            found: others.ncols(),
        };
        if self.one_hot.ncols() != others.one_hot.ncols() {
            return Err(refusal(&self.one_hot, &others.one_hot));
        }
        for (rows, others) in [(&mut self.features, &others.features), (&mut self.one_hot, &others.one_hot)] {
            rows.append(Axis(0), others.view()).map_err(|_| refusal(rows, others))?;
        }
        Ok(())
    }
}
