//! The ephemeral sparse secret: how large the integers are that a raised modulus adds.
//!
//! *Sparse-secret encapsulation* is due to Bossuat, Troncoso-Pastoriza, Hubaux (eprint 2022/024). The ciphertext
//! (c₀, c₁) whose modulus is raised is under a secret s′ with h = [`EPHEMERAL_WEIGHT`] coefficients ±1, so
//! c₀ + c₁·s′ = m + q₀·I. A coefficient of (c₀ + c₁·s′)/q₀ is the sum S of h + 1 numbers in [−1/2, 1/2]. They are
//! uniform and independent, as ciphertexts are indistinguishable from uniform. With |m| ≤ q₀/R, |I| > K takes
//! |S| ≥ K + 1 − 1/R, and
//!
//! ```text
//! P(|S| ≥ t) ≤ 2·d^(h+1)/(h+1)!,   d = (h + 1)/2 − t,
//! ```
//!
//! where the right side is the volume of a simplex. It bounds the volume of the corner of the cube in which |S| ≥ t, a
//! part of this simplex, and is equal to it for d ≤ 1. A union over the N coefficients bounds the failure probability
//! of a bootstrapping. Where it fails, the result is wrong.

use crate::base::params::EPHEMERAL_WEIGHT;

/// log₂ of the failure probability that is accepted for a bootstrapping.
const MAX_LOG2_FAILURE: f64 = -128.0;

/// log₂ of a bound on the probability that one of the N integers of a raised ciphertext is larger than `range`, for a
/// message ratio of 2^`log_message_ratio`. −∞ where it cannot happen.
#[must_use]
pub fn log2_failure_probability(degree: usize, range: u32, log_message_ratio: u32) -> f64 {
    let terms = EPHEMERAL_WEIGHT as u32 + 1;
    let deficit = f64::from(terms) / 2.0 - f64::from(range) - 1.0 + (-f64::from(log_message_ratio)).exp2();
    if deficit <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let log2_factorial: f64 = (1..=terms).map(|i| f64::from(i).log2()).sum();
    1.0 + f64::from(terms) * deficit.log2() - log2_factorial + (degree as f64).log2()
}

/// K: the least range with a failure probability of at most 2⁻¹²⁸.
#[must_use]
pub fn range(degree: usize, log_message_ratio: u32) -> u32 {
    (0..=EPHEMERAL_WEIGHT as u32)
        .find(|&range| log2_failure_probability(degree, range, log_message_ratio) <= MAX_LOG2_FAILURE)
        .unwrap_or(EPHEMERAL_WEIGHT as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_is_the_range_at_two_to_the_sixteen() {
        assert_eq!(range(1 << 16, 12), 15);
        let log2 = log2_failure_probability(1 << 16, 15, 40);
        // 2·2⁻³³/33!·2¹⁶, in eprint 2022/024 and Lattigo as 2^−138.7.
        assert!((log2 + 138.7).abs() < 0.1, "{log2}");
        assert!(log2_failure_probability(1 << 16, 14, 12) > MAX_LOG2_FAILURE);
        assert_eq!(log2_failure_probability(1 << 16, 16, 12), f64::NEG_INFINITY);
    }

    #[test]
    fn the_bound_is_above_the_exact_distribution() {
        // The density of a sum of uniform numbers by convolution: S has the distribution of a sum of h + 1 steps, each
        // uniform on a grid of G points of [−1/2, 1/2), and the grid makes tails lighter by less than they are here.
        const GRID: usize = 16;
        let mut distribution = vec![1.0];
        for _ in 0..=EPHEMERAL_WEIGHT {
            let mut next = vec![0.0; distribution.len() + GRID - 1];
            for (i, p) in distribution.iter().enumerate() {
                next[i..i + GRID].iter_mut().for_each(|q| *q += p / GRID as f64);
            }
            distribution = next;
        }
        let middle = (distribution.len() - 1) as f64 / 2.0;
        for range in 4..15 {
            let tail: f64 = distribution
                .iter()
                .enumerate()
                .filter(|&(i, _)| (i as f64 - middle).abs() / GRID as f64 >= f64::from(range) + 1.0)
                .map(|(_, p)| p)
                .sum();
            let bound = log2_failure_probability(1, range, 40);
            assert!(tail.log2() <= bound, "K = {range}: {} and {bound}", tail.log2());
        }
    }
}
