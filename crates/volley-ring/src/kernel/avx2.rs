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
//! 1/2 + 2⁵⁰·2⁻⁵¹ = 1 of ab/q (and a little for its own rounding), so |r| < 2q. Results are brought to \[0, q): the
//! same residues as the scalar kernels'.
//!
//! # Sums
//!
//! A sum of products is kept as H·2ᵏ + L and reduced once for several terms. Added to 2⁵²⁺ᵏ, of which the last bit is
//! 2ᵏ, a product rounds to a multiple of 2ᵏ,
//!
//! ```text
//! g = 2⁵²⁺ᵏ + ab rounded = 2⁵²⁺ᵏ + h·2ᵏ,    l = ab − h·2ᵏ exactly, |l| ≤ 2ᵏ⁻¹,
//! ```
//!
//! and the bits of g are those of 2⁵²⁺ᵏ plus h: bits are added as integers, l as numbers. t terms begin with 1 − t
//! times the bits of 2⁵²⁺ᵏ, so that the bits of the sum are those of 2⁵²⁺ᵏ + H·2ᵏ. With k = 26 + ⌈b/2⌉ for a prime of b
//! bits, a < 2⁵⁰ and b < q, each h is below 2²⁴⁺ᵇᐟ². H < t·2²⁴⁺ᵇᐟ² must stay below 2⁵².
//!
//! H·2ᵏ is reduced as a single number. Its quotient by q, below t·2⁵⁰, is rounded to a multiple of m by adding 3·2⁵¹·m,
//! for m ≥ t/2. It errs by m/2 for that and by t/8 for the reciprocal. What is left of H·2ᵏ is an integer of at most
//! q·(m/2 + t/8). With |L| ≤ t·2²⁵⁺⁽ᵇ⁺¹⁾ᐟ² and q more from the terms before it must stay below 2⁵³: t = 4 with m = 2
//! for 50 bits, t = 28 with m = 16 for at most 46.

use std::arch::x86_64::{
    __m256d, __m256i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_ZERO, _mm_loadu_si128, _mm256_add_epi64,
    _mm256_add_pd, _mm256_and_si256, _mm256_blendv_pd, _mm256_castpd_si256, _mm256_castsi256_pd,
    _mm256_fmadd_pd, _mm256_fmsub_pd, _mm256_fnmadd_pd, _mm256_loadu_si256, _mm256_mul_pd, _mm256_or_si256,
    _mm256_round_pd, _mm256_set_m128i, _mm256_set1_epi64x, _mm256_set1_pd, _mm256_setzero_pd,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srlv_epi64, _mm256_storeu_si256, _mm256_sub_epi64,
    _mm256_sub_pd, _mm256_xor_si256,
};

pub(super) mod transform;

use super::scalar;
use crate::modulus::{Modulus, ShoupFactor};
use crate::packed::{GROUP, PackedLimb};

/// Residues in a vector.
const LANES: usize = 4;
/// 2⁵², whose `f64` has a zero mantissa: an integer below is added to it as bits.
const MAGIC: f64 = 4_503_599_627_370_496.0;
/// 3·2⁵¹. An `f64` of at most 2⁵¹ in size that is added to it is rounded to an integer.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

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

