use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::testing::{Setup, parameters, random_slots, rng};
use crate::{Ciphertext, Evaluator, KeySpec, Precision, Simulator};

const LEVELS: usize = 3;

/// A matrix by its diagonals.
type Matrix = BTreeMap<usize, Vec<Complex64>>;

/// A matrix with random entries on some diagonals.
fn matrix(slots: usize, diagonals: impl IntoIterator<Item = i64>, seed: u64) -> Matrix {
    let mut rng = rng(seed);
    let indices = diagonals.into_iter().map(|k| k.rem_euclid(slots as i64) as usize);
    indices.map(|k| (k, random_slots(slots, &mut rng))).collect()
}

fn indices(matrix: &Matrix) -> impl Iterator<Item = i64> + '_ {
    matrix.keys().map(|&k| k as i64)
}

/// M·x, row by row.
fn apply(matrix: &Matrix, x: &[Complex64]) -> Vec<Complex64> {
    let n = x.len();
    (0..n).map(|j| matrix.iter().map(|(k, diagonal)| diagonal[j] * x[(j + k) % n]).sum()).collect()
}

/// M·N: diagonal a of M and b of N meet in diagonal a + b.
fn multiply(m: &Matrix, n: &Matrix, slots: usize) -> Matrix {
    let mut product = Matrix::new();
    for (a, left) in m {
        for (b, right) in n {
            let sum = product.entry((a + b) % slots).or_insert_with(|| vec![Complex64::ZERO; slots]);
            (0..slots).for_each(|j| sum[j] += left[j] * right[(j + a) % slots]);
        }
    }
    product
}

#[track_caller]
fn assert_close(expected: &[Complex64], actual: &[Complex64], bits: f64) {
    let precision = Precision::measure(expected, actual);
    assert!(precision.worst_bits() >= bits, "{:.1} bits, {bits} wanted", precision.worst_bits());
}

/// A ring of 2^`log_n` with the keys of some plans.
fn setup(log_n: u32, plans: &[&LinearTransform]) -> Setup {
    Setup::new(parameters(log_n, LEVELS), |spec| {
        plans.iter().fold(spec, |spec, plan| spec.rotations(plan.rotations(), plan.level()))
    })
}

fn encode(evaluator: &Evaluator, plan: &LinearTransform, matrix: &Matrix) -> crate::EncodedTransform {
    let delta = evaluator.parameters().scale();
    let scale = plan.diagonal_scale(&delta, &delta);
    evaluator.encode_transform(plan, &scale, |k| matrix[&k].clone()).unwrap()
}

/// The matrix on a random vector, compared with the product in clear; the result is at the scale it started from.
#[track_caller]
fn check(log_n: u32, slots: usize, level: usize, matrix: &Matrix, bits: f64) {
    let plan = LinearTransform::new(&parameters(log_n, LEVELS), level, slots, indices(matrix)).unwrap();
    let setup = setup(log_n, &[&plan]);
    let x = random_slots(slots, &mut rng(2));
    let a = setup.encrypt(&x, LEVELS, 3);
    let encoded = encode(&setup.evaluator, &plan, matrix);
    let result = setup.evaluator.transform_rescale(&a, &encoded).unwrap();
    assert_eq!(result.operand(), &Operand { level: level - 1, ..a.operand().clone() });
    let expected = apply(matrix, &x);
    assert_close(&expected, &setup.decrypt(&result), bits);
    let stepwise = setup.evaluator.transform(&a, &encoded).unwrap();
    let stepwise = setup.evaluator.rescale(&stepwise).unwrap();
    assert_eq!(stepwise.operand(), result.operand());
    assert_close(&expected, &setup.decrypt(&stepwise), bits);
}

#[test]
fn matrices_of_many_shapes_agree_with_the_product_in_clear() {
    let half = 1 << 9;
    for level in [1, LEVELS] {
        check(10, half, level, &matrix(half, [0], 1), 28.0);
        check(10, half, level, &matrix(half, [137], 1), 27.0);
        check(10, half, level, &matrix(half, -3..=3, 1), 25.0);
        check(10, half, level, &matrix(half, 0..64, 1), 23.0);
        check(10, half, level, &matrix(half, (-15..=15).map(|k| 16 * k), 1), 24.0);
        check(10, half, level, &matrix(half, [0, 3, 250, 251, 500, 511], 1), 25.0);
    }
}

