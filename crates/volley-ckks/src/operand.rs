//! What is known of a ciphertext without reading it: level, scale, slots. The rules by which operations change them
//! stand here once, for the evaluator and for the simulator.

use crate::encoder::encoded_constant;
use crate::keys::rotation_element;
use crate::{Error, Parameters, Scale};

/// Level, scale and slot count of a ciphertext or plaintext.
///
/// The scale of a ciphertext or plaintext is below the modulus at its level, so that values up to 1/2 in size are held.
/// What would have another is refused with [`Error::ScaleOverflow`], [`Error::ScaleRange`] or [`Error::ScaleExponents`].
/// Values are the caller's: where |value|·scale is not below half the modulus, what is decrypted is the remainder modulo it,
/// another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The number of rescalings that are left.
    pub level: usize,
    /// The factor between slots and plaintext coefficients.
    pub scale: Scale,
    /// Number of slots: a power of two, at most N/2.
    pub slots: usize,
}

impl Operand {
    /// Of a sum: the lower level, the common scale.
    pub(crate) fn sum(&self, other: &Self) -> Result<Self, Error> {
        if self.scale != other.scale {
            let [left, right] = [self.scale.checked_log2()?, other.scale.checked_log2()?];
            return Err(Error::ScaleMismatch { left, right });
        }
        Ok(Self {
            level: self.level.min(other.level),
            scale: self.scale.clone(),
            slots: self.slots.max(other.slots),
        })
    }

    /// Refuses a scale that the modulus does not hold. Sums need no check: the summand of the lower level has their
    /// scale at their level.
    pub(crate) fn checked(self, parameters: &Parameters) -> Result<Self, Error> {
        let (scale_log2, modulus_log2) = (self.scale.checked_log2()?, parameters.log_q(self.level));
        if scale_log2 >= modulus_log2 {
            return Err(Error::ScaleOverflow { scale_log2, modulus_log2, level: self.level });
        }
        Ok(self)
    }

    /// Of a product: the lower level, the product of the scales.
    pub(crate) fn product(&self, parameters: &Parameters, other: &Self) -> Result<Self, Error> {
        self.times(other).checked(parameters)
    }

    /// The product, whether the modulus holds its scale or not.
    fn times(&self, other: &Self) -> Self {
        Self {
            level: self.level.min(other.level),
            scale: self.scale.times(&other.scale),
            slots: self.slots.max(other.slots),
        }
    }

    /// Of a sum of products.
    pub(crate) fn sum_of_products<'a>(
        parameters: &Parameters,
        terms: impl IntoIterator<Item = (&'a Self, &'a Self)>,
    ) -> Result<Self, Error> {
        let mut terms = terms.into_iter();
        let (a, b) = terms.next().ok_or(Error::EmptySum)?;
        let sum = terms.try_fold(a.times(b), |sum, (c, d)| {
            // The usual case, without a product of scales for each of many terms.
            if (&a.scale, &b.scale) == (&c.scale, &d.scale) {
                let level = sum.level.min(c.level).min(d.level);
                Ok(Self { level, slots: sum.slots.max(c.slots).max(d.slots), scale: sum.scale })
            } else {
                sum.sum(&c.times(d))
            }
        })?;
        sum.checked(parameters)
    }

    /// Of a sum of multiples c·a of operands that has this scale and level, with the integers ⌊c·scale/scale of a⌉ that
    /// the constants are encoded as.
    pub(crate) fn linear_combination(
        parameters: &Parameters,
        terms: &[(&Self, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<(Self, Vec<i128>), Error> {
        let slots = terms.iter().map(|(a, _)| a.slots).max().ok_or(Error::EmptySum)?;
        let constants = terms.iter().map(|(a, c)| {
            let a = a.at_level(level)?;
            encoded_constant(parameters, *c, &scale.divided_by(&a.scale), level)
        });
        let constants = constants.collect::<Result<_, Error>>()?;
        Ok((Self { level, scale: scale.clone(), slots }.checked(parameters)?, constants))
    }

    /// The step that a rotation is done by: of all that move the n slots alike the one in (−n/2, n/2], so that one key
    /// serves for all.
    pub(crate) fn rotation_step(&self, steps: i64) -> i64 {
        let n = self.slots as i64;
        let step = steps.rem_euclid(n);
        if step > n / 2 { step - n } else { step }
    }

    /// The Galois element of a rotation by its [step](Self::rotation_step): 1 where every slot stays.
    pub(crate) fn rotation_element(&self, parameters: &Parameters, steps: i64) -> u64 {
        rotation_element(parameters, self.rotation_step(steps))
    }

    /// After a rescaling.
    pub(crate) fn rescaled(&self, parameters: &Parameters) -> Result<Self, Error> {
        if self.level == 0 {
            return Err(Error::LevelExhausted { level: 0, required: 1 });
        }
        let scale = self.scale.divided_by(&parameters.rescaling_factor(self.level));
        Self { level: self.level - 1, scale, slots: self.slots }.checked(parameters)
    }

    /// After dropping to `level`.
    pub(crate) fn dropped(&self, parameters: &Parameters, level: usize) -> Result<Self, Error> {
        self.at_level(level)?.checked(parameters)
    }

    /// At `level`, whether the modulus there holds the scale or not.
    fn at_level(&self, level: usize) -> Result<Self, Error> {
        if level > self.level {
            return Err(Error::LevelExhausted { level: self.level, required: level });
        }
        Ok(Self { level, ..self.clone() })
    }

    /// After its modulus, of which level 0 is taken, was raised to that of `level`.
    pub(crate) fn raised(&self, parameters: &Parameters, level: usize) -> Result<Self, Error> {
        let max = parameters.max_level();
        if level > max {
            return Err(Error::LevelRange { level, max });
        }
        let bottom = self.dropped(parameters, 0)?;
        Ok(Self { level, slots: parameters.max_slots(), ..bottom })
    }

    /// After a product at `level` with plaintexts of the given scale.
    pub(crate) fn scaled(&self, parameters: &Parameters, scale: &Scale, level: usize) -> Result<Self, Error> {
        let a = self.at_level(level)?;
        Self { scale: a.scale.times(scale), ..a }.checked(parameters)
    }
}

#[cfg(test)]
mod tests;
