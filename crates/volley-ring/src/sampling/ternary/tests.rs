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
