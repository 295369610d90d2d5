//! The noise of everything under the key of a pool, measured against the formulas for 2, 5 and 16 owners.

use volley_ring::{Eval, PackedPoly, RnsPoly};

use super::*;
use crate::keys::{conjugation_element, rotation_element};
use crate::noise::Noise;
use crate::{ParametersLiteral, Scale, Security};

const LOG_N: u32 = 11;
const SAMPLES: u64 = 8;
const OWNERS: [usize; 3] = [2, 5, 16];

/// As for the keys of one owner: a forgotten or doubled term is √2.
const TOLERANCE: f64 = 1.0 / 16.0;

#[track_caller]
fn assert_deviation(errors: &[f64], predicted: f64) {
    assert!(errors.len() >= 1000);
    let square = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
    let ratio = square.sqrt() / predicted;
    assert!((ratio - 1.0).abs() < TOLERANCE, "{ratio:.3} × {predicted}");
}

/// Digits {q₀}, {q₁, q₂}, {q₃}, whole ones as wide as P: the errors of keys are what one sees of a key switch.
fn wide_digits(owners: usize) -> Parameters {
    let literal = ParametersLiteral {
        log_n: LOG_N,
        levels: vec![vec![45], vec![22], vec![23], vec![45]],
        p_bits: vec![45],
        log_scale: 20,
        security: Security::Unchecked,
    };
    literal.build().unwrap().pooled(owners).unwrap()
}

impl Session {
    fn parameters(&self) -> &Parameters {
        self.pool.context().parameters()
    }

    /// c₀ + c₁·s + …
    fn phase(&self, parts: &[RnsPoly<Eval>], level: usize) -> RnsPoly<Eval> {
        let basis = self.pool.context().q(level);
        let mut phase = basis.zero();
        for part in parts.iter().rev() {
            basis.mul_assign(&mut phase, self.joint.poly());
            basis.add_assign(&mut phase, part);
        }
        phase
    }

    fn difference(&self, mut a: RnsPoly<Eval>, b: &RnsPoly<Eval>, level: usize) -> Vec<f64> {
        let basis = self.pool.context().q(level);
        basis.sub_assign(&mut a, b);
        basis.to_centred(&basis.inverse(a))
    }

    fn at_scale(&self, scale: i32, level: usize, seed: u64) -> Ciphertext {
        let plaintext = self.encoder.encode(&[0.5], &Scale::power_of_two(scale), level).unwrap();
        self.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap()
    }

    /// bⱼ + aⱼ·to − P·gⱼ·from for the digits of a key, modulo Q_level·P.
    fn key_errors(&self, digits: &[[PackedPoly; 2]], from: &RnsPoly<Eval>, to: &RnsPoly<Eval>) -> Vec<f64> {
        let context = self.pool.context();
        let level = LEVELS;
        let basis = context.qp(level);
        let errors = digits.iter().zip(context.parameters().digits()).map(|([b, a], digit)| {
            let (mut error, mut message) = (a.unpack(), basis.zero());
            basis.mul_assign(&mut error, to);
            basis.add_assign(&mut error, &b.unpack());
            let factor = (from, context.special_product(level));
            context.q(level).add_scaled_limbs_assign(&mut message, factor, digit.clone());
            basis.sub_assign(&mut error, &message);
            basis.to_centred(&basis.inverse(error))
        });
        errors.flatten().collect()
    }
}

fn samples(sample: impl Fn(u64) -> Vec<f64>) -> Vec<f64> {
    (100..100 + SAMPLES).flat_map(sample).collect()
}

