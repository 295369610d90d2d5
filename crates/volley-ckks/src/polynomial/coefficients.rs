//! How a coefficient meets a power: as a constant, or as a vector that carries a mask.

use num_complex::Complex64;

use crate::{Arithmetic, Error, Scale};

/// The form in which a polynomial's coefficients are multiplied and added.
pub trait CoefficientForm {
    /// `c` · `power`, at the level `level` ≤ that of `power`, with `c` encoded at `scale`; not rescaled.
    ///
    /// # Errors
    ///
    /// What the arithmetic refuses.
    fn multiply<A: Arithmetic>(
        &self,
        arithmetic: &A,
        power: &A::Ciphertext,
        c: f64,
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
    fn multiply<A: Arithmetic>(
        &self,
        arithmetic: &A,
        power: &A::Ciphertext,
        c: f64,
        scale: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error> {
        if arithmetic.operand(power).level == level {
            arithmetic.multiply_constant(power, c, scale)
        } else {
            arithmetic.multiply_constant(&arithmetic.drop_level(power, level)?, c, scale)
        }
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

/// Coefficients times a vector, so that m ∘ p(x) is computed, at the depth of p. Called for each encoding; not
/// called where nothing is encoded.
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
    fn multiply<A: Arithmetic>(
        &self,
        arithmetic: &A,
        power: &A::Ciphertext,
        c: f64,
        scale: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error> {
        arithmetic.multiply_plain(power, &self.encode(arithmetic, c, scale, level)?)
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
