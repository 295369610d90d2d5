//! The number-theoretic transform in 64-bit integers: the reference for the vectorised ones.
//!
//! Cooley-Tukey forward and Gentleman-Sande inverse transforms, in place, between natural and bit-reversed order, as in
//! [`crate::ntt`]. The nodes of the recursion are numbered as in a heap: the root is 1, the halves of node k are 2k and
//! 2k + 1, and node k multiplies the upper half of its block by ψ^br(k), br being the reversal of log₂ N bits.
//!
//! **Bounds** (Harvey, *Faster arithmetic for number-theoretic transforms*, 2014). Shoup's product of any word is below
//! 2q. A forward butterfly takes (u, v) to u + vw and u − vw + 2q: after s stages values are below (1 + 2s)·q, which
//! for 50-bit primes is far from 2⁶⁴, so that nothing is reduced before the end. An inverse butterfly takes u, v < 2q
//! to u + v, brought below 2q, and (u − v + 2q)·w < 2q. Results are reduced.

use crate::kernel::node_powers;
use crate::modulus::{Modulus, ShoupFactor};

/// Twiddle factors of one prime and degree, by node.
pub(crate) struct Twiddles {
    modulus: Modulus,
    forward: Vec<ShoupFactor>,
    inverse: Vec<ShoupFactor>,
}

impl Twiddles {
    /// For a primitive 2N-th root of unity ψ = `root`.
    pub(in crate::kernel) fn new(degree: usize, modulus: Modulus, root: u64) -> Self {
        let factors = |root| node_powers(degree, modulus, root).map(|power| modulus.shoup(power)).collect();
        Self { modulus, forward: factors(root), inverse: factors(modulus.inverse(root)) }
    }
}

/// Coefficients to evaluations.
pub(in crate::kernel) fn forward(twiddles: &Twiddles, limb: &mut [u64]) {
    let q = twiddles.modulus;
    let twice_q = 2 * q.value();
    for stage in 0..limb.len().ilog2() {
        let nodes = &twiddles.forward[1 << stage..];
        for (block, &w) in limb.chunks_exact_mut(limb.len() >> stage).zip(nodes) {
            let (low, high) = block.split_at_mut(block.len() / 2);
            for (u, v) in low.iter_mut().zip(high) {
                let product = q.mul_shoup_unreduced(*v, w);
                (*u, *v) = (*u + product, *u + twice_q - product);
            }
        }
    }
    for x in limb {
        *x = q.reduce(*x);
    }
}

/// Evaluations to coefficients, times N·`factor`.
pub(in crate::kernel) fn inverse_scaled(twiddles: &Twiddles, limb: &mut [u64], factor: ShoupFactor) {
    let q = twiddles.modulus;
    let twice_q = 2 * q.value();
    for stage in (0..limb.len().ilog2()).rev() {
        let nodes = &twiddles.inverse[1 << stage..];
        for (block, &w) in limb.chunks_exact_mut(limb.len() >> stage).zip(nodes) {
            let (low, high) = block.split_at_mut(block.len() / 2);
            for (u, v) in low.iter_mut().zip(high) {
                let sum = *u + *v;
                *v = q.mul_shoup_unreduced(*u + twice_q - *v, w);
                *u = sum.min(sum.wrapping_sub(twice_q));
            }
        }
    }
    for x in limb {
        *x = q.mul_shoup(*x, factor);
    }
}
