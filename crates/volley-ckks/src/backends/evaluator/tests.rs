use super::*;
use crate::testing::{Setup, parameters, random_slots, rng};
use crate::{EvaluationKeySet, KeySpec, Precision, PublicKey, SecretKey, Simulator};

const LEVELS: usize = 4;

fn setup() -> Setup {
    Setup::new(parameters(10, LEVELS), |spec| {
        spec.relinearization(LEVELS).rotations([1, 2, 5, -3, 100], LEVELS).conjugation(LEVELS)
    })
}

/// Every slot of `actual` is right to `bits` bits.
#[track_caller]
fn assert_close(expected: &[Complex64], actual: &[Complex64], bits: f64) {
    let precision = Precision::measure(expected, actual);
    assert!(precision.worst_bits() >= bits, "{:.1} bits, {bits} wanted", precision.worst_bits());
}

fn map(a: &[Complex64], f: impl Fn(Complex64) -> Complex64) -> Vec<Complex64> {
    a.iter().map(|&a| f(a)).collect()
}

fn zip(a: &[Complex64], b: &[Complex64], f: impl Fn(Complex64, Complex64) -> Complex64) -> Vec<Complex64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

fn rotated(a: &[Complex64], steps: i64) -> Vec<Complex64> {
    let n = a.len() as i64;
    (0..n).map(|j| a[(j + steps).rem_euclid(n) as usize]).collect()
}

#[test]
fn evaluators_share_keys_and_clones_share_all() {
    let setup = Setup::new(parameters(10, 1), |spec| spec.rotations([1], 1));
    let (evaluator, clone) = (&setup.evaluator, setup.evaluator.clone());
    let another = Evaluator::new(&setup.context, Arc::clone(evaluator.keys())).unwrap();
    assert_eq!(Arc::strong_count(evaluator.keys()), 3);
    let a = setup.encrypt(&random_slots(16, &mut rng(2)), 1, 3);
    let rotated = [evaluator, &clone, &another].map(|evaluator| evaluator.rotate(&a, 1).unwrap());
    assert!(rotated[0] == rotated[1] && rotated[1] == rotated[2]);
    let rotations =
        [evaluator, &clone, &another].map(|evaluator| evaluator.counts().total(Operation::Rotation));
    assert_eq!(rotations, [2, 2, 1]);
}

#[test]
fn linear_operations_agree_with_slots_at_every_level() {
    let setup = setup();
    let ev = &setup.evaluator;
    for level in 0..=LEVELS {
        let (a, b) = (random_slots(512, &mut rng(2)), random_slots(512, &mut rng(3)));
        let (ca, cb) = (setup.encrypt(&a, level, 4), setup.encrypt(&b, LEVELS, 5));
        let plain = setup.encoder.encode(&b, ca.scale(), LEVELS).unwrap();
        let check = |ct: Ciphertext, expected: Vec<Complex64>| {
            assert_eq!(ct.level(), level);
            assert_close(&expected, &setup.decrypt(&ct), 29.0);
        };
        check(ev.add(&ca, &cb).unwrap(), zip(&a, &b, |a, b| a + b));
        check(ev.add(&cb, &ca).unwrap(), zip(&a, &b, |a, b| a + b));
        check(ev.sub(&ca, &cb).unwrap(), zip(&a, &b, |a, b| a - b));
        check(ev.sub(&cb, &ca).unwrap(), zip(&a, &b, |a, b| b - a));
        check(ev.neg(&ca).unwrap(), map(&a, |a| -a));
        check(ev.add_plain(&ca, &plain).unwrap(), zip(&a, &b, |a, b| a + b));
        check(ev.add_constant(&ca, -1.25).unwrap(), map(&a, |a| a - 1.25));
        check(ev.multiply_by_i(&ca).unwrap(), map(&a, |a| a * Complex64::i()));
    }
}

