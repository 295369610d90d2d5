//! Evaluator and simulator by the rules of operands: each refusal by name. Random circuits are in `tests/seam`.

use num_complex::Complex64;

use crate::circuits::bootstrapping::BootstrapArithmetic;
use crate::rlwe::keys::GaloisPurpose;
use crate::testing::{Setup, parameters, random_slots, rng};
use crate::{
    Arithmetic, Ciphertext, Error, Evaluator, LinearArithmetic, LinearTransform, Operand, Parameters,
    ParametersLiteral, Scale, Security, Simulator,
};

const LEVELS: usize = 3;

/// N = 32; level 0 and level 2 have two primes each.
fn literal() -> ParametersLiteral {
    ParametersLiteral {
        log_n: 5,
        levels: vec![vec![30, 25], vec![40], vec![33, 34], vec![28]],
        p_bits: vec![50, 50],
        log_scale: 30,
        security: Security::Unchecked,
    }
}

fn setup() -> Setup {
    Setup::new(literal().build().unwrap(), |spec| {
        spec.relinearization(LEVELS).rotations(0..16, LEVELS).conjugation(LEVELS)
    })
}

fn power(exponent: i32) -> Scale {
    Scale::power_of_two(exponent)
}

/// The refusal of 2^`scale_log2` at a level of a parameter set.
fn overflow(parameters: &Parameters, scale_log2: f64, level: usize) -> Error {
    Error::ScaleOverflow { scale_log2, modulus_log2: parameters.log_q(level), level }
}

#[test]
fn a_scale_of_the_modulus_is_refused_and_the_largest_below_is_right() {
    let setup = setup();
    let (ev, simulator) = (&setup.evaluator, Simulator::new(setup.context.parameters()));
    for (level, largest) in [(0, 54), (1, 94), (3, 189)] {
        // The primes lie just below their powers of two, so that their product does too.
        let error = overflow(ev.parameters(), f64::from(largest + 1), level);
        assert_eq!(setup.encoder.encode(&[0.25], &power(largest + 1), level), Err(error.clone()));
        assert_eq!(simulator.encode(Vec::new, &power(largest + 1), level), Err(error.clone()));
        assert_eq!(simulator.input(&power(largest + 1), level).unwrap_err(), error);
        assert_eq!(simulator.existing(&power(largest + 1), level).unwrap_err(), error);
        let one = setup.encrypt_at(&[Complex64::from(0.25)], &power(50), level, 2);
        // In two steps, of which each is an integer of at most 126 bits.
        let half = (largest - 50) / 2;
        let one = ev.multiply_constant(&one, 1.0, &power(half)).unwrap();
        let scaled = |log2| ev.multiply_constant(&one, 1.0, &power(log2 - 50 - half));
        assert!((setup.decrypt(&scaled(largest).unwrap())[0].re - 0.25).abs() < 1e-10);
        assert_eq!(scaled(largest + 1).unwrap_err(), error);
    }
}

/// What makes an operand of scale 2^60 at level 0, from one of 2^30 at level 1 and what is made of it.
fn overflows<A>(ev: &A, a: &A::Ciphertext) -> Vec<Result<Operand, Error>>
where
    A: BootstrapArithmetic,
    A::Ciphertext: std::fmt::Debug,
{
    let operand = |a: Result<A::Ciphertext, Error>| a.map(|a| ev.operand(&a).clone());
    let bottom = ev.drop_level(a, 0).unwrap();
    let squared = ev.multiply_constant(a, 1.0, &power(30)).unwrap();
    let plain = ev.encode(|| vec![Complex64::ONE; 16], &power(30), 0).unwrap();
    let plan = LinearTransform::new(ev.parameters(), 0, 16, [0]).unwrap();
    let transform = ev.encode_transform(&plan, &power(30), |_| vec![Complex64::ONE; 16]).unwrap();
    vec![
        ev.sum_of_products(&[(a, a), (a, &bottom)]).map(|a| ev.tensor_operand(&a).clone()),
        ev.add_products(vec![(ev.sum_of_products(&[(a, a)]).unwrap(), vec![(a, &bottom)])])
            .map(|sums| ev.tensor_operand(&sums[0]).clone()),
        operand(ev.multiply(a, &bottom)),
        operand(ev.square(&bottom)),
        operand(ev.multiply_plain(a, &plain)),
        operand(ev.multiply_constant(&bottom, 0.5, &power(30))),
        operand(ev.linear_combination(&[(a, 0.5), (&squared, 2.0)], &power(60), 0)),
        operand(ev.drop_level(&squared, 0)),
        operand(ev.raise(&squared, 1)),
        operand(ev.transform(a, &transform)),
        operand(ev.transform(&bottom, &transform)),
    ]
}

