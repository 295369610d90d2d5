use ndarray::{Array2, array};
use proptest::prelude::*;

use super::*;

#[test]
fn the_definition_by_hand() {
    // xᵀx = [[2, 4], [4, 10]]: B = 3/2 and 14/4.
    let preconditioner = Preconditioner::fit(&array![[1.0, 1.0], [1.0, 3.0]]).unwrap();
    assert_eq!(preconditioner.inverse(), array![4.0 / 6.0, 4.0 / 14.0]);
    assert_eq!((preconditioner.normalisation(), preconditioner.factor()), (0, 1.0));
}

#[test]
fn zero_and_constant_columns_have_none_but_the_bias_has() {
    let features = array![[1.0, 0.0, 7.0, 2.0], [1.0, 0.0, 7.0, -1.0]];
    let inverse = Preconditioner::fit(&features).unwrap().inverse().clone();
    assert_eq!((inverse[1], inverse[2]), (0.0, 0.0));
    assert!(inverse[0] > 0.0 && inverse[3] > 0.0);
}

#[test]
fn a_nearly_zero_column_is_capped_and_the_bias_is_not() {
    let faint = Array2::from_shape_fn((8, 6), |(i, j)| match j {
        0 => 1.0,
        5 => 1e-9 * i as f64,
        _ => ((i * j) % 5) as f64,
    });
    let inverse = Preconditioner::fit(&faint).unwrap().inverse().clone();
    let mut sorted = inverse.to_vec();
    sorted.sort_by(f64::total_cmp);
    assert_eq!(inverse[5], 128.0 * sorted[3]);

    // Centred columns of size 10⁶: the bias is all that is small.
    let large = Array2::from_shape_fn((8, 3), |(i, j)| match j {
        0 => 1.0,
        1 => 1e6 * (i as f64 - 3.5),
        _ => 1e6 * (f64::from(i % 2 == 0) - 0.5),
    });
    let inverse = Preconditioner::fit(&large).unwrap().inverse().clone();
    assert_eq!(inverse[0], 0.5);
}

#[test]
fn columns_whose_products_underflow_count_as_zero() {
    let faint = Array2::from_shape_fn((4, 4), |(i, j)| if j == 0 { 1.0 } else { 1e-310 * (i + j) as f64 });
    assert_eq!(Preconditioner::fit(&faint).unwrap().inverse(), array![1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn features_that_overflow_are_refused() {
    let error = Preconditioner::fit(&array![[1.0, 1e200], [1.0, -1e200]]).unwrap_err();
    assert_eq!(error, Error::Overflow { column: 1 });
}

/// Rows with the bias in front, columns of very different sizes.
fn features() -> impl Strategy<Value = Array2<f64>> {
    (2_usize..12, 1_usize..6, -30..30).prop_flat_map(|(rows, columns, unit)| {
        prop::collection::vec(-4.0..4.0, rows * columns).prop_map(move |values| {
            Array2::from_shape_fn((rows, columns + 1), |(i, j)| match j.checked_sub(1) {
                None => 1.0,
                Some(j) => values[i * columns + j] * f64::from(unit + j as i32).exp2(),
            })
        })
    })
}

proptest! {
    #[test]
    fn the_largest_normalised_inverse_is_in_its_interval(features in features()) {
        let largest = Preconditioner::fit(&features).unwrap().normalised_inverse().fold(0.0, |m, &v| f64::max(m, v));
        prop_assert!(largest > 0.25 && largest <= 1.0, "{}", largest);
    }

    #[test]
    fn a_step_never_overshoots(features in features(), direction in prop::collection::vec(-1.0..1.0, 6)) {
        // uᵀ (B − ¼ xᵀx) u ≥ 0. Columns without a step (1/B = 0) have B = ∞ and are left out.
        let inverse = Preconditioner::fit(&features).unwrap().inverse().clone();
        let direction: Vec<f64> = (0..inverse.len()).map(|j| direction[j] * inverse[j].sqrt()).collect();
        let steps = (0..inverse.len()).filter(|&j| inverse[j] > 0.0);
        let bound: f64 = steps.map(|j| direction[j].powi(2) / inverse[j]).sum();
        let curvature: f64 = features.dot(&Array1::from(direction)).mapv(|v| v * v).sum() / 4.0;
        prop_assert!(curvature <= bound * (1.0 + 1e-9));
    }
}

#[test]
fn rows_that_count_more_are_as_good_as_repeated_ones() {
    let features = array![[1.0, 2.0, 5.0], [1.0, -1.0, 5.0], [1.0, 0.5, 5.0]];
    let repeated = features.select(Axis(0), &[0, 1, 1, 1, 2, 2]);
    let weighted = Preconditioner::fit_weighted(&features, &array![1.0, 3.0, 2.0]).unwrap();
    assert_eq!(weighted, Preconditioner::fit(&repeated).unwrap());
    assert_eq!(weighted.inverse()[2], 0.0, "a constant column stays one");
}
