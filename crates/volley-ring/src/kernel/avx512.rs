//! Kernels for AVX-512 without products of 52-bit integers: eight residues at a time, in floating point.
//!
//! Products and sums are those of the [kernels for AVX2](super::avx2), with their derivations. Vectors of twice the
//! width are what is gained, and three instructions that AVX2 lacks: conversions between words and numbers, and the
//! minimum of unsigned words (AVX-512DQ and F); the packed residues of a vector are moved to their lanes by one
//! (AVX-512BW).
//!
//! Products of 64-bit integers are slower, at operands below 2⁵⁰ anyway. There is no high half of one: Shoup's product
//! takes three or four of 32 bits for it and two `vpmullq`, each three operations on one port.

use std::arch::x86_64::{
    __m256i, __m512d, __m512i, _mm256_loadu_si256, _mm512_add_epi64, _mm512_add_pd, _mm512_and_si512,
    _mm512_castpd_si512, _mm512_cvtepi64_pd, _mm512_cvtepu32_epi64, _mm512_cvtepu64_pd, _mm512_cvtpd_epi64,
    _mm512_cvttpd_epu64, _mm512_fmadd_pd, _mm512_fmsub_pd, _mm512_fnmadd_pd, _mm512_loadu_si512,
    _mm512_min_epu64, _mm512_mul_pd, _mm512_permutexvar_epi16, _mm512_permutexvar_epi64, _mm512_set1_epi64,
    _mm512_set1_pd, _mm512_setzero_pd, _mm512_setzero_si512, _mm512_srai_epi64, _mm512_srlv_epi64,
    _mm512_storeu_si512, _mm512_sub_epi64, _mm512_sub_pd,
};

pub(super) mod transform;

use super::scalar;
use crate::modulus::{Modulus, ShoupFactor};
use crate::packed::PackedLimb;

/// Residues in a vector.
pub(super) const LANES: usize = 8;
/// 2⁵², whose `f64` has a zero mantissa.
const MAGIC: f64 = 4_503_599_627_370_496.0;
/// 3·2⁵¹. An `f64` of at most 2⁵¹ in size that is added to it is rounded to an integer.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Constants of a modulus in every lane.
#[derive(Clone, Copy)]
struct Lanes {
    q: __m512d,
    reciprocal: __m512d,
    integer_q: __m512i,
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
pub(super) fn load(a: &[u64; LANES]) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(a.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
pub(super) fn store(a: &mut [u64; LANES], x: __m512i) {
    // SAFETY: the reference is to 64 writable bytes, and the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(a.as_mut_ptr().cast(), x) }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn load_float(a: &[u64; LANES]) -> __m512d {
    _mm512_cvtepu64_pd(load(a))
}

/// xy rounded to an integer, for a product of at most 2⁵¹ in size.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn rounded_product(x: __m512d, y: __m512d) -> __m512d {
    let rounder = _mm512_set1_pd(ROUNDER);
    _mm512_sub_pd(_mm512_fmadd_pd(x, y, rounder), rounder)
}

impl Lanes {
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn new(q: Modulus) -> Self {
        Self {
            q: _mm512_set1_pd(q.value() as f64),
            reciprocal: _mm512_set1_pd(1.0 / q.value() as f64),
            integer_q: _mm512_set1_epi64(q.value() as i64),
        }
    }

    /// ab modulo q, in (−2q, 2q).
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn product(self, a: __m512d, b: __m512d) -> __m512d {
        let high = _mm512_mul_pd(a, b);
        let low = _mm512_fmsub_pd(a, b, high);
        let quotient = rounded_product(high, self.reciprocal);
        _mm512_add_pd(_mm512_fnmadd_pd(quotient, self.q, high), low)
    }

    /// x modulo q in \[−q, q\], for integral |x| < 2⁵².
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn centre(self, x: __m512d) -> __m512d {
        _mm512_fnmadd_pd(rounded_product(x, self.reciprocal), self.q, x)
    }

    /// sum + ab modulo q in \[−q, q\], for |sum| ≤ q.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn add_product(self, sum: __m512d, a: __m512d, b: __m512d) -> __m512d {
        self.centre(_mm512_add_pd(sum, self.product(a, b)))
    }

    /// x modulo q in \[0, q), for integral |x| < 2⁵².
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn residue(self, x: __m512d) -> __m512i {
        self.lift(self.centre(x))
    }

