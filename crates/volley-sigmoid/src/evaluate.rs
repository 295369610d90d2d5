//! The polynomial on encrypted scores.
//!
//! For a ciphertext z, a plaintext mask m and factors a, b this computes
//!
//! ```text
//! m ∘ b·p(a·z) = b/2·m + Σₖ (b a²ᵏ⁺¹ c₂ₖ₊₁ · m) ∘ z²ᵏ⁺¹
//! ```
//!
//! Each parenthesis is one plaintext vector mₖ, so that mask and factors cost no level. The vectors multiply z first,
//! and the products mₖz are then multiplied by powers of z², as the [planner of polynomials](volley_ckks::polynomial)
//! finds:
//!
//! ```text
//! degree 1:  m₁z                                                1 level
//! degree 3:  m₁z + (m₃z)·z²                                     2 levels
//! degree 5:  m₁z + (m₃z)·z² + (m₅z)·z⁴                          3 levels
//! degree 7:  m₁z + (m₃z)·z² + (m₅z + (m₇z)·z²)·z⁴               3 levels
//! degree 9:  m₁z + m₃z³ + (m₅z + m₇z³)·z⁴ + (m₉z)·z⁸            4 levels
//! ```
//!
//! It is evaluated in powers of z, not in Chebyshev polynomials of z/h. Those would cost as much at best. The division
//! by h would cost a level besides, or scores at a scale other than their own.
//!
//! # Scales
//!
//! Each mₖ is encoded at the scale that makes its summand match the others, and the result match the target, exactly.
//! Let z have level l and scale s, and let q_l be the product of the primes of level l. Then z² has scale s₂ = s²/q_l,
//! and z⁴ has s₄ = s₂²/q_(l−1). A sum that is rescaled by q to scale t has scale t·q before, so its product with z²
//! takes a factor of scale t·q/s₂. This goes on back to mₖz, and mₖ then has the quotient by s. When s, the target and
//! all q_l are near 2⁴⁰, so is each scale.
//!
//! # Precision
//!
//! A rounding error in mₖz is multiplied by a power of z. With s = q/h for scores in \[−h, h\] (that is, as if z/h were
//! encrypted at scale q) all intermediate values have coefficients below q and no error grows: the scales of z², z⁴
//! fall and those of the mₖ rise by just the powers of h that the coefficients lack. With s = q instead the result
//! loses up to log₂ h^(d−1) bits at the ends of the interval for degree d: 6 for degree 3 on \[−8, 8\], 24 for degree 7
//! on \[−16, 16\].
//!
//! # Cost
//!
//! | degree | levels | products | relinearizations | rescalings besides | plaintext products |
//! |---|---|---|---|---|---|
//! | 1 | 1 | 0 | 0 | 1 | 1 |
//! | 3 | 2 | 2 | 2 | 1 | 2 |
//! | 5 | 3 | 4 | 3 | 2 | 3 |
//! | 7 | 3 | 5 | 4 | 2 | 4 |
//! | 9 | 4 | 6 | 5 | 2 | 5 |
//!
//! Every relinearization is merged with a rescaling. One plaintext more is encoded and added, for the constant term.

use volley_revolver::volley_ckks::polynomial::{Basis, Masked, Polynomial, PolynomialCircuit};
use volley_revolver::volley_ckks::{self, Arithmetic, Complex64, Scale};

use crate::error::Error;
use crate::polynomial::SigmoidPolynomial;

/// m ∘ b·p(a·z) for scores z: a polynomial with mask and factors. See the [crate] for what the polynomial is.
///
/// Slots outside of the mask become zero, whatever they hold, as long as its powers fit the modulus. Large values make
/// the zero less precise: for scores of g·h the noise there is multiplied by g^(d−1). The mask may be complex: it can
/// carry a unit, such as the i that marks the second of two packed blocks.
#[derive(Clone, Debug)]
pub struct MaskedSigmoid<'a, M> {
    /// p.
    pub polynomial: &'a SigmoidPolynomial,
    /// a: what the encrypted values are multiplied by to give scores.
    pub argument_factor: f64,
    /// b: what the probabilities are multiplied by, such as a step size.
    pub output_factor: f64,
    /// m: gives one value for each slot. Called for each encoding; not called where nothing is encoded.
    pub mask: M,
}

impl<M: Fn() -> Vec<Complex64>> MaskedSigmoid<'_, M> {
    /// Evaluates on `z`. The result has scale `target` exactly and lies [`levels`](SigmoidPolynomial::levels) below z.
    ///
    /// # Errors
    ///
    /// [`Error::InsufficientLevels`] if z is too low; [`Error::Ckks`] for what the arithmetic refuses, among it a scale
    /// that cannot be encoded because `target` is too far from the scale of z, and factors that are not finite.
    pub fn evaluate<A: Arithmetic>(
        &self,
        arithmetic: &A,
        z: &A::Ciphertext,
        target: &Scale,
    ) -> Result<A::Ciphertext, Error> {
        let (available, required) = (arithmetic.operand(z).level, self.polynomial.levels());
        if available < required {
            return Err(Error::InsufficientLevels { required, available });
        }
        let circuit = PolynomialCircuit::new(&self.in_powers()?);
        Ok(circuit.evaluate(arithmetic, z, target, &Masked(&self.mask))?)
    }

    /// b/2 + Σₖ b a²ᵏ⁺¹ c₂ₖ₊₁ z²ᵏ⁺¹: what the mask is multiplied by for each power.
    fn in_powers(&self) -> Result<Polynomial, volley_ckks::Error> {
        let mut coefficients = vec![0.0; self.polynomial.degree() + 1];
        coefficients[0] = 0.5 * self.output_factor;
        for (power, coefficient) in (1..).step_by(2).zip(self.polynomial.coefficients()) {
            coefficients[power] = self.output_factor * coefficient * self.argument_factor.powi(power as i32);
        }
        Polynomial::new(Basis::Monomial, coefficients)
    }
}
