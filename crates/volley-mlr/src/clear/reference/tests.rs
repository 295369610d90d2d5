use ndarray::array;
use proptest::prelude::*;
use volley_sigmoid::SigmoidPolynomial;

use super::*;
use crate::{Dataset, LearningRate, Momentum, Preconditioner, Profile, TrainingSet};

/// Two classes on a line, features of both signs, a dead and a constant column.
fn dataset() -> Dataset {
    let features = Array2::from_shape_fn((12, 5), |(i, j)| match j {
        1 => 0.0,
        3 => 2.5,
        _ => ((i * (j + 3)) % 7) as f64 - 3.0 + i as f64 / 4.0,
    });
    Dataset::new(features, (0..12).map(|i| ["far", "mid", "near"][i / 4])).unwrap()
}

#[test]
fn the_algorithm_entry_by_entry() {
    let (features, y) =
        (array![[1.0, 2.0], [1.0, -1.0], [1.0, 0.5]], array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]);
    let inverse = array![0.5, 0.25];
    let sigmoid = SigmoidPolynomial::paper();
    let settings = Hyperparameters::new(4, Profile::Paper, sigmoid, 0.125, LearningRate::Decaying).unwrap();
    let (mut w, mut v) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
    let mut momentum = Momentum::default();
    let run = Reference::new(&features, &y, &inverse, &settings);
    for (t, step) in (1..).zip(run) {
        let eta = momentum.advance();
        let z = |i: usize, k: usize| features[[i, 0]] * v[k][0] + features[[i, 1]] * v[k][1];
        let p = |z: f64| 0.5 + 0.106_795_345_032_162_94 * z - 0.000_385_032_598_050_75 * z.powi(3);
        let mut ahead = [[0.0; 2]; 2];
        let mut largest: f64 = 0.0;
        for k in 0..2 {
            for j in 0..2 {
                let gradient: f64 = (0..3).map(|i| (y[[i, k]] - p(z(i, k))) * features[[i, j]]).sum();
                ahead[k][j] = 0.875 * w[k][j] + (1.0 + 1.0 / (3.0 * f64::from(t))) * inverse[j] * gradient;
            }
            largest = (0..3).fold(largest, |largest, i| largest.max(z(i, k).abs()));
        }
        for k in 0..2 {
            for j in 0..2 {
                w[k][j] = (1.0 - eta) * ahead[k][j] + eta * v[k][j];
                assert!((step.weights[[k, j]] - w[k][j]).abs() < 1e-14);
            }
        }
        v = ahead;
        assert_eq!(step.iteration, t as usize);
        assert!((step.largest_score - largest).abs() < 1e-14);
    }
}

#[test]
fn dead_and_constant_columns_get_no_weight() {
    for settings in
        [Hyperparameters::paper(5), Hyperparameters::standardised(5), Hyperparameters::standard(5)]
    {
        let settings = settings.unwrap();
        let set = TrainingSet::new(&dataset(), settings.profile()).unwrap();
        let weights = set.reference(&settings).last().unwrap().weights;
        for column in [2, 4] {
            assert!(weights.column(column).iter().all(|&weight| weight == 0.0), "column {column}");
        }
        for column in [0, 1, 3, 5] {
            assert!(weights.column(column).iter().any(|&weight| weight != 0.0), "column {column}");
        }
    }
}

#[test]
fn a_divergence_is_reported() {
    let rate = LearningRate::Constant(200.0);
    let settings =
        Hyperparameters::new(30, Profile::Standardised, SigmoidPolynomial::paper(), 0.0, rate).unwrap();
    let set = TrainingSet::new(&dataset(), Profile::Standardised).unwrap();
    let steps: Vec<Step> = set.reference(&settings).collect();
    assert_eq!(steps[0].check_range(), Ok(()));
    assert_eq!(steps[0].largest_score, 0.0);
    let Err(Error::ScoreRange { iteration: 2, score, trusted_range }) = steps[1].check_range() else {
        panic!("{:?}", steps[1]);
    };
    assert!(score > trusted_range);
    assert_eq!(steps[29].largest_score, f64::INFINITY);
    assert!(steps[29].check_range().is_err());
    assert_eq!(steps[0].check_divergence(), Ok(()));
    let refusal = steps[29].check_divergence().unwrap_err();
    assert_eq!(refusal, Error::Divergence { iteration: 30, score: f64::INFINITY, trusted_range });
}

