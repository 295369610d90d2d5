//! What can be encoded: the range of scales, and of the integers that values become.

use crate::base::error::Error;
use crate::base::params::Parameters;
use crate::base::scale::Scale;

/// log₂ of the largest scale that anything has, and minus that of the smallest: a double has room for them and for the
/// values that they multiply.
const MAX_SCALE_LOG2: f64 = 1000.0;

/// Most that rounding may change a constant by: 2⁻¹⁰, and that part of one beyond 1.
const MAX_CONSTANT_ERROR: f64 = 1.0 / 1024.0;

impl Scale {
    /// log₂ of a scale that something may have.
    pub(crate) fn checked_log2(&self) -> Result<f64, Error> {
        if self.exponents().is_none() {
            return Err(Error::ScaleExponents { max: i32::MAX });
        }
        let log2 = self.log2();
        if log2.abs() > MAX_SCALE_LOG2 { Err(Error::ScaleRange { log2 }) } else { Ok(log2) }
    }
}

/// ⌊c·scale⌉, the constant that has c in every slot. One that rounding changes too much is refused.
pub(crate) fn encoded_constant(
    parameters: &Parameters,
    c: f64,
    scale: &Scale,
    level: usize,
) -> Result<i128, Error> {
    if !c.is_finite() {
        return Err(Error::NotFinite { slot: 0 });
    }
    scale.checked_log2()?;
    let scale_value = scale.to_f64();
    let value = (c * scale_value).round();
    check_magnitude(parameters, value.abs(), level)?;
    let rounded = value / scale_value;
    if (rounded - c).abs() > MAX_CONSTANT_ERROR * c.abs().max(1.0) {
        return Err(Error::ConstantScale { constant: c, rounded, scale_log2: scale.log2() });
    }
    Ok(value as i128)
}

/// Refuses a coefficient that is not below half the modulus, or that does not fit the 127 bits it is reduced from. On
/// its own, as it branches on that.
#[inline(never)]
pub(crate) fn check_magnitude(parameters: &Parameters, largest: f64, level: usize) -> Result<(), Error> {
    const MAX_LOG2: f64 = 126.0;
    let modulus_log2 = parameters.log_q(level);
    // The logarithm branches on its argument, so that only what is refused has one.
    if largest < MAX_LOG2.min(modulus_log2 - 1.0).exp2() {
        return Ok(());
    }
    let coefficient_log2 = if largest.is_finite() { largest.log2() } else { f64::from(f64::MAX_EXP) };
    Err(Error::EncodingOverflow { coefficient_log2, modulus_log2 })
}
