//! Preprocessing: from raw features to the rows that training and prediction use.
//!
//! Statistics come from the training rows alone. They stay with the owner's model, and prediction applies them. Every
//! profile puts the bias, a column of ones, first.
//!
//! [`Profile::Paper`] changes nothing else. [`Profile::Standardised`] takes, for each column,
//!
//! 1. the square root, if no training value is negative (outputs of a ReLU are skewed; a negative value that turns up
//!    later counts as 0);
//! 2. the difference from the mean;
//! 3. the quotient by the standard deviation;
//! 4. the nearest value in \[−4, 4\].
//!
//! **Heavy tails.** A few values far out can make nearly all of a deviation, and then all others come out next to 0.
//! The deviation of a normal distribution is (q₃ − q₁)/1.349, with q₁ and q₃ its quartiles. Where that of a column is
//! more than [`HEAVY_TAILS`] times as large, the median stands for the mean, and this quotient for the deviation.
//! Columns of which a quarter or more is the lowest value, or the highest, keep their mean and deviation: amounts that
//! are mostly zero say more by their size than quartiles would leave. So do columns of less than [`HEAVY_TAILS_ROWS`].
//!
//! A column counts as constant if its deviation is not above what rounding alone could make. It becomes 0, whatever it
//! holds later. Rounding makes ε times the largest absolute value of the column, for the ε of the data's [`Precision`]
//! (it changes a value by at most half of that). A deviation below 2⁻¹⁰²², whose inverse is no f64, counts as none as
//! well.
//!
//! [`Profile::Standard`] does the same, but takes the square roots of a column only where that makes it less skewed:
//! where the mean of ((x − mean)/deviation)³ is nearer to zero with them. Then it [whitens](crate::preparation::whitening) all
//! columns together. A [`Model`](crate::Model) takes the whitening into its weights, which refer to the columns before
//! it.
//!
//! # Accuracy
//!
//! Values are scaled by a power of two, exactly, so that the largest is in \[1, 4). Neither their sum nor their squares
//! overflow, and squares underflow only where they do not count. The mean is that of the values, corrected by the mean
//! of the differences from it. So the deviation of n values is right to about n·2⁻⁵³ of itself, however far they are
//! from zero. What is left of the mean's error is its rounding to f64.

use ndarray::{Array1, Array2, ArrayRef1, ArrayView1};
use serde::{Deserialize, Serialize};

use crate::data::dataset::{Dataset, Precision};
use crate::error::Error;
use crate::preparation::profile::Profile;
use crate::preparation::whitening::Whitening;

/// How many times as large as its quartiles say the deviation of a column with heavy tails is, at least. No column of
/// scikit-learn's tables has them, while 1,000 values of a Cauchy distribution or of seventh powers of normal ones do.
const HEAVY_TAILS: f64 = 8.0;

/// Of fewer rows the quartiles may be so near by chance.
const HEAVY_TAILS_ROWS: usize = 20;

/// A column of which both the values and their roots are more skewed than this may do better by its logarithms.
const SKEWED: f64 = 1.5;

/// So many times as skewed as the logarithms.
const MORE_SKEWED: f64 = 2.0;

/// Of fewer rows the skewness is mostly chance.
const SKEWED_ROWS: usize = 50;

/// The difference of the quartiles of a normal distribution, in deviations.
const QUARTILES: f64 = 1.349;

/// A fitted preprocessing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Columns", into = "Columns")]
pub struct Preprocessing(Columns);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Columns {
    Raw(usize),
    #[serde(rename = "standard")]
    Standardised(Vec<Standardisation>),
    Whitened(Vec<Standardisation>, Whitening),
}

/// What is done to one column, in this order: the square root, if it is wanted; the difference from the mean; the
/// product with the inverse deviation; the nearest value in \[−[`CLIP`](Self::CLIP), `CLIP`\].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// Whether the square root is taken. A negative value counts as 0.
    pub square_root: bool,
    /// The mean, after the root. The median for heavy tails.
    pub mean: f64,
    /// 1/deviation, of the quartiles for heavy tails; 0 for a column that counts as constant.
    pub inverse_deviation: f64,
}

