//! The Chinese remainder theorem with big integers.
//!
//! Moduli are pairwise coprime; Q is their product. A polynomial in RNS is one slice of coefficients for each modulus
//! ("limb").

use num_bigint::{BigInt, BigUint, Sign};

/// Q, the product of the moduli; 1 where there is none.
#[must_use]
pub fn product(moduli: &[u64]) -> BigUint {
    moduli.iter().map(|&q| BigUint::from(q)).product()
}

/// The x in [0, Q) with x ≡ residues\[i\] (mod moduli\[i\]): Σ r_i · (Q/q_i) · \[(Q/q_i)^-1\]_{q_i} mod Q.
///
/// # Panics
///
/// If the lengths differ or two moduli have a common factor.
#[must_use]
pub fn combine(residues: &[u64], moduli: &[u64]) -> BigUint {
    let basis = Basis::new(moduli);
    basis.combine(residues)
}

/// The x in (−Q/2, Q/2] with the given residues.
///
/// # Panics
///
/// As [`combine`].
#[must_use]
pub fn combine_centred(residues: &[u64], moduli: &[u64]) -> BigInt {
    centred(combine(residues, moduli), &product(moduli))
}

/// The coefficients in (−Q/2, Q/2] of a polynomial given by its limbs.
///
/// # Panics
///
/// As [`combine`], and if limbs differ in length.
#[must_use]
pub fn combine_limbs(limbs: &[impl AsRef<[u64]>], moduli: &[u64]) -> Vec<BigInt> {
    let basis = Basis::new(moduli);
    let degree = limbs.first().map_or(0, |limb| limb.as_ref().len());
    assert!(limbs.iter().all(|limb| limb.as_ref().len() == degree), "limbs of different lengths");
    let residues_of = |k: usize| limbs.iter().map(|limb| limb.as_ref()[k]).collect::<Vec<_>>();
    (0..degree).map(|k| centred(basis.combine(&residues_of(k)), &basis.product)).collect()
}

/// The representatives in [0, q_i) of x.
#[must_use]
pub fn residues(x: &BigInt, moduli: &[u64]) -> Vec<u64> {
    moduli.iter().map(|&q| residue(x, q)).collect()
}

/// The limbs of a polynomial given by its integer coefficients.
#[must_use]
pub fn split_limbs(coefficients: &[BigInt], moduli: &[u64]) -> Vec<Vec<u64>> {
    moduli.iter().map(|&q| coefficients.iter().map(|x| residue(x, q)).collect()).collect()
}

/// The integer nearest to x / divisor; halves (which an odd divisor does not have) go away from zero.
///
/// # Panics
///
/// If the divisor is zero.
#[must_use]
pub fn divide_round(x: &BigInt, divisor: &BigUint) -> BigInt {
    let magnitude = (x.magnitude() * 2u32 + divisor) / (divisor * 2u32);
    BigInt::from_biguint(if x.sign() == Sign::Minus { Sign::Minus } else { Sign::Plus }, magnitude)
}

/// x mod Q, for x in [0, Q), as the representative in (−Q/2, Q/2].
fn centred(x: BigUint, product: &BigUint) -> BigInt {
    let negative = &x * 2u32 > *product;
    let x = BigInt::from(x);
    if negative { x - BigInt::from(product.clone()) } else { x }
}

fn residue(x: &BigInt, q: u64) -> u64 {
    let remainder = u64::try_from(x.magnitude() % q).expect("a remainder is less than its 64-bit modulus");
    if x.sign() == Sign::Minus && remainder > 0 { q - remainder } else { remainder }
}

/// Q and, for each modulus, the constant (Q/q_i) · \[(Q/q_i)^-1\]_{q_i}, which is 1 mod q_i and 0 mod the others.
struct Basis {
    product: BigUint,
    idempotents: Vec<BigUint>,
}

impl Basis {
    fn new(moduli: &[u64]) -> Self {
        let product = product(moduli);
        let idempotent = |&q: &u64| {
            let others = &product / q;
            let inverse = others.modinv(&BigUint::from(q)).expect("moduli have a common factor");
            others * inverse
        };
        let idempotents = moduli.iter().map(idempotent).collect();
        Self { product, idempotents }
    }

    fn combine(&self, residues: &[u64]) -> BigUint {
        assert_eq!(residues.len(), self.idempotents.len(), "one residue for each modulus");
        let sum: BigUint =
            residues.iter().zip(&self.idempotents).map(|(&r, idempotent)| idempotent * r).sum();
        sum % &self.product
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_integer_comes_back_from_its_residues() {
        let moduli = [3, 5, 7]; // Q = 105
        assert_eq!(product(&moduli), BigUint::from(105u32));
        for x in 0..105u64 {
            let expected = BigInt::from(x);
            assert_eq!(combine(&residues(&expected, &moduli), &moduli), BigUint::from(x));
        }
        for x in -52..=52i64 {
            assert_eq!(combine_centred(&residues(&x.into(), &moduli), &moduli), x.into());
        }
        assert_eq!(combine_centred(&[1], &[2]), 1.into());
    }

    #[test]
    fn limbs_round_trip_at_the_edges_of_a_large_modulus() {
        let moduli = [(1 << 50) - 27, (1 << 61) - 1, u64::MAX];
        let half = BigInt::from(product(&moduli) / 2u32);
        let values = [half.clone(), -half, BigInt::from(0), BigInt::from(-1), BigInt::from(u64::MAX)];
        let limbs = split_limbs(&values, &moduli);
        assert_eq!((limbs.len(), limbs[0].len()), (3, 5));
        assert_eq!(limbs[2], [(u64::MAX - 1) / 2, u64::MAX.div_ceil(2), 0, u64::MAX - 1, 0]);
        assert_eq!(combine_limbs(&limbs, &moduli), values);
    }

    #[test]
    fn division_rounds_to_nearest() {
        let divide = |x: i64, d: u32| divide_round(&x.into(), &d.into());
        assert_eq!([7, 8, -7, -8, 0].map(|x| divide(x, 5)), [1, 2, -1, -2, 0].map(BigInt::from));
        assert_eq!([1, 3, -1, -3].map(|x| divide(x, 2)), [1, 2, -1, -2].map(BigInt::from));
    }

    #[test]
    #[should_panic(expected = "common factor")]
    fn moduli_must_be_coprime() {
        let _ = combine(&[1, 1], &[6, 15]);
    }
}
