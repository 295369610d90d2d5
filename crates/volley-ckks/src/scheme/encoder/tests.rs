use num_bigint::BigInt;
use rand_core::Rng;
use volley_testkit::statistics::max_abs_error;
use volley_testkit::{crt, embedding};

use super::*;
use crate::testing::{parameters, random_slots, rng};
use crate::{Parameters, ParametersLiteral, Security};

const LEVELS: usize = 4;

fn encoder(log_n: u32) -> Encoder {
    let levels = [vec![vec![50]], vec![vec![40]; LEVELS]].concat();
    let literal =
        ParametersLiteral { log_n, levels, p_bits: vec![50], log_scale: 40, security: Security::Unchecked };
    Encoder::new(&Context::new(literal.build().unwrap()))
}

fn parameters_of(encoder: &Encoder) -> &Parameters {
    encoder.context.parameters()
}

/// 1, 2, 4, …, N/2.
fn slot_counts(encoder: &Encoder) -> impl Iterator<Item = usize> + use<> {
    let log_max = parameters_of(encoder).log_n() - 1;
    (0..=log_max).map(|log| 1 << log)
}

/// The integer coefficients of a plaintext, by big integers.
fn coefficients(encoder: &Encoder, plaintext: &Plaintext) -> Vec<BigInt> {
    let poly = encoder.context.q(plaintext.level()).inverse(plaintext.poly.clone());
    let limbs: Vec<_> = poly.limbs().collect();
    crt::combine_limbs(&limbs, &parameters_of(encoder).q()[..=plaintext.level()])
}

/// A plaintext with the given coefficients.
fn plaintext(encoder: &Encoder, coefficients: &[i64], operand: Operand) -> Plaintext {
    let basis = encoder.context.q(operand.level);
    let poly = basis.forward(basis.from_signed(coefficients));
    Plaintext { operand, poly, params_id: parameters_of(encoder).id() }
}

#[test]
fn encoding_is_the_rounded_inverse_embedding() {
    for log_n in [4, 6, 8] {
        let encoder = encoder(log_n);
        // The last two scales take the wide path; their coefficients are exact to the 53 bits of a double.
        for log_scale in [-3, 0, 10, 40, 80, 120] {
            let scale = Scale::power_of_two(log_scale);
            for slots in slot_counts(&encoder) {
                let values = random_slots(slots, &mut rng(slots as u64));
                let expected = embedding::encode(&values, 1 << log_n);
                let actual = coefficients(&encoder, &encoder.encode(&values, &scale, LEVELS).unwrap());
                let tolerance = 0.5 + scale.to_f64() * 2f64.powi(-48);
                for (expected, actual) in expected.iter().zip(actual) {
                    let actual: f64 = actual.to_string().parse().unwrap();
                    assert!((expected * scale.to_f64() - actual).abs() <= tolerance, "{slots} {log_scale}");
                }
            }
        }
    }
}

#[test]
fn decoding_is_the_embedding_divided_by_the_scale() {
    for log_n in [4, 7, 10] {
        let encoder = encoder(log_n);
        let mut rng = rng(u64::from(log_n));
        // With coefficients outside of a sparse packing's subring, as the noise of a ciphertext has them.
        let coefficients: Vec<i64> = (0..1 << log_n).map(|_| rng.next_u64() as i64 >> 24).collect();
        let real: Vec<f64> = coefficients.iter().map(|&c| c as f64 * 2f64.powi(-30)).collect();
        for level in [0, 1, LEVELS] {
            for slots in slot_counts(&encoder) {
                let operand = Operand { level, scale: Scale::power_of_two(30), slots };
                let actual = encoder.decode(&plaintext(&encoder, &coefficients, operand)).unwrap();
                let size = (2 * slots) as f64 * 512.0;
                assert!(max_abs_error(&embedding::decode(&real, slots), &actual) < size * 2f64.powi(-48));
            }
        }
    }
}

