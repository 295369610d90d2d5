//! CKKS without encryption: slots, exact levels and scales, and a count of every operation.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use volley_revolver::volley_ckks::{
    Arithmetic, Complex64, Error, Operand, Parameters, ParametersLiteral, Scale, Security,
};

/// Slots and what is known of them.
#[derive(Clone, Debug)]
pub(crate) struct Ciphertext {
    pub(crate) operand: Operand,
    pub(crate) slots: Vec<Complex64>,
}

/// A degree-2 ciphertext.
#[derive(Clone, Debug)]
pub(crate) struct Tensor(Ciphertext);

/// A plaintext.
#[derive(Debug)]
pub(crate) struct Plaintext(Ciphertext);

/// How often each operation was done. A sum of products counts as one product a term, a hoisted rotation once a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rotations: usize,
    pub(crate) hoisted: usize,
    pub(crate) conjugations: usize,
    pub(crate) products: usize,
    pub(crate) relinearizations: usize,
}

#[derive(Debug)]
pub(crate) struct SlotModel {
    parameters: Parameters,
    counts: Mutex<Counts>,
    steps: Mutex<BTreeSet<i64>>,
}

impl SlotModel {
    pub(crate) fn new(parameters: Parameters) -> Self {
        Self { parameters, counts: Mutex::default(), steps: Mutex::default() }
    }

    /// The smallest ring for `slots` that has a transform, with so many levels.
    pub(crate) fn with_slots(slots: usize, levels: usize) -> Self {
        let levels = [vec![vec![50]], vec![vec![40]; levels]].concat();
        let literal = ParametersLiteral {
            log_n: (2 * slots).ilog2().max(4),
            levels,
            p_bits: vec![50],
            log_scale: 40,
            security: Security::Unchecked,
        };
        Self::new(literal.build().unwrap())
    }

    /// At the highest level and the default scale.
    pub(crate) fn encrypt(&self, slots: &[Complex64]) -> Ciphertext {
        let operand = Operand {
            level: self.parameters.max_level(),
            scale: self.parameters.scale(),
            slots: slots.len(),
        };
        Ciphertext { operand, slots: slots.to_vec() }
    }

    pub(crate) fn encrypt_all(&self, vectors: &[Vec<Complex64>]) -> Vec<Ciphertext> {
        vectors.iter().map(|slots| self.encrypt(slots)).collect()
    }

    /// The operations since the last call.
    pub(crate) fn take_counts(&self) -> Counts {
        std::mem::take(&mut self.counts())
    }

    /// The different rotations so far: as many Galois keys are needed.
    pub(crate) fn rotation_steps(&self) -> BTreeSet<i64> {
        self.steps.lock().unwrap().clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap()
    }

    fn rotated(&self, a: &Ciphertext, steps: i64) -> Ciphertext {
        let shift = steps.rem_euclid(a.slots.len() as i64);
        assert_ne!(shift, 0, "a rotation that moves nothing was paid for");
        self.steps.lock().unwrap().insert(shift);
        let mut slots = a.slots.clone();
        slots.rotate_left(shift as usize);
        Ciphertext { slots, ..a.clone() }
    }

    fn rescaled(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let level = a.operand.level;
        if level == 0 {
            return Err(Error::LevelExhausted { level, required: 1 });
        }
        let scale = a.operand.scale.divided_by(&Scale::prime(self.parameters.q()[level]));
        Ok(Ciphertext { operand: Operand { level: level - 1, scale, ..a.operand }, slots: a.slots.clone() })
    }
}

impl Ciphertext {
    fn map(&self, f: impl Fn(Complex64) -> Complex64) -> Self {
        Self { operand: self.operand.clone(), slots: self.slots.iter().map(|&x| f(x)).collect() }
    }

    fn zip(&self, b: &Self, scale: Scale, f: impl Fn(Complex64, Complex64) -> Complex64) -> Self {
        assert_eq!(self.slots.len(), b.slots.len());
        let level = self.operand.level.min(b.operand.level);
        let slots = self.slots.iter().zip(&b.slots).map(|(&x, &y)| f(x, y)).collect();
        Self { operand: Operand { level, scale, slots: self.slots.len() }, slots }
    }

