//! The second round: the deviation of each column, and whether its square roots are taken.

use super::fixed_point::{Sums, Totals, Unit};
use super::means::{ColumnMeans, Means};
use crate::data::dataset::Dataset;
use crate::error::Error;
use crate::preparation::preprocessing::Standardisation;

/// Squares: sums below 2⁵⁰. A deviation of 2⁻³⁰ units has a square of 2⁻⁶⁰.
const SQUARES: Unit = Unit { fraction_bits: 72 };
/// Cubes: sums below 2⁷⁸.
const CUBES: Unit = Unit { fraction_bits: 44 };
/// Sums of a column.
const COLUMN_SUMS: usize = 4;
/// Smallest deviation of a column that varies, relative to its mean absolute value.
const CONSTANT: f64 = 1.0 / (1 << 30) as f64;

/// How each column is standardised.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviations {
    pub(super) means: Means,
    pub(super) columns: Vec<Standardisation>,
}

impl Deviations {
    /// An owner's sums for each column: of the squares and cubes of the differences from the mean, and of those of the
    /// square roots (0 where there are none), in the column's unit.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] for rows of another number of columns, [`Error::NegativeRoot`] for an owner that has a
    /// negative value where the pool has none, [`Error::PooledSum`] for values too large to be added.
    pub fn sums(means: &Means, data: &Dataset) -> Result<Sums, Error> {
        means.check_columns(data)?;
        let mut sums = Sums::with_capacity(Self::sum_count(means.columns.len()));
        let columns = data.features().columns().into_iter().zip(&means.columns).enumerate();
        for (index, (column, means)) in columns {
            let mut push = |[square, cube]: [f64; 2]| {
                sums.push(square, SQUARES, index)?;
                sums.push(cube, CUBES, index)
            };
            push(powers(means.centred(&column)))?;
            if means.root.is_some() && column.iter().any(|&value| value < 0.0) {
                return Err(Error::NegativeRoot { column: index });
            }
            push(means.centred_roots(&column).map_or([0.0; 2], powers))?;
        }
        Ok(sums)
    }

    /// How many sums an owner has.
    #[must_use]
    pub fn sum_count(columns: usize) -> usize {
        COLUMN_SUMS * columns
    }

    /// The standardisation of each column, from the totals of all owners.
    ///
    /// # Errors
    ///
    /// [`Error::PooledTotals`] for totals of another shape, [`Error::ConstantColumns`] if no column varies.
    pub fn new(means: Means, totals: &[f64]) -> Result<Self, Error> {
        let mut totals = Totals::new(totals, Self::sum_count(means.columns.len()))?;
        let rows = means.rows();
        let mut next = || Moments::new([totals.next(SQUARES) / rows, totals.next(CUBES) / rows]);
        let columns: Vec<_> =
            means.columns.iter().map(|means| standardisation(means, next(), next())).collect();
        if columns.iter().all(|column| column.inverse_deviation == 0.0) {
            return Err(Error::ConstantColumns { columns: columns.len() });
        }
        Ok(Self { means, columns })
    }
}

/// Σx² and Σx³.
fn powers(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([0.0; 2], |[square, cube], x| [x.mul_add(x, square), (x * x).mul_add(x, cube)])
}

/// Deviation and skewness of centred values.
#[derive(Clone, Copy)]
struct Moments {
    deviation: f64,
    skewness: f64,
}

impl Moments {
    fn new([square, cube]: [f64; 2]) -> Self {
        let deviation = square.max(0.0).sqrt();
        Self { deviation, skewness: if deviation > 0.0 { cube / deviation.powi(3) } else { 0.0 } }
    }
}

/// As [`Preprocessing`](crate::Preprocessing) chooses: square roots only where they are less skewed.
fn standardisation(means: &ColumnMeans, values: Moments, roots: Moments) -> Standardisation {
    let (square_root, mean, magnitude, unit, deviation) = match means.root {
        Some(mean) if roots.skewness.abs() < values.skewness.abs() => {
            (true, mean, mean, means.unit().sqrt(), roots.deviation)
        }
        _ => (false, means.value, means.magnitude, means.unit(), values.deviation),
    };
    let deviation = deviation * unit;
    let inverse_deviation = if deviation > CONSTANT * magnitude { deviation.recip() } else { 0.0 };
    Standardisation { square_root, mean, inverse_deviation }
}