/// How the values of a column lie among those that a preprocessing was fitted to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnSpread {
    /// The share of the values that standardising cuts off, in \[0, 1\]: those four deviations or more from the
    /// mean.
    pub cut_off: f64,
    /// Their standard deviation once they are standardised: about 1 for rows of the same kind, 0 where all are equal.
    pub deviation: f64,
    /// The share of the values that are negative, in \[0, 1\], where a square root is taken: they count as 0.
    pub negative: f64,
    /// Whether all values are the same, a deviation or more from the mean, while those that it was fitted to vary, and
    /// are not just zeros and ones. Columns of few values that are not zero are mostly nearer.
    pub is_constant: bool,
    /// The share of the values that are not the median, in \[0, 1\]: small where a column hardly ever varies, as one of
    /// zeros with a few ones.
    pub varying: f64,
}

impl Preprocessing {
    /// A preprocessing fitted to `training` rows, samples × columns, of double precision.
    #[must_use]
    pub fn fit(training: &Array2<f64>, profile: Profile) -> Self {
        Self::fit_rounded(training, Precision::Double, profile).0
    }

    /// A preprocessing fitted to the rows of a data set.
    #[must_use]
    pub fn of(data: &Dataset, profile: Profile) -> Self {
        Self::with_shrinkage(data, profile).0
    }

    /// A preprocessing fitted to the rows of a data set, and ρ of the whitening if there is one.
    pub(crate) fn with_shrinkage(data: &Dataset, profile: Profile) -> (Self, Option<f64>) {
        Self::fit_rounded(data.features(), data.precision(), profile)
    }

    fn fit_rounded(training: &Array2<f64>, precision: Precision, profile: Profile) -> (Self, Option<f64>) {
        let columns = |root: fn(&ArrayRef1<f64>) -> bool| -> Vec<_> {
            let fit = |column: ArrayView1<'_, f64>| Standardisation::fit(&column, precision, root(&column));
            training.columns().into_iter().map(fit).collect()
        };
        match profile {
            Profile::Paper => (Self::raw(training.ncols()), None),
            Profile::Standardised => (Self(Columns::Standardised(columns(has_root))), None),
            Profile::Standard => {
                let columns = columns(root_is_less_skewed);
                let (whitening, shrinkage) = Whitening::fit(&standardised(&columns, training));
                (Self(Columns::Whitened(columns, whitening)), Some(shrinkage))
            }
        }
    }

    /// The preprocessing of the paper's profile: `columns` features that stay as they are.
    #[must_use]
    pub fn raw(columns: usize) -> Self {
        Self(Columns::Raw(columns))
    }

    /// The preprocessing of standardised columns, as they were fitted before.
    ///
    /// # Errors
    ///
    /// [`Error::Statistics`] for statistics that no fit gives.
    pub fn standard(columns: Vec<Standardisation>) -> Result<Self, Error> {
        Self::try_from(Columns::Standardised(columns))
    }

    /// Standardised columns, then whitened ones.
    pub(crate) fn whitened(columns: Vec<Standardisation>, whitening: Whitening) -> Self {
        Self(Columns::Whitened(columns, whitening))
    }

    /// What is done to each column, before any whitening; none where features stay as they are.
    #[must_use]
    pub fn standardisations(&self) -> Option<&[Standardisation]> {
        match &self.0 {
            Columns::Raw(_) => None,
            Columns::Standardised(columns) | Columns::Whitened(columns, _) => Some(columns),
        }
    }

    /// Number of feature columns, without the bias.
    #[must_use]
    pub fn columns(&self) -> usize {
        match &self.0 {
            Columns::Raw(columns) => *columns,
            Columns::Standardised(columns) | Columns::Whitened(columns, _) => columns.len(),
        }
    }

    /// How the values of each column lie among those that it was fitted to; none where features stay as they are, and
    /// where there are none.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] if there are not as many columns as were fitted.
    pub fn spreads(&self, features: &Array2<f64>) -> Result<Option<Vec<ColumnSpread>>, Error> {
        let found = features.ncols();
        if found != self.columns() {
            return Err(Error::ColumnCount { expected: self.columns(), found });
        }
        if features.is_empty() {
            return Ok(None);
        }
        let spread = |(column, values): (&Standardisation, ArrayView1<'_, f64>)| {
            let negative = values.iter().filter(|&&value| column.square_root && value < 0.0).count();
            let is_constant = values.iter().all(|&value| value == values[0])
                && column.apply(values[0]).abs() >= 1.0
                && column.has_many_values();
            let mut values = values.mapv(|value| column.apply(value)).to_vec();
            let middle = values.len() / 2;
            let (_, &mut median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
            let share = |is_counted: &dyn Fn(f64) -> bool| {
                values.iter().filter(|&&value| is_counted(value)).count() as f64 / values.len() as f64
            };
            ColumnSpread {
                cut_off: share(&|value| value.abs() >= Standardisation::CLIP),
                deviation: ArrayView1::from(&values).std(0.0),
                negative: negative as f64 / values.len() as f64,
                is_constant,
                varying: share(&|value| value != median),
            }
        };
        let of_columns =
            |columns: &[Standardisation]| columns.iter().zip(features.columns()).map(spread).collect();
        Ok(self.standardisations().map(of_columns))
    }

    /// The bias column and the prepared features: samples × (columns + 1).
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] if there are not as many columns as were fitted.
    pub fn apply(&self, features: &Array2<f64>) -> Result<Array2<f64>, Error> {
        self.prepare(features, |whitening, features| whitening.apply(features))
    }

