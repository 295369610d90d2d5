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
            (count + 1, sum + error, if error.is_nan() { error } else { max.max(error) })
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