#[test]
fn sparse_vectors_are_transformed_in_their_own_slots() {
    for slots in [1, 2, 8, 64] {
        check(10, slots, 2, &matrix(slots, 0..slots as i64, 1), 24.0);
        check(10, slots, 2, &matrix(slots, [-1], 1), 26.0);
    }
}

#[test]
fn a_full_matrix_takes_several_rounds_of_giant_steps() {
    let plan = LinearTransform::new(&parameters(11, LEVELS), 1, 1 << 10, 0..1 << 10).unwrap();
    assert!(plan.giants().len() > GIANTS_AT_ONCE || plan.babies().len() == 64, "{plan:?}");
    check(11, 1 << 10, 1, &matrix(1 << 10, 0..1 << 10, 1), 20.0);
    check(4, 8, 1, &matrix(8, 0..8, 1), 30.0);
}

#[test]
fn a_transform_of_many_giant_steps_repeats_its_baby_steps() {
    let parameters = parameters(10, LEVELS);
    let diagonals: Vec<i64> = (0..80).collect();
    let split = Split::of_window(512, 2);
    let plan = LinearTransform::with_split(&parameters, 2, 512, &diagonals, split);
    assert_eq!((plan.babies().len(), plan.giants().len()), (2, 40));
    assert_eq!(plan.operations()[1], (Operation::ExtendedRotation, 3 + 39));
    let (setup, m) = (setup(10, &[&plan]), matrix(512, diagonals, 1));
    let x = random_slots(512, &mut rng(2));
    let encoded = encode(&setup.evaluator, &plan, &m);
    let result = setup.evaluator.transform_rescale(&setup.encrypt(&x, 2, 3), &encoded).unwrap();
    assert_close(&apply(&m, &x), &setup.decrypt(&result), 22.0);
}

#[test]
fn a_ciphertext_of_fewer_slots_repeats() {
    let m = matrix(64, [0, 1, 5, 40], 1);
    let plan = LinearTransform::new(&parameters(10, LEVELS), 2, 64, indices(&m)).unwrap();
    let setup = setup(10, &[&plan]);
    let x = random_slots(16, &mut rng(2));
    let encoded = encode(&setup.evaluator, &plan, &m);
    let result = setup.evaluator.transform_rescale(&setup.encrypt(&x, 2, 3), &encoded).unwrap();
    let repeated: Vec<_> = x.iter().copied().cycle().take(64).collect();
    assert_eq!(result.slots(), 64);
    assert_close(&apply(&m, &repeated), &setup.decrypt(&result), 26.0);
}

/// Σ d_k ⊙ rot(x, k) by the single operations.
fn naive(setup: &Setup, plan: &LinearTransform, m: &Matrix, a: &Ciphertext) -> Ciphertext {
    let (ev, delta) = (&setup.evaluator, setup.context.parameters().scale());
    let scale = plan.diagonal_scale(&delta, &delta);
    let terms = m.iter().map(|(&k, diagonal)| {
        let plain = setup.encoder.encode(diagonal, &scale, plan.level()).unwrap();
        ev.multiply_plain(&ev.rotate(a, k as i64).unwrap(), &plain).unwrap()
    });
    ev.rescale(&terms.reduce(|a, b| ev.add(&a, &b).unwrap()).unwrap()).unwrap()
}

#[test]
fn double_hoisting_has_no_more_error_than_single_operations() {
    let m = matrix(512, 0..32, 1);
    let plan = LinearTransform::new(&parameters(10, LEVELS), LEVELS, 512, indices(&m)).unwrap();
    let setup = Setup::new(parameters(10, LEVELS), |spec| {
        spec.rotations(0..32, LEVELS).rotations(plan.rotations(), LEVELS)
    });
    let x = random_slots(512, &mut rng(2));
    let a = setup.encrypt(&x, LEVELS, 3);
    let encoded = encode(&setup.evaluator, &plan, &m);
    let hoisted = setup.evaluator.transform_rescale(&a, &encoded).unwrap();
    let single = naive(&setup, &plan, &m, &a);
    assert_eq!(hoisted.operand(), single.operand());
    let expected = apply(&m, &x);
    let error = |ct| Precision::measure(&expected, &setup.decrypt(ct)).mean_error;
    assert!(error(&hoisted) < 1.05 * error(&single), "{} {}", error(&hoisted), error(&single));
}

