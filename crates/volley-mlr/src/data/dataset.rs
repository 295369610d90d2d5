//! Samples with their labels, checked once.

use ndarray::{Array2, ArrayRef2, Axis};

use crate::error::Error;

/// The floating point that values were rounded to before they came here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 24 bits, such as NumPy's `float32`.
    Single,
    /// 53 bits.
    #[default]
    Double,
}

impl Precision {
    /// The distance from 1 to the next number: twice the largest relative error of rounding.
    #[must_use]
    pub fn epsilon(self) -> f64 {
        match self {
            Self::Single => f32::EPSILON.into(),
            Self::Double => f64::EPSILON,
        }
    }
}

/// Feature vectors and the label of each: at least one row and one column, every value finite, no label empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    features: Array2<f64>,
    labels: Vec<String>,
    precision: Precision,
}

impl Dataset {
    /// A data set of `features`, a sample in each row, and their labels in the same order. Labels may be any texts or
    /// numbers.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyDataset`], [`Error::LabelCount`], [`Error::NotFinite`], [`Error::EmptyLabel`].
    pub fn new(
        features: Array2<f64>,
        labels: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, Error> {
        let (rows, columns) = features.dim();
        if rows == 0 || columns == 0 {
            return Err(Error::EmptyDataset { rows, columns });
        }
        let labels: Vec<String> = labels.into_iter().map(Into::into).collect();
        if labels.len() != rows {
            return Err(Error::LabelCount { labels: labels.len(), rows });
        }
        check_finite(&features)?;
        if let Some(row) = labels.iter().position(|label| label.trim().is_empty()) {
            return Err(Error::EmptyLabel { row });
        }
        Ok(Self { features, labels, precision: Precision::Double })
    }

    /// The same rows, whose values were rounded to `precision` where they come from.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// What the values were rounded to: [`Precision::Double`] unless told otherwise.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The features, samples × columns.
    #[must_use]
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// The label of each sample.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.labels.len()
    }

    /// The given rows, in the given order.
    ///
    /// # Errors
    ///
    /// [`Error::RowRange`] for a row that does not exist, [`Error::EmptyDataset`] for none.
    pub fn select(&self, rows: &[usize]) -> Result<Self, Error> {
        if let Some(&row) = rows.iter().find(|&&row| row >= self.samples()) {
            return Err(Error::RowRange { row, rows: self.samples() });
        }
        if rows.is_empty() {
            return Err(Error::EmptyDataset { rows: 0, columns: self.features.ncols() });
        }
        let labels = rows.iter().map(|&row| self.labels[row].clone()).collect();
        Ok(Self { features: self.features.select(Axis(0), rows), labels, precision: self.precision })
    }
}

/// Refuses a matrix with an infinite value or NaN.
pub(crate) fn check_finite(values: &ArrayRef2<f64>) -> Result<(), Error> {
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), _)) => Err(Error::NotFinite { row, column }),
        None => Ok(()),
    }
}

/// The largest absolute value.
pub(crate) fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().fold(0.0, |largest, value| f64::max(largest, value.abs()))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn each_defect_is_named() {
        let x = array![[1.0, 2.0], [3.0, 4.0]];
        let empty = Dataset::new(Array2::zeros((0, 3)), Vec::<String>::new());
        assert_eq!(empty, Err(Error::EmptyDataset { rows: 0, columns: 3 }));
        let no_columns = Dataset::new(Array2::zeros((1, 0)), ["a"]);
        assert_eq!(no_columns, Err(Error::EmptyDataset { rows: 1, columns: 0 }));
        assert_eq!(Dataset::new(x.clone(), ["a"]), Err(Error::LabelCount { labels: 1, rows: 2 }));
        assert_eq!(Dataset::new(x, ["a", " "]), Err(Error::EmptyLabel { row: 1 }));
        for value in [f64::NAN, f64::INFINITY] {
            let x = array![[1.0, 2.0], [value, 4.0]];
            assert_eq!(Dataset::new(x, ["a", "b"]), Err(Error::NotFinite { row: 1, column: 0 }));
        }
    }

    #[test]
    fn rows_are_selected_in_order() {
        let data = Dataset::new(array![[1.0], [2.0], [3.0]], ["a", "b", "c"]).unwrap();
        let expected = Dataset::new(array![[3.0], [1.0]], ["c", "a"]).unwrap();
        assert_eq!(data.select(&[2, 0]), Ok(expected.clone()));
        let single = data.clone().with_precision(Precision::Single);
        assert_eq!(single.select(&[2, 0]), Ok(expected.with_precision(Precision::Single)));
        assert_eq!(data.select(&[0, 3]), Err(Error::RowRange { row: 3, rows: 3 }));
        assert_eq!(data.select(&[]), Err(Error::EmptyDataset { rows: 0, columns: 1 }));
    }
}
