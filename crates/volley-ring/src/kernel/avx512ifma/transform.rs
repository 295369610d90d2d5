//! The number-theoretic transform for AVX-512 with 52-bit integer multiply-add.
//!
//! Cooley-Tukey forward and Gentleman-Sande inverse transforms, in place, between natural and bit-reversed order, as in
//! [`crate::ntt`]. The nodes of the recursion are numbered as in a heap: the root is 1, the halves of node k are 2k and
//! 2k + 1, and node k multiplies the upper half of its block by ψ^br(k), br being the reversal of log₂ N bits. Two stages
//! are done at a time (radix 4): depth first down to blocks that fit the first cache, stage by stage within those. The
//! last five stages run on *leaves* of four vectors, three of them within pairs of vectors; the factors of
//! neighbouring leaves are neighbours.
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
/// Vectors of a leaf.
const LEAF: usize = 4;
/// Vectors of a block that stays in the first cache, with its factors: 4^k.
const CACHED: usize = 256;
/// Smallest degree: a leaf.
pub(in crate::kernel) const MIN_DEGREE: usize = LEAF * LANES;

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

    /// The factors of neighbouring leaves, from leaf `node` on.
    fn leaves(&self, node: usize) -> impl Iterator<Item = (LeafWords<'_>, LeafWords<'_>)> {
        leaf_words(&self.values, node).zip(leaf_words(&self.partners, node))
    }
}

/// What the five stages of a leaf take: of itself, its halves, its vectors, their halves and their quarters.
type LeafWords<'a> = (&'a u64, &'a [u64; 2], &'a [u64; 4], &'a [u64; 8], &'a [u64; 16]);

fn leaf_words(words: &[u64], node: usize) -> impl Iterator<Item = LeafWords<'_>> {
    let leaves = words[node..].iter().zip(words[2 * node..].as_chunks::<2>().0);
    let vectors = words[4 * node..].as_chunks::<4>().0;
    let halves = words[8 * node..].as_chunks::<8>().0;
    let quarters = words[16 * node..].as_chunks::<16>().0;
    leaves
        .zip(vectors)
        .zip(halves.iter().zip(quarters))
        .map(|(((leaf, parts), vectors), (halves, quarters))| (leaf, parts, vectors, halves, quarters))
}

/// The factors of one leaf in lanes.
struct LeafFactors {
    whole: Factor,
    parts: [Factor; 2],
    /// For each pair of vectors: of the vectors, their halves and their quarters.
    pairs: [[Factor; 3]; 2],
}

impl LeafFactors {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn new((values, partners): (LeafWords<'_>, LeafWords<'_>)) -> Self {
        let factor = |value, partner| Factor { value: splat(value), partner: splat(partner) };
        let (by_two, by_four) =
            (_mm512_set_epi64(1, 1, 1, 1, 0, 0, 0, 0), _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0));
        let pair = |index: usize| {
            let two =
                |words: &[u64; 4]| _mm512_permutexvar_epi64(by_two, load_two(&words.as_chunks().0[index]));
            let four =
                |words: &[u64; 8]| _mm512_permutexvar_epi64(by_four, load_four(&words.as_chunks().0[index]));
            let eight = |words: &[u64; 16]| load(&words.as_chunks().0[index]);
            [
                Factor { value: two(values.2), partner: two(partners.2) },
                Factor { value: four(values.3), partner: four(partners.3) },
                Factor { value: eight(values.4), partner: eight(partners.4) },
            ]
        };
        Self {
            whole: factor(*values.0, *partners.0),
            parts: [factor(values.1[0], partners.1[0]), factor(values.1[1], partners.1[1])],
            pairs: [pair(0), pair(1)],
        }
    }
}

/// Two words in the first lanes.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn load_two(words: &[u64; 2]) -> __m512i {
    // SAFETY: the reference is to 16 readable bytes, and the load has no alignment requirement.
    _mm512_castsi128_si512(unsafe { _mm_loadu_si128(words.as_ptr().cast()) })
}

