//! The evaluator: arithmetic on ciphertexts.

use std::array;
use std::sync::Arc;

use maybe_rayon::prelude::*;
use num_complex::Complex64;
use volley_ring::{Eval, RnsBasis, RnsPoly, TensorTerm};

mod key_switch;
mod linear_transform;
mod raise;

pub use linear_transform::EncodedTransform;

use crate::arithmetic::counts::{Counters, Operation, OperationCounts};
use crate::arithmetic::{Arithmetic, ProductTerms};
use crate::base::error::Error;
use crate::base::galois::{GaloisPurpose, conjugation_element};
use crate::base::params::{Parameters, ParamsId};
use crate::base::scale::Scale;
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::rlwe::keys::EvaluationKeySet;
use crate::scheme::ciphertext::{Ciphertext, Plaintext, TensorCiphertext};
use crate::scheme::encoder::Encoder;
use crate::scheme::operand::Operand;

/// Hoisted rotations that are made together, prime by prime: the digits are read from memory once for them. For each,
/// the remainders modulo P of both halves are alive meanwhile, 3 MB at N = 2^15.
const ROTATIONS_AT_ONCE: usize = 8;

/// Computes on the ciphertexts of one owner with the owner's evaluation keys. All operations are those of
/// [`Arithmetic`]; they take `&self` and may be called from many threads, with the same result.
///
/// A clone is the same evaluator: it copies four pointers, and both have the same [counts](Self::counts). Evaluators
/// that are made from one `Arc` of keys share only the keys, and each counts for itself.
#[derive(Clone, Debug)]
pub struct Evaluator {
    context: Arc<Context>,
    encoder: Arc<Encoder>,
    keys: Arc<EvaluationKeySet>,
    counters: Arc<Counters>,
}

impl Evaluator {
    /// An evaluator with an owner's keys, which may be gigabytes: pass an `Arc` to keep them for another one.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the keys belong to another parameter set.
    pub fn new(context: &Arc<Context>, keys: impl Into<Arc<EvaluationKeySet>>) -> Result<Self, Error> {
        let keys = keys.into();
        if keys.params_id() != context.parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        Ok(Self {
            encoder: Arc::new(Encoder::new(context)),
            counters: Arc::new(Counters::new(context.parameters().max_level())),
            context: Arc::clone(context),
            keys,
        })
    }

    /// The tables of the parameter set.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The encoder.
    #[must_use]
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// The owner's keys.
    #[must_use]
    pub fn keys(&self) -> &Arc<EvaluationKeySet> {
        &self.keys
    }

    /// The operations done so far.
    #[must_use]
    pub fn counts(&self) -> OperationCounts {
        self.counters.snapshot()
    }

    /// Refuses ciphertexts of another parameter set or owner.
    fn check(&self, ciphertexts: &[&Ciphertext]) -> Result<(), Error> {
        ciphertexts.iter().try_for_each(|a| self.check_ids(a.params_id, a.key_id))
    }

    fn check_tensor(&self, a: &TensorCiphertext) -> Result<(), Error> {
        self.check_ids(a.params_id, a.key_id)
    }

    fn check_ids(&self, params_id: ParamsId, key_id: KeyId) -> Result<(), Error> {
        if params_id != self.keys.params_id() {
            return Err(Error::ParameterMismatch);
        }
        if key_id != self.keys.key_id() {
            return Err(Error::KeyMismatch);
        }
        Ok(())
    }

    fn check_plain(&self, p: &Plaintext) -> Result<(), Error> {
        if p.params_id == self.keys.params_id() { Ok(()) } else { Err(Error::ParameterMismatch) }
    }

    fn ciphertext(&self, operand: Operand, parts: [RnsPoly<Eval>; 2]) -> Ciphertext {
        let (params_id, key_id) = (self.keys.params_id(), self.keys.key_id());
        Ciphertext { operand, parts, params_id, key_id }
    }

    fn tensor(&self, operand: Operand, parts: [RnsPoly<Eval>; 3]) -> TensorCiphertext {
        let (params_id, key_id) = (self.keys.params_id(), self.keys.key_id());
        TensorCiphertext { operand, parts, params_id, key_id }
    }