#[test]
fn a_product_of_matrices_acts_as_one_after_the_other() {
    let (m, n) = (matrix(512, -2..=2, 1), matrix(512, [0, 8, 16, 100], 2));
    let product = multiply(&m, &n, 512);
    let plan = |matrix: &Matrix, level| {
        LinearTransform::new(&parameters(10, LEVELS), level, 512, indices(matrix)).unwrap()
    };
    let plans = [plan(&n, 3), plan(&m, 2), plan(&product, 2)];
    let setup = setup(10, &plans.each_ref());
    let a = setup.encrypt(&random_slots(512, &mut rng(2)), LEVELS, 3);
    let encoded = |plan, matrix| encode(&setup.evaluator, plan, matrix);
    let apply = |a: &Ciphertext, transform| setup.evaluator.transform_rescale(a, &transform).unwrap();
    let one_by_one = apply(&apply(&a, encoded(&plans[0], &n)), encoded(&plans[1], &m));
    let at_once = apply(&a, encoded(&plans[2], &product));
    assert_eq!(one_by_one.operand(), at_once.operand());
    assert_close(&setup.decrypt(&at_once), &setup.decrypt(&one_by_one), 22.0);
}

#[test]
fn diagonals_of_any_scale_take_the_result_to_the_scale_wanted() {
    let m = matrix(512, 0..4, 1);
    let plan = LinearTransform::new(&parameters(10, LEVELS), 2, 512, indices(&m)).unwrap();
    let (setup, x) = (setup(10, &[&plan]), random_slots(512, &mut rng(2)));
    let (from, to) = (Scale::power_of_two(38), Scale::power_of_two(35));
    let scale = plan.diagonal_scale(&from, &to);
    let encoded = setup.evaluator.encode_transform(&plan, &scale, |k| m[&k].clone()).unwrap();
    assert_eq!((encoded.plan(), encoded.scale()), (&plan, &scale));
    let result = setup.evaluator.transform_rescale(&setup.encrypt_at(&x, &from, 3, 4), &encoded).unwrap();
    assert_eq!(result.scale(), &to);
    assert_close(&apply(&m, &x), &setup.decrypt(&result), 21.0);
}

#[test]
fn results_do_not_depend_on_the_thread_count() {
    let m = matrix(512, 0..40, 1);
    let plan = LinearTransform::new(&parameters(10, LEVELS), LEVELS, 512, indices(&m)).unwrap();
    let setup = setup(10, &[&plan]);
    let a = setup.encrypt(&random_slots(512, &mut rng(2)), LEVELS, 3);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let encoded = encode(&setup.evaluator, &plan, &m);
            let steps: Vec<i64> = plan.rotations().collect();
            let sum = setup.evaluator.sum_of_rotations(&a, &steps).unwrap();
            (setup.evaluator.transform_rescale(&a, &encoded).unwrap(), encoded, sum)
        })
    };
    assert!(run(1) == run(3));
}

/// A transform and sums of rotations, for the simulator and the evaluator alike.
fn circuit<A: LinearArithmetic>(ev: &A, a: &A::Ciphertext, m: &Matrix) -> Result<A::Ciphertext, Error> {
    let delta = ev.parameters().scale();
    let plan = LinearTransform::new(ev.parameters(), 2, 512, indices(m))?;
    let transform = ev.encode_transform(&plan, &plan.diagonal_scale(&delta, &delta), |k| m[&k].clone())?;
    let sum = ev.sum_of_rotations(&ev.transform_rescale(a, &transform)?, &[0, 7, 14, 512])?;
    let sum = ev.sum_of_rotations(&sum, &[0, 0])?;
    let at_one = LinearTransform::new(ev.parameters(), 1, 512, [-1, 0])?;
    let transform = ev.encode_transform(&at_one, &delta, |_| vec![Complex64::ONE; 512])?;
    ev.transform(&sum, &transform)
}

