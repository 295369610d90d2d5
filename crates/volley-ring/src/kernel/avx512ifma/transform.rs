//! The number-theoretic transform for AVX-512 with 52-bit integer multiply-add.
//!
//! Cooley-Tukey forward and Gentleman-Sande inverse transforms, in place, between natural and bit-reversed order, as in
//! [`crate::ntt`]. The nodes of the recursion are numbered as in a heap: the root is 1, the halves of node k are 2k and
//! 2k + 1, and node k multiplies the upper half of its block by ψ^br(k), br being the reversal of log₂ N bits. Two stages
//! are done at a time (radix 4), depth first, so that a block stays in the cache once it fits. The last three stages
//! run within pairs of vectors.
//!
//! **Products** are Montgomery's with R = 2⁵²: for a twiddle factor w·R mod q and its partner (w·R)·q⁻¹ mod R,
//!
//! ```text
//! m = (v·partner) mod R,    v·w ≡ ⌊v·(wR)/R⌋ − ⌊m·q/R⌋ ∈ (−q, q)   modulo q, for any v < R,
//! ```
//!
//! three multiply-adds and no mask.
//!
//! **Bounds.** A forward butterfly takes (u, v) to u + q ± vw, in (u, u + 2q). For primes of at most 46 bits nothing is
//! reduced before the end: after s stages values are below (1 + 2s)·q ≤ 35q < 2⁵² for N ≤ 2^17. For longer primes u is
//! brought below 2q first, and values stay below 4q < 2⁵². An inverse butterfly takes u, v < 2q to u + v, brought below
//! 2q, and (u − v)·w + q < 2q. Results are reduced.

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm256_loadu_si256, _mm512_add_epi64, _mm512_and_si512, _mm512_castsi128_si512,
    _mm512_castsi256_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_min_epu64,
    _mm512_permutex2var_epi64, _mm512_permutexvar_epi64, _mm512_set_epi64, _mm512_setzero_si512,
    _mm512_sub_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use super::{LANES, Lanes, load, splat, store};
use crate::modulus::Modulus;

/// Longest prime whose forward transform is reduced only at the end.
const LAZY_BITS: u32 = 46;
/// Smallest degree: two stages on vectors, three within them.
pub(in crate::kernel) const MIN_DEGREE: usize = 4 * LANES;

/// Twiddle factors of one prime and degree.
pub(crate) struct Twiddles {
    modulus: Modulus,
    forward: Factors,
    inverse: Factors,
}

/// w·2⁵² mod q and the partner, by node.
struct Factors {
    values: Vec<u64>,
    partners: Vec<u64>,
}

impl Twiddles {
    /// For a primitive 2N-th root of unity ψ = `root`.
    pub(in crate::kernel) fn new(degree: usize, modulus: Modulus, root: u64) -> Self {
        let powers: Vec<u64> = std::iter::successors(Some(1), |&power| Some(modulus.mul(power, root)))
            .take(2 * degree)
            .collect();
        let shift = usize::BITS - degree.trailing_zeros();
        let exponents: Vec<usize> = (0..degree).map(|k| k.reverse_bits() >> shift).collect();
        let inverse = |exponent: usize| powers[(2 * degree - exponent) % (2 * degree)];
        Self {
            modulus,
            forward: Factors::new(modulus, exponents.iter().map(|&exponent| powers[exponent])),
            inverse: Factors::new(modulus, exponents.iter().map(|&exponent| inverse(exponent))),
        }
    }
}

impl Factors {
    fn new(modulus: Modulus, factors: impl Iterator<Item = u64>) -> Self {
        let q = modulus.value();
        // q⁻¹ modulo 2⁶⁴ by Newton's iteration: each step doubles the number of right bits, of which q has three.
        let inverse = (0..5).fold(q, |x, _| x.wrapping_mul(2u64.wrapping_sub(q.wrapping_mul(x))));
        let values: Vec<u64> = factors.map(|factor| modulus.mul_shoup(factor, modulus.radix())).collect();
        let partners = values.iter().map(|value| value.wrapping_mul(inverse) & ((1 << 52) - 1)).collect();
        Self { values, partners }
    }

