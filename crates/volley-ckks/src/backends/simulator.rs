//! Running a circuit without ciphertexts, to find the levels, keys, operations and memory that it takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use num_complex::Complex64;

mod linear_transform;
mod part;
mod raise;

pub use linear_transform::SimulatedTransform;
pub use part::SimulatedPart;

use crate::arithmetic::cost_model::scratch_bytes;
use crate::arithmetic::counts::{Counters, Operation, OperationCounts};
use crate::arithmetic::{Arithmetic, ProductTerms};
use crate::base::error::Error;
use crate::base::galois::conjugation_element;
use crate::base::params::{Parameters, SecretDistribution};
use crate::base::scale::Scale;
use crate::rlwe::keys::KeySpec;
use crate::scheme::operand::Operand;

/// [`Arithmetic`] on operands alone, without values and without keys.
///
/// It follows levels and scales by the evaluator's rules, and refuses a level, a scale or a constant that the evaluator
/// would refuse. It lists the keys that the evaluator needs, counts the operations, and keeps track of the memory that
/// live ciphertexts would take.
#[derive(Debug)]
pub struct Simulator {
    parameters: Parameters,
    counters: Counters,
    keys: Mutex<KeySpec>,
    upload: Mutex<Upload>,
    memory: Arc<Memory>,
}

/// What owners send for a circuit, as it is packed in files ([`wire`](crate::wire)): seeded ciphertexts of one owner,
/// ciphertexts under the public key of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// Number of ciphertexts.
    pub ciphertexts: usize,
    /// Bytes of all, without the header of the file.
    pub bytes: u64,
    /// Bytes of all in memory, as long as they are not expanded.
    pub memory_bytes: u64,
}

/// The bytes held at present, and the most so far.
#[derive(Debug, Default)]
struct Memory {
    live: AtomicU64,
    peak: AtomicU64,
    /// Of those held, the bytes of key switches that run, and the most of all others.
    scratch: AtomicU64,
    ciphertext_peak: AtomicU64,
    /// The most for a single key switch.
    key_switch: AtomicU64,
}

/// A ciphertext that is only an [`Operand`] and the bytes it would take.
#[derive(Debug)]
pub struct SimulatedCiphertext {
    operand: Operand,
    bytes: u64,
    memory: Arc<Memory>,
}

impl SimulatedCiphertext {
    fn new(memory: &Arc<Memory>, operand: Operand, bytes: u64) -> Self {
        let live = memory.live.fetch_add(bytes, Ordering::Relaxed) + bytes;
        memory.peak.fetch_max(live, Ordering::Relaxed);
        let others = live.saturating_sub(memory.scratch.load(Ordering::Relaxed));
        memory.ciphertext_peak.fetch_max(others, Ordering::Relaxed);
        Self { operand, bytes, memory: Arc::clone(memory) }
    }

    /// Level, scale and slot count.
    #[must_use]
    pub fn operand(&self) -> &Operand {
        &self.operand
    }
}

impl Clone for SimulatedCiphertext {
    fn clone(&self) -> Self {
        Self::new(&self.memory, self.operand.clone(), self.bytes)
    }
}