#[test]
fn products_agree_with_slots_at_every_level() {
    let setup = setup();
    let ev = &setup.evaluator;
    let (a, b) = (random_slots(512, &mut rng(2)), random_slots(512, &mut rng(3)));
    for level in 1..=LEVELS {
        let (ca, cb) = (setup.encrypt(&a, level, 4), setup.encrypt(&b, LEVELS, 5));
        let plain = setup.encoder.encode(&b, cb.scale(), LEVELS).unwrap();
        let check = |ct: Ciphertext, expected: Vec<Complex64>| {
            assert_eq!(ct.level(), level - 1);
            assert_close(&expected, &setup.decrypt(&ct), 25.0);
        };
        let product = zip(&a, &b, |a, b| a * b);
        check(ev.multiply(&ca, &cb).unwrap(), product.clone());
        check(ev.square(&ca).unwrap(), map(&a, |a| a * a));
        let tensor = ev.sum_of_products(&[(&ca, &cb)]).unwrap();
        check(ev.rescale(&ev.relinearize(&tensor).unwrap()).unwrap(), product.clone());
        check(ev.rescale(&ev.multiply_plain(&ca, &plain).unwrap()).unwrap(), product);
        let thirds = ev.multiply_constant(&ca, -1.0 / 3.0, cb.scale()).unwrap();
        check(ev.rescale(&thirds).unwrap(), map(&a, |a| a / -3.0));
    }
}

#[test]
fn a_linear_combination_is_the_sum_of_its_products() {
    let setup = setup();
    let (ev, simulator) = (&setup.evaluator, Simulator::new(setup.context.parameters()));
    let vectors: Vec<_> = (0..3).map(|seed| random_slots(512, &mut rng(seed))).collect();
    let coefficients = [0.25, -3.0, 1.0 / 3.0];
    // Ciphertexts of several levels and scales: 40, 41 and 42 bits.
    let encrypted: Vec<_> = (0..3)
        .map(|i| {
            setup.encrypt_at(&vectors[i], &Scale::power_of_two(40 + i as i32), LEVELS - i, 10 + i as u64)
        })
        .collect();
    let terms: Vec<_> = encrypted.iter().zip(coefficients).collect();
    let (scale, level) = (Scale::power_of_two(75), LEVELS - 2);
    let sum = ev.linear_combination(&terms, &scale, level).unwrap();
    let product = |&(a, c): &(&Ciphertext, f64)| {
        let factor = scale.divided_by(a.scale());
        ev.multiply_constant(&ev.drop_level(a, level).unwrap(), c, &factor).unwrap()
    };
    let one_by_one =
        terms[1..].iter().fold(product(&terms[0]), |sum, term| ev.add(&sum, &product(term)).unwrap());
    assert!(sum == one_by_one, "not the same residues");
    assert_eq!((sum.level(), sum.scale()), (level, &scale));
    let expected: Vec<_> = (0..512).map(|j| (0..3).map(|i| vectors[i][j] * coefficients[i]).sum()).collect();
    assert_close(&expected, &setup.decrypt(&sum), 25.0);

    let simulated: Vec<_> =
        encrypted.iter().map(|a| simulator.existing_operand(a.operand().clone()).unwrap()).collect();
    let simulated: Vec<_> = simulated.iter().zip(coefficients).collect();
    let foreseen = simulator.linear_combination(&simulated, &scale, level).unwrap();
    assert_eq!(simulator.operand(&foreseen), sum.operand());
    assert_eq!(simulator.counts().total(Operation::ConstantProduct), 3);
    for error in [
        ev.linear_combination(&terms, &scale, LEVELS).unwrap_err(),
        simulator.linear_combination(&simulated, &scale, LEVELS).unwrap_err(),
    ] {
        assert!(matches!(error, Error::LevelExhausted { required: LEVELS, .. }), "{error}");
    }
    assert_eq!(ev.linear_combination(&[], &scale, 0).unwrap_err(), Error::EmptySum);
    assert_eq!(simulator.linear_combination(&[], &scale, 0).unwrap_err(), Error::EmptySum);
    let infinite = [(&encrypted[0], f64::INFINITY)];
    assert_eq!(ev.linear_combination(&infinite, &scale, 0).unwrap_err(), Error::NotFinite { slot: 0 });
}