    /// x modulo q in \[0, q), for integral |x| < q.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn lift(self, x: __m512d) -> __m512i {
        // A negative integer is the larger of the two as an unsigned one.
        let integer = _mm512_cvtpd_epi64(x);
        _mm512_min_epu64(integer, _mm512_add_epi64(integer, self.integer_q))
    }

    /// x mod q for integers x < 2q.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn subtract_once(self, x: __m512i) -> __m512i {
        _mm512_min_epu64(x, _mm512_sub_epi64(x, self.integer_q))
    }
}

/// Constants of sums modulo one prime.
#[derive(Clone, Copy)]
struct Sums {
    lanes: Lanes,
    /// 2⁵²⁺ᵏ.
    anchor: __m512d,
    /// 2ᵏ mod q, of the smallest size.
    radix: __m512d,
    /// Products after which a sum is reduced.
    terms: usize,
}

/// H·2ᵏ + L.
#[derive(Clone, Copy)]
struct Sum {
    /// H in the low 52 bits, sums of exponents above.
    high: __m512i,
    low: __m512d,
}

impl Sums {
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn new(q: Modulus) -> Self {
        let split = 26 + q.bits().div_ceil(2);
        let radix = q.reduce(1 << split);
        let balanced = if radix > q.value() / 2 { radix as f64 - q.value() as f64 } else { radix as f64 };
        Self {
            lanes: Lanes::new(q),
            anchor: _mm512_set1_pd(MAGIC * (1u64 << split) as f64),
            radix: _mm512_set1_pd(balanced),
            terms: if q.bits() > 46 { 5 } else { 28 },
        }
    }

    /// sum + ab for 0 ≤ a < 2⁵⁰ and 0 ≤ b < q.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn add_product(&self, sum: &mut Sum, a: __m512d, b: __m512d) {
        let high = _mm512_fmadd_pd(a, b, self.anchor);
        let low = _mm512_fmadd_pd(a, b, _mm512_sub_pd(self.anchor, high));
        sum.high = _mm512_add_epi64(sum.high, _mm512_castpd_si512(high));
        sum.low = _mm512_add_pd(sum.low, low);
    }

    /// The sum modulo q, below 2⁵³ in size.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn fold(&self, sum: Sum) -> __m512d {
        let mantissa = _mm512_set1_epi64((1 << 52) - 1);
        let high = _mm512_cvtepu64_pd(_mm512_and_si512(sum.high, mantissa));
        _mm512_add_pd(self.lanes.product(high, self.radix), sum.low)
    }
}

/// The residues of several sums of `first` and `terms`, of which `add` adds one to each sum. The sums are reduced after
/// every `block` terms. Of the `first`, none is larger than its prime.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn residues<T, const S: usize>(
    sums: &[Sums; S],
    block: usize,
    first: [__m512d; S],
    terms: &[T],
    add: impl Fn(&mut [Sum; S], &T),
) -> [__m512i; S] {
    let mut residues = first;
    let mut blocks = terms.chunks(block);
    let mut carried = first;
    while let Some(terms) = blocks.next() {
        let mut partial = carried.map(|low| Sum { high: _mm512_setzero_si512(), low });
        for term in terms {
            add(&mut partial, term);
        }
        for s in 0..S {
            residues[s] = sums[s].fold(partial[s]);
            if blocks.len() > 0 {
                carried[s] = sums[s].lanes.centre(residues[s]);
            }
        }
    }
    let mut reduced = [_mm512_setzero_si512(); S];
    for s in 0..S {
        reduced[s] = sums[s].lanes.residue(residues[s]);
    }
    reduced
}