    /// One factor for all lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn splat(&self, node: usize) -> Factor {
        Factor { value: splat(self.values[node]), partner: splat(self.partners[node]) }
    }

    /// The factors of two nodes, each in four lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn two(&self, node: usize) -> Factor {
        let index = _mm512_set_epi64(1, 1, 1, 1, 0, 0, 0, 0);
        let spread = |words: &[u64]| {
            let (pairs, _) = words[node..].as_chunks::<2>();
            // SAFETY: the reference is to 16 readable bytes, and the load has no alignment requirement.
            let pair = unsafe { _mm_loadu_si128(pairs[0].as_ptr().cast()) };
            _mm512_permutexvar_epi64(index, _mm512_castsi128_si512(pair))
        };
        Factor { value: spread(&self.values), partner: spread(&self.partners) }
    }

    /// The factors of four nodes, each in two lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn four(&self, node: usize) -> Factor {
        let index = _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0);
        let spread = |words: &[u64]| {
            let (quadruples, _) = words[node..].as_chunks::<4>();
            // SAFETY: the reference is to 32 readable bytes, and the load has no alignment requirement.
            let quadruple = unsafe { _mm256_loadu_si256(quadruples[0].as_ptr().cast()) };
            _mm512_permutexvar_epi64(index, _mm512_castsi256_si512(quadruple))
        };
        Factor { value: spread(&self.values), partner: spread(&self.partners) }
    }

    /// The factors of eight nodes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn eight(&self, node: usize) -> Factor {
        let load = |words: &[u64]| {
            let (octuples, _) = words[node..].as_chunks::<LANES>();
            load(&octuples[0])
        };
        Factor { value: load(&self.values), partner: load(&self.partners) }
    }
}

/// Twiddle factors in lanes.
#[derive(Clone, Copy)]
struct Factor {
    value: __m512i,
    partner: __m512i,
}

/// v·w modulo q plus `offset`, in (offset − q, offset + q).
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn product(lanes: Lanes, offset: __m512i, v: __m512i, w: Factor) -> __m512i {
    let zero = _mm512_setzero_si512();
    let m = _mm512_madd52lo_epu64(zero, v, w.partner);
    _mm512_sub_epi64(_mm512_madd52hi_epu64(offset, v, w.value), _mm512_madd52hi_epu64(zero, m, lanes.q))
}

/// x brought below 2q, for x < 4q.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn halve(lanes: Lanes, x: __m512i) -> __m512i {
    _mm512_min_epu64(x, _mm512_sub_epi64(x, lanes.twice_q))
}

/// (u + vw, u − vw) plus q.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn forward_butterfly<const LAZY: bool>(lanes: Lanes, u: __m512i, v: __m512i, w: Factor) -> [__m512i; 2] {
    let u = if LAZY { u } else { halve(lanes, u) };
    let offset = _mm512_add_epi64(u, lanes.q);
    let sum = product(lanes, offset, v, w);
    [sum, _mm512_sub_epi64(_mm512_add_epi64(offset, offset), sum)]
}

/// (u + v, (u − v)·w), each below 2q.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn inverse_butterfly(lanes: Lanes, u: __m512i, v: __m512i, w: Factor) -> [__m512i; 2] {
    let difference = _mm512_sub_epi64(_mm512_add_epi64(u, lanes.twice_q), v);
    [halve(lanes, _mm512_add_epi64(u, v)), product(lanes, lanes.q, difference, w)]
}

