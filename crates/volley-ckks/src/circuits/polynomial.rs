//! Polynomials of ciphertexts, at the least depth: ⌈log₂(d + 1)⌉ levels for degree d.
//!
//! A [`Polynomial`] p = Σ cₖ Bₖ is in the monomial basis, Bₖ = xᵏ, or in that of Chebyshev, Bₖ = Tₖ. Chebyshev's is the
//! basis for degrees beyond ten: its elements stay within \[−1, 1\] on \[−1, 1\], and its coefficients are as small as
//! the function. The [`PolynomialCircuit`] of a polynomial is planned once, and evaluated on any ciphertext.
//! Coefficients are written in one of two ways ([`CoefficientForm`]).
//!
//! # Algorithm
//!
//! Paterson and Stockmeyer's baby and giant steps (\[PS73\]), arranged as in \[BMTH21\] section 5 (eprint 2020/1203)
//! and with fewer relinearizations. Bₙ for a power of two n divides any p of degree below 2n:
//!
//! ```text
//! p = q·Bₙ + r,   deg q, deg r < n:    Tₙ₊ᵢ = 2 Tₙ Tᵢ − Tₙ₋ᵢ  or  xⁿ⁺ᵢ = xⁿ xⁱ
//! ```
//!
//! and r is divided again by smaller powers, until what is left has a degree below the number of baby steps:
//!
//! ```text
//! p = Σⱼ qⱼ·B_{nⱼ} + Σᵢ cᵢ Bᵢ + c₀
//! ```
//!
//! All products and the linear part are one ciphertext of degree 2, which is relinearized and rescaled at once. So a
//! polynomial costs one relinearization, and one more for each qⱼ that is not linear itself. A Bᵢ with 2^(k−1) < i ≤
//! 2^k is k levels below x, and its product with cᵢ one level more. So the linear part of a p that is to lie D levels
//! below x may only have Bᵢ with k < D, or the rest is divided further. That gives the least depth for every degree.
//!
//! The number of baby steps is the power of two with the fewest relinearizations, then products. Powers that no nonzero
//! coefficient needs are not made. The table has the relinearizations (and products) for all coefficients, for odd ones
//! alone, and for even ones alone:
//!
//! | degree d | levels | all | odd | even, to d − 1 |
//! |---|---|---|---|---|
//! | 1 | 1 | 0 (0) | 0 (0) | 0 (0) |
//! | 3 | 2 | 2 (2) | 2 (2) | 1 (1) |
//! | 7 | 3 | 4 (5) | 4 (5) | 3 (3) |
//! | 15 | 4 | 7 (8) | 7 (8) | 5 (6) |
//! | 31 | 5 | 10 (13) | 10 (13) | 8 (9) |
//! | 47 | 6 | 12 (14) | 11 (13) | 9 (11) |
//! | 63 | 6 | 15 (18) | 14 (17) | 11 (14) |
//!
//! # Scales
//!
//! A sum that is rescaled by q to scale t has scale t·q before. So qⱼ is evaluated at the scale t·q/s for a B_{nⱼ} of
//! scale s, and cᵢ is encoded at t·q/s for a Bᵢ of scale s. Scales are exact: every sum matches, and the result has the
//! scale that was wanted. Where x and the result have scales near the factors of the levels between them
//! ([`rescaling_factor`](crate::Parameters::rescaling_factor)), so have all intermediate values. Where x has the scale
//! s = f·q instead, the power xⁿ or Tₙ has fⁿ·q: a scale of x that is off by one bit makes a power that is off by n
//! bits.
//!
//! # Noise
//!
//! |Tₙ'| is at most n² on \[−1, 1\], and n/√(1 − x²) inside: an error of x, or a rounding on the way, is multiplied by no
//! more. See [`bootstrapping::EvalMod`](crate::bootstrapping::EvalMod) for what that leaves.

mod chebyshev;
mod coefficients;
mod evaluate;
mod plan;

pub use chebyshev::ChebyshevSeries;
pub use coefficients::{CoefficientForm, Constants, Masked};
pub use plan::{PolynomialCircuit, PolynomialCost};

use crate::base::error::Error;

/// Highest degree that is planned for.
pub const MAX_POLYNOMIAL_DEGREE: usize = 1023;

/// The functions that coefficients belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// xᵏ.
    Monomial,
    /// Tₖ(x), with Tₖ(cos φ) = cos kφ.
    Chebyshev,
}

/// Σ cₖ Bₖ(x).
#[derive(Clone, Debug, PartialEq)]
pub struct Polynomial {
    basis: Basis,
    coefficients: Vec<f64>,
}

impl Polynomial {
    /// The polynomial with coefficients c₀, c₁, … Its degree follows from their number, even where the last is zero:
    /// the depth must not depend on a value.
    ///
    /// # Errors
    ///
    /// [`Error::PolynomialDegree`] for none, or for more than those of [`MAX_POLYNOMIAL_DEGREE`];
    /// [`Error::Coefficient`] for one that is not finite.
    pub fn new(basis: Basis, coefficients: Vec<f64>) -> Result<Self, Error> {
        check_count(coefficients.len())?;
        match coefficients.iter().position(|c| !c.is_finite()) {
            Some(index) => Err(Error::Coefficient { index }),
            None => Ok(Self { basis, coefficients }),
        }
    }

    /// The basis.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// c₀, c₁, …
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The degree: one less than there are coefficients.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.coefficients.len() - 1
    }

    /// Levels that an evaluation takes: ⌈log₂(degree + 1)⌉, and one for a constant.
    #[must_use]
    pub fn levels(&self) -> usize {
        power_depth(self.coefficients.len()).max(1)
    }

    /// p(x): by Horner's rule, or Clenshaw's.
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        let descending = self.coefficients.iter().rev();
        match self.basis {
            Basis::Monomial => descending.fold(0.0, |sum, c| sum * x + c),
            Basis::Chebyshev => {
                // bₖ = cₖ + 2x bₖ₊₁ − bₖ₊₂; p = b₀ − x b₁.
                let (b0, b1) = descending.fold((0.0, 0.0), |(b1, b2), c| (c + 2.0 * x * b1 - b2, b1));
                b0 - x * b1
            }
        }
    }
}

fn check_count(coefficients: usize) -> Result<(), Error> {
    match coefficients.checked_sub(1) {
        Some(degree) if degree <= MAX_POLYNOMIAL_DEGREE => Ok(()),
        _ => Err(Error::PolynomialDegree { coefficients, max: MAX_POLYNOMIAL_DEGREE + 1 }),
    }
}

/// ⌈log₂ n⌉: levels that Bₙ lies below x, for n ≥ 1.
fn power_depth(n: usize) -> usize {
    n.next_power_of_two().ilog2() as usize
}

#[cfg(test)]
mod tests;
