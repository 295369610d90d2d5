//! Rounding to integers without a branch or an address that depends on the value.
//!
//! The operations of the language are correct but not made for secrets: `f64::round` and the conversion to `i128` are
//! calls that branch on exponents, and a maximum may be compiled to a branch.

/// The largest absolute value, 0 where there is none. NaN counts as larger than infinity.
pub(super) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    // Without its sign, a float is ordered as its bits are; they are below 2⁶³, so that the sign of a difference tells.
    f64::from_bits(values.fold(0, |largest, value| {
        let bits = value.abs().to_bits();
        let less = (largest.wrapping_sub(bits) as i64 >> 63) as u64;
        largest ^ (largest ^ bits) & less
    }))
}

/// The nearest integer, halves away from zero: `f64::round`, but for the sign of zero.
pub(super) fn round(x: f64) -> f64 {
    /// From here on every float is an integer.
    const INTEGERS: f64 = (1u64 << 52) as f64;
    let magnitude = x.abs();
    // The sum has no bits for a fraction. It rounds halves to even, so that those below are to go up by one.
    let even = (magnitude + INTEGERS) - INTEGERS;
    let rounded = even + f64::from(u8::from(magnitude - even == 0.5));
    let small = u64::from(magnitude < INTEGERS).wrapping_neg();
    f64::from_bits(rounded.to_bits() & small | magnitude.to_bits() & !small).copysign(x)
}

/// The integer that a float below 2¹²⁶ is.
pub(super) fn integer(x: f64) -> i128 {
    /// The exponent of a float whose mantissa, read as an integer of 53 bits, is its value.
    const EXPONENT: u32 = 1075;
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as u32;
    let mantissa = i128::from(bits & ((1 << 52) - 1) | 1 << 52);
    // Zero has the exponent 0 and loses all bits.
    let magnitude =
        mantissa << exponent.saturating_sub(EXPONENT) >> EXPONENT.saturating_sub(exponent).min(63);
    let negative = -i128::from(bits >> 63);
    (magnitude ^ negative) - negative
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_and_edges_round_as_the_language_does() {
        let half = 0.5f64;
        for x in [0.0, half, half.next_down(), half.next_up(), 1.5, 2.5, 3.5, 1e300, f64::INFINITY] {
            assert_eq!([round(x), round(-x)], [x.round(), -x.round()], "{x}");
        }
        for exponent in 50..54 {
            let power = f64::from(exponent).exp2();
            for x in [power - 1.5, power - 0.5, power.next_down(), power, power + 0.5, power + 1.5] {
                assert_eq!([round(x), round(-x)], [x.round(), -x.round()], "{x}");
            }
        }
        assert!(round(f64::NAN).is_nan());
    }

    #[test]
    fn integers_are_exact_from_zero_to_the_limit() {
        for x in [0.0, -0.0, 1.0, 2.0, 3.0, 4_503_599_627_370_497.0, 126f64.exp2().next_down()] {
            assert_eq!([integer(x), integer(-x)], [x as i128, -(x as i128)], "{x}");
        }
    }

    #[test]
    fn the_largest_is_the_last_in_the_total_order() {
        assert_eq!(largest([].into_iter()), 0.0);
        assert_eq!(largest([-3.0, 2.0, -0.0].into_iter()), 3.0);
        assert_eq!(largest([1.0, f64::NEG_INFINITY].into_iter()), f64::INFINITY);
        assert!(largest([f64::INFINITY, -f64::NAN, 1.0].into_iter()).is_nan());
    }

    proptest! {
        #[test]
        fn any_float_rounds_as_the_language_does(mantissa in -(1i64 << 53)..1 << 53, exponent in -60..73) {
            let x = mantissa as f64 * f64::from(exponent).exp2();
            prop_assert_eq!(round(x), x.round());
            prop_assert_eq!(integer(round(x)), x.round() as i128);
        }
    }
}