/// Coefficients to evaluations.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(in crate::kernel) fn forward(twiddles: &Twiddles, limb: &mut [u64]) {
    let lanes = Lanes::new(twiddles.modulus);
    let (a, _) = limb.as_chunks_mut::<LANES>();
    if twiddles.modulus.bits() <= LAZY_BITS {
        forward_root::<true>(lanes, &twiddles.forward, a);
    } else {
        forward_root::<false>(lanes, &twiddles.forward, a);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn forward_root<const LAZY: bool>(lanes: Lanes, factors: &Factors, a: &mut [[u64; LANES]]) {
    if a.len().ilog2().is_multiple_of(2) {
        forward_node::<LAZY>(lanes, factors, a, 1);
        return;
    }
    // An odd number of stages on vectors: one by itself.
    let w = factors.splat(1);
    let (low, high) = a.split_at_mut(a.len() / 2);
    for (u, v) in low.iter_mut().zip(high.iter_mut()) {
        let [x, y] = forward_butterfly::<LAZY>(lanes, load(u), load(v), w);
        store(u, x);
        store(v, y);
    }
    forward_node::<LAZY>(lanes, factors, low, 2);
    forward_node::<LAZY>(lanes, factors, high, 3);
}

/// The block of a node, of 4, 16, 64, … vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn forward_node<const LAZY: bool>(lanes: Lanes, factors: &Factors, a: &mut [[u64; LANES]], node: usize) {
    let (w, upper, lower) = (factors.splat(node), factors.splat(2 * node), factors.splat(2 * node + 1));
    let quarter = a.len() / 4;
    let (first, second) = a.split_at_mut(2 * quarter);
    let ((a0, a1), (a2, a3)) = (first.split_at_mut(quarter), second.split_at_mut(quarter));
    for (((p0, p1), p2), p3) in a0.iter_mut().zip(a1.iter_mut()).zip(a2.iter_mut()).zip(a3.iter_mut()) {
        let [x0, x2] = forward_butterfly::<LAZY>(lanes, load(p0), load(p2), w);
        let [x1, x3] = forward_butterfly::<LAZY>(lanes, load(p1), load(p3), w);
        let [x0, x1] = forward_butterfly::<LAZY>(lanes, x0, x1, upper);
        let [x2, x3] = forward_butterfly::<LAZY>(lanes, x2, x3, lower);
        if quarter == 1 {
            let [x0, x1] = forward_pair::<LAZY>(lanes, factors, x0, x1, 4 * node);
            let [x2, x3] = forward_pair::<LAZY>(lanes, factors, x2, x3, 4 * node + 2);
            store(p0, x0);
            store(p1, x1);
            store(p2, x2);
            store(p3, x3);
        } else {
            store(p0, x0);
            store(p1, x1);
            store(p2, x2);
            store(p3, x3);
        }
    }
    if quarter > 1 {
        for (child, block) in [a0, a1, a2, a3].into_iter().enumerate() {
            forward_node::<LAZY>(lanes, factors, block, 4 * node + child);
        }
    }
}

/// The last three stages of two neighbouring vectors, nodes `node` and `node` + 1, and the reduction.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn forward_pair<const LAZY: bool>(
    lanes: Lanes,
    factors: &Factors,
    x: __m512i,
    y: __m512i,
    node: usize,
) -> [__m512i; 2] {
    // Halves: lanes 0-3 of both, and lanes 4-7 of both.
    let u = _mm512_permutex2var_epi64(x, _mm512_set_epi64(11, 10, 9, 8, 3, 2, 1, 0), y);
    let v = _mm512_permutex2var_epi64(x, _mm512_set_epi64(15, 14, 13, 12, 7, 6, 5, 4), y);
    let [a, b] = forward_butterfly::<LAZY>(lanes, u, v, factors.two(node));
    // Quarters: the first two and the last two lanes of each half.
    let u = _mm512_permutex2var_epi64(a, _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), b);
    let v = _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2), b);
    let [a, b] = forward_butterfly::<LAZY>(lanes, u, v, factors.four(2 * node));
    // Even and odd lanes.
    let (u, v) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let [a, b] = forward_butterfly::<LAZY>(lanes, u, v, factors.eight(4 * node));
    let (a, b) = (reduce::<LAZY>(lanes, a), reduce::<LAZY>(lanes, b));
    [
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), b),
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), b),
    ]
}

/// x mod q for what a forward transform ends with.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn reduce<const LAZY: bool>(lanes: Lanes, x: __m512i) -> __m512i {
    let below_twice = if LAZY {
        let estimate = _mm512_madd52hi_epu64(_mm512_setzero_si512(), x, lanes.unit);
        _mm512_and_si512(_mm512_madd52lo_epu64(x, estimate, lanes.negated_q), lanes.mask)
    } else {
        halve(lanes, x)
    };
    lanes.subtract_once(below_twice)
}

