//! The times of one machine, measured against those of its kind of core.

use std::hint::black_box;
use std::time::Duration;

use num_complex::Complex64;
use rand_core::CryptoRng;

use crate::arithmetic::Arithmetic;
use crate::arithmetic::cost_model::{CoreKind, CostModel};
use crate::backends::evaluator::Evaluator;
use crate::backends::simulator::Simulator;
use crate::base::error::Error;
use crate::base::params::{Parameters, ParametersLiteral, Security};
use crate::rlwe::context::Context;
use crate::rlwe::keys::{EvaluationKeySet, SecretKey};
use crate::scheme::encoder::Encoder;

/// Terms of the sum of products, and rotations that share a decomposition.
const TERMS: usize = 2;
/// Runs of the operations that are timed: as many as the budget of time allows, but at least and at most so many.
const AT_LEAST: u32 = 2;
const AT_MOST: u32 = 10;
const BUDGET_SECONDS: f64 = 0.03;
/// Bytes that are asked for: more than any allocator keeps for later, so that they come from the system.
const NEW_BYTES: usize = 33 << 20;
/// Bytes of them that are used.
const FIRST_USE_BYTES: usize = 8 << 20;
/// Bytes of the smallest piece of memory that a system hands out.
const PAGE_BYTES: usize = 4096;
/// Factors beyond this, or below its inverse, are no machine's.
const MAX_FACTOR: f64 = 1000.0;

/// What a core was measured to take, divided by the built-in times of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    operations: f64,
    first_use: f64,
    made: f64,
}

impl Measurement {
    /// Times some operations in a small ring, the making of their keys, and the first use of memory. That takes less
    /// than 100 ms; the shortest of several runs counts. `now` is the processor time of this thread, or another clock
    /// where no other program is at work. The times are those of one core, so it must run on one thread. `rng` is for
    /// keys that are gone afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBackend`] as [`CoreKind::detect`].
    pub fn take(rng: &mut impl CryptoRng, now: impl Fn() -> Duration) -> Result<Self, Error> {
        let clock = Clock(now);
        let built_in = CostModel::of(CoreKind::detect()?);
        let parameters = small_ring()?;
        let level = parameters.max_level();
        let simulator = Simulator::new(&parameters);
        run(&simulator, &vec![simulator.existing(&parameters.scale(), level)?; 2 * TERMS])?;
        let spec = simulator.key_spec();

        let context = Context::new(parameters.clone());
        let secret_key = SecretKey::generate(&context, rng);
        let (made, keys) = clock.time(|| EvaluationKeySet::generate(&secret_key, &spec, rng));
        let keys = keys?;
        let evaluator = Evaluator::new(&context, keys)?;
        let ones = vec![Complex64::ONE; parameters.max_slots()];
        let plaintext = Encoder::new(&context).encode(&ones, &parameters.scale(), level)?;
        let fresh = secret_key.encrypt(&plaintext, rng)?.expand(&context)?;
        // Each input has its own memory, as in a circuit.
        let inputs: Vec<_> =
            (0..2 * TERMS).map(|_| evaluator.drop_level(&fresh, level)).collect::<Result<_, _>>()?;
        let operations = clock.shortest(|| run(&evaluator, &inputs))?;

        let seconds = [
            (operations, built_in.seconds(&parameters, &simulator.counts())),
            (clock.first_use(), built_in.first_use_seconds(FIRST_USE_BYTES as u64)),
            (made, built_in.owner_seconds(spec.byte_count())),
        ];
        let [operations, first_use, made] =
            seconds.map(|(time, built_in)| (time / built_in).clamp(MAX_FACTOR.recip(), MAX_FACTOR));
        Ok(Self { operations, first_use, made })
    }

    /// The measured times over the built-in ones: of operations, of the first use of memory, and of making keys.
    #[must_use]
    pub fn factors(&self) -> [f64; 3] {
        [self.operations, self.first_use, self.made]
    }

    /// A measurement from its [factors](Self::factors); `None` where one of them is no machine's.
    #[must_use]
    pub fn from_factors(factors: [f64; 3]) -> Option<Self> {
        let possible = |factor: &f64| (MAX_FACTOR.recip()..=MAX_FACTOR).contains(factor);
        let [operations, first_use, made] = factors;
        factors.iter().all(possible).then_some(Self { operations, first_use, made })
    }
}

impl CostModel {
    /// The times of a kind of core, scaled by what one of them was measured to take.
    #[must_use]
    pub fn measured(kind: CoreKind, measurement: &Measurement) -> Self {
        let [operations, first_use, made] = measurement.factors();
        let built_in = Self::of(kind);
        Self {
            first_use: first_use * built_in.first_use,
            made: made * built_in.made,
            ..built_in.with_operations(built_in.operations().map(|time| operations * time))
        }
    }
}

/// The least ring that trainings use, with few levels so that it is soon done.
fn small_ring() -> Result<Parameters, Error> {
    let literal = ParametersLiteral {
        log_n: 14,
        levels: vec![vec![50], vec![40], vec![40]],
        p_bits: vec![50],
        log_scale: 40,
        security: Security::Classical128,
    };
    Ok(literal.build()?)
}