/// Full vectors, and the rest.
pub(super) type Chunked<'a> = (&'a [[u64; LANES]], &'a [u64]);

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn add_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    let lanes = Lanes::new(q);
    with_operand!(a, b, |x, y| lanes.subtract_once(_mm512_add_epi64(x, y)), |a, b| {
        scalar::add_assign(q, a, b);
    });
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn sub_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    let lanes = Lanes::new(q);
    with_operand!(
        a,
        b,
        |x, y| lanes.subtract_once(_mm512_sub_epi64(_mm512_add_epi64(x, lanes.integer_q), y)),
        |a, b| {
            scalar::sub_assign(q, a, b);
        }
    );
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn neg_assign(q: Modulus, a: &mut [u64]) {
    let lanes = Lanes::new(q);
    in_place!(a, |x| lanes.subtract_once(_mm512_sub_epi64(lanes.integer_q, x)), |a| {
        scalar::neg_assign(q, a);
    });
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn add_constant(q: Modulus, a: &mut [u64], c: u64) {
    let (lanes, constant) = (Lanes::new(q), _mm512_set1_epi64(c as i64));
    in_place!(a, |x| lanes.subtract_once(_mm512_add_epi64(x, constant)), |a| {
        scalar::add_constant(q, a, c);
    });
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn mul_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    let lanes = Lanes::new(q);
    with_operand!(
        a,
        b,
        |x, y| lanes.residue(lanes.product(_mm512_cvtepu64_pd(x), _mm512_cvtepu64_pd(y))),
        |a, b| {
            scalar::mul_assign(q, a, b);
        }
    );
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn sub_product(q: Modulus, a: &mut [u64], b: &[u64], c: &[u64]) {
    let lanes = Lanes::new(q);
    let [(b, b_tail), (c, c_tail)] = [b, c].map(|limb| limb.as_chunks::<LANES>());
    let (a, a_tail) = a.as_chunks_mut::<LANES>();
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        let negated = _mm512_sub_pd(lanes.q, load_float(b));
        let difference = lanes.residue(lanes.add_product(load_float(a), negated, load_float(c)));
        store(a, difference);
    }
    scalar::sub_product(q, a_tail, b_tail, c_tail);
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn mul_constant(q: Modulus, a: &mut [u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), _mm512_set1_pd(w.value as f64));
    in_place!(a, |x| lanes.residue(lanes.product(_mm512_cvtepu64_pd(x), factor)), |a| {
        scalar::mul_constant(q, a, w);
    });
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn add_scaled(q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), _mm512_set1_pd(w.value as f64));
    with_operand!(
        a,
        b,
        |x, y| lanes.residue(lanes.add_product(_mm512_cvtepu64_pd(x), _mm512_cvtepu64_pd(y), factor)),
        |a, b| {
            scalar::add_scaled(q, a, b, w);
        }
    );
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn sub_from_and_scale(q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), _mm512_set1_pd(w.value as f64));
    with_operand!(
        a,
        b,
        |x, y| lanes
            .residue(lanes.product(_mm512_sub_pd(_mm512_cvtepu64_pd(y), _mm512_cvtepu64_pd(x)), factor)),
        |a, b| {
            scalar::sub_from_and_scale(q, a, b, w);
        }
    );
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn add_tensors(q: Modulus, out: [&mut [u64]; 3], terms: &[[&[u64]; 4]]) {
    let sums = Sums::new(q);
    let chunked: Vec<[Chunked<'_>; 4]> =
        terms.iter().map(|limbs| limbs.map(|limb| limb.as_chunks::<LANES>())).collect();
    let [(d0, tail0), (d1, tail1), (d2, tail2)] = out.map(|out| out.as_chunks_mut::<LANES>());
    for (j, ((d0, d1), d2)) in d0.iter_mut().zip(d1).zip(d2).enumerate() {
        // The sum in the middle has two products of each term.
        let first = [load_float(d0), load_float(d1), load_float(d2)];
        let add = |[s0, s1, s2]: &mut [Sum; 3], [a0, a1, b0, b1]: &[Chunked<'_>; 4]| {
            let (a0, a1) = (load_float(&a0.0[j]), load_float(&a1.0[j]));
            let (b0, b1) = (load_float(&b0.0[j]), load_float(&b1.0[j]));
            sums.add_product(s0, a0, b0);
            sums.add_product(s1, a0, b1);
            sums.add_product(s1, a1, b0);
            sums.add_product(s2, a1, b1);
        };
        let reduced = residues(&[sums; 3], sums.terms / 2, first, &chunked, add);
        for (out, residue) in [d0, d1, d2].into_iter().zip(reduced) {
            store(out, residue);
        }
    }
    if !tail0.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|limbs| limbs.map(|limb| limb.1)).collect();
        scalar::add_tensors(q, [tail0, tail1, tail2], &terms);
    }
}

/// Reads packed residues, a vector at a time. `vpermw` moves four words of 16 bits to a lane, from that on which a
/// residue begins in, and the residue is shifted to the lane's first bit. It ends in the last of them: residues of
/// fewer than 50 bits have at most 15 other bits before them, those of 50 bits at most 14.
#[derive(Clone, Copy)]
struct Unpacker {
    bits: usize,
    words: __m512i,
    shifts: __m512i,
    mask: __m512i,
}

