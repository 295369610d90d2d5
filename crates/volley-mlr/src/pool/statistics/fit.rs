//! The third round: the covariance of all columns, and with it all that is fitted.

use ndarray::{Array1, Array2, Axis};

use super::deviations::Deviations;
use super::fixed_point::{Sums, Totals, Unit};
use super::means::Means;
use crate::clear::model::Model;
use crate::clear::owner_state::OwnerState;
use crate::data::dataset::Dataset;
use crate::data::labels::ClassLabels;
use crate::error::Error;
use crate::preparation::preconditioner::Preconditioner;
use crate::preparation::preprocessing::{Preprocessing, standardised};
use crate::preparation::recoding::Recoding;
use crate::preparation::whitening::{RowMoments, Whitening};

/// Sums below 2⁶². Standardised values are at most 4, so that of d columns and n rows the largest is 2⁸ d² n.
const UNIT: Unit = Unit { fraction_bits: 60 };

/// All that is fitted to the rows of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    rows: usize,
    state: OwnerState,
}

impl Fit {
    /// All three rounds, for whoever has the rows of all owners: a test, or an experiment. `total` adds up the sums of
    /// one round.
    ///
    /// # Errors
    ///
    /// Those of [`sums`](Self::sums) and [`new`](Self::new), and of the rounds before; those of `total`.
    pub fn of_owners<E: From<Error>>(
        owners: &[Dataset],
        classes: &ClassLabels,
        mut total: impl FnMut(&[Sums]) -> Result<Vec<f64>, E>,
    ) -> Result<Self, E> {
        let of_all = |sums: &dyn Fn(&Dataset) -> Result<Sums, Error>| {
            owners.iter().map(sums).collect::<Result<Vec<_>, _>>()
        };
        let columns = owners.first().map_or(0, |rows| rows.features().ncols());
        let totals = total(&of_all(&|rows| Means::sums(classes, rows))?)?;
        let means = Means::new(classes.clone(), columns, &totals)?;
        let totals = total(&of_all(&|rows| Deviations::sums(&means, rows))?)?;
        let deviations = Deviations::new(means, &totals)?;
        let totals = total(&of_all(&|rows| Self::sums(&deviations, rows))?)?;
        Ok(Self::new(deviations, &totals)?)
    }

    /// An owner's sums over its standardised rows z: Σz for each class, the upper triangle of Σ z zᵀ row by row,
    /// Σ|z|²z, and Σ|z|⁴.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] for rows of another number of columns, [`Error::UnknownLabel`] for a row of no class,
    /// [`Error::PooledSum`] for more rows than can be added.
    pub fn sums(deviations: &Deviations, data: &Dataset) -> Result<Sums, Error> {
        deviations.means.check_columns(data)?;
        let one_hot = deviations.means.classes.one_hot(data.labels())?;
        let z = standardised(&deviations.columns, data.features());
        let (classes, columns) = (one_hot.ncols(), z.ncols());
        let mut sums = Sums::with_capacity(Self::sum_count(classes, columns));
        for row in one_hot.t().dot(&z).rows() {
            for (column, &sum) in row.iter().enumerate() {
                sums.push(sum, UNIT, column)?;
            }
        }
        let gram = z.t().dot(&z);
        for (i, j) in upper_triangle(columns) {
            sums.push(gram[[i, j]], UNIT, j)?;
        }
        let squares = (&z * &z).sum_axis(Axis(1));
        for (column, &sum) in squares.dot(&z).iter().enumerate() {
            sums.push(sum, UNIT, column)?;
        }
        sums.push(squares.dot(&squares), UNIT, 0)?;
        Ok(sums)
    }

    /// How many sums an owner has.
    #[must_use]
    pub fn sum_count(classes: usize, columns: usize) -> usize {
        classes * columns + columns * (columns + 1) / 2 + columns + 1
    }

    /// What is fitted, from the totals of all owners.
    ///
    /// # Errors
    ///
    /// [`Error::PooledTotals`] for totals of another shape, [`Error::ConstantColumns`] and [`Error::Overflow`] for
    /// totals that no rows have.
    pub fn new(deviations: Deviations, totals: &[f64]) -> Result<Self, Error> {
        let Deviations { means, columns } = deviations;
        let (classes, width, rows) = (means.counts.len(), columns.len(), means.rows());
        let mut totals = Totals::new(totals, Self::sum_count(classes, width))?;
        let class_sums = Array2::from_shape_simple_fn((classes, width), || totals.next(UNIT));
        let mut gram = Array2::zeros((width, width));
        for (i, j) in upper_triangle(width) {
            gram[[i, j]] = totals.next(UNIT);
            gram[[j, i]] = gram[[i, j]];
        }
        let thirds = Array1::from_shape_simple_fn(width, || totals.next(UNIT));
        let fourth = totals.next(UNIT);

        let mean = class_sums.sum_axis(Axis(0)) / rows;
        let fourth = centred_fourth(rows, &mean, &gram, &thirds, fourth);
        let outer = mean.view().insert_axis(Axis(1)).dot(&mean.view().insert_axis(Axis(0)));
        let covariance = gram / rows - outer;
        let varying: Vec<usize> = (0..width).filter(|&j| columns[j].inverse_deviation > 0.0).collect();
        let inner = covariance.select(Axis(0), &varying).select(Axis(1), &varying);
        let (whitening, shrinkage) =
            Whitening::of(&RowMoments { rows, mean, varying, covariance: inner, fourth });
        let counts = Array1::from(means.counts);
        let class_means = class_sums / counts.view().insert_axis(Axis(1));
        let recoding = Recoding::new(whitening.apply(&class_means), &counts / rows, shrinkage);
        let preconditioner = Preconditioner::of_covariance(&whitening.covariance(&covariance), rows)?;
        let state = OwnerState {
            classes: means.classes,
            preprocessing: Preprocessing::whitened(columns, whitening),
            preconditioner,
            recoding: Some(recoding),
        };
        Ok(Self { rows: rows as usize, state })
    }

    /// All rows of the pool.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// 1/B.
    #[must_use]
    pub fn preconditioner(&self) -> &Preconditioner {
        &self.state.preconditioner
    }

    /// The model that trained weights, classes × (columns + 1), give.
    ///
    /// # Errors
    ///
    /// [`Error::WeightShape`] and [`Error::NotFinite`] for weights that are no model's.
    pub fn model(&self, weights: Array2<f64>) -> Result<Model, Error> {
        self.state.model(weights)
    }

    /// What prepares rows, and turns decrypted weights into a model.
    #[must_use]
    pub fn state(&self) -> &OwnerState {
        &self.state
    }
}

/// Places on and above the diagonal.
fn upper_triangle(size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..size).flat_map(move |i| (i..size).map(move |j| (i, j)))
}

/// The mean of |z − μ|⁴, from sums over z (see the [module](super)).
fn centred_fourth(
    rows: f64,
    mean: &Array1<f64>,
    gram: &Array2<f64>,
    thirds: &Array1<f64>,
    fourth: f64,
) -> f64 {
    let square = mean.dot(mean);
    // Σz is n μ.
    let total = fourth + 4.0 * mean.dot(&gram.dot(mean)) + rows * square * square - 4.0 * mean.dot(thirds)
        + 2.0 * square * gram.diag().sum()
        - 4.0 * rows * square * square;
    total / rows
}