#[test]
fn the_simulator_foresees_keys_counts_and_operands() {
    for m in [matrix(512, 0..64, 1), matrix(512, [0], 1), matrix(512, [-3, 9, 100], 1)] {
        let parameters = parameters(10, LEVELS);
        let simulator = Simulator::new(&parameters);
        let a = simulator.input(&parameters.scale(), LEVELS).unwrap();
        let foreseen = circuit(&simulator, &a, &m).unwrap();
        let setup = Setup::new(parameters, |_| simulator.key_spec());
        let x = random_slots(512, &mut rng(2));
        let result = circuit(&setup.evaluator, &setup.encrypt(&x, LEVELS, 3), &m).unwrap();
        assert_eq!(simulator.operand(&foreseen), result.operand());
        assert_eq!(simulator.counts(), setup.evaluator.counts());
        let y = apply(&m, &x);
        let at = |j: usize| y[j % 512] * 2.0 + y[(j + 7) % 512] + y[(j + 14) % 512];
        let expected: Vec<_> = (0..512).map(|j| (at(j) + at(j + 511)) * 2.0).collect();
        assert_close(&expected, &setup.decrypt(&result), 20.0);
        assert!(simulator.peak_memory_bytes() > foreseen_scratch(&m));
    }
}

fn foreseen_scratch(m: &Matrix) -> u64 {
    let plan = LinearTransform::new(&parameters(10, LEVELS), 2, 512, indices(m)).unwrap();
    // Primes of 50, 40, 40 and two special ones of 50 bits.
    assert_eq!(plan.memory_bytes(), (m.len() * 1024 * (50 + 40 + 40 + 50 + 50) / 8) as u64);
    plan.scratch_bytes()
}

#[test]
fn a_sum_of_rotations_is_that_of_the_rotated_ciphertexts() {
    let setup = Setup::new(parameters(10, LEVELS), |spec| spec.rotations([1, -3, 100], LEVELS));
    let ev = &setup.evaluator;
    for (slots, level) in [(512, LEVELS), (512, 0), (8, 1)] {
        let x = random_slots(slots, &mut rng(2));
        let a = setup.encrypt(&x, level, 4);
        for steps in [&[1, -3, 100][..], &[0, 1, 1], &[0], &[0, 512, -3]] {
            let sum = ev.sum_of_rotations(&a, steps).unwrap();
            let rotated = |j: usize, s: i64| x[(j as i64 + s).rem_euclid(slots as i64) as usize];
            let expected: Vec<_> = (0..slots).map(|j| steps.iter().map(|&s| rotated(j, s)).sum()).collect();
            assert_eq!(sum.operand(), a.operand());
            assert_close(&expected, &setup.decrypt(&sum), 26.0);
        }
    }
    let a = setup.encrypt(&random_slots(512, &mut rng(2)), 1, 4);
    assert_eq!(ev.sum_of_rotations(&a, &[]).unwrap_err(), Error::EmptySum);
    assert!(matches!(ev.sum_of_rotations(&a, &[2]), Err(Error::MissingGaloisKey { .. })));
    let simulator = Simulator::new(ev.parameters());
    let a = simulator.input(&ev.parameters().scale(), 1).unwrap();
    assert_eq!(simulator.sum_of_rotations(&a, &[]).unwrap_err(), Error::EmptySum);
}

#[test]
fn a_trace_adds_what_a_period_apart_is() {
    let steps = [32, 64, 96, 128, 256, 384];
    let setup = Setup::new(parameters(10, LEVELS), |spec| spec.rotations(steps, LEVELS));
    let simulator = Simulator::new(setup.context.parameters());
    let x = random_slots(512, &mut rng(2));
    let a = setup.encrypt(&x, 2, 3);
    let foreseen = simulator.existing_operand(a.operand().clone()).unwrap();
    for slots in [32, 64, 128, 256, 512] {
        let trace = setup.evaluator.trace(&a, slots).unwrap();
        let expected: Vec<Complex64> = (0..slots).map(|j| x.iter().skip(j).step_by(slots).sum()).collect();
        assert_eq!(trace.operand(), &Operand { slots, ..a.operand().clone() });
        assert_close(&expected, &setup.decrypt(&trace), 25.0);
        assert_eq!(simulator.operand(&simulator.trace(&foreseen, slots).unwrap()), trace.operand());
    }
    assert_eq!(simulator.counts(), setup.evaluator.counts());
    for slots in [0, 48, 1024] {
        let error = Error::SlotCount { values: slots, max: 512 };
        assert_eq!(setup.evaluator.trace(&a, slots).unwrap_err(), error);
        assert_eq!(simulator.trace(&foreseen, slots).unwrap_err(), error);
    }
}