/// xy rounded to an integer, for a product of at most 2⁵¹ in size.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn rounded_product(x: __m256d, y: __m256d) -> __m256d {
    let rounder = _mm256_set1_pd(ROUNDER);
    _mm256_sub_pd(_mm256_fmadd_pd(x, y, rounder), rounder)
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
        let quotient = rounded_product(high, self.reciprocal);
        _mm256_add_pd(_mm256_fnmadd_pd(quotient, self.q, high), low)
    }

    /// x modulo q in \[−q, q\], for integral |x| < 2⁵².
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn centre(self, x: __m256d) -> __m256d {
        _mm256_fnmadd_pd(rounded_product(x, self.reciprocal), self.q, x)
    }

    /// sum + ab modulo q in \[−q, q\], for |sum| ≤ q.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add_product(self, sum: __m256d, a: __m256d, b: __m256d) -> __m256d {
        self.centre(_mm256_add_pd(sum, self.product(a, b)))
    }

    /// x modulo q in \[0, q), for integral |x| < 2⁵².
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn residue(self, x: __m256d) -> __m256i {
        self.lift(self.centre(x))
    }

    /// x modulo q in \[0, q), for integral |x| < q.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn lift(self, x: __m256d) -> __m256i {
        let rounder = _mm256_set1_pd(ROUNDER);
        let sum = _mm256_castpd_si256(_mm256_add_pd(x, rounder));
        let integer = _mm256_sub_epi64(sum, _mm256_castpd_si256(rounder));
        // Its sign bit chooses.
        _mm256_castpd_si256(_mm256_blendv_pd(
            _mm256_castsi256_pd(integer),
            _mm256_castsi256_pd(_mm256_add_epi64(integer, self.integer_q)),
            _mm256_castsi256_pd(integer),
        ))
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

/// Constants of sums modulo one prime.
#[derive(Clone, Copy)]
struct Sums {
    lanes: Lanes,
    /// 2⁵²⁺ᵏ.
    anchor: __m256d,
    /// Its bits.
    anchor_bits: u64,
    /// 3·2⁵¹·m: a quotient that is added to it is rounded to a multiple of m.
    rounder: __m256d,
    /// Products after which a sum is reduced.
    terms: usize,
}

/// H·2ᵏ + L.
#[derive(Clone, Copy)]
struct Sum {
    /// The bits of 2⁵²⁺ᵏ + H·2ᵏ, when all terms of its block are added.
    high: __m256i,
    low: __m256d,
}

impl Sums {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn new(q: Modulus) -> Self {
        let anchor = MAGIC * (1u64 << (26 + q.bits().div_ceil(2))) as f64;
        let (terms, multiple) = if q.bits() > 46 { (4, 2.0) } else { (28, 16.0) };
        Self {
            lanes: Lanes::new(q),
            anchor: _mm256_set1_pd(anchor),
            anchor_bits: anchor.to_bits(),
            rounder: _mm256_set1_pd(ROUNDER * multiple),
            terms,
        }
    }

    /// What a sum of so many terms and of `low` begins with.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn start(&self, terms: usize, low: __m256d) -> Sum {
        let others = 1u64.wrapping_sub(terms as u64);
        Sum { high: _mm256_set1_epi64x(self.anchor_bits.wrapping_mul(others) as i64), low }
    }

    /// sum + ab for 0 ≤ a < 2⁵⁰ and 0 ≤ b < q.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn add_product(&self, sum: &mut Sum, a: __m256d, b: __m256d) {
        let high = _mm256_fmadd_pd(a, b, self.anchor);
        let low = _mm256_fmadd_pd(a, b, _mm256_sub_pd(self.anchor, high));
        sum.high = _mm256_add_epi64(sum.high, _mm256_castpd_si256(high));
        sum.low = _mm256_add_pd(sum.low, low);
    }

    /// The sum modulo q, below 2⁵³ in size.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn fold(&self, sum: Sum) -> __m256d {
        let high = _mm256_sub_pd(_mm256_castsi256_pd(sum.high), self.anchor);
        let quotient =
            _mm256_sub_pd(_mm256_fmadd_pd(high, self.lanes.reciprocal, self.rounder), self.rounder);
        _mm256_add_pd(_mm256_fnmadd_pd(quotient, self.lanes.q, high), sum.low)
    }
}