#[test]
fn decoding_inverts_encoding_to_the_precision_of_the_scale() {
    let encoder = encoder(10);
    for log_scale in [20, 40, 60, 80, 120] {
        let scale = Scale::power_of_two(log_scale);
        for slots in slot_counts(&encoder) {
            let values = random_slots(slots, &mut rng(7));
            let plaintext = encoder.encode(&values, &scale, LEVELS).unwrap();
            let decoded = encoder.decode(&plaintext).unwrap();
            assert_eq!((plaintext.slots(), plaintext.level(), decoded.len()), (slots, LEVELS, slots));
            // 2n coefficients are wrong by at most 1/2; doubles give about 50 bits of values of size 1.
            let worst = slots as f64 / scale.to_f64() + 2f64.powi(-48);
            assert!(max_abs_error(&values, &decoded) <= worst, "{slots} slots at 2^{log_scale}");
        }
    }
}

#[test]
fn rounding_errors_of_the_coefficients_are_independent() {
    // So the error of a slot has √(2n/12) deviations of a rounding error, not the n of the worst case.
    let encoder = encoder(10);
    for slots in [64, 512] {
        let scale = Scale::power_of_two(20);
        let squares = (0..32).flat_map(|seed| {
            let values = random_slots(slots, &mut rng(seed));
            let decoded = encoder.decode(&encoder.encode(&values, &scale, 1).unwrap()).unwrap();
            values.into_iter().zip(decoded).map(|(value, decoded)| (value - decoded).norm_sqr())
        });
        let deviation = (squares.sum::<f64>() / (32 * slots) as f64).sqrt() * scale.to_f64();
        let expected = (2.0 * slots as f64 / 12.0).sqrt();
        assert!((deviation / expected - 1.0).abs() < 0.05, "{deviation} for {expected}");
    }
}

#[test]
fn real_values_have_real_slots() {
    let encoder = encoder(8);
    let scale = Scale::power_of_two(40);
    for slots in slot_counts(&encoder) {
        let values: Vec<f64> = random_slots(slots, &mut rng(3)).iter().map(|value| value.re).collect();
        let plaintext = encoder.encode(&values, &scale, 2).unwrap();
        let complex: Vec<_> = values.iter().copied().map(Complex64::from).collect();
        assert_eq!(plaintext, encoder.encode(&complex, &scale, 2).unwrap());
        assert!(max_abs_error(&values, &encoder.decode_real(&plaintext).unwrap()) < 2f64.powi(-31));
        assert!(max_abs_error(&complex, &encoder.decode(&plaintext).unwrap()) < 2f64.powi(-31));
    }
}

#[test]
fn a_single_slot_is_two_coefficients() {
    let encoder = encoder(4);
    let value = Complex64::new(-2.5, 0.75);
    let actual = coefficients(&encoder, &encoder.encode(&[value], &Scale::power_of_two(2), 1).unwrap());
    let mut expected = vec![BigInt::from(0); 16];
    (expected[0], expected[8]) = (BigInt::from(-10), BigInt::from(3));
    assert_eq!(actual, expected);
}

#[test]
fn the_first_slot_is_the_value_at_the_first_root() {
    // The monomial X has the slots ζ^(5^j), at full packing; in a sparse one the values repeat.
    let encoder = encoder(6);
    let mut monomial = vec![0; 64];
    monomial[1] = 1;
    let operand = |slots| Operand { level: 0, scale: Scale::power_of_two(0), slots };
    let slots = encoder.decode(&plaintext(&encoder, &monomial, operand(32))).unwrap();
    let root = Complex64::cis(std::f64::consts::PI / 64.0);
    assert!((slots[0] - root).norm() < 1e-14 && (slots[1] - root.powu(5)).norm() < 1e-14);
    let sparse = random_slots(8, &mut rng(1));
    let mut encoded = encoder.encode(&sparse, &Scale::power_of_two(40), 1).unwrap();
    encoded.operand.slots = 32;
    let repeated: Vec<_> = sparse.iter().copied().cycle().take(32).collect();
    assert!(max_abs_error(&repeated, &encoder.decode(&encoded).unwrap()) < 2f64.powi(-36));
}

