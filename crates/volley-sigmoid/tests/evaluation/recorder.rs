//! An arithmetic that notes the scale of every encoding.

use std::sync::Mutex;

use volley_sigmoid::volley_revolver::volley_ckks::{
    Arithmetic, ClearCiphertext, ClearPlaintext, ClearSlots, ClearTensor, Complex64, Error, Operand,
    Parameters, Scale,
};

/// [`ClearSlots`], with log₂ of the scales that it encoded at.
pub(crate) struct Recorder {
    pub(crate) clear: ClearSlots,
    pub(crate) encodings: Mutex<Vec<f64>>,
}

type Ciphertext = ClearCiphertext;

impl Arithmetic for Recorder {
    type Ciphertext = ClearCiphertext;
    type Tensor = ClearTensor;
    type Plaintext = ClearPlaintext;

    fn encode(
        &self,
        values: impl FnOnce() -> Vec<Complex64>,
        scale: &Scale,
        level: usize,
    ) -> Result<ClearPlaintext, Error> {
        self.encodings.lock().unwrap().push(scale.log2());
        self.clear.encode(values, scale, level)
    }

    fn parameters(&self) -> &Parameters {
        self.clear.parameters()
    }

    fn operand<'a>(&self, a: &'a Ciphertext) -> &'a Operand {
        a.operand()
    }

    fn tensor_operand<'a>(&self, a: &'a ClearTensor) -> &'a Operand {
        a.operand()
    }

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.clear.add(a, b)
    }

    fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        self.clear.sub(a, b)
    }

    fn neg(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.clear.neg(a)
    }

    fn add_plain(&self, a: &Ciphertext, p: &ClearPlaintext) -> Result<Ciphertext, Error> {
        self.clear.add_plain(a, p)
    }

    fn add_constant(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext, Error> {
        self.clear.add_constant(a, c)
    }

    fn multiply_plain(&self, a: &Ciphertext, p: &ClearPlaintext) -> Result<Ciphertext, Error> {
        self.clear.multiply_plain(a, p)
    }

    fn multiply_constant(&self, a: &Ciphertext, c: f64, scale: &Scale) -> Result<Ciphertext, Error> {
        self.clear.multiply_constant(a, c, scale)
    }

    fn multiply_by_i(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.clear.multiply_by_i(a)
    }

    fn sum_of_products(&self, terms: &[(&Ciphertext, &Ciphertext)]) -> Result<ClearTensor, Error> {
        self.clear.sum_of_products(terms)
    }

    fn add_tensor(&self, a: ClearTensor, b: &ClearTensor) -> Result<ClearTensor, Error> {
        self.clear.add_tensor(a, b)
    }

    fn add_to_tensor(&self, a: ClearTensor, b: &Ciphertext) -> Result<ClearTensor, Error> {
        self.clear.add_to_tensor(a, b)
    }

    fn relinearize(&self, a: &ClearTensor) -> Result<Ciphertext, Error> {
        self.clear.relinearize(a)
    }

    fn relinearize_rescale(&self, a: &ClearTensor) -> Result<Ciphertext, Error> {
        self.clear.relinearize_rescale(a)
    }

    fn rescale(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.clear.rescale(a)
    }

    fn drop_level(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        self.clear.drop_level(a, level)
    }

    fn rotate(&self, a: &Ciphertext, steps: i64) -> Result<Ciphertext, Error> {
        self.clear.rotate(a, steps)
    }

    fn rotate_hoisted(&self, a: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, Error> {
        self.clear.rotate_hoisted(a, steps)
    }

    fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.clear.conjugate(a)
    }
}
