use volley_testkit::statistics::{mean, normal_score, standard_deviation};

use super::*;
use crate::tests::{Words, rng};

const SAMPLES: usize = 1 << 18;

/// P(|x| ≥ k) in `f64`, summed from the small terms up.
fn tail(k: i32) -> f64 {
    let weight = |x: i32| (-f64::from(x * x) / (2.0 * ERROR_STANDARD_DEVIATION.powi(2))).exp();
    let both_sides = |from: i32| 2.0 * (from..60).rev().map(weight).sum::<f64>();
    both_sides(k) / (both_sides(1) + 1.0)
}

#[test]
fn the_table_is_the_tail_of_the_discrete_gaussian() {
    let scaled = |k: usize| tail(k as i32) * 2f64.powi(63);
    for (k, &entry) in (1..).zip(&TAILS) {
        assert!(
            (entry as f64 - scaled(k)).abs() <= 1.0 + 1e-14 * scaled(k),
            "k={k}: {entry} is not {}",
            scaled(k)
        );
    }
    assert!(TAILS[LENGTH - 1] > 0 && scaled(LENGTH + 1) < 1.0);
}

/// Where a word chooses the magnitude by its upper 63 bits and the sign by the lowest.
#[test]
fn words_at_the_steps_of_the_table_choose_neighbouring_magnitudes() {
    for (magnitude, &entry) in (1..).zip(&TAILS) {
        let mut words = Words([entry << 1, (entry - 1) << 1, (entry - 1) << 1 | 1].to_vec());
        assert_eq!(*sample_gaussian(3, &mut words), [magnitude - 1, magnitude, -magnitude]);
    }
    let mut words = Words(vec![0, 1, u64::MAX, u64::MAX - 1, 0]);
    assert_eq!(*sample_gaussian(4, &mut words), [LENGTH as i64, -(LENGTH as i64), 0, 0]);
    assert_eq!(words.0, [0], "one word for each coefficient");
}

#[test]
fn mean_and_standard_deviation_are_those_of_the_errors() {
    let samples: Vec<f64> = sample_gaussian(SAMPLES, &mut rng(0)).iter().map(|&x| x as f64).collect();
    // Five standard errors: σ/√n of the mean, σ/√2n of the deviation, which is 0.7 % (1/16 is asked for).
    let error = ERROR_STANDARD_DEVIATION / (SAMPLES as f64).sqrt();
    assert!(mean(&samples).abs() < 5.0 * error);
    let deviation = standard_deviation(&samples);
    assert!((deviation - ERROR_STANDARD_DEVIATION).abs() < 5.0 * error / 2f64.sqrt(), "{deviation}");
}

#[test]
fn values_have_their_probabilities() {
    const LARGEST: i64 = 11; // more than 100 samples are expected in the bins of the tails
    let samples = sample_gaussian(SAMPLES, &mut rng(1));
    let chi_square: f64 = (-LARGEST..=LARGEST)
        .map(|bin| {
            let count = samples.iter().filter(|&&x| x.clamp(-LARGEST, LARGEST) == bin).count() as f64;
            let magnitude = bin.abs() as i32;
            let beyond = if bin.abs() == LARGEST { 0.0 } else { tail(magnitude + 1) };
            let signs = if bin == 0 { 1.0 } else { 0.5 };
            let at_least = if bin == 0 { 1.0 } else { tail(magnitude) };
            let expected = (at_least - beyond) * signs * SAMPLES as f64;
            (count - expected).powi(2) / expected
        })
        .sum();
    assert!(normal_score(chi_square, 2 * LARGEST as usize) < 5.0, "{chi_square}");
}

#[test]
fn neighbours_are_not_correlated() {
    let samples = sample_gaussian(SAMPLES, &mut rng(2));
    let covariance = samples.windows(2).map(|pair| (pair[0] * pair[1]) as f64).sum::<f64>() / SAMPLES as f64;
    let error = ERROR_STANDARD_DEVIATION.powi(2) / (SAMPLES as f64).sqrt();
    assert!(covariance.abs() < 5.0 * error, "{covariance}");
}
