//! Running a circuit in clear: it computes values, by the rules of ciphertexts and without their noise.

use num_complex::Complex64;

mod linear;

pub use linear::ClearTransform;

use crate::arithmetic::Arithmetic;
use crate::backends::simulator::{SimulatedCiphertext, Simulator};
use crate::base::error::Error;
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::scheme::encoder::EncodingCheck;
use crate::scheme::operand::Operand;

/// [`Arithmetic`] on slots in clear: a [`Simulator`] whose ciphertexts have values.
///
/// Levels, scales and slots follow the rules of [`Operand`]. An operation that an [`Evaluator`](crate::Evaluator)
/// refuses for its level, scale or slots, for a constant or for a vector to encode, is refused with the same error. The
/// [`simulator`](Self::simulator) inside counts the operations and lists the keys. Values are complex numbers of double
/// precision: nothing is encrypted, no encoding and no rescaling rounds, and the integers that
/// [`raise`](crate::bootstrapping::BootstrapArithmetic::raise) adds are zero. Where an evaluator would not have
/// [room](Arithmetic#room-for-values), values stay what they are. An evaluator's result therefore differs only by its
/// noise, or by a value without room.
///
/// An operation takes O(n) time for n slots, and a linear transform O(n) for each diagonal.
///
/// ```
/// use volley_ckks::*;
///
/// /// The sum of squares of four slots.
/// fn energy<A: Arithmetic>(ev: &A, x: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
///     let squares = ev.square(x)?;
///     let pairs = ev.add(&squares, &ev.rotate(&squares, 1)?)?;
///     ev.add(&pairs, &ev.rotate(&pairs, 2)?)
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let parameters = Parameters::n14()?;
/// let clear = ClearSlots::new(&parameters);
/// let x = clear.input(&[1.0, 2.0, 3.0, 4.0], &parameters.scale(), 7)?;
/// let result = energy(&clear, &x)?;
/// assert_eq!(result.values(), [Complex64::from(30.0); 4]);
/// assert_eq!((result.operand().level, clear.simulator().key_spec().key_count()), (6, 3));
///
/// // What has no level left is refused, as it would be for ciphertexts.
/// let exhausted = clear.input(&[1.0, 2.0, 3.0, 4.0], &Scale::power_of_two(20), 0)?;
/// assert_eq!(energy(&clear, &exhausted).err(), Some(Error::LevelExhausted { level: 0, required: 1 }));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ClearSlots {
    simulator: Simulator,
    encoding: EncodingCheck,
}

/// The slots of a ciphertext of degree 1, in clear.
#[derive(Clone, Debug)]
pub struct ClearCiphertext {
    simulated: SimulatedCiphertext,
    /// One for each slot of the operand.
    values: Vec<Complex64>,
}

/// The slots of a ciphertext of degree 2, in clear.
#[derive(Clone, Debug)]
pub struct ClearTensor(ClearCiphertext);

/// The slots of a plaintext.
#[derive(Clone, Debug, PartialEq)]
pub struct ClearPlaintext {
    operand: Operand,
    values: Vec<Complex64>,
}

impl ClearSlots {
    /// An arithmetic of one parameter set.
    #[must_use]
    pub fn new(parameters: &Parameters) -> Self {
        Self { simulator: Simulator::new(parameters), encoding: EncodingCheck::new(parameters) }
    }

    /// The simulator that every operation runs on too: operations, keys and memory so far.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// A ciphertext of these values, as many as there are slots: a power of two up to N/2.
    ///
    /// # Errors
    ///
    /// Those of [`Encoder::encode`](crate::Encoder::encode).
    pub fn input<T: Into<Complex64> + Copy>(
        &self,
        values: &[T],
        scale: &Scale,
        level: usize,
    ) -> Result<ClearCiphertext, Error> {
        let values: Vec<Complex64> = values.iter().map(|&value| value.into()).collect();
        let operand = self.encoding.operand(&values, scale, level)?;
        Ok(ClearCiphertext { simulated: self.simulator.existing_operand(operand)?, values })
    }
}

impl ClearCiphertext {
    /// Level, scale and slot count.
    #[must_use]
    pub fn operand(&self) -> &Operand {
        self.simulated.operand()
    }

    /// The values of the slots.
    #[must_use]
    pub fn values(&self) -> &[Complex64] {
        &self.values
    }

