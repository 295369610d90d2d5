//! Counts of the operations of a circuit, by operation and level.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The operations that cost enough to plan for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A rotation with its own gadget decomposition.
    Rotation,
    /// A rotation that shares a decomposition.
    HoistedRotation,
    /// A decomposition that hoisted rotations share.
    Hoisting,
    /// A rotation that shares a decomposition and stays modulo Q·P, to be summed with others before the division.
    ExtendedRotation,
    /// A division by P of one polynomial in a sum of such rotations, merged with a rescaling or not.
    ModDown,
    /// A complex conjugation.
    Conjugation,
    /// A product of two ciphertexts, without relinearization.
    Product,
    /// A product with a plaintext that is encoded for it.
    PlainProduct,
    /// A product with a constant.
    ConstantProduct,
    /// A product with a diagonal of a linear transform, encoded beforehand modulo Q·P.
    DiagonalProduct,
    /// A relinearization, merged with a rescaling or not.
    Relinearization,
    /// A rescaling of its own.
    Rescaling,
    /// The modulus of level 0 raised to that of a level, with two key switches: one at level 0, one at that level.
    Raising,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 13] = [
        Self::Rotation,
        Self::HoistedRotation,
        Self::Hoisting,
        Self::ExtendedRotation,
        Self::ModDown,
        Self::Conjugation,
        Self::Product,
        Self::PlainProduct,
        Self::ConstantProduct,
        Self::DiagonalProduct,
        Self::Relinearization,
        Self::Rescaling,
        Self::Raising,
    ];
}

/// How often each operation ran at each level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationCounts {
    counts: BTreeMap<(Operation, usize), u64>,
}

impl OperationCounts {
    /// The number of one operation over all levels.
    #[must_use]
    pub fn total(&self, operation: Operation) -> u64 {
        self.iter().filter(|&(counted, ..)| counted == operation).map(|(.., count)| count).sum()
    }

    /// `self`, and `times` times what `next` has more: the counts of what grows by the same operations each time.
    #[must_use]
    pub fn continued(&self, next: &Self, times: u64) -> Self {
        let mut counts = self.counts.clone();
        for (&key, &to) in &next.counts {
            let count = counts.entry(key).or_default();
            *count = count.saturating_add(to.saturating_sub(*count).saturating_mul(times));
        }
        Self { counts }
    }

    /// `self` with `part` in place of `other`: the counts of a circuit that does one thing instead of another.
    #[must_use]
    pub fn with_in_place_of(&self, part: &Self, other: &Self) -> Self {
        let mut counts = self.counts.clone();
        for (&key, &count) in &part.counts {
            let sum = counts.entry(key).or_default();
            *sum = sum.saturating_add(count);
        }
        for (key, &count) in &other.counts {
            if let Some(sum) = counts.get_mut(key) {
                *sum = sum.saturating_sub(count);
            }
        }
        counts.retain(|_, count| *count > 0);
        Self { counts }
    }

    /// Operation, level and count, where the count is not zero.
    pub fn iter(&self) -> impl Iterator<Item = (Operation, usize, u64)> + '_ {
        self.counts.iter().map(|(&(operation, level), &count)| (operation, level, count))
    }
}

/// Counters that can be shared between threads.
#[derive(Debug)]
pub(crate) struct Counters {
    levels: usize,
    counts: Vec<AtomicU64>,
    /// How many times each operation counts.
    repetitions: AtomicU64,
}

impl Counters {
    pub(crate) fn new(max_level: usize) -> Self {
        let levels = max_level + 1;
        let counts = (0..levels * Operation::ALL.len()).map(|_| AtomicU64::new(0)).collect();
        Self { levels, counts, repetitions: AtomicU64::new(1) }
    }

