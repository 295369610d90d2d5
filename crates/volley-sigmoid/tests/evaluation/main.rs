//! The encrypted evaluation, in clear by the rules of ciphertexts; on ciphertexts in `encrypted`.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod encrypted;
mod recorder;

use std::sync::Mutex;

use proptest::prelude::*;
use recorder::Recorder;
use volley_sigmoid::volley_revolver::volley_ckks::{
    self, Arithmetic, ClearCiphertext, ClearSlots, Complex64, Operation, ParametersLiteral, Scale, Security,
};
use volley_sigmoid::{Error, MaskedSigmoid, SigmoidPolynomial};

const DEGREES: [usize; 5] = [1, 3, 5, 7, 9];

/// Slots of every vector.
const SLOTS: usize = 64;

/// A chain of 50 + `levels` × 40 bits.
fn clear(levels: usize) -> ClearSlots {
    let levels = [vec![vec![50]], vec![vec![40]; levels]].concat();
    let security = Security::Unchecked;
    let literal = ParametersLiteral { log_n: 7, levels, p_bits: vec![50], log_scale: 40, security };
    ClearSlots::new(&literal.build().unwrap())
}

/// At the highest level.
fn encrypt(clear: &ClearSlots, values: &[Complex64], scale: &Scale) -> ClearCiphertext {
    clear.input(values, scale, clear.parameters().max_level()).unwrap()
}

fn fit(degree: usize) -> SigmoidPolynomial {
    SigmoidPolynomial::least_squares(degree, 8.0).unwrap()
}

/// Scores from −`end` to `end`.
fn scores(end: f64) -> Vec<Complex64> {
    (0..SLOTS).map(|i| Complex64::from(end * (2.0 * i as f64 / (SLOTS - 1) as f64 - 1.0))).collect()
}

/// i in three of four slots, zero in the fourth.
fn mask() -> Vec<Complex64> {
    (0..SLOTS).map(|i| if i % 4 == 3 { Complex64::ZERO } else { Complex64::I }).collect()
}

fn masked(polynomial: &SigmoidPolynomial) -> MaskedSigmoid<'_, fn() -> Vec<Complex64>> {
    MaskedSigmoid { polynomial, argument_factor: 0.5, output_factor: -1.25, mask }
}

/// The largest difference from m ∘ b·p(a·z).
fn difference<M: Fn() -> Vec<Complex64>>(
    sigmoid: &MaskedSigmoid<'_, M>,
    z: &[Complex64],
    result: &[Complex64],
) -> f64 {
    let mask = (sigmoid.mask)();
    (0..SLOTS).fold(0.0, |worst, i| {
        let p = sigmoid.polynomial.value(sigmoid.argument_factor * z[i].re);
        f64::max(worst, (result[i] - mask[i] * sigmoid.output_factor * p).norm())
    })
}

#[test]
fn values_scale_and_level_are_as_promised() {
    // Scales that share nothing, with primes in them, as circuits leave them.
    let target = Scale::power_of_two(79).divided_by(&Scale::prime((1 << 40) - 87));
    for degree in DEGREES {
        let polynomial = fit(degree);
        let arithmetic = clear(6);
        let scale = Scale::power_of_two(80).divided_by(&Scale::prime(arithmetic.parameters().q()[6]));
        let z = encrypt(&arithmetic, &scores(16.0), &scale);
        let result = masked(&polynomial).evaluate(&arithmetic, &z, &target).unwrap();
        assert!(difference(&masked(&polynomial), z.values(), result.values()) < 1e-13, "degree {degree}");
        assert_eq!(result.operand().scale, target);
        assert_eq!(result.operand().level, 6 - polynomial.levels());
    }
}

#[test]
fn operations_are_as_documented() {
    for (degree, products, relinearizations, rescalings, plain_products) in
        [(1, 0, 0, 1, 1), (3, 2, 2, 1, 2), (5, 4, 3, 2, 3), (7, 5, 4, 2, 4), (9, 6, 5, 2, 5)]
    {
        let recorder = Recorder { clear: clear(4), encodings: Mutex::default() };
        let z = encrypt(&recorder.clear, &scores(8.0), &Scale::power_of_two(40));
        masked(&fit(degree)).evaluate(&recorder, &z, &Scale::power_of_two(40)).unwrap();
        let encodings = recorder.encodings.into_inner().unwrap();
        // One more is added. Chain, scores and target at 40 bits: so is every encoding, far above the 2²⁰ that would
        // cost precision.
        assert_eq!(encodings.len(), plain_products + 1);
        assert!(encodings.iter().all(|log2| (log2 - 40.0).abs() < 1e-3), "{encodings:?}");
        let counts = recorder.clear.simulator().counts();
        let documented = [
            (Operation::Product, products),
            (Operation::Relinearization, relinearizations),
            (Operation::Rescaling, rescalings),
            (Operation::PlainProduct, plain_products as u64),
        ];
        for operation in Operation::ALL {
            let expected = documented.iter().find(|(documented, _)| *documented == operation);
            assert_eq!(counts.total(operation), expected.map_or(0, |&(_, count)| count), "degree {degree}");
        }
    }
}

#[test]
fn too_few_levels_are_refused() {
    for degree in DEGREES {
        let polynomial = fit(degree);
        let (required, available) = (polynomial.levels(), polynomial.levels() - 1);
        let arithmetic = clear(available);
        let z = encrypt(&arithmetic, &scores(8.0), &Scale::power_of_two(40));
        let error = masked(&polynomial).evaluate(&arithmetic, &z, &Scale::power_of_two(40)).unwrap_err();
        assert_eq!(error, Error::InsufficientLevels { required, available });
    }
}

#[test]
fn what_the_arithmetic_refuses_is_passed_on() {
    let arithmetic = clear(3);
    let z = encrypt(&arithmetic, &scores(8.0), &Scale::power_of_two(40));
    let refusal =
        |log_target| masked(&fit(3)).evaluate(&arithmetic, &z, &Scale::power_of_two(log_target)).unwrap_err();
    let (small, large) = (refusal(-1100), refusal(200));
    assert!(matches!(small, Error::Ckks(volley_ckks::Error::ScaleRange { .. })), "{small:?}");
    assert!(matches!(large, Error::Ckks(volley_ckks::Error::ScaleOverflow { .. })), "{large:?}");
}

proptest! {
    #[test]
    fn any_factors_and_scales(
        k in 0..DEGREES.len(),
        argument_factor in -1.0..1.0,
        output_factor in -4.0..4.0,
        log_scale in 34..42,
        log_target in 30..45,
    ) {
        let polynomial = fit(DEGREES[k]);
        let sigmoid = MaskedSigmoid { polynomial: &polynomial, argument_factor, output_factor, mask };
        let arithmetic = clear(5);
        let z = encrypt(&arithmetic, &scores(8.0), &Scale::power_of_two(log_scale));
        let target = Scale::power_of_two(log_target);
        let result = sigmoid.evaluate(&arithmetic, &z, &target).unwrap();
        prop_assert!(difference(&sigmoid, z.values(), result.values()) < 1e-12);
        prop_assert_eq!(&result.operand().scale, &target);
    }
}
