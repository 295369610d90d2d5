use std::f64::consts::{SQRT_2, TAU};

use ndarray::array;
use proptest::prelude::*;

use super::*;
use crate::{Dataset, Hyperparameters, Profile, TrainingSet};

/// Rows with mean 0 and covariance I, to rounding, after the bias: cosines and sines of different frequencies.
fn white_rows(samples: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((samples, columns + 1), |(i, j)| match j.checked_sub(1) {
        None => 1.0,
        Some(column) => {
            let angle = TAU * ((column / 2 + 1) * i) as f64 / samples as f64;
            SQRT_2 * if column % 2 == 0 { angle.cos() } else { angle.sin() }
        }
    })
}

fn one_hot(labels: &[usize], classes: usize) -> Array2<f64> {
    Array2::from_shape_fn((labels.len(), classes), |(i, k)| f64::from(u8::from(labels[i] == k)))
}

/// x with a x = b, by Gauss-Jordan elimination.
fn solve(mut a: Array2<f64>, mut b: Array1<f64>) -> Array1<f64> {
    for i in 0..b.len() {
        let pivot = (i..b.len()).max_by(|&p, &q| a[[p, i]].abs().total_cmp(&a[[q, i]].abs())).unwrap();
        for j in 0..b.len() {
            a.swap([i, j], [pivot, j]);
        }
        b.swap(i, pivot);
        for row in (0..b.len()).filter(|&row| row != i) {
            let factor = a[[row, i]] / a[[i, i]];
            for j in 0..b.len() {
                let change = factor * a[[i, j]];
                a[[row, j]] -= change;
            }
            let change = factor * b[i];
            b[row] -= change;
        }
    }
    (0..b.len()).map(|i| b[i] / a[[i, i]]).collect()
}

/// Linear discriminant analysis of scores by its definition: from the scores of the rows, not from the means of the
/// classes.
fn discriminants(scores: &Array2<f64>, labels: &[usize]) -> Array2<f64> {
    let (samples, classes) = scores.dim();
    let of = |class: usize| (0..samples).filter(move |&i| labels[i] == class);
    let means: Vec<Array1<f64>> = (0..classes)
        .map(|k| scores.select(Axis(0), &of(k).collect::<Vec<_>>()).mean_axis(Axis(0)).unwrap())
        .collect();
    let mut covariance = Array2::zeros((classes, classes));
    for i in 0..samples {
        let difference = &scores.row(i) - &means[labels[i]];
        for (a, b) in (0..classes).flat_map(|a| (0..classes).map(move |b| (a, b))) {
            covariance[[a, b]] += difference[a] * difference[b] / samples as f64;
        }
    }
    let ridge = RIDGE * covariance.diag().sum() / classes as f64;
    covariance.diag_mut().mapv_inplace(|variance| variance + ridge);
    Array2::from_shape_fn((samples, classes), |(i, k)| {
        let middle = &scores.row(i) - &(&means[k] * 0.5);
        let prior = of(k).count() as f64 / samples as f64;
        means[k].dot(&solve(covariance.clone(), middle)) + prior.ln()
    })
}

proptest! {
    #[test]
    fn recoded_scores_are_the_discriminants_of_the_rows_scores(
        weights in proptest::collection::vec(-1.0..1.0, 3 * 5),
        more in proptest::collection::vec(0_usize..3, 27),
        scale in -20..20,
    ) {
        let labels = [vec![0, 1, 2], more].concat();
        let features = white_rows(30, 4);
        let weights = Array2::from_shape_vec((3, 5), weights).unwrap();
        let recoding = Recoding::fit(&features, &one_hot(&labels, 3), 0.0);
        let map = recoding.of(&weights);
        let centred = &weights * &array![0.0, 1.0, 1.0, 1.0, 1.0];
        let expected = discriminants(&features.dot(&centred.t()), &labels);
        let recoded = map.scores(&features.dot(&weights.t()));
        let largest = expected.iter().fold(1.0, |max: f64, value| max.max(value.abs()));
        prop_assert!((&recoded - &expected).iter().all(|error| error.abs() < 1e-9 * largest));
        // The weights give the same, and their scale does not matter.
        let by_weights = features.dot(&map.weights(&weights).t());
        prop_assert!((&recoded - &by_weights).iter().all(|error| error.abs() < 1e-9 * largest));
        let scaled = weights * f64::from(scale).exp2();
        let by_scaled = features.dot(&recoding.of(&scaled).weights(&scaled).t());
        prop_assert!((&recoded - &by_scaled).iter().all(|error| error.abs() < 1e-9 * largest));
    }
}

#[test]
fn classes_between_two_others_are_found() {
    let features = Array2::from_shape_fn((50, 1), |(i, _)| (i / 10 * 20 + i % 10) as f64);
    let labels: Vec<_> = (0..50).map(|i| ["first", "second", "third", "fourth", "last"][i / 10]).collect();
    let data = Dataset::new(features, labels).unwrap();
    for iterations in [1, 2, 8] {
        let settings = Hyperparameters::standard(iterations).unwrap();
        let set = TrainingSet::new(&data, Profile::Standard).unwrap();
        let weights = set.reference(&settings).last().unwrap().weights;
        let trained = set.model_as_trained(weights.clone()).unwrap();
        assert!(trained.accuracy(&data).unwrap() < 0.9, "{iterations} iterations");
        assert!(set.recalls(&weights).predicted().iter().all(|&rows| rows > 0));
        assert_eq!(set.model(weights).unwrap().accuracy(&data), Ok(1.0), "{iterations} iterations");
    }
}

