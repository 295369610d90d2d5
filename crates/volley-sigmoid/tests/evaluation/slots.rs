//! A slot-level model of CKKS arithmetic: a ciphertext is its slots with their level and scale. It refuses what the
//! evaluator refuses (unequal scales, exhausted levels), counts operations, records the scale of every encoding, and
//! adds to each rescaling an error of fixed size relative to the scale, as the rounding of a real one does.

use std::cell::Cell;
use std::sync::Mutex;

use volley_sigmoid::volley_revolver::volley_ckks::{
    Arithmetic, Complex64, Error, Operand, Parameters, ParametersLiteral, Scale, Security,
};

/// Slots of every vector.
pub(crate) const SLOTS: usize = 64;

/// A ciphertext, a degree-2 ciphertext or a plaintext.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    pub(crate) values: Vec<Complex64>,
    pub(crate) operand: Operand,
}

/// What has been done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) products: usize,
    pub(crate) relinearizations: usize,
    pub(crate) rescalings: usize,
    pub(crate) plain_products: usize,
    pub(crate) plain_sums: usize,
    /// log₂ of the scale of each encoding.
    pub(crate) encodings: Vec<f64>,
}

pub(crate) struct SlotArithmetic {
    parameters: Parameters,
    /// The error of a rescaling, in units of the plaintext's coefficients.
    rounding: f64,
    pub(crate) counts: Mutex<Counts>,
}

impl SlotArithmetic {
    /// A chain of 50 + `levels` × 40 bits.
    pub(crate) fn new(levels: usize, rounding: f64) -> Self {
        let levels = [vec![vec![50]], vec![vec![40]; levels]].concat();
        let literal = ParametersLiteral {
            log_n: 12,
            levels,
            p_bits: vec![50],
            log_scale: 40,
            security: Security::Unchecked,
        };
        Self { parameters: literal.build().unwrap(), rounding, counts: Mutex::default() }
    }

    pub(crate) fn encrypt(&self, values: Vec<Complex64>, scale: Scale) -> Slots {
        let level = self.parameters.max_level();
        Slots { values, operand: Operand { level, scale, slots: SLOTS } }
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap());
    }

    fn product(a: &Slots, b: &Slots) -> Slots {
        let values = a.values.iter().zip(&b.values).map(|(a, b)| a * b).collect();
        let operand = Operand {
            level: a.operand.level.min(b.operand.level),
            scale: a.operand.scale.times(&b.operand.scale),
            slots: SLOTS,
        };
        Slots { values, operand }
    }

    fn sum(a: &Slots, b: &Slots) -> Result<Slots, Error> {
        if a.operand.scale != b.operand.scale {
            return Err(Error::ScaleMismatch { left: a.operand.scale.log2(), right: b.operand.scale.log2() });
        }
        let values = a.values.iter().zip(&b.values).map(|(a, b)| a + b).collect();
        let level = a.operand.level.min(b.operand.level);
        Ok(Slots { values, operand: Operand { level, ..a.operand.clone() } })
    }

    fn divided(&self, a: &Slots) -> Result<Slots, Error> {
        let Operand { level, scale, slots } = a.operand.clone();
        if level == 0 {
            return Err(Error::LevelExhausted { level: 0, required: 1 });
        }
        let scale = scale.divided_by(&Scale::prime(self.parameters.q()[level]));
        let error = self.rounding / scale.to_f64();
        let sign = Cell::new(1.0);
        let values = a.values.iter().map(|value| {
            sign.set(-sign.get());
            value + sign.get() * error
        });
        Ok(Slots { values: values.collect(), operand: Operand { level: level - 1, scale, slots } })
    }
}

/// Operations that the sigmoid has no use for.
fn unused<T>() -> Result<T, Error> {
    unimplemented!("not an operation of the sigmoid")
}

impl Arithmetic for SlotArithmetic {
    type Ciphertext = Slots;
    type Tensor = Slots;
    type Plaintext = Slots;

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn operand<'a>(&self, a: &'a Slots) -> &'a Operand {
        &a.operand
    }

    fn tensor_operand<'a>(&self, a: &'a Slots) -> &'a Operand {
        &a.operand
    }

    fn encode(
        &self,
        values: impl FnOnce() -> Vec<Complex64>,
        scale: &Scale,
        level: usize,
    ) -> Result<Slots, Error> {
        if scale.log2() < 1.0 {
            return Err(Error::ScaleRange { log2: scale.log2() });
        }
        self.count(|counts| counts.encodings.push(scale.log2()));
        Ok(Slots { values: values(), operand: Operand { level, scale: scale.clone(), slots: SLOTS } })
    }

    fn add_plain(&self, a: &Slots, p: &Slots) -> Result<Slots, Error> {
        self.count(|counts| counts.plain_sums += 1);
        Self::sum(a, p)
    }

    fn multiply_plain(&self, a: &Slots, p: &Slots) -> Result<Slots, Error> {
        self.count(|counts| counts.plain_products += 1);
        Ok(Self::product(a, p))
    }

    fn sum_of_products(&self, terms: &[(&Slots, &Slots)]) -> Result<Slots, Error> {
        self.count(|counts| counts.products += terms.len());
        let mut products = terms.iter().map(|(a, b)| Self::product(a, b));
        let first = products.next().ok_or(Error::EmptySum)?;
        products.try_fold(first, |sum, product| Self::sum(&sum, &product))
    }

    fn add_to_tensor(&self, a: Slots, b: &Slots) -> Result<Slots, Error> {
        Self::sum(&a, b)
    }

    fn relinearize_rescale(&self, a: &Slots) -> Result<Slots, Error> {
        self.count(|counts| counts.relinearizations += 1);
        self.divided(a)
    }

    fn rescale(&self, a: &Slots) -> Result<Slots, Error> {
        self.count(|counts| counts.rescalings += 1);
        self.divided(a)
    }

    fn add(&self, a: &Slots, b: &Slots) -> Result<Slots, Error> {
        Self::sum(a, b)
    }

    fn sub(&self, _: &Slots, _: &Slots) -> Result<Slots, Error> {
        unused()
    }

    fn neg(&self, _: &Slots) -> Result<Slots, Error> {
        unused()
    }

    fn add_constant(&self, _: &Slots, _: f64) -> Result<Slots, Error> {
        unused()
    }

    fn multiply_constant(&self, _: &Slots, _: f64, _: &Scale) -> Result<Slots, Error> {
        unused()
    }

    fn multiply_by_i(&self, _: &Slots) -> Result<Slots, Error> {
        unused()
    }

    fn add_tensor(&self, _: Slots, _: &Slots) -> Result<Slots, Error> {
        unused()
    }

    fn relinearize(&self, _: &Slots) -> Result<Slots, Error> {
        unused()
    }

    fn drop_level(&self, _: &Slots, _: usize) -> Result<Slots, Error> {
        unused()
    }

    fn rotate(&self, _: &Slots, _: i64) -> Result<Slots, Error> {
        unused()
    }

    fn rotate_hoisted(&self, _: &Slots, _: &[i64]) -> Result<Vec<Slots>, Error> {
        unused()
    }

    fn conjugate(&self, _: &Slots) -> Result<Slots, Error> {
        unused()
    }
}
