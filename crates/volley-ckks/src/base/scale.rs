//! Exact scales.
//!
//! A CKKS plaintext is ⌊Δ·m⌉ for a scale Δ. Encoding starts from a power of two, a product multiplies scales and a
//! rescaling divides by primes of the chain, so every scale is a rational number 2^e ∏ qᵢ^eᵢ. [`Scale`] keeps the
//! exponents, so two scales are equal exactly or not at all. A constant that makes two summands match needs a quotient
//! of scales as its own, and this has no rounding either.
//!
//! An exponent has 32 bits, and a squaring doubles it. A product or quotient with an exponent beyond that is *no*
//! scale: so is everything that is made of it, and no ciphertext or plaintext has it ([`Error::ScaleExponents`]).
//! Twenty-six squarings of 2⁴⁰ come there even if each is rescaled; a constant that brings the ciphertext to a plain
//! scale in between begins anew.
//!
//! [`Error::ScaleExponents`]: crate::Error::ScaleExponents

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A positive rational 2^e ∏ qᵢ^eᵢ, kept as its exponents; or what is beyond them, and refused wherever it is used.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scale(Option<Exponents>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Exponents {
    log2: i32,
    /// Exponents of odd primes; none is zero. They are shared: every ciphertext has a scale, and most have the same.
    primes: Arc<BTreeMap<u64, i32>>,
}

impl Scale {
    /// The scale 2^`exponent`.
    #[must_use]
    pub fn power_of_two(exponent: i32) -> Self {
        Self::from_exponents(exponent, BTreeMap::new())
    }

    /// The prime `q` itself, as a scale.
    #[must_use]
    pub fn prime(q: u64) -> Self {
        Self::from_exponents(0, BTreeMap::from([(q, 1)]))
    }

    /// The product of two scales, which is the scale of a product of plaintexts. It is no scale where an exponent gets
    /// beyond 32 bits.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        self.combine(other, i32::checked_add)
    }

    /// The quotient of two scales. It is no scale where an exponent gets beyond 32 bits.
    #[must_use]
    pub fn divided_by(&self, other: &Self) -> Self {
        self.combine(other, i32::checked_sub)
    }

    fn combine(&self, other: &Self, exponent: fn(i32, i32) -> Option<i32>) -> Self {
        let both = self.0.as_ref().zip(other.0.as_ref());
        Self(both.and_then(|(a, b)| a.combine(b, exponent)))
    }

    /// The exponents: of two, and of odd primes in ascending order. `None` where one is beyond 32 bits.
    pub(crate) fn exponents(&self) -> Option<(i32, impl ExactSizeIterator<Item = (u64, i32)> + '_)> {
        let Exponents { log2, primes } = self.0.as_ref()?;
        Some((*log2, primes.iter().map(|(&prime, &exponent)| (prime, exponent))))
    }

    /// The scale of these exponents; none of those of the primes is zero.
    pub(crate) fn from_exponents(log2: i32, primes: BTreeMap<u64, i32>) -> Self {
        Self(Some(Exponents { log2, primes: Arc::new(primes) }))
    }

    /// log₂ of the scale, to about 50 bits; infinite where an exponent is beyond 32 bits.
    #[must_use]
    pub fn log2(&self) -> f64 {
        let Some((log2, primes)) = self.exponents() else { return f64::INFINITY };
        f64::from(log2) + primes.map(|(q, e)| f64::from(e) * (q as f64).log2()).sum::<f64>()
    }

    /// The nearest floating-point number, within a relative 2⁻⁵² for each unit of the primes' exponents; infinite or
    /// zero where the scale leaves the range of `f64`, infinite where an exponent is beyond 32 bits.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        let Some((log2, primes)) = self.exponents() else { return f64::INFINITY };
        let one = Float { mantissa: 1.0, exponent: log2.into() };
        let Float { mantissa, exponent } =
            primes.fold(one, |product, (q, e)| product.times(Float::power(q, e)));
        mantissa * (exponent.clamp(-2000, 2000) as f64).exp2()
    }
}

impl Exponents {
    /// The scale whose exponents are combined from those of two; no scale where one is beyond 32 bits.
    fn combine(&self, other: &Self, exponent: fn(i32, i32) -> Option<i32>) -> Option<Self> {
        let log2 = exponent(self.log2, other.log2)?;
        let mut primes = Arc::clone(&self.primes);
        if !other.primes.is_empty() {
            let primes = Arc::make_mut(&mut primes);
            for (&prime, &of_other) in other.primes.iter() {
                let entry = primes.entry(prime).or_insert(0);
                *entry = exponent(*entry, of_other)?;
                if *entry == 0 {
                    primes.remove(&prime);
                }
            }
        }
        Some(Self { log2, primes })
    }
}

/// mantissa·2^exponent with a mantissa in [1/2, 2], so that nothing overflows on the way to a power.
#[derive(Clone, Copy)]
struct Float {
    mantissa: f64,
    exponent: i64,
}