#[test]
fn a_weighted_sum_makes_levels_and_scales_equal() {
    let setup = setup();
    let (ev, simulator) = (&setup.evaluator, Simulator::new(setup.context.parameters()));
    let values = random_slots(512, &mut rng(4));
    let x = setup.encrypt(&values, 2, 6);
    let square = ev.square(&x).unwrap();
    assert!(matches!(ev.add(&x, &square).unwrap_err(), Error::ScaleMismatch { .. }));
    let sum = ev.weighted_sum(&[(&x, 0.4), (&square, 1.0)]).unwrap();
    assert_eq!((sum.level(), sum.scale()), (0, x.scale()));
    let expected: Vec<_> = values.iter().map(|x| x * 0.4 + x * x).collect();
    assert_close(&expected, &setup.decrypt(&sum), 20.0);
    let simulated = simulator.existing_operand(x.operand().clone()).unwrap();
    let foreseen = simulator.weighted_sum(&[(&simulated, 0.4)]).unwrap();
    assert_eq!((foreseen.operand().level, &foreseen.operand().scale), (1, x.scale()));
    assert_eq!(ev.weighted_sum(&[]).unwrap_err(), Error::EmptySum);
    assert_eq!(ev.weighted_sum(&[(&sum, 1.0)]).unwrap_err(), Error::LevelExhausted { level: 0, required: 1 });
}

#[test]
fn constants_that_a_scale_does_not_hold_are_refused() {
    let setup = setup();
    let ev = &setup.evaluator;
    let x = setup.encrypt(&random_slots(512, &mut rng(5)), 1, 7);
    let at_own_scale = |constant| ev.linear_combination(&[(&x, constant)], x.scale(), 1);
    assert!(at_own_scale(3.0).is_ok());
    let refused = Error::ConstantScale { constant: 0.4, rounded: 0.0, scale_log2: 0.0 };
    assert_eq!(at_own_scale(0.4).unwrap_err(), refused);
    assert!(ev.multiply_constant(&x, 0.4, &Scale::power_of_two(4)).is_err());
    assert!(ev.multiply_constant(&x, 0.4, &Scale::power_of_two(9)).is_ok());
    // A double has no digits behind the point for it.
    let large = ev.parameters().rescaling_factor(1);
    assert!(
        ev.multiply_constant(&x, 2f64.powi(50) + 1.0, &large.divided_by(&Scale::power_of_two(20))).is_ok()
    );
}

#[test]
fn a_merged_rescaling_is_as_good_as_one_after_the_other() {
    let setup = setup();
    let ev = &setup.evaluator;
    let (a, b) = (random_slots(512, &mut rng(2)), random_slots(512, &mut rng(3)));
    let tensor = ev.sum_of_products(&[(&setup.encrypt(&a, 3, 4), &setup.encrypt(&b, 3, 5))]).unwrap();
    let merged = ev.relinearize_rescale(&tensor).unwrap();
    let stepwise = ev.rescale(&ev.relinearize(&tensor).unwrap()).unwrap();
    assert_eq!(merged.operand(), stepwise.operand());
    let expected = zip(&a, &b, |a, b| a * b);
    let error = |ct| Precision::measure(&expected, &setup.decrypt(ct)).mean_error;
    assert!(error(&merged) < 1.1 * error(&stepwise));
}

