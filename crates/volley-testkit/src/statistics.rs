//! What tests ask of samples and of errors.

use num_bigint::{BigInt, BigUint};
use num_complex::Complex64;

/// The arithmetic mean.
#[must_use]
pub fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

/// The standard deviation, estimated without bias in the variance (divisor n − 1).
#[must_use]
pub fn standard_deviation(samples: &[f64]) -> f64 {
    let mean = mean(samples);
    let squares: f64 = samples.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / (samples.len() - 1) as f64).sqrt()
}

/// (x − mean)/deviation of each sample (divisor n in the variance), by exact integers: right to about 2⁻⁵⁰ of itself,
/// for samples of any size. NaN where all samples are equal.
///
/// # Panics
///
/// If a sample is not finite.
#[must_use]
pub fn standard_scores(samples: &[f64]) -> Vec<f64> {
    // Samples are integers in units of 2⁻¹⁰⁷⁴.
    let integers: Vec<BigInt> = samples.iter().map(|&sample| in_smallest_units(sample)).collect();
    let count = BigInt::from(samples.len());
    let sum: BigInt = integers.iter().sum();
    let square_sum: BigInt = integers.iter().map(|x| x * x).sum();
    // n² times the variance, and n times each difference from the mean.
    let variance = &count * square_sum - &sum * &sum;
    let score = |x: &BigInt| {
        let difference = &count * x - &sum;
        let square = ratio((&difference * &difference).magnitude(), variance.magnitude());
        square.sqrt().copysign(if difference < BigInt::ZERO { -1.0 } else { 1.0 })
    };
    integers.iter().map(score).collect()
}

/// x·2¹⁰⁷⁴, exactly.
fn in_smallest_units(x: f64) -> BigInt {
    assert!(x.is_finite(), "{x} is not finite");
    let bits = x.abs().to_bits();
    let (exponent, fraction) = (bits >> 52, bits & ((1 << 52) - 1));
    let magnitude = match exponent {
        0 => BigInt::from(fraction),
        _ => BigInt::from(fraction | 1 << 52) << (exponent - 1),
    };
    if x < 0.0 { -magnitude } else { magnitude }
}

/// a/b, where the quotient is an f64; NaN for b = 0.
fn ratio(a: &BigUint, b: &BigUint) -> f64 {
    if b.bits() == 0 {
        return f64::NAN;
    }
    // A quotient of 60 to 62 bits, and its exponent.
    let shift = b.bits() as i64 - a.bits() as i64 + 61;
    let quotient = if shift >= 0 { (a << shift) / b } else { a / (b << -shift) };
    let quotient = u64::try_from(quotient).expect("62 bits fit");
    quotient as f64 * (-shift as f64).exp2()
}

/// χ² of counts against equal expectations: Σ (c − e)²/e with e the mean count. Under uniformity it has mean
/// `counts.len() − 1`; see [`normal_score`].
#[must_use]
pub fn chi_square(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum()
}

/// How many standard deviations a χ² value of so many degrees of freedom is above what is expected, by the
/// approximation of Wilson and Hilferty (1931): (χ²/k)^(1/3) is close to normal, with mean 1 − 2/(9k) and variance
/// 2/(9k). A test that a uniform sampler fails once in 3.5 million runs asks for a score below 5.
#[must_use]
pub fn normal_score(chi_square: f64, degrees_of_freedom: usize) -> f64 {
    let k = degrees_of_freedom as f64;
    let variance = 2.0 / (9.0 * k);
    ((chi_square / k).cbrt() - (1.0 - variance)) / variance.sqrt()
}

/// The number of values that fall in each of `bins` equal parts of [0, q).
///
/// # Panics
///
/// If a value is not below q.
#[must_use]
pub fn histogram(values: &[u64], q: u64, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; bins];
    for &value in values {
        assert!(value < q, "{value} is not below {q}");
        counts[(u128::from(value) * bins as u128 / u128::from(q)) as usize] += 1;
    }
    counts
}

/// max |a_i − b_i|, for real or complex values; NaN where any difference is.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
pub fn max_abs_error<T: Copy + Into<Complex64>>(a: &[T], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len(), "slices of different lengths");
    let errors = a.iter().zip(b).map(|(&x, &y)| (x.into() - y.into()).norm());
    errors.fold(0.0, |max, error| if error.is_nan() || max < error { error } else { max })
}

/// −log₂ of [`max_abs_error`]: how many bits after the point agree. Infinite where all values are equal.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
pub fn precision_bits<T: Copy + Into<Complex64>>(a: &[T], b: &[T]) -> f64 {
    -max_abs_error(a, b).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_a_small_sample() {
        let samples = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&samples), 5.0);
        assert!((standard_deviation(&samples) - (32.0f64 / 7.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn chi_square_worked_by_hand() {
        assert_eq!(chi_square(&[10, 10, 10]), 0.0);
        assert_eq!(chi_square(&[5, 15]), 5.0);
    }

    #[test]
    fn the_normal_score_agrees_with_tables() {
        // Quantiles of χ²: 0.975 (normal score 1.960) and 0.999 (3.090).
        assert!((normal_score(129.561, 100) - 1.960).abs() < 0.01);
        assert!((normal_score(149.449, 100) - 3.090).abs() < 0.01);
        assert!((normal_score(29.588, 10) - 3.090).abs() < 0.03);
    }

    #[test]
    fn a_histogram_has_equal_bins() {
        assert_eq!(histogram(&[0, 1, 2, 3, 4, 5, 6, 7, 7], 8, 4), [2, 2, 2, 3]);
        assert_eq!(histogram(&[u64::MAX - 1], u64::MAX, 3), [0, 0, 1]);
    }

    #[test]
    fn errors_and_their_bits() {
        assert_eq!(max_abs_error(&[1.0, -2.0], &[1.5, -2.25]), 0.5);
        assert_eq!(max_abs_error(&[Complex64::new(3.0, 4.0)], &[Complex64::ZERO]), 5.0);
        assert!(max_abs_error(&[f64::NAN, 1.0], &[0.0, 0.0]).is_nan());
        assert_eq!(precision_bits(&[1.0], &[1.25]), 2.0);
        assert_eq!(precision_bits(&[1.0], &[1.0]), f64::INFINITY);
    }

    #[test]
    fn standard_scores_by_hand() {
        // Mean 2, deviation √(8/3); in any unit.
        for unit in [1.0, 1e-300, 1e300, 5e-324] {
            let scores = standard_scores(&[0.0, 2.0 * unit, 4.0 * unit]);
            assert!(
                max_abs_error(&scores, &[-1.5f64.sqrt(), 0.0, 1.5f64.sqrt()]) < 1e-14,
                "{unit}: {scores:?}"
            );
        }
        assert_eq!(standard_scores(&[-f64::MAX, f64::MAX]), [-1.0, 1.0]);
        assert!(standard_scores(&[3.0, 3.0])[0].is_nan());
    }
}
