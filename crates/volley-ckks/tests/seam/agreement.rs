//! Evaluator, slots in clear and the backend of these tests refuse the same, and what they accept is the same but for
//! noise.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rand_core::Rng;
use volley_ckks::{
    Arithmetic, Ciphertext, ClearCiphertext, ClearSlots, Complex64, Evaluator, Operand, Parameters, Scale,
};

use crate::circuit::{Matrix, Operation, operation};
use crate::device::{Device, Handle};
use crate::{LEVELS, Owner, rng};

/// Deviations of errors of N = 64 and of key switches stay below this, in units of coefficients, in every slot.
const UNIT_ERROR: f64 = 4096.0;

/// A vector is encoded with an error of half a unit in each of N coefficients, which add up in a slot.
const ENCODING_ERROR: f64 = 32.0;

/// Rounding errors of doubles, in transforms and in scales.
const DOUBLE: f64 = 1e-13;

/// One circuit's ciphertexts in three arithmetics, and how far the slots of the first may be from those of the others.
struct Pool {
    encrypted: Vec<Ciphertext>,
    clear: Vec<ClearCiphertext>,
    device: Vec<Handle>,
    errors: Vec<f64>,
}

struct Backends {
    owner: Owner,
    evaluator: Evaluator,
    clear: ClearSlots,
    device: Device,
}

impl Backends {
    fn new() -> Self {
        let owner = Owner::new();
        Self {
            evaluator: Evaluator::new(&owner.context, owner.keys()).unwrap(),
            clear: ClearSlots::new(owner.context.parameters()),
            device: Device::new(&owner.context, usize::MAX),
            owner,
        }
    }

    /// Slots of at most 1/8 at a level, a scale and a number of slots, each by its logarithm, where all take them.
    fn encrypt(&self, pool: &mut Pool, &(level, log_scale, log_slots): &(usize, i32, u32)) {
        let mut rng = rng(7);
        let mut value = || (rng.next_u64() as f64 / u64::MAX as f64 - 0.5) / 6.0;
        let values: Vec<_> = (0..1 << log_slots).map(|_| Complex64::new(value(), value())).collect();
        let scale = Scale::power_of_two(log_scale);
        let clear = self.clear.input(&values, &scale, level);
        let device = self.device.upload(values.clone(), &scale, level);
        assert_eq!(clear.as_ref().err(), device.as_ref().err());
        assert_eq!(clear.as_ref().err(), self.owner.encoder.encode(&values, &scale, level).as_ref().err());
        let (Ok(clear), Ok(device)) = (clear, device) else { return };
        pool.encrypted.push(self.owner.encrypt(&values, &scale, level));
        pool.clear.push(clear);
        pool.device.push(device);
        pool.errors.push(UNIT_ERROR / scale.to_f64() + DOUBLE);
    }

    /// Runs operations on all that there is, and gives how many results were compared and how many refused.
    fn run(&self, inputs: &[(usize, i32, u32)], operations: &[Operation]) -> [usize; 2] {
        let mut pool = Pool { encrypted: vec![], clear: vec![], device: vec![], errors: vec![] };
        inputs.iter().for_each(|input| self.encrypt(&mut pool, input));
        let mut counts = [0, 0];
        if pool.clear.is_empty() {
            return counts;
        }
        for operation in operations {
            let encrypted = operation.apply(&self.evaluator, &pool.encrypted);
            let clear = operation.apply(&self.clear, &pool.clear);
            let device = operation.apply(&self.device, &pool.device);
            let expected = encrypted.as_ref().map(Ciphertext::operand);
            assert_eq!(clear.as_ref().map(ClearCiphertext::operand), expected, "{operation:?}");
            assert_eq!(device.as_ref().map(|a| self.device.operand(a)), expected, "{operation:?}");
            let (Ok(encrypted), Ok(clear), Ok(device)) = (encrypted, clear, device) else {
                counts[1] += 1;
                continue;
            };
            let error = error(operation, &pool, clear.operand());
            // A raised modulus adds integers that only the evaluator has.
            let comparable = !matches!(operation, Operation::Raise(..));
            if comparable && fits(self.clear.parameters(), &clear, error) {
                assert_close(operation, &self.device.download(&device), &clear, 0.0);
                assert_close(operation, &self.owner.decrypt(&encrypted), &clear, error);
                counts[0] += 1;
                // What cancels later leaves the rounding of the doubles in clear.
                pool.errors.push(error + f64::EPSILON * magnitude(&clear));
                pool.encrypted.push(encrypted);
                pool.clear.push(clear);
                pool.device.push(device);
            }
        }
        counts
    }
}

fn magnitude(a: &ClearCiphertext) -> f64 {
    a.values().iter().fold(0.0, |max, slot| slot.norm().max(max))
}

/// Whether values and errors stay a factor of two away from half the modulus.
fn fits(parameters: &Parameters, a: &ClearCiphertext, error: f64) -> bool {
    let Operand { level, scale, .. } = a.operand();
    (magnitude(a) + error).log2() + scale.log2() < parameters.log_q(*level) - 2.0
}

