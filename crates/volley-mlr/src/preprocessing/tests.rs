use ndarray::{Axis, Slice, array, concatenate};
use proptest::prelude::*;

use super::*;

#[test]
fn the_paper_profile_only_adds_the_bias() {
    let x = array![[3.0, -1.0], [0.0, 2.0]];
    let prepared = Preprocessing::fit(&x, Profile::Paper).apply(&x).unwrap();
    assert_eq!(prepared, array![[1.0, 3.0, -1.0], [1.0, 0.0, 2.0]]);
}

#[test]
fn the_standard_profile_by_hand() {
    // Column 0 has square roots 1, 3: mean 2, deviation 1. Column 1 is negative somewhere: −2, 2, no square root.
    let training = array![[1.0, -2.0], [9.0, 2.0]];
    let preprocessing = Preprocessing::fit(&training, Profile::Standard);
    let prepared = preprocessing.apply(&array![[4.0, 1.0], [100.0, -100.0], [-1.0, 0.0]]).unwrap();
    assert_eq!(prepared, array![[1.0, 0.0, 0.5], [1.0, 4.0, -4.0], [1.0, -2.0, 0.0]]);
}

#[test]
fn constant_columns_become_zero_and_rounding_is_not_blown_up() {
    let nearly = 0.1 + 0.2;
    let training = array![[7.0, 0.0, -0.3, 1e308], [7.0, 0.0, -nearly, 1e308], [7.0, 0.0, -0.3, 1e308]];
    let preprocessing = Preprocessing::fit(&training, Profile::Standard);
    let prepared = preprocessing.apply(&(&training + 5.0)).unwrap();
    for column in [1, 2, 4] {
        assert!(prepared.column(column).iter().all(|&value| value == 0.0), "column {column}");
    }
    let prepared = preprocessing.apply(&training).unwrap();
    assert!(prepared.column(3).iter().all(|&value| value.abs() < 1e-9));
}

#[test]
fn extreme_values_stay_finite() {
    let training = array![[1e308, 5e-324, -1e308], [-1e308, 0.0, 1e308], [1e308, 5e-324, 0.0]];
    let prepared = Preprocessing::fit(&training, Profile::Standard).apply(&training).unwrap();
    assert!(prepared.iter().all(|value| value.is_finite()));
}

#[test]
fn a_wrong_number_of_columns_is_refused() {
    for profile in [Profile::Paper, Profile::Standard] {
        let preprocessing = Preprocessing::fit(&array![[1.0, 2.0], [3.0, 4.0]], profile);
        let error = preprocessing.apply(&array![[1.0]]).unwrap_err();
        assert_eq!(error, Error::ColumnCount { expected: 2, found: 1 });
    }
}

#[test]
fn stored_statistics_are_checked() {
    let unsound = Columns::Standard(vec![
        Standardisation { square_root: true, mean: 0.0, inverse_deviation: 1.0 },
        Standardisation { square_root: true, mean: 0.0, inverse_deviation: f64::INFINITY },
    ]);
    assert_eq!(Preprocessing::try_from(unsound), Err(Error::Statistics { column: 1 }));
}

proptest! {
    #[test]
    fn only_training_rows_are_read(
        training in prop::collection::vec(-5.0..50.0, 12),
        test in prop::collection::vec(-1e3..1e3, 6),
        profile in prop::sample::select(vec![Profile::Paper, Profile::Standard]),
    ) {
        let training = Array2::from_shape_vec((4, 3), training).unwrap();
        let test = Array2::from_shape_vec((2, 3), test).unwrap();
        let preprocessing = Preprocessing::fit(&training, profile);
        let together = concatenate![Axis(0), training, test];
        let prepared = preprocessing.apply(&together).unwrap();
        prop_assert_eq!(prepared.slice_axis(Axis(0), Slice::from(..4)), preprocessing.apply(&training).unwrap());
        prop_assert_eq!(prepared.slice_axis(Axis(0), Slice::from(4..)), preprocessing.apply(&test).unwrap());
        let stored = serde_json::to_string(&preprocessing).unwrap();
        prop_assert_eq!(serde_json::from_str::<Preprocessing>(&stored).unwrap(), preprocessing);
    }

    #[test]
    fn standardised_training_columns_have_mean_zero_and_deviation_one(
        values in prop::collection::vec(-1.0..1.0, 20),
        factor in 1e-6..1e6,
    ) {
        // At 20 values, none is more than √19 deviations away: clipping at 4 needs an outlier that this range lacks.
        let training = Array2::from_shape_vec((20, 1), values).unwrap() * factor;
        let prepared = Preprocessing::fit(&training, Profile::Standard).apply(&training).unwrap();
        prop_assume!(prepared.iter().all(|value| value.abs() < Standardisation::CLIP));
        let column = prepared.column(1);
        prop_assert!(column.sum().abs() < 1e-9);
        prop_assert!((column.mapv(|value| value * value).sum() / 20.0 - 1.0).abs() < 1e-9);
    }
}
