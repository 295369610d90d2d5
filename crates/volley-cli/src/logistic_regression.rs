//! Logistic regression in clear, trained until it converges: what a training on ciphertexts is compared with.
//!
//! With x the columns less their means, divided by their standard deviations, it minimises
//!
//! ```text
//! Σᵢ −wᵢ log softmax(W xᵢ + b)_{yᵢ} + ½ |W|²
//! ```
//!
//! by L-BFGS, as scikit-learn's `LogisticRegression` with its defaults does on columns scaled by `StandardScaler`.
//! Without class weights w is 1.

use anyhow::{Context as _, Result};
use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use volley_mlr::{ClassLabels, Dataset, Model, Preprocessing, Standardisation};

use crate::class_weight::ClassWeight;

/// Steps that L-BFGS keeps.
const MEMORY: usize = 10;
/// It converges in tens of steps on most tables.
const MAX_STEPS: u64 = 1000;
/// The size of the gradient at which it has converged, relative to the rows.
const TOLERANCE: f64 = 1e-6;

/// A converged model of these rows.
///
/// # Errors
///
/// For labels of one class.
pub(crate) fn converged(data: &Dataset, class_weight: Option<ClassWeight>) -> Result<Model> {
    let classes = ClassLabels::of(data.labels())?;
    let columns = data.features().columns().into_iter().map(|column| standardisation(&column));
    let preprocessing = Preprocessing::standard(columns.collect())?;
    let features = preprocessing.apply(data.features())?;
    let mut targets = classes.one_hot(data.labels())?;
    if let Some(ClassWeight::Balanced) = class_weight {
        let even = data.samples() as f64 / classes.len() as f64;
        targets *= &targets.sum_axis(Axis(0)).mapv_into(|rows| even / rows);
    }
    let shape = (classes.len(), features.ncols());
    let loss = Loss { features: &features, targets: &targets };
    let tolerance = TOLERANCE * data.samples() as f64;
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY).with_tolerance_grad(tolerance)?;
    let start = vec![0.0; shape.0 * shape.1];
    let run = Executor::new(loss, solver).configure(|state| state.param(start).max_iters(MAX_STEPS)).run()?;
    let weights = run.state().get_best_param().context("the solver has no best point")?;
    Ok(Model::new(Array2::from_shape_vec(shape, weights.clone())?, classes, preprocessing)?)
}

/// The mean and the deviation of a column. One that varies by no more than rounding is not used.
fn standardisation(column: &ArrayView1<'_, f64>) -> Standardisation {
    let rows = column.len() as f64;
    let mean = column.iter().map(|value| value / rows).sum::<f64>();
    let largest = column.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    // Squares of the values themselves may overflow.
    let squares = column.iter().map(|value| (value / largest - mean / largest).powi(2) / rows);
    let deviation = largest * squares.sum::<f64>().sqrt();
    let varies = deviation.is_finite() && deviation > f64::max(largest * f64::EPSILON, f64::MIN_POSITIVE);
    Standardisation {
        square_root: false,
        mean,
        inverse_deviation: if varies { deviation.recip() } else { 0.0 },
    }
}

/// The loss, a function of b beside W, row by row.
struct Loss<'a> {
    /// Samples × (columns + 1), the column of ones first.
    features: &'a Array2<f64>,
    /// Samples × classes: the weight of each row in the column of its class, and zeros.
    targets: &'a Array2<f64>,
}

impl Loss<'_> {
    fn weights<'w>(&self, weights: &'w [f64]) -> Result<ArrayView2<'w, f64>, Error> {
        Ok(ArrayView2::from_shape((self.targets.ncols(), self.features.ncols()), weights)?)
    }

    /// log softmax of each row.
    fn log_probabilities(&self, weights: &ArrayView2<'_, f64>) -> Array2<f64> {
        let mut scores = self.features.dot(&weights.t());
        for mut row in scores.rows_mut() {
            let largest = row.fold(f64::NEG_INFINITY, |largest, &score| largest.max(score));
            let sum: f64 = row.iter().map(|score| (score - largest).exp()).sum();
            row -= largest + sum.ln();
        }
        scores
    }
}

impl CostFunction for Loss<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, weights: &Self::Param) -> Result<f64, Error> {
        let weights = self.weights(weights)?;
        let (_, penalised) = weights.split_at(Axis(1), 1);
        let penalty = 0.5 * penalised.iter().map(|weight| weight * weight).sum::<f64>();
        Ok(penalty - (self.log_probabilities(&weights) * self.targets).sum())
    }
}