#[test]
fn keys_have_the_errors_of_all_owners() {
    for owners in OWNERS {
        let session = Session::new(pool_of(pooled(LOG_N, owners), all_keys, 1));
        let (context, s) = (session.pool.context(), session.joint.poly());
        let (basis, sigma) = (context.qp(LEVELS), Noise::encryption().repeated(owners));

        let [b, a] = session.public_key.halves();
        let mut error = a;
        basis.mul_assign(&mut error, s);
        basis.add_assign(&mut error, &b);
        assert_deviation(&basis.to_centred(&basis.inverse(error)), sigma.coefficient_deviation());

        let keys = session.evaluator.keys();
        let rotation = rotation_element(context.parameters(), 1);
        let (_, key) = keys.galois_keys().find(|&(element, _)| element == rotation).unwrap();
        let target = crate::rlwe::keys::galois_target(context, s, rotation);
        let errors = session.key_errors(key.digits(), s, &target);
        assert_deviation(&errors, sigma.coefficient_deviation());

        // s·e₀ + u·e₁ + e₂ + e₃.
        let mut square = s.clone();
        basis.mul_assign(&mut square, s);
        let errors = session.key_errors(keys.relinearization_key().unwrap().digits(), &square, s);
        let n = context.parameters().degree() as f64;
        let variance = 2.0 * (1.0 + n * owners as f64 * 2.0 / 3.0);
        assert_deviation(&errors, sigma.times(variance.sqrt()).coefficient_deviation());
    }
}

#[test]
fn encryptions_and_roundings() {
    for owners in OWNERS {
        let session = Session::new(pool_of(pooled(LOG_N, owners), |spec| spec, 1));
        for level in [1, LEVELS] {
            let fresh = samples(|seed| {
                let plaintext = session.encoder.encode(&[0.5], &Scale::power_of_two(40), level).unwrap();
                let ciphertext = session.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap();
                session.difference(session.phase(&ciphertext.parts, level), &plaintext.poly, level)
            });
            let predicted = Noise::public_encryption(session.parameters());
            assert_deviation(&fresh, predicted.coefficient_deviation());

            let rounded = samples(|seed| {
                let before = session.at_scale(40, level, seed);
                let after = session.evaluator.rescale(&before).unwrap();
                let (basis, prime) = (session.pool.context().q(level - 1), session.parameters().q()[level]);
                let residues: Vec<u64> = basis.moduli().map(|q| q.reduce(prime)).collect();
                let mut phase = session.phase(&after.parts, level - 1);
                basis.mul_integer_assign(&mut phase, &residues);
                let error = session.difference(phase, &session.phase(&before.parts, level), level - 1);
                error.into_iter().map(|error| error / prime as f64).collect()
            });
            assert_deviation(&rounded, Noise::rounding(session.parameters()).coefficient_deviation());
        }
    }
}

#[test]
fn an_encryption_with_a_narrow_special_modulus() {
    // P of 20 bits at N = 2^13: the term e·u/P, with the errors of all owners in e, would be seen if it were forgotten.
    let literal = ParametersLiteral {
        log_n: 13,
        levels: vec![vec![20]],
        p_bits: vec![20],
        log_scale: 15,
        security: Security::Unchecked,
    };
    for owners in OWNERS {
        let parameters = literal.build().unwrap().pooled(owners).unwrap();
        let session = Session::new(pool_of(parameters, |spec| spec, 1));
        let plaintext = session.encoder.encode(&[0.5], &Scale::power_of_two(15), 0).unwrap();
        let ciphertext = session.public_key.encrypt(&plaintext, &mut rng(3)).unwrap();
        let errors = session.difference(session.phase(&ciphertext.parts, 0), &plaintext.poly, 0);
        let predicted = Noise::public_encryption(session.parameters());
        assert_deviation(&errors, predicted.coefficient_deviation());
    }
}