/// The residues of several sums of `first` and `terms`, each of which `add` adds to the sums as that many `products`.
/// The sums are reduced after every `block` terms. Of the `first`, none is larger than its prime.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn residues<T, const S: usize>(
    sums: &[Sums; S],
    products: [usize; S],
    block: usize,
    first: [__m256d; S],
    mut terms: impl ExactSizeIterator<Item = T>,
    add: impl Fn(&mut [Sum; S], T),
) -> [__m256i; S] {
    let mut residues = first;
    while terms.len() > 0 {
        let count = block.min(terms.len());
        let mut partial = [Sum { high: _mm256_setzero_si256(), low: _mm256_setzero_pd() }; S];
        for s in 0..S {
            partial[s] = sums[s].start(products[s] * count, residues[s]);
        }
        for term in terms.by_ref().take(count) {
            add(&mut partial, term);
        }
        for s in 0..S {
            residues[s] = sums[s].lanes.centre(sums[s].fold(partial[s]));
        }
    }
    let mut lifted = [_mm256_setzero_si256(); S];
    for s in 0..S {
        lifted[s] = sums[s].lanes.lift(residues[s]);
    }
    lifted
}

/// Full vectors, and the rest.
type Chunked<'a> = (&'a [[u64; LANES]], &'a [u64]);

/// Groups that are packed together, and the rest.
type Grouped<'a> = (&'a [[u64; GROUP]], &'a [u64]);

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
        let reduced = residues(&[sums; 3], [1, 2, 1], sums.terms / 2, first, chunked.iter(), add);
        for (out, residue) in [d0, d1, d2].into_iter().zip(reduced) {
            store(out, residue);
        }
    }
    if !tail0.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|limbs| limbs.map(|limb| limb.1)).collect();
        scalar::add_tensors(q, [tail0, tail1, tail2], &terms);
    }
}

/// Reads packed residues, half a group of eight at a time.
///
/// `vpshufb` moves bytes within 128 bits. So two residues are loaded to each half of a vector, from the byte that the
/// first one begins in. The eight bytes from the first byte of a residue on are moved to its lane, and the residue is
/// shifted to the lane's first bit.
struct Unpacker {
    bits: usize,
    halves: [Half; GROUP / LANES],
    mask: __m256i,
}

/// The second of two residues of 50 bits behind six other bits ends in byte 14 of 16.
struct Half {
    /// First bytes of both pairs of residues in the group.
    starts: [usize; 2],
    bytes: __m256i,
    shifts: __m256i,
}

impl Unpacker {
    #[target_feature(enable = "avx2,fma")]
    fn new(bits: u32) -> Self {
        let width = bits as usize;
        let halves = [0, LANES].map(|first| {
            let firsts: [usize; LANES] = std::array::from_fn(|lane| (first + lane) * width);
            let starts = [firsts[0] / 8, firsts[2] / 8];
            let bytes: [u64; LANES] = std::array::from_fn(|lane| {
                let offset = firsts[lane] / 8 - starts[lane / 2];
                u64::from_le_bytes(std::array::from_fn(|byte| (offset + byte) as u8))
            });
            (starts, bytes, firsts.map(|first| first as u64 % 8))
        });
        let mask = _mm256_set1_epi64x((u64::MAX >> (u64::BITS - bits)) as i64);
        let halves =
            halves.map(|(starts, bytes, shifts)| Half { starts, bytes: load(&bytes), shifts: load(&shifts) });
        Self { bits: width, halves, mask }
    }