impl Drop for SimulatedCiphertext {
    fn drop(&mut self) {
        self.memory.live.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The bytes of a key switch while it runs.
#[derive(Debug)]
struct Scratch {
    bytes: u64,
    memory: Arc<Memory>,
}

impl Scratch {
    fn new(memory: &Arc<Memory>, bytes: u64) -> Self {
        memory.scratch.fetch_add(bytes, Ordering::Relaxed);
        let live = memory.live.fetch_add(bytes, Ordering::Relaxed) + bytes;
        memory.peak.fetch_max(live, Ordering::Relaxed);
        Self { bytes, memory: Arc::clone(memory) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.memory.live.fetch_sub(self.bytes, Ordering::Relaxed);
        self.memory.scratch.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Simulator {
    /// A simulator of one parameter set.
    #[must_use]
    pub fn new(parameters: &Parameters) -> Self {
        Self {
            parameters: parameters.clone(),
            counters: Counters::new(parameters.max_level()),
            keys: Mutex::new(KeySpec::new(parameters)),
            upload: Mutex::default(),
            memory: Arc::default(),
        }
    }

    /// A ciphertext of full slots, as an owner would upload it.
    ///
    /// # Errors
    ///
    /// [`Error::LevelRange`] where the level does not exist, and the errors of [`Operand`] for a scale that it does not
    /// hold.
    pub fn input(&self, scale: &Scale, level: usize) -> Result<SimulatedCiphertext, Error> {
        self.input_operand(self.full(scale, level)?)
    }

    /// A ciphertext of any number of slots, as an owner would upload it.
    ///
    /// # Errors
    ///
    /// As [`input`](Self::input), and [`Error::SlotCount`].
    pub fn input_operand(&self, operand: Operand) -> Result<SimulatedCiphertext, Error> {
        let operand = operand.checked(&self.parameters)?;
        let level = operand.level;
        let mut upload = self.upload.lock().unwrap_or_else(PoisonError::into_inner);
        let half = self.poly_bytes(self.parameters.limbs(level));
        let (bytes, memory_bytes) = match self.parameters.secret() {
            SecretDistribution::Ternary => (operand.seeded_bytes(&self.parameters), half),
            SecretDistribution::TernarySum { .. } => (operand.ciphertext_bytes(&self.parameters), 2 * half),
        };
        upload.ciphertexts += 1;
        upload.bytes += bytes;
        upload.memory_bytes += memory_bytes;
        Ok(self.ciphertext(operand))
    }

    /// A ciphertext that the server has already: it is not [uploaded](Self::upload).
    ///
    /// # Errors
    ///
    /// As [`input`](Self::input).
    pub fn existing(&self, scale: &Scale, level: usize) -> Result<SimulatedCiphertext, Error> {
        Ok(self.ciphertext(self.full(scale, level)?))
    }

    /// A ciphertext of any number of slots that the server has already.
    ///
    /// # Errors
    ///
    /// As [`input`](Self::input), and [`Error::SlotCount`].
    pub fn existing_operand(&self, operand: Operand) -> Result<SimulatedCiphertext, Error> {
        Ok(self.ciphertext(operand.checked(&self.parameters)?))
    }

    /// Runs once a part of a circuit that the circuit does `times` times. Each time it has to have the same operations
    /// at the same levels, and as much has to be alive before it as after it.
    pub fn repeated<T>(&self, times: usize, run: impl FnOnce() -> T) -> T {
        self.counters.repeated(times, run)
    }

    /// The operations so far.
    #[must_use]
    pub fn counts(&self) -> OperationCounts {
        self.counters.snapshot()
    }

    /// The keys that the operations so far need, each up to its highest level.
    #[must_use]
    pub fn key_spec(&self) -> KeySpec {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The [inputs](Self::input) so far.
    #[must_use]
    pub fn upload(&self) -> Upload {
        *self.upload.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Most bytes that ciphertexts and the digits of key switches took at any moment, keys not included.
    #[must_use]
    pub fn peak_memory_bytes(&self) -> u64 {
        self.memory.peak.load(Ordering::Relaxed)
    }

    /// Most bytes that ciphertexts alone took. They do not depend on the special primes, as key switches do.
    #[must_use]
    pub fn peak_ciphertext_bytes(&self) -> u64 {
        self.memory.ciphertext_peak.load(Ordering::Relaxed)
    }

    /// Most bytes that one key switch took, with an operand of degree 2 and its result. Every further thread adds them
    /// to the [peak](Self::peak_memory_bytes).
    #[must_use]
    pub fn key_switch_bytes(&self) -> u64 {
        self.memory.key_switch.load(Ordering::Relaxed)
    }

    /// The operand of a full vector of slots.
    fn full(&self, scale: &Scale, level: usize) -> Result<Operand, Error> {
        Operand { level, scale: scale.clone(), slots: self.parameters.max_slots() }.checked(&self.parameters)
    }

    fn ciphertext(&self, operand: Operand) -> SimulatedCiphertext {
        let bytes = 2 * self.poly_bytes(self.parameters.limbs(operand.level));
        SimulatedCiphertext::new(&self.memory, operand, bytes)
    }

    fn tensor(&self, operand: Operand) -> SimulatedCiphertext {
        let bytes = 3 * self.poly_bytes(self.parameters.limbs(operand.level));
        SimulatedCiphertext::new(&self.memory, operand, bytes)
    }

    fn poly_bytes(&self, limbs: usize) -> u64 {
        (limbs * self.parameters.degree() * size_of::<u64>()) as u64
    }

    /// The bytes that operations which share their digits have alive while they run: the digits and the product of a
    /// key switch.
    fn key_switch_scratch(&self, operations: &[Operation], operand: &Operand) -> Scratch {
        let level = operand.level;
        let bytes =
            operations.iter().map(|&operation| scratch_bytes(&self.parameters, operation, level)).sum();
        let around = 5 * self.poly_bytes(self.parameters.limbs(level));
        self.memory.key_switch.fetch_max(bytes + around, Ordering::Relaxed);
        Scratch::new(&self.memory, bytes)
    }

    fn need(&self, f: impl FnOnce(&mut KeySpec)) {
        f(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn galois(&self, a: &SimulatedCiphertext, element: u64, operation: Operation) -> SimulatedCiphertext {
        if element != 1 {
            self.need(|keys| keys.need_galois(element, a.operand.level));
            self.counters.add(operation, a.operand.level, 1);
        }
        a.clone()
    }
}

impl Arithmetic for Simulator {
    type Ciphertext = SimulatedCiphertext;
    type Tensor = SimulatedCiphertext;
    type Plaintext = Operand;

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn operand<'a>(&self, a: &'a SimulatedCiphertext) -> &'a Operand {
        &a.operand
    }

    fn tensor_operand<'a>(&self, a: &'a SimulatedCiphertext) -> &'a Operand {
        &a.operand
    }

    fn encode(
        &self,
        _: impl FnOnce() -> Vec<Complex64>,
        scale: &Scale,
        level: usize,
    ) -> Result<Operand, Error> {
        self.full(scale, level)
    }

    fn add(&self, a: &SimulatedCiphertext, b: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        Ok(self.ciphertext(a.operand.sum(&b.operand)?))
    }

    fn sub(&self, a: &SimulatedCiphertext, b: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        self.add(a, b)
    }

    fn neg(&self, a: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        Ok(a.clone())
    }

    fn add_plain(&self, a: &SimulatedCiphertext, p: &Operand) -> Result<SimulatedCiphertext, Error> {
        Ok(self.ciphertext(a.operand.sum(p)?))
    }

    fn add_constant(&self, a: &SimulatedCiphertext, c: f64) -> Result<SimulatedCiphertext, Error> {
        a.operand.constant(&self.parameters, c)?;
        Ok(a.clone())
    }

    fn multiply_plain(&self, a: &SimulatedCiphertext, p: &Operand) -> Result<SimulatedCiphertext, Error> {
        let operand = a.operand.product(&self.parameters, p)?;
        self.counters.add(Operation::PlainProduct, operand.level, 1);
        Ok(self.ciphertext(operand))
    }

    fn multiply_constant(
        &self,
        a: &SimulatedCiphertext,
        c: f64,
        scale: &Scale,
    ) -> Result<SimulatedCiphertext, Error> {
        self.linear_combination(&[(a, c)], &a.operand.scale.times(scale), a.operand.level)
    }

    fn linear_combination(
        &self,
        terms: &[(&SimulatedCiphertext, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<SimulatedCiphertext, Error> {
        let operands: Vec<_> = terms.iter().map(|(a, c)| (&a.operand, *c)).collect();
        let (operand, _) = Operand::linear_combination(&self.parameters, &operands, scale, level)?;
        self.counters.add(Operation::ConstantProduct, level, terms.len());
        Ok(self.ciphertext(operand))
    }

    fn multiply_by_i(&self, a: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        Ok(a.clone())
    }

    fn sum_of_products(
        &self,
        terms: &[(&SimulatedCiphertext, &SimulatedCiphertext)],
    ) -> Result<SimulatedCiphertext, Error> {
        let operands = terms.iter().map(|(a, b)| (&a.operand, &b.operand));
        let operand = Operand::sum_of_products(&self.parameters, operands)?;
        self.counters.add(Operation::Product, operand.level, terms.len());
        Ok(self.tensor(operand))
    }

    fn add_products(
        &self,
        sums: Vec<(SimulatedCiphertext, ProductTerms<'_, SimulatedCiphertext>)>,
    ) -> Result<Vec<SimulatedCiphertext>, Error> {
        let add = |(sum, terms): (SimulatedCiphertext, ProductTerms<'_, SimulatedCiphertext>)| {
            let operands = terms.iter().map(|(a, b)| (&a.operand, &b.operand));
            let products = Operand::sum_of_products(&self.parameters, operands)?;
            self.counters.add(Operation::Product, products.level, terms.len());
            let operand = sum.operand.sum(&products)?;
            // The sum is changed in place.
            drop(sum);
            Ok(self.tensor(operand))
        };
        sums.into_iter().map(add).collect()
    }

    fn add_tensor(
        &self,
        a: SimulatedCiphertext,
        b: &SimulatedCiphertext,
    ) -> Result<SimulatedCiphertext, Error> {
        Ok(self.tensor(a.operand.sum(&b.operand)?))
    }

    fn add_to_tensor(
        &self,
        a: SimulatedCiphertext,
        b: &SimulatedCiphertext,
    ) -> Result<SimulatedCiphertext, Error> {
        self.add_tensor(a, b)
    }

    fn relinearize(&self, a: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        self.need(|keys| keys.need_relinearization(a.operand.level));
        self.counters.add(Operation::Relinearization, a.operand.level, 1);
        let _scratch = self.key_switch_scratch(&[Operation::Relinearization], &a.operand);
        Ok(self.ciphertext(a.operand.clone()))
    }

    fn relinearize_rescale(&self, a: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        let operand = a.operand.rescaled(&self.parameters)?;
        self.relinearize(a)?;
        Ok(self.ciphertext(operand))
    }

    fn rescale(&self, a: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        let operand = a.operand.rescaled(&self.parameters)?;
        self.counters.add(Operation::Rescaling, a.operand.level, 1);
        Ok(self.ciphertext(operand))
    }

    fn drop_level(&self, a: &SimulatedCiphertext, level: usize) -> Result<SimulatedCiphertext, Error> {
        Ok(self.ciphertext(a.operand.dropped(&self.parameters, level)?))
    }

    fn rotate(&self, a: &SimulatedCiphertext, steps: i64) -> Result<SimulatedCiphertext, Error> {
        let _scratch = self.key_switch_scratch(&[Operation::Rotation], &a.operand);
        Ok(self.galois(a, a.operand.rotation_element(&self.parameters, steps), Operation::Rotation))
    }

    fn rotate_hoisted(
        &self,
        a: &SimulatedCiphertext,
        steps: &[i64],
    ) -> Result<Vec<SimulatedCiphertext>, Error> {
        let elements: Vec<_> =
            steps.iter().map(|&steps| a.operand.rotation_element(&self.parameters, steps)).collect();
        if elements.iter().any(|&element| element != 1) {
            self.counters.add(Operation::Hoisting, a.operand.level, 1);
        }
        let operations = [Operation::Hoisting, Operation::HoistedRotation];
        let _scratch = self.key_switch_scratch(&operations, &a.operand);
        Ok(elements.into_iter().map(|element| self.galois(a, element, Operation::HoistedRotation)).collect())
    }

    fn sum_of_rotations(&self, a: &SimulatedCiphertext, steps: &[i64]) -> Result<SimulatedCiphertext, Error> {
        self.sum_of_hoisted(a, steps)
    }

    fn conjugate(&self, a: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        let _scratch = self.key_switch_scratch(&[Operation::Conjugation], &a.operand);
        Ok(self.galois(a, conjugation_element(&self.parameters), Operation::Conjugation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParametersLiteral, Security};

    #[test]
    fn special_primes_change_key_switches_alone() {
        let simulated = |special| {
            let literal = ParametersLiteral {
                log_n: 10,
                levels: [vec![vec![50]], vec![vec![40]; 3]].concat(),
                p_bits: vec![50; special],
                log_scale: 40,
                security: Security::Unchecked,
            };
            let simulator = Simulator::new(&literal.build().unwrap());
            let a = simulator.input(&simulator.parameters().scale(), 3).unwrap();
            let square = simulator.sum_of_products(&[(&a, &a)]).unwrap();
            simulator.rotate(&simulator.relinearize_rescale(&square).unwrap(), 5).unwrap();
            simulator
        };
        let [one, three] = [1, 3].map(simulated);
        assert_eq!(one.peak_ciphertext_bytes(), three.peak_ciphertext_bytes());
        assert_ne!(one.peak_memory_bytes(), three.peak_memory_bytes());
        assert!([&one, &three].iter().all(|it| it.peak_ciphertext_bytes() < it.peak_memory_bytes()));
        assert_eq!(one.counts(), three.counts());
        assert_ne!(one.key_spec(), three.key_spec());
        assert_eq!(one.key_spec().under(three.parameters()), three.key_spec());
    }

    #[test]
    fn inputs_of_fewer_slots_are_uploads_of_the_same_size() {
        let literal = ParametersLiteral {
            log_n: 10,
            levels: vec![vec![50], vec![40]],
            p_bits: vec![50],
            log_scale: 40,
            security: Security::Unchecked,
        };
        let simulator = Simulator::new(&literal.build().unwrap());
        let scale = simulator.parameters().scale();
        let input = |slots, level| simulator.input_operand(Operand { level, scale: scale.clone(), slots });
        simulator.input(&scale, 1).unwrap();
        let one = simulator.upload();
        let few = input(64, 1).unwrap();
        let two = simulator.upload();
        assert_eq!((few.operand().slots, two.ciphertexts), (64, 2));
        assert!(two.bytes.abs_diff(2 * one.bytes) < 16 && two.memory_bytes == 2 * one.memory_bytes);
        // Rotations of 64 slots are those of full ones modulo 64.
        simulator.rotate(&few, 65).unwrap();
        simulator.rotate(&few, 1).unwrap();
        assert_eq!(simulator.key_spec().key_count(), 1);
        assert_eq!(input(48, 1).map(drop), Err(Error::SlotCount { values: 48, max: 512 }));
        assert_eq!(input(64, 2).map(drop), Err(Error::LevelRange { level: 2, max: 1 }));
    }
}
