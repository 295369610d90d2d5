use nalgebra::DMatrix;
use ndarray::array;
use proptest::prelude::*;

use super::*;

/// Rows, and R by scikit-learn and NumPy.
#[derive(Deserialize)]
struct Golden {
    rows: Vec<Vec<f64>>,
    shrinkage: f64,
    root: Vec<Vec<f64>>,
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn fit(features: &Array2<f64>) -> Whitening {
    Whitening::fit(features).0
}

fn close(a: &Array2<f64>, b: &Array2<f64>, tolerance: f64) -> bool {
    a.dim() == b.dim() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

#[test]
fn the_root_is_that_of_scikit_learn() {
    let cases: Vec<Golden> = serde_json::from_str(include_str!("../../../testdata/whitening.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for Golden { rows, shrinkage, root } in cases {
        let (Whitening { root: found, .. }, rho) = Whitening::fit(&matrix(&rows));
        assert!((rho - shrinkage).abs() < 1e-12, "{rho}");
        assert!(close(&found, &matrix(&root), 1e-9), "{found}");
    }
}

#[test]
fn the_definition_by_hand() {
    // One column: S is its variance, 4.
    let whitening = fit(&array![[1.0], [5.0]]);
    assert_eq!((whitening.mean.to_vec(), whitening.root.clone()), (vec![3.0], array![[0.5]]));
    // v·(x − 3)/2 + b with v = 6, b = 1: 3x − 8. The noise of b stands beside 3/2 times that of v.
    assert_eq!(whitening.fold(&array![[1.0, 6.0]]), array![[-8.0, 3.0]]);
    assert_eq!(whitening.noise_gain(), 1f64.hypot(1.5));
    // Two rows: ρ* = 1/2, γ = 1/5, ρ = 7/12, C = [[1, 1], [1, 1]], S = [[1, 5/12], [5/12, 1]] with eigenvalues 17/12
    // and 7/12.
    let (whitening, rho) = Whitening::fit(&array![[1.0, 1.0], [3.0, 3.0]]);
    assert!((rho - 7.0 / 12.0).abs() < 1e-15);
    let root = whitening.root;
    let (sum, difference) = ((17.0 / 12f64).sqrt().recip() / 2.0, (7.0 / 12f64).sqrt().recip() / 2.0);
    let expected = array![[sum + difference, sum - difference], [sum - difference, sum + difference]];
    assert!(close(&root, &expected, 1e-14), "{root}");
}

#[test]
fn constant_columns_stay_zero_and_leave_the_others_alone() {
    let features = Array2::from_shape_fn((20, 3), |(i, j)| ((7 * i * i + 3 * i * j) % 13) as f64 - 6.0);
    let plain = fit(&features).apply(&features);
    let padded = Array2::from_shape_fn((20, 5), |(i, j)| match j {
        0 | 3 => 2.5,
        1 | 2 => features[[i, j - 1]],
        _ => features[[i, 2]],
    });
    let whitening = fit(&padded);
    let found = whitening.apply(&(&padded + &array![9.0, 0.0, 0.0, -9.0, 0.0]));
    assert!(found.column(0).iter().chain(found.column(3)).all(|&value| value == 0.0));
    for (column, expected) in [1, 2, 4].into_iter().zip(plain.columns()) {
        assert_eq!(found.column(column), expected);
    }
    let constant = fit(&Array2::from_elem((4, 2), 3.0));
    assert_eq!(constant.root, Array2::<f64>::zeros((2, 2)));
}

#[test]
fn duplicated_and_dependent_columns_are_not_blown_up() {
    // Column 1 is column 0 but for rounding, column 3 the sum of 0 and 2. With this many rows ρ is below the floor.
    let unit = |i: usize, j: usize| ((i * (2 * j + 1) * 7919 + j) % 1009) as f64 / 1009.0 - 0.5;
    let features = Array2::from_shape_fn((4000, 4), |(i, j)| match j {
        0 => unit(i, 0),
        1 => unit(i, 0) * (1.0 + 1e-13 * (i % 3) as f64),
        2 => unit(i, 1),
        _ => unit(i, 0) + unit(i, 1),
    });
    let whitening = fit(&features);
    let variance = features.mapv(|value| value * value).sum() / 16_000.0;
    assert!(whitening.root.iter().all(|value| value.abs() <= 32.0 / variance.sqrt()));
    // A row that is off by one in the duplicate does not go further than the bound on the stretch.
    let odd = &array![[0.3, 0.3, 0.1, 0.4], [0.3, 0.31, 0.1, 0.4]];
    let found = whitening.apply(odd);
    let change = (&found.row(0) - &found.row(1)).mapv(|value| value * value).sum().sqrt();
    assert!(change <= 0.01 * 32.0 / variance.sqrt() * (1.0 + 1e-9), "{change}");
}

#[test]
fn a_training_row_far_from_the_others_is_cut_off_and_a_new_one_is_not() {
    let features =
        Array2::from_shape_fn((400, 2), |(i, j)| if i == 7 { 50.0 } else { ((i * (j + 3)) % 7) as f64 });
    let whitening = fit(&features);
    assert_eq!(whitening.apply_to_training(&features).row(7), array![CLIP, CLIP]);
    assert!(whitening.apply(&features).row(7).iter().all(|&value| value > CLIP));
}

#[test]
fn stored_numbers_are_checked() {
    let stored =
        |mean: &[f64], root: &[f64]| Whitening::try_from(Stored { mean: mean.to_vec(), root: root.to_vec() });
    assert!(stored(&[1.0, 2.0], &[1.0, 0.0, 0.0, 1.0]).is_ok());
    for (mean, root, column) in [
        ([1.0, f64::NAN], vec![1.0; 4], 1),
        ([1.0, 2.0], vec![1.0, f64::INFINITY, 1.0, 1.0], 0),
        ([1.0, 2.0], vec![1.0; 3], 1),
        ([1.0, 2.0], vec![1.0; 5], 2),
    ] {
        assert_eq!(stored(&mean, &root), Err(Error::Statistics { column }));
    }
}

/// Rows of any shape, some columns multiples of others.
fn features() -> impl Strategy<Value = Array2<f64>> {
    (2_usize..30, 1_usize..8, any::<bool>()).prop_flat_map(|(rows, columns, dependent)| {
        prop::collection::vec(-4.0..4.0, rows * columns).prop_map(move |values| {
            Array2::from_shape_fn((rows, columns), |(i, j)| {
                let source = if dependent && j > 1 { j % 2 } else { j };
                values[i * columns + source] * (1 + j) as f64 / 8.0
            })
        })
    })
}

proptest! {
    #[test]
    fn the_root_is_the_inverse_root_of_the_shrunk_covariance(features in features()) {
        let Whitening { mean, root } = fit(&features);
        let moments = RowMoments::of(&features);
        let (variance, shrinkage) = moments.shrinkage();
        let identity = Array2::<f64>::eye(moments.covariance.ncols());
        let covariance = &moments.covariance * (1.0 - shrinkage) + identity * (shrinkage * variance);
        prop_assert!(close(&root, &root.t().to_owned(), 1e-9 * (1.0 + root.mapv(f64::abs).sum())));
        // Eigenvalues of R S R are 1, or below where the floor stands for a smaller one of S.
        let product = root.dot(&covariance).dot(&root);
        let trace = product.diag().sum();
        prop_assert!(trace <= features.ncols() as f64 + 1e-6);
        let floor = FLOOR * covariance.diag().sum() / features.ncols() as f64;
        let matrix = DMatrix::from_fn(mean.len(), mean.len(), |i, j| covariance[[i, j]]);
        let smallest = matrix.symmetric_eigenvalues().min();
        if smallest > floor {
            prop_assert!(close(&product, &Array2::eye(mean.len()), 1e-6), "{}", product);
        }
    }

    #[test]
    fn folded_weights_give_the_same_scores(features in features(), weights in prop::collection::vec(-3.0..3.0, 2 * 8)) {
        let columns = features.ncols();
        let weights = Array2::from_shape_fn((2, columns + 1), |(i, j)| weights[8 * i + j % 8]);
        let whitening = fit(&features);
        let scores = |features: &Array2<f64>, weights: &Array2<f64>| {
            let (bias, rest) = weights.view().split_at(Axis(1), 1);
            features.dot(&rest.t()) + bias.column(0)
        };
        let rows = &features * 3.0 - 1.0;
        let expected = scores(&whitening.apply(&rows), &weights);
        let found = scores(&rows, &whitening.fold(&weights));
        let size = expected.iter().fold(1.0, |size, value| f64::max(size, value.abs()));
        prop_assert!(close(&found, &expected, 1e-8 * size), "{} {}", found, expected);
    }
}
