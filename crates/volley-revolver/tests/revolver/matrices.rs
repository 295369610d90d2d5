//! Matrices to compute with.

use ndarray::Array2;
use volley_revolver::volley_ckks::Complex64;

/// Entries in [−1, 1) that look random and are the same every time (SplitMix64).
pub(crate) fn matrix(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let mut state = seed;
    Array2::from_shape_simple_fn((rows, columns), || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    })
}

/// The largest difference of two matrices' entries is rounding.
pub(crate) fn assert_close(actual: &Array2<f64>, expected: &Array2<f64>) {
    assert_eq!(actual.dim(), expected.dim());
    let size = expected.iter().fold(1.0, |size: f64, x| size.max(x.abs()));
    let error = (actual - expected).iter().fold(0.0, |error: f64, x| error.max(x.abs()));
    assert!(error <= 1e-11 * size, "difference {error}, entries up to {size}");
}

/// As [`assert_close`], for slots.
pub(crate) fn assert_slots_close(actual: &[Complex64], expected: &[Complex64]) {
    assert_eq!(actual.len(), expected.len());
    let size = expected.iter().fold(1.0, |size: f64, x| size.max(x.norm()));
    for (slot, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!((a - e).norm() <= 1e-11 * size, "slot {slot}: {a} instead of {e}");
    }
}
