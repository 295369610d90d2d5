//! The reference kernels: one residue after the other, in `u64` and `u128`.

pub(super) mod transform;

use crate::modulus::{Modulus, ShoupFactor};
use crate::packed::PackedLimb;

pub(super) fn add_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = q.add(*a, b);
    }
}

pub(super) fn sub_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = q.sub(*a, b);
    }
}

pub(super) fn neg_assign(q: Modulus, a: &mut [u64]) {
    for a in a {
        *a = q.neg(*a);
    }
}

pub(super) fn add_constant(q: Modulus, a: &mut [u64], c: u64) {
    for a in a {
        *a = q.add(*a, c);
    }
}

pub(super) fn mul_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = q.mul(*a, b);
    }
}

pub(super) fn sub_product(q: Modulus, a: &mut [u64], b: &[u64], c: &[u64]) {
    for (a, (&b, &c)) in a.iter_mut().zip(b.iter().zip(c)) {
        *a = q.sub(*a, q.mul(b, c));
    }
}

pub(super) fn mul_constant(q: Modulus, a: &mut [u64], w: ShoupFactor) {
    for a in a {
        *a = q.mul_shoup(*a, w);
    }
}

pub(super) fn add_scaled(q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = q.add(*a, q.mul_shoup(b, w));
    }
}

pub(super) fn add_tensors(q: Modulus, [d0, d1, d2]: [&mut [u64]; 3], terms: &[[&[u64]; 4]]) {
    for (j, ((d0, d1), d2)) in d0.iter_mut().zip(d1).zip(d2).enumerate() {
        let mut sums = [*d0, *d1, *d2].map(u128::from);
        for [a0, a1, b0, b1] in terms {
            sums[0] += product(a0[j], b0[j]);
            sums[1] += product(a0[j], b1[j]) + product(a1[j], b0[j]);
            sums[2] += product(a1[j], b1[j]);
        }
        [*d0, *d1, *d2] = sums.map(|sum| q.reduce_wide(sum));
    }
}

pub(super) fn sum_of_packed_pairs(
    q: Modulus,
    [u, v]: [&mut [u64]; 2],
    terms: &[(&[u64], [PackedLimb<'_>; 2])],
) {
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let mut sums = [0u128; 2];
        for (digit, [a, b]) in terms {
            sums[0] += product(digit[j], a.get(j));
            sums[1] += product(digit[j], b.get(j));
        }
        [*u, *v] = sums.map(|sum| q.reduce_wide(sum));
    }
}

pub(super) fn sum_of_packed_multiples(
    q: Modulus,
    [u, v]: [&mut [u64]; 2],
    terms: &[(PackedLimb<'_>, [&[u64]; 2])],
) {
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let mut sums = [0u128; 2];
        for (m, [a, b]) in terms {
            let m = m.get(j);
            sums[0] += product(m, a[j]);
            sums[1] += product(m, b[j]);
        }
        [*u, *v] = sums.map(|sum| q.reduce_wide(sum));
    }
}

pub(super) fn weighted_sums(out: &mut [&mut [u64]], sources: &[&[u64]], targets: &[(Modulus, &[u64])]) {
    for (out, (q, weights)) in out.iter_mut().zip(targets) {
        for (j, out) in out.iter_mut().enumerate() {
            let sum = sources.iter().zip(*weights).map(|(y, &w)| product(y[j], w)).sum();
            *out = q.reduce_wide(sum);
        }
    }
}

pub(super) fn rounded_quotient(out: &mut [u64], terms: &[(&[u64], f64)]) {
    for (j, out) in out.iter_mut().enumerate() {
        let sum = terms.iter().fold(0.5, |sum, (y, r)| sum + y[j] as f64 * r);
        *out = sum as u64;
    }
}

pub(super) fn sub_from_and_scale(q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = q.mul_shoup(q.sub(b, *a), w);
    }
}

pub(super) fn permute_groups(out: &mut [u64], a: &[u64], index: &[u32]) {
    for (out, &index) in out.iter_mut().zip(index) {
        *out = a[index as usize & (a.len() - 1)];
    }
}

pub(super) fn lift_signed(q: Modulus, out: &mut [u64], values: &[i64]) {
    for (out, &value) in out.iter_mut().zip(values) {
        *out = q.from_signed(value);
    }
}

fn product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}