/// The errors of rotations, conjugations and relinearizations at a level.
fn key_switch_errors(session: &Session, level: usize) -> [Vec<f64>; 3] {
    let (ev, context) = (&session.evaluator, session.pool.context());
    let automorphism_error = |a: &Ciphertext, image: &Ciphertext, element: u64| {
        let expected = session.phase(&a.parts, level);
        let expected = context.q(level).automorphism(&expected, &context.automorphism(element));
        session.difference(session.phase(&image.parts, level), &expected, level)
    };
    let rotation = samples(|seed| {
        let a = full_slots(session, level, seed);
        automorphism_error(&a, &ev.rotate(&a, 1).unwrap(), rotation_element(session.parameters(), 1))
    });
    let conjugation = samples(|seed| {
        let a = full_slots(session, level, seed);
        automorphism_error(&a, &ev.conjugate(&a).unwrap(), conjugation_element(session.parameters()))
    });
    let relinearization = samples(|seed| {
        // The square's scale fits level 0.
        let a = session.at_scale(20, level, seed);
        let tensor = ev.sum_of_products(&[(&a, &a)]).unwrap();
        let expected = session.phase(&tensor.parts, level);
        session.difference(session.phase(&ev.relinearize(&tensor).unwrap().parts, level), &expected, level)
    });
    [rotation, conjugation, relinearization]
}

fn full_slots(session: &Session, level: usize, seed: u64) -> Ciphertext {
    let values = random_slots(session.parameters().max_slots(), &mut rng(seed));
    let plaintext = session.encoder.encode(&values, &Scale::power_of_two(20), level).unwrap();
    session.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap()
}

#[test]
fn key_switches_at_every_level() {
    for owners in OWNERS {
        let keys = |spec: KeySpec| spec.relinearization(3).rotations([1], 3).conjugation(3);
        let session = Session::new(pool_of(wide_digits(owners), keys, 1));
        let rounding = Noise::rounding(session.parameters()).coefficient_deviation();
        for level in 0..=3 {
            let galois = Noise::key_switch(session.parameters(), level).coefficient_deviation();
            let relinearization = Noise::relinearization(session.parameters(), level).coefficient_deviation();
            assert!(galois > 2.0 * rounding && relinearization > 100.0 * rounding);
            let [rotated, conjugated, relinearized] = key_switch_errors(&session, level);
            assert_deviation(&rotated, galois);
            assert_deviation(&conjugated, galois);
            assert_deviation(&relinearized, relinearization);
        }
    }
}

#[test]
fn a_secure_ring_has_the_noise_of_its_formulas() {
    // 128 bits of security. The widest digit at level 1 is 10 bits narrower than P, so that the errors of the
    // relinearization key make as much noise as the rounding. At level 0 it is 50 bits narrower.
    let literal = ParametersLiteral {
        log_n: 14,
        levels: vec![vec![50, 50], vec![45, 45]],
        p_bits: vec![50, 50],
        log_scale: 90,
        security: Security::Classical128,
    };
    let parameters = literal.build().unwrap().pooled(3).unwrap();
    let keys = |spec: KeySpec| spec.relinearization(1).rotations([1], 1).conjugation(1);
    let session = Session::new(pool_of(parameters, keys, 1));
    for level in [0, 1] {
        let predicted = |noise: fn(&Parameters, usize) -> Noise| {
            noise(session.parameters(), level).coefficient_deviation()
        };
        let [rotated, conjugated, relinearized] = key_switch_errors(&session, level);
        assert_deviation(&rotated, predicted(Noise::key_switch));
        assert_deviation(&conjugated, predicted(Noise::key_switch));
        assert_deviation(&relinearized, predicted(Noise::relinearization));
        let ratio =
            predicted(Noise::relinearization) / predicted(|parameters, _| Noise::rounding(parameters));
        assert!(if level == 1 { ratio > 1.3 } else { ratio < 1.01 }, "level {level}: {ratio}");
    }
}

#[test]
fn one_owner_has_no_round_two() {
    let single = parameters(LOG_N, LEVELS);
    for level in 0..=LEVELS {
        assert_eq!(Noise::relinearization(&single, level), Noise::key_switch(&single, level));
    }
    assert_eq!(Noise::personal_encryption(&single), Noise::public_encryption(&single));
    let pooled = single.pooled(2).unwrap();
    assert_eq!(Noise::personal_encryption(&pooled), Noise::public_encryption(&single));
    let two = wide_digits(2);
    assert!(Noise::relinearization(&two, 3) != Noise::key_switch(&two, 3));
}