#[test]
fn known_rotations_are_preferred_where_they_cost_little() {
    let parameters = parameters(10, LEVELS);
    let plan = |known: &[i64]| {
        let known = known.iter().copied().collect();
        LinearTransform::with_known_rotations(&parameters, LEVELS, 512, -7..=7, &known).unwrap()
    };
    for known in [&[-8, 1, 2, 3, 4, 5, 6, 7][..], &[8, -7, -6, -5, -4, -3, -2, -1]] {
        assert!(plan(known).rotations().all(|step| known.contains(&step)), "{:?}", plan(known));
    }
    let cheapest = LinearTransform::new(&parameters, LEVELS, 512, -7..=7).unwrap();
    assert!(plan(&[]).rotations().count() <= cheapest.rotations().count());
}

#[test]
fn misuse_is_an_error_that_says_what_was_needed() {
    let few = parameters(10, LEVELS);
    let new = |level, slots, diagonals: &[i64]| {
        LinearTransform::new(&few, level, slots, diagonals.iter().copied()).map(drop)
    };
    assert_eq!(new(4, 512, &[0]), Err(Error::LevelRange { level: 4, max: 3 }));
    assert_eq!(new(3, 1024, &[0]), Err(Error::SlotCount { values: 1024, max: 512 }));
    assert_eq!(new(3, 48, &[0]), Err(Error::SlotCount { values: 48, max: 512 }));
    assert_eq!(new(3, 512, &[]), Err(Error::EmptySum));

    let plan = LinearTransform::new(&few, 2, 64, [0, 1]).unwrap();
    let setup = setup(10, &[&plan]);
    let (ev, simulator, delta) = (&setup.evaluator, Simulator::new(&few), few.scale());
    let encode = |plan: &LinearTransform, scale: &Scale, values: Vec<Complex64>| {
        ev.encode_transform(plan, scale, |_| values.clone())
    };
    let ones = vec![Complex64::ONE; 64];
    let wrong_length = encode(&plan, &delta, ones[1..].to_vec()).unwrap_err();
    assert!(matches!(wrong_length, Error::DiagonalLength { values: 63, slots: 64, .. }), "{wrong_length}");
    let mut infinite = ones.clone();
    infinite[5].im = f64::INFINITY;
    assert_eq!(encode(&plan, &delta, infinite).unwrap_err(), Error::NotFinite { slot: 5 });
    let huge = Scale::power_of_two(1001);
    assert_eq!(encode(&plan, &huge, ones.clone()).unwrap_err(), Error::ScaleRange { log2: 1001.0 });
    let unscaled = simulator.encode_transform(&plan, &huge, |_| Vec::new()).unwrap_err();
    assert_eq!(unscaled, Error::ScaleRange { log2: 1001.0 });
    let hundreds = vec![Complex64::from(200.0); 64];
    let overflow = encode(&plan, &Scale::power_of_two(122), hundreds).unwrap_err();
    assert!(matches!(overflow, Error::EncodingOverflow { .. }), "{overflow}");
    let overflow = encode(&plan, &Scale::power_of_two(200), ones.clone()).unwrap_err();
    assert!(matches!(overflow, Error::ScaleOverflow { level: 2, .. }), "{overflow}");
    let foreign = LinearTransform::new(&parameters(10, 2), 2, 64, [0, 1]).unwrap();
    assert_eq!(encode(&foreign, &delta, ones.clone()).unwrap_err(), Error::ParameterMismatch);
    let unknown = simulator.encode_transform(&foreign, &delta, |_| Vec::new()).unwrap_err();
    assert_eq!(unknown, Error::ParameterMismatch);

    let transform = encode(&plan, &delta, ones.clone()).unwrap();
    let wide = setup.encrypt(&random_slots(128, &mut rng(2)), 2, 4);
    let error = ev.transform(&wide, &transform).unwrap_err();
    assert_eq!(error, Error::TransformSlots { transform: 64, ciphertext: 128 });
    let low = setup.encrypt(&ones, 1, 4);
    let error = ev.transform_rescale(&low, &transform).unwrap_err();
    assert_eq!(error, Error::LevelExhausted { level: 1, required: 2 });
    let spent = encode(&LinearTransform::new(&few, 0, 64, [0]).unwrap(), &delta, ones.clone()).unwrap();
    let error = ev.transform_rescale(&low, &spent).unwrap_err();
    assert!(matches!(error, Error::ScaleOverflow { scale_log2: 80.0, level: 0, .. }), "{error}");
    let small = encode(spent.plan(), &Scale::power_of_two(5), ones.clone()).unwrap();
    let error = ev.transform_rescale(&low, &small).unwrap_err();
    assert_eq!(error, Error::LevelExhausted { level: 0, required: 1 });
    let keyless = encode(&LinearTransform::new(&few, 2, 64, [3]).unwrap(), &delta, ones.clone()).unwrap();
    let error = ev.transform(&setup.encrypt(&ones, 2, 4), &keyless).unwrap_err();
    assert!(matches!(error, Error::MissingGaloisKey { .. }), "{error}");
    let above = encode(&LinearTransform::new(&few, 3, 64, [0, 1]).unwrap(), &delta, ones).unwrap();
    let error = ev.transform(&setup.encrypt(&random_slots(64, &mut rng(2)), 3, 4), &above).unwrap_err();
    assert_eq!(error, Error::KeyLevel { key_level: 2, level: 3 });

    let other = Setup::new(few.clone(), |spec| spec);
    let encoded =
        other.evaluator.encode_transform(&spent.plan().clone(), &delta, |_| vec![Complex64::ONE; 64]);
    assert!(encoded.is_ok(), "diagonals belong to parameters, not to an owner");
}