#[test]
fn sums_of_products_are_lazy_and_exact() {
    let setup = setup();
    let ev = &setup.evaluator;
    let vectors: Vec<_> = (0..6).map(|seed| random_slots(512, &mut rng(seed))).collect();
    let encrypted: Vec<_> =
        vectors.iter().enumerate().map(|(i, v)| setup.encrypt(v, LEVELS - i / 4, 10 + i as u64)).collect();
    let [a, b, c, d, e, f] = encrypted.each_ref_array();
    let sum = ev.sum_of_products(&[(a, b), (c, d)]).unwrap();
    let more = ev.sum_of_products(&[(e, f)]).unwrap();
    let total = ev.add_tensor(sum.clone(), &more).unwrap();
    let sums =
        vec![(sum.clone(), vec![(e, f)]), (more.clone(), vec![(a, b), (c, d)]), (more.clone(), vec![(e, f)])];
    let twice = ev.add_tensor(more.clone(), &more).unwrap();
    assert_eq!(ev.add_products(sums).unwrap(), [total.clone(), total.clone(), twice]);
    // The sums have levels of their own.
    let together = ev.sums_of_products(&[vec![(e, f)], vec![(a, b), (c, d)], vec![(e, f)]]).unwrap();
    assert_ne!(sum.level(), more.level());
    assert_eq!(together, [more.clone(), sum, more]);
    assert_eq!(ev.sums_of_products(&[]).unwrap(), []);
    // A degree-1 summand at the product's scale.
    let summand = setup.encrypt_at(&vectors[0], &total.scale().clone(), LEVELS, 20);
    let total = ev.add_to_tensor(total, &summand).unwrap();
    assert_eq!(total.level(), LEVELS - 1);
    let result = ev.relinearize_rescale(&total).unwrap();
    let expected: Vec<_> = (0..512)
        .map(|j| {
            let v = |i: usize| vectors[i][j];
            v(0) * v(1) + v(2) * v(3) + v(4) * v(5) + v(0)
        })
        .collect();
    assert_close(&expected, &setup.decrypt(&result), 24.0);
    let relinearizations = ev.counts().total(Operation::Relinearization);
    // Three in sums of their own, and four each in those that were made together.
    assert_eq!((ev.counts().total(Operation::Product), relinearizations), (11, 1));
}

/// References to six ciphertexts by name.
trait EachRef {
    fn each_ref_array(&self) -> [&Ciphertext; 6];
}

impl EachRef for Vec<Ciphertext> {
    fn each_ref_array(&self) -> [&Ciphertext; 6] {
        array::from_fn(|i| &self[i])
    }
}

#[test]
fn rotations_and_conjugation_permute_slots() {
    let setup = setup();
    let ev = &setup.evaluator;
    let a = random_slots(512, &mut rng(2));
    for level in [0, 2, LEVELS] {
        let ca = setup.encrypt(&a, level, 4);
        let steps = [0, 1, -3, 100, 5, 512, 2, -511, 2, 0, 5, 1];
        let hoisted = ev.rotate_hoisted(&ca, &steps).unwrap();
        for (&steps, hoisted) in steps.iter().zip(&hoisted) {
            assert_close(&rotated(&a, steps), &setup.decrypt(hoisted), 27.0);
            assert_eq!(hoisted, &ev.rotate(&ca, steps).unwrap(), "hoisting changes no bit");
        }
        let conjugate = setup.decrypt(&ev.conjugate(&ca).unwrap());
        assert_close(&map(&a, |a| a.conj()), &conjugate, 27.0);
    }
}

#[test]
fn rotations_of_sparse_vectors_are_cyclic_in_their_slots() {
    let setup = setup();
    let a = random_slots(8, &mut rng(2));
    let ca = setup.encrypt(&a, 2, 4);
    let by_five = setup.evaluator.rotate(&ca, 5).unwrap();
    assert_eq!(by_five.slots(), 8);
    assert_eq!(setup.evaluator.rotate(&ca, 16).unwrap(), ca, "a whole turn needs no key");
    assert_close(&rotated(&a, 5), &setup.decrypt(&by_five), 27.0);
}

