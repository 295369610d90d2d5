//! The polynomial on encrypted scores.
//!
//! For a ciphertext z, a plaintext mask m and factors a, b this computes
//!
//! ```text
//! m ∘ b·p(a·z) = b/2·m + Σₖ (b a²ᵏ⁺¹ c₂ₖ₊₁ · m) ∘ z²ᵏ⁺¹
//! ```
//!
//! Each parenthesis is one plaintext vector, so that mask and factors cost no level. It multiplies z first, and powers
//! of z² then raise the products (mₖ stands for the k-th parenthesis):
//!
//! ```text
//! degree 1:  m₁z                                  1 level
//! degree 3:  m₁z + (m₃z)·z²                       2 levels
//! degree 5:  m₁z + (m₃z)·z² + (m₅z)·z⁴            3 levels
//! degree 7:  m₁z + (m₃z)·z² + (m₅z + (m₇z)·z²)·z⁴ 3 levels
//! ```
//!
//! # Scales
//!
//! Each mₖ is encoded at the scale that makes its summand match the others, and the result match the target, exactly.
//! Say z has level l and scale s. Then z² has scale s₂ = s²/q_l, z⁴ has s₄ = s₂²/q_(l−1), a sum that is rescaled by q
//! to scale t has scale t·q before, so its product with z² takes a factor of scale t·q/s₂, and so on back to mₖz, whose
//! mₖ then has the quotient by s. When s, target and primes are all near 2⁴⁰, so is each scale.
//!
//! # Precision
//!
//! A rounding error in mₖz is multiplied by a power of z. With s = q/h for scores in \[−h, h\] (that is, as if z/h were
//! encrypted at scale q) all intermediate values have coefficients below q and no error grows: the scales of z², z⁴ fall
//! and those of the mₖ rise by just the powers of h that the coefficients lack. With s = q instead the result loses up
//! to log₂ h^(d−1) bits at the ends of the interval for degree d: 6 for degree 3 on \[−8, 8\], 24 for degree 7 on
//! \[−16, 16\].
//!
//! # Cost
//!
//! | degree | levels | products | relinearizations | rescalings besides | plaintext products |
//! |---|---|---|---|---|---|
//! | 1 | 1 | 0 | 0 | 1 | 1 |
//! | 3 | 2 | 2 | 2 | 1 | 2 |
//! | 5 | 3 | 4 | 3 | 2 | 3 |
//! | 7 | 3 | 5 | 4 | 2 | 4 |
//!
//! Every relinearization is merged with a rescaling. One plaintext more is encoded and added, for the constant term.

use volley_revolver::volley_ckks::{Arithmetic, Complex64, Scale};

use crate::{Error, SigmoidPolynomial};

/// m ∘ b·p(a·z) for scores z: a polynomial with mask and factors. See the [crate] for what the polynomial is.
///
/// Slots outside of the mask may hold anything (they become zero), as long as it stays small enough for its powers to
/// fit the modulus. The mask may be complex: a unit, such as the i that marks the second of two packed blocks, rides on
/// it.
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
    /// that cannot be encoded because `target` is too far from the scale of z.
    pub fn evaluate<A: Arithmetic>(
        &self,
        arithmetic: &A,
        z: &A::Ciphertext,
        target: &Scale,
    ) -> Result<A::Ciphertext, Error> {
        let (available, required) = (arithmetic.operand(z).level, self.polynomial.levels());
        let Some(level) = available.checked_sub(required) else {
            return Err(Error::InsufficientLevels { required, available });
        };
        let circuit = Circuit { sigmoid: self, arithmetic, z };
        let odd_part = match self.polynomial.degree() {
            1 => circuit.term(1, target, level)?,
            3 => circuit.pair(1, &arithmetic.square(z)?, target, level)?,
            _ => circuit.quartic(target, level)?,
        };
        let half = circuit.encode(0.5 * self.output_factor, target, level)?;
        Ok(arithmetic.add_plain(&odd_part, &half)?)
    }

    /// b aᵏ cₖ, what the mask is multiplied by for the power k.
    fn coefficient(&self, power: usize) -> f64 {
        let coefficient = self.polynomial.coefficients()[power / 2];
        self.output_factor * coefficient * self.argument_factor.powi(power as i32)
    }
}

