//! Merged stages of the special FFT as matrices of few diagonals, in clear.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use num_complex::Complex64;

use crate::scheme::encoder::special_fft::twiddles;

/// A matrix M by its generalised diagonals: M[j, j + k] for all j, by k in [0, n).
pub(super) type Diagonals = BTreeMap<usize, Vec<Complex64>>;

/// Which way a transform goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// F⁻¹, the last stage first.
    CoeffsToSlots,
    /// F, the first stage first.
    SlotsToCoeffs,
}

/// The product of the given stages, or of their inverses, on n `slots`.
pub(super) fn merged(direction: Direction, slots: usize, stages: RangeInclusive<u32>) -> Diagonals {
    let identity = Diagonals::from([(0, vec![Complex64::ONE; slots])]);
    let apply = |product, stage| multiply(&butterfly(direction, slots, stage), &product, slots);
    match direction {
        Direction::CoeffsToSlots => stages.rev().fold(identity, apply),
        Direction::SlotsToCoeffs => stages.fold(identity, apply),
    }
}

/// The diagonals of [`merged`], in [−n/2, n/2): multiples of half the length of the first stage.
pub(super) fn merged_indices(
    slots: usize,
    stages: &RangeInclusive<u32>,
) -> impl Iterator<Item = i64> + use<> {
    let (n, stride) = (slots as i64, 1 << (stages.start() - 1));
    let reach = (1_i64 << (stages.end() - stages.start() + 1)) - 1;
    (-reach..=reach).map(move |multiple| (multiple * stride + n / 2).rem_euclid(n) - n / 2)
}

/// One stage, of blocks of length 2h = 2^`stage`: (u, v) ↦ (u + ωv, u − ωv), or its inverse.
fn butterfly(direction: Direction, slots: usize, stage: u32) -> Diagonals {
    let half = 1 << (stage - 1);
    let twiddles = twiddles(stage);
    let mut diagonals = Diagonals::new();
    let mut add = |index: usize, of_row: &dyn Fn(bool, Complex64) -> Complex64| {
        let diagonal = diagonals.entry(index % slots).or_insert_with(|| vec![Complex64::ZERO; slots]);
        for (row, entry) in diagonal.iter_mut().enumerate() {
            *entry += of_row(row & half == 0, twiddles[row % half]);
        }
    };
    let one = Complex64::ONE;
    match direction {
        Direction::SlotsToCoeffs => {
            add(0, &|low, w| if low { one } else { -w });
            add(half, &|low, w| if low { w } else { Complex64::ZERO });
            add(slots - half, &|low, _| if low { Complex64::ZERO } else { one });
        }
        Direction::CoeffsToSlots => {
            add(0, &|low, w| 0.5 * if low { one } else { -w.conj() });
            add(half, &|low, _| if low { 0.5 * one } else { Complex64::ZERO });
            add(slots - half, &|low, w| if low { Complex64::ZERO } else { 0.5 * w.conj() });
        }
    }
    diagonals
}

/// The matrix product: diagonals a and b meet in diagonal a + b.
fn multiply(left: &Diagonals, right: &Diagonals, slots: usize) -> Diagonals {
    let mut product = Diagonals::new();
    for (a, x) in left {
        for (b, y) in right {
            let sum = product.entry((a + b) % slots).or_insert_with(|| vec![Complex64::ZERO; slots]);
            let turned = y.iter().cycle().skip(*a);
            for ((sum, x), y) in sum.iter_mut().zip(x).zip(turned) {
                *sum += x * y;
            }
        }
    }
    product
}