#[test]
fn a_sparse_vector_repeats_beside_a_full_one() {
    let setup = setup();
    let ev = &setup.evaluator;
    let (full, sparse) = (random_slots(512, &mut rng(2)), random_slots(8, &mut rng(3)));
    let repeated: Vec<_> = sparse.iter().copied().cycle().take(512).collect();
    let (a, b) = (setup.encrypt(&full, 2, 4), setup.encrypt(&sparse, 2, 5));
    let plain = setup.encoder.encode(&sparse, a.scale(), 2).unwrap();
    let (sum, product) = (zip(&full, &repeated, |a, b| a + b), zip(&full, &repeated, |a, b| a * b));
    for (left, right) in [(&a, &b), (&b, &a)] {
        assert_eq!(ev.add(left, right).unwrap().slots(), 512);
        assert_close(&sum, &setup.decrypt(&ev.add(left, right).unwrap()), 29.0);
        assert_close(&product, &setup.decrypt(&ev.multiply(left, right).unwrap()), 25.0);
    }
    assert_close(&sum, &setup.decrypt(&ev.add_plain(&a, &plain).unwrap()), 29.0);
    assert_close(
        &product,
        &setup.decrypt(&ev.rescale(&ev.multiply_plain(&a, &plain).unwrap()).unwrap()),
        25.0,
    );
}

#[test]
fn a_key_of_a_lower_level_serves_the_levels_below() {
    let setup = Setup::new(parameters(10, LEVELS), |spec| spec.relinearization(2).rotations([1], 1));
    let ev = &setup.evaluator;
    let a = random_slots(512, &mut rng(2));
    for level in 1..=2 {
        let square = ev.square(&setup.encrypt(&a, level, 4)).unwrap();
        assert_close(&map(&a, |a| a * a), &setup.decrypt(&square), 25.0);
    }
    for level in 0..=1 {
        let turned = ev.rotate(&setup.encrypt(&a, level, 4), 1).unwrap();
        assert_close(&rotated(&a, 1), &setup.decrypt(&turned), 27.0);
    }
    let top = setup.encrypt(&a, 3, 4);
    assert_eq!(ev.square(&top).unwrap_err(), Error::KeyLevel { key_level: 2, level: 3 });
    assert_eq!(ev.rotate(&top, 1).unwrap_err(), Error::KeyLevel { key_level: 1, level: 3 });
    assert_eq!(ev.rotate_hoisted(&top, &[1]).unwrap_err(), Error::KeyLevel { key_level: 1, level: 3 });
}

#[test]
fn misuse_is_an_error_that_says_what_was_needed() {
    let setup = Setup::new(parameters(10, 1), |spec| spec);
    let ev = &setup.evaluator;
    let a = random_slots(512, &mut rng(2));
    let (top, bottom) = (setup.encrypt(&a, 1, 4), setup.encrypt(&a, 0, 5));
    assert_eq!(ev.square(&top).unwrap_err(), Error::MissingRelinearizationKey);
    let purpose = GaloisPurpose::Rotation(-1);
    let element = crate::rlwe::keys::rotation_element(ev.parameters(), -1);
    assert_eq!(ev.rotate(&top, -1).unwrap_err(), Error::MissingGaloisKey { element, purpose });
    let missing = ev.conjugate(&top).unwrap_err();
    assert!(matches!(missing, Error::MissingGaloisKey { element: 2047, .. }), "{missing}");
    assert_eq!(ev.rescale(&bottom).unwrap_err(), Error::LevelExhausted { level: 0, required: 1 });
    assert_eq!(ev.drop_level(&bottom, 1).unwrap_err(), Error::LevelExhausted { level: 0, required: 1 });
    assert_eq!(ev.sum_of_products(&[]).unwrap_err(), Error::EmptySum);
    let square = ev.sum_of_products(&[(&top, &top)]).unwrap();
    assert_eq!(ev.sums_of_products(&[vec![(&top, &top)], vec![]]).unwrap_err(), Error::EmptySum);
    assert_eq!(ev.add_products(vec![(square.clone(), vec![])]).unwrap_err(), Error::EmptySum);
    let scaled = ev.multiply_constant(&top, 1.0, &Scale::power_of_two(1)).unwrap();
    let refused = ev.add_products(vec![(square, vec![(&top, &scaled)])]).unwrap_err();
    assert_eq!(refused, Error::ScaleMismatch { left: 80.0, right: 81.0 });
    let product = ev.multiply_constant(&top, 1.0, &Scale::power_of_two(1)).unwrap();
    assert_eq!(ev.add(&top, &product).unwrap_err(), Error::ScaleMismatch { left: 40.0, right: 41.0 });
    let tensor = ev.sum_of_products(&[(&top, &top)]).unwrap();
    assert!(matches!(ev.add_to_tensor(tensor.clone(), &top), Err(Error::ScaleMismatch { .. })));
    assert_eq!(ev.add_constant(&top, f64::NAN).unwrap_err(), Error::NotFinite { slot: 0 });
    let overflow = ev.add_constant(&bottom, 600.0).unwrap_err();
    assert!(matches!(overflow, Error::EncodingOverflow { .. }), "{overflow}");
    let huge = ev.multiply_constant(&top, 1.0, &Scale::power_of_two(1001)).unwrap_err();
    assert_eq!(huge, Error::ScaleRange { log2: 1001.0 });
    let scale_drift = ev.rescale(&ev.multiply_constant(&top, 1.0, top.scale()).unwrap()).unwrap();
    assert!(
        matches!(ev.sub(&bottom, &scale_drift), Err(Error::ScaleMismatch { .. })),
        "no scale drifts silently"
    );
}