/// Four words in the first lanes.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn load_four(words: &[u64; 4]) -> __m512i {
    // SAFETY: the reference is to 32 readable bytes, and the load has no alignment requirement.
    _mm512_castsi256_si512(unsafe { _mm256_loadu_si256(words.as_ptr().cast()) })
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
    if a.len() > CACHED {
        forward_stages::<LAZY>(lanes, factors, a, node);
        let quarter = a.len() / 4;
        for (child, block) in a.chunks_exact_mut(quarter).enumerate() {
            forward_node::<LAZY>(lanes, factors, block, 4 * node + child);
        }
        return;
    }
    let (mut size, mut first) = (a.len(), node);
    while size > LEAF {
        for (index, block) in a.chunks_exact_mut(size).enumerate() {
            forward_stages::<LAZY>(lanes, factors, block, first + index);
        }
        size /= 4;
        first *= 4;
    }
    forward_leaves::<LAZY>(lanes, factors, a, first);
}

/// Two stages of a block.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn forward_stages<const LAZY: bool>(lanes: Lanes, factors: &Factors, a: &mut [[u64; LANES]], node: usize) {
    let (w, upper, lower) = (factors.splat(node), factors.splat(2 * node), factors.splat(2 * node + 1));
    let (first, second) = a.split_at_mut(a.len() / 2);
    let ((a0, a1), (a2, a3)) = (first.split_at_mut(first.len() / 2), second.split_at_mut(second.len() / 2));
    for (((p0, p1), p2), p3) in a0.iter_mut().zip(a1).zip(a2).zip(a3) {
        let [x0, x2] = forward_butterfly::<LAZY>(lanes, load(p0), load(p2), w);
        let [x1, x3] = forward_butterfly::<LAZY>(lanes, load(p1), load(p3), w);
        let [x0, x1] = forward_butterfly::<LAZY>(lanes, x0, x1, upper);
        let [x2, x3] = forward_butterfly::<LAZY>(lanes, x2, x3, lower);
        store(p0, x0);
        store(p1, x1);
        store(p2, x2);
        store(p3, x3);
    }
}

/// The last five stages, from leaf `node` on, and the reduction.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn forward_leaves<const LAZY: bool>(lanes: Lanes, factors: &Factors, a: &mut [[u64; LANES]], node: usize) {
    let (leaves, _) = a.as_chunks_mut::<LEAF>();
    for ([p0, p1, p2, p3], words) in leaves.iter_mut().zip(factors.leaves(node)) {
        let LeafFactors { whole, parts: [upper, lower], pairs: [first, second] } = LeafFactors::new(words);
        let [x0, x2] = forward_butterfly::<LAZY>(lanes, load(p0), load(p2), whole);
        let [x1, x3] = forward_butterfly::<LAZY>(lanes, load(p1), load(p3), whole);
        let [x0, x1] = forward_butterfly::<LAZY>(lanes, x0, x1, upper);
        let [x2, x3] = forward_butterfly::<LAZY>(lanes, x2, x3, lower);
        let [x0, x1] = forward_pair::<LAZY>(lanes, x0, x1, first);
        let [x2, x3] = forward_pair::<LAZY>(lanes, x2, x3, second);
        store(p0, x0);
        store(p1, x1);
        store(p2, x2);
        store(p3, x3);
    }
}

/// The last three stages of two neighbouring vectors, and the reduction.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn forward_pair<const LAZY: bool>(
    lanes: Lanes,
    x: __m512i,
    y: __m512i,
    [vectors, halves, quarters]: [Factor; 3],
) -> [__m512i; 2] {
    // Halves: lanes 0-3 of both, and lanes 4-7 of both.
    let u = _mm512_permutex2var_epi64(x, _mm512_set_epi64(11, 10, 9, 8, 3, 2, 1, 0), y);
    let v = _mm512_permutex2var_epi64(x, _mm512_set_epi64(15, 14, 13, 12, 7, 6, 5, 4), y);
    let [a, b] = forward_butterfly::<LAZY>(lanes, u, v, vectors);
    // Quarters: the first two and the last two lanes of each half.
    let u = _mm512_permutex2var_epi64(a, _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), b);
    let v = _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2), b);
    let [a, b] = forward_butterfly::<LAZY>(lanes, u, v, halves);
    // Even and odd lanes.
    let (u, v) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let [a, b] = forward_butterfly::<LAZY>(lanes, u, v, quarters);
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
    if a.len() > CACHED {
        let quarter = a.len() / 4;
        for (child, block) in a.chunks_exact_mut(quarter).enumerate() {
            inverse_node::<false>(lanes, factors, block, 4 * node + child);
        }
        inverse_stages::<LAST>(lanes, factors, a, node);
        return;
    }
    let (mut size, mut first) = (LEAF, node * (a.len() / LEAF));
    inverse_leaves(lanes, factors, a, first);
    while size < a.len() {
        size *= 4;
        first /= 4;
        for (index, block) in a.chunks_exact_mut(size).enumerate() {
            inverse_stages::<false>(lanes, factors, block, first + index);
        }
    }
    if LAST {
        for block in a {
            let reduced = lanes.subtract_once(load(block));
            store(block, reduced);
        }
    }
}

