//! The encrypted evaluation, on a slot-level model of CKKS; on CKKS itself in `encrypted`.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod encrypted;
mod slots;

use proptest::prelude::*;
use slots::{Counts, SLOTS, SlotArithmetic};
use volley_sigmoid::volley_revolver::volley_ckks::{self, Arithmetic, Complex64, Scale};
use volley_sigmoid::{Error, MaskedSigmoid, SigmoidPolynomial};

const DEGREES: [usize; 5] = [1, 3, 5, 7, 9];

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
        let arithmetic = SlotArithmetic::new(6, 0.0);
        let scale = Scale::power_of_two(80).divided_by(&Scale::prime(arithmetic.parameters().q()[6]));
        let z = arithmetic.encrypt(scores(16.0), scale);
        let result = masked(&polynomial).evaluate(&arithmetic, &z, &target).unwrap();
        assert!(difference(&masked(&polynomial), &z.values, &result.values) < 1e-13, "degree {degree}");
        assert_eq!(result.operand.scale, target);
        assert_eq!(result.operand.level, 6 - polynomial.levels());
    }
}

#[test]
fn operations_are_as_documented() {
    for (degree, products, relinearizations, rescalings, plain_products) in
        [(1, 0, 0, 1, 1), (3, 2, 2, 1, 2), (5, 4, 3, 2, 3), (7, 5, 4, 2, 4), (9, 6, 5, 2, 5)]
    {
        let arithmetic = SlotArithmetic::new(4, 0.0);
        let z = arithmetic.encrypt(scores(8.0), Scale::power_of_two(40));
        masked(&fit(degree)).evaluate(&arithmetic, &z, &Scale::power_of_two(40)).unwrap();
        let counts = arithmetic.counts.into_inner().unwrap();
        // Chain, scores and target at 40 bits: so is every encoding, far above the 2²⁰ that would cost precision.
        assert_eq!(counts.encodings.len(), plain_products + 1);
        assert!(counts.encodings.iter().all(|log2| (log2 - 40.0).abs() < 1e-3), "{:?}", counts.encodings);
        let documented = Counts {
            products,
            relinearizations,
            rescalings,
            plain_products,
            plain_sums: 1,
            encodings: vec![],
        };
        assert_eq!(Counts { encodings: vec![], ..counts }, documented, "degree {degree}");
    }
}

#[test]
fn too_few_levels_are_refused() {
    for degree in DEGREES {
        let polynomial = fit(degree);
        let (required, available) = (polynomial.levels(), polynomial.levels() - 1);
        let arithmetic = SlotArithmetic::new(available, 0.0);
        let z = arithmetic.encrypt(scores(8.0), Scale::power_of_two(40));
        let error = masked(&polynomial).evaluate(&arithmetic, &z, &Scale::power_of_two(40)).unwrap_err();
        assert_eq!(error, Error::InsufficientLevels { required, available });
    }
}

#[test]
fn what_the_arithmetic_refuses_is_passed_on() {
    let arithmetic = SlotArithmetic::new(3, 0.0);
    let z = arithmetic.encrypt(scores(8.0), Scale::power_of_two(40));
    let error = masked(&fit(3)).evaluate(&arithmetic, &z, &Scale::power_of_two(-60)).unwrap_err();
    assert!(matches!(error, Error::Ckks(volley_ckks::Error::ScaleRange { .. })), "{error:?}");
}

#[test]
fn scores_at_scale_q_over_h_keep_full_precision() {
    // What the module says of precision: rescaling errors of 2¹² units, that is 2⁻²⁸ at a scale of 2⁴⁰.
    let polynomial = SigmoidPolynomial::least_squares(7, 16.0).unwrap();
    let sigmoid = MaskedSigmoid { polynomial: &polynomial, argument_factor: 1.0, output_factor: 1.0, mask };
    let log2_error = |log_scale| {
        let arithmetic = SlotArithmetic::new(4, 4096.0);
        let z = arithmetic.encrypt(scores(16.0), Scale::power_of_two(log_scale));
        let result = sigmoid.evaluate(&arithmetic, &z, &Scale::power_of_two(40)).unwrap();
        difference(&sigmoid, &z.values, &result.values).log2()
    };
    assert!(log2_error(36) < -25.0, "2^{}", log2_error(36));
    assert!(log2_error(40) > -10.0, "2^{}", log2_error(40));
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
        let arithmetic = SlotArithmetic::new(5, 0.0);
        let z = arithmetic.encrypt(scores(8.0), Scale::power_of_two(log_scale));
        let target = Scale::power_of_two(log_target);
        let result = sigmoid.evaluate(&arithmetic, &z, &target).unwrap();
        prop_assert!(difference(&sigmoid, &z.values, &result.values) < 1e-12);
        prop_assert_eq!(result.operand.scale, target);
    }
}