    /// The same for the rows that it was fitted to, to train on: whitened features are cut off.
    pub(crate) fn apply_to_training(&self, features: &Array2<f64>) -> Result<Array2<f64>, Error> {
        self.prepare(features, |whitening, features| whitening.apply_to_training(features))
    }

    fn prepare(
        &self,
        features: &Array2<f64>,
        whiten: impl Fn(&Whitening, &Array2<f64>) -> Array2<f64>,
    ) -> Result<Array2<f64>, Error> {
        let (rows, found) = features.dim();
        if found != self.columns() {
            return Err(Error::ColumnCount { expected: self.columns(), found });
        }
        let prepared = match &self.0 {
            Columns::Raw(_) => features.clone(),
            Columns::Standardised(columns) => standardised(columns, features),
            Columns::Whitened(columns, whitening) => whiten(whitening, &standardised(columns, features)),
        };
        Ok(Array2::from_shape_fn((rows, found + 1), |(i, j)| match j.checked_sub(1) {
            None => 1.0,
            Some(column) => prepared[[i, column]],
        }))
    }

    /// Takes a whitening into the weights, classes × (columns + 1): scores of all rows stay the same.
    pub(crate) fn fold(self, weights: Array2<f64>) -> (Array2<f64>, Self) {
        match self.0 {
            Columns::Whitened(columns, whitening) => {
                (whitening.fold(&weights), Self(Columns::Standardised(columns)))
            }
            columns => (weights, Self(columns)),
        }
    }

    /// The largest factor by which [`fold`](Self::fold) changes the deviation of independent noise of the weights.
    pub(crate) fn noise_gain(&self) -> f64 {
        match &self.0 {
            Columns::Whitened(_, whitening) => whitening.noise_gain(),
            Columns::Raw(_) | Columns::Standardised(_) => 1.0,
        }
    }
}

/// Each column standardised.
pub(crate) fn standardised(columns: &[Standardisation], features: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn(features.dim(), |(i, j)| columns[j].apply(features[[i, j]]))
}

impl Standardisation {
    /// Largest absolute value of a standardised feature.
    pub const CLIP: f64 = 4.0;

    fn fit(training: &ArrayRef1<f64>, precision: Precision, square_root: bool) -> Self {
        let values = training.mapv(|value| if square_root { value.sqrt() } else { value });
        let Moments { mean, deviation, largest, .. } = Moments::of(&values);
        let rounding = f64::max(precision.epsilon() * largest, f64::MIN_POSITIVE);
        let (mean, deviation) = match by_quartiles(&values) {
            Some((median, normal)) if normal > rounding && deviation > HEAVY_TAILS * normal => {
                (median, normal)
            }
            _ => (mean, deviation),
        };
        let inverse_deviation = if deviation > rounding { deviation.recip() } else { 0.0 };
        Self { square_root, mean, inverse_deviation }
    }

    /// Whether the column varies, and is not one of zeros and ones: the mean p of these has the variance p·(1 − p).
    fn has_many_values(&self) -> bool {
        let variance = self.inverse_deviation.powi(-2);
        self.inverse_deviation > 0.0 && (self.mean * (1.0 - self.mean) / variance - 1.0).abs() > 1e-6
    }

    fn apply(&self, value: f64) -> f64 {
        if self.inverse_deviation == 0.0 {
            return 0.0;
        }
        let value = if self.square_root { value.max(0.0).sqrt() } else { value };
        // Half the difference of any two numbers is finite.
        let half = 0.5 * value - 0.5 * self.mean;
        (half * self.inverse_deviation * 2.0).clamp(-Self::CLIP, Self::CLIP)
    }
}

