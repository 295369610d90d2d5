//! Kernels for AVX-512 with 52-bit integer multiply-add: eight residues at a time.
//!
//! `vpmadd52luq` and `vpmadd52huq` add the low and the high 52 bits of a product of two 52-bit numbers. A sum of
//! products is kept lazily as H·2⁵² + L and reduced once. For k-bit operands each high half is below 2^(2k−52), so H
//! stays below 2⁵² for up to 2^(104−2k) products, 16 of the largest; longer sums are reduced in between.
//!
//! Reduction of H·2⁵² + L, with the carry of L moved to H first: with c = 2⁵² mod q and the quotients c' = ⌊c·2⁵²/q⌋
//! and u' = ⌊2⁵²/q⌋,
//!
//! ```text
//! r₁ = H·c − ⌊H·c'/2⁵²⌋·q  and  r₂ = L − ⌊L·u'/2⁵²⌋·q
//! ```
//!
//! are below 2q (Shoup), and below 2⁵², so that their low 52 bits are all that is needed. r₁ + r₂ < 4q takes two
//! conditional subtractions, each a minimum of unsigned numbers.
//!
//! Kernels without products are those of [AVX-512 without such multiply-adds](super::avx512). What does not fill a
//! vector is left to the scalar kernels.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_min_epu64, _mm512_permutexvar_epi8, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_srai_epi64, _mm512_srli_epi64, _mm512_srlv_epi64, _mm512_sub_epi64,
    _mm512_xor_si512,
};

pub(super) mod transform;

use super::avx512::{Chunked, LANES, load, store};
pub(super) use super::avx512::{
    add_assign, add_constant, neg_assign, permute_groups, rounded_quotient, sub_assign,
};
use super::scalar;
use crate::modulus::{Modulus, ShoupFactor};
use crate::packed::PackedLimb;

/// Constants of a modulus in every lane.
#[derive(Clone, Copy)]
struct Lanes {
    q: __m512i,
    twice_q: __m512i,
    /// 2⁵² − q: adding its multiples subtracts those of q modulo 2⁵².
    negated_q: __m512i,
    /// c and c'.
    radix: [__m512i; 2],
    /// u'.
    unit: __m512i,
    /// 2⁵² − 1.
    mask: __m512i,
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn splat(x: u64) -> __m512i {
    _mm512_set1_epi64(x as i64)
}

impl Lanes {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn new(q: Modulus) -> Self {
        let radix = q.radix();
        Self {
            q: splat(q.value()),
            twice_q: splat(2 * q.value()),
            negated_q: splat((1 << 52) - q.value()),
            radix: [splat(radix.value), splat(radix.quotient >> 12)],
            unit: splat((1 << 52) / q.value()),
            mask: splat((1 << 52) - 1),
        }
    }

    /// x mod q for x < 2q.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn subtract_once(self, x: __m512i) -> __m512i {
        _mm512_min_epu64(x, _mm512_sub_epi64(x, self.q))
    }

    /// H·2⁵² + L mod q, for H below 2⁵² with the carry of L.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn reduce(self, sum: Sum) -> __m512i {
        let zero = _mm512_setzero_si512();
        let h = _mm512_add_epi64(sum.high, _mm512_srli_epi64::<52>(sum.low));
        let l = _mm512_and_si512(sum.low, self.mask);
        let of_high = _mm512_madd52hi_epu64(zero, h, self.radix[1]);
        let of_low = _mm512_madd52hi_epu64(zero, l, self.unit);
        let r1 =
            _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(zero, h, self.radix[0]), of_high, self.negated_q);
        let r2 = _mm512_madd52lo_epu64(l, of_low, self.negated_q);
        let r = _mm512_add_epi64(_mm512_and_si512(r1, self.mask), _mm512_and_si512(r2, self.mask));
        self.subtract_once(_mm512_min_epu64(r, _mm512_sub_epi64(r, self.twice_q)))
    }

    /// a·w mod q for a < 2⁵² and a prepared w.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn mul_shoup(self, a: __m512i, [value, quotient]: [__m512i; 2]) -> __m512i {
        let zero = _mm512_setzero_si512();
        let estimate = _mm512_madd52hi_epu64(zero, a, quotient);
        let r = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(zero, a, value), estimate, self.negated_q);
        self.subtract_once(_mm512_and_si512(r, self.mask))
    }
}

/// A prepared factor in every lane: ⌊⌊w·2⁶⁴/q⌋/2¹²⌋ is ⌊w·2⁵²/q⌋.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn shoup(w: ShoupFactor) -> [__m512i; 2] {
    [splat(w.value), splat(w.quotient >> 12)]
}

/// H·2⁵² + L.
#[derive(Clone, Copy)]
struct Sum {
    high: __m512i,
    low: __m512i,
}

