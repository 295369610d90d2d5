//! Encoding: vectors of complex slots to polynomials and back.
//!
//! For ζ = exp(iπ/N) the slots of a real polynomial m are z_j = m(ζ^(5^j)), j < N/2. The evaluations at the other odd
//! powers of ζ are their conjugates. Encoding inverts this map (the canonical embedding), multiplies by the scale and
//! rounds. A vector of n < N/2 slots (*sparse packing*) is encoded in the subring of polynomials in X^(N/2n): seen as
//! N/2 slots it repeats with period n.
//!
//! Neither encoding nor decoding has a branch or an address that depends on a value, with two exceptions. They tell
//! whether values are refused, and whether the coefficients of a vector are below 2⁶² (a scale and values that fit it
//! keep them there).

use std::sync::Arc;

use num_complex::Complex64;
use volley_ring::{Coeff, Eval, RnsBasis, RnsPoly};

mod coefficients;
mod rounding;
pub(crate) mod special_fft;

use rounding::{integer, largest, round};
use special_fft::SpecialFft;

use crate::base::error::Error;
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::rlwe::context::Context;
use crate::scheme::ciphertext::Plaintext;
use crate::scheme::encodable::check_magnitude;
use crate::scheme::operand::Operand;

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
    /// [`Error::SlotCount`] for another number of values, [`Error::NotFinite`], [`Error::LevelRange`], the errors of
    /// [`Operand`] for a scale that the level does not hold, and [`Error::EncodingOverflow`] where a coefficient is not
    /// below half the modulus. Values with |value| · scale < Q_level/2 never give such a coefficient.
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

    /// Encodes fewer values than there are slots: the slots behind them are zero.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode) for so many slots, and [`Error::SlotCount`] for more values than slots.
    pub fn encode_padded<T: Into<Complex64> + Copy>(
        &self,
        values: &[T],
        slots: usize,
        scale: &Scale,
        level: usize,
    ) -> Result<Plaintext, Error> {
        let max = self.context.parameters().max_slots();
        if values.len() > slots.min(max) {
            return Err(Error::SlotCount { values: values.len(), max });
        }
        if slots > max {
            return Err(Error::SlotCount { values: slots, max });
        }
        let mut padded: Vec<Complex64> = values.iter().map(|&value| value.into()).collect();
        padded.resize(slots, Complex64::ZERO);
        self.encode(&padded, scale, level)
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
        let (parameters, slots) = (self.context.parameters(), values.len());
        Operand { level, scale: scale.clone(), slots }.checked(parameters)?;
        let mut values: Vec<Complex64> = values.iter().map(|&value| value.into()).collect();
        check_finite(&values, largest(values.iter().flat_map(|value| [value.re, value.im])))?;
        let factor = scale.to_f64();
        self.fft.inverse(&mut values);
        let gap = parameters.max_slots() / slots;
        let mut coefficients = vec![0.0; parameters.degree()];
        for (i, value) in values.iter().enumerate() {
            coefficients[i * gap] = round(value.re * factor);
            coefficients[(i + slots) * gap] = round(value.im * factor);
        }
        Ok(basis.forward(self.reduce(basis, &coefficients, level)?))
    }

    /// The slots of a plaintext. Where a computation left no room for a value, |value| · scale ≥ Q_level/2, the slot
    /// has another value ([`Arithmetic`](crate::Arithmetic#room-for-values)), and nothing tells this.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plaintext belongs to another parameter set.
    pub fn decode(&self, plaintext: &Plaintext) -> Result<Vec<Complex64>, Error> {
        if plaintext.params_id != self.context.parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        let basis = self.context.q(plaintext.level());
        let coefficients = basis.to_centred(&basis.inverse(plaintext.poly.clone()));
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

    /// Rounded coefficients modulo the primes of `basis`, where they are small enough for those of `level`. This is a
    /// function of its own, as it branches on how large they are.
    #[inline(never)]
    fn reduce(&self, basis: &RnsBasis, coefficients: &[f64], level: usize) -> Result<RnsPoly<Coeff>, Error> {
        const WORD: f64 = (1u64 << 62) as f64;
        // NaN is the largest: values that overflowed on the way are not lost.
        let largest = largest(coefficients.iter().copied());
        check_magnitude(self.context.parameters(), largest, level)?;
        Ok(if largest < WORD {
            basis.from_signed(&coefficients.iter().map(|&c| c as i64).collect::<Vec<_>>())
        } else {
            basis.from_wide(&coefficients.iter().map(|&c| integer(c)).collect::<Vec<_>>())
        })
    }
}

/// Checks what [`Encoder::encode`] checks, without a polynomial, for an arithmetic that keeps the slots.
#[derive(Debug)]
pub(crate) struct EncodingCheck {
    parameters: Parameters,
    fft: SpecialFft,
}

impl EncodingCheck {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        Self { parameters: parameters.clone(), fft: SpecialFft::new(parameters.max_slots()) }
    }

    /// The operand of the plaintext that has these values.
    pub(crate) fn operand(
        &self,
        values: &[Complex64],
        scale: &Scale,
        level: usize,
    ) -> Result<Operand, Error> {
        let operand =
            Operand { level, scale: scale.clone(), slots: values.len() }.checked(&self.parameters)?;
        check_finite(values, largest(values.iter().flat_map(|value| [value.re, value.im])))?;
        let factor = scale.to_f64();
        let mut coefficients = values.to_vec();
        self.fft.inverse(&mut coefficients);
        let largest = largest(coefficients.iter().flat_map(|c| [round(c.re * factor), round(c.im * factor)]));
        check_magnitude(&self.parameters, largest, level)?;
        Ok(operand)
    }
}

/// Refuses values of which the largest is no number. On its own, as it branches on that.
#[inline(never)]
fn check_finite(values: &[Complex64], largest: f64) -> Result<(), Error> {
    if largest.is_finite() {
        return Ok(());
    }
    let slot = values.iter().position(|value| !value.is_finite()).unwrap_or_default();
    Err(Error::NotFinite { slot })
}

#[cfg(test)]
mod tests;
