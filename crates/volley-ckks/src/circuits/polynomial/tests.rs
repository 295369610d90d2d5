use std::f64::consts::PI;

use proptest::prelude::*;

use super::*;
use crate::testing::{Setup, parameters, random_slots, rng};
use crate::{Arithmetic, Ciphertext, Complex64, Operation, Precision, Scale, Simulator};

/// Which coefficients of a random polynomial are not zero: every `step`-th from `start` on.
#[derive(Clone, Copy, Debug)]
struct Pattern {
    start: usize,
    step: usize,
}

const ALL: Pattern = Pattern { start: 0, step: 1 };
const EVEN: Pattern = Pattern { start: 0, step: 2 };
const ODD: Pattern = Pattern { start: 1, step: 2 };

/// Coefficients in [−1, 1].
fn random(basis: Basis, degree: usize, pattern: Pattern, seed: u64) -> Polynomial {
    let values = random_slots(degree + 1, &mut rng(seed));
    let wanted = |k: usize| k >= pattern.start && (k - pattern.start).is_multiple_of(pattern.step);
    let coefficients = values.iter().enumerate().map(|(k, c)| if wanted(k) { c.re } else { 0.0 });
    Polynomial::new(basis, coefficients.collect()).unwrap()
}

/// From −1 to 1.
fn points(count: usize) -> Vec<f64> {
    (0..count).map(|i| 2.0 * i as f64 / (count - 1) as f64 - 1.0).collect()
}

/// Σ cₖ cos(k arccos x) or Σ cₖ xᵏ, term by term.
fn reference(polynomial: &Polynomial, x: f64) -> f64 {
    let term = |k: usize| match polynomial.basis() {
        Basis::Monomial => x.powi(k as i32),
        Basis::Chebyshev => (k as f64 * x.acos()).cos(),
    };
    polynomial.coefficients().iter().enumerate().map(|(k, c)| c * term(k)).sum()
}

/// Chains of up to seven levels on a ring so small that hundreds of polynomials are evaluated in a second.
fn tiny() -> Setup {
    const LEVELS: usize = 7;
    Setup::new(parameters(5, LEVELS), |spec| spec.relinearization(LEVELS))
}

/// A scale near those of the levels that is none of theirs.
fn target(setup: &Setup) -> Scale {
    Scale::power_of_two(80).divided_by(&setup.context.parameters().rescaling_factor(7))
}

/// Encrypted points.
fn encrypted(setup: &Setup, points: &[f64], level: usize) -> Ciphertext {
    let slots: Vec<_> = points.iter().map(|&x| Complex64::from(x)).collect();
    setup.encrypt(&slots, level, 2)
}

fn real(slots: &[Complex64]) -> Vec<f64> {
    slots.iter().map(|value| value.re).collect()
}

/// Evaluates on ciphertexts and on a simulator from the lowest level that suffices; the result is at level 0, at the
/// wanted scale exactly, and what was done is what was planned. The bits that are right in the worst slot.
fn evaluated(setup: &Setup, polynomial: &Polynomial) -> f64 {
    let (parameters, points, target) = (setup.context.parameters(), points(16), target(setup));
    let circuit = PolynomialCircuit::new(polynomial);
    let name = format!("{polynomial:?}");
    let levels = (polynomial.degree() + 1).next_power_of_two().ilog2().max(1) as usize;
    assert_eq!(circuit.levels(), levels, "{name}");

    let simulator = Simulator::new(parameters);
    let input = simulator.input(&parameters.scale(), levels).unwrap();
    let simulated = circuit.evaluate(&simulator, &input, &target, &Constants).unwrap();
    let before = setup.evaluator.counts();
    let input = encrypted(setup, &points, levels);
    let result = circuit.evaluate(&setup.evaluator, &input, &target, &Constants).unwrap();
    assert_eq!((result.level(), result.scale()), (0, &target), "{name}");
    assert_eq!(simulator.operand(&simulated), result.operand(), "{name}");
    for operation in Operation::ALL {
        let counted = setup.evaluator.counts().total(operation) - before.total(operation);
        assert_eq!(simulator.counts().total(operation), counted, "{operation:?} of {name}");
    }
    let planned = circuit.cost();
    assert_eq!(
        [Operation::Relinearization, Operation::Product, Operation::Rescaling, Operation::ConstantProduct]
            .map(|operation| simulator.counts().total(operation) as usize),
        [planned.relinearizations, planned.products, planned.rescalings, planned.plain_products],
        "{name}"
    );
    let expected: Vec<f64> = points.iter().map(|&x| reference(polynomial, x)).collect();
    Precision::measure(&expected, &real(&setup.decrypt(&result))).worst_bits()
}

