//! Measured precision: how far decrypted slots are from what they should be.

use num_complex::Complex64;

/// Errors of a vector of slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// Largest |actual − expected|.
    pub max_error: f64,
    /// Mean |actual − expected|.
    pub mean_error: f64,
}

impl Precision {
    /// Compares slot by slot, over the shorter of the two vectors.
    #[must_use]
    pub fn measure(expected: &[impl Into<Complex64> + Copy], actual: &[impl Into<Complex64> + Copy]) -> Self {
        let errors = expected.iter().zip(actual).map(|(&e, &a)| (a.into() - e.into()).norm());
        let (count, sum, max) = errors.fold((0usize, 0.0, 0.0_f64), |(count, sum, max), error| {
            (count + 1, sum + error, if error.is_nan() || max < error { error } else { max })
        });
        Self { max_error: max, mean_error: sum / count.max(1) as f64 }
    }

    /// Bits after the binary point that are right in every slot: −log₂ of the largest error.
    #[must_use]
    pub fn worst_bits(&self) -> f64 {
        -self.max_error.log2()
    }

    /// Bits after the binary point that are right on average: −log₂ of the mean error.
    #[must_use]
    pub fn mean_bits(&self) -> f64 {
        -self.mean_error.log2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_worked_by_hand() {
        let expected = [Complex64::new(1.0, 0.0), Complex64::new(0.0, 2.0), Complex64::ZERO];
        let actual = [Complex64::new(1.0, 0.25), Complex64::new(0.0, 2.0), Complex64::new(-0.25, 0.0)];
        let precision = Precision::measure(&expected, &actual);
        assert_eq!(precision.max_error, 0.25);
        assert!((precision.mean_error - 0.5 / 3.0).abs() < 1e-15);
        assert_eq!(precision.worst_bits(), 2.0);
        assert!((precision.mean_bits() - 6f64.log2()).abs() < 1e-12);
    }

    #[test]
    fn real_and_complex_values_mix_and_the_shorter_vector_counts() {
        let precision = Precision::measure(&[1.0, 2.0, 3.0], &[Complex64::ONE, Complex64::new(2.0, 1.0)]);
        assert_eq!((precision.max_error, precision.mean_error), (1.0, 0.5));
        let nothing = Precision::measure(&[] as &[f64], &[1.0]);
        assert_eq!((nothing.max_error, nothing.mean_error, nothing.worst_bits()), (0.0, 0.0, f64::INFINITY));
    }

    #[test]
    fn a_slot_that_is_not_a_number_is_never_precise() {
        for bad in 0..3 {
            let mut actual = [0.0; 3];
            actual[bad] = f64::NAN;
            let precision = Precision::measure(&[0.0; 3], &actual);
            assert!(precision.worst_bits().is_nan() && precision.mean_bits().is_nan(), "slot {bad}");
        }
    }
}