/// Two stages of a block.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn inverse_stages<const LAST: bool>(lanes: Lanes, factors: &Factors, a: &mut [[u64; LANES]], node: usize) {
    let (w, upper, lower) = (factors.splat(node), factors.splat(2 * node), factors.splat(2 * node + 1));
    let (first, second) = a.split_at_mut(a.len() / 2);
    let ((a0, a1), (a2, a3)) = (first.split_at_mut(first.len() / 2), second.split_at_mut(second.len() / 2));
    for (((p0, p1), p2), p3) in a0.iter_mut().zip(a1).zip(a2).zip(a3) {
        let [x0, x1] = inverse_butterfly(lanes, load(p0), load(p1), upper);
        let [x2, x3] = inverse_butterfly(lanes, load(p2), load(p3), lower);
        let [x0, x2] = inverse_butterfly(lanes, x0, x2, w);
        let [x1, x3] = inverse_butterfly(lanes, x1, x3, w);
        for (p, x) in [(p0, x0), (p1, x1), (p2, x2), (p3, x3)] {
            store(p, if LAST { lanes.subtract_once(x) } else { x });
        }
    }
}

/// The first five stages, from leaf `node` on.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn inverse_leaves(lanes: Lanes, factors: &Factors, a: &mut [[u64; LANES]], node: usize) {
    let (leaves, _) = a.as_chunks_mut::<LEAF>();
    for ([p0, p1, p2, p3], words) in leaves.iter_mut().zip(factors.leaves(node)) {
        let LeafFactors { whole, parts: [upper, lower], pairs: [first, second] } = LeafFactors::new(words);
        let [x0, x1] = inverse_pair(lanes, load(p0), load(p1), first);
        let [x2, x3] = inverse_pair(lanes, load(p2), load(p3), second);
        let [x0, x1] = inverse_butterfly(lanes, x0, x1, upper);
        let [x2, x3] = inverse_butterfly(lanes, x2, x3, lower);
        let [x0, x2] = inverse_butterfly(lanes, x0, x2, whole);
        let [x1, x3] = inverse_butterfly(lanes, x1, x3, whole);
        store(p0, x0);
        store(p1, x1);
        store(p2, x2);
        store(p3, x3);
    }
}

/// The first three stages of two neighbouring vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn inverse_pair(
    lanes: Lanes,
    x: __m512i,
    y: __m512i,
    [vectors, halves, quarters]: [Factor; 3],
) -> [__m512i; 2] {
    // Even and odd lanes.
    let u = _mm512_permutex2var_epi64(x, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), y);
    let v = _mm512_permutex2var_epi64(x, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), y);
    let [a, b] = inverse_butterfly(lanes, u, v, quarters);
    // Quarters: the first two and the last two lanes of each half.
    let (u, v) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let [a, b] = inverse_butterfly(lanes, u, v, halves);
    // Halves: lanes 0-3 of both, and lanes 4-7 of both.
    let u = _mm512_permutex2var_epi64(a, _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), b);
    let v = _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2), b);
    let [a, b] = inverse_butterfly(lanes, u, v, vectors);
    [
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(11, 10, 9, 8, 3, 2, 1, 0), b),
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 14, 13, 12, 7, 6, 5, 4), b),
    ]
}
