//! Kernels for AVX2 with fused multiply-add: four residues at a time, in floating point.
//!
//! AVX2 has no product of 64-bit integers. Residues below 2⁵⁰ are exact as `f64`, and a fused multiply-add gives both
//! halves of a product: with h = ab rounded, l = ab − h exactly, and the quotient e = ⌊h/q⌉ by a reciprocal,
//!
//! ```text
//! r = (h − e·q) + l
//! ```
//!
//! is exact, since both summands are integers below 2⁵² in size: |l| ≤ 2⁴⁷ and h − e·q = (ab − e·q) − l. e is within
//! 1/2 + 2⁵⁰·2⁻⁵¹ = 1 of ab/q (and a little for its own rounding), so |r| < 2q. Sums are brought back to |·| ≤ q after each
//! term, and to \[0, q) at the end: the same residues as the scalar kernels'.

use std::arch::x86_64::{
    __m256d, __m256i, _CMP_LT_OQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _MM_FROUND_TO_ZERO,
    _mm256_add_epi64, _mm256_add_pd, _mm256_and_pd, _mm256_blendv_pd, _mm256_castpd_si256,
    _mm256_castsi256_pd, _mm256_cmp_pd, _mm256_fmsub_pd, _mm256_fnmadd_pd, _mm256_loadu_si256, _mm256_mul_pd,
    _mm256_or_si256, _mm256_round_pd, _mm256_set1_epi64x, _mm256_set1_pd, _mm256_setzero_pd,
    _mm256_storeu_si256, _mm256_sub_epi64, _mm256_sub_pd, _mm256_xor_si256,
};

pub(super) mod transform;

use super::scalar;
use crate::modulus::{Modulus, ShoupFactor};

/// Residues in a vector.
const LANES: usize = 4;
/// 2⁵², whose `f64` has a zero mantissa: an integer below is added to it as bits.
const MAGIC: f64 = 4_503_599_627_370_496.0;

/// Constants of a modulus in every lane.
#[derive(Clone, Copy)]
struct Lanes {
    q: __m256d,
    reciprocal: __m256d,
    integer_q: __m256i,
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(a: &[u64; LANES]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes, and the load has no alignment requirement.
    unsafe { _mm256_loadu_si256(a.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(a: &mut [u64; LANES], x: __m256i) {
    // SAFETY: the reference is to 32 writable bytes, and the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(a.as_mut_ptr().cast(), x) }
}

/// Integers below 2⁵² as numbers.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn to_float(x: __m256i) -> __m256d {
    let magic = _mm256_set1_pd(MAGIC);
    _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, _mm256_castpd_si256(magic))), magic)
}

/// Non-negative integral numbers below 2⁵² as integers.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn to_integer(x: __m256d) -> __m256i {
    let magic = _mm256_set1_pd(MAGIC);
    _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(x, magic)), _mm256_castpd_si256(magic))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load_float(a: &[u64; LANES]) -> __m256d {
    to_float(load(a))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn round(x: __m256d) -> __m256d {
    _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x)
}

impl Lanes {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn new(q: Modulus) -> Self {
        Self {
            q: _mm256_set1_pd(q.value() as f64),
            reciprocal: _mm256_set1_pd(1.0 / q.value() as f64),
            integer_q: _mm256_set1_epi64x(q.value() as i64),
        }
    }

    /// ab modulo q, in (−2q, 2q).
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn product(self, a: __m256d, b: __m256d) -> __m256d {
        let high = _mm256_mul_pd(a, b);
        let low = _mm256_fmsub_pd(a, b, high);
        let quotient = round(_mm256_mul_pd(high, self.reciprocal));
        _mm256_add_pd(_mm256_fnmadd_pd(quotient, self.q, high), low)
    }

    /// x modulo q in \[−q, q\], for integral |x| < 2⁵².
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn centre(self, x: __m256d) -> __m256d {
        _mm256_fnmadd_pd(round(_mm256_mul_pd(x, self.reciprocal)), self.q, x)
    }

    /// sum + ab modulo q in \[−q, q\], for |sum| ≤ q.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add_product(self, sum: __m256d, a: __m256d, b: __m256d) -> __m256d {
        self.centre(_mm256_add_pd(sum, self.product(a, b)))
    }

    /// x modulo q in \[0, q), for |x| < 2q.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn residue(self, x: __m256d) -> __m256i {
        let x = self.centre(x);
        let lift = |x: __m256d| {
            let negative = _mm256_cmp_pd::<_CMP_LT_OQ>(x, _mm256_setzero_pd());
            _mm256_add_pd(x, _mm256_and_pd(negative, self.q))
        };
        let below = _mm256_sub_pd(lift(x), self.q);
        // In [−q, 0], of which 0 stands for a residue of q.
        let negative = _mm256_cmp_pd::<_CMP_LT_OQ>(below, _mm256_setzero_pd());
        to_integer(_mm256_add_pd(below, _mm256_and_pd(negative, self.q)))
    }

    /// x mod q for integers x < 2q.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn subtract_once(self, x: __m256i) -> __m256i {
        let difference = _mm256_sub_epi64(x, self.integer_q);
        // The sign bit of the difference chooses.
        _mm256_castpd_si256(_mm256_blendv_pd(
            _mm256_castsi256_pd(difference),
            _mm256_castsi256_pd(x),
            _mm256_castsi256_pd(difference),
        ))
    }
}