#[test]
fn products_of_polynomials_are_products_of_slots() {
    let encoder = encoder(9);
    let scale = Scale::power_of_two(40);
    for (left, right) in [(256, 256), (256, 8), (4, 1)] {
        let (a, b) = (random_slots(left, &mut rng(5)), random_slots(right, &mut rng(6)));
        let mut product = encoder.encode(&a, &scale, 2).unwrap();
        let factor = encoder.encode(&b, &scale, 2).unwrap();
        encoder.context.q(2).mul_assign(&mut product.poly, &factor.poly);
        product.operand = product.operand.product(parameters_of(&encoder), &factor.operand).unwrap();
        let expected: Vec<_> = a.iter().zip(b.iter().cycle()).map(|(a, b)| a * b).collect();
        assert!(max_abs_error(&expected, &encoder.decode(&product).unwrap()) < 2f64.powi(-33));
    }
}

#[test]
fn coefficients_up_to_half_the_modulus_decode_with_their_sign() {
    let encoder = encoder(4);
    for level in [0, 1, LEVELS] {
        let primes = &parameters_of(&encoder).q()[..=level];
        let half: BigInt = (BigInt::from(crt::product(primes)) - 1) / 2;
        let operand = Operand { level, scale: Scale::power_of_two(0), slots: 1 };
        for (value, other) in [(half.clone(), -half.clone()), (-half.clone(), half)] {
            let mut coefficients = vec![BigInt::from(0); 16];
            (coefficients[0], coefficients[8]) = (value.clone(), other.clone());
            let limbs = crt::split_limbs(&coefficients, primes).concat();
            let basis = encoder.context.q(level);
            let poly = basis.forward(RnsPoly::from_residues(16, limbs).unwrap());
            let params_id = parameters_of(&encoder).id();
            let decoded = encoder.decode(&Plaintext { operand: operand.clone(), poly, params_id }).unwrap();
            let real = |x: &BigInt| x.to_string().parse::<f64>().unwrap();
            let expected = Complex64::new(real(&value), real(&other));
            assert!((decoded[0] - expected).norm() <= expected.norm() * 2f64.powi(-50), "{decoded:?}");
        }
    }
}

#[test]
fn encoding_reaches_just_below_half_the_modulus() {
    let encoder = encoder(4);
    let modulus = parameters_of(&encoder).q()[0] as f64;
    let unit = Scale::power_of_two(0);
    for value in [0.499_999 * modulus, -0.499_999 * modulus] {
        let decoded = encoder.decode_real(&encoder.encode(&[value], &unit, 0).unwrap()).unwrap();
        assert!((decoded[0] - value).abs() <= 0.5);
    }
    let error = encoder.encode(&[-0.500_001 * modulus], &unit, 0).unwrap_err();
    let Error::EncodingOverflow { coefficient_log2, modulus_log2 } = error else { panic!("{error}") };
    assert!((coefficient_log2 - 49.0).abs() < 1e-3 && (modulus_log2 - 50.0).abs() < 1e-3);
    // With more limbs the 127 bits of the reduction are the limit.
    let wide = Scale::power_of_two(120);
    let decoded = encoder.decode_real(&encoder.encode(&[-63.5], &wide, LEVELS).unwrap()).unwrap();
    assert!((decoded[0] + 63.5).abs() < 1e-12);
    let error = encoder.encode(&[64.0], &wide, LEVELS).unwrap_err();
    assert!(matches!(error, Error::EncodingOverflow { coefficient_log2: 126.0, .. }), "{error}");
    // Sums of the transform that overflow, so that differences of them are no numbers.
    for values in [[f64::MAX, f64::MAX], [f64::MAX, -f64::MAX]] {
        let error = encoder.encode(&values, &unit, 0).unwrap_err();
        let Error::EncodingOverflow { coefficient_log2, .. } = error else { panic!("{error}") };
        assert!(coefficient_log2 > 1000.0, "{error}");
    }
    let error = check_magnitude(encoder.context.parameters(), f64::NAN, 0).unwrap_err();
    assert!(error.to_string().starts_with("a coefficient of 2^1024.0 is too large"), "{error}");
}