impl Sum {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn from(low: __m512i) -> Self {
        Self { high: _mm512_setzero_si512(), low }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn add_product(self, a: __m512i, b: __m512i) -> Self {
        Self { high: _mm512_madd52hi_epu64(self.high, a, b), low: _mm512_madd52lo_epu64(self.low, a, b) }
    }
}

/// How many products of operands of `bits` and `other_bits` bits a [`Sum`] holds beside a residue.
fn capacity(bits: u32, other_bits: u32) -> usize {
    // The low halves fill 64 bits after 2¹² of them.
    1 << (104 - bits - other_bits).min(11)
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn mul_assign(q: Modulus, a: &mut [u64], b: &[u64]) {
    let lanes = Lanes::new(q);
    with_operand!(a, b, |x, y| lanes.reduce(Sum::from(_mm512_setzero_si512()).add_product(x, y)), |a, b| {
        scalar::mul_assign(q, a, b);
    });
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn sub_product(q: Modulus, a: &mut [u64], b: &[u64], c: &[u64]) {
    let lanes = Lanes::new(q);
    let [(b, b_tail), (c, c_tail)] = [b, c].map(|limb| limb.as_chunks::<LANES>());
    let (a, a_tail) = a.as_chunks_mut::<LANES>();
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        let negated = _mm512_sub_epi64(lanes.q, load(b));
        let difference = lanes.reduce(Sum::from(load(a)).add_product(negated, load(c)));
        store(a, difference);
    }
    scalar::sub_product(q, a_tail, b_tail, c_tail);
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn mul_constant(q: Modulus, a: &mut [u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), shoup(w));
    in_place!(a, |x| lanes.mul_shoup(x, factor), |a| {
        scalar::mul_constant(q, a, w);
    });
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn add_scaled(q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), shoup(w));
    with_operand!(
        a,
        b,
        |x, y| lanes.subtract_once(_mm512_add_epi64(x, lanes.mul_shoup(y, factor))),
        |a, b| {
            scalar::add_scaled(q, a, b, w);
        }
    );
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn sub_from_and_scale(q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
    let (lanes, factor) = (Lanes::new(q), shoup(w));
    with_operand!(
        a,
        b,
        // b − a + q is below 2q, which the product takes.
        |x, y| lanes.mul_shoup(_mm512_sub_epi64(_mm512_add_epi64(y, lanes.q), x), factor),
        |a, b| {
            scalar::sub_from_and_scale(q, a, b, w);
        }
    );
}

/// A few terms at a time: the processor prefetches few streams of memory, and a term has four.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn add_tensors(q: Modulus, mut out: [&mut [u64]; 3], terms: &[[&[u64]; 4]]) {
    let of_prime = (q, Lanes::new(q));
    let (fours, others) = terms.as_chunks::<4>();
    let (pairs, others) = others.as_chunks::<2>();
    for terms in fours {
        add_few_tensors(of_prime, &mut out, terms);
    }
    for terms in pairs {
        add_few_tensors(of_prime, &mut out, terms);
    }
    for &term in others {
        add_few_tensors(of_prime, &mut out, &[term]);
    }
}

/// The same for so few terms that their sums need no reduction in between: for 50 bits, [`capacity`] is 16, and d₁
/// takes two products of each term.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn add_few_tensors<const T: usize>(
    (q, lanes): (Modulus, Lanes),
    [d0, d1, d2]: &mut [&mut [u64]; 3],
    terms: &[[&[u64]; 4]; T],
) {
    const { assert!(2 * T <= 16) };
    let chunked = terms.map(|limbs| limbs.map(|limb| limb.as_chunks::<LANES>()));
    let [(d0, tail0), (d1, tail1), (d2, tail2)] = [d0, d1, d2].map(|out| out.as_chunks_mut::<LANES>());
    for (j, ((d0, d1), d2)) in d0.iter_mut().zip(d1).zip(d2).enumerate() {
        let [mut s0, mut s1, mut s2] = [Sum::from(load(d0)), Sum::from(load(d1)), Sum::from(load(d2))];
        for [a0, a1, b0, b1] in &chunked {
            let (a0, a1, b0, b1) = (load(&a0.0[j]), load(&a1.0[j]), load(&b0.0[j]), load(&b1.0[j]));
            s0 = s0.add_product(a0, b0);
            s1 = s1.add_product(a0, b1).add_product(a1, b0);
            s2 = s2.add_product(a1, b1);
        }
        store(d0, lanes.reduce(s0));
        store(d1, lanes.reduce(s1));
        store(d2, lanes.reduce(s2));
    }
    scalar::add_tensors(q, [tail0, tail1, tail2], &chunked.map(|limbs| limbs.map(|limb| limb.1)));
}