/// Full vectors, and the rest.
type Chunked<'a> = (&'a [[u64; LANES]], &'a [u64]);

#[target_feature(enable = "avx2,fma")]
pub(super) fn add_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    let lanes = Lanes::new(q);
    with_operand!(a, b, |x, y| lanes.subtract_once(_mm256_add_epi64(x, y)), |a, b| {
        scalar::add_assign(q, a, b);
    });
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sub_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    let lanes = Lanes::new(q);
    with_operand!(
        a,
        b,
        |x, y| lanes.subtract_once(_mm256_sub_epi64(_mm256_add_epi64(x, lanes.integer_q), y)),
        |a, b| {
            scalar::sub_assign(q, a, b);
        }
    );
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn neg_assign(q: Modulus, a: &mut [u64]) {
    let lanes = Lanes::new(q);
    in_place!(a, |x| lanes.subtract_once(_mm256_sub_epi64(lanes.integer_q, x)), |a| {
        scalar::neg_assign(q, a);
    });
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn add_constant(q: Modulus, a: &mut [u64], c: u64) {
    let (lanes, constant) = (Lanes::new(q), _mm256_set1_epi64x(c as i64));
    in_place!(a, |x| lanes.subtract_once(_mm256_add_epi64(x, constant)), |a| {
        scalar::add_constant(q, a, c);
    });
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mul_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    let lanes = Lanes::new(q);
    with_operand!(a, b, |x, y| lanes.residue(lanes.product(to_float(x), to_float(y))), |a, b| {
        scalar::mul_assign(q, a, b);
    });
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sub_product(q: Modulus, a: &mut [u64], b: &[u64], c: &[u64]) {
    let lanes = Lanes::new(q);
    let [(b, b_tail), (c, c_tail)] = [b, c].map(|limb| limb.as_chunks::<LANES>());
    let (a, a_tail) = a.as_chunks_mut::<LANES>();
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        let negated = _mm256_sub_pd(lanes.q, load_float(b));
        let difference = lanes.residue(lanes.add_product(load_float(a), negated, load_float(c)));
        store(a, difference);
    }
    scalar::sub_product(q, a_tail, b_tail, c_tail);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mul_constant(q: Modulus, a: &mut [u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), _mm256_set1_pd(w.value as f64));
    in_place!(a, |x| lanes.residue(lanes.product(to_float(x), factor)), |a| {
        scalar::mul_constant(q, a, w);
    });
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn add_scaled(q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), _mm256_set1_pd(w.value as f64));
    with_operand!(a, b, |x, y| lanes.residue(lanes.add_product(to_float(x), to_float(y), factor)), |a, b| {
        scalar::add_scaled(q, a, b, w);
    });
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sub_from_and_scale(q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), _mm256_set1_pd(w.value as f64));
    with_operand!(
        a,
        b,
        |x, y| lanes.residue(lanes.product(_mm256_sub_pd(to_float(y), to_float(x)), factor)),
        |a, b| {
            scalar::sub_from_and_scale(q, a, b, w);
        }
    );
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sum_of_products(q: Modulus, out: &mut [u64], terms: &[(&[u64], &[u64])]) {
    let lanes = Lanes::new(q);
    let chunked: Vec<[Chunked<'_>; 2]> =
        terms.iter().map(|(a, b)| [a.as_chunks::<LANES>(), b.as_chunks::<LANES>()]).collect();
    let (chunks, tail) = out.as_chunks_mut::<LANES>();
    for (j, out) in chunks.iter_mut().enumerate() {
        let mut sum = _mm256_setzero_pd();
        for [a, b] in &chunked {
            sum = lanes.add_product(sum, load_float(&a.0[j]), load_float(&b.0[j]));
        }
        store(out, lanes.residue(sum));
    }
    if !tail.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|[a, b]| (a.1, b.1)).collect();
        scalar::sum_of_products(q, tail, &terms);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sum_of_tensors(q: Modulus, out: [&mut [u64]; 3], terms: &[[&[u64]; 4]]) {
    let lanes = Lanes::new(q);
    let chunked: Vec<[Chunked<'_>; 4]> =
        terms.iter().map(|limbs| limbs.map(|limb| limb.as_chunks::<LANES>())).collect();
    let [(d0, tail0), (d1, tail1), (d2, tail2)] = out.map(|out| out.as_chunks_mut::<LANES>());
    for (j, ((d0, d1), d2)) in d0.iter_mut().zip(d1).zip(d2).enumerate() {
        let [mut s0, mut s1, mut s2] = [_mm256_setzero_pd(); 3];
        for [a0, a1, b0, b1] in &chunked {
            let (a0, a1) = (load_float(&a0.0[j]), load_float(&a1.0[j]));
            let (b0, b1) = (load_float(&b0.0[j]), load_float(&b1.0[j]));
            s0 = lanes.add_product(s0, a0, b0);
            s1 = lanes.add_product(lanes.add_product(s1, a0, b1), a1, b0);
            s2 = lanes.add_product(s2, a1, b1);
        }
        store(d0, lanes.residue(s0));
        store(d1, lanes.residue(s1));
        store(d2, lanes.residue(s2));
    }
    if !tail0.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|limbs| limbs.map(|limb| limb.1)).collect();
        scalar::sum_of_tensors(q, [tail0, tail1, tail2], &terms);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sum_of_pairs(q: Modulus, out: [&mut [u64]; 2], terms: &[[&[u64]; 3]]) {
    let lanes = Lanes::new(q);
    let chunked: Vec<[Chunked<'_>; 3]> =
        terms.iter().map(|limbs| limbs.map(|limb| limb.as_chunks::<LANES>())).collect();
    let [(u, tail_u), (v, tail_v)] = out.map(|out| out.as_chunks_mut::<LANES>());
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let [mut sum_u, mut sum_v] = [_mm256_setzero_pd(); 2];
        for [digit, a, b] in &chunked {
            let digit = load_float(&digit.0[j]);
            sum_u = lanes.add_product(sum_u, digit, load_float(&a.0[j]));
            sum_v = lanes.add_product(sum_v, digit, load_float(&b.0[j]));
        }
        store(u, lanes.residue(sum_u));
        store(v, lanes.residue(sum_v));
    }
    if !tail_u.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|limbs| limbs.map(|limb| limb.1)).collect();
        scalar::sum_of_pairs(q, [tail_u, tail_v], &terms);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn weighted_sums(out: &mut [&mut [u64]], sources: &[&[u64]], targets: &[(Modulus, &[u64])]) {
    let chunked: Vec<Chunked<'_>> = sources.iter().map(|y| y.as_chunks::<LANES>()).collect();
    let tails: Vec<&[u64]> = chunked.iter().map(|y| y.1).collect();
    for (out, &(q, weights)) in out.iter_mut().zip(targets) {
        let lanes = Lanes::new(q);
        let terms: Vec<(&[[u64; LANES]], __m256d)> =
            chunked.iter().zip(weights).map(|(y, &w)| (y.0, _mm256_set1_pd(w as f64))).collect();
        let (chunks, tail) = out.as_chunks_mut::<LANES>();
        for (j, out) in chunks.iter_mut().enumerate() {
            let mut sum = _mm256_setzero_pd();
            for (y, w) in &terms {
                sum = lanes.add_product(sum, load_float(&y[j]), *w);
            }
            store(out, lanes.residue(sum));
        }
        scalar::weighted_sums(&mut [tail], &tails, &[(q, weights)]);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn rounded_quotient(out: &mut [u64], terms: &[(&[u64], f64)]) {
    let chunked: Vec<(Chunked<'_>, f64)> = terms.iter().map(|(y, r)| (y.as_chunks::<LANES>(), *r)).collect();
    let (chunks, tail) = out.as_chunks_mut::<LANES>();
    for (j, out) in chunks.iter_mut().enumerate() {
        let mut sum = _mm256_set1_pd(0.5);
        for (y, r) in &chunked {
            // Product and sum are rounded one after the other, as the reference rounds them.
            sum = _mm256_add_pd(sum, _mm256_mul_pd(load_float(&y.0[j]), _mm256_set1_pd(*r)));
        }
        store(out, to_integer(_mm256_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(sum)));
    }
    if !tail.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|(y, r)| (y.1, *r)).collect();
        scalar::rounded_quotient(tail, &terms);
    }
}

/// Moves of whole words, which AVX2 does no faster than the scalar kernel.
#[target_feature(enable = "avx2,fma")]
pub(super) fn permute_groups(out: &mut [u64], a: &[u64], index: &[u32]) {
    scalar::permute_groups(out, a, index);
}

/// Integers of 64 bits are no exact `f64`: left to the scalar kernel.
#[target_feature(enable = "avx2,fma")]
pub(super) fn lift_signed(q: Modulus, out: &mut [u64], values: &[i64]) {
    scalar::lift_signed(q, out, values);
}