    /// Counts each operation of `run` as `times` operations.
    pub(crate) fn repeated<T>(&self, times: usize, run: impl FnOnce() -> T) -> T {
        let outer = self.repetitions.load(Ordering::Relaxed);
        self.repetitions.store(outer.saturating_mul(times as u64), Ordering::Relaxed);
        let result = run();
        self.repetitions.store(outer, Ordering::Relaxed);
        result
    }

    pub(crate) fn add(&self, operation: Operation, level: usize, count: usize) {
        let count = (count as u64).saturating_mul(self.repetitions.load(Ordering::Relaxed));
        self.counts[operation as usize * self.levels + level].fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> OperationCounts {
        let count = |operation: Operation, level: usize| {
            self.counts[operation as usize * self.levels + level].load(Ordering::Relaxed)
        };
        let counts = Operation::ALL
            .iter()
            .flat_map(|&operation| (0..self.levels).map(move |level| (operation, level)))
            .map(|(operation, level)| ((operation, level), count(operation, level)))
            .filter(|&(_, count)| count > 0)
            .collect();
        OperationCounts { counts }
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn operations_are_counted_where_they_ran() {
        let counters = Counters::new(3);
        assert_eq!(counters.snapshot(), OperationCounts::default());
        for (index, &operation) in Operation::ALL.iter().enumerate() {
            counters.add(operation, index % 4, index + 1);
            counters.add(operation, 3, 10);
        }
        let counts = counters.snapshot();
        for (index, &operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(counts.total(operation), index as u64 + 11);
        }
        let products: Vec<_> = counts.iter().filter(|count| count.0 == Operation::Product).collect();
        assert_eq!(products, [(Operation::Product, 2, 7), (Operation::Product, 3, 10)]);
        assert_eq!(counts.iter().count(), 23, "level 3 coincides three times, zeros are left out");
    }

    #[test]
    fn repetitions_multiply_and_end() {
        let counters = Counters::new(0);
        let rotate = || counters.add(Operation::Rotation, 0, 2);
        counters.repeated(5, || {
            rotate();
            counters.repeated(10, rotate);
        });
        rotate();
        assert_eq!(counters.snapshot().total(Operation::Rotation), 5 * 2 + 50 * 2 + 2);
    }

    #[test]
    fn growth_continues_by_operation_and_level() {
        let counts = |rotations: u64, products: u64| {
            let pairs = [((Operation::Rotation, 1), rotations), ((Operation::Product, 2), products)];
            OperationCounts { counts: pairs.into_iter().filter(|&(_, count)| count > 0).collect() }
        };
        assert_eq!(counts(5, 2).continued(&counts(7, 2), 3), counts(11, 2));
        assert_eq!(counts(5, 0).continued(&counts(5, 4), 3), counts(5, 12));
        assert_eq!(counts(5, 3).continued(&counts(9, 4), 0), counts(5, 3));
    }

    #[test]
    fn a_part_takes_the_place_of_another() {
        let counts = |rotations: u64, products: u64| {
            let pairs = [((Operation::Rotation, 1), rotations), ((Operation::Product, 2), products)];
            OperationCounts { counts: pairs.into_iter().filter(|&(_, count)| count > 0).collect() }
        };
        assert_eq!(counts(5, 2).with_in_place_of(&counts(3, 0), &counts(4, 1)), counts(4, 1));
        assert_eq!(counts(0, 2).with_in_place_of(&counts(4, 0), &counts(1, 2)), counts(3, 0));
        assert_eq!(counts(5, 3).with_in_place_of(&counts(0, 0), &counts(0, 0)), counts(5, 3));
    }

    #[test]
    fn no_operation_is_lost_between_threads() {
        let counters = Counters::new(1);
        (0..1000).into_par_iter().for_each(|i| counters.add(Operation::Rotation, i % 2, 1));
        let counts: Vec<_> = counters.snapshot().iter().collect();
        assert_eq!(counts, [(Operation::Rotation, 0, 500), (Operation::Rotation, 1, 500)]);
    }
}
