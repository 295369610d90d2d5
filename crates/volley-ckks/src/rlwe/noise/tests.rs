use num_complex::Complex64;
use volley_ring::{Eval, RnsPoly};

use super::*;
use crate::rlwe::keys::{PublicKey, conjugation_element, rotation_element};
use crate::testing::{Setup, parameters, random_slots, rng};
use crate::{Arithmetic, Ciphertext, Plaintext, TensorCiphertext};

const LEVELS: usize = 4;
const LOG_N: u32 = 11;
const SAMPLES: u64 = 8;

/// Measured and predicted deviations agree within a sixteenth. The estimate from 2^14 independent coefficients has a
/// relative deviation of 1/180, but those of one ciphertext depend on each other through s: an error that was
/// multiplied by s varies with |s(ζ)|² from slot to slot, which makes it 1/60, and ‖s‖² varies from key to key. A
/// forgotten or doubled term is √2.
const TOLERANCE: f64 = 1.0 / 16.0;

#[track_caller]
fn assert_deviation(errors: &[f64], predicted: Noise) {
    assert!(errors.len() >= 1000);
    let ratio = root_mean_square(errors) / predicted.coefficient_deviation();
    assert!((ratio - 1.0).abs() < TOLERANCE, "{ratio:.3} × {predicted:?}");
}

fn root_mean_square(errors: &[f64]) -> f64 {
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
}

fn setup() -> Setup {
    Setup::new(parameters(LOG_N, LEVELS), |spec| {
        spec.relinearization(LEVELS).rotations([1], LEVELS).conjugation(LEVELS)
    })
}

impl Setup {
    fn parameters(&self) -> &Parameters {
        self.context.parameters()
    }

    /// c₀ + c₁·s + …, with the error.
    fn phase(&self, parts: &[RnsPoly<Eval>], level: usize) -> RnsPoly<Eval> {
        let basis = self.context.q(level);
        let mut phase = basis.zero();
        for part in parts.iter().rev() {
            basis.mul_assign(&mut phase, self.secret_key.poly());
            basis.add_assign(&mut phase, part);
        }
        phase
    }

    /// The coefficients of a − b, exactly.
    fn difference(&self, mut a: RnsPoly<Eval>, b: &RnsPoly<Eval>, level: usize) -> Vec<f64> {
        let basis = self.context.q(level);
        basis.sub_assign(&mut a, b);
        basis.to_centred(&basis.inverse(a))
    }

    /// The error of a division by the last prime: q·after − before is q times it, an integer far below Q.
    fn division_error(&self, before: &RnsPoly<Eval>, mut after: RnsPoly<Eval>, level: usize) -> Vec<f64> {
        let (basis, prime) = (self.context.q(level - 1), self.parameters().q()[level]);
        let residues: Vec<u64> = basis.moduli().map(|q| q.reduce(prime)).collect();
        basis.mul_integer_assign(&mut after, &residues);
        let multiple = self.difference(after, before, level - 1);
        multiple.into_iter().map(|error| error / prime as f64).collect()
    }

    fn random_plaintext(&self, level: usize, seed: u64) -> Plaintext {
        let values = random_slots(self.parameters().max_slots(), &mut rng(seed));
        self.encoder.encode(&values, &self.parameters().scale(), level).unwrap()
    }

    /// An encryption of [`random_plaintext`](Self::random_plaintext).
    fn ciphertext(&self, level: usize, seed: u64) -> Ciphertext {
        self.secret_key
            .encrypt(&self.random_plaintext(level, seed), &mut rng(seed))
            .unwrap()
            .expand(&self.context)
            .unwrap()
    }
}

/// The errors of several samples, put together.
fn errors(sample: impl Fn(u64) -> Vec<f64>) -> Vec<f64> {
    (100..100 + SAMPLES).flat_map(sample).collect()
}

#[test]
fn encryption_under_the_secret_key() {
    let setup = setup();
    for level in [0, LEVELS] {
        let errors = errors(|seed| {
            let plaintext = setup.random_plaintext(level, seed);
            let ciphertext = setup.ciphertext(level, seed);
            setup.difference(setup.phase(&ciphertext.parts, level), &plaintext.poly, level)
        });
        assert_deviation(&errors, Noise::encryption());
    }
}

#[test]
fn encryption_under_the_public_key() {
    let setup = setup();
    let public_key = PublicKey::generate(&setup.secret_key, &mut rng(2));
    for level in [0, LEVELS] {
        let errors = errors(|seed| {
            let plaintext = setup.random_plaintext(level, seed);
            let ciphertext = public_key.encrypt(&plaintext, &mut rng(seed)).unwrap();
            setup.difference(setup.phase(&ciphertext.parts, level), &plaintext.poly, level)
        });
        assert_deviation(&errors, Noise::public_encryption(setup.parameters()));
    }
}

