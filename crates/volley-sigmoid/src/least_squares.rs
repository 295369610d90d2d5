//! Least squares fits of σ − ½ by odd polynomials, in the L² norm of an interval.
//!
//! With x = h u, the Legendre polynomials P₁, P₃, … are orthogonal on u ∈ \[−1, 1\] and ∫ Pₘ² = 2/(2m + 1), so the best
//! approximation is Σ aₘ Pₘ(u) with
//!
//! ```text
//! aₘ = (2m + 1)/2 ∫₋₁¹ (σ(hu) − ½) Pₘ(u) du = (2m + 1)/h ∫₀ʰ (σ(x) − ½) Pₘ(x/h) dx.
//! ```
//!
//! Each coefficient is computed by itself, and there is no system to solve. σ is analytic but for poles at ±πi, ±3πi,
//! …; on the panels \[0, 2\], \[2, 4\], \[4, 8\], … the poles are more than three half-widths away and 16 Gauss nodes
//! leave an error near 10⁻²⁴, below rounding.

use std::f64::consts::PI;

use crate::logistic::centred_sigmoid;

/// Coefficients of u, u³, … in P₁, P₃, P₅, P₇, P₉.
const LEGENDRE: [[f64; 5]; 5] = [
    [1.0, 0.0, 0.0, 0.0, 0.0],
    [-1.5, 2.5, 0.0, 0.0, 0.0],
    [1.875, -8.75, 7.875, 0.0, 0.0],
    [-2.1875, 19.6875, -43.3125, 26.8125, 0.0],
    [2.460_937_5, -36.093_75, 140.765_625, -201.093_75, 94.960_937_5],
];

/// Gauss nodes of a panel.
const NODES: u32 = 16;

/// The coefficients of x, x³, … of the best fit with `terms` ≤ 5 of them on \[−`half_width`, `half_width`\].
pub(crate) fn fit(terms: usize, half_width: f64) -> Vec<f64> {
    let mut coefficients = vec![0.0; terms];
    for (k, legendre) in LEGENDRE.iter().enumerate().take(terms) {
        let moment = integrate(half_width, |x| centred_sigmoid(x) * odd_polynomial(legendre, x / half_width));
        let weight = (4 * k + 3) as f64 / half_width * moment;
        for (j, coefficient) in coefficients.iter_mut().enumerate() {
            *coefficient += weight * legendre[j] / half_width.powi(2 * j as i32 + 1);
        }
    }
    coefficients
}

fn odd_polynomial(coefficients: &[f64], u: f64) -> f64 {
    u * coefficients.iter().rev().fold(0.0, |sum, c| sum * u * u + c)
}

/// ∫₀ʰ f, Gauss-Legendre on panels that double in width.
fn integrate(end: f64, f: impl Fn(f64) -> f64) -> f64 {
    let nodes: Vec<(f64, f64)> = (0..NODES).map(gauss_node).collect();
    let (mut sum, mut left) = (0.0, 0.0);
    while left < end {
        let right = f64::min(end, f64::max(2.0, 2.0 * left));
        let (middle, half) = (0.5 * (left + right), 0.5 * (right - left));
        sum += half * nodes.iter().map(|&(node, weight)| weight * f(middle + half * node)).sum::<f64>();
        left = right;
    }
    sum
}

/// Node and weight `index` of the Gauss-Legendre rule: Newton's method on P₁₆ from the asymptotic formula.
fn gauss_node(index: u32) -> (f64, f64) {
    let count = f64::from(NODES);
    let mut x = (PI * (f64::from(index) + 0.75) / (count + 0.5)).cos();
    for _ in 0..8 {
        let (value, slope) = legendre(x);
        x -= value / slope;
    }
    let slope = legendre(x).1;
    (x, 2.0 / ((1.0 - x * x) * slope * slope))
}

/// P₁₆ and its derivative by the three-term recurrence; |x| < 1.
fn legendre(x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for degree in 2..=NODES {
        let m = f64::from(degree);
        (before, value) = (value, ((2.0 * m - 1.0) * x * value - (m - 1.0) * before) / m);
    }
    (value, f64::from(NODES) * (before - x * value) / (1.0 - x * x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauss_nodes_integrate_polynomials_exactly() {
        for power in 0..8 {
            let exact = 1.5_f64.powi(power + 1) / f64::from(power + 1);
            let sum = integrate(1.5, |x| x.powi(power));
            assert!((sum - exact).abs() < 1e-14, "x^{power}: {sum} instead of {exact}");
        }
    }

    #[test]
    fn the_residual_is_orthogonal_to_every_odd_power() {
        // The definition of a least squares fit, checked with a midpoint sum instead of Gauss nodes.
        const STEPS: u32 = 200_000;
        for (terms, half_width) in [(1, 3.0), (2, 8.0), (3, 12.0), (4, 16.0), (4, 64.0), (5, 16.0), (5, 32.0)]
        {
            let coefficients = fit(terms, half_width);
            for power in (1..2 * terms as i32).step_by(2) {
                let step = 1.0 / f64::from(STEPS);
                let product: f64 = (0..STEPS)
                    .map(|i| {
                        let u = (f64::from(i) + 0.5) * step;
                        let x = u * half_width;
                        (odd_polynomial(&coefficients, x) - centred_sigmoid(x)) * u.powi(power) * step
                    })
                    .sum();
                assert!(product.abs() < 1e-9, "{terms} terms on ±{half_width}, u^{power}: {product}");
            }
        }
    }
}
