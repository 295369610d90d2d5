use volley_testkit::statistics::{chi_square, normal_score};

use super::*;
use crate::tests::{Words, rng};

#[test]
fn coefficients_are_uniform_on_three_values() {
    let samples = sample_ternary(1 << 18, &mut rng(0));
    let counts = [-1, 0, 1].map(|value| samples.iter().filter(|&&x| x == value).count() as u64);
    assert_eq!(counts.iter().sum::<u64>(), 1 << 18);
    assert!(normal_score(chi_square(&counts), 2) < 5.0, "{counts:?}");
}

#[test]
fn neighbours_are_independent() {
    let samples = sample_ternary(1 << 18, &mut rng(1));
    let mut counts = [0; 9];
    for pair in samples.chunks_exact(2) {
        counts[(3 * pair[0] + pair[1] + 4) as usize] += 1;
    }
    assert!(normal_score(chi_square(&counts), 8) < 5.0, "{counts:?}");
}

#[test]
fn each_third_of_the_words_is_one_value_and_each_coefficient_one_word() {
    // 2⁶⁴ = 3·third + 1.
    let third = u64::MAX / 3;
    let mut words = Words(vec![0, third, third + 1, 2 * third, 2 * third + 1, u64::MAX, 0]);
    assert_eq!(*sample_ternary(6, &mut words), [-1, -1, 0, 0, 1, 1]);
    assert_eq!(words.0, [0]);
}

#[test]
fn sparse_coefficients_have_their_weight_in_places_that_are_uniform() {
    const DEGREE: usize = 64;
    const WEIGHT: usize = 8;
    let mut rng = rng(2);
    let (mut places, mut signs) = ([0; DEGREE], [0; 2]);
    for _ in 0..20_000 {
        let samples = sample_sparse_ternary(DEGREE, WEIGHT, &mut rng);
        assert_eq!(samples.iter().filter(|&&x| x.abs() == 1).count(), WEIGHT);
        assert_eq!(samples.iter().filter(|&&x| x == 0).count(), DEGREE - WEIGHT);
        for (place, &x) in places.iter_mut().zip(samples.iter()) {
            *place += x.unsigned_abs();
        }
        signs[0] += samples.iter().filter(|&&x| x == 1).count() as u64;
        signs[1] += samples.iter().filter(|&&x| x == -1).count() as u64;
    }
    // Places without replacement vary less than a chi-square's cells do.
    assert!(normal_score(chi_square(&places), DEGREE - 1) < 5.0, "{places:?}");
    assert!(normal_score(chi_square(&signs), 1) < 5.0, "{signs:?}");
}

#[test]
fn a_word_names_one_of_the_places_that_are_free_and_a_sign() {
    // Place 3, negative; then the last of the four that are left; then the first.
    let place = |place: u64, of: u64| ((u128::from(place) << 63).div_ceil(u128::from(of)) as u64) << 1;
    let mut words = Words(vec![place(3, 5) | 1, u64::MAX - 1, 0]);
    assert_eq!(*sample_sparse_ternary(5, 3, &mut words), [1, 0, 0, -1, 1]);
    assert_eq!(*sample_sparse_ternary(2, 0, &mut words), [0, 0]);
}
