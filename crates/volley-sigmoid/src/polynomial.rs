//! Odd polynomials around ½ in the place of the sigmoid.
//!
//! σ(x) − ½ is odd, so its best approximations are: p(x) = ½ + Σₖ c₂ₖ₊₁ x²ᵏ⁺¹. Every p here comes with the interval
//! \[−h, h\] it was made for and with what can be expected of it:
//!
//! * the *largest error* ε = max |p − σ| on \[−h, h\];
//! * the *trusted range* \[−r, r\], the largest on which |p − σ| ≤ ε still holds: r ≥ h. Inside, every score is pushed
//!   by a force within ε of the exact one. Outside, the highest power takes over: the error grows like xᵈ, soon points
//!   away from the label, and training diverges within a few iterations. Scores should be kept inside.
//!
//! Least squares fits of degree 3 and up are not monotone on their trusted range: degree 3 on \[−8, 8\] turns at 5.6.
//! Their error stays within ε all the same, and training with scores beyond the turn is measured to be sound. The
//! trusted range therefore does not ask for a monotone p.

use crate::error::Error;
use crate::least_squares;
use crate::limits::{MAX_DEGREE, MAX_HALF_WIDTH, MIN_HALF_WIDTH};
use crate::logistic::centred_sigmoid;

/// The interval that suits each degree, as its half: on it the largest error is at most 0.11.
const INTERVALS: [(usize, f64); 3] = [(3, 8.0), (5, 12.0), (7, 16.0)];

/// Points of \[0, h\] at which functions of one variable are searched: 1/32 apart at worst.
const SAMPLES: u32 = 1 << 12;

/// p(x) = ½ + Σₖ c₂ₖ₊₁ x²ᵏ⁺¹ for the sigmoid on \[−h, h\].
#[derive(Clone, Debug, PartialEq)]
pub struct SigmoidPolynomial {
    coefficients: Vec<f64>,
    half_width: f64,
    max_error: f64,
    trusted_range: f64,
}

impl SigmoidPolynomial {
    /// A polynomial with the given coefficients of x, x³, x⁵, …, meant for \[−`half_width`, `half_width`\].
    ///
    /// # Errors
    ///
    /// [`Error::Degree`] for none or more than five coefficients, [`Error::Interval`] unless `half_width` is between
    /// [`MIN_HALF_WIDTH`] and [`MAX_HALF_WIDTH`], [`Error::Coefficient`] for one that is not finite.
    pub fn new(coefficients: Vec<f64>, half_width: f64) -> Result<Self, Error> {
        if coefficients.is_empty() || coefficients.len() > MAX_DEGREE.div_ceil(2) {
            return Err(Error::Degree { degree: (2 * coefficients.len()).saturating_sub(1) });
        }
        check_half_width(half_width)?;
        if let Some(index) = coefficients.iter().position(|c| !c.is_finite()) {
            return Err(Error::Coefficient { power: 2 * index + 1 });
        }
        Ok(Self::measured(coefficients, half_width))
    }

    /// The degree-3 polynomial of arXiv 2304.03807 on \[−8, 8\], with the coefficients that its code uses.
    ///
    /// The construction that the paper describes (least squares on values and derivatives) does not give them; on
    /// \[−8, 8\] it gives nearly the plain least squares fit. ε = 0.170, r = 8.5, monotone.
    #[must_use]
    pub fn paper() -> Self {
        Self::measured(vec![0.106_795_345_032_162_94, -0.000_385_032_598_050_75], 8.0)
    }

    /// The polynomial of odd degree at most 9 that minimises ∫ (p − σ)² over \[−`half_width`, `half_width`\].
    ///
    /// # Errors
    ///
    /// [`Error::Degree`] and [`Error::Interval`] for what is not supported.
    pub fn least_squares(degree: usize, half_width: f64) -> Result<Self, Error> {
        if degree.is_multiple_of(2) || degree > MAX_DEGREE {
            return Err(Error::Degree { degree });
        }
        check_half_width(half_width)?;
        Self::new(least_squares::fit(degree.div_ceil(2), half_width), half_width)
    }

    /// The least squares polynomial of the fewest levels that suits scores in \[−`range`, `range`\]: degree 3 on
    /// \[−8, 8\], 5 on \[−12, 12\], 7 on \[−16, 16\]; beyond those [`MAX_DEGREE`] on the range itself, which fits the
    /// worse the wider it is.
    ///
    /// A wider interval than the scores need costs precision near zero, where most of them are; a narrower one lets
    /// training diverge (see the module).
    ///
    /// # Errors
    ///
    /// [`Error::Interval`] for a range that is not supported.
    pub fn for_range(range: f64) -> Result<Self, Error> {
        check_half_width(range)?;
        let (degree, half_width) =
            INTERVALS.into_iter().find(|&(_, half_width)| range <= half_width).unwrap_or((MAX_DEGREE, range));
        Self::least_squares(degree, half_width)
    }