#[test]
fn shrinkage_and_priors_by_hand() {
    // Two rows of the first class at ±1 and one column; the third row, of the second class, at 0.
    let features = array![[1.0, 1.0], [1.0, 1.0], [1.0, -2.0]];
    let recoding = Recoding::fit(&features, &one_hot(&[0, 0, 1], 2), 0.5);
    assert_eq!((recoding.dim(), &recoding.means), ((2, 1), &array![[1.0], [-2.0]]));
    // z = (w x, −w x) with w = 3; Σ πₖ mₖ² = 2, so C = (1 − ½·2)·w²·[[1, −1], [−1, 1]] = 0: nothing is left but priors.
    let map = recoding.of(&array![[7.0, 3.0], [0.0, -3.0]]);
    assert_eq!(map.scores(&array![[1.0, 1.0]]), array![[(2.0f64 / 3.0).ln(), (1.0f64 / 3.0).ln()]]);
    assert_eq!(map.noise_gain(), 0.0);
    // ρ = ¾: ½ is left. tr(C)/c = 4.5, P = (4.5 [[1, −1], [−1, 1]] + 0.045 I)⁻¹, whose eigenvalue for (1, −1) is
    // 1/9.045.
    let recoding = Recoding { shrinkage: 0.75, ..recoding };
    let weights = array![[7.0, 3.0], [0.0, -3.0]];
    let recoded = recoding.of(&weights).weights(&weights);
    // U P W: mₖ w·(1, −1)·P·w·(1, −1)ᵀ = mₖ·18/9.045.
    let slope = 18.0 / 9.045;
    let expected =
        array![[(2.0f64 / 3.0).ln() - slope / 2.0, slope], [(1.0f64 / 3.0).ln() - 2.0 * slope, -2.0 * slope]];
    assert!((&recoded - &expected).iter().all(|error| error.abs() < 1e-12), "{recoded}");
    let balanced = recoding.balanced().of(&weights).weights(&weights);
    let without = array![[-slope / 2.0, slope], [-2.0 * slope, -2.0 * slope]];
    assert!((&balanced - &without).iter().all(|error| error.abs() < 1e-12), "{balanced}");
}

#[test]
fn untrained_weights_leave_the_priors() {
    let recoding = Recoding::fit(&white_rows(8, 2), &one_hot(&[0, 1, 1, 1, 0, 1, 1, 1], 2), 0.1);
    let weights = Array2::zeros((2, 3));
    let recoded = recoding.of(&weights).weights(&weights);
    assert_eq!(recoded, array![[0.25f64.ln(), 0.0, 0.0], [0.75f64.ln(), 0.0, 0.0]]);
}

/// Noise of independent weights through the map that was fitted without it.
#[test]
fn the_gain_bounds_what_noise_becomes() {
    let recoding = Recoding::fit(&white_rows(9, 2), &one_hot(&[0, 1, 2, 0, 1, 2, 0, 0, 1], 3), 0.0);
    let map = recoding.of(&array![[0.1, 0.5, 0.2], [0.0, -0.3, 0.4], [0.1, -0.2, -0.6]]);
    // Unit noise in each weight gives one of class k a variance that is the sum of squares of row k of the matrix.
    let largest = (0..3)
        .map(|k| {
            let unit = |noisy: usize| {
                let mut weights = Array2::zeros((3, 3));
                weights[[noisy, 1]] = 1.0;
                map.weights(&weights)[[k, 1]]
            };
            (0..3).map(|noisy| unit(noisy).powi(2)).sum::<f64>().sqrt()
        })
        .fold(0.0, f64::max);
    assert!((map.noise_gain() / largest - 1.0).abs() < 1e-12);
}

#[test]
fn numbers_that_no_fit_gives_are_refused() {
    let stored =
        || Stored { means: vec![1.0; 6], shares: vec![0.5; 2], log_priors: vec![0.0; 2], shrinkage: 0.5 };
    assert_eq!(Recoding::try_from(stored()).unwrap().dim(), (2, 3));
    for wrong in [
        Stored { means: vec![1.0; 5], ..stored() },
        Stored { means: vec![f64::NAN; 6], ..stored() },
        Stored { shares: vec![1.5, 0.5], ..stored() },
        Stored { log_priors: vec![0.0; 3], ..stored() },
        Stored { log_priors: vec![f64::NEG_INFINITY; 2], ..stored() },
        Stored { shrinkage: -0.1, ..stored() },
    ] {
        assert!(matches!(Recoding::try_from(wrong), Err(Error::Statistics { .. })));
    }
    let none = Stored { means: vec![], shares: vec![], log_priors: vec![], shrinkage: 0.5 };
    assert_eq!(Recoding::try_from(none).unwrap().dim(), (0, 0));
}