impl Gradient for Loss<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, weights: &Self::Param) -> Result<Vec<f64>, Error> {
        let weights = self.weights(weights)?;
        let row_weights = self.targets.sum_axis(Axis(1)).insert_axis(Axis(1));
        let errors = self.log_probabilities(&weights).mapv_into(f64::exp) * row_weights - self.targets;
        let mut gradient = errors.t().dot(self.features);
        let (_, mut penalised) = gradient.view_mut().split_at(Axis(1), 1);
        penalised += &weights.split_at(Axis(1), 1).1;
        Ok(gradient.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// 40 rows of three classes, whose first column tells two of them apart and whose second one does not vary.
    fn rows() -> Dataset {
        let features = Array2::from_shape_fn((40, 4), |(row, column)| match column {
            0 => (row % 3 * 5 + row * 7 % 11) as f64,
            1 => 2.5,
            _ => 1e9 * ((row * (column + 4)) % 13) as f64,
        });
        Dataset::new(features, (0..40).map(|row| ["a", "b", "c"][row % 3])).unwrap()
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let features = array![[1.0, 0.5, -1.0], [1.0, 2.0, 0.25], [1.0, -0.75, 3.0]];
        let targets = array![[0.5, 0.0], [0.0, 1.75], [0.5, 0.0]];
        let loss = Loss { features: &features, targets: &targets };
        let weights = vec![0.1, -0.3, 0.2, 0.4, 0.5, -0.6];
        let gradient = loss.gradient(&weights).unwrap();
        for index in 0..weights.len() {
            let at = |step: f64| {
                let mut weights = weights.clone();
                weights[index] += step;
                loss.cost(&weights).unwrap()
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient[index]).abs() < 1e-8, "{index}: {slope}, {}", gradient[index]);
        }
    }

    #[test]
    fn it_converges() {
        let data = rows();
        let model = converged(&data, None).unwrap();
        let features = model.preprocessing().apply(data.features()).unwrap();
        let targets = model.classes().one_hot(data.labels()).unwrap();
        let loss = Loss { features: &features, targets: &targets };
        let gradient = loss.gradient(&model.weights().iter().copied().collect()).unwrap();
        let size = gradient.iter().map(|value| value * value).sum::<f64>().sqrt();
        assert!(size <= TOLERANCE * 40.0, "{size:e}");
        assert!(model.weights().column(2).iter().all(|&weight| weight == 0.0));
        assert!(model.accuracy(&data).unwrap() > 0.5);
    }

    #[test]
    fn rows_of_a_rare_class_are_found_where_all_classes_count_alike() {
        let value = |row: usize| ((row * 37) % 101) as f64 / 25.0 + if row < 10 { 2.0 } else { 0.0 };
        let features = Array2::from_shape_fn((210, 1), |(row, _)| value(row));
        let data =
            Dataset::new(features, (0..210).map(|row| if row < 10 { "rare" } else { "usual" })).unwrap();
        let found = |weight| converged(&data, weight).unwrap().recalls(&data).unwrap().recalls().next();
        let [alike, balanced] =
            [None, Some(ClassWeight::Balanced)].map(|weight| found(weight).flatten().unwrap());
        assert!(alike < 0.3 && balanced > 0.6, "{alike}, {balanced}");
    }

    #[test]
    fn values_whose_squares_overflow_are_standardised() {
        for size in [1e300, 1e-300] {
            let features = array![[-1.0, 0.0], [-0.9, 0.0], [1.0, 0.0], [1.1, 0.0]] * size;
            let data = Dataset::new(features, ["a", "a", "b", "b"]).unwrap();
            assert_eq!(converged(&data, None).unwrap().accuracy(&data), Ok(1.0), "{size}");
        }
    }

    #[test]
    fn classes_that_are_far_apart_have_finite_weights() {
        let data = Dataset::new(array![[0.0], [1e-9], [1.0], [1.0 + 1e-9]], ["a", "a", "b", "b"]).unwrap();
        let model = converged(&data, None).unwrap();
        assert_eq!(model.accuracy(&data), Ok(1.0));
        assert!(model.weights().iter().all(|weight| weight.abs() < 5.0));
        let one = Dataset::new(array![[0.0], [1.0]], ["a", "a"]).unwrap();
        assert!(converged(&one, None).is_err());
    }
}