#[test]
fn strangers_are_refused() {
    let setup = setup();
    let (ev, a) = (&setup.evaluator, random_slots(512, &mut rng(2)));
    let own = setup.encrypt(&a, 2, 4);
    let other_key = SecretKeyOf::another_owner(&setup).encrypt(&a);
    let other_set = Setup::new(parameters(10, 3), |spec| spec).encrypt(&a, 2, 4);
    for (stranger, error) in [(other_key, Error::KeyMismatch), (other_set, Error::ParameterMismatch)] {
        assert_eq!(ev.add(&own, &stranger).unwrap_err(), error);
        assert_eq!(ev.sum_of_products(&[(&own, &stranger)]).unwrap_err(), error);
        let square = ev.sum_of_products(&[(&own, &own)]).unwrap();
        assert_eq!(ev.add_products(vec![(square, vec![(&own, &stranger)])]).unwrap_err(), error);
        assert_eq!(ev.rotate(&stranger, 1).unwrap_err(), error);
        assert_eq!(ev.rotate_hoisted(&stranger, &[1]).unwrap_err(), error);
        assert_eq!(setup.secret_key.decrypt(&stranger).unwrap_err(), error);
    }
    let foreign = Setup::new(parameters(10, 3), |spec| spec);
    let plain = foreign.encoder.encode(&a, own.scale(), 2).unwrap();
    assert_eq!(ev.multiply_plain(&own, &plain).unwrap_err(), Error::ParameterMismatch);
    let keys =
        EvaluationKeySet::generate(&foreign.secret_key, &KeySpec::new(&parameters(10, 3)), &mut rng(9))
            .unwrap();
    assert_eq!(Evaluator::new(&setup.context, keys).unwrap_err(), Error::ParameterMismatch);
}

/// Another owner of the same parameter set.
struct SecretKeyOf(SecretKey, Arc<Context>, Encoder);

impl SecretKeyOf {
    fn another_owner(setup: &Setup) -> Self {
        let key = SecretKey::generate(&setup.context, &mut rng(77));
        Self(key, Arc::clone(&setup.context), Encoder::new(&setup.context))
    }

    fn encrypt(&self, values: &[Complex64]) -> Ciphertext {
        let plaintext = self.2.encode(values, &self.1.parameters().scale(), 2).unwrap();
        self.0.encrypt(&plaintext, &mut rng(78)).unwrap().expand(&self.1).unwrap()
    }
}

