//! What the transforms in floating point share.

use super::node_powers;
use crate::modulus::{Modulus, ShoupFactor};

/// Twiddle factors of one prime and degree: the bits of `f64` in [−q/2, q/2], by node.
pub(crate) struct Twiddles {
    pub(super) modulus: Modulus,
    pub(super) forward: Vec<u64>,
    pub(super) inverse: Vec<u64>,
    /// The inverse factor of the root, as a residue.
    inverse_root: u64,
}

impl Twiddles {
    /// For a primitive 2N-th root of unity ψ = `root`.
    pub(super) fn new(degree: usize, modulus: Modulus, root: u64) -> Self {
        let powers = |root| node_powers(degree, modulus, root).collect::<Vec<_>>();
        let [forward, inverse] = [powers(root), powers(modulus.inverse(root))];
        let bits = |powers: &[u64]| powers.iter().map(|&power| balanced(modulus, power)).collect();
        Self { modulus, forward: bits(&forward), inverse: bits(&inverse), inverse_root: inverse[1] }
    }

    /// What the last stage of a scaled inverse transform multiplies its sums by, and its differences.
    pub(super) fn last(&self, factor: ShoupFactor) -> [u64; 2] {
        [factor.value, self.modulus.mul_shoup(self.inverse_root, factor)].map(|w| balanced(self.modulus, w))
    }
}

/// The bits of the residue's `f64` of the smallest size.
fn balanced(modulus: Modulus, residue: u64) -> u64 {
    let q = modulus.value();
    let number = if residue > q / 2 { -((q - residue) as f64) } else { residue as f64 };
    number.to_bits()
}