fn assert_close(operation: &Operation, values: &[Complex64], expected: &ClearCiphertext, error: f64) {
    let bound = error + DOUBLE * (1.0 + magnitude(expected));
    assert_eq!(values.len(), expected.values().len());
    for (slot, (value, expected)) in values.iter().zip(expected.values()).enumerate() {
        let difference = (value - expected).norm();
        assert!(difference <= bound, "{operation:?} slot {slot}: {difference} > {bound}");
    }
}

/// How far slots of a result may be from those in clear.
fn error(operation: &Operation, pool: &Pool, result: &Operand) -> f64 {
    use Operation as Op;
    let error = |index: &Index| *index.get(&pool.errors);
    let of = |index: &Index| index.get(&pool.clear);
    let unit = UNIT_ERROR / result.scale.to_f64();
    let product = |a: &Index, b: &Index| {
        let (x, y) = (magnitude(of(a)), magnitude(of(b)));
        x * error(b) + error(a) * (y + error(b))
    };
    // By values of a size that were encoded at a scale.
    let multiple = |a: &Index, size: f64, scale: &Scale| {
        let rounding = ENCODING_ERROR / scale.to_f64();
        (size + rounding) * error(a) + rounding * magnitude(of(a))
    };
    let constant = |a: &Index, c: f64, scale: &Scale| multiple(a, c.abs(), scale);
    match operation {
        Op::Add(a, b) | Op::Sub(a, b) => error(a) + error(b),
        Op::Neg(a) | Op::MultiplyByI(a) | Op::DropLevel(a, _) => error(a),
        Op::AddConstant(a, _)
        | Op::AddPlain { a, .. }
        | Op::Rescale(a)
        | Op::Rotate(a, _)
        | Op::RotateHoisted(a, _)
        | Op::Conjugate(a)
        | Op::Raise(a, _) => error(a) + unit,
        Op::MultiplyPlain { a, plain } => multiple(a, plain.magnitude(), &plain.scale()),
        Op::MultiplyConstant { a, c, log_scale } => constant(a, *c, &Scale::power_of_two(*log_scale)),
        Op::LinearCombination { terms, .. } => {
            let term =
                |(a, c): &(Index, f64)| constant(a, *c, &result.scale.divided_by(&of(a).operand().scale));
            terms.iter().map(term).sum()
        }
        Op::SumOfProducts { terms, .. } => unit + terms.iter().map(|(a, b)| product(a, b)).sum::<f64>(),
        Op::AddTensors([a, b, c, d, e]) => {
            let last = constant(e, 1.0, &result.scale.divided_by(&of(e).operand().scale));
            product(a, b) + product(c, d) + last + unit
        }
        Op::SumOfRotations(a, steps) => steps.len() as f64 * (error(a) + unit),
        Op::Transform { a, matrix, .. } => {
            matrix.diagonals.len() as f64 * multiple(a, Matrix::MAGNITUDE, &matrix.scale()) + unit
        }
        Op::Trace(a, slots) => (of(a).operand().slots / slots) as f64 * (error(a) + 2.0 * unit),
    }
}

/// Inputs by level, log₂ of scale and of slots.
fn inputs() -> impl Strategy<Value = Vec<(usize, i32, u32)>> {
    prop::collection::vec((0..=LEVELS, prop_oneof![20..60i32, 20..110i32], 0..=5u32), 1..4)
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), 1..12)
}

static BACKENDS: LazyLock<Backends> = LazyLock::new(Backends::new);

#[test]
fn a_thousand_circuits_agree() {
    let mut runner = TestRunner::deterministic();
    let mut totals = [0, 0];
    for _ in 0..1000 {
        let (inputs, operations) = (inputs(), operations()).new_tree(&mut runner).unwrap().current();
        let counts = BACKENDS.run(&inputs, &operations);
        totals = [totals[0] + counts[0], totals[1] + counts[1]];
    }
    // Neither all nor none is refused.
    assert!(totals.iter().all(|&count| count > 1000), "{totals:?}");
}

proptest! {
    #[test]
    fn any_circuit_agrees(inputs in inputs(), operations in operations()) {
        BACKENDS.run(&inputs, &operations);
    }
}

/// A long circuit in every arithmetic: each level is used up, those of two primes with it.
#[test]
fn a_chain_of_squares_agrees_at_every_level() {
    let backends = &*BACKENDS;
    let values = [Complex64::new(0.5, 0.25), Complex64::new(-0.75, 0.5)];
    let scale = Scale::power_of_two(40);
    let mut encrypted = backends.owner.encrypt(&values, &scale, LEVELS);
    let mut clear = backends.clear.input(&values, &scale, LEVELS).unwrap();
    for level in (0..LEVELS).rev() {
        encrypted = backends.evaluator.square(&encrypted).unwrap();
        clear = backends.clear.square(&clear).unwrap();
        assert_eq!((encrypted.operand(), clear.operand().level), (clear.operand(), level));
        for (value, expected) in backends.owner.decrypt(&encrypted).iter().zip(clear.values()) {
            assert!((value - expected).norm() < 2f64.powi(-25), "{level}");
        }
    }
}