    fn measured(coefficients: Vec<f64>, half_width: f64) -> Self {
        let mut polynomial = Self { coefficients, half_width, max_error: 0.0, trusted_range: half_width };
        polynomial.max_error = polynomial.largest_error();
        polynomial.trusted_range = polynomial.farthest_within(polynomial.max_error);
        polynomial
    }

    /// The coefficients of x, x³, x⁵, …
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The degree: 1, 3, 5, 7 or 9.
    #[must_use]
    pub fn degree(&self) -> usize {
        2 * self.coefficients.len() - 1
    }

    /// h, half the width of the interval the polynomial was made for.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        self.half_width
    }

    /// ε, the largest |p − σ| on \[−h, h\].
    #[must_use]
    pub fn max_error(&self) -> f64 {
        self.max_error
    }

    /// r ≥ h of the largest \[−r, r\] on which |p − σ| ≤ ε (looked for up to 16 h). See the module.
    #[must_use]
    pub fn trusted_range(&self) -> f64 {
        self.trusted_range
    }

    /// Levels that [`MaskedSigmoid`](crate::MaskedSigmoid) takes: ⌈log₂(degree + 1)⌉, which is 1, 2, 3, 3, 4.
    #[must_use]
    pub fn levels(&self) -> usize {
        (self.degree() + 1).next_power_of_two().ilog2() as usize
    }

    /// p(x).
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        0.5 + self.odd_part(x)
    }

    /// p'(x).
    #[must_use]
    pub fn derivative(&self, x: f64) -> f64 {
        let terms = self.coefficients.iter().enumerate().rev();
        terms.fold(0.0, |sum, (k, c)| sum * x * x + (2 * k + 1) as f64 * c)
    }

    fn odd_part(&self, x: f64) -> f64 {
        x * self.coefficients.iter().rev().fold(0.0, |sum, c| sum * x * x + c)
    }

    fn error(&self, x: f64) -> f64 {
        (self.odd_part(x) - centred_sigmoid(x)).abs()
    }

    /// max |p − σ| on \[0, h\], which is that on \[−h, h\]: the largest of the samples, then a ternary search around
    /// it.
    fn largest_error(&self) -> f64 {
        let error_at = |i| self.error(sample(self.half_width, i));
        let largest = (0..=SAMPLES).max_by(|&i, &j| error_at(i).total_cmp(&error_at(j))).unwrap_or(0);
        let mut left = sample(self.half_width, largest.saturating_sub(1));
        let mut right = sample(self.half_width, (largest + 1).min(SAMPLES));
        for _ in 0..64 {
            let third = (right - left) / 3.0;
            if self.error(left + third) < self.error(right - third) {
                left += third;
            } else {
                right -= third;
            }
        }
        error_at(largest).max(self.error(right))
    }

    /// The largest r with |p − σ| ≤ `bound` on \[h, r\]: steps outwards, then bisection.
    fn farthest_within(&self, bound: f64) -> f64 {
        const STEP: f64 = 1.0 + 1.0 / 256.0;
        // The first power of `STEP` above 16.
        const STEPS: usize = 712;
        let bound = bound * (1.0 + 1e-12);
        let mut inside = self.half_width;
        for _ in 0..STEPS {
            let next = inside * STEP;
            let error = self.error(next);
            if error > bound || error.is_nan() {
                return self.last_within(bound, inside, next);
            }
            inside = next;
        }
        16.0 * self.half_width
    }

    /// Where |p − σ| passes `bound` between two points, by bisection.
    fn last_within(&self, bound: f64, mut inside: f64, mut outside: f64) -> f64 {
        for _ in 0..64 {
            let middle = 0.5 * (inside + outside);
            if self.error(middle) <= bound {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        inside
    }
}

/// Point `index` of `SAMPLES` equal steps from 0 to `end`.
fn sample(end: f64, index: u32) -> f64 {
    end * f64::from(index) / f64::from(SAMPLES)
}

fn check_half_width(half_width: f64) -> Result<(), Error> {
    // Written so that NaN is refused.
    if (MIN_HALF_WIDTH..=MAX_HALF_WIDTH).contains(&half_width) {
        Ok(())
    } else {
        Err(Error::Interval { half_width })
    }
}

#[cfg(test)]
mod tests;