#[test]
fn values_that_overflow_a_double_on_the_way_are_refused() {
    // Every pattern of the largest double's signs: infinities that cancel to NaN must not be encoded as zeros.
    let encoder = encoder(4);
    let unit = Scale::power_of_two(0);
    let part = |bits: u32, index: usize| if bits >> index & 1 == 1 { f64::MAX } else { -f64::MAX };
    for bits in 0..1 << 16 {
        let values: Vec<_> =
            (0..8).map(|j| Complex64::new(part(bits, 2 * j), part(bits, 2 * j + 1))).collect();
        let refused = encoder.encode(&values, &unit, 0);
        let Err(Error::EncodingOverflow { coefficient_log2, .. }) = refused else {
            panic!("{bits:016b}: {refused:?}")
        };
        assert!((1000.0..=1024.0).contains(&coefficient_log2), "{bits:016b}: {coefficient_log2}");
    }
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    let encoder = encoder(4);
    let scale = Scale::power_of_two(40);
    for values in [0, 3, 6, 9, 16] {
        let error = encoder.encode(&vec![1.0; values], &scale, 0).unwrap_err();
        assert_eq!(error, Error::SlotCount { values, max: 8 });
    }
    let level = LEVELS + 1;
    assert_eq!(encoder.encode(&[1.0], &scale, level).unwrap_err(), Error::LevelRange { level, max: LEVELS });
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(encoder.encode(&[1.0, bad], &scale, 0).unwrap_err(), Error::NotFinite { slot: 1 });
        let imaginary = [Complex64::ONE, Complex64::ONE, Complex64::new(0.0, bad), Complex64::ONE];
        assert_eq!(encoder.encode(&imaginary, &scale, 0).unwrap_err(), Error::NotFinite { slot: 2 });
    }
    for exponent in [1001, -1001] {
        let error = encoder.encode(&[1.0], &Scale::power_of_two(exponent), 0).unwrap_err();
        assert_eq!(error, Error::ScaleRange { log2: f64::from(exponent) });
    }
    // Whatever the values.
    for exponent in [90, 1000] {
        let error = encoder.encode(&[0.0], &Scale::power_of_two(exponent), 1).unwrap_err();
        let modulus_log2 = parameters_of(&encoder).log_q(1);
        assert_eq!(error, Error::ScaleOverflow { scale_log2: exponent.into(), modulus_log2, level: 1 });
    }
}

#[test]
fn tiny_scales_and_zeros_encode_to_zero() {
    let encoder = encoder(4);
    for (value, exponent) in [(1.0, -1000), (0.0, 40), (0.0, 89), (-0.0, 0)] {
        let scale = Scale::power_of_two(exponent);
        let plaintext = encoder.encode(&[value; 8], &scale, 1).unwrap();
        assert!(plaintext.poly.residues().iter().all(|&residue| residue == 0));
        assert_eq!(encoder.decode_real(&plaintext).unwrap(), [0.0; 8]);
    }
}

#[test]
fn a_plaintext_of_another_parameter_set_is_not_decoded() {
    let own = encoder(4);
    let other = Encoder::new(&Context::new(parameters(4, LEVELS)));
    let plaintext = other.encode(&[1.0], &Scale::power_of_two(30), 0).unwrap();
    assert_eq!(own.decode(&plaintext).unwrap_err(), Error::ParameterMismatch);
    assert_eq!(own.decode_real(&plaintext).unwrap_err(), Error::ParameterMismatch);
}

#[test]
fn padding_adds_zeros_and_refuses_what_does_not_fit() {
    let encoder = encoder(6);
    let scale = Scale::power_of_two(40);
    let values = [1.5, -2.0, 3.25];
    for slots in [4, 8, 32] {
        let padded = encoder.encode_padded(&values, slots, &scale, 1).unwrap();
        let mut all = values.to_vec();
        all.resize(slots, 0.0);
        let expected = encoder.encode(&all, &scale, 1).unwrap();
        assert_eq!((padded.slots(), padded.poly), (slots, expected.poly));
    }
    let nothing: [f64; 0] = [];
    assert!(encoder.encode_padded(&nothing, 2, &scale, 1).is_ok());
    for (slots, values_or_slots) in [(2, 3), (0, 3), (6, 6), (64, 64), (1 << 60, 1 << 60)] {
        let refused = encoder.encode_padded(&values, slots, &scale, 1).map(drop);
        assert_eq!(refused, Err(Error::SlotCount { values: values_or_slots, max: 32 }), "{slots}");
    }
    // Too many values are told as they are, not as the slots that they would be padded to.
    let refused = encoder.encode_padded(&[1.0; 33], 64, &scale, 1).map(drop);
    assert_eq!(refused, Err(Error::SlotCount { values: 33, max: 32 }));
}
