//! Linear transforms and sums of rotations: everything is summed modulo Q·P and divided by P once.
//!
//! The cost for d digits, l + 1 limbs and k special primes: one decomposition; 2d products of l + 1 + k limbs for each
//! baby step, and two for each diagonal; a division of one polynomial, a decomposition and 2d products for each giant
//! step; a division of two polynomials.

use maybe_rayon::prelude::*;
use num_complex::Complex64;
use volley_ring::{Eval, HoistedPair, Image, PackedPoly, RnsPoly};

use super::Evaluator;
use crate::arithmetic::Arithmetic;
use crate::arithmetic::counts::Operation;
use crate::arithmetic::linear_transform::{GIANTS_AT_ONCE, LinearArithmetic, LinearTransform};
use crate::base::error::Error;
use crate::base::galois::{GaloisPurpose, rotation_element};
use crate::base::scale::Scale;
use crate::rlwe::keys::GaloisKey;
use crate::scheme::ciphertext::Ciphertext;
use crate::scheme::operand::Operand;

/// A linear transform with its diagonals, each turned back by its giant step and encoded modulo Q_level·P:
/// [`LinearTransform::memory_bytes`] in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedTransform {
    plan: LinearTransform,
    scale: Scale,
    /// The diagonals by giant step, in the order of its terms.
    diagonals: Vec<Vec<PackedPoly>>,
}

impl EncodedTransform {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &LinearTransform {
        &self.plan
    }

    /// The scale of the diagonals.
    #[must_use]
    pub fn scale(&self) -> &Scale {
        &self.scale
    }
}

impl LinearArithmetic for Evaluator {
    type Transform = EncodedTransform;

    fn encode_transform(
        &self,
        plan: &LinearTransform,
        scale: &Scale,
        diagonal: impl Fn(usize) -> Vec<Complex64> + Sync,
    ) -> Result<EncodedTransform, Error> {
        let Operand { scale, .. } = plan.diagonals(self.parameters(), scale)?;
        let encode = |giant: i64, k: usize| {
            let mut values = diagonal(k);
            plan.check_diagonal(k, &values)?;
            values.rotate_right(giant.rem_euclid(plan.slots() as i64) as usize);
            let poly = self.encoder.encode_extended(&values, &scale, plan.level())?;
            Ok(self.context.qp(plan.level()).pack(&poly))
        };
        let diagonals = plan
            .giants()
            .par_iter()
            .map(|giant| giant.terms.par_iter().map(|term| encode(giant.step, term.diagonal)).collect())
            .collect::<Result<_, Error>>()?;
        Ok(EncodedTransform { plan: plan.clone(), scale, diagonals })
    }

    fn transform(&self, a: &Ciphertext, transform: &EncodedTransform) -> Result<Ciphertext, Error> {
        let operand = self.check_transform(a, transform)?;
        let sum = self.transform_extended(a, transform)?;
        let parts = sum.map(|part| self.context.mod_down(operand.level).apply(&part));
        Ok(self.ciphertext(operand, parts))
    }

    fn transform_rescale(&self, a: &Ciphertext, transform: &EncodedTransform) -> Result<Ciphertext, Error> {
        let product = self.check_transform(a, transform)?;
        let operand = product.rescaled(self.parameters())?;
        let division = self.context.mod_down_rescale(product.level)?;
        let sum = self.transform_extended(a, transform)?;
        Ok(self.ciphertext(operand, sum.map(|part| division.apply(&part))))
    }

    fn trace(&self, a: &Ciphertext, slots: usize) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        let operand = a.operand.traced(slots)?;
        let mut steps = a.operand.trace_steps(slots);
        let sum = steps.try_fold(a.clone(), |sum, steps| self.sum_of_rotations(&sum, &steps))?;
        Ok(self.ciphertext(operand, sum.parts))
    }
}

impl Evaluator {
    /// Level, scale and slots of the product.
    fn check_transform(&self, a: &Ciphertext, transform: &EncodedTransform) -> Result<Operand, Error> {
        self.check(&[a])?;
        transform.plan.product(self.parameters(), &a.operand, &transform.scale)
    }