/// Σ dₖ·aₖ and Σ dₖ·bₖ for one vector of `terms`, of which `load` gives dₖ, aₖ and bₖ.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn pair_sums<T>(
    lanes: Lanes,
    capacity: usize,
    terms: &[T],
    load: impl Fn(&T) -> [__m512i; 3],
) -> [__m512i; 2] {
    let mut residues = [_mm512_setzero_si512(); 2];
    for terms in terms.chunks(capacity) {
        let [mut u, mut v] = residues.map(|residue| Sum::from(residue));
        for term in terms {
            let [digit, a, b] = load(term);
            u = u.add_product(digit, a);
            v = v.add_product(digit, b);
        }
        residues = [lanes.reduce(u), lanes.reduce(v)];
    }
    residues
}

/// Reads packed residues, a vector at a time. `vpermb` moves the eight bytes from the first byte of a residue on to its
/// lane, and the residue is shifted to the lane's first bit.
#[derive(Clone, Copy)]
struct Unpacker {
    bits: usize,
    bytes: __m512i,
    shifts: __m512i,
    mask: __m512i,
}

impl Unpacker {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    fn new(bits: u32) -> Self {
        let firsts: [usize; LANES] = std::array::from_fn(|lane| lane * bits as usize);
        let bytes =
            firsts.map(|first| u64::from_le_bytes(std::array::from_fn(|byte| (first / 8 + byte) as u8)));
        Self {
            bits: bits as usize,
            bytes: load(&bytes),
            shifts: load(&firsts.map(|first| first as u64 % 8)),
            mask: splat(u64::MAX >> (u64::BITS - bits)),
        }
    }