/// Evaluations to coefficients, times N.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(in crate::kernel) fn inverse_unscaled(twiddles: &Twiddles, limb: &mut [u64]) {
    let (lanes, factors) = (Lanes::new(twiddles.modulus), &twiddles.inverse);
    let (a, _) = limb.as_chunks_mut::<LANES>();
    if a.len().ilog2().is_multiple_of(2) {
        inverse_node::<true>(lanes, factors, a, 1);
        return;
    }
    let (low, high) = a.split_at_mut(a.len() / 2);
    inverse_node::<false>(lanes, factors, low, 2);
    inverse_node::<false>(lanes, factors, high, 3);
    let w = factors.splat(1);
    for (u, v) in low.iter_mut().zip(high) {
        let [x, y] = inverse_butterfly(lanes, load(u), load(v), w);
        store(u, lanes.subtract_once(x));
        store(v, lanes.subtract_once(y));
    }
}

/// The block of a node, of 4, 16, 64, … vectors; reduced where it is the last.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn inverse_node<const LAST: bool>(lanes: Lanes, factors: &Factors, a: &mut [[u64; LANES]], node: usize) {
    let (w, upper, lower) = (factors.splat(node), factors.splat(2 * node), factors.splat(2 * node + 1));
    let quarter = a.len() / 4;
    let (first, second) = a.split_at_mut(2 * quarter);
    let ((a0, a1), (a2, a3)) = (first.split_at_mut(quarter), second.split_at_mut(quarter));
    let mut blocks = [a0, a1, a2, a3];
    if quarter > 1 {
        for (child, block) in blocks.iter_mut().enumerate() {
            inverse_node::<false>(lanes, factors, block, 4 * node + child);
        }
    }
    let [a0, a1, a2, a3] = blocks;
    for (((p0, p1), p2), p3) in a0.iter_mut().zip(a1).zip(a2).zip(a3) {
        let (mut x0, mut x1, mut x2, mut x3) = (load(p0), load(p1), load(p2), load(p3));
        if quarter == 1 {
            [x0, x1] = inverse_pair(lanes, factors, x0, x1, 4 * node);
            [x2, x3] = inverse_pair(lanes, factors, x2, x3, 4 * node + 2);
        }
        let [x0, x1] = inverse_butterfly(lanes, x0, x1, upper);
        let [x2, x3] = inverse_butterfly(lanes, x2, x3, lower);
        let [x0, x2] = inverse_butterfly(lanes, x0, x2, w);
        let [x1, x3] = inverse_butterfly(lanes, x1, x3, w);
        if LAST {
            store(p0, lanes.subtract_once(x0));
            store(p1, lanes.subtract_once(x1));
            store(p2, lanes.subtract_once(x2));
            store(p3, lanes.subtract_once(x3));
        } else {
            store(p0, x0);
            store(p1, x1);
            store(p2, x2);
            store(p3, x3);
        }
    }
}

/// The first three stages of two neighbouring vectors, nodes `node` and `node` + 1.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn inverse_pair(lanes: Lanes, factors: &Factors, x: __m512i, y: __m512i, node: usize) -> [__m512i; 2] {
    // Even and odd lanes.
    let u = _mm512_permutex2var_epi64(x, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), y);
    let v = _mm512_permutex2var_epi64(x, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), y);
    let [a, b] = inverse_butterfly(lanes, u, v, factors.eight(4 * node));
    // Quarters: the first two and the last two lanes of each half.
    let (u, v) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let [a, b] = inverse_butterfly(lanes, u, v, factors.four(2 * node));
    // Halves: lanes 0-3 of both, and lanes 4-7 of both.
    let u = _mm512_permutex2var_epi64(a, _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), b);
    let v = _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2), b);
    let [a, b] = inverse_butterfly(lanes, u, v, factors.two(node));
    [
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(11, 10, 9, 8, 3, 2, 1, 0), b),
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 14, 13, 12, 7, 6, 5, 4), b),
    ]
}
