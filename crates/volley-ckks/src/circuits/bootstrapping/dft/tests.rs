use proptest::prelude::*;
use volley_testkit::embedding;
use volley_testkit::statistics::max_abs_error;

use super::*;
use crate::testing::{Setup, parameters, random_slots, rng};
use crate::{Arithmetic, Ciphertext, KeySpec, LinearArithmetic, Operand, Precision, Simulator};

const LEVELS: usize = 6;
/// Coefficients at this scale, slots at that of the parameters.
const COEFFICIENT_SCALE: i32 = 42;

/// Either direction of a plan on `slots` slots, without a factor and at one scale.
fn shape(slots: usize, packing: Packing, level: usize, stages: &[u32]) -> DftShape {
    let scale = Scale::power_of_two(40);
    DftShape { slots, packing, level, stages: stages.to_vec(), factor: 1.0, from: scale.clone(), to: scale }
}

/// All ways to write `sum` as a sum of positive integers.
fn compositions(sum: u32) -> impl Iterator<Item = Vec<u32>> {
    (0..1_u32 << (sum - 1)).map(move |cuts| composition(sum, cuts))
}

/// The parts of `sum` between the places where `cuts` has a bit.
fn composition(sum: u32, cuts: u32) -> Vec<u32> {
    let mut parts = vec![1];
    for place in 0..sum - 1 {
        match (cuts >> place & 1, parts.last_mut()) {
            (0, Some(part)) => *part += 1,
            _ => parts.push(1),
        }
    }
    parts
}

fn bit_reversed<T: Clone>(values: &[T]) -> Vec<T> {
    let shift = usize::BITS - values.len().ilog2();
    (0..values.len()).map(|j: usize| values[j.reverse_bits() >> shift].clone()).collect()
}

/// The complex coefficients of slots, in bit-reversed order, by the definition of the embedding.
fn reference(slots: &[Complex64]) -> Vec<Complex64> {
    let n = slots.len();
    let coefficients = embedding::encode(slots, 2 * n);
    let complex = |j| Complex64::new(coefficients[j], coefficients[j + n]);
    bit_reversed(&(0..n).map(complex).collect::<Vec<_>>())
}

/// The matrices with their factors on a vector, which repeats to the number of slots of each.
fn in_clear(dft: &Dft, x: &[Complex64]) -> Vec<Complex64> {
    (0..dft.transforms.len()).fold(x.to_vec(), |x, index| {
        let diagonals = merged(dft.direction, dft.shape.slots, dft.stages(index));
        let slots = dft.slots(index);
        let mut y = vec![Complex64::ZERO; slots];
        let planned = merged_indices(dft.shape.slots, &dft.stages(index)).collect::<BTreeSet<_>>();
        assert_eq!(planned.len(), diagonals.len());
        for k in planned {
            let k = k.rem_euclid(slots as i64) as usize;
            for (row, entry) in dft.diagonal(index, &diagonals, k).enumerate() {
                y[row] += dft.factor(index) * entry * x[(row + k) % x.len()];
            }
        }
        y
    })
}

/// CoeffsToSlots of the slots `z` in clear, after the conjugation.
fn coefficients_in_clear(plan: &CoeffsToSlots, z: &[Complex64]) -> Vec<Complex64> {
    let half = in_clear(&plan.dft, z);
    let real = half.iter().map(|y| y.re * 2.0);
    let imaginary = half.iter().map(|y| y.im * 2.0);
    let n = z.len();
    match plan.dft.shape.packing {
        Packing::SideBySide => {
            let both: Vec<_> = real.collect();
            (0..n).map(|j| Complex64::new(both[j], both[j + n])).collect()
        }
        Packing::Apart => real.zip(imaginary).map(|(re, im)| Complex64::new(re, im)).collect(),
    }
}

/// SlotsToCoeffs of complex coefficients in clear.
fn slots_in_clear(plan: &SlotsToCoeffs, w: &[Complex64]) -> Vec<Complex64> {
    match plan.dft.shape.packing {
        Packing::SideBySide => {
            let both: Vec<_> =
                w.iter().map(|w| w.re).chain(w.iter().map(|w| w.im)).map(Complex64::from).collect();
            let halves = in_clear(&plan.dft, &both);
            (0..w.len()).map(|j| halves[j] + halves[j + w.len()]).collect()
        }
        Packing::Apart => in_clear(&plan.dft, w),
    }
}

