use ndarray::{Array2, array};
use proptest::prelude::*;

use super::*;
use crate::sigmoid;

fn one_hot(labels: &[usize], classes: usize) -> Array2<f64> {
    Array2::from_shape_fn((labels.len(), classes), |(i, j)| f64::from(u8::from(labels[i] == j)))
}

/// ℓ by its definition.
fn log_likelihood(probabilities: &Array2<f64>, one_hot: &Array2<f64>) -> f64 {
    (probabilities + one_hot - 1.0).mapv(|p| p.abs().ln()).sum()
}

#[test]
fn the_likelihood_is_that_of_the_labels_and_not_of_their_opposite() {
    let y = one_hot(&[0, 1], 2);
    let right = array![[0.9, 0.2], [0.1, 0.7]];
    let logits = |p: &Array2<f64>| p.mapv(|p| (p / (1.0 - p)).ln());
    let value = log_likelihood_of_scores(&logits(&right), &y).unwrap();
    let by_hand = (0.9_f64 * 0.8 * 0.9 * 0.7).ln();
    assert!((value - by_hand).abs() < 1e-14);
    let wrong = 1.0 - &right;
    assert!(log_likelihood_of_scores(&logits(&wrong), &y).unwrap() < value);
}

#[test]
fn scores_beyond_rounding_keep_a_finite_likelihood() {
    let value = log_likelihood_of_scores(&array![[-800.0, 50.0]], &array![[1.0, 0.0]]).unwrap();
    assert_eq!(value, -850.0);
}

#[test]
fn shapes_must_agree() {
    let (a, b) = (Array2::zeros((2, 3)), Array2::zeros((2, 4)));
    let error = Error::Shape { left: [2, 3], right: [2, 4] };
    assert_eq!(log_likelihood_of_scores(&a, &b), Err(error));
}

proptest! {
    #[test]
    fn the_likelihood_is_the_defined_one_and_its_gradient_the_difference_quotient(
        scores in prop::collection::vec(-6.0..6.0, 6),
        labels in prop::collection::vec(0_usize..3, 2),
        place in 0_usize..6,
    ) {
        const STEP: f64 = 1e-5;
        let y = one_hot(&labels, 3);
        let z = Array2::from_shape_vec((2, 3), scores).unwrap();
        let p = z.mapv(sigmoid);
        let direct = log_likelihood(&p, &y);
        let stable = log_likelihood_of_scores(&z, &y).unwrap();
        prop_assert!((direct - stable).abs() < 1e-10);

        let index = [place / 3, place % 3];
        let moved = |by: f64| {
            let mut z = z.clone();
            z[index] += by;
            log_likelihood_of_scores(&z, &y).unwrap()
        };
        let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let gradient = &y - &p;
        prop_assert!((gradient[index] - slope).abs() < 1e-8);
    }
}
