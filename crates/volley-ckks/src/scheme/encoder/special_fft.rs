//! The special FFT, over the orbit of 5.
//!
//! With ζ_m = exp(2πi/m), evaluating a polynomial with coefficients c₀, …, c_(n−1) ∈ ℂ at ζ_(4n)^(5^j) for j < n is a
//! radix-2 transform whose stage of length ℓ has the twiddles ζ_(4ℓ)^(5^j), j < ℓ/2 (Cheon, Kim, Kim, Song, eprint
//! 2016/421). The twiddles of a stage do not depend on n, so one table serves every slot count.

use num_complex::Complex64;

/// Twiddles for all transforms up to a length.
#[derive(Debug)]
pub(super) struct SpecialFft {
    /// `stages[k]` belongs to length 2^(k+1).
    stages: Vec<Vec<Complex64>>,
}

impl SpecialFft {
    /// Twiddles for lengths up to `max`, a power of two.
    pub(super) fn new(max: usize) -> Self {
        Self { stages: (1..=max.trailing_zeros()).map(twiddles).collect() }
    }

    /// Coefficients to slots, in place.
    pub(super) fn forward(&self, values: &mut [Complex64]) {
        bit_reverse(values);
        for twiddles in &self.stages[..values.len().trailing_zeros() as usize] {
            let half = twiddles.len();
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for ((u, v), w) in low.iter_mut().zip(high).zip(twiddles) {
                    let product = *v * w;
                    (*u, *v) = (*u + product, *u - product);
                }
            }
        }
    }

    /// Slots to coefficients, in place.
    pub(super) fn inverse(&self, values: &mut [Complex64]) {
        for twiddles in self.stages[..values.len().trailing_zeros() as usize].iter().rev() {
            let half = twiddles.len();
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for ((u, v), w) in low.iter_mut().zip(high).zip(twiddles) {
                    (*u, *v) = (*u + *v, (*u - *v) * w.conj());
                }
            }
        }
        bit_reverse(values);
        let factor = 1.0 / values.len() as f64;
        for value in values {
            *value *= factor;
        }
    }
}

/// The twiddles ζ_(4ℓ)^(5^j), j < ℓ/2, of the stage of length ℓ = 2^`log_length`.
pub(crate) fn twiddles(log_length: u32) -> Vec<Complex64> {
    let order = 4usize << log_length;
    let powers = std::iter::successors(Some(1), |power| Some(power * 5 % order));
    let roots = powers.map(|power| Complex64::cis(std::f64::consts::TAU * power as f64 / order as f64));
    roots.take(1 << (log_length - 1)).collect()
}

fn bit_reverse(values: &mut [Complex64]) {
    let bits = values.len().trailing_zeros();
    for i in 0..values.len() {
        let j = i.reverse_bits().unbounded_shr(usize::BITS - bits);
        if i < j {
            values.swap(i, j);
        }
    }
}
