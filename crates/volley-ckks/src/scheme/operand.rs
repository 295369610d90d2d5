//! Operands: what is known of a ciphertext without reading it, its level, scale and slots. The rules by which
//! operations change them stand here once, for every implementation of [`Arithmetic`](crate::Arithmetic).

use crate::base::error::Error;
use crate::base::galois::rotation_element;
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::scheme::encodable::encoded_constant;

/// Level, scale and slot count of a ciphertext or plaintext.
///
/// The scale of a ciphertext or plaintext is below the modulus at its level, so that values up to 1/2 in size are held.
/// An operation whose result would have another scale is refused with [`Error::ScaleOverflow`], [`Error::ScaleRange`]
/// or [`Error::ScaleExponents`]. Values are the caller's responsibility: where |value|·scale is not below half the
/// modulus, the remainder modulo it is decrypted, which is another value.
///
/// # The rules of an arithmetic
///
/// A backend asks an operand for the operand of its result before it computes, and returns the error if there is one.
/// So it refuses what every other backend refuses, with the same error.
///
/// | operation | rule |
/// |---|---|
/// | [`encode`], and what comes from outside | [`checked`](Self::checked) |
/// | [`add`], `sub`, `add_plain`, `add_tensor`, `add_to_tensor` | [`sum`](Self::sum) |
/// | `neg`, `multiply_by_i`, `conjugate`, `relinearize` | the operand stays |
/// | [`add_constant`] | [`constant`](Self::constant); the operand stays |
/// | [`multiply_plain`] | [`product`](Self::product) |
/// | [`linear_combination`], `multiply_constant` | [`linear_combination`](Self::linear_combination) |
/// | [`sum_of_products`] | [`sum_of_products`](Self::sum_of_products) |
/// | `add_products` | [`sum`](Self::sum) with the [`sum_of_products`](Self::sum_of_products) |
/// | [`rescale`], `relinearize_rescale` | [`rescaled`](Self::rescaled) |
/// | [`drop_level`] | [`dropped`](Self::dropped) |
/// | [`rotate`], `rotate_hoisted`, `sum_of_rotations` | [`rotation_step`](Self::rotation_step); the operand stays |
/// | [`transform`] | [`LinearTransform::product`](crate::LinearTransform::product) |
/// | [`trace`] | [`traced`](Self::traced), [`trace_steps`](Self::trace_steps) |
/// | [`raise`] | [`raised`](Self::raised) |
///
/// [`encode`]: crate::Arithmetic::encode
/// [`add`]: crate::Arithmetic::add
/// [`add_constant`]: crate::Arithmetic::add_constant
/// [`multiply_plain`]: crate::Arithmetic::multiply_plain
/// [`linear_combination`]: crate::Arithmetic::linear_combination
/// [`sum_of_products`]: crate::Arithmetic::sum_of_products
/// [`rescale`]: crate::Arithmetic::rescale
/// [`drop_level`]: crate::Arithmetic::drop_level
/// [`rotate`]: crate::Arithmetic::rotate
/// [`transform`]: crate::LinearArithmetic::transform
/// [`trace`]: crate::LinearArithmetic::trace
/// [`raise`]: crate::bootstrapping::BootstrapArithmetic::raise
///
/// ```
/// use volley_ckks::{Operand, Parameters, Scale};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let parameters = Parameters::n14()?;
/// let a = Operand { level: 7, scale: parameters.scale(), slots: 8192 }.checked(&parameters)?;
/// let square = a.product(&parameters, &a)?.rescaled(&parameters)?;
/// assert_eq!(square.level, 6);
/// assert_eq!(square.scale.times(&parameters.rescaling_factor(7)), a.scale.times(&a.scale));
/// # Ok(())
/// # }
/// ```
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
    /// This operand, if a ciphertext or plaintext may have it: its level exists, its slots are a power of two up to
    /// N/2, and its scale is below the modulus at its level. The other rules keep this: their results pass the check if
    /// their operands do.
    ///
    /// # Errors
    ///
    /// [`Error::LevelRange`], [`Error::SlotCount`], and for the scale [`Error::ScaleOverflow`], [`Error::ScaleRange`]
    /// and [`Error::ScaleExponents`].
    pub fn checked(self, parameters: &Parameters) -> Result<Self, Error> {
        let (max_level, max_slots) = (parameters.max_level(), parameters.max_slots());
        if self.level > max_level {
            return Err(Error::LevelRange { level: self.level, max: max_level });
        }
        if !self.slots.is_power_of_two() || self.slots > max_slots {
            return Err(Error::SlotCount { values: self.slots, max: max_slots });
        }
        let (scale_log2, modulus_log2) = (self.scale.checked_log2()?, parameters.log_q(self.level));
        if scale_log2 >= modulus_log2 {
            return Err(Error::ScaleOverflow { scale_log2, modulus_log2, level: self.level });
        }
        Ok(self)
    }

    /// The operand of a sum or difference: the lower level, the common scale, the larger number of slots. The modulus
    /// holds the scale, since the summand of the lower level has this scale there.
    ///
    /// # Errors
    ///
    /// [`Error::ScaleMismatch`]; [`Error::ScaleRange`] and [`Error::ScaleExponents`] where one of two scales has no
    /// logarithm.
    pub fn sum(&self, other: &Self) -> Result<Self, Error> {
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

    /// The integer ⌊c·scale⌉, which has c in every slot. It is added to a ciphertext of this operand to add c.
    ///
    /// # Errors
    ///
    /// [`Error::NotFinite`]; [`Error::EncodingOverflow`] unless the integer is below half the modulus and below 2¹²⁶;
    /// [`Error::ConstantScale`].
    pub fn constant(&self, parameters: &Parameters, c: f64) -> Result<i128, Error> {
        encoded_constant(parameters, c, &self.scale, self.level)
    }

    /// The operand of a product: the lower level, the product of the scales, the larger number of slots.
    ///
    /// # Errors
    ///
    /// Those of [`checked`](Self::checked).
    pub fn product(&self, parameters: &Parameters, other: &Self) -> Result<Self, Error> {
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

    /// The operand of a sum of products.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySum`] for no terms, [`Error::ScaleMismatch`] for terms of different scales, and those of
    /// [`checked`](Self::checked) for the sum.
    pub fn sum_of_products<'a>(
        parameters: &Parameters,
        terms: impl IntoIterator<Item = (&'a Self, &'a Self)>,
    ) -> Result<Self, Error> {
        let mut terms = terms.into_iter();
        let (a, b) = terms.next().ok_or(Error::EmptySum)?;
        let sum = terms.try_fold(a.times(b), |sum, (c, d)| {
            // The usual case takes no product of scales for each of many terms.
            if (&a.scale, &b.scale) == (&c.scale, &d.scale) {
                let level = sum.level.min(c.level).min(d.level);
                Ok(Self { level, slots: sum.slots.max(c.slots).max(d.slots), scale: sum.scale })
            } else {
                sum.sum(&c.times(d))
            }
        })?;
        sum.checked(parameters)
    }

    /// The operand of a sum of multiples c·a that has this scale and level, and for each term the integer
    /// ⌊c·scale/scale of a⌉ that its constant is encoded as.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySum`] for no terms, [`Error::LevelExhausted`] for a term below the level, [`Error::NotFinite`],
    /// [`Error::EncodingOverflow`] and [`Error::ConstantScale`] for a constant, and those of
    /// [`checked`](Self::checked) for the sum.
    pub fn linear_combination(
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

    /// The step that a rotation is done by: the one in (−n/2, n/2] among all that move the n slots alike. So one key
    /// serves for all of them.
    #[must_use]
    pub fn rotation_step(&self, steps: i64) -> i64 {
        // A checked operand never has zero slots.
        let n = self.slots.max(1) as i64;
        let step = steps.rem_euclid(n);
        if step > n / 2 { step - n } else { step }
    }

    /// The Galois element of a rotation by its [step](Self::rotation_step): 1 where every slot stays.
    #[must_use]
    pub fn rotation_element(&self, parameters: &Parameters, steps: i64) -> u64 {
        rotation_element(parameters, self.rotation_step(steps))
    }

    /// The operand after a rescaling: one level down, the scale divided by all primes of the level.
    ///
    /// # Errors
    ///
    /// [`Error::LevelExhausted`] at level 0, and those of [`checked`](Self::checked).
    pub fn rescaled(&self, parameters: &Parameters) -> Result<Self, Error> {
        if self.level == 0 {
            return Err(Error::LevelExhausted { level: 0, required: 1 });
        }
        let scale = self.scale.divided_by(&parameters.rescaling_factor(self.level));
        Self { level: self.level - 1, scale, slots: self.slots }.checked(parameters)
    }

    /// The operand after dropping to `level`.
    ///
    /// # Errors
    ///
    /// [`Error::LevelExhausted`] where `level` is above the operand's, and those of [`checked`](Self::checked).
    pub fn dropped(&self, parameters: &Parameters, level: usize) -> Result<Self, Error> {
        self.at_level(level)?.checked(parameters)
    }

    /// The operand at `level`, whether the modulus there holds the scale or not.
    fn at_level(&self, level: usize) -> Result<Self, Error> {
        if level > self.level {
            return Err(Error::LevelExhausted { level: self.level, required: level });
        }
        Ok(Self { level, ..self.clone() })
    }

    /// The operand after its level 0 was taken and the modulus raised to that of `level`. It has all N/2 slots.
    ///
    /// # Errors
    ///
    /// [`Error::LevelRange`] for a level that does not exist, those of [`checked`](Self::checked) for the operand at
    /// level 0, and [`Error::Parameters`] where the ephemeral secret is not as secure as the parameters claim.
    pub fn raised(&self, parameters: &Parameters, level: usize) -> Result<Self, Error> {
        let max = parameters.max_level();
        if level > max {
            return Err(Error::LevelRange { level, max });
        }
        let bottom = self.dropped(parameters, 0)?;
        parameters.check_ephemeral()?;
        Ok(Self { level, slots: parameters.max_slots(), ..bottom })
    }

    /// The operand of a product at `level` with plaintexts of the given scale.
    pub(crate) fn scaled(&self, parameters: &Parameters, scale: &Scale, level: usize) -> Result<Self, Error> {
        let a = self.at_level(level)?;
        Self { scale: a.scale.times(scale), ..a }.checked(parameters)
    }

    /// The operand of a trace to `slots` slots.
    ///
    /// # Errors
    ///
    /// [`Error::SlotCount`] where `slots` is no power of two up to the operand's slots.
    pub fn traced(&self, slots: usize) -> Result<Self, Error> {
        if !slots.is_power_of_two() || slots > self.slots {
            return Err(Error::SlotCount { values: slots, max: self.slots });
        }
        Ok(Self { slots, ..self.clone() })
    }

    /// The rotations of a [trace](Self::traced) to `slots` slots, which is one sum of rotations after the other. Each
    /// item has the steps of one sum, zero among them. The keys of a circuit are planned for these rotations.
    pub fn trace_steps(&self, slots: usize) -> impl Iterator<Item = Vec<i64>> + use<> {
        trace_steps(slots, self.slots)
    }
}

/// The rotations of a trace from `all` slots to `slots`, both powers of two. Each item has those that are added up at
/// once, zero among them. There are none for zero slots.
pub(crate) fn trace_steps(slots: usize, all: usize) -> impl Iterator<Item = Vec<i64>> {
    let mut period = all;
    std::iter::from_fn(move || {
        let terms = period.checked_div(slots).unwrap_or(0).min(4);
        period /= terms.max(1);
        (terms > 1).then(|| (0..terms).map(|k| (k * period) as i64).collect())
    })
}

#[cfg(test)]
mod tests;