#[test]
fn bands_need_no_giant_step_and_dense_blocks_about_two_roots_of_rotations() {
    let parameters = parameters(10, LEVELS);
    let plan = |diagonals: &[i64]| {
        LinearTransform::new(&parameters, LEVELS, 512, diagonals.iter().copied()).unwrap()
    };
    let band = plan(&[-2, -1, 0, 1, 2]);
    assert_eq!(band.rotations().collect::<Vec<_>>(), [-2, -1, 1, 2]);
    assert_eq!(plan(&[0]).rotations().count(), 0);
    assert_eq!(plan(&[510, -2]).rotations().collect::<Vec<_>>(), [-2], "an index is taken once");
    let dense = plan(&(0..64).collect::<Vec<_>>());
    assert!((14..=18).contains(&dense.rotations().count()), "{dense:?}");
    let strided = plan(&(-31..=31).map(|k| 8 * k).collect::<Vec<_>>());
    assert!((14..=19).contains(&strided.rotations().count()), "{strided:?}");
    assert!(strided.rotations().all(|step| step % 8 == 0));
    let spec = KeySpec::new(&parameters).rotations(dense.rotations(), dense.level());
    assert_eq!(spec.key_count(), dense.rotations().count());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn every_diagonal_is_reached_by_one_baby_and_one_giant_step(
        log_slots in 0_u32..10,
        diagonals in prop::collection::btree_set(-512_i64..512, 1..200),
    ) {
        let n = 1_i64 << log_slots;
        let plan = LinearTransform::new(&parameters(10, LEVELS), 2, n as usize, diagonals.iter().copied()).unwrap();
        let mut reached: Vec<i64> = Vec::new();
        for giant in plan.giants() {
            for &DiagonalTerm { baby, diagonal } in &giant.terms {
                prop_assert_eq!((plan.babies()[baby] + giant.step).rem_euclid(n), diagonal as i64);
                reached.push(diagonal as i64);
            }
        }
        reached.sort_unstable();
        let expected: BTreeSet<i64> = diagonals.iter().map(|k| k.rem_euclid(n)).collect();
        prop_assert_eq!(reached, expected.into_iter().collect::<Vec<_>>());
        prop_assert!(plan.rotations().all(|step| (-n / 2..(n + 1) / 2).contains(&step)));
        prop_assert!(plan.babies().len() <= 64);
    }
}
