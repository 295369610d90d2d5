//! Operands in files: level, slots and scale.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use super::error::WireError;
use super::stream::{BodyReader, BodyWriter};
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::scheme::operand::Operand;

impl Operand {
    /// Writes level (u16), log₂ of the slots (u8), and the scale 2^e ∏ qᵢ^eᵢ: e (i32), the number of primes (u16), and
    /// for each prime, in ascending order, i (u16) and eᵢ (i32).
    pub(super) fn write(
        &self,
        parameters: &Parameters,
        body: &mut BodyWriter<impl Write>,
    ) -> Result<(), WireError> {
        let (log2, primes) = self.scale.exponents().ok_or(WireError::ScaleRange)?;
        body.bytes(&(self.level as u16).to_le_bytes())?;
        body.bytes(&[self.slots.trailing_zeros() as u8])?;
        body.bytes(&log2.to_le_bytes())?;
        body.bytes(&(primes.len() as u16).to_le_bytes())?;
        for (prime, exponent) in primes {
            let index = parameters.q().iter().position(|&q| q == prime).ok_or(WireError::ScaleRange)?;
            body.bytes(&(index as u16).to_le_bytes())?;
            body.bytes(&exponent.to_le_bytes())?;
        }
        Ok(())
    }

    pub(super) fn read(parameters: &Parameters, body: &mut BodyReader<impl Read>) -> Result<Self, WireError> {
        let level = usize::from(u16::from_le_bytes(body.array()?));
        check_level(parameters, level)?;
        let [log2] = body.array()?;
        let max = parameters.max_slots();
        let slots = 1usize.checked_shl(log2.into()).filter(|&slots| slots <= max);
        let slots = slots.ok_or(WireError::SlotRange { log2, max })?;
        let scale = read_scale(parameters, body)?;
        Self { level, scale, slots }.checked(parameters).map_err(WireError::Operand)
    }
}

/// Refuses a level that the parameters do not have.
pub(super) fn check_level(parameters: &Parameters, level: usize) -> Result<(), WireError> {
    let max = parameters.max_level();
    if level > max { Err(WireError::LevelRange { level, max }) } else { Ok(()) }
}

fn read_scale(parameters: &Parameters, body: &mut BodyReader<impl Read>) -> Result<Scale, WireError> {
    let log2 = i32::from_le_bytes(body.array()?);
    let count = u16::from_le_bytes(body.array()?);
    let mut primes = BTreeMap::new();
    for _ in 0..count {
        let index = u16::from_le_bytes(body.array()?);
        let exponent = i32::from_le_bytes(body.array()?);
        let prime = *parameters.q().get(usize::from(index)).ok_or(WireError::ScaleRange)?;
        let ascending = primes.last_key_value().is_none_or(|(&last, _)| prime > last);
        if exponent == 0 || !ascending {
            return Err(WireError::ScaleRange);
        }
        primes.insert(prime, exponent);
    }
    let scale = Scale::from_exponents(log2, primes);
    scale.checked_log2().map_err(|_| WireError::ScaleRange)?;
    Ok(scale)
}
