use ndarray::{Array2, Axis, concatenate};
use proptest::prelude::*;
use rand_core::Rng;

use super::*;
use crate::clear::training_set::TrainingSet;
use crate::data::dataset::{Dataset, largest};
use crate::data::labels::ClassLabels;
use crate::error::Error;
use crate::preparation::preprocessing::Preprocessing;
use crate::preparation::profile::Profile;
use crate::testing::{clouds, relative_error, rng};

/// The sum of all owners' integers, as decryption gives it.
fn total(owners: &[Sums]) -> Vec<f64> {
    let count = owners[0].integers().len();
    (0..count).map(|i| owners.iter().map(|sums| sums.integers()[i]).sum::<i128>() as f64).collect()
}

fn means(owners: &[Dataset], classes: &ClassLabels) -> Result<Means, Error> {
    let sums = owners.iter().map(|rows| Means::sums(classes, rows)).collect::<Result<Vec<_>, _>>()?;
    Means::new(classes.clone(), owners[0].features().ncols(), &total(&sums))
}

/// All rounds.
fn fit(owners: &[Dataset], classes: &ClassLabels) -> Result<Fit, Error> {
    Fit::of_owners(owners, classes, |sums| Ok(total(sums)))
}

/// Rows of one owner each, cut where `counts` say.
fn split(data: &Dataset, counts: &[usize]) -> Vec<Dataset> {
    let mut next = 0;
    let mut take = |count: usize| {
        let rows: Vec<usize> = (next..next + count).collect();
        next += count;
        data.select(&rows).unwrap()
    };
    counts.iter().map(|&count| take(count)).collect()
}

/// Columns of many kinds: skewed, far from zero, of tiny and of huge units, correlated, constant.
fn table(rows: usize) -> Dataset {
    let mut rng = rng(9);
    let mut unit = || rng.next_u64() as f64 / u64::MAX as f64;
    let mut features = Array2::zeros((rows, 8));
    for (i, mut row) in features.rows_mut().into_iter().enumerate() {
        let (x, y) = (unit() + 0.5 * (i % 3) as f64, unit());
        let values = [x, x * x * x, y - 0.5, 1e9 + 1e4 * y, 1e-9 * (x + y), 1e9 * (y - x), 7.5, unit() - x];
        row.assign(&ndarray::arr1(&values));
    }
    Dataset::new(features, (0..rows).map(|i| format!("class {}", i % 3))).unwrap()
}

#[test]
fn a_pool_fits_what_one_owner_of_all_rows_would() {
    let data = table(600);
    let alone = TrainingSet::new(&data, Profile::Standard).unwrap();
    let pooled = fit(&split(&data, &[100, 450, 50]), alone.classes()).unwrap();
    assert_eq!(pooled.rows(), 600);
    let state = pooled.state();

    let [expected, found] =
        [alone.preprocessing(), &state.preprocessing].map(|fit| fit.standardisations().unwrap());
    for (column, (expected, found)) in expected.iter().zip(found).enumerate() {
        if column == 3 {
            // So far from zero that roots are as skewed as the values to five digits: either will do.
            continue;
        }
        assert_eq!(found.square_root, expected.square_root, "column {column}");
        assert!((found.mean - expected.mean).abs() <= 1e-15 * expected.mean.abs() + 1e-18);
        let difference = (found.inverse_deviation / expected.inverse_deviation - 1.0).abs();
        // 0/0 for the constant column.
        assert!(difference < 1e-8 || expected.inverse_deviation == 0.0 && found.inverse_deviation == 0.0);
    }
    assert!(expected[1].square_root && !expected[2].square_root);

    let prepared = |fit: &Preprocessing| fit.apply(data.features()).unwrap();
    let error = relative_error(&prepared(&state.preprocessing), &prepared(alone.preprocessing()));
    assert!(error < 1e-4, "{error:e}");
}