#[test]
fn every_operation_refuses_a_scale_that_the_modulus_does_not_hold() {
    let setup = setup();
    let simulator = Simulator::new(setup.context.parameters());
    let error = overflow(simulator.parameters(), 60.0, 0);
    let encrypted = setup.encrypt_at(&[Complex64::ONE; 16], &power(30), 1, 2);
    for (index, refused) in overflows(&setup.evaluator, &encrypted).into_iter().enumerate() {
        assert_eq!(refused, Err(error.clone()), "{index}");
    }
    let input = simulator.input(&power(30), 1).unwrap();
    for (index, refused) in overflows(&simulator, &input).into_iter().enumerate() {
        assert_eq!(refused, Err(error.clone()), "{index}");
    }
    let squared = setup.evaluator.multiply_constant(&encrypted, 1.0, &power(30)).unwrap();
    assert_eq!(squared.drop_level(setup.context.parameters(), 0), Err(error.clone()));
    let plan = LinearTransform::new(simulator.parameters(), 0, 16, [0]).unwrap();
    let ones = |_| vec![Complex64::ONE; 16];
    assert_eq!(setup.evaluator.encode_transform(&plan, &power(60), ones), Err(error.clone()));
    assert_eq!(simulator.encode_transform(&plan, &power(60), ones), Err(error));
}

#[test]
fn twenty_nine_squarings_without_a_rescaling_are_refused() {
    fn squarings<A: Arithmetic>(ev: &A, a: A::Ciphertext) -> Result<A::Ciphertext, Error> {
        (0..29).try_fold(a, |a, _| ev.relinearize(&ev.sum_of_products(&[(&a, &a)])?))
    }
    let setup = Setup::new(parameters(5, LEVELS), |spec| spec.relinearization(LEVELS));
    let simulator = Simulator::new(setup.context.parameters());
    let error = overflow(simulator.parameters(), 320.0, LEVELS);
    let encrypted = setup.encrypt(&[Complex64::ONE; 16], LEVELS, 2);
    assert_eq!(squarings(&setup.evaluator, encrypted).unwrap_err(), error);
    let input = simulator.input(&simulator.parameters().scale(), LEVELS).unwrap();
    assert_eq!(squarings(&simulator, input).unwrap_err(), error);
}

#[test]
fn exponents_beyond_32_bits_are_refused() {
    // 40·2^29 is 0 modulo 2^32.
    let huge = (0..29).fold(power(40), |scale, _| scale.times(&scale));
    let refusal = Error::ScaleExponents { max: i32::MAX };
    let setup = setup();
    let simulator = Simulator::new(setup.context.parameters());
    assert_eq!(simulator.existing(&huge, 1).unwrap_err(), refusal);
    assert_eq!(setup.encoder.encode(&[0.0], &huge, 1), Err(refusal.clone()));
    let one = setup.encrypt_at(&[Complex64::ONE], &power(30), 1, 2);
    let combination = setup.evaluator.linear_combination(&[(&one, 1.0)], &huge, 1);
    assert_eq!(combination.unwrap_err(), refusal);
}

#[test]
fn rescaled_squarings_are_refused_where_their_exponents_end() {
    let simulator = Simulator::new(&parameters(5, 30));
    let mut power = simulator.input(&simulator.parameters().scale(), 30).unwrap();
    for _ in 0..25 {
        power = simulator.square(&power).unwrap();
    }
    assert!((simulator.operand(&power).scale.log2() - 40.0).abs() < 10.0);
    let refusal = simulator.square(&power).unwrap_err();
    assert_eq!(refusal, Error::ScaleExponents { max: i32::MAX });
    assert!(refusal.to_string().contains("2147483647"));
    let plainer = simulator.existing(&simulator.parameters().scale(), 5).unwrap();
    let sum = simulator.sum_of_products(&[(&plainer, &plainer), (&power, &power)]);
    assert_eq!(sum.unwrap_err(), refusal, "and not a sum of different scales, of which one has no logarithm");
    // As the message says: a product with 1 begins anew.
    let plain = simulator.parameters().scale();
    let aligned = simulator.linear_combination(&[(&power, 1.0)], &plain.times(&plain), 5).unwrap();
    assert!(simulator.square(&simulator.rescale(&aligned).unwrap()).is_ok());
}

/// Steps that turn 4 slots alike, and the one that is done.
const ALIKE: [(i64, [i64; 4]); 4] =
    [(0, [4, -4, 8, 1 << 40]), (1, [5, -3, -7, 13]), (-1, [3, -5, 7, 11]), (2, [-2, 6, -6, 10])];

