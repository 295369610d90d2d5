//! Exact scales.
//!
//! A CKKS plaintext is ⌊Δ·m⌉ for a scale Δ. Encoding starts from a power of two, a product multiplies scales and a
//! rescaling divides by a prime of the chain, so every scale is a rational number 2^e ∏ qᵢ^eᵢ. [`Scale`] keeps the
//! exponents: two scales are equal exactly or not at all, and the scale a constant needs so that two summands match
//! is a quotient of scales without any rounding.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A positive rational 2^e ∏ qᵢ^eᵢ, kept as its exponents.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scale {
    log2: i32,
    /// Exponents of odd primes; none is zero. Shared: every ciphertext has a scale, and most have the same.
    primes: Arc<BTreeMap<u64, i32>>,
}

impl Scale {
    /// 2^`exponent`.
    #[must_use]
    pub fn power_of_two(exponent: i32) -> Self {
        Self { log2: exponent, primes: Arc::default() }
    }

    /// The prime `q` itself, as a scale.
    #[must_use]
    pub fn prime(q: u64) -> Self {
        Self { log2: 0, primes: Arc::new(BTreeMap::from([(q, 1)])) }
    }

    /// The product of two scales: the scale of a product of plaintexts.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        self.combine(other, 1)
    }

    /// The quotient of two scales.
    #[must_use]
    pub fn divided_by(&self, other: &Self) -> Self {
        self.combine(other, -1)
    }

    fn combine(&self, other: &Self, sign: i32) -> Self {
        let mut product = self.clone();
        product.log2 += sign * other.log2;
        if other.primes.is_empty() {
            return product;
        }
        let primes = Arc::make_mut(&mut product.primes);
        for (&prime, &exponent) in other.primes.iter() {
            let entry = primes.entry(prime).or_insert(0);
            *entry += sign * exponent;
            if *entry == 0 {
                primes.remove(&prime);
            }
        }
        product
    }

    /// The exponents: of two, and of odd primes in ascending order.
    pub(crate) fn exponents(&self) -> (i32, impl ExactSizeIterator<Item = (u64, i32)> + '_) {
        (self.log2, self.primes.iter().map(|(&prime, &exponent)| (prime, exponent)))
    }

    /// The scale of these exponents, none of the primes' zero.
    pub(crate) fn from_exponents(log2: i32, primes: BTreeMap<u64, i32>) -> Self {
        Self { log2, primes: Arc::new(primes) }
    }

    /// log₂ of the scale, to about 50 bits.
    #[must_use]
    pub fn log2(&self) -> f64 {
        let odd: f64 = self.primes.iter().map(|(&q, &e)| f64::from(e) * (q as f64).log2()).sum();
        f64::from(self.log2) + odd
    }

    /// The nearest floating-point number, within a relative 2⁻⁴⁵ for the exponents that circuits reach; infinite or
    /// zero where the scale leaves the range of `f64`.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        // The product is kept near 1 by moving powers of two out of it, so that nothing overflows on the way.
        let (mut mantissa, mut exponent) = (1.0_f64, i64::from(self.log2));
        for (&q, &e) in self.primes.iter() {
            let bits = 64 - q.leading_zeros() as i32;
            let unit = q as f64 / (bits as f64).exp2();
            mantissa *= unit.powi(e);
            exponent += i64::from(bits) * i64::from(e);
        }
        mantissa * (exponent.clamp(-2000, 2000) as f64).exp2()
    }
}

impl fmt::Debug for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2^{:.9}", self.log2())
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_rescaled_and_divided_is_exact() {
        let delta = Scale::power_of_two(40);
        let q = Scale::prime((1 << 40) - 87);
        let rescaled = delta.times(&delta).divided_by(&q);
        assert_ne!(rescaled, delta);
        assert_eq!(rescaled.times(&q).divided_by(&delta), delta);
        assert!((rescaled.log2() - 40.0).abs() < 1e-9);
    }

    #[test]
    fn the_value_agrees_with_the_logarithm() {
        let scale = Scale::power_of_two(-10).times(&Scale::prime(65_537)).times(&Scale::prime(786_433));
        assert_eq!(scale.to_f64(), 65_537.0 * 786_433.0 / 1024.0);
        assert!((scale.to_f64().log2() - scale.log2()).abs() < 1e-12);
    }

    #[test]
    fn long_chains_do_not_overflow_on_the_way() {
        let q = Scale::prime((1 << 49) + 69);
        let long = (0..40).fold(Scale::power_of_two(-1900), |scale, _| scale.times(&q));
        assert!(long.to_f64().is_finite() && long.to_f64() > 0.0);
    }
}