/// The median, and the deviation of a normal distribution with the same quartiles; nothing for few values, and where a
/// quarter of them is the lowest or the highest one.
fn by_quartiles(values: &Array1<f64>) -> Option<(f64, f64)> {
    if values.len() < HEAVY_TAILS_ROWS {
        return None;
    }
    let mut values = values.to_vec();
    let last = values.len() - 1;
    let at = |quarters: usize| *values.select_nth_unstable_by(quarters * last / 4, f64::total_cmp).1;
    let [lowest, first, median, third, highest] = [0, 1, 2, 3, 4].map(at);
    // Half the difference of any two numbers is finite.
    (lowest < first && third < highest).then_some((median, (0.5 * third - 0.5 * first) / (0.5 * QUARTILES)))
}

/// Whether every value has a square root.
fn has_root(column: &ArrayRef1<f64>) -> bool {
    column.iter().all(|&value| value >= 0.0)
}

/// Whether every value has a square root, and these are less skewed than the values.
fn root_is_less_skewed(column: &ArrayRef1<f64>) -> bool {
    has_root(column) && skewness(column, f64::sqrt) < skewness(column, |value| value)
}

/// The columns of amounts so unequal that their logarithms may be the better features: positive, and much more skewed
/// than these, as they are and as roots.
#[must_use]
pub fn very_unequal_columns(features: &Array2<f64>) -> Vec<usize> {
    let is_unequal = |column: &ArrayRef1<f64>| {
        let least = || f64::min(skewness(column, |value| value), skewness(column, f64::sqrt));
        let bound = || f64::max(SKEWED, MORE_SKEWED * skewness(column, f64::ln));
        column.iter().all(|&value| value > 0.0) && least() > bound()
    };
    let columns = features.columns().into_iter().enumerate().filter(|_| features.nrows() >= SKEWED_ROWS);
    columns.filter(|(_, column)| is_unequal(column)).map(|(place, _)| place).collect()
}

/// How skewed a function of the values is, to whichever side.
fn skewness(column: &ArrayRef1<f64>, of: fn(f64) -> f64) -> f64 {
    Moments::of(&column.mapv(of)).skewness.abs()
}

/// Mean, standard deviation, skewness (0 where nothing varies) and largest absolute value of a column.
struct Moments {
    mean: f64,
    deviation: f64,
    skewness: f64,
    largest: f64,
}

impl Moments {
    /// The moments of at least one value, all of them finite.
    fn of(values: &Array1<f64>) -> Self {
        let largest = values.iter().fold(0.0, |largest, value| f64::max(largest, value.abs()));
        let unit = f64::from((largest.log2().floor() as i32).clamp(-1022, 1022)).exp2();
        let average = |values: &Array1<f64>| values.sum() / values.len() as f64;
        let scaled = values / unit;
        let guess = average(&scaled);
        let differences = scaled - guess;
        let correction = average(&differences);
        let differences = differences - correction;
        let deviation = average(&differences.mapv(|difference| difference.powi(2))).sqrt();
        let cube = average(&differences.mapv(|difference| difference.powi(3)));
        let skewness = if deviation > 0.0 { cube / deviation.powi(3) } else { 0.0 };
        Self { mean: (guess + correction) * unit, deviation: deviation * unit, skewness, largest }
    }
}

impl TryFrom<Columns> for Preprocessing {
    type Error = Error;

    /// Refuses statistics that no fit gives.
    fn try_from(columns: Columns) -> Result<Self, Error> {
        let (standardisations, whitening) = match &columns {
            Columns::Raw(_) => (&[][..], None),
            Columns::Standardised(columns) => (&columns[..], None),
            Columns::Whitened(columns, whitening) => (&columns[..], Some(whitening)),
        };
        let sound = |column: &Standardisation| {
            column.mean.is_finite() && column.inverse_deviation.is_finite() && column.inverse_deviation >= 0.0
        };
        if let Some(column) = standardisations.iter().position(|column| !sound(column)) {
            return Err(Error::Statistics { column });
        }
        let (expected, found) = (standardisations.len(), whitening.map(Whitening::columns));
        match found {
            Some(found) if found != expected => Err(Error::ColumnCount { expected, found }),
            _ => Ok(Self(columns)),
        }
    }
}

impl From<Preprocessing> for Columns {
    fn from(preprocessing: Preprocessing) -> Self {
        preprocessing.0
    }
}

#[cfg(test)]
mod tests;