#[test]
fn every_degree_is_right_and_at_the_least_depth() {
    let setup = tiny();
    for degree in 0..=64 {
        for pattern in [ALL, EVEN, ODD] {
            let bits = evaluated(&setup, &random(Basis::Chebyshev, degree, pattern, degree as u64));
            // A rounding of 2⁻³⁷ (N = 2⁵) grows by the degree's square at the ends of the interval.
            let bound = 33.0 - 2.0 * (degree.max(1) as f64).log2();
            assert!(bits > bound, "{bits} bits at degree {degree}, {pattern:?}");
        }
        for pattern in [ALL, ODD] {
            let bits = evaluated(&setup, &random(Basis::Monomial, degree, pattern, degree as u64));
            // That of xᵏ by k.
            let bound = 32.0 - (degree.max(1) as f64).log2();
            assert!(bits > bound, "{bits} bits at degree {degree} in powers, {pattern:?}");
        }
    }
}

/// The table of the module.
#[test]
fn costs_are_as_documented() {
    let cost = |degree, pattern| {
        let cost = PolynomialCircuit::new(&random(Basis::Chebyshev, degree, pattern, 1)).cost();
        (cost.relinearizations, cost.products)
    };
    for (degree, all, odd, even) in [
        (1, (0, 0), (0, 0), (0, 0)),
        (3, (2, 2), (2, 2), (1, 1)),
        (7, (4, 5), (4, 5), (3, 3)),
        (15, (7, 8), (7, 8), (5, 6)),
        (31, (10, 13), (10, 13), (8, 9)),
        (47, (12, 14), (11, 13), (9, 11)),
        (63, (15, 18), (14, 17), (11, 14)),
    ] {
        let costs = [cost(degree, ALL), cost(degree, ODD), cost(degree - 1, EVEN)];
        assert_eq!(costs, [all, odd, even], "degree {degree}");
    }
}

/// A complex mask rides on the coefficients, constant term included, and takes no level.
#[test]
fn coefficients_with_a_mask_are_those_of_the_masked_polynomial() {
    let setup = tiny();
    let points = points(16);
    let mask: Vec<_> = (0..16).map(|slot| Complex64::new(0.0, f64::from(slot % 3) - 1.0)).collect();
    for (basis, degree) in [(Basis::Chebyshev, 11), (Basis::Monomial, 9), (Basis::Chebyshev, 0)] {
        let polynomial = random(basis, degree, ALL, 4);
        let circuit = PolynomialCircuit::new(&polynomial);
        let input = encrypted(&setup, &points, 5);
        let form = Masked(|| mask.clone());
        let result = circuit.evaluate(&setup.evaluator, &input, &target(&setup), &form).unwrap();
        assert_eq!((result.level(), result.scale()), (5 - circuit.levels(), &target(&setup)));
        let expected: Vec<_> =
            mask.iter().zip(&points).map(|(m, &x)| m * reference(&polynomial, x)).collect();
        let bits = Precision::measure(&expected, &setup.decrypt(&result)).worst_bits();
        assert!(bits > 25.0, "{bits} bits for {basis:?} of degree {degree}");
    }
}

/// Zero coefficients cost nothing and change no level: depth does not depend on values.
#[test]
fn a_leading_zero_keeps_the_depth() {
    let polynomial = Polynomial::new(Basis::Chebyshev, [vec![0.5, 0.25], vec![0.0; 14]].concat()).unwrap();
    let setup = tiny();
    assert!(evaluated(&setup, &polynomial) > 30.0);
    let circuit = PolynomialCircuit::new(&polynomial);
    assert_eq!((circuit.levels(), circuit.cost().relinearizations), (4, 0));
    assert_eq!(circuit.polynomial(), &polynomial);
}

#[test]
fn what_cannot_be_a_polynomial_is_refused() {
    let max = MAX_POLYNOMIAL_DEGREE + 1;
    for coefficients in [0, max + 1] {
        let error = Polynomial::new(Basis::Monomial, vec![1.0; coefficients]).unwrap_err();
        assert_eq!(error, Error::PolynomialDegree { coefficients, max });
    }
    let error = Polynomial::new(Basis::Chebyshev, vec![1.0, 2.0, f64::NAN]).unwrap_err();
    assert_eq!(error, Error::Coefficient { index: 2 });
    let error = ChebyshevSeries::interpolate(f64::exp, max, &(0.0..=1.0)).unwrap_err();
    assert_eq!(error, Error::PolynomialDegree { coefficients: max + 1, max });
    assert!(matches!(
        ChebyshevSeries::interpolate(f64::ln, 4, &(-1.0..=1.0)),
        Err(Error::Coefficient { .. })
    ));
    for (start, end) in [(1.0, 1.0), (2.0, 1.0), (f64::NEG_INFINITY, 0.0)] {
        let error = ChebyshevSeries::interpolate(f64::exp, 4, &(start..=end)).unwrap_err();
        assert_eq!(error, Error::Interval { start, end });
    }
    let nan = ChebyshevSeries::interpolate(f64::exp, 4, &(f64::NAN..=1.0));
    assert!(matches!(nan, Err(Error::Interval { .. })));
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    let setup = tiny();
    let circuit = PolynomialCircuit::new(&random(Basis::Chebyshev, 9, ALL, 3));
    let low = encrypted(&setup, &points(16), 3);
    let error = circuit.evaluate(&setup.evaluator, &low, &target(&setup), &Constants).unwrap_err();
    assert_eq!(error, Error::LevelExhausted { level: 3, required: 4 });
    let x = encrypted(&setup, &points(16), 4);
    let error = circuit.evaluate(&setup.evaluator, &x, &Scale::power_of_two(-2000), &Constants).unwrap_err();
    assert!(matches!(error, Error::ScaleRange { .. }), "{error:?}");
    let without_keys = Setup::new(parameters(5, 4), |spec| spec);
    let x = encrypted(&without_keys, &points(16), 4);
    let error = circuit.evaluate(&without_keys.evaluator, &x, &target(&setup), &Constants).unwrap_err();
    assert_eq!(error, Error::MissingRelinearizationKey);
}