#[test]
fn equal_rotations_use_one_key() {
    for (step, alike) in ALIKE {
        let operand = Operand { level: 1, scale: power(30), slots: 4 };
        let simulator = Simulator::new(&literal().build().unwrap());
        let a = simulator.existing_operand(operand).unwrap();
        let alike = [&alike[..], &[step]].concat();
        for &steps in &alike {
            simulator.rotate(&a, steps).unwrap();
        }
        simulator.rotate_hoisted(&a, &alike).unwrap();
        simulator.sum_of_rotations(&a, &alike).unwrap();
        let spec = simulator.key_spec();
        let own = crate::KeySpec::new(simulator.parameters()).rotations([step], 1);
        assert_eq!((&spec, spec.key_count()), (&own, usize::from(step != 0)), "{step}");

        // With that key the evaluator does them all.
        let setup = Setup::new(simulator.parameters().clone(), |_| spec);
        let values = random_slots(4, &mut rng(2));
        let a = setup.encrypt(&values, 1, 3);
        let rotated = setup.evaluator.rotate(&a, step).unwrap();
        for &steps in &alike {
            assert_eq!(setup.evaluator.rotate(&a, steps).unwrap(), rotated, "{steps}");
        }
        assert!(setup.evaluator.rotate_hoisted(&a, &alike).unwrap().iter().all(|other| *other == rotated));
        let sum = setup.decrypt(&setup.evaluator.sum_of_rotations(&a, &alike).unwrap());
        for (slot, sum) in sum.into_iter().enumerate() {
            let expected = values[(slot as i64 + step).rem_euclid(4) as usize] * alike.len() as f64;
            assert!((sum - expected).norm() < 1e-4, "{slot}");
        }
    }
}

#[test]
fn keys_of_any_equal_rotation_serve() {
    // As specified by steps, without the number of slots: by 5 of 16 slots.
    let setup = Setup::new(literal().build().unwrap(), |spec| spec.rotations([5], 2).rotations([9], 1));
    let values = random_slots(4, &mut rng(2));
    let turned = |a: &Ciphertext, by: &dyn Fn(&Evaluator, &Ciphertext) -> Result<Ciphertext, Error>| {
        by(&setup.evaluator, a).map(|a| setup.decrypt(&a))
    };
    let plan = LinearTransform::new(setup.context.parameters(), 1, 4, [1]).unwrap();
    let ones = |_| vec![Complex64::ONE; 4];
    let diagonal = setup.evaluator.encode_transform(&plan, &power(30), ones).unwrap();
    let a = setup.encrypt(&values, 2, 3);
    let ways = [
        turned(&a, &|ev, a| ev.rotate(a, 1)),
        turned(&a, &|ev, a| ev.rotate(a, -3)),
        turned(&a, &|ev, a| Ok(ev.rotate_hoisted(a, &[1])?.remove(0))),
        turned(&a, &|ev, a| ev.sum_of_rotations(a, &[1])),
        turned(&a, &|ev, a| ev.transform(a, &diagonal)),
    ];
    for (index, way) in ways.into_iter().enumerate() {
        for (slot, value) in way.unwrap().into_iter().enumerate() {
            assert!((value - values[(slot + 1) % 4]).norm() < 1e-4, "{index}");
        }
    }
    // None of them reaches level 3; none is of a rotation by 2; and on 16 slots they are what they are.
    let top = setup.encrypt(&values, 3, 3);
    assert_eq!(setup.evaluator.rotate(&top, 1).unwrap_err(), Error::KeyLevel { key_level: 1, level: 3 });
    let missing = |a: &Ciphertext, steps| match setup.evaluator.rotate(a, steps).unwrap_err() {
        Error::MissingGaloisKey { purpose, .. } => purpose,
        error => panic!("{error}"),
    };
    assert_eq!(missing(&a, 6), GaloisPurpose::Rotation(2));
    assert_eq!(missing(&a, 3), GaloisPurpose::Rotation(-1));
    assert_eq!(missing(&setup.encrypt(&random_slots(16, &mut rng(4)), 1, 3), 1), GaloisPurpose::Rotation(1));
}

#[cfg(feature = "wire")]
#[test]
fn keys_in_a_file_serve_equal_rotations() {
    let setup = Setup::new(literal().build().unwrap(), |spec| spec.rotations([-3], 1));
    let keys = crate::EvaluationKeySet::generate(
        &setup.secret_key,
        &crate::KeySpec::new(setup.context.parameters()).rotations([-3], 1),
        &mut rng(9),
    );
    let mut file = Vec::new();
    keys.unwrap().write(setup.context.parameters(), &mut file).unwrap();
    let keys = crate::EvaluationKeySet::read(&setup.context, &file[..], u64::MAX).unwrap();
    let ev = Evaluator::new(&setup.context, keys).unwrap();
    let values = random_slots(4, &mut rng(2));
    let rotated = setup.decrypt(&ev.rotate(&setup.encrypt(&values, 1, 3), 1).unwrap());
    assert!((0..4).all(|slot| (rotated[slot] - values[(slot + 1) % 4]).norm() < 1e-4));
}

#[test]
fn values_without_room_come_out_as_their_remainder() {
    let setup = Setup::new(parameters(5, 2), |spec| spec.relinearization(2));
    let square = |level| {
        let a = setup.encrypt(&[Complex64::from(500.0)], level, 2);
        setup.decrypt(&setup.evaluator.square(&a).unwrap())[0].re
    };
    // 250000 modulo 1024, as the documentation of the arithmetic says.
    assert!((square(1) - 144.0).abs() < 1e-3);
    assert!((square(2) - 250_000.0).abs() < 1e-3);
}