    /// P·M·a modulo Q_level·P.
    fn transform_extended(
        &self,
        a: &Ciphertext,
        transform: &EncodedTransform,
    ) -> Result<[RnsPoly<Eval>; 2], Error> {
        let (plan, level) = (&transform.plan, transform.plan.level());
        let key = |step| self.rotation_key(step, plan.slots(), level).transpose();
        let babies = plan.babies().iter().map(|&baby| key(baby)).collect::<Result<Vec<_>, _>>()?;
        let giants = plan.giants().iter().map(|giant| key(giant.step)).collect::<Result<Vec<_>, _>>()?;
        for (operation, count) in plan.operations() {
            self.counters.add(operation, level, count);
        }
        let parts = self.times_special_product(a, level);
        let moves = babies.iter().any(Option::is_some);
        let digits = if moves { self.decompose(&a.parts[1], level) } else { Vec::new() };
        let source = HoistedPair { parts: parts.each_ref(), digits: &digits };
        let images: Vec<_> = babies.iter().map(|key| key.map_or(Image::Itself, image)).collect();

        let basis = self.context.qp(level);
        let zero = || [basis.zero(), basis.zero()];
        let mut total: Option<[RnsPoly<Eval>; 2]> = None;
        let diagonals = plan.giants().iter().zip(&transform.diagonals);
        let terms: Vec<Vec<_>> = diagonals
            .map(|(giant, diagonals)| giant.terms.iter().map(|term| term.baby).zip(diagonals).collect())
            .collect();
        for (terms, giants) in terms.chunks(GIANTS_AT_ONCE).zip(giants.chunks(GIANTS_AT_ONCE)) {
            for (sum, giant) in basis.sums_of_images(source, &images, terms).into_iter().zip(giants) {
                match giant {
                    // The giant step of zero, if it is there, is the first of all.
                    None => total = Some(sum),
                    Some(key) => self.add_rotated(total.get_or_insert_with(zero), &sum, key, level),
                }
            }
        }
        Ok(total.unwrap_or_else(zero))
    }

    /// Σ rot(a, s) over `steps`: the rotations are summed modulo Q·P, and the sum is divided by P.
    pub(super) fn sum_of_hoisted(&self, a: &Ciphertext, steps: &[i64]) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        if steps.is_empty() {
            return Err(Error::EmptySum);
        }
        let (level, basis) = (a.level(), self.context.q(a.level()));
        let keys = steps
            .iter()
            .filter_map(|&steps| self.rotation_key(a.operand.rotation_step(steps), a.slots(), level))
            .collect::<Result<Vec<_>, _>>()?;
        // The summands that stay as they are need no division.
        let still = (steps.len() - keys.len()) as u64;
        let residues: Vec<u64> = basis.moduli().map(|q| q.reduce(still)).collect();
        let mut parts = a.parts.clone();
        parts.iter_mut().for_each(|part| basis.mul_integer_assign(part, &residues));
        if !keys.is_empty() {
            self.counters.add(Operation::Hoisting, level, 1);
            self.counters.add(Operation::ExtendedRotation, level, keys.len());
            self.counters.add(Operation::ModDown, level, 2);
            let digits = self.decompose(&a.parts[1], level);
            let scaled = self.times_special_product(a, level);
            let source = HoistedPair { parts: scaled.each_ref(), digits: &digits };
            let images: Vec<_> = keys.into_iter().map(image).collect();
            let moved = self.context.qp(level).sum_of_images(source, &images);
            for (part, moved) in parts.iter_mut().zip(&moved) {
                basis.add_assign(part, &self.context.mod_down(level).apply(moved));
            }
        }
        Ok(self.ciphertext(a.operand.clone(), parts))
    }

    /// total + σ(w₀ + switched w₁, …) modulo Q_level·P for a pair (w₀, w₁) modulo Q_level·P: only w₁ is divided by P.
    fn add_rotated(
        &self,
        total: &mut [RnsPoly<Eval>; 2],
        [w0, w1]: &[RnsPoly<Eval>; 2],
        galois: &GaloisKey,
        level: usize,
    ) {
        let basis = self.context.qp(level);
        let divided = self.context.mod_down(level).apply(w1);
        let limb_of = self.context.key_limb(level, galois.key.level());
        let [u, v] = self.context.gadget(level).sum_of_pairs(&divided, galois.key.digits(), limb_of);
        let [total_u, total_v] = total;
        basis.add_automorphism_assign(total_u, &[&u, w0], &galois.automorphism);
        basis.add_automorphism_assign(total_v, &[&v], &galois.automorphism);
    }

    /// P·(c₀, c₁) at a level; modulo the special primes it is zero.
    fn times_special_product(&self, a: &Ciphertext, level: usize) -> [RnsPoly<Eval>; 2] {
        a.parts.each_ref().map(|part| {
            let mut part = part.prefix(self.parameters().limbs(level));
            self.context.q(level).mul_integer_assign(&mut part, self.context.special_product(level));
            part
        })
    }

    /// The key of a rotation of so many slots; none is needed for step 0.
    pub(super) fn rotation_key(
        &self,
        step: i64,
        slots: usize,
        level: usize,
    ) -> Option<Result<&GaloisKey, Error>> {
        let element = rotation_element(self.parameters(), step);
        (step != 0).then(|| self.keys.galois(element, GaloisPurpose::Rotation(step), slots, level))
    }
}

fn image(galois: &GaloisKey) -> Image<'_> {
    Image::Switched { pairs: galois.key.digits(), automorphism: &galois.automorphism }
}