#[test]
fn scores_out_of_range_are_no_divergence_where_errors_lead_back() {
    // Beyond its range the first polynomial grows and so draws scores back, the second falls and drives them on.
    for (degree, range, diverges) in
        [(5, 5.0, false), (5, 3.0, false), (3, 6.0, true), (3, 4.0, true), (7, 5.0, true)]
    {
        let sigmoid = SigmoidPolynomial::least_squares(degree, range).unwrap();
        let settings = Hyperparameters::many(60).unwrap().with_sigmoid(sigmoid);
        let set = TrainingSet::new(&overlapping(), Profile::Standardised).unwrap();
        let steps: Vec<Step> = set.reference(&settings).collect();
        assert!(steps.iter().all(|step| step.iteration < 5 || step.check_range().is_err()));
        assert_eq!(steps[59].check_divergence().is_err(), diverges, "degree {degree}");
        // From where it is first said of a run it is true of all that go on from there.
        let first = steps.iter().position(|step| step.check_divergence().is_err());
        assert_eq!(first.is_some(), diverges);
        assert!(steps[first.unwrap_or(60)..].iter().all(|step| step.check_divergence().is_err()));
    }
}

/// Clouds of which one row in seven has another label: no classes that can be told apart, as in most data.
fn overlapping() -> Dataset {
    let clouds = crate::testing::clouds(200, 12, 4);
    let labels = (0..200).map(|i| clouds.labels()[if i % 7 == 0 { (i + 1) % 200 } else { i }].clone());
    Dataset::new(clouds.features().clone(), labels).unwrap()
}

#[test]
fn long_runs_stay_stable() {
    for settings in [
        Hyperparameters::standardised(60),
        Hyperparameters::standardised(100),
        Hyperparameters::standard(100),
    ] {
        let settings = settings.unwrap();
        let set = TrainingSet::new(&overlapping(), settings.profile()).unwrap();
        for step in set.reference(&settings) {
            assert_eq!(step.check_range(), Ok(()));
            assert!(step.largest_weight * set.preconditioner().factor() < settings.weight_range());
        }
    }
}

proptest! {
    #[test]
    fn normalised_features_give_the_same_training_bit_for_bit(
        values in prop::collection::vec(0.0..4.0, 24),
        unit in -20..20,
        decay in 0.0..0.1,
    ) {
        let features = Array2::from_shape_fn((6, 5), |(i, j)| match j.checked_sub(1) {
            None => 1.0,
            Some(j) => values[4 * i + j] * f64::from(unit).exp2(),
        });
        let y = Array2::from_shape_fn((6, 3), |(i, k)| f64::from(u8::from(i % 3 == k)));
        let settings =
            Hyperparameters::new(6, Profile::Paper, SigmoidPolynomial::paper(), decay, LearningRate::Decaying).unwrap();
        let preconditioner = Preconditioner::fit(&features).unwrap();
        let normalised = &features / preconditioner.factor();
        let inverse = preconditioner.normalised_inverse();
        let plain = Reference::new(&features, &y, preconditioner.inverse(), &settings);
        let scaled = Reference::new(&normalised, &y, &inverse, &settings);
        for (plain, scaled) in plain.zip(scaled) {
            prop_assert_eq!(plain.weights, scaled.weights / preconditioner.factor());
            prop_assert_eq!(plain.largest_score, scaled.largest_score);
        }
    }
}
