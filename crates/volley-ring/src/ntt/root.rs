//! The choice of the roots of unity: part of the meaning of evaluations, and so of every format that stores them.
//!
//! Let q − 1 = 2ˢ·t with t odd, z the least quadratic non-residue modulo q, and g = zᵗ, of order 2ˢ. From −1, the
//! square root that the algorithm of Tonelli and Shanks finds with z is taken log₂ N times; the last is ψ. In exponents
//! of g that algorithm takes gᵉ, e even and in [0, 2ˢ), to the power
//!
//! ```text
//! e/2            where ⌈e·t/2ˢ⌉ is even,
//! e/2 + 2ˢ⁻¹     where it is odd (the other root):
//! ```
//!
//! it multiplies (gᵉ)^((t+1)/2) by gᵏ with 2k ≡ −e·t (mod 2ˢ) and 0 ≤ k < 2ˢ⁻¹, so 2k = 2ˢ·⌈e·t/2ˢ⌉ − e·t.

use crate::modulus::Modulus;

/// ψ, a primitive 2N-th root of unity, for N = `degree` a power of two and q ≡ 1 (mod 2N).
pub(super) fn primitive_root(degree: usize, modulus: Modulus) -> u64 {
    let order = modulus.value() - 1;
    let twos = order.trailing_zeros();
    let odd = order >> twos;
    let half = 1 << (twos - 1);
    // −1 = g^(2ˢ⁻¹). No product overflows: e·t < 2ˢ·t < q.
    let exponent = (0..degree.ilog2()).fold(half, |exponent, _| {
        let ceiling = (exponent * odd).div_ceil(1 << twos);
        exponent / 2 + half * (ceiling % 2)
    });
    modulus.pow(modulus.pow(least_non_residue(modulus), odd), exponent)
}

fn least_non_residue(modulus: Modulus) -> u64 {
    let minus_one = modulus.value() - 1;
    let mut candidate = 2;
    while modulus.pow(candidate, minus_one / 2) != minus_one {
        candidate += 1;
    }
    candidate
}

#[cfg(test)]
mod tests;
