//! Sums as integers.

use zeroize::Zeroizing;

use crate::error::Error;

/// Largest absolute value of an owner's integer: those of 16 owners add up to less than 2¹²⁶.
const MAX_BITS: u32 = 122;

/// Bits of the largest total, with its sign.
pub(in crate::pool) const MAX_TOTAL_BITS: u32 = MAX_BITS + 5;

/// An owner's sums for one round, each a multiple of a unit that the round says: integers of at most 122 bits. They are
/// wiped when they are dropped.
#[derive(Debug)]
pub struct Sums(Zeroizing<Vec<i128>>);

impl Sums {
    /// The integers, in the order of the round.
    #[must_use]
    pub fn integers(&self) -> &[i128] {
        &self.0
    }

    /// Room for `count` sums, so that no copy of them is left behind in memory.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(count)))
    }

    /// One more sum, of a column.
    pub(super) fn push(&mut self, sum: f64, unit: Unit, column: usize) -> Result<(), Error> {
        self.0.push(unit.integer(sum).ok_or(Error::PooledSum { column, sum, limit: unit.limit() })?);
        Ok(())
    }
}

/// 2⁻ᵏ, which numbers are multiples of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// k.
    pub(super) fraction_bits: u32,
}

impl Unit {
    /// What numbers of one owner stay below.
    fn limit(self) -> f64 {
        f64::from(MAX_BITS - self.fraction_bits).exp2()
    }

    /// The nearest multiple of the unit, by its integer. None for a number that is too large.
    fn integer(self, number: f64) -> Option<i128> {
        (number.abs() < self.limit()).then(|| (number * f64::from(self.fraction_bits).exp2()).round() as i128)
    }

    /// The number with this integer.
    fn number(self, integer: f64) -> f64 {
        integer * (-f64::from(self.fraction_bits)).exp2()
    }
}

/// The totals of a round, taken one after the other in the order in which sums were pushed.
pub(super) struct Totals<'a> {
    integers: &'a [f64],
}

impl<'a> Totals<'a> {
    /// Refuses totals of another round or shape.
    pub(super) fn new(integers: &'a [f64], expected: usize) -> Result<Self, Error> {
        if integers.len() != expected {
            return Err(Error::PooledTotals { expected, actual: integers.len() });
        }
        Ok(Self { integers })
    }

    /// The next total.
    ///
    /// # Panics
    ///
    /// If all were taken.
    pub(super) fn next(&mut self, unit: Unit) -> f64 {
        let (&first, rest) = self.integers.split_first().expect("as many totals as the round has");
        self.integers = rest;
        unit.number(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_the_nearest_multiple() {
        let unit = Unit { fraction_bits: 60 };
        for number in [0.0, 1.5, -3.25, 1e9, -1e-9, 2f64.powi(61)] {
            let integer = unit.integer(number).unwrap();
            assert!((unit.number(integer as f64) - number).abs() <= 2f64.powi(-61), "{number}");
        }
    }

    #[test]
    fn numbers_beyond_the_limit_are_refused() {
        let unit = Unit { fraction_bits: 60 };
        assert_eq!(unit.integer(2f64.powi(62)), None);
        assert_eq!(unit.integer(f64::NAN), None);
        let mut sums = Sums::with_capacity(1);
        let error = sums.push(-5e18, unit, 3).unwrap_err();
        assert_eq!(error, Error::PooledSum { column: 3, sum: -5e18, limit: 2f64.powi(62) });
    }

    #[test]
    fn totals_of_another_shape_are_refused() {
        let error = Totals::new(&[1.0, 2.0], 3).err();
        assert_eq!(error, Some(Error::PooledTotals { expected: 3, actual: 2 }));
    }
}
