use ndarray::{Axis, Slice, array, concatenate};
use proptest::prelude::*;

use volley_testkit::statistics::standard_scores;

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
    let preprocessing = Preprocessing::fit(&training, Profile::Standardised);
    let prepared = preprocessing.apply(&array![[4.0, 1.0], [100.0, -100.0], [-1.0, 0.0]]).unwrap();
    assert_eq!(prepared, array![[1.0, 0.0, 0.5], [1.0, 4.0, -4.0], [1.0, -2.0, 0.0]]);
}

#[test]
fn whitened_columns_have_a_root_where_it_makes_them_less_skewed() {
    // Squares of evenly spaced numbers; evenly spaced numbers; the same skewed to the left; squares, one of them
    // negative; constants.
    let columns: [fn(f64) -> f64; 5] =
        [|x| x * x, |x| 1.0 + x, |x| (1.0 + x).sqrt(), |x| (x - 1.0).abs() * (x - 1.0), |_| 3.0];
    let training = Array2::from_shape_fn((9, 5), |(i, j)| 1e100 * columns[j](i as f64));
    let roots = |profile| -> Vec<bool> {
        let preprocessing = Preprocessing::fit(&training, profile);
        preprocessing.standardisations().unwrap().iter().map(|column| column.square_root).collect()
    };
    assert_eq!(roots(Profile::Standard), [true, false, false, false, false]);
    assert_eq!(roots(Profile::Standardised), [true, true, true, false, true]);
}

#[test]
fn logarithms_are_for_very_unequal_amounts() {
    // Quantiles of an exponential distribution, of its square, and of what it is the logarithm of.
    let exponential: Array1<f64> = (0..200).map(|k| -((f64::from(k) + 0.5) / 200.0).ln()).collect();
    let squares = exponential.mapv(|value| value.powi(2));
    let normal = Array1::from_iter((0..200).map(|k| f64::from(k % 20) - 9.5 + f64::from(k % 7)));
    let log_normal = normal.mapv(|value| (value / 2.0).exp());
    let with_zero = Array1::from_iter(std::iter::once(0.0).chain(log_normal.iter().copied().take(199)));
    let table = [exponential, squares, log_normal.clone(), -log_normal, with_zero, normal, Array1::ones(200)];
    let table = Array2::from_shape_fn((200, 7), |(row, column)| table[column][row]);
    assert_eq!(very_unequal_columns(&table), [2]);
    let few = table.slice_axis(Axis(0), Slice::from(..SKEWED_ROWS - 1)).to_owned();
    for none in [few, Array2::zeros((0, 2))] {
        assert!(very_unequal_columns(&none).is_empty());
    }
}

#[test]
fn heavy_tails_leave_the_middle_where_it_is() {
    // The quartiles of 0, 1, …, 20 are 5 and 15, and the median 10.
    let fit = |values: &[f64], profile| {
        let training = Array2::from_shape_fn((values.len(), 1), |(i, _)| values[i]);
        Preprocessing::fit(&training, profile).standardisations().unwrap()[0].clone()
    };
    let from = |first: f64, middle: &[f64], last: f64| [&[first], middle, &[last]].concat();
    let middle: Vec<f64> = (1..20).map(f64::from).collect();
    for profile in [Profile::Standardised, Profile::Standard] {
        for (far, is_heavy) in [(150.0, false), (250.0, true), (1e12, true)] {
            let values = from(-far, &middle, far);
            let Standardisation { square_root, mean, inverse_deviation } = fit(&values, profile);
            let plain = Moments::of(&values.iter().copied().collect());
            let normal = 10.0 / QUARTILES;
            assert_eq!(plain.deviation > HEAVY_TAILS * normal, is_heavy, "{far}");
            let expected = if is_heavy { (10.0, normal) } else { (plain.mean, plain.deviation) };
            assert_eq!((square_root, mean), (false, expected.0));
            assert!((inverse_deviation * expected.1 - 1.0).abs() < 1e-12, "{far}");
        }
        let nearly_equal: Vec<f64> = (0..22).map(|k| 1.0 + 1e-12 * f64::from(k)).collect();
        // Mostly the lowest value, or the highest; quartiles that are equal, or differ by rounding alone; few rows.
        for values in [
            from(-1.0, &[&[-1.0; 6][..], &middle].concat(), 1e6),
            from(-1e6, &[&middle[..], &[20.0; 8]].concat(), 20.0),
            from(-1e6, &[1.0; 22], 2.0),
            from(-1e6, &nearly_equal, 1e6),
            from(-1e6, &middle[..17], 1e6),
        ] {
            let plain = Moments::of(&values.iter().copied().collect());
            assert_eq!(fit(&values, profile).mean, plain.mean, "{values:?}");
        }
    }
}

