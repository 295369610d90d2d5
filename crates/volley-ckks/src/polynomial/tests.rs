use proptest::prelude::*;

use super::*;
use crate::testing::{Setup, parameters, rng};
use crate::{Arithmetic, Complex64, Operation, Precision, Scale, Simulator};

/// Coefficients in [−1, 1], zero but for the residues of `every` (step and start).
fn coefficients(degree: usize, [start, step]: [usize; 2], seed: u64) -> Vec<f64> {
    let random = crate::testing::random_slots(degree + 1, &mut rng(seed));
    let wanted = |k: usize| k >= start && (k - start).is_multiple_of(step);
    random.iter().enumerate().map(|(k, c)| if wanted(k) { c.re } else { 0.0 }).collect()
}

/// −1 to 1.
fn points(count: usize) -> Vec<f64> {
    (0..count).map(|i| 2.0 * i as f64 / (count - 1) as f64 - 1.0).collect()
}

/// Σ cₖ cos(k arccos x), or Σ cₖ xᵏ, term by term.
fn reference(polynomial: &Polynomial, x: f64) -> f64 {
    let term = |k: usize| match polynomial.basis() {
        Basis::Monomial => x.powi(k as i32),
        Basis::Chebyshev => (k as f64 * x.acos()).cos(),
    };
    polynomial.coefficients().iter().enumerate().map(|(k, c)| c * term(k)).sum()
}

#[test]
fn costs_table() {
    for degree in 1..=64 {
        let cost = |pattern| {
            let p = Polynomial::new(Basis::Chebyshev, coefficients(degree, pattern, 1)).unwrap();
            PolynomialCircuit::new(&p).cost()
        };
        eprintln!("{degree} all {:?} even {:?} odd {:?}", cost([0, 1]), cost([0, 2]), cost([1, 2]));
    }
}

/// Every degree, every parity, both bases, on ciphertexts of a tiny ring.
#[test]
fn every_degree_is_right_and_at_the_least_depth() {
    const LEVELS: usize = 7;
    let setup = Setup::new(parameters(5, LEVELS), |spec| spec.relinearization(LEVELS));
    let x = points(16);
    let slots: Vec<_> = x.iter().map(|&x| Complex64::from(x)).collect();
    let target = Scale::power_of_two(80).divided_by(&setup.context.parameters().rescaling_factor(3));
    for degree in 0..=64_usize {
        let levels = (degree + 1).next_power_of_two().ilog2().max(1) as usize;
        let encrypted = setup.encrypt(&slots, levels, 2);
        for (basis, pattern) in [
            (Basis::Chebyshev, [0, 1]),
            (Basis::Chebyshev, [0, 2]),
            (Basis::Chebyshev, [1, 2]),
            (Basis::Monomial, [0, 1]),
            (Basis::Monomial, [1, 2]),
        ] {
            let polynomial = Polynomial::new(basis, coefficients(degree, pattern, degree as u64)).unwrap();
            let circuit = PolynomialCircuit::new(&polynomial);
            let name = format!("{basis:?} {pattern:?} of degree {degree}");
            assert_eq!(circuit.levels(), levels, "{name}");

            let simulator = Simulator::new(setup.context.parameters());
            let input = simulator.input(&setup.context.parameters().scale(), levels).unwrap();
            let simulated = circuit.evaluate(&simulator, &input, &target, &Constants).unwrap();
            let before = setup.evaluator.counts();
            let result = circuit.evaluate(&setup.evaluator, &encrypted, &target, &Constants).unwrap();
            assert_eq!(result.operand().scale, target, "{name}");
            assert_eq!(result.level(), 0, "{name}");
            assert_eq!(simulator.operand(&simulated).level, 0);
            for operation in Operation::ALL {
                let counted = setup.evaluator.counts().total(operation) - before.total(operation);
                assert_eq!(simulator.counts().total(operation), counted, "{name}: {operation:?}");
            }
            let cost = circuit.cost();
            assert_eq!(
                [
                    Operation::Relinearization,
                    Operation::Product,
                    Operation::Rescaling,
                    Operation::PlainProduct
                ]
                .map(|operation| simulator.counts().total(operation) as usize),
                [cost.relinearizations, cost.products, cost.rescalings, cost.plain_products],
                "{name}"
            );
            let expected: Vec<f64> = x.iter().map(|&x| reference(&polynomial, x)).collect();
            let actual: Vec<f64> = setup.decrypt(&result).iter().map(|v| v.re).collect();
            let bits = Precision::measure(&expected, &actual).worst_bits();
            eprintln!("{name}: {bits}");
        }
    }
}