    /// The ciphertext of these slots, each of them changed by `f`.
    fn map(&self, simulated: SimulatedCiphertext, f: impl Fn(Complex64) -> Complex64) -> Self {
        Self { simulated, values: self.values.iter().map(|&x| f(x)).collect() }
    }

    /// The ciphertext of two vectors, put together slot by slot.
    fn zip(
        simulated: SimulatedCiphertext,
        [a, b]: [&[Complex64]; 2],
        f: impl Fn(Complex64, Complex64) -> Complex64,
    ) -> Self {
        let slots = simulated.operand().slots;
        let values = repeated(a, slots).zip(repeated(b, slots)).map(|(x, y)| f(x, y)).collect();
        Self { simulated, values }
    }

    /// Slot j becomes slot j + `steps`.
    fn rotated(&self, simulated: SimulatedCiphertext, steps: i64) -> Self {
        let start = steps.rem_euclid(self.values.len() as i64) as usize;
        let mut values = self.values.clone();
        values.rotate_left(start);
        Self { simulated, values }
    }
}

impl ClearTensor {
    /// Level, scale and slot count.
    #[must_use]
    pub fn operand(&self) -> &Operand {
        self.0.operand()
    }

    /// The values of the slots.
    #[must_use]
    pub fn values(&self) -> &[Complex64] {
        self.0.values()
    }
}

impl ClearPlaintext {
    /// Level, scale and slot count.
    #[must_use]
    pub fn operand(&self) -> &Operand {
        &self.operand
    }

    /// The values of the slots.
    #[must_use]
    pub fn values(&self) -> &[Complex64] {
        &self.values
    }
}

/// A vector as so many slots, a multiple of its length: it repeats.
fn repeated(values: &[Complex64], slots: usize) -> impl Iterator<Item = Complex64> + '_ {
    values.iter().copied().cycle().take(slots)
}

impl Arithmetic for ClearSlots {
    type Ciphertext = ClearCiphertext;
    type Tensor = ClearTensor;
    type Plaintext = ClearPlaintext;

    fn parameters(&self) -> &Parameters {
        self.simulator.parameters()
    }