#[test]
fn the_moments_by_hand() {
    // Mean 1, differences −1, −1, 2: variance 2, cubes −1, −1, 8.
    let moments = Moments::of(&array![0.0, 0.0, 3.0]);
    assert_eq!((moments.mean, moments.largest), (1.0, 3.0));
    assert!((moments.deviation - 2f64.sqrt()).abs() < 1e-15);
    assert!((moments.skewness - 2.0 / 2f64.powf(1.5)).abs() < 1e-15);
    assert_eq!(Moments::of(&array![5.0, 5.0]).skewness, 0.0);
}

#[test]
fn constant_columns_become_zero_and_rounding_is_not_blown_up() {
    let nearly = 0.1 + 0.2;
    let training = array![[7.0, 0.0, -0.3, 1e308], [7.0, 0.0, -nearly, 1e308], [7.0, 0.0, -0.3, 1e308]];
    let preprocessing = Preprocessing::fit(&training, Profile::Standardised);
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
    let prepared = Preprocessing::fit(&training, Profile::Standardised).apply(&training).unwrap();
    assert!(prepared.iter().all(|value| value.is_finite()));
}

#[test]
fn a_wrong_number_of_columns_is_refused() {
    for profile in [Profile::Paper, Profile::Standardised, Profile::Standard] {
        let preprocessing = Preprocessing::fit(&array![[1.0, 2.0], [3.0, 4.0]], profile);
        let error = preprocessing.apply(&array![[1.0]]).unwrap_err();
        assert_eq!(error, Error::ColumnCount { expected: 2, found: 1 });
    }
}

#[test]
fn stored_statistics_are_checked() {
    let unsound = Columns::Standardised(vec![
        Standardisation { square_root: true, mean: 0.0, inverse_deviation: 1.0 },
        Standardisation { square_root: true, mean: 0.0, inverse_deviation: f64::INFINITY },
    ]);
    assert_eq!(Preprocessing::try_from(unsound), Err(Error::Statistics { column: 1 }));
    // A whitening of other columns.
    let whitening = Whitening::fit(&array![[1.0, 2.0], [3.0, 5.0]]).0;
    let column = Standardisation { square_root: true, mean: 0.0, inverse_deviation: 1.0 };
    let error = Preprocessing::try_from(Columns::Whitened(vec![column], whitening)).unwrap_err();
    assert_eq!(error, Error::ColumnCount { expected: 1, found: 2 });
}

/// 240 times within ten minutes.
fn times(offset: f64) -> Array2<f64> {
    Array2::from_shape_fn((240, 1), |(i, _)| offset + 600.0 * ((i * 97) % 240) as f64 / 240.0)
}

#[test]
fn times_far_from_zero_are_standardised() {
    for offset in [1e7, 1e9, 1.7e9, 1e12] {
        let training = times(offset);
        let prepared = Preprocessing::fit(&training, Profile::Standardised).apply(&training).unwrap();
        let column = prepared.column(1);
        let deviation = (column.mapv(|value| value * value).sum() / 240.0).sqrt();
        assert!((deviation - 1.0).abs() < 1e-6, "{offset}: {deviation}");
    }
}

#[test]
fn the_floor_is_the_rounding_of_the_precision() {
    let constant = |values: &[f64], precision: Precision| {
        let column = Array1::from(values.to_vec());
        Standardisation::fit(&column, precision, has_root(&column)).inverse_deviation == 0.0
    };
    let steps = |epsilon: f64, count: f64| [-1.0, -1.0 - count * epsilon];
    let (single, double) = (Precision::Single, Precision::Double);
    // Two values k steps apart have a deviation of k/2 steps.
    for (precision, epsilon) in [(single, 2f64.powi(-23)), (double, 2f64.powi(-52))] {
        assert!(constant(&steps(epsilon, 1.0), precision) && constant(&steps(epsilon, 2.0), precision));
        assert!(!constant(&steps(epsilon, 4.0), precision));
    }
    // 10 ms at the Unix time of 2023: below the 128 s that an f32 tells apart, not below what an f64 does.
    let times = [1.7e9, 1.7e9 + 0.01];
    assert!(constant(&times, single) && !constant(&times, double));
    // A root halves the relative deviation.
    assert!(
        constant(&[1.0, 1.0 + 4.0 * f64::EPSILON], double)
            && !constant(&[1.0, 1.0 + 8.0 * f64::EPSILON], double)
    );
    // One value says nothing of a deviation.
    assert!(constant(&[3.5], double) && constant(&[0.0, 0.0], double) && constant(&[-0.0, 0.0], double));
}