/// One evaluation: the parts of the sum, each at a wanted scale and level.
struct Circuit<'a, A: Arithmetic, M> {
    sigmoid: &'a MaskedSigmoid<'a, M>,
    arithmetic: &'a A,
    z: &'a A::Ciphertext,
}

impl<A: Arithmetic, M: Fn() -> Vec<Complex64>> Circuit<'_, A, M> {
    /// m₁z + (m₃z)·z² + B·z⁴ with B = m₅z, or m₅z + (m₇z)·z² for degree 7. The last two products are relinearized
    /// as one.
    fn quartic(&self, scale: &Scale, level: usize) -> Result<A::Ciphertext, Error> {
        let square = self.arithmetic.square(self.z)?;
        let fourth = self.arithmetic.square(&square)?;
        let sum = scale.times(&self.prime(level + 1));
        let factor_scale = sum.divided_by(self.scale(&fourth));
        let factor = if self.sigmoid.polynomial.degree() == 5 {
            self.term(5, &factor_scale, level + 1)?
        } else {
            self.pair(5, &square, &factor_scale, level + 1)?
        };
        let cubic = self.term(3, &sum.divided_by(self.scale(&square)), level + 1)?;
        self.sum_with_linear(&[(&factor, &fourth), (&cubic, &square)], 1, &sum, level)
    }

    /// mₖz + (mₖ₊₂z)·z² at `scale` and `level`.
    fn pair(
        &self,
        power: usize,
        square: &A::Ciphertext,
        scale: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error> {
        let sum = scale.times(&self.prime(level + 1));
        let cubic = self.term(power + 2, &sum.divided_by(self.scale(square)), level + 1)?;
        self.sum_with_linear(&[(&cubic, square)], power, &sum, level)
    }

    /// mₖz plus a sum of products, at scale `sum`; relinearized and rescaled to `level`.
    fn sum_with_linear(
        &self,
        products: &[(&A::Ciphertext, &A::Ciphertext)],
        power: usize,
        sum: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error> {
        let linear = self.unrescaled_term(power, sum, level + 1)?;
        let tensor = self.arithmetic.add_to_tensor(&self.arithmetic.sum_of_products(products)?, &linear)?;
        Ok(self.arithmetic.relinearize_rescale(&tensor)?)
    }

    /// mₖz at `scale` and `level`, which costs the level above.
    fn term(&self, power: usize, scale: &Scale, level: usize) -> Result<A::Ciphertext, Error> {
        let product = self.unrescaled_term(power, &scale.times(&self.prime(level + 1)), level + 1)?;
        Ok(self.arithmetic.rescale(&product)?)
    }

    /// mₖz at `scale` and `level` as the product leaves it.
    fn unrescaled_term(&self, power: usize, scale: &Scale, level: usize) -> Result<A::Ciphertext, Error> {
        let coefficient = self.sigmoid.coefficient(power);
        let mask = self.encode(coefficient, &scale.divided_by(self.scale(self.z)), level)?;
        Ok(self.arithmetic.multiply_plain(self.z, &mask)?)
    }

    /// The mask times `factor`.
    fn encode(&self, factor: f64, scale: &Scale, level: usize) -> Result<A::Plaintext, Error> {
        let values = || (self.sigmoid.mask)().into_iter().map(|value| value * factor).collect();
        Ok(self.arithmetic.encode(values, scale, level)?)
    }

    fn scale<'c>(&'c self, a: &'c A::Ciphertext) -> &'c Scale {
        &self.arithmetic.operand(a).scale
    }

    fn prime(&self, level: usize) -> Scale {
        self.arithmetic.parameters().rescaling_factor(level)
    }
}