    fn operand<'a>(&self, a: &'a ClearCiphertext) -> &'a Operand {
        a.operand()
    }

    fn tensor_operand<'a>(&self, a: &'a ClearTensor) -> &'a Operand {
        a.operand()
    }

    fn encode(
        &self,
        values: impl FnOnce() -> Vec<Complex64>,
        scale: &Scale,
        level: usize,
    ) -> Result<ClearPlaintext, Error> {
        let values = values();
        Ok(ClearPlaintext { operand: self.encoding.operand(&values, scale, level)?, values })
    }

    fn add(&self, a: &ClearCiphertext, b: &ClearCiphertext) -> Result<ClearCiphertext, Error> {
        Ok(ClearCiphertext::zip(
            self.simulator.add(&a.simulated, &b.simulated)?,
            [&a.values, &b.values],
            |x, y| x + y,
        ))
    }

    fn sub(&self, a: &ClearCiphertext, b: &ClearCiphertext) -> Result<ClearCiphertext, Error> {
        Ok(ClearCiphertext::zip(
            self.simulator.sub(&a.simulated, &b.simulated)?,
            [&a.values, &b.values],
            |x, y| x - y,
        ))
    }

    fn neg(&self, a: &ClearCiphertext) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.neg(&a.simulated)?, |x| -x))
    }

    fn add_plain(&self, a: &ClearCiphertext, p: &ClearPlaintext) -> Result<ClearCiphertext, Error> {
        Ok(ClearCiphertext::zip(
            self.simulator.add_plain(&a.simulated, &p.operand)?,
            [&a.values, &p.values],
            |x, y| x + y,
        ))
    }

    fn add_constant(&self, a: &ClearCiphertext, c: f64) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.add_constant(&a.simulated, c)?, |x| x + c))
    }

    fn multiply_plain(&self, a: &ClearCiphertext, p: &ClearPlaintext) -> Result<ClearCiphertext, Error> {
        Ok(ClearCiphertext::zip(
            self.simulator.multiply_plain(&a.simulated, &p.operand)?,
            [&a.values, &p.values],
            |x, y| x * y,
        ))
    }

    fn multiply_constant(
        &self,
        a: &ClearCiphertext,
        c: f64,
        scale: &Scale,
    ) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.multiply_constant(&a.simulated, c, scale)?, |x| x * c))
    }

    fn linear_combination(
        &self,
        terms: &[(&ClearCiphertext, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<ClearCiphertext, Error> {
        let simulated: Vec<_> = terms.iter().map(|(a, c)| (&a.simulated, *c)).collect();
        let simulated = self.simulator.linear_combination(&simulated, scale, level)?;
        let slots = simulated.operand().slots;
        let mut values = vec![Complex64::ZERO; slots];
        for (a, c) in terms {
            values.iter_mut().zip(repeated(&a.values, slots)).for_each(|(sum, x)| *sum += x * c);
        }
        Ok(ClearCiphertext { simulated, values })
    }

    fn multiply_by_i(&self, a: &ClearCiphertext) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.multiply_by_i(&a.simulated)?, |x| x * Complex64::I))
    }

    fn sum_of_products(&self, terms: &[(&ClearCiphertext, &ClearCiphertext)]) -> Result<ClearTensor, Error> {
        let simulated: Vec<_> = terms.iter().map(|(a, b)| (&a.simulated, &b.simulated)).collect();
        let simulated = self.simulator.sum_of_products(&simulated)?;
        let slots = simulated.operand().slots;
        let mut values = vec![Complex64::ZERO; slots];
        for (a, b) in terms {
            let pairs = repeated(&a.values, slots).zip(repeated(&b.values, slots));
            values.iter_mut().zip(pairs).for_each(|(sum, (x, y))| *sum += x * y);
        }
        Ok(ClearTensor(ClearCiphertext { simulated, values }))
    }

    fn add_tensor(&self, ClearTensor(a): ClearTensor, b: &ClearTensor) -> Result<ClearTensor, Error> {
        let simulated = self.simulator.add_tensor(a.simulated, &b.0.simulated)?;
        Ok(ClearTensor(ClearCiphertext::zip(simulated, [&a.values, b.values()], |x, y| x + y)))
    }

    fn add_to_tensor(&self, ClearTensor(a): ClearTensor, b: &ClearCiphertext) -> Result<ClearTensor, Error> {
        let simulated = self.simulator.add_to_tensor(a.simulated, &b.simulated)?;
        Ok(ClearTensor(ClearCiphertext::zip(simulated, [&a.values, &b.values], |x, y| x + y)))
    }

    fn relinearize(&self, ClearTensor(a): &ClearTensor) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.relinearize(&a.simulated)?, |x| x))
    }

    fn relinearize_rescale(&self, ClearTensor(a): &ClearTensor) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.relinearize_rescale(&a.simulated)?, |x| x))
    }

    fn rescale(&self, a: &ClearCiphertext) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.rescale(&a.simulated)?, |x| x))
    }

    fn drop_level(&self, a: &ClearCiphertext, level: usize) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.drop_level(&a.simulated, level)?, |x| x))
    }

    fn rotate(&self, a: &ClearCiphertext, steps: i64) -> Result<ClearCiphertext, Error> {
        Ok(a.rotated(self.simulator.rotate(&a.simulated, steps)?, steps))
    }

    fn rotate_hoisted(&self, a: &ClearCiphertext, steps: &[i64]) -> Result<Vec<ClearCiphertext>, Error> {
        let simulated = self.simulator.rotate_hoisted(&a.simulated, steps)?;
        Ok(simulated.into_iter().zip(steps).map(|(simulated, &step)| a.rotated(simulated, step)).collect())
    }

    fn sum_of_rotations(&self, a: &ClearCiphertext, steps: &[i64]) -> Result<ClearCiphertext, Error> {
        let simulated = self.simulator.sum_of_rotations(&a.simulated, steps)?;
        let n = a.values.len();
        let starts: Vec<_> = steps.iter().map(|step| step.rem_euclid(n as i64) as usize).collect();
        let sum = |slot: usize| starts.iter().map(|start| a.values[(slot + start) % n]).sum();
        Ok(ClearCiphertext { simulated, values: (0..n).map(sum).collect() })
    }

    fn conjugate(&self, a: &ClearCiphertext) -> Result<ClearCiphertext, Error> {
        Ok(a.map(self.simulator.conjugate(&a.simulated)?, |x| x.conj()))
    }
}

#[cfg(test)]
mod tests;