impl Float {
    /// q^e.
    fn power(q: u64, e: i32) -> Self {
        let bits = i64::from(u64::BITS - q.leading_zeros());
        let mut square = Self { mantissa: q as f64 / (bits as f64).exp2(), exponent: bits };
        let mut power = Self { mantissa: 1.0, exponent: 0 };
        let mut left = e.unsigned_abs();
        while left > 0 {
            if left & 1 == 1 {
                power = power.times(square);
            }
            square = square.times(square);
            left >>= 1;
        }
        if e < 0 { Self { mantissa: power.mantissa.recip(), exponent: -power.exponent } } else { power }
    }

    fn times(self, other: Self) -> Self {
        let (mantissa, exponent) = (self.mantissa * other.mantissa, self.exponent + other.exponent);
        if mantissa < 0.5 {
            Self { mantissa: 2.0 * mantissa, exponent: exponent - 1 }
        } else if mantissa > 2.0 {
            Self { mantissa: mantissa / 2.0, exponent: exponent + 1 }
        } else {
            Self { mantissa, exponent }
        }
    }
}

impl fmt::Debug for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(_) => write!(f, "2^{:.9}", self.log2()),
            None => f.write_str("no scale: an exponent is beyond 32 bits"),
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::error::Error;

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

    #[test]
    fn large_exponents_do_not_leave_the_range_on_the_way() {
        // Primes far from a power of two, to powers that no double has.
        for q in [(1 << 49) + 69, 3 << 20, 786_433] {
            for exponent in [2000, -2000, 1 << 20, -(1 << 20)] {
                let power = Scale::from_exponents(0, BTreeMap::from([(q, exponent)]));
                let scale = Scale::power_of_two(40 - power.log2() as i32).times(&power);
                assert!((scale.to_f64().log2() - scale.log2()).abs() < 1e-6, "{q}^{exponent}: {scale}");
            }
        }
    }

    #[test]
    fn what_is_beyond_32_bits_is_no_scale_and_stays_so() {
        let one = Scale::power_of_two(0);
        let largest = Scale::power_of_two(i32::MAX);
        let q = Scale::from_exponents(0, BTreeMap::from([(65_537, i32::MIN)]));
        let none = [
            largest.times(&Scale::power_of_two(1)),
            Scale::power_of_two(i32::MIN).divided_by(&Scale::power_of_two(1)),
            q.divided_by(&Scale::prime(65_537)),
            one.divided_by(&q),
            q.times(&q),
        ];
        for none in none {
            assert_eq!(none.checked_log2(), Err(Error::ScaleExponents { max: i32::MAX }));
            assert_eq!(none.times(&one), none);
            assert_eq!(one.divided_by(&none), none);
            assert_eq!([none.log2(), none.to_f64()], [f64::INFINITY; 2]);
            assert!(none != largest && none.exponents().is_none());
            assert_eq!(none.to_string(), "no scale: an exponent is beyond 32 bits");
        }
        assert_eq!(largest.times(&one), largest);
        assert_eq!(largest.checked_log2(), Err(Error::ScaleRange { log2: f64::from(i32::MAX) }));
    }

    proptest! {
        #[test]
        fn scales_are_a_group(exponents in prop::collection::vec((0..3usize, -1000..1000i32), 3 * 4)) {
            // The reference: vectors of exponents, for 2 and for two primes.
            let primes = [Scale::power_of_two(1), Scale::prime(65_537), Scale::prime(786_433)];
            let (mut scales, mut vectors) = (Vec::new(), Vec::new());
            for part in exponents.chunks(4) {
                let (mut scale, mut vector) = (Scale::power_of_two(0), [0; 3]);
                for &(index, exponent) in part {
                    for _ in 0..exponent.unsigned_abs() % 8 {
                        let prime = &primes[index];
                        scale = if exponent < 0 { scale.divided_by(prime) } else { scale.times(prime) };
                        vector[index] += exponent.signum();
                    }
                }
                scales.push(scale);
                vectors.push(vector);
            }
            let sum = |sign: i32| [0, 1, 2].map(|i| vectors[0][i] + sign * vectors[1][i]);
            for (scale, vector) in [
                (scales[0].times(&scales[1]), sum(1)),
                (scales[0].divided_by(&scales[1]), sum(-1)),
                (scales[2].clone(), [0, 1, 2].map(|i| vectors[2][i])),
            ] {
                let (log2, odd) = scale.exponents().unwrap();
                let odd: Vec<_> = odd.collect();
                let expected = [(65_537, vector[1]), (786_433, vector[2])];
                prop_assert_eq!(log2, vector[0]);
                prop_assert_eq!(odd, expected.into_iter().filter(|&(_, e)| e != 0).collect::<Vec<_>>());
            }
        }
    }
}