#[test]
fn the_same_rows_cut_otherwise_give_the_same_bits_of_the_means() {
    let data = table(90);
    let classes = ClassLabels::of(data.labels()).unwrap();
    // Halves, so that every order of additions gives the same f64.
    let data =
        Dataset::new(data.features().mapv(|x| (2.0 * x).round() / 2.0), data.labels().to_vec()).unwrap();
    let a = means(&split(&data, &[30, 60]), &classes).unwrap();
    let b = means(&split(&data, &[45, 15, 30]), &classes).unwrap();
    let roots = |means: &Means| means.columns.iter().map(|column| column.root.is_some()).collect::<Vec<_>>();
    assert_eq!((a.counts.clone(), roots(&a)), (b.counts.clone(), roots(&b)));
    for (a, b) in a.columns.iter().zip(&b.columns) {
        assert_eq!((a.value, a.magnitude), (b.value, b.magnitude));
    }
}

#[test]
fn the_preconditioner_and_the_class_means_are_near_those_of_rows_that_are_cut_off() {
    let data = table(600);
    let alone = TrainingSet::new(&data, Profile::Standard).unwrap();
    let pooled = fit(&split(&data, &[300, 300]), alone.classes()).unwrap();
    let state = pooled.state();
    let ratio = state.preconditioner.inverse() / alone.preconditioner().inverse();
    // 0/0 for the constant column.
    assert!(ratio.iter().all(|ratio| ratio.is_nan() || (0.9..1.1).contains(ratio)), "{ratio}");
    let weights = Array2::from_shape_fn((3, 9), |(i, j)| ((i * 7 + j * 5) % 11) as f64 - 5.0);
    let [expected, found] = [alone.owner_state(), state].map(|state| {
        let prepared = state.preprocessing.apply(data.features()).unwrap();
        state.model_scores(&weights, prepared.dot(&weights.t()))
    });
    assert!(relative_error(&found, &expected) < 0.05);
}

#[test]
fn rho_from_sums_is_rho_of_the_rows() {
    // Values in the hundreds of deviations are clipped, so that the mean of standardised rows is not zero.
    let mut features = table(200).features().clone();
    features.column_mut(2)[3] = 40.0;
    features.column_mut(7)[9] = -60.0;
    let data = Dataset::new(features, table(200).labels().to_vec()).unwrap();
    let classes = ClassLabels::of(data.labels()).unwrap();
    let (alone, shrinkage) = Preprocessing::with_shrinkage(&data, Profile::Standard);
    let pooled = fit(&split(&data, &[120, 80]), &classes).unwrap();
    let recoding = serde_json::to_value(pooled.state().recoding.as_ref().unwrap()).unwrap();
    let found = recoding["shrinkage"].as_f64().unwrap();
    assert!((found / shrinkage.unwrap() - 1.0).abs() < 1e-6, "{found} beside {shrinkage:?}");
    let prepared = |fit: &Preprocessing| fit.apply(data.features()).unwrap();
    assert!(relative_error(&prepared(&pooled.state().preprocessing), &prepared(&alone)) < 1e-6);
}

#[test]
fn an_owner_need_not_have_all_classes_but_the_pool_must() {
    let data = clouds(60, 6, 3);
    let by_class = |class: usize| {
        let rows: Vec<usize> = (0..60).filter(|i| i % 3 == class).collect();
        data.select(&rows).unwrap()
    };
    let classes = ClassLabels::of(data.labels()).unwrap();
    assert!(fit(&[by_class(0), by_class(1), by_class(2)], &classes).is_ok());
    let error = fit(&[by_class(0), by_class(2)], &classes).unwrap_err();
    assert_eq!(error, Error::PooledClass { label: "class 1".to_owned() });
    let few = ClassLabels::try_from(vec!["class 0".to_owned(), "class 2".to_owned()]).unwrap();
    assert!(matches!(fit(&[data], &few), Err(Error::UnknownLabel { row: 1, .. })));
}

