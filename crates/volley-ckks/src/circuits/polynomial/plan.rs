//! The circuit of a polynomial: how it is divided, and which powers that takes.

use std::collections::BTreeSet;

use super::{Basis, Polynomial, power_depth};

/// The cost of an evaluation. The dearest operations come first, and costs are compared in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolynomialCost {
    /// Relinearizations, each merged with a rescaling.
    pub relinearizations: usize,
    /// Products of two ciphertexts.
    pub products: usize,
    /// Rescalings of their own.
    pub rescalings: usize,
    /// Products with a coefficient, or with the 2 and the −1 of a Chebyshev recurrence.
    pub plain_products: usize,
}

/// The planned evaluation of one polynomial.
#[derive(Clone, Debug, PartialEq)]
pub struct PolynomialCircuit {
    pub(super) polynomial: Polynomial,
    pub(super) root: Node,
    /// n of the Bₙ with n > 1 that are made, each after those that it is made of.
    pub(super) powers: BTreeSet<usize>,
    cost: PolynomialCost,
}

/// Σ qⱼ·B_{nⱼ} + Σ cᵢ Bᵢ + c₀.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node {
    /// nⱼ and qⱼ.
    pub(super) products: Vec<(usize, Self)>,
    /// i and cᵢ.
    pub(super) terms: Vec<(usize, f64)>,
    pub(super) constant: f64,
}

/// How Bₙ = B_{a+b} is made: B_a·B_b, for Chebyshev twice that less T_{a−b}.
pub(super) struct Factors {
    pub(super) a: usize,
    pub(super) b: usize,
}

impl PolynomialCircuit {
    /// The cheapest circuit at the least depth.
    #[must_use]
    pub fn new(polynomial: &Polynomial) -> Self {
        let first = Self::with_baby_steps(polynomial, 2);
        (2..=polynomial.levels())
            .map(|log2| Self::with_baby_steps(polynomial, 1 << log2))
            .fold(first, |best, other| if other.cost < best.cost { other } else { best })
    }

    fn with_baby_steps(polynomial: &Polynomial, baby_steps: usize) -> Self {
        let (basis, depth) = (polynomial.basis(), polynomial.levels());
        let mut root = Node::new(basis, polynomial.coefficients().to_vec(), depth, baby_steps);
        if root.products.is_empty() && root.terms.is_empty() {
            // A constant polynomial gives a ciphertext too.
            root.terms.push((1, 0.0));
        }
        let mut powers = BTreeSet::new();
        root.collect_powers(basis, &mut powers);
        let mut cost = PolynomialCost {
            relinearizations: powers.len(),
            products: powers.len(),
            plain_products: match basis {
                Basis::Monomial => 0,
                Basis::Chebyshev => {
                    powers.len() + powers.iter().filter(|&&n| correction(basis, n).is_some()).count()
                }
            },
            ..PolynomialCost::default()
        };
        root.add_cost(&mut cost);
        Self { polynomial: polynomial.clone(), root, powers, cost }
    }

    /// What is evaluated.
    #[must_use]
    pub fn polynomial(&self) -> &Polynomial {
        &self.polynomial
    }

    /// Levels that an evaluation takes.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.polynomial.levels()
    }

    /// What an evaluation costs.
    #[must_use]
    pub fn cost(&self) -> PolynomialCost {
        self.cost
    }
}

impl Node {
    /// The node of a polynomial of degree below 2^`depth`, to lie `depth` levels below x.
    fn new(basis: Basis, mut rest: Vec<f64>, depth: usize, baby_steps: usize) -> Self {
        let mut node = Self::default();
        loop {
            let degree = rest.iter().rposition(|&c| c != 0.0).unwrap_or(0);
            rest.truncate(degree + 1);
            let in_reach = (1..=degree).all(|i| rest[i] == 0.0 || power_depth(i) < depth);
            if degree < baby_steps && in_reach {
                break;
            }
            let power = 1 << degree.ilog2();
            match divide(basis, &mut rest, power).as_slice() {
                &[constant] => node.terms.push((power, constant)),
                quotient => {
                    let quotient = Self::new(basis, quotient.to_vec(), depth - 1, baby_steps);
                    node.products.push((power, quotient));
                }
            }
        }
        node.constant = rest[0];
        let terms = rest.into_iter().enumerate().skip(1);
        node.terms.extend(terms.filter(|&(_, c)| c != 0.0));
        node
    }

    fn collect_powers(&self, basis: Basis, powers: &mut BTreeSet<usize>) {
        for &(power, _) in &self.terms {
            collect(basis, power, powers);
        }
        for (power, quotient) in &self.products {
            collect(basis, *power, powers);
            quotient.collect_powers(basis, powers);
        }
    }

    fn add_cost(&self, cost: &mut PolynomialCost) {
        cost.products += self.products.len();
        cost.plain_products += self.terms.len();
        if self.products.is_empty() {
            cost.rescalings += 1;
        } else {
            cost.relinearizations += 1;
        }
        self.products.iter().for_each(|(_, quotient)| quotient.add_cost(cost));
    }
}

/// Bₙ and all that it is made of.
fn collect(basis: Basis, n: usize, powers: &mut BTreeSet<usize>) {
    if n > 1 && powers.insert(n) {
        let Factors { a, b } = factors(n);
        let correction = correction(basis, n);
        [Some(a), Some(b), correction].into_iter().flatten().for_each(|n| collect(basis, n, powers));
    }
}

/// The parts of n = a + b for n > 1. A power of two is halved. Any other n is its highest power of two and the rest,
/// which has the parity of n. Either way Bₙ is one level below the lower of them.
pub(super) fn factors(n: usize) -> Factors {
    let a = n.next_power_of_two() / 2;
    Factors { a, b: n - a }
}

/// a − b, where there is a T_{a−b} besides T₀ = 1.
pub(super) fn correction(basis: Basis, n: usize) -> Option<usize> {
    let Factors { a, b } = factors(n);
    (basis == Basis::Chebyshev && a != b).then(|| a - b)
}

/// Divides p of degree below 2n by Bₙ: p becomes the rest, the quotient is returned.
fn divide(basis: Basis, p: &mut Vec<f64>, n: usize) -> Vec<f64> {
    let mut quotient = p.split_off(n);
    if basis == Basis::Chebyshev {
        for (i, c) in quotient.iter_mut().enumerate().skip(1) {
            p[n - i] -= *c;
            *c *= 2.0;
        }
    }
    quotient
}