    /// The residues of vector `index`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn load(self, limb: &PackedLimb<'_>, index: usize) -> __m512i {
        debug_assert!((index + 1) * LANES <= limb.len());
        // SAFETY: a vector of the limb begins inside it.
        let bytes = unsafe { limb.padded_bytes().as_ptr().add(index * self.bits) };
        // SAFETY: the 64 bytes from there on are those of the limb and of its padding, and the load has no alignment
        // requirement.
        let bytes = unsafe { _mm512_loadu_si512(bytes.cast()) };
        let words = _mm512_permutexvar_epi8(self.bytes, bytes);
        _mm512_and_si512(_mm512_srlv_epi64(words, self.shifts), self.mask)
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn sum_of_packed_pairs(q: Modulus, out: [&mut [u64]; 2], terms: &[(&[u64], [PackedLimb<'_>; 2])]) {
    let (lanes, capacity, unpacker) = (Lanes::new(q), capacity(q.bits(), q.bits()), Unpacker::new(q.bits()));
    let chunked: Vec<(Chunked<'_>, [PackedLimb<'_>; 2])> =
        terms.iter().map(|(digit, key)| (digit.as_chunks::<LANES>(), *key)).collect();
    let [(u, tail_u), (v, tail_v)] = out.map(|out| out.as_chunks_mut::<LANES>());
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let [sum_u, sum_v] = pair_sums(lanes, capacity, &chunked, |(digit, [a, b])| {
            [load(&digit.0[j]), unpacker.load(a, j), unpacker.load(b, j)]
        });
        store(u, sum_u);
        store(v, sum_v);
    }
    if !tail_u.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|(digit, key)| (digit.1, key.map(PackedLimb::tail))).collect();
        scalar::sum_of_packed_pairs(q, [tail_u, tail_v], &terms);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn sum_of_packed_multiples(
    q: Modulus,
    out: [&mut [u64]; 2],
    terms: &[(PackedLimb<'_>, [&[u64]; 2])],
) {
    let (lanes, capacity, unpacker) = (Lanes::new(q), capacity(q.bits(), q.bits()), Unpacker::new(q.bits()));
    let chunked: Vec<(PackedLimb<'_>, [Chunked<'_>; 2])> =
        terms.iter().map(|(m, pair)| (*m, pair.map(|limb| limb.as_chunks::<LANES>()))).collect();
    let [(u, tail_u), (v, tail_v)] = out.map(|out| out.as_chunks_mut::<LANES>());
    for (j, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let [sum_u, sum_v] = pair_sums(lanes, capacity, &chunked, |(m, [a, b])| {
            [unpacker.load(m, j), load(&a.0[j]), load(&b.0[j])]
        });
        store(u, sum_u);
        store(v, sum_v);
    }
    if !tail_u.is_empty() {
        let terms: Vec<_> = chunked.iter().map(|(m, pair)| (m.tail(), pair.map(|limb| limb.1))).collect();
        scalar::sum_of_packed_multiples(q, [tail_u, tail_v], &terms);
    }
}

/// A modulus and weights for [`weighted_sums`], in lanes.
struct Weighted {
    lanes: Lanes,
    /// q⁻¹ modulo 2⁵².
    inverse: __m512i,
    /// wₖ·2⁵² mod q.
    weights: Vec<__m512i>,
}

/// Vectors that are summed together.
const GROUP: usize = 4;
/// Groups of a block whose sources stay in the first cache.
const BLOCK: usize = 8;
/// Terms of a sum whose reduction ends below 4q.
const TERMS: usize = 12;

impl Weighted {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    fn new(q: Modulus, weights: &[u64]) -> Self {
        // Newton's iteration: each step doubles the number of right bits, of which q has three.
        let inverse =
            (0..5).fold(q.value(), |x: u64, _| x.wrapping_mul(2u64.wrapping_sub(q.value().wrapping_mul(x))));
        Self {
            lanes: Lanes::new(q),
            inverse: splat(inverse),
            weights: weights.iter().map(|&w| splat(q.mul_shoup(w, q.radix()))).collect(),
        }
    }

    /// Σ yₖ·wₖ mod q for the vectors of group `index`, of at most [`TERMS`] sources.
    ///
    /// By Montgomery's reduction with R = 2⁵²: T = Σ yₖ·(wₖR mod q) is below k·2⁵⁰·q, and for m = T·q⁻¹ mod R the
    /// integer (T − mq)/R = ⌊T/R⌋ − ⌊mq/R⌋ is in (−q, kq/4).
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn sum(
        &self,
        sources: &[&[[[u64; LANES]; GROUP]]],
        weights: &[__m512i],
        index: usize,
    ) -> [__m512i; GROUP] {
        let mut sums = [Sum { high: self.lanes.q, low: _mm512_setzero_si512() }; GROUP];
        for (y, &w) in sources.iter().zip(weights) {
            for (sum, y) in sums.iter_mut().zip(&y[index]) {
                *sum = sum.add_product(load(y), w);
            }
        }
        sums.map(|Sum { high, low }| {
            let zero = _mm512_setzero_si512();
            let m = _mm512_madd52lo_epu64(zero, low, self.inverse);
            let high = _mm512_add_epi64(high, _mm512_srli_epi64::<52>(low));
            let r = _mm512_sub_epi64(high, _mm512_madd52hi_epu64(zero, m, self.lanes.q));
            self.lanes.subtract_once(_mm512_min_epu64(r, _mm512_sub_epi64(r, self.lanes.twice_q)))
        })
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn weighted_sums(out: &mut [&mut [u64]], sources: &[&[u64]], targets: &[(Modulus, &[u64])]) {
    let weighted: Vec<_> = targets.iter().map(|&(q, weights)| Weighted::new(q, weights)).collect();
    let groups: Vec<_> = sources.iter().map(|y| y.as_chunks::<LANES>().0.as_chunks::<GROUP>().0).collect();
    let count = groups.first().map_or(0, |y| y.len());
    for first in (0..count).step_by(BLOCK) {
        for (out, target) in out.iter_mut().zip(&weighted) {
            let (out, _) = out.as_chunks_mut::<LANES>().0.as_chunks_mut::<GROUP>();
            for (index, out) in out.iter_mut().enumerate().skip(first).take(BLOCK) {
                let (head, tail) = groups.split_at(groups.len().min(TERMS));
                let mut residues = target.sum(head, &target.weights, index);
                for (sources, weights) in tail.chunks(TERMS).zip(target.weights[head.len()..].chunks(TERMS)) {
                    for (residue, summand) in residues.iter_mut().zip(target.sum(sources, weights, index)) {
                        *residue = target.lanes.subtract_once(_mm512_add_epi64(*residue, summand));
                    }
                }
                for (out, residue) in out.iter_mut().zip(residues) {
                    store(out, residue);
                }
            }
        }
    }
    let done = count * GROUP * LANES;
    let tails: Vec<_> = sources.iter().map(|y| &y[done..]).collect();
    let mut out: Vec<_> = out.iter_mut().map(|out| &mut out[done..]).collect();
    scalar::weighted_sums(&mut out, &tails, targets);
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn lift_signed(q: Modulus, out: &mut [u64], values: &[i64]) {
    let lanes = Lanes::new(q);
    let (chunks, tail) = out.as_chunks_mut::<LANES>();
    let (signed, signed_tail) = values.as_chunks::<LANES>();
    for (out, values) in chunks.iter_mut().zip(signed) {
        let x = load(&values.map(i64::cast_unsigned));
        let negative = _mm512_srai_epi64::<63>(x);
        let magnitude = _mm512_sub_epi64(_mm512_xor_si512(x, negative), negative);
        let residue = lanes.reduce(Sum::from(magnitude));
        // q − r where negative, by two's complement; q itself becomes 0.
        let signed = _mm512_sub_epi64(_mm512_xor_si512(residue, negative), negative);
        let offset = _mm512_and_si512(lanes.q, negative);
        store(out, lanes.subtract_once(_mm512_add_epi64(signed, offset)));
    }
    scalar::lift_signed(q, tail, signed_tail);
}
