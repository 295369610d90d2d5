//! The forms of coefficients: a coefficient is a constant, or a vector that carries a mask.

use num_complex::Complex64;

use crate::arithmetic::Arithmetic;
use crate::base::error::Error;
use crate::base::scale::Scale;

/// The form in which a polynomial's coefficients are multiplied and added.
pub trait CoefficientForm {
    /// Σ c·b over terms (b, c), at a level that no b is below, with each c so encoded that the sum has `scale`; not
    /// rescaled.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySum`] for no terms, and what the arithmetic refuses.
    fn combine<A: Arithmetic>(
        &self,
        arithmetic: &A,
        terms: &[(&A::Ciphertext, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error>;

    /// `sum` + `c`.
    ///
    /// # Errors
    ///
    /// What the arithmetic refuses.
    fn add<A: Arithmetic>(&self, arithmetic: &A, sum: &A::Ciphertext, c: f64)
    -> Result<A::Ciphertext, Error>;
}

/// The same coefficients in every slot: no encoding, no transform.
#[derive(Clone, Copy, Debug)]
pub struct Constants;

impl CoefficientForm for Constants {
    fn combine<A: Arithmetic>(
        &self,
        arithmetic: &A,
        terms: &[(&A::Ciphertext, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error> {
        arithmetic.linear_combination(terms, scale, level)
    }

    fn add<A: Arithmetic>(
        &self,
        arithmetic: &A,
        sum: &A::Ciphertext,
        c: f64,
    ) -> Result<A::Ciphertext, Error> {
        arithmetic.add_constant(sum, c)
    }
}

/// Coefficients times a vector m, so that m ∘ p(x) is computed, at the depth of p. The function is called for each
/// encoding, and not where nothing is encoded.
#[derive(Clone, Copy, Debug)]
pub struct Masked<M>(
    /// m: a value for each slot.
    pub M,
);

impl<M: Fn() -> Vec<Complex64>> Masked<M> {
    fn encode<A: Arithmetic>(
        &self,
        arithmetic: &A,
        c: f64,
        scale: &Scale,
        level: usize,
    ) -> Result<A::Plaintext, Error> {
        arithmetic.encode(|| (self.0)().into_iter().map(|value| value * c).collect(), scale, level)
    }
}

impl<M: Fn() -> Vec<Complex64>> CoefficientForm for Masked<M> {
    fn combine<A: Arithmetic>(
        &self,
        arithmetic: &A,
        terms: &[(&A::Ciphertext, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error> {
        let product = |&(power, c): &(&A::Ciphertext, f64)| {
            let factor = scale.divided_by(&arithmetic.operand(power).scale);
            arithmetic.multiply_plain(power, &self.encode(arithmetic, c, &factor, level)?)
        };
        let (first, others) = terms.split_first().ok_or(Error::EmptySum)?;
        others.iter().try_fold(product(first)?, |sum, term| arithmetic.add(&sum, &product(term)?))
    }

    fn add<A: Arithmetic>(
        &self,
        arithmetic: &A,
        sum: &A::Ciphertext,
        c: f64,
    ) -> Result<A::Ciphertext, Error> {
        let operand = arithmetic.operand(sum);
        arithmetic.add_plain(sum, &self.encode(arithmetic, c, &operand.scale, operand.level)?)
    }
}