#[test]
fn encryption_under_the_public_key_with_a_narrow_special_modulus() {
    // P of 20 bits at N = 2^13: the term e·u/P would be seen if P were forgotten.
    let literal = crate::ParametersLiteral {
        log_n: 13,
        levels: vec![vec![20]],
        p_bits: vec![20],
        log_scale: 15,
        security: crate::Security::Unchecked,
    };
    let setup = Setup::new(literal.build().unwrap(), |spec| spec);
    let public_key = PublicKey::generate(&setup.secret_key, &mut rng(2));
    let plaintext = setup.encoder.encode(&[0.5], &setup.parameters().scale(), 0).unwrap();
    let ciphertext = public_key.encrypt(&plaintext, &mut rng(3)).unwrap();
    let errors = setup.difference(setup.phase(&ciphertext.parts, 0), &plaintext.poly, 0);
    assert_deviation(&errors, Noise::public_encryption(setup.parameters()));
}

#[test]
fn a_secret_key_encrypts_more_precisely_than_a_public_one() {
    // √((1 + 2N/3)/12)/σ: 3.4 at N = 2^11, 9.5 at 2^14, 19 at 2^16.
    let ratio = |parameters: &Parameters| {
        let public = Noise::public_encryption(parameters).coefficient_deviation();
        public / Noise::encryption().coefficient_deviation()
    };
    let factors = [parameters(11, 1), parameters(14, 1), parameters(16, 1)].each_ref().map(ratio);
    for (factor, expected) in factors.into_iter().zip([3.35, 9.46, 18.9]) {
        assert!((factor / expected - 1.0).abs() < 0.01, "{factors:?}");
    }
    let setup = setup();
    let public_key = PublicKey::generate(&setup.secret_key, &mut rng(2));
    let plaintext = setup.random_plaintext(1, 3);
    let deviation = |ciphertext: &Ciphertext| {
        root_mean_square(&setup.difference(setup.phase(&ciphertext.parts, 1), &plaintext.poly, 1))
    };
    let public = deviation(&public_key.encrypt(&plaintext, &mut rng(4)).unwrap());
    assert!(public > 3.0 * deviation(&setup.ciphertext(1, 3)));
}

#[test]
fn rounding_of_a_rescaling() {
    let setup = setup();
    for level in [1, LEVELS] {
        let errors = errors(|seed| {
            let before = setup.ciphertext(level, seed);
            let after = setup.evaluator.rescale(&before).unwrap();
            let (before, after) = (setup.phase(&before.parts, level), setup.phase(&after.parts, level - 1));
            setup.division_error(&before, after, level)
        });
        assert_deviation(&errors, Noise::rounding(setup.parameters()));
    }
}

/// The errors of rotations, of conjugations and of relinearizations at a level.
fn key_switch_errors(setup: &Setup, level: usize) -> [Vec<f64>; 3] {
    let (ev, basis) = (&setup.evaluator, setup.context.q(level));
    let automorphism_error = |a: &Ciphertext, image: &Ciphertext, element: u64| {
        let expected = setup.phase(&a.parts, level);
        let expected = basis.automorphism(&expected, &setup.context.automorphism(element));
        setup.difference(setup.phase(&image.parts, level), &expected, level)
    };
    let rotation = errors(|seed| {
        let a = setup.ciphertext(level, seed);
        automorphism_error(&a, &ev.rotate(&a, 1).unwrap(), rotation_element(setup.parameters(), 1))
    });
    let conjugation = errors(|seed| {
        let a = setup.ciphertext(level, seed);
        automorphism_error(&a, &ev.conjugate(&a).unwrap(), conjugation_element(setup.parameters()))
    });
    let relinearization = errors(|seed| {
        // The square's scale fits level 0.
        let a = setup.encrypt_at(&[Complex64::ONE], &Scale::power_of_two(20), level, seed);
        let tensor = ev.sum_of_products(&[(&a, &a)]).unwrap();
        let relinearized = ev.relinearize(&tensor).unwrap();
        let expected = setup.phase(&tensor.parts, level);
        setup.difference(setup.phase(&relinearized.parts, level), &expected, level)
    });
    [rotation, conjugation, relinearization]
}

#[test]
fn key_switches_at_every_level() {
    let setup = setup();
    for level in 0..=LEVELS {
        let predicted = Noise::key_switch(setup.parameters(), level);
        for errors in key_switch_errors(&setup, level) {
            assert_deviation(&errors, predicted);
        }
    }
}

