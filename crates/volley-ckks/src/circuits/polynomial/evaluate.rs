//! The circuit on ciphertexts.

use std::collections::BTreeMap;

use super::Basis;
use super::coefficients::CoefficientForm;
use super::plan::{Factors, Node, PolynomialCircuit, correction, factors};
use crate::arithmetic::Arithmetic;
use crate::base::error::Error;
use crate::base::scale::Scale;
use crate::scheme::operand::Operand;

impl PolynomialCircuit {
    /// p(x) for the slots of `x`, which the Chebyshev basis wants in \[−1, 1\]; m ∘ p(x) for coefficients with a mask.
    /// The result has scale `target` exactly and lies [`levels`](Self::levels) below `x`.
    ///
    /// # Errors
    ///
    /// [`Error::LevelExhausted`] where `x` is too low, and what the arithmetic refuses. That may be a coefficient that
    /// cannot be encoded, because `target` is too far from the scale of `x`, or a missing relinearization key.
    pub fn evaluate<A: Arithmetic>(
        &self,
        arithmetic: &A,
        x: &A::Ciphertext,
        target: &Scale,
        form: &impl CoefficientForm,
    ) -> Result<A::Ciphertext, Error> {
        let (level, required) = (arithmetic.operand(x).level, self.levels());
        let Some(result_level) = level.checked_sub(required) else {
            return Err(Error::LevelExhausted { level, required });
        };
        let powers = Powers::new(self, arithmetic, x)?;
        Evaluation { powers, form }.node(&self.root, target, result_level)
    }
}

/// The Bₙ that a circuit takes, B₁ = x first.
struct Powers<'a, A: Arithmetic> {
    arithmetic: &'a A,
    x: &'a A::Ciphertext,
    /// The powers with n > 1.
    made: BTreeMap<usize, A::Ciphertext>,
}

impl<'a, A: Arithmetic> Powers<'a, A> {
    fn new(circuit: &PolynomialCircuit, arithmetic: &'a A, x: &'a A::Ciphertext) -> Result<Self, Error> {
        let mut powers = Self { arithmetic, x, made: BTreeMap::new() };
        // In ascending order, as a power is made of smaller ones.
        for &n in &circuit.powers {
            let power = match circuit.polynomial.basis() {
                Basis::Monomial => powers.monomial(n)?,
                Basis::Chebyshev => powers.chebyshev(n)?,
            };
            powers.made.insert(n, power);
        }
        Ok(powers)
    }

    fn get(&self, n: usize) -> &A::Ciphertext {
        self.made.get(&n).unwrap_or(self.x)
    }

    fn scale(&self, n: usize) -> &Scale {
        &self.arithmetic.operand(self.get(n)).scale
    }

    /// xᵃ·xᵇ.
    fn monomial(&self, n: usize) -> Result<A::Ciphertext, Error> {
        let Factors { a, b } = factors(n);
        self.arithmetic.multiply(self.get(a), self.get(b))
    }

    /// 2 T_a T_b − T_{a−b}.
    fn chebyshev(&self, n: usize) -> Result<A::Ciphertext, Error> {
        let Factors { a, b } = factors(n);
        let Operand { level, scale, .. } = self.arithmetic.operand(self.get(b));
        let doubled = self.arithmetic.linear_combination(&[(self.get(b), 2.0)], scale, *level)?;
        let product = self.arithmetic.sum_of_products(&[(self.get(a), &doubled)])?;
        let Some(difference) = correction(Basis::Chebyshev, n) else {
            return self.arithmetic.add_constant(&self.arithmetic.relinearize_rescale(&product)?, -1.0);
        };
        let Operand { level, scale, .. } = self.arithmetic.tensor_operand(&product);
        let negated = self.arithmetic.linear_combination(&[(self.get(difference), -1.0)], scale, *level)?;
        self.arithmetic.relinearize_rescale(&self.arithmetic.add_to_tensor(product, &negated)?)
    }
}

/// One evaluation: the nodes, each at a wanted scale and level.
struct Evaluation<'a, A: Arithmetic, C> {
    powers: Powers<'a, A>,
    form: &'a C,
}

impl<A: Arithmetic, C: CoefficientForm> Evaluation<'_, A, C> {
    fn node(&self, node: &Node, scale: &Scale, level: usize) -> Result<A::Ciphertext, Error> {
        let arithmetic = self.powers.arithmetic;
        let sum = scale.times(&arithmetic.parameters().rescaling_factor(level + 1));
        let linear = self.linear(node, &sum, level + 1)?;
        let result = if node.products.is_empty() {
            arithmetic.rescale(&linear.ok_or(Error::EmptySum)?)?
        } else {
            let products = self.products(node, &sum, level + 1)?;
            let tensor = match linear {
                Some(linear) => arithmetic.add_to_tensor(products, &linear)?,
                None => products,
            };
            arithmetic.relinearize_rescale(&tensor)?
        };
        if node.constant == 0.0 { Ok(result) } else { self.form.add(arithmetic, &result, node.constant) }
    }

    /// Σ qⱼ·B_{nⱼ}.
    fn products(&self, node: &Node, scale: &Scale, level: usize) -> Result<A::Tensor, Error> {
        let quotients = node.products.iter().map(|(power, quotient)| {
            self.node(quotient, &scale.divided_by(self.powers.scale(*power)), level)
        });
        let quotients = quotients.collect::<Result<Vec<_>, _>>()?;
        let powers = node.products.iter().map(|&(power, _)| self.powers.get(power));
        let terms: Vec<_> = quotients.iter().zip(powers).collect();
        self.powers.arithmetic.sum_of_products(&terms)
    }

    /// Σ cᵢ Bᵢ, where there are any.
    fn linear(&self, node: &Node, scale: &Scale, level: usize) -> Result<Option<A::Ciphertext>, Error> {
        if node.terms.is_empty() {
            return Ok(None);
        }
        let terms: Vec<_> = node.terms.iter().map(|&(power, c)| (self.powers.get(power), c)).collect();
        self.form.combine(self.powers.arithmetic, &terms, scale, level).map(Some)
    }
}
