//! Chebyshev interpolation of a function on an interval.
//!
//! The series of degree d that agrees with f in the d + 1 zeros of T_{d+1} is within a factor 2 + (2/π) ln(d + 1) of
//! the best approximation of that degree: one or two bits.

use std::f64::consts::PI;
use std::ops::RangeInclusive;

use super::{Basis, Polynomial, check_count};
use crate::base::error::Error;

/// Points for each coefficient in which an error is measured. The rest of a series of degree d is near cos (d + 1)φ, so
/// the largest value found is within 1 % of the largest there is.
const SAMPLES: usize = 24;

/// Σ cₖ Tₖ(x) with x = (2t − a − b)/(b − a) for t in an interval \[a, b\].
#[derive(Clone, Debug, PartialEq)]
pub struct ChebyshevSeries {
    interval: [f64; 2],
    polynomial: Polynomial,
}

impl ChebyshevSeries {
    /// The interpolation of `function` in the `degree` + 1 Chebyshev nodes of `interval`.
    ///
    /// # Errors
    ///
    /// [`Error::Interval`] for an empty or unbounded interval, [`Error::PolynomialDegree`], and [`Error::Coefficient`]
    /// where a value of the function is not finite.
    pub fn interpolate(
        function: impl Fn(f64) -> f64,
        degree: usize,
        interval: &RangeInclusive<f64>,
    ) -> Result<Self, Error> {
        let [a, b] = [*interval.start(), *interval.end()];
        if !(a < b && (b - a).is_finite()) {
            return Err(Error::Interval { start: a, end: b });
        }
        let count = degree.saturating_add(1);
        check_count(count)?;
        // Node j is cos((2j + 1)π/2n), so cₖ takes cosines of multiples of π/2n: reduced as integers, they are exact.
        let cosine = |multiple: usize| (PI * (multiple % (4 * count)) as f64 / (2 * count) as f64).cos();
        let values: Vec<f64> =
            (0..count).map(|j| function(0.5 * (a + b) + 0.5 * (b - a) * cosine(2 * j + 1))).collect();
        let coefficient = |k: usize| {
            let sum: f64 = values.iter().enumerate().map(|(j, value)| value * cosine(k * (2 * j + 1))).sum();
            sum * if k == 0 { 1.0 } else { 2.0 } / count as f64
        };
        let polynomial = Polynomial::new(Basis::Chebyshev, (0..count).map(coefficient).collect())?;
        Ok(Self { interval: [a, b], polynomial })
    }

    /// The series without the terms of odd degree, whose coefficients become zero. For a function that is even about
    /// the middle of the interval they are only rounding errors, but cost as much as any others.
    #[must_use]
    pub fn even_part(self) -> Self {
        self.without(1)
    }

    /// The series without the terms of even degree.
    #[must_use]
    pub fn odd_part(self) -> Self {
        self.without(0)
    }

    fn without(mut self, parity: usize) -> Self {
        self.polynomial.coefficients.iter_mut().skip(parity).step_by(2).for_each(|c| *c = 0.0);
        self
    }

    /// The series with every coefficient multiplied by `factor`.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Self {
        self.polynomial.coefficients.iter_mut().for_each(|c| *c *= factor);
        self
    }

    /// The polynomial in x.
    #[must_use]
    pub fn polynomial(&self) -> &Polynomial {
        &self.polynomial
    }

    /// x for t, the value that has to be encrypted.
    #[must_use]
    pub fn normalised(&self, t: f64) -> f64 {
        let [a, b] = self.interval;
        (2.0 * t - a - b) / (b - a)
    }

    /// The series at t, by Clenshaw's rule.
    #[must_use]
    pub fn value(&self, t: f64) -> f64 {
        self.polynomial.value(self.normalised(t))
    }

    /// The largest |series − `function`| on the interval, within about 1 %: measured where both are smooth on the scale
    /// of the nodes.
    #[must_use]
    pub fn max_error(&self, function: impl Fn(f64) -> f64) -> f64 {
        let [a, b] = self.interval;
        let steps = SAMPLES * self.polynomial.coefficients.len();
        (0..=steps)
            .map(|i| 0.5 * (a + b) + 0.5 * (b - a) * (PI * i as f64 / steps as f64).cos())
            .fold(0.0, |largest, t| f64::max(largest, (self.value(t) - function(t)).abs()))
    }
}