#[test]
fn key_switches_with_digits_as_wide_as_the_special_modulus() {
    // Digits {q₀}, {q₁, q₂}, {q₃}: where a digit is whole it is as wide as P, and its errors are what one sees.
    let literal = crate::ParametersLiteral {
        log_n: LOG_N,
        levels: vec![vec![45], vec![22], vec![23], vec![45]],
        p_bits: vec![45],
        log_scale: 20,
        security: crate::Security::Unchecked,
    };
    let parameters = literal.build().unwrap();
    assert_eq!(parameters.digits(), [0..1, 1..3, 3..4]);
    let setup = Setup::new(parameters, |spec| spec.relinearization(3).rotations([1], 3).conjugation(3));
    let rounding = Noise::rounding(setup.parameters()).coefficient_deviation();
    for (level, factor) in [(0, 4.0), (1, 4.0), (2, 5.0), (3, 6.0)] {
        let predicted = Noise::key_switch(setup.parameters(), level);
        assert!((predicted.coefficient_deviation() / rounding / factor - 1.0).abs() < 0.2);
        for errors in key_switch_errors(&setup, level) {
            assert_deviation(&errors, predicted);
        }
    }
}

#[test]
fn products_of_ciphertexts() {
    let setup = setup();
    let (n, scale) = (setup.parameters().degree(), setup.parameters().scale().to_f64());
    // Slots in the square of side 2 have E|z|² = 2/3; with zeros only the product of the errors is left.
    let tensor = |a: &Ciphertext, b: &Ciphertext| setup.evaluator.sum_of_products(&[(a, b)]).unwrap();
    let phase = |tensor: &TensorCiphertext| setup.phase(&tensor.parts, LEVELS);
    let message = scale * (2.0f64 / 3.0).sqrt();
    let cross = errors(|seed| {
        let (a, b) = (setup.ciphertext(LEVELS, seed), setup.ciphertext(LEVELS, seed + 50));
        let mut expected = setup.random_plaintext(LEVELS, seed).poly;
        setup.context.q(LEVELS).mul_assign(&mut expected, &setup.random_plaintext(LEVELS, seed + 50).poly);
        setup.difference(phase(&tensor(&a, &b)), &expected, LEVELS)
    });
    let fresh = Noise::encryption();
    assert_deviation(&cross, fresh.product(message, fresh, message, n));
    let squares = errors(|seed| {
        let zero = |seed| setup.encrypt(&[Complex64::ZERO], LEVELS, seed);
        let (a, b) = (zero(seed), zero(seed + 50));
        setup.difference(phase(&tensor(&a, &b)), &setup.context.q(LEVELS).zero(), LEVELS)
    });
    assert_deviation(&squares, fresh.product(0.0, fresh, 0.0, n));
}

#[test]
fn a_merged_relinearization_and_rescaling_rounds_once() {
    let setup = setup();
    for level in [1, LEVELS] {
        let errors = errors(|seed| {
            let a = setup.encrypt_at(&[Complex64::ONE], &Scale::power_of_two(20), level, seed);
            let tensor = setup.evaluator.sum_of_products(&[(&a, &a)]).unwrap();
            let product = setup.evaluator.relinearize_rescale(&tensor).unwrap();
            let before = setup.phase(&tensor.parts, level);
            setup.division_error(&before, setup.phase(&product.parts, level - 1), level)
        });
        let prime = setup.parameters().q()[level] as f64;
        let inherited = Noise::key_switch(setup.parameters(), level).times(1.0 / prime);
        assert_deviation(&errors, inherited.plus(Noise::rounding(setup.parameters())));
    }
}

#[test]
fn errors_of_slots() {
    let setup = setup();
    let scale = setup.parameters().scale();
    let values = random_slots(setup.parameters().max_slots(), &mut rng(5));
    let errors: Vec<f64> = (0..SAMPLES)
        .flat_map(|seed| {
            let decoded = setup.decrypt(&setup.encrypt(&values, 1, seed));
            values.iter().zip(decoded).map(|(value, decoded)| (decoded - value).norm()).collect::<Vec<_>>()
        })
        .collect();
    // The plaintext's own rounding is a part of what one sees.
    let predicted = Noise::encryption().plus(Noise { variance: ROUNDING_VARIANCE });
    let ratio = root_mean_square(&errors) / predicted.slot_deviation(setup.parameters(), &scale);
    assert!((ratio - 1.0).abs() < TOLERANCE, "{ratio:.3}");
}

#[test]
fn independent_errors_add_their_variances() {
    let noise = Noise::encryption().times(3.0).plus(Noise::encryption().times(-4.0));
    assert!((noise.coefficient_deviation() / ERROR_STANDARD_DEVIATION - 5.0).abs() < 1e-12);
}
