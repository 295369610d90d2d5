//! Arithmetic modulo one prime.

use crate::prime::{MAX_BITS, is_prime};

/// A prime below 2^[`MAX_BITS`] with what Barrett reduction needs.
///
/// Reduction: for q̂ = ⌊x·⌊2¹²⁸/q⌋ / 2¹²⁸⌋ the remainder x − q̂·q lies in [0, 2q), so one subtraction ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulus {
    value: u64,
    bits: u32,
    /// ⌊2^(2·bits + 1) / value⌋, for products of two residues.
    product_ratio: u64,
    /// ⌊2¹²⁸ / value⌋.
    wide_ratio: u128,
    /// 2⁵² mod value, prepared: vectorised sums are kept as H·2⁵² + L.
    radix: ShoupFactor,
}

/// A constant factor w with ⌊w·2⁶⁴/q⌋, which makes a product modulo q two multiplications (Shoup).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShoupFactor {
    /// w, below q.
    pub value: u64,
    /// ⌊w·2⁶⁴/q⌋.
    pub quotient: u64,
}

impl Modulus {
    /// The modulus `value`, if it is an odd prime below 2^[`MAX_BITS`].
    #[must_use]
    pub fn new(value: u64) -> Option<Self> {
        let bits = u64::BITS - value.leading_zeros();
        if bits > MAX_BITS || value == 2 || !is_prime(value) {
            return None;
        }
        // An odd prime does not divide 2¹²⁸, so ⌊(2¹²⁸ − 1)/q⌋ = ⌊2¹²⁸/q⌋.
        let wide_ratio = u128::MAX / u128::from(value);
        let product_ratio = ((1u128 << (2 * bits + 1)) / u128::from(value)) as u64;
        let radix = (1 << 52) % value;
        let radix =
            ShoupFactor { value: radix, quotient: ((u128::from(radix) << 64) / u128::from(value)) as u64 };
        Some(Self { value, bits, product_ratio, wide_ratio, radix })
    }

    /// q.
    #[must_use]
    pub fn value(self) -> u64 {
        self.value
    }

    /// Bit length of q.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// 2⁵² mod q, prepared.
    pub(crate) fn radix(self) -> ShoupFactor {
        self.radix
    }

    /// a + b for a, b < q.
    #[inline]
    #[must_use]
    pub fn add(self, a: u64, b: u64) -> u64 {
        debug_assert!(a < self.value && b < self.value);
        self.subtract_once(a + b)
    }

    /// a − b for a, b < q.
    #[inline]
    #[must_use]
    pub fn sub(self, a: u64, b: u64) -> u64 {
        debug_assert!(a < self.value && b < self.value);
        self.subtract_once(a + self.value - b)
    }

    /// −a for a < q.
    #[inline]
    #[must_use]
    pub fn neg(self, a: u64) -> u64 {
        debug_assert!(a < self.value);
        self.subtract_once(self.value - a)
    }

    /// x mod q for x < 2q.
    #[inline]
    pub(crate) fn subtract_once(self, x: u64) -> u64 {
        debug_assert!(x < 2 * self.value);
        x.min(x.wrapping_sub(self.value))
    }

    /// a·b for a, b < q.
    #[inline]
    #[must_use]
    pub fn mul(self, a: u64, b: u64) -> u64 {
        debug_assert!(a < self.value && b < self.value);
        // x < 2^(2k) for k = bits: with x' = ⌊x/2^(k−1)⌋ < 2^(k+1) and the ratio μ = ⌊2^(2k+1)/q⌋ < 2^(k+2),
        // ⌊x'·μ/2^(k+2)⌋ is at most 2 below x/q.
        let x = u128::from(a) * u128::from(b);
        let estimate = u128::from((x >> (self.bits - 1)) as u64) * u128::from(self.product_ratio);
        let quotient = (estimate >> (self.bits + 2)) as u64;
        let remainder = (x as u64).wrapping_sub(quotient.wrapping_mul(self.value));
        self.subtract_once(remainder.min(remainder.wrapping_sub(self.value)))
    }

    /// x mod q for any x.
    #[inline]
    #[must_use]
    pub fn reduce(self, x: u64) -> u64 {
        let quotient = ((u128::from(x) * (self.wide_ratio >> 64)) >> 64) as u64;
        let remainder = x.wrapping_sub(quotient.wrapping_mul(self.value));
        self.subtract_once(remainder.min(remainder.wrapping_sub(self.value)))
    }

    /// x mod q for any x.
    #[inline]
    #[must_use]
    pub fn reduce_wide(self, x: u128) -> u64 {
        let (x0, x1) = (u128::from(x as u64), x >> 64);
        let (r0, r1) = (u128::from(self.wide_ratio as u64), self.wide_ratio >> 64);
        // ⌊x·ratio/2¹²⁸⌋ but for a carry out of the lowest words: at most 2 too small. The middle sum does not
        // overflow, since r₁ + r₀ < 2⁶⁴ for every odd prime.
        let middle = x0 * r1 + ((x0 * r0) >> 64) + x1 * r0;
        let quotient = (x1 * r1).wrapping_add(middle >> 64) as u64;
        let remainder = (x as u64).wrapping_sub(quotient.wrapping_mul(self.value));
        self.subtract_once(remainder.min(remainder.wrapping_sub(self.value)))
    }

    /// The residue of a signed integer, without a branch on its value.
    #[inline]
    #[must_use]
    pub fn from_signed(self, x: i64) -> u64 {
        self.negate_if((x >> 63) as u64, self.reduce(x.unsigned_abs()))
    }

    /// The residue of a signed integer of two words, without a branch on its value.
    #[inline]
    #[must_use]
    pub fn from_signed_wide(self, x: i128) -> u64 {
        self.negate_if((x >> 127) as u64, self.reduce_wide(x.unsigned_abs()))
    }