    /// The parts of `a` at the level of `operand`, changed in place by `f`.
    fn map_parts(
        &self,
        operand: Operand,
        a: &Ciphertext,
        f: impl Fn(usize, &mut RnsPoly<Eval>),
    ) -> Ciphertext {
        let mut parts = a.parts.each_ref().map(|part| part.prefix(self.parameters().limbs(operand.level)));
        for (index, part) in parts.iter_mut().enumerate() {
            f(index, part);
        }
        self.ciphertext(operand, parts)
    }

    /// a plus the parts of another ciphertext of degree 2 or 1.
    fn add_parts(
        &self,
        mut a: TensorCiphertext,
        operand: &Operand,
        summand: &[RnsPoly<Eval>],
    ) -> Result<TensorCiphertext, Error> {
        let basis = self.cut_to_sum(&mut a, operand)?;
        for (part, other) in a.parts.iter_mut().zip(summand) {
            basis.add_assign(part, other);
        }
        Ok(a)
    }

    /// Gives `a` the operand of its sum with another one, and the limbs that it has, whose basis it returns.
    fn cut_to_sum(&self, a: &mut TensorCiphertext, other: &Operand) -> Result<&RnsBasis, Error> {
        self.check_tensor(a)?;
        a.operand = a.operand.sum(other)?;
        let limbs = self.parameters().limbs(a.level());
        a.parts.iter_mut().for_each(|part| part.truncate(limbs));
        Ok(self.context.q(a.level()))
    }

    /// The operand of a sum of products, which are counted.
    fn products_operand(&self, terms: &[(&Ciphertext, &Ciphertext)]) -> Result<Operand, Error> {
        terms.iter().try_for_each(|&(a, b)| self.check(&[a, b]))?;
        let operands = terms.iter().map(|(a, b)| (&a.operand, &b.operand));
        let operand = Operand::sum_of_products(self.parameters(), operands)?;
        self.counters.add(Operation::Product, operand.level, terms.len());
        Ok(operand)
    }

    /// The residues of an integer at a level.
    fn residues(&self, value: i128, level: usize) -> Vec<u64> {
        self.context.q(level).moduli().map(|q| q.from_signed_wide(value)).collect()
    }

    /// σ(a) after the key switch that makes it decryptable by s again.
    fn apply_galois(
        &self,
        a: &Ciphertext,
        element: u64,
        purpose: GaloisPurpose,
    ) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        let key = self.keys.galois(element, purpose, a.slots(), a.level())?;
        Ok(self.switch_galois(a, key))
    }
}

/// Both parts of the first factor and of the second, for each term.
fn pairs_of_parts<'a>(terms: &[(&'a Ciphertext, &'a Ciphertext)]) -> Vec<TensorTerm<'a>> {
    terms.iter().map(|(a, b)| [&a.parts[0], &a.parts[1], &b.parts[0], &b.parts[1]]).collect()
}

impl Arithmetic for Evaluator {
    type Ciphertext = Ciphertext;
    type Tensor = TensorCiphertext;
    type Plaintext = Plaintext;

    fn parameters(&self) -> &Parameters {
        self.context.parameters()
    }

