//! The split into baby and giant steps.

use std::collections::BTreeSet;

use super::GIANTS_AT_ONCE;
use crate::arithmetic::cost_model::CostModel;
use crate::arithmetic::counts::Operation;
use crate::base::params::Parameters;

/// Most baby steps: two limbs of each are alive in every thread.
const MAX_BABIES: usize = 64;

/// The factor of the least cost that a split with fewer keys may take.
const KEY_SLACK: f64 = 1.25;

/// A split k = giant + baby modulo n, with the baby steps in [start, start + window) and giant steps that are multiples
/// of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    slots: i64,
    start: i64,
    window: i64,
}

impl Split {
    /// The split of least cost for sorted diagonals in [0, n).
    pub(super) fn cheapest(parameters: &Parameters, level: usize, slots: i64, diagonals: &[i64]) -> Self {
        let splits = Self::with_costs(parameters, level, slots, diagonals);
        splits.min_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(Self::single_steps(slots), |(_, split)| split)
    }

    /// The split with the fewest rotations that are not `known`, among those that cost at most [`KEY_SLACK`] times the
    /// least.
    pub(super) fn fewest_keys(
        parameters: &Parameters,
        level: usize,
        slots: i64,
        diagonals: &[i64],
        known: &BTreeSet<i64>,
    ) -> Self {
        let splits: Vec<_> = Self::with_costs(parameters, level, slots, diagonals).collect();
        let least = splits.iter().map(|&(cost, _)| cost).fold(f64::INFINITY, f64::min);
        let keys = |split: Self| {
            let steps: BTreeSet<i64> =
                diagonals.iter().flat_map(|&k| <[i64; 2]>::from(split.steps(k))).collect();
            steps.into_iter().filter(|step| *step != 0 && !known.contains(step)).count()
        };
        let affordable = splits.into_iter().filter(|&(cost, _)| cost <= KEY_SLACK * least);
        affordable
            .map(|(cost, split)| (keys(split), cost, split))
            .min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
            .map_or(Self::single_steps(slots), |(.., split)| split)
    }

    /// The splits to choose from, with their costs. Windows are powers of two. They start in one of three places: at
    /// zero, where one baby step is free; at the first diagonal of the shortest arc that has all of them, which suits
    /// bands; or whole windows from there, at the last place that is not above zero.
    fn with_costs(
        parameters: &Parameters,
        level: usize,
        slots: i64,
        diagonals: &[i64],
    ) -> impl Iterator<Item = (f64, Self)> {
        let cost = Cost::new(parameters, level);
        let start = arc_start(slots, diagonals);
        let windows = (0..=slots.ilog2()).map(|log| 1 << log);
        let splits = windows.flat_map(move |window| {
            let near = (start % window - window) % window;
            [0, start, near].map(|start| Self { slots, start, window })
        });
        splits.filter_map(move |split| Some((cost.of(split, diagonals)?, split)))
    }

    /// The split with a giant step for each diagonal.
    fn single_steps(slots: i64) -> Self {
        Self { slots, start: 0, window: 1 }
    }

    /// The giant and the baby step of a diagonal, in [−n/2, n/2).
    pub(super) fn steps(self, k: i64) -> (i64, i64) {
        let distance = (k - self.start).rem_euclid(self.slots);
        let baby = distance % self.window;
        (self.centred(distance - baby), self.centred(self.start + baby))
    }

    fn centred(self, step: i64) -> i64 {
        let half = self.slots / 2;
        (step + half).rem_euclid(self.slots) - half
    }
}

/// The diagonal after the largest gap, cyclically.
fn arc_start(slots: i64, diagonals: &[i64]) -> i64 {
    let last = diagonals.last().map(|&last| last - slots);
    let before = last.into_iter().chain(diagonals.iter().copied());
    let gaps = before.zip(diagonals).map(|(before, &k)| (k - before, k));
    gaps.max_by_key(|&(gap, _)| gap).map_or(0, |(_, k)| k)
}

/// The costs of a rotation by a baby step and by a giant step, in products of two residues. They are the same on every
/// machine, as owner and server must split alike.
struct Cost {
    baby: f64,
    giant: f64,
}

impl Cost {
    /// The times of transforms and products. Both kinds of steps move about as many residues, which is not counted.
    const MODEL: CostModel = CostModel::relative(0.3);
    /// The cost of a residue that is permuted, in products.
    const PERMUTATION: f64 = 2.0;

    fn new(parameters: &Parameters, level: usize) -> Self {
        let time = |operation| Self::MODEL.nanoseconds(parameters, operation, level);
        let permuted = 2 * (parameters.limbs(level) + parameters.p().len()) * parameters.degree();
        let baby = time(Operation::ExtendedRotation) + Self::PERMUTATION * permuted as f64;
        Self { baby, giant: baby + time(Operation::Hoisting) + time(Operation::ModDown) }
    }

    /// The cost of a split's rotations; none where it has too many baby steps.
    fn of(&self, split: Split, diagonals: &[i64]) -> Option<f64> {
        let (giants, babies): (BTreeSet<i64>, BTreeSet<i64>) =
            diagonals.iter().map(|&k| split.steps(k)).unzip();
        let moving = |steps: &BTreeSet<i64>| (steps.len() - usize::from(steps.contains(&0))) as f64;
        let rounds = giants.len().div_ceil(GIANTS_AT_ONCE) as f64;
        (babies.len() <= MAX_BABIES)
            .then(|| rounds * moving(&babies) * self.baby + moving(&giants) * self.giant)
    }
}

#[cfg(test)]
impl Split {
    /// Baby steps below `window`.
    pub(super) fn of_window(slots: i64, window: i64) -> Self {
        Self { slots, start: 0, window }
    }
}