#[test]
fn an_outlier_and_the_ends_of_f64_are_standardised_as_any_value() {
    let one =
        |at: f64, others: f64| Array2::from_shape_fn((16, 1), |(i, _)| if i == 5 { at } else { others });
    // One of 16 values is √15 < 4 deviations away, the others 1/√15.
    let expected = one(15f64.sqrt(), -1.0 / 15f64.sqrt());
    for (at, others) in [
        (1e300, -1.0),
        (1e308, -1e308),
        (f64::MAX, -f64::MAX),
        (-1e-200, -2e-200),
        (-1e-300, -3e-300),
        (-1.0, -1.0 - 1e-12),
        (1e160, -1e-160),
        (4e-320, 0.0),
    ] {
        let training = one(at, others);
        let prepared = Preprocessing::fit(&training, Profile::Standardised).apply(&training).unwrap();
        for (value, expected) in prepared.column(1).iter().zip(&expected) {
            assert!((value - expected).abs() < 1e-3, "{at}, {others}: {value} for {expected}");
        }
    }
    // A deviation whose inverse no f64 holds.
    let faint = one(-4e-320, -8e-320);
    assert!(
        Preprocessing::fit(&faint, Profile::Standardised)
            .apply(&faint)
            .unwrap()
            .column(1)
            .iter()
            .all(|&v| v == 0.0)
    );
}

proptest! {
    #[test]
    fn standardised_columns_are_those_of_exact_arithmetic(
        values in prop::collection::vec(-1.0..1.0, 2..60),
        log_scale in -200.0..200.0,
        log_offset in 0.0..12.0,
        offset_by in prop::sample::select(vec![0.0, -1.0, 1.0]),
    ) {
        let (scale, offset) = (10f64.powf(log_scale), offset_by * 10f64.powf(log_offset));
        let training: Vec<f64> = values.iter().map(|value| (value + offset) * scale).collect();
        let rooted = training.iter().all(|&value| value >= 0.0);
        let exact = standard_scores(&training.iter().map(|&v| if rooted { v.sqrt() } else { v }).collect::<Vec<_>>());
        let training = Array2::from_shape_vec((values.len(), 1), training).unwrap();
        let preprocessing = Preprocessing::fit(&training, Profile::Standardised);
        let prepared = preprocessing.apply(&training).unwrap();
        let Standardisation { mean, inverse_deviation, .. } = preprocessing.standardisations().unwrap()[0];
        prop_assume!(inverse_deviation > 0.0);
        // The mean is rounded to an f64, by less than half an epsilon of it.
        let tolerance = 1e-13 + 0.6 * f64::EPSILON * mean.abs() * inverse_deviation;
        for (value, exact) in prepared.column(1).iter().zip(&exact) {
            let exact = exact.clamp(-Standardisation::CLIP, Standardisation::CLIP);
            prop_assert!((value - exact).abs() <= tolerance, "{} for {}", value, exact);
        }
    }

    #[test]
    fn only_training_rows_are_read(
        training in prop::collection::vec(-5.0..50.0, 12),
        test in prop::collection::vec(-1e3..1e3, 6),
        profile in prop::sample::select(vec![Profile::Paper, Profile::Standardised, Profile::Standard]),
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
        let prepared = Preprocessing::fit(&training, Profile::Standardised).apply(&training).unwrap();
        prop_assume!(prepared.iter().all(|value| value.abs() < Standardisation::CLIP));
        let column = prepared.column(1);
        prop_assert!(column.sum().abs() < 1e-9);
        prop_assert!((column.mapv(|value| value * value).sum() / 20.0 - 1.0).abs() < 1e-9);
    }
}

#[test]
fn values_far_from_those_fitted_to_are_counted() {
    let training = array![[1.0, -5.0], [2.0, 1.0], [3.0, 5.0]];
    let far = array![[2.0, 0.0], [400.0, 0.0], [-9.0, 0.0], [3.5, 900.0]];
    let narrow = array![[2.0, 0.5], [2.1, 0.5]];
    for profile in [Profile::Standardised, Profile::Standard] {
        let fitted = Preprocessing::fit(&training, profile);
        let spreads = |rows| fitted.spreads(rows).unwrap().unwrap();
        assert!(spreads(&training).iter().all(|found| found.cut_off == 0.0));
        assert!(spreads(&training).iter().all(|found| (found.deviation - 1.0).abs() < 1e-12));
        assert_eq!(spreads(&far).iter().map(|found| found.cut_off).collect::<Vec<_>>(), [0.5, 0.25]);
        let deviations: Vec<_> = spreads(&narrow).iter().map(|found| found.deviation).collect();
        assert!((0.01..0.1).contains(&deviations[0]) && deviations[1] == 0.0, "{deviations:?}");
        let varying: Vec<_> = spreads(&far).iter().map(|found| found.varying).collect();
        assert_eq!(varying, [0.75, 0.25]);
        assert_eq!(fitted.spreads(&Array2::zeros((0, 2))), Ok(None));
        assert_eq!(fitted.spreads(&array![[1.0]]), Err(Error::ColumnCount { expected: 2, found: 1 }));
    }
    assert_eq!(Preprocessing::raw(2).spreads(&far), Ok(None));
}
