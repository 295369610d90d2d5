//! Coefficient encoding: integers as the coefficients of a polynomial.
//!
//! Ciphertexts of such plaintexts are for sums. A product of two has the negacyclic convolution of the coefficients,
//! and rotations move them about. In return N integers fit where there are N/2 slots, and a sum is exact: integers are
//! multiplied by the scale 2^`log_scale`, the noise of encryption stays below it, and decoding rounds it away.

use volley_ring::{Coeff, RnsPoly};

use super::Encoder;
use super::rounding::round;
use crate::base::error::Error;
use crate::base::scale::Scale;
use crate::scheme::ciphertext::Plaintext;
use crate::scheme::operand::Operand;

impl Encoder {
    /// Encodes up to N integers as the first coefficients, times 2^`log_scale`; the others are 0. No branch depends on
    /// a value, but for the one that tells whether integers are refused.
    ///
    /// # Errors
    ///
    /// [`Error::CoefficientCount`] for more than N, [`Error::LevelRange`], the errors of [`Operand`] for a scale that
    /// the level does not hold, and [`Error::EncodingOverflow`] where an integer times the scale is not below half the
    /// modulus.
    pub fn encode_coefficients(
        &self,
        integers: &[i128],
        log_scale: u16,
        level: usize,
    ) -> Result<Plaintext, Error> {
        self.context.check_level(level)?;
        let (parameters, basis) = (self.context.parameters(), self.context.q(level));
        let scale = Scale::power_of_two(log_scale.into());
        let operand = Operand { level, scale, slots: parameters.max_slots() }.checked(parameters)?;
        let (count, max) = (integers.len(), parameters.degree());
        if count > max {
            return Err(Error::CoefficientCount { count, max });
        }
        check_bits(integers, log_scale, parameters.log_q(level))?;
        let mut coefficients = integers.to_vec();
        coefficients.resize(max, 0);
        let mut poly = basis.forward(basis.from_wide(&coefficients));
        let factor: Vec<u64> = basis.moduli().map(|q| q.pow(2, u64::from(log_scale))).collect();
        basis.mul_integer_assign(&mut poly, &factor);
        Ok(Plaintext { operand, poly, params_id: parameters.id() })
    }

    /// The coefficients divided by the scale, and rounded to integers. If the noise is less than half the scale,
    /// integers below 2⁴⁸ are exact, and larger ones are right to 2⁻⁴⁹ of themselves.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plaintext belongs to another parameter set.
    pub fn decode_coefficients(&self, plaintext: &Plaintext) -> Result<Vec<f64>, Error> {
        if plaintext.params_id != self.context.parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        let basis = self.context.q(plaintext.level());
        let coefficients: RnsPoly<Coeff> = basis.inverse(plaintext.poly.clone());
        let factor = 1.0 / plaintext.scale().to_f64();
        Ok(basis.to_centred(&coefficients).into_iter().map(|value| round(value * factor)).collect())
    }
}

