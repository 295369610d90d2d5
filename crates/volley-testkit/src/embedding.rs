//! The canonical embedding by its definition.
//!
//! With ζ = exp(iπ/N), a primitive 2N-th root of unity, slot j of the polynomial with real coefficients a_0 .. a_{N−1}
//! is its value at ζ^(5^j):
//!
//! ```text
//! z_j = Σ_k a_k ζ^(k·5^j),   j = 0 .. n − 1
//! ```
//!
//! At n = N/2 slots (full packing) the ζ^(5^j) and their conjugates are all the primitive roots. Fewer slots live in
//! the subring of polynomials in X^(N/(2n)) (sparse packing), where the same n values repeat N/(2n) times over the full
//! slots. Exponents are reduced mod 2N as integers, so that an error is the rounding of one sum.

use num_complex::Complex64;

/// The slots of a plaintext: the embedding of its part in the subring of the packing. Coefficients outside of the
/// subring (the noise of a decrypted ciphertext has them) are ignored. Takes 2n² multiplications.
///
/// # Panics
///
/// If `slots` is not a power of two from 1 to N/2, or N is not a power of two.
#[must_use]
pub fn decode(coefficients: &[f64], slots: usize) -> Vec<Complex64> {
    let subring = Subring::new(coefficients.len(), slots);
    let value_at = |exponent: usize| {
        (0..2 * slots).map(|k| coefficients[k * subring.gap] * subring.root(k * exponent)).sum()
    };
    subring.exponents().map(value_at).collect()
}

/// The real coefficients of the plaintext of degree N whose slots are the given values, the inverse of [`decode`]:
///
/// ```text
/// a_{k·gap} = (1/n) Re Σ_j z_j ζ^(−k·gap·5^j),   gap = N/(2n),   k = 0 .. 2n − 1
/// ```
///
/// # Panics
///
/// If the number of values is not a power of two from 1 to N/2, or N (`degree`) is not a power of two.
#[must_use]
pub fn encode(values: &[Complex64], degree: usize) -> Vec<f64> {
    let subring = Subring::new(degree, values.len());
    let mut coefficients = vec![0.0; degree];
    for k in 0..2 * values.len() {
        let terms = values.iter().zip(subring.exponents()).map(|(z, e)| (z * subring.root(k * e).conj()).re);
        coefficients[k * subring.gap] = terms.sum::<f64>() / values.len() as f64;
    }
    coefficients
}

/// Real polynomials in Y = X^gap, with Y^(2n) = −1, and the powers of its root of unity exp(iπ/(2n)).
struct Subring {
    gap: usize,
    roots: Vec<Complex64>,
}

impl Subring {
    fn new(degree: usize, slots: usize) -> Self {
        assert!(degree.is_power_of_two(), "degree {degree} is not a power of two");
        assert!(slots.is_power_of_two() && 2 * slots <= degree, "{slots} slots do not fit degree {degree}");
        let angle = |exponent: usize| std::f64::consts::PI * exponent as f64 / (2 * slots) as f64;
        let roots = (0..4 * slots).map(|exponent| Complex64::from_polar(1.0, angle(exponent))).collect();
        Self { gap: degree / (2 * slots), roots }
    }

    /// exp(iπ/(2n))^exponent.
    fn root(&self, exponent: usize) -> Complex64 {
        self.roots[exponent % self.roots.len()]
    }

    /// 5^j mod 4n for each slot j.
    fn exponents(&self) -> impl Iterator<Item = usize> {
        let order = self.roots.len();
        std::iter::successors(Some(1 % order), move |e| Some(e * 5 % order)).take(order / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schoolbook::negacyclic_product;
    use crate::statistics::max_abs_error;

    /// Values without structure, in the unit square.
    fn values(slots: usize) -> Vec<Complex64> {
        (1..=slots).map(|j| Complex64::new((j as f64 * 1.7).sin(), (j as f64 * 0.9).cos())).collect()
    }

    #[test]
    fn a_full_packing_worked_by_hand() {
        // N = 4: slots are the values at ζ and ζ^5, where ζ² = i and (ζ^5)² = i as well.
        let slots = decode(&[1.0, 0.0, 2.0, 0.0], 2);
        assert!(max_abs_error(&slots, &[Complex64::new(1.0, 2.0); 2]) < 1e-15);
        let root = Complex64::from_polar(1.0, std::f64::consts::FRAC_PI_4);
        assert!(max_abs_error(&decode(&[0.0, 1.0, 0.0, 0.0], 2), &[root, -root]) < 1e-15);
    }

    #[test]
    fn encoding_and_decoding_are_inverse_at_every_packing() {
        for slots in [1, 2, 8, 32] {
            let coefficients = encode(&values(slots), 64);
            assert!(max_abs_error(&decode(&coefficients, slots), &values(slots)) < 1e-14);
        }
    }

    #[test]
    fn a_sparse_packing_repeats_over_the_full_slots() {
        let coefficients = encode(&values(4), 64);
        let repeated: Vec<Complex64> = values(4).into_iter().cycle().take(32).collect();
        assert!(max_abs_error(&decode(&coefficients, 32), &repeated) < 1e-14);
    }

    #[test]
    fn the_embedding_turns_negacyclic_products_into_slotwise_products() {
        let q = 1 << 40;
        let [a, b]: [Vec<u64>; 2] = [3, 5].map(|step| (0..16u64).map(|k| k * step % 11).collect());
        let real = |p: &[u64]| p.iter().map(|&x| x as f64).collect::<Vec<_>>();
        let centred = |x: u64| if x > q / 2 { x as f64 - q as f64 } else { x as f64 };
        let product: Vec<f64> = negacyclic_product(&a, &b, q).into_iter().map(centred).collect();
        let slotwise: Vec<Complex64> =
            decode(&real(&a), 8).iter().zip(decode(&real(&b), 8)).map(|(x, y)| x * y).collect();
        assert!(max_abs_error(&decode(&product, 8), &slotwise) < 1e-10);
    }
}