/// Both directions in clear, against the definition.
fn check_in_clear(parameters: &Parameters, slots: usize, packing: Packing, stages: &[u32]) {
    let shape = shape(slots, packing, parameters.max_level(), stages);
    let z = random_slots(slots, &mut rng(1));
    let w = reference(&z);
    let plan = CoeffsToSlots::new(parameters, shape.clone(), []).unwrap();
    assert!(max_abs_error(&w, &coefficients_in_clear(&plan, &z)) < 1e-13, "{stages:?}");
    let plan = SlotsToCoeffs::new(parameters, shape, []).unwrap();
    assert!(max_abs_error(&z, &slots_in_clear(&plan, &w)) < 1e-12, "{stages:?}");
}

#[test]
fn every_split_of_the_stages_is_the_dft() {
    let parameters = parameters(8, 7);
    for log_slots in 1..=6 {
        for stages in compositions(log_slots) {
            check_in_clear(&parameters, 1 << log_slots, Packing::Apart, &stages);
            check_in_clear(&parameters, 1 << log_slots, Packing::SideBySide, &stages);
        }
    }
    check_in_clear(&parameters, 128, Packing::Apart, &[1; 7]);
}

#[test]
fn the_largest_ring_has_sparse_matrices() {
    let parameters = parameters(16, 7);
    let slots = 1 << 15;
    let stages = CoeffsToSlots::even_stages(slots, 4);
    let plan = CoeffsToSlots::new(&parameters, shape(slots, Packing::Apart, 7, &stages), []).unwrap();
    let counts: Vec<_> = plan.dft().transforms().iter().map(LinearTransform::diagonal_count).collect();
    assert_eq!((stages, counts), (vec![4, 4, 4, 3], vec![16, 31, 31, 15]));
    let z = random_slots(slots, &mut rng(1));
    let w = coefficients_in_clear(&plan, &z);
    let stages = SlotsToCoeffs::even_stages(slots, 3);
    let plan = SlotsToCoeffs::new(&parameters, shape(slots, Packing::Apart, 3, &stages), []).unwrap();
    let counts: Vec<_> = plan.dft().transforms().iter().map(LinearTransform::diagonal_count).collect();
    assert_eq!((stages, counts), (vec![5, 5, 5], vec![63, 63, 32]));
    assert!(max_abs_error(&z, &slots_in_clear(&plan, &w)) < 1e-10);
    // Single slots by the definition: Σ wⱼ·ζ^(j·5^slot).
    let w = bit_reversed(&w);
    let mut power = 1;
    for (slot, z) in z.iter().enumerate().take(3) {
        let root = |j: usize| {
            Complex64::cis(std::f64::consts::TAU * (j * power % (4 * slots)) as f64 / (4 * slots) as f64)
        };
        let value: Complex64 = w.iter().enumerate().map(|(j, w)| w * root(j)).sum();
        assert!((value - z).norm() < 1e-10, "{slot}");
        power = power * 5 % (4 * slots);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_two_splits_are_inverse_to_each_other(
        (log_slots, cuts, other) in (1_u32..=9)
            .prop_flat_map(|log| (Just(log), 0..1_u32 << (log - 1), 0..1_u32 << (log - 1))),
        side_by_side in any::<bool>(),
        factor in prop_oneof![-8.0..-0.1, 0.1..8.0],
        log_scale in 20..60,
    ) {
        let (parameters, slots) = (parameters(11, 9), 1 << log_slots);
        let packing = if side_by_side { Packing::SideBySide } else { Packing::Apart };
        let (from, to) = (Scale::power_of_two(40), Scale::power_of_two(log_scale));
        let there = DftShape { factor, to: to.clone(), ..shape(slots, packing, 9, &composition(log_slots, cuts)) };
        let back = DftShape {
            factor: 1.0 / factor, from: to, to: from, ..shape(slots, packing, 9, &composition(log_slots, other))
        };
        let cts = CoeffsToSlots::new(&parameters, there, []).unwrap();
        let stc = SlotsToCoeffs::new(&parameters, back, cts.dft().rotations()).unwrap();
        let z = random_slots(slots, &mut rng(u64::from(cuts)));
        let w = coefficients_in_clear(&cts, &z);
        let expected: Vec<_> = reference(&z).iter().map(|w| w * factor).collect();
        prop_assert!(max_abs_error(&expected, &w) < 1e-12);
        prop_assert!(max_abs_error(&z, &slots_in_clear(&stc, &w)) < 1e-11);
    }
}

/// Plans for both directions, three matrices each where there are as many stages, to coefficients of another scale,
/// times a factor, and back.
fn plans(
    parameters: &Parameters,
    slots: usize,
    packing: Packing,
    factor: f64,
) -> (CoeffsToSlots, SlotsToCoeffs) {
    let scale = Scale::power_of_two(COEFFICIENT_SCALE);
    let stages = CoeffsToSlots::even_stages(slots, 3);
    let there = DftShape { factor, to: scale.clone(), ..shape(slots, packing, LEVELS, &stages) };
    let cts = CoeffsToSlots::new(parameters, there, []).unwrap();
    let level = cts.dft().output_level();
    let back = shape(slots, packing, level, &SlotsToCoeffs::even_stages(slots, 3));
    let back = DftShape { factor: 1.0 / factor, from: scale, ..back };
    let stc = SlotsToCoeffs::new(parameters, back, cts.dft().rotations()).unwrap();
    (cts, stc)
}

/// Coefficients of `a`, and what becomes of them on the way back.
fn there_and_back<A: LinearArithmetic>(
    arithmetic: &A,
    a: &A::Ciphertext,
    (cts, stc): &(CoeffsToSlots, SlotsToCoeffs),
) -> Result<(Coefficients<A::Ciphertext>, A::Ciphertext), Error> {
    let coefficients = cts.encode(arithmetic)?.apply(arithmetic, a)?;
    let slots = stc.encode(arithmetic)?.apply(arithmetic, &coefficients)?;
    Ok((coefficients, slots))
}

/// The real coefficients as they were decrypted, those of the imaginary parts last.
fn decrypted(setup: &Setup, coefficients: &Coefficients<Ciphertext>) -> Vec<Complex64> {
    match coefficients {
        Coefficients::SideBySide(both) => setup.decrypt(both),
        Coefficients::Apart { real, imaginary } => [setup.decrypt(real), setup.decrypt(imaginary)].concat(),
    }
}

/// √(E|error|²) of a slot, where noise V is read from the coefficients of n slots.
fn deviation(noise: Noise, slots: usize, scale: &Scale) -> f64 {
    noise.coefficient_deviation() * (2.0 * slots as f64).sqrt() / scale.to_f64()
}

fn root_mean_square(values: &[Complex64]) -> f64 {
    (values.iter().map(Complex64::norm_sqr).sum::<f64>() / values.len() as f64).sqrt()
}

fn difference(actual: &[Complex64], expected: &[Complex64]) -> Vec<Complex64> {
    assert_eq!(actual.len(), expected.len());
    actual.iter().zip(expected).map(|(actual, expected)| actual - expected).collect()
}

/// Asserts that the measured noise is the predicted one within 15 %. Few slots are few samples: they may have as little
/// as a tenth of it, and twice as much.
#[track_caller]
fn assert_noise(measured: f64, predicted: f64, slots: usize) {
    let ratio = measured / predicted;
    let range = if slots >= 128 { 0.85..1.15 } else { 0.1..2.0 };
    assert!(range.contains(&ratio), "{ratio:.3} at {slots} slots, {:.1} bits", -measured.log2());
}

/// Slots to coefficients and back, on ciphertexts, with the keys that a simulation lists.
fn check_encrypted(log_n: u32, slots: usize, packing: Packing, factor: f64, bits: f64) {
    let parameters = parameters(log_n, LEVELS);
    let plans = plans(&parameters, slots, packing, factor);
    let simulator = Simulator::new(&parameters);
    let operand = Operand { level: LEVELS, scale: parameters.scale(), slots };
    let foreseen = there_and_back(&simulator, &simulator.existing_operand(operand).unwrap(), &plans).unwrap();

    let setup = Setup::new(parameters, |_| simulator.key_spec());
    let z = random_slots(slots, &mut rng(2));
    let a = setup.encrypt(&z, LEVELS, 3);
    let (coefficients, back) = there_and_back(&setup.evaluator, &a, &plans).unwrap();
    assert_eq!(simulator.counts(), setup.evaluator.counts());
    assert_eq!(simulator.operand(&foreseen.1), back.operand());
    assert_eq!((back.slots(), back.scale()), (slots, a.scale()));

    let (cts, stc) = (plans.0.dft(), plans.1.dft());
    let fresh = Noise::encryption().plus(Noise::plaintext_rounding());
    let noise = cts.noise(fresh, root_mean_square(&z) * a.scale().to_f64());
    let w: Vec<_> = reference(&z).iter().map(|w| w * factor).collect();
    let w: Vec<_> = w.iter().map(|w| w.re).chain(w.iter().map(|w| w.im)).map(Complex64::from).collect();
    let read = if packing == Packing::SideBySide { 2 * slots } else { slots };
    let measured = root_mean_square(&difference(&decrypted(&setup, &coefficients), &w));
    assert_noise(measured, deviation(noise, read, &cts.shape().to), slots);

    let back = setup.decrypt(&back);
    let precision = Precision::measure(&z, &back);
    assert!(precision.worst_bits() > bits, "{:.1} bits at {slots} slots", precision.worst_bits());
    let (scale, to) = (&stc.shape().from, &stc.shape().to);
    let message = root_mean_square(&w) * scale.to_f64();
    // Apart, the error of the conjugation is in both parts and cancels: the prediction is a bound.
    let bound = deviation(stc.noise(noise, message), slots, to) * if slots >= 128 { 1.15 } else { 2.0 };
    assert!(root_mean_square(&difference(&back, &z)) < bound);

    let encrypt = |w: &[Complex64], seed| setup.encrypt_at(w, scale, stc.shape().level, seed);
    let coefficients = match packing {
        Packing::SideBySide => Coefficients::SideBySide(encrypt(&w, 4)),
        Packing::Apart => {
            Coefficients::Apart { real: encrypt(&w[..slots], 4), imaginary: encrypt(&w[slots..], 5) }
        }
    };
    let encoded = plans.1.encode(&setup.evaluator).unwrap();
    let slots_of_fresh = setup.decrypt(&encoded.apply(&setup.evaluator, &coefficients).unwrap());
    let measured = root_mean_square(&difference(&slots_of_fresh, &z));
    assert_noise(measured, deviation(stc.noise(fresh, message), slots, to), slots);
}

#[test]
fn full_slots_go_to_two_ciphertexts_of_coefficients_and_back() {
    check_encrypted(10, 512, Packing::Apart, 1.0, 20.0);
    check_encrypted(11, 1024, Packing::Apart, -4.0, 20.0);
}

#[test]
fn sparse_slots_go_to_coefficients_side_by_side_and_back() {
    check_encrypted(10, 256, Packing::SideBySide, 1.0, 20.0);
    check_encrypted(11, 128, Packing::SideBySide, -0.25, 20.0);
    for slots in [2, 4, 32] {
        check_encrypted(10, slots, Packing::SideBySide, 1.0, 20.0);
    }
}

#[test]
fn sparse_slots_may_be_taken_apart_too() {
    for slots in [2, 16, 256] {
        check_encrypted(10, slots, Packing::Apart, 1.0, 20.0);
    }
}

#[test]
fn both_directions_share_keys() {
    let parameters = Parameters::n16().unwrap();
    let slots = 1 << 13;
    let top = shape(slots, Packing::SideBySide, 27, &CoeffsToSlots::even_stages(slots, 4));
    let bottom = shape(slots, Packing::SideBySide, 3, &SlotsToCoeffs::even_stages(slots, 3));
    let cts = CoeffsToSlots::new(&parameters, top, []).unwrap();
    let alone = SlotsToCoeffs::new(&parameters, bottom.clone(), []).unwrap();
    let sharing = SlotsToCoeffs::new(&parameters, bottom, cts.dft().rotations()).unwrap();
    let keys = |stc: &SlotsToCoeffs| (&cts.dft().rotations() | &stc.dft().rotations()).len();
    // 8 for each matrix of the one, 10 for each of the other.
    let steps = |dft: &Dft| dft.transforms().iter().map(|matrix| matrix.rotations().count()).sum::<usize>();
    assert_eq!((steps(cts.dft()), steps(sharing.dft())), (32, 30));
    assert_eq!((cts.dft().rotations().len(), keys(&sharing)), (29, 40));
    assert!(keys(&sharing) < keys(&alone));
}

#[test]
fn a_conjugation_and_a_rotation_by_the_slots_are_all_that_is_needed_besides_the_matrices() {
    let parameters = parameters(10, LEVELS);
    let plans = plans(&parameters, 64, Packing::SideBySide, 1.0);
    let simulator = Simulator::new(&parameters);
    let operand = Operand { level: LEVELS, scale: parameters.scale(), slots: 64 };
    there_and_back(&simulator, &simulator.existing_operand(operand).unwrap(), &plans).unwrap();
    let (cts, stc) = (plans.0.dft(), plans.1.dft());
    let mut spec =
        KeySpec::new(&parameters).conjugation(cts.output_level()).rotations([64], stc.output_level());
    for transform in cts.transforms().iter().chain(stc.transforms()) {
        spec = spec.rotations(transform.rotations(), transform.level());
    }
    assert_eq!(simulator.key_spec(), spec);
    assert_eq!(stc.output_level(), 0);
}

#[test]
fn misuse_is_an_error_that_says_what_was_needed() {
    let few = parameters(6, 3);
    let plan = |shape: DftShape| {
        let forward = SlotsToCoeffs::new(&few, shape.clone(), []).map(drop);
        assert_eq!(CoeffsToSlots::new(&few, shape, []).map(drop), forward);
        forward
    };
    let good = shape(16, Packing::SideBySide, 3, &[2, 2]);
    assert_eq!(plan(good.clone()), Ok(()));
    let with_slots = |slots| plan(DftShape { slots, stages: vec![1, 4], ..good.clone() });
    assert_eq!(with_slots(48), Err(Error::SlotCount { values: 48, max: 32 }));
    assert_eq!(with_slots(64), Err(Error::SlotCount { values: 64, max: 32 }));
    assert_eq!(with_slots(32), Err(Error::SlotCount { values: 64, max: 32 }), "no room side by side");
    for stages in [vec![], vec![4, 0], vec![2, 1], vec![4, 1], vec![u32::MAX, 5]] {
        let error = Error::DftStages { stages: stages.clone(), log_slots: 4 };
        assert_eq!(plan(DftShape { stages, ..good.clone() }), Err(error));
    }
    let error = Error::DftStages { stages: vec![], log_slots: 0 };
    assert_eq!(plan(DftShape { slots: 1, stages: vec![], ..good.clone() }), Err(error));
    assert_eq!(plan(DftShape { level: 4, ..good.clone() }), Err(Error::LevelRange { level: 4, max: 3 }));
    let error = Error::LevelExhausted { level: 1, required: 2 };
    assert_eq!(plan(DftShape { level: 1, ..good.clone() }), Err(error));
    let error = Error::NotFinite { slot: 0 };
    assert_eq!(plan(DftShape { factor: f64::INFINITY, ..good.clone() }), Err(error));

    let simulator = Simulator::new(&few);
    let stc = SlotsToCoeffs::new(&few, good, []).unwrap().encode(&simulator).unwrap();
    let existing = |log_scale, slots| {
        let operand = Operand { level: 3, scale: Scale::power_of_two(log_scale), slots };
        simulator.existing_operand(operand)
    };
    let apart = Coefficients::Apart { real: existing(40, 16).unwrap(), imaginary: existing(40, 16).unwrap() };
    let error = Error::CoefficientPacking { expected: Packing::SideBySide, found: Packing::Apart };
    assert_eq!(stc.apply(&simulator, &apart).map(drop), Err(error));
    let coarse = Coefficients::SideBySide(existing(39, 32).unwrap());
    let error = Error::ScaleMismatch { left: 39.0, right: 40.0 };
    assert_eq!(stc.apply(&simulator, &coarse).map(drop), Err(error.clone()));
    let failing = coarse.try_map(|_| Err::<(), _>(Error::EmptySum));
    assert_eq!(failing, Err(Error::EmptySum));
    assert_eq!(existing(40, 64).map(drop), Err(Error::SlotCount { values: 64, max: 32 }));
    let level = Operand { level: 4, scale: Scale::power_of_two(40), slots: 8 };
    assert_eq!(simulator.existing_operand(level).map(drop), Err(Error::LevelRange { level: 4, max: 3 }));
}