impl Unpacker {
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    fn new(bits: u32) -> Self {
        let firsts: [u64; LANES] = std::array::from_fn(|lane| lane as u64 * u64::from(bits));
        // The indices of four neighbouring words, the lowest first.
        let words = firsts.map(|first| first / 16 * 0x0001_0001_0001_0001 + 0x0003_0002_0001_0000);
        Self {
            bits: bits as usize,
            words: load(&words),
            shifts: load(&firsts.map(|first| first % 16)),
            mask: _mm512_set1_epi64((u64::MAX >> (u64::BITS - bits)) as i64),
        }
    }

    /// The residues of vector `index` as numbers.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn load(self, limb: &PackedLimb<'_>, index: usize) -> __m512d {
        debug_assert!((index + 1) * LANES <= limb.len());
        // SAFETY: a vector of the limb begins inside it.
        let bytes = unsafe { limb.padded_bytes().as_ptr().add(index * self.bits) };
        // SAFETY: the 64 bytes from there on are those of the limb and of its padding, and the load has no alignment
        // requirement.
        let bytes = unsafe { _mm512_loadu_si512(bytes.cast()) };
        let words = _mm512_permutexvar_epi16(self.words, bytes);
        _mm512_cvtepu64_pd(_mm512_and_si512(_mm512_srlv_epi64(words, self.shifts), self.mask))
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn sum_of_packed_pairs(q: Modulus, out: [&mut [u64]; 2], terms: &[(&[u64], [PackedLimb<'_>; 2])]) {
    let (sums, unpacker, zeros) = (Sums::new(q), Unpacker::new(q.bits()), [_mm512_setzero_pd(); 2]);
    let chunked: Vec<(Chunked<'_>, [PackedLimb<'_>; 2])> =
        terms.iter().map(|(digit, key)| (digit.as_chunks(), *key)).collect();
    let [(u, tail_u), (v, tail_v)] = out.map(|out| out.as_chunks_mut::<LANES>());
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let [residue_u, residue_v] =
            residues(&[sums; 2], sums.terms, zeros, &chunked, |[u, v], (digit, [a, b])| {
                let digit = load_float(&digit.0[j]);
                sums.add_product(u, digit, unpacker.load(a, j));
                sums.add_product(v, digit, unpacker.load(b, j));
            });
        store(u, residue_u);
        store(v, residue_v);
    }
    if !tail_u.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|(digit, key)| (digit.1, key.map(PackedLimb::tail))).collect();
        scalar::sum_of_packed_pairs(q, [tail_u, tail_v], &terms);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn sum_of_packed_multiples(
    q: Modulus,
    out: [&mut [u64]; 2],
    terms: &[(PackedLimb<'_>, [&[u64]; 2])],
) {
    let (sums, unpacker, zeros) = (Sums::new(q), Unpacker::new(q.bits()), [_mm512_setzero_pd(); 2]);
    let chunked: Vec<(PackedLimb<'_>, [Chunked<'_>; 2])> =
        terms.iter().map(|(m, pair)| (*m, pair.map(|limb| limb.as_chunks()))).collect();
    let [(u, tail_u), (v, tail_v)] = out.map(|out| out.as_chunks_mut::<LANES>());
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let [residue_u, residue_v] =
            residues(&[sums; 2], sums.terms, zeros, &chunked, |[u, v], (m, [a, b])| {
                let m = unpacker.load(m, j);
                sums.add_product(u, m, load_float(&a.0[j]));
                sums.add_product(v, m, load_float(&b.0[j]));
            });
        store(u, residue_u);
        store(v, residue_v);
    }
    if !tail_u.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|(m, pair)| (m.tail(), pair.map(|limb| limb.1))).collect();
        scalar::sum_of_packed_multiples(q, [tail_u, tail_v], &terms);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn weighted_sums(out: &mut [&mut [u64]], sources: &[&[u64]], targets: &[(Modulus, &[u64])]) {
    let (pairs, last) = out.as_chunks_mut::<2>();
    let (target_pairs, last_target) = targets.as_chunks::<2>();
    for (out, targets) in pairs.iter_mut().zip(target_pairs) {
        weighted_sums_at_once(out, sources, targets);
    }
    if let ([out], [target]) = (last, last_target) {
        weighted_sums_at_once(&mut [&mut **out], sources, &[*target]);
    }
}

/// Sums modulo a few primes, for which each source is read once.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn weighted_sums_at_once<const T: usize>(
    out: &mut [&mut [u64]; T],
    sources: &[&[u64]],
    targets: &[(Modulus, &[u64]); T],
) {
    let sums = targets.map(|(q, _)| Sums::new(q));
    let block = sums.iter().map(|sums| sums.terms).min().unwrap_or(1);
    let chunked: Vec<Chunked<'_>> = sources.iter().map(|y| y.as_chunks::<LANES>()).collect();
    let terms: Vec<(&[[u64; LANES]], [__m512d; T])> = chunked
        .iter()
        .enumerate()
        .map(|(i, y)| (y.0, targets.map(|(_, weights)| _mm512_set1_pd(weights[i] as f64))))
        .collect();
    let (full, zeros) = (out[0].len() / LANES, [_mm512_setzero_pd(); T]);
    for j in 0..full {
        let reduced = residues(&sums, block, zeros, &terms, |partial, (y, weights)| {
            let y = load_float(&y[j]);
            for t in 0..T {
                sums[t].add_product(&mut partial[t], y, weights[t]);
            }
        });
        for (out, residue) in out.iter_mut().zip(reduced) {
            store(&mut out.as_chunks_mut::<LANES>().0[j], residue);
        }
    }
    let tails: Vec<&[u64]> = chunked.iter().map(|y| y.1).collect();
    for (out, target) in out.iter_mut().zip(targets) {
        scalar::weighted_sums(&mut [&mut out[LANES * full..]], &tails, &[*target]);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn rounded_quotient(out: &mut [u64], terms: &[(&[u64], f64)]) {
    let chunked: Vec<(Chunked<'_>, f64)> = terms.iter().map(|(y, r)| (y.as_chunks::<LANES>(), *r)).collect();
    let (chunks, tail) = out.as_chunks_mut::<LANES>();
    for (j, out) in chunks.iter_mut().enumerate() {
        let mut sum = _mm512_set1_pd(0.5);
        for (y, r) in &chunked {
            // Product and sum are rounded one after the other, as the reference rounds them.
            let y = _mm512_cvtepu64_pd(load(&y.0[j]));
            sum = _mm512_add_pd(sum, _mm512_mul_pd(y, _mm512_set1_pd(*r)));
        }
        store(out, _mm512_cvttpd_epu64(sum));
    }
    if !tail.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|(y, r)| (y.1, *r)).collect();
        scalar::rounded_quotient(tail, &terms);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn permute_groups(out: &mut [u64], a: &[u64], index: &[u32]) {
    let (out, _) = out.as_chunks_mut::<LANES>();
    let (a, _) = a.as_chunks::<LANES>();
    let (index, _) = index.as_chunks::<LANES>();
    for (out, index) in out.iter_mut().zip(index) {
        // SAFETY: the reference is to 32 readable bytes, and the load has no alignment requirement.
        let within: __m256i = unsafe { _mm256_loadu_si256(index.as_ptr().cast()) };
        // The permutation reads the low three bits of each index.
        let group = load(&a[(index[0] as usize / LANES) & (a.len() - 1)]);
        store(out, _mm512_permutexvar_epi64(_mm512_cvtepu32_epi64(within), group));
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(super) fn lift_signed(q: Modulus, out: &mut [u64], values: &[i64]) {
    let (lanes, radix) = (Lanes::new(q), _mm512_set1_pd(q.reduce(1 << 32) as f64));
    let (chunks, tail) = out.as_chunks_mut::<LANES>();
    let (signed, signed_tail) = values.as_chunks::<LANES>();
    for (out, values) in chunks.iter_mut().zip(signed) {
        // x = high·2³² + low, with a signed high half.
        let x = load(&values.map(i64::cast_unsigned));
        let high = _mm512_cvtepi64_pd(_mm512_srai_epi64::<32>(x));
        let low = _mm512_cvtepu64_pd(_mm512_and_si512(x, _mm512_set1_epi64(0xffff_ffff)));
        store(out, lanes.residue(_mm512_add_pd(lanes.product(high, radix), low)));
    }
    scalar::lift_signed(q, tail, signed_tail);
}