    /// The residues of half a group as numbers.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn load(&self, limb: &PackedLimb<'_>, group: usize, half: usize) -> __m256d {
        debug_assert!((group + 1) * GROUP <= limb.len());
        let (base, Half { starts, bytes, shifts }) = (group * self.bits, &self.halves[half]);
        let pairs = starts.map(|start| {
            // SAFETY: a group of the limb begins inside it, and a pair at most 37 bytes later: 64 of padding follow.
            let pair = unsafe { limb.padded_bytes().as_ptr().add(base + start) };
            // SAFETY: the 16 bytes from there on are those of the limb and of its padding, and the load has no
            // alignment requirement.
            unsafe { _mm_loadu_si128(pair.cast()) }
        });
        let words = _mm256_shuffle_epi8(_mm256_set_m128i(pairs[1], pairs[0]), *bytes);
        to_float(_mm256_and_si256(_mm256_srlv_epi64(words, *shifts), self.mask))
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sum_of_packed_pairs(q: Modulus, out: [&mut [u64]; 2], terms: &[(&[u64], [PackedLimb<'_>; 2])]) {
    let (sums, unpacker, zeros) = (Sums::new(q), Unpacker::new(q.bits()), [_mm256_setzero_pd(); 2]);
    let chunked: Vec<(Grouped<'_>, [PackedLimb<'_>; 2])> =
        terms.iter().map(|(digit, key)| (digit.as_chunks(), *key)).collect();
    let [(u, tail_u), (v, tail_v)] = out.map(|out| out.as_chunks_mut::<GROUP>());
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        for (half, (u, v)) in u.as_chunks_mut().0.iter_mut().zip(v.as_chunks_mut().0).enumerate() {
            let [residue_u, residue_v] =
                residues(&[sums; 2], [1; 2], sums.terms, zeros, chunked.iter(), |[u, v], (digit, [a, b])| {
                    let digit = load_float(&digit.0[j].as_chunks().0[half]);
                    sums.add_product(u, digit, unpacker.load(a, j, half));
                    sums.add_product(v, digit, unpacker.load(b, j, half));
                });
            store(u, residue_u);
            store(v, residue_v);
        }
    }
    if !tail_u.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|(digit, key)| (digit.1, key.map(PackedLimb::tail))).collect();
        scalar::sum_of_packed_pairs(q, [tail_u, tail_v], &terms);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sum_of_packed_multiples(
    q: Modulus,
    out: [&mut [u64]; 2],
    terms: &[(PackedLimb<'_>, [&[u64]; 2])],
) {
    let (sums, unpacker, zeros) = (Sums::new(q), Unpacker::new(q.bits()), [_mm256_setzero_pd(); 2]);
    let chunked: Vec<(PackedLimb<'_>, [Grouped<'_>; 2])> =
        terms.iter().map(|(m, pair)| (*m, pair.map(|limb| limb.as_chunks()))).collect();
    let [(u, tail_u), (v, tail_v)] = out.map(|out| out.as_chunks_mut::<GROUP>());
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        for (half, (u, v)) in u.as_chunks_mut().0.iter_mut().zip(v.as_chunks_mut().0).enumerate() {
            let [residue_u, residue_v] =
                residues(&[sums; 2], [1; 2], sums.terms, zeros, chunked.iter(), |[u, v], (m, [a, b])| {
                    let m = unpacker.load(m, j, half);
                    sums.add_product(u, m, load_float(&a.0[j].as_chunks().0[half]));
                    sums.add_product(v, m, load_float(&b.0[j].as_chunks().0[half]));
                });
            store(u, residue_u);
            store(v, residue_v);
        }
    }
    if !tail_u.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|(m, pair)| (m.tail(), pair.map(|limb| limb.1))).collect();
        scalar::sum_of_packed_multiples(q, [tail_u, tail_v], &terms);
    }
}

#[target_feature(enable = "avx2,fma")]
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
#[target_feature(enable = "avx2,fma")]
#[inline]
fn weighted_sums_at_once<const T: usize>(
    out: &mut [&mut [u64]; T],
    sources: &[&[u64]],
    targets: &[(Modulus, &[u64]); T],
) {
    let sums = targets.map(|(q, _)| Sums::new(q));
    let block = sums.iter().map(|sums| sums.terms).min().unwrap_or(1);
    let chunked: Vec<Chunked<'_>> = sources.iter().map(|y| y.as_chunks::<LANES>()).collect();
    let terms: Vec<(&[[u64; LANES]], [__m256d; T])> = chunked
        .iter()
        .enumerate()
        .map(|(i, y)| (y.0, targets.map(|(_, weights)| _mm256_set1_pd(weights[i] as f64))))
        .collect();
    let (full, zeros) = (out[0].len() / LANES, [_mm256_setzero_pd(); T]);
    for j in 0..full {
        let reduced = residues(&sums, [1; T], block, zeros, terms.iter(), |partial, (y, weights)| {
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
