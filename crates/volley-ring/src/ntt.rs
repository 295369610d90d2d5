//! The negacyclic number-theoretic transform of one limb.
//!
//! For a primitive 2N-th root of unity ψ modulo q the transform of f is f̂\[j\] = f(ψ^(2·br(j) + 1)), where br reverses
//! the log₂ N bits of j. Products of polynomials modulo X^N + 1 become pointwise, and since the order of the
//! evaluation points is the same for every prime, an automorphism is one index permutation for all limbs.
//!
//! ψ is a function of N and q alone, which `root.rs` states, and all backends give the same residues.

mod root;

use std::fmt;

use crate::kernel::{Kernel, Transform};
use crate::modulus::{Modulus, ShoupFactor};

/// Smallest ring degree that the transform supports.
pub const MIN_DEGREE: usize = 16;

/// A prime with its twiddle factors for one degree.
pub struct NttTable {
    degree: usize,
    modulus: Modulus,
    transform: Transform,
    degree_inverse: ShoupFactor,
    /// ψ^(N/2), the square root of −1 that X^(N/2) evaluates to in the first half of the transform; its negative in
    /// the second half.
    fourth_root: ShoupFactor,
    fourth_root_negated: ShoupFactor,
}

impl NttTable {
    /// Tables for a degree that is a power of two of at least [`MIN_DEGREE`] and q ≡ 1 (mod 2·`degree`); `None` for
    /// anything else.
    #[must_use]
    pub fn new(degree: usize, modulus: Modulus, kernel: Kernel) -> Option<Self> {
        let valid = degree.is_power_of_two() && degree >= MIN_DEGREE;
        if !valid || modulus.value() % (2 * degree as u64) != 1 {
            return None;
        }
        let root = root::primitive_root(degree, modulus);
        let fourth_root = modulus.pow(root, degree as u64 / 2);
        Some(Self {
            degree,
            modulus,
            transform: kernel.transform(degree, modulus, root),
            degree_inverse: modulus.shoup(modulus.inverse(degree as u64)),
            fourth_root: modulus.shoup(fourth_root),
            fourth_root_negated: modulus.shoup(modulus.neg(fourth_root)),
        })
    }

    /// The prime.
    #[must_use]
    pub fn modulus(&self) -> Modulus {
        self.modulus
    }

    /// The degree.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Coefficients to evaluations, in place.
    pub(crate) fn forward(&self, limb: &mut [u64]) {
        assert_eq!(limb.len(), self.degree);
        self.transform.forward(limb);
    }

    /// Evaluations to coefficients, times N·`factor`: [`degree_inverse`](Self::degree_inverse) gives the coefficients
    /// themselves, and a constant that multiplies them anyway costs nothing beside it.
    pub(crate) fn inverse_scaled(&self, limb: &mut [u64], factor: ShoupFactor) {
        assert_eq!(limb.len(), self.degree);
        self.transform.inverse_scaled(None, limb, factor);
    }

    /// As [`inverse_scaled`](Self::inverse_scaled), from one buffer to another.
    pub(crate) fn inverse_scaled_from(&self, input: &[u64], out: &mut [u64], factor: ShoupFactor) {
        assert!(input.len() == self.degree && out.len() == self.degree);
        self.transform.inverse_scaled(Some(input), out, factor);
    }

    /// N⁻¹ mod q.
    pub(crate) fn degree_inverse(&self) -> ShoupFactor {
        self.degree_inverse
    }

    /// What X^(N/2) evaluates to in the first and in the second half of the transform.
    pub(crate) fn fourth_roots(&self) -> [ShoupFactor; 2] {
        [self.fourth_root, self.fourth_root_negated]
    }
}

impl fmt::Debug for NttTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NttTable")
            .field("degree", &self.degree())
            .field("modulus", &self.modulus.value())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
