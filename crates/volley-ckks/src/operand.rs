//! What is known of a ciphertext without reading it: level, scale, slots. The rules by which operations change them
//! stand here once, for the evaluator and for the simulator.

use crate::keys::rotation_element;
use crate::{Error, Parameters, Scale};

/// Level, scale and slot count of a ciphertext or plaintext.
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
            return Err(Error::ScaleMismatch { left: self.scale.log2(), right: other.scale.log2() });
        }
        Ok(Self {
            level: self.level.min(other.level),
            scale: self.scale.clone(),
            slots: self.slots.max(other.slots),
        })
    }

    /// Of a product: the lower level, the product of the scales.
    pub(crate) fn product(&self, other: &Self) -> Self {
        Self {
            level: self.level.min(other.level),
            scale: self.scale.times(&other.scale),
            slots: self.slots.max(other.slots),
        }
    }

    /// Of a sum of products.
    pub(crate) fn sum_of_products<'a>(
        terms: impl IntoIterator<Item = (&'a Self, &'a Self)>,
    ) -> Result<Self, Error> {
        let mut terms = terms.into_iter();
        let (a, b) = terms.next().ok_or(Error::EmptySum)?;
        terms.try_fold(a.product(b), |sum, (c, d)| {
            // The usual case, without a product of scales for each of many terms.
            if (&a.scale, &b.scale) == (&c.scale, &d.scale) {
                let level = sum.level.min(c.level).min(d.level);
                Ok(Self { level, slots: sum.slots.max(c.slots).max(d.slots), scale: sum.scale })
            } else {
                sum.sum(&c.product(d))
            }
        })
    }

    /// Of a sum of multiples that has this scale and level.
    pub(crate) fn linear_combination<'a>(
        terms: impl IntoIterator<Item = &'a Self>,
        scale: &Scale,
        level: usize,
    ) -> Result<Self, Error> {
        let mut terms = terms.into_iter();
        let first = Self { scale: scale.clone(), ..terms.next().ok_or(Error::EmptySum)?.dropped(level)? };
        terms.try_fold(first, |sum, a| {
            let slots = sum.slots.max(a.dropped(level)?.slots);
            Ok(Self { slots, ..sum })
        })
    }

    /// The Galois element of a rotation: 1 where it moves every slot to itself.
    pub(crate) fn rotation_element(&self, parameters: &Parameters, steps: i64) -> u64 {
        if steps % self.slots as i64 == 0 { 1 } else { rotation_element(parameters, steps) }
    }

    /// After a rescaling.
    pub(crate) fn rescaled(&self, parameters: &Parameters) -> Result<Self, Error> {
        if self.level == 0 {
            return Err(Error::LevelExhausted { level: 0, required: 1 });
        }
        let scale = self.scale.divided_by(&parameters.rescaling_factor(self.level));
        Ok(Self { level: self.level - 1, scale, slots: self.slots })
    }

    /// After dropping to `level`.
    pub(crate) fn dropped(&self, level: usize) -> Result<Self, Error> {
        if level > self.level {
            return Err(Error::LevelExhausted { level: self.level, required: level });
        }
        Ok(Self { level, ..self.clone() })
    }

    /// After its modulus was raised to that of `level`.
    pub(crate) fn raised(&self, parameters: &Parameters, level: usize) -> Result<Self, Error> {
        let max = parameters.max_level();
        if level > max {
            return Err(Error::LevelRange { level, max });
        }
        Ok(Self { level, scale: self.scale.clone(), slots: parameters.max_slots() })
    }

    /// After a product with a plaintext or constant of the given scale.
    pub(crate) fn scaled(&self, scale: &Scale) -> Self {
        Self { scale: self.scale.times(scale), ..self.clone() }
    }
}
