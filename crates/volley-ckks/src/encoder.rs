//! Encoding: vectors of complex slots to polynomials and back.
//!
//! For ζ = exp(iπ/N) the slots of a real polynomial m are z_j = m(ζ^(5^j)), j < N/2; the other evaluations at odd
//! powers of ζ are their conjugates. Encoding inverts this map (the canonical embedding), multiplies by the scale and
//! rounds. A vector of n < N/2 slots (*sparse packing*) is encoded in the subring of polynomials in X^(N/2n): seen as
//! N/2 slots it repeats with period n.

use std::sync::Arc;

use num_complex::Complex64;
use volley_ring::{Coeff, Eval, RnsBasis, RnsPoly};

pub(crate) mod special_fft;

use special_fft::SpecialFft;

use crate::{Context, Error, Operand, Plaintext, Scale};

/// Encodes and decodes for one parameter set. Both take O(n log n) for n slots, and one transform a limb.
#[derive(Debug)]
pub struct Encoder {
    context: Arc<Context>,
    fft: SpecialFft,
}

impl Encoder {
    /// An encoder with its roots of unity.
    #[must_use]
    pub fn new(context: &Arc<Context>) -> Self {
        Self { context: Arc::clone(context), fft: SpecialFft::new(context.parameters().max_slots()) }
    }

    /// Encodes real or complex values, as many as there are slots: a power of two up to N/2.
    ///
    /// # Errors
    ///
    /// [`Error::SlotCount`] for another number of values, [`Error::NotFinite`], [`Error::ScaleRange`],
    /// [`Error::LevelRange`], and [`Error::EncodingOverflow`] where a coefficient is not below half the modulus.
    pub fn encode<T: Into<Complex64> + Copy>(
        &self,
        values: &[T],
        scale: &Scale,
        level: usize,
    ) -> Result<Plaintext, Error> {
        self.context.check_level(level)?;
        let operand = Operand { level, scale: scale.clone(), slots: values.len() };
        let poly = self.encode_modulo(self.context.q(level), values, scale, level)?;
        Ok(Plaintext { operand, poly, params_id: self.context.parameters().id() })
    }

    /// The polynomial of [`encode`](Self::encode) modulo Q_level·P.
    pub(crate) fn encode_extended(
        &self,
        values: &[Complex64],
        scale: &Scale,
        level: usize,
    ) -> Result<RnsPoly<Eval>, Error> {
        self.encode_modulo(self.context.qp(level), values, scale, level)
    }

    /// The polynomial of some slots modulo all primes of `basis`, small enough for those of `level`.
    fn encode_modulo<T: Into<Complex64> + Copy>(
        &self,
        basis: &RnsBasis,
        values: &[T],
        scale: &Scale,
        level: usize,
    ) -> Result<RnsPoly<Eval>, Error> {
        let parameters = self.context.parameters();
        let (slots, max) = (values.len(), parameters.max_slots());
        if !slots.is_power_of_two() || slots > max {
            return Err(Error::SlotCount { values: slots, max });
        }
        let mut values: Vec<Complex64> = values.iter().map(|&value| value.into()).collect();
        if let Some(slot) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite { slot });
        }
        let factor = encodable(scale)?;
        self.fft.inverse(&mut values);
        let gap = max / slots;
        let mut coefficients = vec![0.0; parameters.degree()];
        for (i, value) in values.iter().enumerate() {
            coefficients[i * gap] = (value.re * factor).round();
            coefficients[(i + slots) * gap] = (value.im * factor).round();
        }
        Ok(basis.forward(self.reduce(basis, &coefficients, level)?))
    }

    /// The slots of a plaintext.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plaintext belongs to another parameter set.
    pub fn decode(&self, plaintext: &Plaintext) -> Result<Vec<Complex64>, Error> {
        if plaintext.params_id != self.context.parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        let basis = self.context.q(plaintext.level());
        let coefficients = basis.to_centered(&basis.inverse(plaintext.poly.clone()));
        let (slots, factor) = (plaintext.slots(), 1.0 / plaintext.scale().to_f64());
        let gap = self.context.parameters().max_slots() / slots;
        let mut values: Vec<Complex64> = (0..slots)
            .map(|i| Complex64::new(coefficients[i * gap], coefficients[(i + slots) * gap]) * factor)
            .collect();
        self.fft.forward(&mut values);
        Ok(values)
    }

    /// The real parts of the slots.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_real(&self, plaintext: &Plaintext) -> Result<Vec<f64>, Error> {
        Ok(self.decode(plaintext)?.into_iter().map(|value| value.re).collect())
    }

    /// Rounded coefficients modulo the primes of `basis`, where they are small enough for those of `level`.
    fn reduce(&self, basis: &RnsBasis, coefficients: &[f64], level: usize) -> Result<RnsPoly<Coeff>, Error> {
        const WORD: f64 = (1u64 << 62) as f64;
        // In the total order NaN is above infinity: values that overflowed on the way are not lost.
        let largest = coefficients.iter().map(|c| c.abs()).max_by(f64::total_cmp).unwrap_or(0.0);
        check_magnitude(&self.context, largest, level)?;
        Ok(if largest < WORD {
            basis.from_signed(&coefficients.iter().map(|&c| c as i64).collect::<Vec<_>>())
        } else {
            basis.from_wide(&coefficients.iter().map(|&c| c as i128).collect::<Vec<_>>())
        })
    }
}

/// The scale as a number, where one can encode with it.
pub(crate) fn encodable(scale: &Scale) -> Result<f64, Error> {
    const MAX_LOG2: f64 = 1000.0;
    let log2 = scale.log2();
    if log2.abs() > MAX_LOG2 { Err(Error::ScaleRange { log2 }) } else { Ok(scale.to_f64()) }
}

/// Refuses a coefficient that is not below half the modulus, or that does not fit the 127 bits it is reduced from.
pub(crate) fn check_magnitude(context: &Context, largest: f64, level: usize) -> Result<(), Error> {
    const MAX_LOG2: f64 = 126.0;
    let modulus_log2 = context.parameters().log_q(level);
    // NaN is what became of values that overflowed.
    let coefficient_log2 = if largest.is_nan() { f64::INFINITY } else { largest.log2() };
    if coefficient_log2 >= MAX_LOG2.min(modulus_log2 - 1.0) {
        return Err(Error::EncodingOverflow { coefficient_log2, modulus_log2 });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