    fn operand<'a>(&self, a: &'a Ciphertext) -> &'a Operand {
        a.operand()
    }

    fn tensor_operand<'a>(&self, a: &'a TensorCiphertext) -> &'a Operand {
        a.operand()
    }

    fn encode(
        &self,
        values: impl FnOnce() -> Vec<Complex64>,
        scale: &Scale,
        level: usize,
    ) -> Result<Plaintext, Error> {
        self.encoder.encode(&values(), scale, level)
    }

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check(&[a, b])?;
        let operand = a.operand.sum(&b.operand)?;
        let basis = self.context.q(operand.level);
        let parts = array::from_fn(|index| basis.sum(&a.parts[index], &b.parts[index]));
        Ok(self.ciphertext(operand, parts))
    }

    fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check(&[a, b])?;
        let operand = a.operand.sum(&b.operand)?;
        let basis = self.context.q(operand.level);
        let parts = array::from_fn(|index| basis.difference(&a.parts[index], &b.parts[index]));
        Ok(self.ciphertext(operand, parts))
    }

    fn neg(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        let basis = self.context.q(a.level());
        Ok(self.map_parts(a.operand.clone(), a, |_, part| basis.neg_assign(part)))
    }

    fn add_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        self.check_plain(p)?;
        let operand = a.operand.sum(&p.operand)?;
        let basis = self.context.q(operand.level);
        Ok(self.map_parts(operand, a, |index, part| {
            if index == 0 {
                basis.add_assign(part, &p.poly);
            }
        }))
    }

    fn add_constant(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        let constant = a.operand.constant(self.parameters(), c)?;
        let residues = self.residues(constant, a.level());
        let basis = self.context.q(a.level());
        Ok(self.map_parts(a.operand.clone(), a, |index, part| {
            if index == 0 {
                basis.add_integer_assign(part, &residues);
            }
        }))
    }

    fn multiply_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        self.check_plain(p)?;
        let operand = a.operand.product(self.parameters(), &p.operand)?;
        self.counters.add(Operation::PlainProduct, operand.level, 1);
        let basis = self.context.q(operand.level);
        let parts = a.parts.each_ref().map(|part| basis.product(part, &p.poly));
        Ok(self.ciphertext(operand, parts))
    }

    fn multiply_constant(&self, a: &Ciphertext, c: f64, scale: &Scale) -> Result<Ciphertext, Error> {
        self.linear_combination(&[(a, c)], &a.scale().times(scale), a.level())
    }

    fn linear_combination(
        &self,
        terms: &[(&Ciphertext, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<Ciphertext, Error> {
        terms.iter().try_for_each(|(a, _)| self.check(&[a]))?;
        let operands: Vec<_> = terms.iter().map(|(a, c)| (&a.operand, *c)).collect();
        let (operand, constants) = Operand::linear_combination(self.parameters(), &operands, scale, level)?;
        let factors: Vec<_> = constants.into_iter().map(|c| self.residues(c, level)).collect();
        self.counters.add(Operation::ConstantProduct, level, terms.len());
        let basis = self.context.q(level);
        let sum = |part: usize| {
            let terms = terms.iter().zip(&factors);
            basis.sum_of_multiples(&terms.map(|((a, _), c)| (&a.parts[part], &c[..])).collect::<Vec<_>>())
        };
        Ok(self.ciphertext(operand, [sum(0), sum(1)]))
    }

    fn multiply_by_i(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        let basis = self.context.q(a.level());
        Ok(self.map_parts(a.operand.clone(), a, |_, part| basis.mul_fourth_root_assign(part)))
    }

    fn sum_of_products(&self, terms: &[(&Ciphertext, &Ciphertext)]) -> Result<TensorCiphertext, Error> {
        let operand = self.products_operand(terms)?;
        let parts = self.context.q(operand.level).sum_of_tensors(&pairs_of_parts(terms));
        Ok(self.tensor(operand, parts))
    }

    fn sums_of_products(
        &self,
        terms: &[ProductTerms<'_, Ciphertext>],
    ) -> Result<Vec<TensorCiphertext>, Error> {
        let operands =
            terms.iter().map(|terms| self.products_operand(terms)).collect::<Result<Vec<_>, _>>()?;
        let pairs: Vec<_> = terms.iter().map(|terms| pairs_of_parts(terms)).collect();
        let mut pairs = &pairs[..];
        let mut sums = Vec::with_capacity(terms.len());
        for operands in operands.chunk_by(|a, b| a.level == b.level) {
            let (first, others) = pairs.split_at(operands.len());
            let parts = self.context.q(operands[0].level).sums_of_tensors(first);
            sums.extend(
                operands.iter().zip(parts).map(|(operand, parts)| self.tensor(operand.clone(), parts)),
            );
            pairs = others;
        }
        Ok(sums)
    }

    fn add_products(
        &self,
        sums: Vec<(TensorCiphertext, ProductTerms<'_, Ciphertext>)>,
    ) -> Result<Vec<TensorCiphertext>, Error> {
        let (mut sums, terms): (Vec<_>, Vec<_>) = sums.into_iter().unzip();
        for (sum, terms) in sums.iter_mut().zip(&terms) {
            let products = self.products_operand(terms)?;
            self.cut_to_sum(sum, &products)?;
        }
        let pairs: Vec<_> = terms.iter().map(|terms| pairs_of_parts(terms)).collect();
        let mut pairs = pairs.iter().map(|pairs| &pairs[..]);
        for sums in sums.chunk_by_mut(|a, b| a.level() == b.level()) {
            let basis = self.context.q(sums[0].level());
            basis.add_tensors(sums.iter_mut().map(|sum| &mut sum.parts).zip(pairs.by_ref()).collect());
        }
        Ok(sums)
    }

    fn add_tensor(&self, a: TensorCiphertext, b: &TensorCiphertext) -> Result<TensorCiphertext, Error> {
        self.check_tensor(b)?;
        self.add_parts(a, &b.operand, &b.parts)
    }

    fn add_to_tensor(&self, a: TensorCiphertext, b: &Ciphertext) -> Result<TensorCiphertext, Error> {
        self.check(&[b])?;
        self.add_parts(a, &b.operand, &b.parts)
    }

    fn relinearize(&self, a: &TensorCiphertext) -> Result<Ciphertext, Error> {
        self.check_tensor(a)?;
        let level = a.level();
        let key = self.keys.relinearization(level)?;
        self.counters.add(Operation::Relinearization, level, 1);
        let parts = self.switch_tensor(a, key, self.context.mod_down(level));
        Ok(self.ciphertext(a.operand.clone(), parts))
    }

    fn relinearize_rescale(&self, a: &TensorCiphertext) -> Result<Ciphertext, Error> {
        self.check_tensor(a)?;
        let operand = a.operand.rescaled(self.parameters())?;
        let level = a.level();
        let key = self.keys.relinearization(level)?;
        // The other parts are added before the one division by P·q_l.
        let division = self.context.mod_down_rescale(level)?;
        self.counters.add(Operation::Relinearization, level, 1);
        Ok(self.ciphertext(operand, self.switch_tensor(a, key, division)))
    }

    fn rescale(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        let operand = a.operand.rescaled(self.parameters())?;
        let division = self.context.rescale(a.level())?;
        self.counters.add(Operation::Rescaling, a.level(), 1);
        Ok(self.ciphertext(operand, a.parts.each_ref().map(|part| division.apply(part))))
    }

    fn drop_level(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        a.drop_level(self.parameters(), level)
    }

    fn rotate(&self, a: &Ciphertext, steps: i64) -> Result<Ciphertext, Error> {
        let element = a.operand.rotation_element(self.parameters(), steps);
        if element == 1 {
            self.check(&[a])?;
            return Ok(a.clone());
        }
        let purpose = GaloisPurpose::Rotation(a.operand.rotation_step(steps));
        let rotated = self.apply_galois(a, element, purpose)?;
        self.counters.add(Operation::Rotation, a.level(), 1);
        Ok(rotated)
    }

    fn rotate_hoisted(&self, a: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, Error> {
        self.check(&[a])?;
        let keys = steps
            .iter()
            .map(|&steps| self.rotation_key(a.operand.rotation_step(steps), a.slots(), a.level()).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let rotations = keys.iter().flatten().count();
        if rotations == 0 {
            return Ok(vec![a.clone(); steps.len()]);
        }
        self.counters.add(Operation::Hoisting, a.level(), 1);
        self.counters.add(Operation::HoistedRotation, a.level(), rotations);
        let digits = self.decompose(&a.parts[1], a.level());
        let groups = keys.par_chunks(ROTATIONS_AT_ONCE).flat_map_iter(|keys| {
            let mut switched = self.switch_hoisted(a, &digits, keys.iter().copied().flatten());
            keys.iter()
                .map(|key| key.and_then(|_| switched.next()).unwrap_or_else(|| a.clone()))
                .collect::<Vec<_>>()
        });
        Ok(groups.collect())
    }

    fn sum_of_rotations(&self, a: &Ciphertext, steps: &[i64]) -> Result<Ciphertext, Error> {
        self.sum_of_hoisted(a, steps)
    }

    fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let element = conjugation_element(self.parameters());
        let conjugated = self.apply_galois(a, element, GaloisPurpose::Conjugation)?;
        self.counters.add(Operation::Conjugation, a.level(), 1);
        Ok(conjugated)
    }
}

#[cfg(test)]
mod tests;