#[test]
fn rows_that_do_not_belong_to_the_pool_are_refused() {
    let data = clouds(60, 6, 3);
    let classes = ClassLabels::of(data.labels()).unwrap();
    let means = means(std::slice::from_ref(&data), &classes).unwrap();
    let narrow = clouds(60, 5, 3);
    let error = Deviations::sums(&means, &narrow).unwrap_err();
    assert_eq!(error, Error::ColumnCount { expected: 6, found: 5 });
    let totals = total(&[Deviations::sums(&means, &data).unwrap()]);
    let deviations = Deviations::new(means.clone(), &totals).unwrap();
    let error = Fit::sums(&deviations, &narrow).unwrap_err();
    assert_eq!(error, Error::ColumnCount { expected: 6, found: 5 });

    let mut negative = data.features().clone();
    negative[[4, 0]] = -1.0;
    let negative = Dataset::new(negative, data.labels().to_vec()).unwrap();
    assert_eq!(Deviations::sums(&means, &negative).unwrap_err(), Error::NegativeRoot { column: 0 });

    for wrong in [&totals[1..], &[&totals[..], &[0.0]].concat()] {
        let expected = Error::PooledTotals { expected: 24, actual: wrong.len() };
        assert_eq!(Deviations::new(means.clone(), wrong).unwrap_err(), expected);
        let expected = Error::PooledTotals { expected: 18 + 21 + 7, actual: wrong.len() };
        assert_eq!(Fit::new(deviations.clone(), wrong).unwrap_err(), expected);
        let expected = Error::PooledTotals { expected: 27, actual: wrong.len() };
        assert_eq!(Means::new(classes.clone(), 6, wrong).unwrap_err(), expected);
    }
}

#[test]
fn columns_that_do_not_vary_are_left_out_and_some_must() {
    let constant = Dataset::new(Array2::from_elem((4, 2), 3.5), ["a", "b", "a", "b"]).unwrap();
    let classes = ClassLabels::of(constant.labels()).unwrap();
    let error = fit(&split(&constant, &[1, 3]), &classes).unwrap_err();
    assert_eq!(error, Error::ConstantColumns { columns: 2 });
}

#[test]
fn values_too_large_to_be_added_name_their_column() {
    let mut features = Array2::zeros((4, 3));
    features.column_mut(2).fill(1e18);
    let data = Dataset::new(features, ["a", "b", "a", "b"]).unwrap();
    let classes = ClassLabels::of(data.labels()).unwrap();
    let error = Means::sums(&classes, &data).unwrap_err();
    assert!(matches!(error, Error::PooledSum { column: 2, .. }), "{error}");
    assert!(error.to_string().contains("divide the column by a power of ten"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Standardised rows of the pool have the mean 0 and the deviation 1 in every column that varies.
    #[test]
    fn standardised_columns_have_deviation_one(
        seed in 0u64..1000, log_unit in -25i32..25, offset in -100.0..100.0, cut in 1usize..39
    ) {
        let mut rng = rng(seed);
        let unit = f64::from(log_unit).exp2();
        let features = Array2::from_shape_simple_fn((40, 3), || {
            unit * (offset + rng.next_u64() as f64 / u64::MAX as f64)
        });
        let data = Dataset::new(features, (0..40).map(|i| (i % 2).to_string())).unwrap();
        let classes = ClassLabels::of(data.labels()).unwrap();
        let fitted = fit(&split(&data, &[cut, 40 - cut]), &classes).unwrap();
        let columns = fitted.state().preprocessing.standardisations().unwrap().to_vec();
        let standardised = Preprocessing::standard(columns).unwrap().apply(data.features()).unwrap();
        for column in standardised.columns().into_iter().skip(1) {
            prop_assert!((column.sum() / 40.0).abs() < 1e-6);
            prop_assert!((column.dot(&column) / 40.0 - 1.0).abs() < 1e-6);
        }
    }

    /// Cutting the rows otherwise changes what is fitted by rounding only.
    #[test]
    fn owners_may_cut_rows_in_any_way(cut in 1usize..119) {
        let data = table(120);
        let classes = ClassLabels::of(data.labels()).unwrap();
        let whole = fit(std::slice::from_ref(&data), &classes).unwrap();
        let parts = split(&data, &[cut, 120 - cut]);
        let again = concatenate![Axis(0), parts[0].features().view(), parts[1].features().view()];
        prop_assert_eq!(&again, data.features());
        let cut = fit(&parts, &classes).unwrap();
        let prepared = |fit: &Fit| fit.state().preprocessing.apply(data.features()).unwrap();
        let (a, b) = (prepared(&whole), prepared(&cut));
        prop_assert!(largest(&(&a - &b)) < 1e-6 * largest(&a));
    }
}