/// A circuit that uses every operation: the simulator must agree with the evaluator on everything but values.
fn circuit<A: Arithmetic>(ev: &A, a: &A::Ciphertext, b: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
    let scale = ev.parameters().scale();
    let sum = ev.sub(&ev.add(a, b)?, &ev.neg(b)?)?;
    let hoisted = ev.rotate_hoisted(&sum, &[0, 1, 2])?;
    let tensor = ev.sum_of_products(&[(&hoisted[0], b), (&hoisted[1], &hoisted[2])])?;
    let tensor = ev.add_tensor(tensor, &ev.sum_of_products(&[(a, b)])?)?;
    let sums = ev.sums_of_products(&[vec![(b, b)], vec![(a, b), (b, a)]])?;
    let tensor = sums.iter().try_fold(tensor, |total, sum| ev.add_tensor(total, sum))?;
    let tensors = ev.add_products(vec![(tensor, vec![(b, b), (&hoisted[1], a)])])?;
    let c = ev.relinearize_rescale(&tensors[0])?;
    let c = ev.add_constant(&ev.rotate(&c, 5)?, 0.5)?;
    let c = ev.multiply_by_i(&ev.conjugate(&c)?)?;
    let ones = ev.encode(|| vec![Complex64::ONE; 512], &scale, 2)?;
    let c = ev.rescale(&ev.multiply_plain(&ev.drop_level(&c, 2)?, &ones)?)?;
    let twice = ev.encode(|| vec![Complex64::ONE; 512], &ev.operand(&c).scale.clone(), 1)?;
    let c = ev.add_plain(&c, &twice)?;
    let square = ev.relinearize(&ev.sum_of_products(&[(&c, &c)])?)?;
    ev.rescale(&ev.rotate(&square, 0)?)
}

#[test]
fn the_simulator_foresees_levels_scales_keys_and_counts() {
    let parameters = parameters(10, LEVELS);
    let simulator = Simulator::new(&parameters);
    let [a, b] = [LEVELS, LEVELS - 1].map(|level| simulator.input(&parameters.scale(), level).unwrap());
    let foreseen = circuit(&simulator, &a, &b).unwrap();
    // The keys it lists are enough, and none is more than needed.
    let setup = Setup::new(parameters, |_| simulator.key_spec());
    let slots = random_slots(512, &mut rng(2));
    let [a, b] = [LEVELS, LEVELS - 1].map(|level| setup.encrypt(&slots, level, 3));
    let result = circuit(&setup.evaluator, &a, &b).unwrap();
    assert_eq!(setup.evaluator.operand(&result), simulator.operand(&foreseen));
    assert_eq!(setup.evaluator.counts(), simulator.counts());
    assert_eq!(simulator.key_spec().key_count(), 5);
    let peak = simulator.peak_memory_bytes();
    assert!(peak > 10 * 2 * 4 * 1024 * 8 && peak < 40 * 2 * 5 * 1024 * 8, "{peak}");
}

#[test]
fn the_simulator_refuses_what_the_evaluator_refuses() {
    let simulator = Simulator::new(&parameters(10, 1));
    let scale = simulator.parameters().scale();
    let input = simulator.input(&scale, 0).unwrap();
    assert_eq!(simulator.rescale(&input).unwrap_err(), Error::LevelExhausted { level: 0, required: 1 });
    let doubled = simulator.multiply_constant(&input, 2.0, &Scale::power_of_two(1)).unwrap();
    assert!(matches!(simulator.add(&input, &doubled), Err(Error::ScaleMismatch { .. })));
    assert_eq!(simulator.input(&scale, 2).unwrap_err(), Error::LevelRange { level: 2, max: 1 });
    assert_eq!(simulator.encode(Vec::new, &scale, 2).unwrap_err(), Error::LevelRange { level: 2, max: 1 });
}

#[test]
fn results_do_not_depend_on_the_thread_count() {
    let setup = setup();
    let a = random_slots(512, &mut rng(2));
    let ca = setup.encrypt(&a, LEVELS, 4);
    let public_key = PublicKey::generate(&setup.secret_key, &mut rng(5));
    let plaintext = setup.encoder.encode(&a, ca.scale(), LEVELS).unwrap();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let rotated = setup.evaluator.rotate_hoisted(&ca, &[1, 5]).unwrap();
            let product = setup.evaluator.multiply(&rotated[0], &rotated[1]).unwrap();
            let turned = setup.evaluator.rotate(&product, 1).unwrap();
            (product, turned, public_key.encrypt(&plaintext, &mut rng(6)).unwrap())
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(3));
}

