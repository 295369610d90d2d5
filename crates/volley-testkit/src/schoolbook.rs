//! Arithmetic modulo one q, and in Z_q\[X\]/(X^N + 1), in `u128`.
//!
//! Polynomials are their N coefficients in [0, q), lowest degree first. Any modulus from 2 to 2^64 − 1 will do; a root
//! of unity needs a prime.

/// base^exponent mod q, by squaring.
#[must_use]
pub fn power(base: u64, mut exponent: u64, q: u64) -> u64 {
    let (mut square, mut result) = (base % q, 1 % q);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, square, q);
        }
        square = multiply(square, square, q);
        exponent >>= 1;
    }
    result
}

/// a·b in Z_q\[X\]/(X^N + 1), from its definition: X^N = −1. Takes N² multiplications.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
pub fn negacyclic_product(a: &[u64], b: &[u64], q: u64) -> Vec<u64> {
    assert_eq!(a.len(), b.len(), "factors of different degrees");
    let n = a.len();
    let mut product = vec![0; n];
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            let term = multiply(x, y, q);
            let slot = &mut product[(i + j) % n];
            *slot = if i + j < n { add(*slot, term, q) } else { subtract(*slot, term, q) };
        }
    }
    product
}

/// Σ a_k x^k mod q.
#[must_use]
pub fn evaluate(coefficients: &[u64], x: u64, q: u64) -> u64 {
    coefficients.iter().rev().fold(0, |sum, &a| add(multiply(sum, x, q), a % q, q))
}

/// The polynomial at `root`^e for each exponent e. With a primitive 2N-th root and the odd exponents in the order of a
/// transform, these are the transform's outputs.
#[must_use]
pub fn evaluate_at_powers(coefficients: &[u64], root: u64, exponents: &[u64], q: u64) -> Vec<u64> {
    exponents.iter().map(|&exponent| evaluate(coefficients, power(root, exponent, q), q)).collect()
}

/// A primitive `order`-th root of unity modulo the prime q: ψ with ψ^(order/2) = −1. It is the first one that the
/// candidates 2, 3, 4, ... give, so it is the same in every run.
///
/// # Panics
///
/// If `order` is not a power of two above 1 that divides q − 1.
#[must_use]
pub fn primitive_root(order: u64, q: u64) -> u64 {
    assert!(order > 1 && order.is_power_of_two(), "order {order} is not a power of two above 1");
    assert!((q - 1).is_multiple_of(order), "{order} does not divide {q} - 1");
    let root = (2..q).map(|g| power(g, (q - 1) / order, q)).find(|&root| power(root, order / 2, q) == q - 1);
    root.expect("the multiplicative group of a prime field is cyclic")
}

/// X ↦ X^g for an odd g, in Z_q\[X\]/(X^N + 1): the coefficient of X^k moves to X^(kg mod N), negated where
/// kg mod 2N ≥ N.
///
/// # Panics
///
/// If g is even.
#[must_use]
pub fn automorphism(a: &[u64], g: u64, q: u64) -> Vec<u64> {
    assert!(g % 2 == 1, "X -> X^{g} is not an automorphism");
    let n = a.len();
    let mut image = vec![0; n];
    for (k, &coefficient) in a.iter().enumerate() {
        let exponent = (k as u128 * u128::from(g) % (2 * n as u128)) as usize;
        image[exponent % n] = if exponent < n { coefficient % q } else { subtract(0, coefficient, q) };
    }
    image
}

fn multiply(a: u64, b: u64, q: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(q)) as u64
}

fn add(a: u64, b: u64, q: u64) -> u64 {
    ((u128::from(a) + u128::from(b)) % u128::from(q)) as u64
}

fn subtract(a: u64, b: u64, q: u64) -> u64 {
    add(a, q - b % q, q)
}

#[cfg(test)]
mod tests {
    use super::*;

    const Q: u64 = 97; // 97 - 1 = 2^5 · 3
    const A: [u64; 4] = [1, 2, 3, 4];
    const B: [u64; 4] = [5, 6, 7, 8];

    #[test]
    fn a_product_worked_by_hand() {
        // (1 + 2X + 3X² + 4X³)(5 + 6X + 7X² + 8X³) = 5 + 16X + 34X² + 60X³ + 61X⁴ + 52X⁵ + 32X⁶, and X⁴ = -1.
        assert_eq!(negacyclic_product(&A, &B, Q), [97 + 5 - 61, 97 + 16 - 52, 2, 60]);
    }

    #[test]
    fn roots_are_primitive() {
        for order in [2, 4, 8, 16, 32] {
            let root = primitive_root(order, Q);
            assert_eq!((1..=order).find(|&e| power(root, e, Q) == 1), Some(order));
        }
    }

    #[test]
    fn evaluation_at_odd_powers_turns_the_product_into_pointwise_products() {
        let root = primitive_root(8, Q);
        let at_roots = |p: &[u64]| evaluate_at_powers(p, root, &[1, 3, 5, 7], Q);
        let pointwise: Vec<u64> = at_roots(&A).iter().zip(at_roots(&B)).map(|(a, b)| a * b % Q).collect();
        assert_eq!(at_roots(&negacyclic_product(&A, &B, Q)), pointwise);
    }

    #[test]
    fn an_automorphism_permutes_the_evaluations() {
        let root = primitive_root(8, Q);
        for g in [1, 3, 5, 7, 11] {
            let image = automorphism(&A, g, Q);
            assert_eq!(
                evaluate_at_powers(&image, root, &[1, 3], Q),
                evaluate_at_powers(&A, root, &[g, 3 * g], Q)
            );
        }
    }

    #[test]
    fn the_largest_modulus_does_not_overflow() {
        let q = u64::MAX; // -1 · -1 = 1, X · X = -1 at N = 2
        assert_eq!(negacyclic_product(&[0, q - 1], &[0, q - 1], q), [q - 1, 0]);
        assert_eq!(power(q - 1, 3, q), q - 1);
        assert_eq!(power(7, 0, 1), 0);
    }
}