#[test]
fn interpolation_agrees_in_its_nodes_and_converges() {
    let gauss = |t: f64| (-t * t).exp();
    for degree in [1, 2, 5, 16, 40] {
        let series = ChebyshevSeries::interpolate(gauss, degree, &(-2.0..=3.0)).unwrap();
        for j in 0..=degree {
            let node = 0.5 + 2.5 * (PI * (j as f64 + 0.5) / (degree + 1) as f64).cos();
            assert!((series.value(node) - gauss(node)).abs() < 1e-14, "degree {degree}, node {j}");
        }
    }
    let errors = [8, 16, 32]
        .map(|degree| ChebyshevSeries::interpolate(gauss, degree, &(-2.0..=3.0)).unwrap().max_error(gauss));
    assert!(errors[0] < 0.05 && errors[1] < 1e-4 && errors[2] < 1e-11, "{errors:?}");
}

/// cos(ax) = J₀(a) + 2 Σ (−1)ᵏ J₂ₖ(a) T₂ₖ(x): even, and its coefficients Bessel functions' values.
#[test]
fn the_series_of_a_cosine() {
    let series = ChebyshevSeries::interpolate(|x| (5.0 * x).cos(), 41, &(-1.0..=1.0)).unwrap();
    let coefficients = series.polynomial().coefficients();
    // Abramowitz and Stegun, tables 9.1 and 9.4: J₀(5), J₂(5), J₄(5).
    for (k, expected) in
        [(0, -0.177_596_771_314_338), (2, -2.0 * 0.046_565_116_277_752), (4, 2.0 * 0.391_232_360_458_648)]
    {
        assert!((coefficients[k] - expected).abs() < 1e-13, "coefficient {k}: {}", coefficients[k]);
    }
    assert!(coefficients.iter().skip(1).step_by(2).all(|c| c.abs() < 1e-15));
    let (even, odd) = (series.clone().even_part(), series.clone().odd_part());
    assert!(even.polynomial().coefficients().iter().skip(1).step_by(2).all(|&c| c == 0.0));
    assert!(odd.polynomial().coefficients().iter().step_by(2).all(|&c| c == 0.0));
    assert!(even.max_error(|x| (5.0 * x).cos()) < 1e-14 && odd.max_error(|_| 0.0) < 1e-13);
    assert!((series.clone().times(-3.0).value(0.3) + 3.0 * series.value(0.3)).abs() < 1e-14);
}

/// The error of a series that stops is its first missing term, where the next are far smaller.
#[test]
fn an_error_is_measured_to_its_size() {
    let exact = Polynomial::new(Basis::Chebyshev, vec![0.3, -0.2, 0.1, 0.05, 1e-3]).unwrap();
    let function = |t: f64| exact.value(t / 7.0);
    let series = ChebyshevSeries::interpolate(function, 3, &(-7.0..=7.0)).unwrap();
    // T₄ vanishes in the nodes.
    assert!((series.max_error(function) / 1e-3 - 1.0).abs() < 1e-9);
    assert_eq!(series.normalised(-3.5), -0.5);
}

proptest! {
    #[test]
    fn clenshaw_and_horner_agree_with_the_sum_of_terms(
        coefficients in prop::collection::vec(-1.0..1.0, 1..64),
        x in -1.0..1.0,
    ) {
        for basis in [Basis::Chebyshev, Basis::Monomial] {
            let polynomial = Polynomial::new(basis, coefficients.clone()).unwrap();
            prop_assert!((polynomial.value(x) - reference(&polynomial, x)).abs() < 1e-12);
        }
    }

    /// A series of degree d is its own interpolation of degree d and more.
    #[test]
    fn interpolation_reproduces_polynomials(
        coefficients in prop::collection::vec(-1.0..1.0, 1..24),
        more in 0_usize..8,
    ) {
        let polynomial = Polynomial::new(Basis::Chebyshev, coefficients.clone()).unwrap();
        let degree = polynomial.degree() + more;
        let series = ChebyshevSeries::interpolate(|x| polynomial.value(x), degree, &(-1.0..=1.0)).unwrap();
        for (k, c) in series.polynomial().coefficients().iter().enumerate() {
            prop_assert!((c - coefficients.get(k).unwrap_or(&0.0)).abs() < 1e-13);
        }
    }
}
