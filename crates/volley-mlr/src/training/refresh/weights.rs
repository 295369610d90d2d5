//! The refresh of M and V as one ciphertext.

use std::sync::Arc;

use super::{INPUT_LEVEL, Refresh};
use crate::error::Error;
use crate::volley_ckks::{Arithmetic, Scale};

/// A refresh of weights at a scale, of at most 2^`log_range`/√2 in absolute value.
#[derive(Debug)]
pub(crate) struct WeightRefresh<A: Arithmetic> {
    pub(crate) refresh: Arc<dyn Refresh<A>>,
    pub(crate) log_range: i32,
    pub(crate) scale: Scale,
}

/// M and, after the first iteration, V, by class block and column block.
pub(crate) type Points<C> = (Vec<C>, Option<Vec<C>>);

impl<A: Arithmetic> WeightRefresh<A> {
    /// M and V, brought back to the level of the data.
    pub(crate) fn refreshed(
        &self,
        arithmetic: &A,
        point: &[A::Ciphertext],
        previous: Option<&[A::Ciphertext]>,
    ) -> Result<Points<A::Ciphertext>, Error> {
        let (mut points, mut before) = (Vec::new(), previous.map(|_| Vec::new()));
        for (block, point) in point.iter().enumerate() {
            let packed = self.packed(arithmetic, point, previous.map(|previous| &previous[block]))?;
            let fresh = self.refresh.refresh(arithmetic, &packed)?;
            let conjugate = arithmetic.conjugate(&fresh)?;
            points.push(self.unpacked(arithmetic, &arithmetic.add(&fresh, &conjugate)?)?);
            if let Some(before) = &mut before {
                let difference = arithmetic.sub(&conjugate, &fresh)?;
                before.push(self.unpacked(arithmetic, &arithmetic.multiply_by_i(&difference)?)?);
            }
        }
        Ok((points, before))
    }

    /// (M + iV)/b: b is in the scale.
    fn packed(
        &self,
        arithmetic: &A,
        point: &A::Ciphertext,
        previous: Option<&A::Ciphertext>,
    ) -> Result<A::Ciphertext, Error> {
        let divided = |a: &A::Ciphertext| -> Result<_, Error> {
            let low = arithmetic.drop_level(a, INPUT_LEVEL)?;
            let (factor, scale) = (f64::from(-self.log_range).exp2(), Scale::power_of_two(self.log_range));
            Ok(arithmetic.multiply_constant(&low, factor, &scale)?)
        };
        let real = divided(point)?;
        let Some(previous) = previous else { return Ok(real) };
        Ok(arithmetic.add(&real, &arithmetic.multiply_by_i(&divided(previous)?)?)?)
    }

    /// M of 2M/b at the scale Δ: b/2h times the same polynomial, at the scale of the weights.
    fn unpacked(&self, arithmetic: &A, doubled: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
        let half_range = f64::from(self.log_range - 1).exp2();
        let scale = self.scale.divided_by(&arithmetic.operand(doubled).scale);
        Ok(arithmetic.multiply_constant(doubled, half_range, &scale)?)
    }
}
