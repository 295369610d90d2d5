//! The first round: rows of each class, and what columns are about.

use ndarray::{ArrayRef1, Axis};

use super::fixed_point::{Sums, Totals, Unit};
use crate::data::dataset::Dataset;
use crate::data::labels::ClassLabels;
use crate::error::Error;

/// Sums below 2⁵⁸, to 5·10⁻²⁰.
const UNIT: Unit = Unit { fraction_bits: 64 };
/// Sums of a column.
const COLUMN_SUMS: usize = 4;

/// The rows of each class, and the means of each column over all rows of the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Means {
    pub(super) classes: ClassLabels,
    /// Rows of each class.
    pub(super) counts: Vec<f64>,
    pub(super) columns: Vec<ColumnMeans>,
}

/// The means of one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ColumnMeans {
    /// The mean.
    pub(super) value: f64,
    /// The mean absolute value.
    pub(super) magnitude: f64,
    /// The mean of the square roots, where no value is negative.
    pub(super) root: Option<f64>,
}

impl Means {
    /// An owner's sums: the rows of each class, then for each column Σx, Σ|x|, Σ√|x| and the number of negative values.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownLabel`] for a row of no class, [`Error::PooledSum`] for values too large to be added.
    pub fn sums(classes: &ClassLabels, data: &Dataset) -> Result<Sums, Error> {
        let columns = data.features().ncols();
        let mut sums = Sums::with_capacity(Self::sum_count(classes.len(), columns));
        for &count in &classes.one_hot(data.labels())?.sum_axis(Axis(0)) {
            sums.push(count, UNIT, 0)?;
        }
        for (index, column) in data.features().columns().into_iter().enumerate() {
            let total = |f: fn(f64) -> f64| column.iter().map(|&value| f(value)).sum::<f64>();
            let negative = column.iter().filter(|&&value| value < 0.0).count();
            let column_sums = [total(|x| x), total(f64::abs), total(|x| x.abs().sqrt()), negative as f64];
            for sum in column_sums {
                sums.push(sum, UNIT, index)?;
            }
        }
        Ok(sums)
    }

    /// How many sums an owner has.
    #[must_use]
    pub fn sum_count(classes: usize, columns: usize) -> usize {
        classes + COLUMN_SUMS * columns
    }

    /// The means, from the totals of all owners.
    ///
    /// # Errors
    ///
    /// [`Error::PooledTotals`] for totals of another shape, [`Error::PooledClass`] for a class without a row.
    pub fn new(classes: ClassLabels, columns: usize, totals: &[f64]) -> Result<Self, Error> {
        let mut totals = Totals::new(totals, Self::sum_count(classes.len(), columns))?;
        let counts: Vec<f64> = classes.names().iter().map(|_| totals.next(UNIT).round()).collect();
        if let Some(class) = counts.iter().position(|&count| count < 1.0) {
            return Err(Error::PooledClass { label: classes.names()[class].clone() });
        }
        let rows = counts.iter().sum::<f64>();
        let column = |_| {
            let [sum, magnitude, roots, negative] = [(); COLUMN_SUMS].map(|()| totals.next(UNIT));
            let root = (negative == 0.0).then_some(roots / rows);
            ColumnMeans { value: sum / rows, magnitude: magnitude / rows, root }
        };
        let columns = (0..columns).map(column).collect();
        Ok(Self { classes, counts, columns })
    }

    /// All rows of the pool.
    #[must_use]
    pub fn rows(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// Refuses rows of another number of columns.
    pub(super) fn check_columns(&self, data: &Dataset) -> Result<(), Error> {
        let (expected, found) = (self.columns.len(), data.features().ncols());
        if expected == found { Ok(()) } else { Err(Error::ColumnCount { expected, found }) }
    }
}

impl ColumnMeans {
    /// u: the power of two at or above the mean absolute value, which values are measured by.
    pub(super) fn unit(self) -> f64 {
        self.magnitude.log2().ceil().clamp(-1000.0, 1000.0).exp2()
    }

    /// The differences from the mean, in units.
    pub(super) fn centred(self, column: &ArrayRef1<f64>) -> impl Iterator<Item = f64> {
        let (mean, unit) = (self.value, self.unit());
        column.iter().map(move |value| (value - mean) / unit)
    }

    /// The differences of the square roots from their mean, in square roots of units. None if there are no roots.
    pub(super) fn centred_roots(self, column: &ArrayRef1<f64>) -> Option<impl Iterator<Item = f64>> {
        let unit = self.unit().sqrt();
        self.root.map(|mean| column.iter().map(move |value| (value.sqrt() - mean) / unit))
    }
}