/// What circuits are made of: products, relinearization, rescaling, rotations, and plaintexts that are encoded.
fn run<A: Arithmetic>(ev: &A, inputs: &[A::Ciphertext]) -> Result<(), Error> {
    let (left, right) = inputs.split_at(TERMS);
    let pairs: Vec<_> = left.iter().zip(right).collect();
    let product = ev.relinearize_rescale(&ev.sum_of_products(&pairs)?)?;
    // All rotations are by the same step, as each key takes long to make.
    ev.rotate_hoisted(&product, &[1; TERMS])?;
    let rotated = ev.rotate(&inputs[0], 1)?;
    let (scale, level) = (ev.parameters().scale(), ev.operand(&rotated).level);
    let plaintext = ev.encode(|| vec![Complex64::ONE; ev.parameters().max_slots()], &scale, level)?;
    ev.rescale(&ev.multiply_plain(&rotated, &plaintext)?)?;
    Ok(())
}

/// What tells the time.
struct Clock<F>(F);

impl<F: Fn() -> Duration> Clock<F> {
    /// Seconds of some work, and its result.
    fn time<T>(&self, work: impl FnOnce() -> T) -> (f64, T) {
        let start = (self.0)();
        let result = black_box(work());
        ((self.0)().saturating_sub(start).as_secs_f64(), result)
    }

    /// The least seconds of several runs.
    fn shortest(&self, run: impl Fn() -> Result<(), Error>) -> Result<f64, Error> {
        let (mut least, mut total, mut runs) = (f64::INFINITY, 0.0, 0);
        while runs < AT_LEAST || (runs < AT_MOST && total < BUDGET_SECONDS) {
            let (seconds, result) = self.time(&run);
            result?;
            (least, total, runs) = (least.min(seconds), total + seconds, runs + 1);
        }
        Ok(least)
    }

    /// Seconds in which memory is used for the first time: the smaller of two measurements.
    fn first_use(&self) -> f64 {
        let once = || {
            let mut memory = vec![0_u8; NEW_BYTES];
            memory[..FIRST_USE_BYTES].iter_mut().step_by(PAGE_BYTES).for_each(|byte| *byte = 1);
            black_box(memory)
        };
        // Giving the memory back is not timed.
        let seconds = || self.time(once).0;
        seconds().min(seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rng;

    #[test]
    fn a_machine_is_measured_and_its_times_are_scaled() {
        let start = std::time::Instant::now();
        let measurement = Measurement::take(&mut rng(1), || start.elapsed()).unwrap();
        assert_eq!(Measurement::from_factors(measurement.factors()), Some(measurement));
        let kind = CoreKind::detect().unwrap();
        let (built_in, scaled) = (CostModel::of(kind), CostModel::measured(kind, &measurement));
        let [operations, first_use, made] = measurement.factors();
        assert_eq!(scaled.operations(), built_in.operations().map(|time| operations * time));
        assert_eq!(scaled.first_use, first_use * built_in.first_use);
        assert_eq!((scaled.made, scaled.sent), (made * built_in.made, built_in.sent));
    }

    #[test]
    fn factors_are_the_time_of_the_clock_over_the_built_in_time() {
        use std::cell::Cell;
        let ticks = Cell::new(0);
        // Each measured span has one tick.
        let tick = Duration::from_millis(5);
        let now = || {
            ticks.set(ticks.get() + 1);
            tick * ticks.get()
        };
        let factors = Measurement::take(&mut rng(1), now).unwrap().factors();
        let built_in = CostModel::of(CoreKind::detect().unwrap());
        let first_use = tick.as_secs_f64() / built_in.first_use_seconds(FIRST_USE_BYTES as u64);
        assert!((factors[1] / first_use - 1.0).abs() < 1e-9);
        let parameters = small_ring().unwrap();
        let simulator = Simulator::new(&parameters);
        let input = simulator.existing(&parameters.scale(), parameters.max_level()).unwrap();
        run(&simulator, &vec![input; 2 * TERMS]).unwrap();
        let made = tick.as_secs_f64() / built_in.owner_seconds(simulator.key_spec().byte_count());
        assert!((factors[2] / made - 1.0).abs() < 1e-9);
        let operations = tick.as_secs_f64() / built_in.seconds(&parameters, &simulator.counts());
        assert!((factors[0] / operations - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_clock_that_stands_still_makes_no_impossible_factors() {
        let factors = Measurement::take(&mut rng(1), || Duration::ZERO).unwrap().factors();
        assert!(Measurement::from_factors(factors).is_some(), "{factors:?}");
    }

    #[test]
    fn factors_that_no_machine_has_are_refused() {
        assert!(Measurement::from_factors([1.0, 0.5, 20.0]).is_some());
        for wrong in [0.0, -1.0, 1e-9, 1e9, f64::NAN, f64::INFINITY] {
            for place in 0..3 {
                let mut factors = [1.0; 3];
                factors[place] = wrong;
                assert_eq!(Measurement::from_factors(factors), None, "{factors:?}");
            }
        }
    }

    #[test]
    fn what_is_timed_has_the_operations_of_circuits() {
        let parameters = small_ring().unwrap();
        let simulator = Simulator::new(&parameters);
        let level = parameters.max_level();
        run(&simulator, &vec![simulator.existing(&parameters.scale(), level).unwrap(); 2 * TERMS]).unwrap();
        let counts = simulator.counts();
        use crate::Operation::{
            HoistedRotation, PlainProduct, Product, Relinearization, Rescaling, Rotation,
        };
        let expected = [
            (Product, TERMS),
            (Relinearization, 1),
            (HoistedRotation, TERMS),
            (Rotation, 1),
            (PlainProduct, 1),
            (Rescaling, 1),
        ];
        for (operation, count) in expected {
            assert_eq!(counts.total(operation), count as u64, "{operation:?}");
        }
    }
}