    /// A slot-wise sum or difference: equal scales.
    fn linear(&self, b: &Self, f: impl Fn(Complex64, Complex64) -> Complex64) -> Result<Self, Error> {
        let (left, right) = (&self.operand.scale, &b.operand.scale);
        if left != right {
            return Err(Error::ScaleMismatch { left: left.log2(), right: right.log2() });
        }
        Ok(self.zip(b, left.clone(), f))
    }

    fn product(&self, b: &Self) -> Self {
        self.zip(b, self.operand.scale.times(&b.operand.scale), |x, y| x * y)
    }
}

impl Arithmetic for SlotModel {
    type Ciphertext = Ciphertext;
    type Tensor = Tensor;
    type Plaintext = Plaintext;

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }
    fn operand<'a>(&self, a: &'a Ciphertext) -> &'a Operand {
        &a.operand
    }
    fn tensor_operand<'a>(&self, a: &'a Tensor) -> &'a Operand {
        &a.0.operand
    }

    fn encode(
        &self,
        values: impl FnOnce() -> Vec<Complex64>,
        scale: &Scale,
        level: usize,
    ) -> Result<Plaintext, Error> {
        let (slots, max) = (values(), self.parameters.max_level());
        if level > max {
            return Err(Error::LevelRange { level, max });
        }
        let operand = Operand { level, scale: scale.clone(), slots: slots.len() };
        Ok(Plaintext(Ciphertext { operand, slots }))
    }

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        a.linear(b, |x, y| x + y)
    }
    fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        a.linear(b, |x, y| x - y)
    }
    fn neg(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        Ok(a.map(|x| -x))
    }
    fn add_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        a.linear(&p.0, |x, y| x + y)
    }
    fn add_constant(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext, Error> {
        Ok(a.map(|x| x + c))
    }
    fn multiply_plain(&self, a: &Ciphertext, p: &Plaintext) -> Result<Ciphertext, Error> {
        Ok(a.product(&p.0))
    }
    fn multiply_constant(&self, a: &Ciphertext, c: f64, scale: &Scale) -> Result<Ciphertext, Error> {
        let mut product = a.map(|x| x * c);
        product.operand.scale = product.operand.scale.times(scale);
        Ok(product)
    }
    fn multiply_by_i(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        Ok(a.map(|x| x * Complex64::I))
    }

    fn sum_of_products(&self, terms: &[(&Ciphertext, &Ciphertext)]) -> Result<Tensor, Error> {
        self.counts().products += terms.len();
        let mut products = terms.iter().map(|(a, b)| a.product(b));
        let first = products.next().ok_or(Error::EmptySum)?;
        products.try_fold(first, |sum, product| sum.linear(&product, |x, y| x + y)).map(Tensor)
    }
    fn add_tensor(&self, a: Tensor, b: &Tensor) -> Result<Tensor, Error> {
        a.0.linear(&b.0, |x, y| x + y).map(Tensor)
    }
    fn add_to_tensor(&self, a: Tensor, b: &Ciphertext) -> Result<Tensor, Error> {
        a.0.linear(b, |x, y| x + y).map(Tensor)
    }
    fn relinearize(&self, a: &Tensor) -> Result<Ciphertext, Error> {
        self.counts().relinearizations += 1;
        Ok(a.0.clone())
    }
    fn relinearize_rescale(&self, a: &Tensor) -> Result<Ciphertext, Error> {
        self.rescaled(&self.relinearize(a)?)
    }

    fn rescale(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.rescaled(a)
    }
    fn drop_level(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        if level > a.operand.level {
            return Err(Error::LevelExhausted { level: a.operand.level, required: level });
        }
        let mut dropped = a.clone();
        dropped.operand.level = level;
        Ok(dropped)
    }

    fn rotate(&self, a: &Ciphertext, steps: i64) -> Result<Ciphertext, Error> {
        self.counts().rotations += 1;
        Ok(self.rotated(a, steps))
    }
    fn rotate_hoisted(&self, a: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, Error> {
        self.counts().hoisted += steps.len();
        Ok(steps.iter().map(|&step| self.rotated(a, step)).collect())
    }
    fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.counts().conjugations += 1;
        Ok(a.map(|x| x.conj()))
    }
}