/// Refuses integers whose multiples by the scale may not be below half the modulus. On its own, as it branches on that.
#[inline(never)]
fn check_bits(integers: &[i128], log_scale: u16, modulus_log2: f64) -> Result<(), Error> {
    // Every bit that is set in any of them, after the sign: all integers are below the next power of two.
    let bits = integers.iter().fold(0, |bits, &integer| bits | (integer ^ (integer >> 127)));
    let coefficient_log2 = f64::from(i128::BITS - bits.leading_zeros() + u32::from(log_scale));
    if coefficient_log2 < modulus_log2 - 1.0 {
        Ok(())
    } else {
        Err(Error::EncodingOverflow { coefficient_log2, modulus_log2 })
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{parameters, rng};
    use crate::{Arithmetic, Context, EvaluationKeySet, Evaluator, KeySpec, PublicKey, SecretKey};

    /// N = 32, Q of 50 + 4·40 bits.
    fn encoder() -> Encoder {
        Encoder::new(&Context::new(parameters(5, 4)))
    }

    #[test]
    fn coefficients_are_the_integers_times_the_scale() {
        let encoder = encoder();
        let integers = [0, 1, -1, (1 << 100) - 3, -(1 << 99)];
        let plaintext = encoder.encode_coefficients(&integers, 60, 4).unwrap();
        let basis = encoder.context.q(4);
        let poly = basis.inverse(plaintext.poly.clone());
        let limbs: Vec<_> = poly.limbs().collect();
        let moduli = &encoder.context.parameters().q()[..=4];
        let found = volley_testkit::crt::combine_limbs(&limbs, moduli);
        let expected = integers.iter().map(|&integer| BigInt::from(integer) << 60);
        assert!(found.into_iter().eq(expected.chain(std::iter::repeat_n(BigInt::ZERO, 27))));
    }

    #[test]
    fn sums_of_encrypted_integers_are_exact() {
        let encoder = encoder();
        let key = SecretKey::generate(&encoder.context, &mut rng(1));
        let public = PublicKey::generate(&key, &mut rng(2));
        let keys = EvaluationKeySet::generate(&key, &KeySpec::new(encoder.context.parameters()), &mut rng(3))
            .unwrap();
        let evaluator = Evaluator::new(&encoder.context, keys).unwrap();
        let rows: [Vec<i128>; 3] = [vec![5, -(1 << 47), 7], vec![-6, 3, 1 << 90], vec![0, 1, -(1 << 89)]];
        let mut seeds = 4..;
        let encrypted = rows.each_ref().map(|integers| {
            let plaintext = encoder.encode_coefficients(integers, 20, 4).unwrap();
            public.encrypt(&plaintext, &mut rng(seeds.next().unwrap())).unwrap()
        });
        let sum =
            evaluator.add(&encrypted[0], &evaluator.add(&encrypted[1], &encrypted[2]).unwrap()).unwrap();
        let found = encoder.decode_coefficients(&key.decrypt(&sum).unwrap()).unwrap();
        assert_eq!(found[..4], [-1.0, -(47f64.exp2()) + 4.0, 89f64.exp2(), 0.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let encoder = encoder();
        let error = encoder.encode_coefficients(&[0; 33], 20, 4).unwrap_err();
        assert_eq!(error, Error::CoefficientCount { count: 33, max: 32 });
        assert_eq!(
            encoder.encode_coefficients(&[1], 20, 5).unwrap_err(),
            Error::LevelRange { level: 5, max: 4 }
        );
        for (integer, level) in [(1 << 30, 0), (-(1 << 110), 2)] {
            let error = encoder.encode_coefficients(&[integer], 20, level).unwrap_err();
            assert!(matches!(error, Error::EncodingOverflow { .. }), "{error}");
        }
        let foreign = Encoder::new(&Context::new(parameters(5, 1)));
        let plaintext = foreign.encode_coefficients(&[1], 20, 0).unwrap();
        assert_eq!(encoder.decode_coefficients(&plaintext).unwrap_err(), Error::ParameterMismatch);
    }

    proptest! {
        #[test]
        fn integers_come_back(integers in prop::collection::vec(any::<i64>(), 0..=32), shift in -40i32..60) {
            let encoder = encoder();
            let wide: Vec<i128> = integers.iter().map(|&integer| (i128::from(integer) << 60) >> (60 - shift)).collect();
            let found = encoder.decode_coefficients(&encoder.encode_coefficients(&wide, 12, 4).unwrap()).unwrap();
            for (&expected, found) in wide.iter().chain(std::iter::repeat(&0)).zip(found) {
                prop_assert!((found - expected as f64).abs() <= expected.unsigned_abs() as f64 * 2f64.powi(-49));
                prop_assert!(found == expected as f64 || expected.unsigned_abs() >= 1 << 48);
            }
        }
    }
}
