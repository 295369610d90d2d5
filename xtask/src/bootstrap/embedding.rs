//! The coefficients of slots in clear, in the bit-reversed order that CoeffsToSlots leaves them in: the stages of
//! `volley_ckks::bootstrapping::dft`, one after the other.

use std::f64::consts::TAU;

use volley_mlr::volley_ckks::Complex64;

/// The complex coefficients cⱼ + i·c_(j+n) of n slots.
pub(super) fn coefficients(slots: &[Complex64]) -> Vec<Complex64> {
    let mut values = slots.to_vec();
    for stage in (1..=slots.len().ilog2()).rev() {
        butterflies(&mut values, stage, |u, v, root| ((u + v) / 2.0, (u - v) / (2.0 * root)));
    }
    values
}

/// The slots of complex coefficients.
pub(super) fn slots(coefficients: &[Complex64]) -> Vec<Complex64> {
    let mut values = coefficients.to_vec();
    for stage in 1..=coefficients.len().ilog2() {
        butterflies(&mut values, stage, |u, v, root| (u + root * v, u - root * v));
    }
    values
}

/// Stage k: pairs at distance h = 2^(k−1), with the roots exp(2πi·5^j/8h).
fn butterflies(
    values: &mut [Complex64],
    stage: u32,
    pair: impl Fn(Complex64, Complex64, Complex64) -> (Complex64, Complex64),
) {
    let half = 1_usize << (stage - 1);
    let mut power = 1;
    for place in 0..half {
        let root = Complex64::cis(TAU * power as f64 / (8 * half) as f64);
        power = power * 5 % (8 * half);
        for start in (0..values.len()).step_by(2 * half) {
            let (low, high) = (start + place, start + place + half);
            (values[low], values[high]) = pair(values[low], values[high], root);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_the_values_of_the_polynomial_at_powers_of_five() {
        let w: Vec<_> = (0..8).map(|j| Complex64::new(j as f64, 1.0 - 2.0 * j as f64)).collect();
        let z = slots(&w);
        for (j, z) in z.iter().enumerate() {
            let root = |k: usize| Complex64::cis(TAU * (5_usize.pow(j as u32) * k % 32) as f64 / 32.0);
            let value: Complex64 =
                (0..8_usize).map(|k| root(k) * w[k.reverse_bits() >> (usize::BITS - 3)]).sum();
            assert!((value - z).norm() < 1e-12, "slot {j}");
        }
        let back = coefficients(&z);
        assert!(w.iter().zip(&back).all(|(w, b)| (w - b).norm() < 1e-13));
    }
}