    /// −a for a < q where all bits of `negative` are set, a where none is.
    #[inline]
    fn negate_if(self, negative: u64, a: u64) -> u64 {
        self.subtract_once((a ^ negative).wrapping_sub(negative).wrapping_add(self.value & negative))
    }

    /// The representative of a < q in (−q/2, q/2), without a branch on its value.
    #[inline]
    pub(crate) fn centred(self, a: u64) -> i64 {
        // The sign of the difference says whether a is above q/2.
        let above = (self.value / 2).wrapping_sub(a) as i64 >> 63;
        a as i64 - (self.value as i64 & above)
    }

    /// base^exponent.
    #[must_use]
    pub fn pow(self, base: u64, mut exponent: u64) -> u64 {
        let (mut square, mut product) = (self.reduce(base), 1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                product = self.mul(product, square);
            }
            square = self.mul(square, square);
            exponent >>= 1;
        }
        product
    }

    /// a⁻¹ for a not divisible by q; 0 for 0.
    #[must_use]
    pub fn inverse(self, a: u64) -> u64 {
        self.pow(a, self.value - 2)
    }

    /// Prepares a constant factor.
    #[must_use]
    pub fn shoup(self, value: u64) -> ShoupFactor {
        let value = self.reduce(value);
        let quotient = ((u128::from(value) << 64) / u128::from(self.value)) as u64;
        ShoupFactor { value, quotient }
    }

    /// a·w for any a and a prepared w.
    #[inline]
    #[must_use]
    pub fn mul_shoup(self, a: u64, factor: ShoupFactor) -> u64 {
        self.subtract_once(self.mul_shoup_unreduced(a, factor))
    }

    /// a·w modulo q, below 2q, for any a and a prepared w.
    #[inline]
    pub(crate) fn mul_shoup_unreduced(self, a: u64, factor: ShoupFactor) -> u64 {
        let quotient = ((u128::from(a) * u128::from(factor.quotient)) >> 64) as u64;
        a.wrapping_mul(factor.value).wrapping_sub(quotient.wrapping_mul(self.value))
    }

    /// The product of several moduli, modulo this one.
    #[must_use]
    pub fn product(self, moduli: impl IntoIterator<Item = Self>) -> u64 {
        moduli.into_iter().fold(1, |product, other| self.mul(product, self.reduce(other.value)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prime::ntt_primes;

    fn moduli() -> impl Strategy<Value = Modulus> {
        prop::sample::select(vec![3, 12_289, 65_537, (1 << 50) - 27])
            .prop_union(prop::sample::select(
                [20, 30, 40, 49, 50].map(|bits| ntt_primes(1 << 10, bits).next().unwrap()).to_vec(),
            ))
            .prop_map(|q| Modulus::new(q).unwrap())
    }

    proptest! {
        #[test]
        fn every_operation_agrees_with_the_remainder(q in moduli(), a: u64, b: u64, x: u128, s: i64) {
            let n = u128::from(q.value());
            let (ra, rb) = (a % q.value(), b % q.value());
            prop_assert_eq!(u128::from(q.add(ra, rb)), (u128::from(ra) + u128::from(rb)) % n);
            prop_assert_eq!(u128::from(q.sub(ra, rb)), (u128::from(ra) + n - u128::from(rb)) % n);
            prop_assert_eq!(q.neg(ra), q.sub(0, ra));
            prop_assert_eq!(u128::from(q.mul(ra, rb)), u128::from(ra) * u128::from(rb) % n);
            prop_assert_eq!(q.reduce(a), ra);
            prop_assert_eq!(u128::from(q.reduce_wide(x)), x % n);
            prop_assert_eq!(u128::from(q.mul_shoup(a, q.shoup(b))), u128::from(a) * u128::from(rb) % n);
            prop_assert_eq!(i128::from(q.from_signed(s)), i128::from(s).rem_euclid(n as i128));
            prop_assert_eq!(q.from_signed_wide(x as i128) as i128, (x as i128).rem_euclid(n as i128));
            let centred = q.centred(ra);
            prop_assert_eq!(q.from_signed(centred), ra);
            prop_assert!(2 * centred.unsigned_abs() < q.value());
        }

        #[test]
        fn inverses_invert(q in moduli(), a: u64) {
            let a = q.reduce(a);
            prop_assert_eq!(q.mul(a, q.inverse(a)), u64::from(a != 0));
        }
    }

    #[test]
    fn extreme_operands_are_reduced() {
        for bits in [20, 40, 50] {
            let q = Modulus::new(ntt_primes(1 << 10, bits).next().unwrap()).unwrap();
            let top = q.value() - 1;
            assert_eq!(q.mul(top, top), 1);
            assert_eq!(q.reduce(u64::MAX), u64::MAX % q.value());
            assert_eq!(u128::from(q.reduce_wide(u128::MAX)), u128::MAX % u128::from(q.value()));
            assert_eq!(
                i128::from(q.from_signed_wide(i128::MIN)),
                i128::MIN.rem_euclid(i128::from(q.value()))
            );
            assert_eq!([top / 2, top / 2 + 1].map(|a| q.centred(a)), [(top / 2) as i64, -((top / 2) as i64)]);
            assert_eq!(q.from_signed(i64::MIN), (-(1i128 << 63)).rem_euclid(i128::from(q.value())) as u64);
        }
    }

    #[test]
    fn composites_and_long_primes_are_refused() {
        assert_eq!(Modulus::new(15), None);
        assert_eq!(Modulus::new(2), None);
        assert_eq!(Modulus::new((1 << 61) - 1), None);
    }
}