/// Levels of two primes, 33 + 34 bits, under a scale of 2^67.
fn long_scale(log_n: u32, levels: usize) -> Setup {
    let literal = crate::ParametersLiteral {
        log_n,
        levels: [vec![vec![40, 40]], vec![vec![33, 34]; levels]].concat(),
        p_bits: vec![50, 50],
        log_scale: 67,
        security: crate::Security::Unchecked,
    };
    let parameters = literal.build().unwrap();
    assert_eq!((parameters.max_level(), parameters.limbs(1)), (levels, 4));
    assert!((parameters.rescaling_factor(1).log2() - 67.0).abs() < 1e-3);
    Setup::new(parameters, |spec| spec.relinearization(levels).rotations([3], levels).conjugation(levels))
}

#[test]
fn scales_longer_than_a_prime_are_as_precise_as_they_are_long() {
    let setup = long_scale(10, LEVELS);
    let ev = &setup.evaluator;
    let (a, b) = (random_slots(512, &mut rng(2)), random_slots(512, &mut rng(3)));
    for level in 1..=LEVELS {
        let (ca, cb) = (setup.encrypt(&a, level, 4), setup.encrypt(&b, LEVELS, 5));
        let check = |ct: Ciphertext, expected: Vec<Complex64>| {
            // The error is that of floating point; the noise alone would leave 54 bits.
            assert_close(&expected, &setup.decrypt(&ct), 46.0);
            assert_close(&expected, &setup.decrypt(&ev.drop_level(&ct, 0).unwrap()), 46.0);
        };
        let product = ev.multiply(&ca, &cb).unwrap();
        assert_eq!(product.level(), level - 1);
        check(product, zip(&a, &b, |a, b| a * b));
        let tensor = ev.sum_of_products(&[(&ca, &cb)]).unwrap();
        check(ev.rescale(&ev.relinearize(&tensor).unwrap()).unwrap(), zip(&a, &b, |a, b| a * b));
        check(ev.rotate(&ca, 3).unwrap(), rotated(&a, 3));
        check(ev.rotate_hoisted(&ca, &[3]).unwrap().remove(0), rotated(&a, 3));
        check(ev.conjugate(&ca).unwrap(), map(&a, |a| a.conj()));
        let thirds = ev.multiply_constant(&ca, -1.0 / 3.0, cb.scale()).unwrap();
        check(ev.rescale(&thirds).unwrap(), map(&a, |a| a / -3.0));
    }
}

#[cfg(feature = "wire")]
#[test]
fn long_scales_are_written_and_read() {
    let setup = long_scale(5, 2);
    let parameters = setup.context.parameters();
    let ciphertext = setup.encrypt(&random_slots(16, &mut rng(2)), 1, 3);
    let bytes = ciphertext.record_bytes(parameters);
    // Level 0 has 40 + 40 bits, level 1 has 67.
    assert_eq!(bytes, 2 * 32 * (80 + 67) / 8 + 9);
    let spec = KeySpec::new(parameters).relinearization(1).rotations([3], 2);
    let keys = EvaluationKeySet::generate(&setup.secret_key, &spec, &mut rng(4)).unwrap();
    let mut file = Vec::new();
    keys.write(parameters, &mut file).unwrap();
    assert_eq!(file.len() as u64, spec.byte_count());
    let read = EvaluationKeySet::read(&setup.context, &file[..], u64::MAX).unwrap();
    assert_eq!(read.spec(parameters).unwrap(), spec);
    let mut file = Vec::new();
    setup.secret_key.write(&mut file).unwrap();
    let read = SecretKey::read(&setup.context, None, &file[..], u64::MAX).unwrap();
    assert_eq!(read.poly().residues(), setup.secret_key.poly().residues());
}
