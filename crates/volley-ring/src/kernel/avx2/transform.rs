//! The number-theoretic transform for AVX2 with fused multiply-add, in floating point.
//!
//! Cooley-Tukey forward and Gentleman-Sande inverse transforms, in place, between natural and bit-reversed order, with
//! the nodes of the recursion numbered as in the scalar transform. Two stages are done at a time (radix 4): depth first
//! down to blocks that fit the first cache, stage by stage within those. The last four stages run on *leaves* of four
//! vectors, two of them within pairs of vectors; the factors of neighbouring leaves are neighbours. Between the first
//! pass, which reads residues, and the last, which writes them, a limb holds the bits of integral `f64` of either sign.
//!
//! **Products.** For a twiddle factor |w| ≤ q/2 and its ratio ρ = w/q, rounded,
//!
//! ```text
//! e = ⌊v·ρ⌉,    h = v·w rounded,    l = v·w − h,    v·w − e·q = (h − e·q) + l.
//! ```
//!
//! ρ is w · 1/q, rounded twice, so |ρ − w/q| ≤ 2⁻⁵³ (and a little: q is not quite 2⁵⁰), and with b = |v|/q
//!
//! ```text
//! |v·w − e·q| ≤ q·(1/2 + b·q·2⁻⁵³).                                                                         (1)
//! ```
//!
//! It is exact for |v| < 2⁵²: |v·ρ| ≤ 2⁵¹, where adding 3·2⁵¹ rounds to an integer; |h| < 2¹⁰¹, so |l| ≤ 2⁴⁸, which the
//! fused operation gives exactly; h − e·q is the result, at most q, less l, so an integer below 2⁵³. An integer
//! |x| < 2⁵² less the multiple of q nearest to it, by x · 1/q rounded, is at most q/2 + 1 in size.
//!
//! **Bounds**, in units of q, must stay below 2⁵²/q, which is more than 4, and for primes of at most 46 bits 64. Per
//! stage of a forward transform u becomes u ± vw:
//!
//! * To 46 bits, (1) is 1/2 + b/128. After s stages b ≤ (1 + s/2)·(1 + 1/128)ˢ, below 64 for s ≤ 60: nothing is
//!   reduced.
//! * Above, (1) is 1/2 + b/8. The leaf, and from there every second pass upwards, reduces the values that it does not
//!   multiply. Such a pass takes b ≤ 4 to 1/2 + (1/2 + 4/8) = 3/2, then to 3/2 + (1/2 + 3/16) < 2.2, and two stages
//!   more bring 2.2 below 3, then 3.9. It is the same in the leaf. A transform starts with residues, at b < 1; one
//!   stage alone brings them below 1.7.
//!
//! An inverse pass of two stages multiplies by its factors differences of up to 4b, and of its results one quarter is
//! the sum of four values, another the sum of two products:
//!
//! * To 46 bits, the leaf's four stages take b = 1 to 16, and then the first sum is reduced: b ≤ 2·(1/2 + 8/128) < 1.2.
//!   A pass brings this below 5, the next works with up to 20 and reduces the first sum. And so on, every second one.
//! * Above, both sums are reduced after any two stages: b ≤ 1 gives differences of at most 4 and products of at most
//!   1/2 + 4/8 = 1.
//!
//! In the last stage u + v is multiplied by the constant that scales the results, and u − v by the constant times w.
//! Both products are below q in size, by (1), as what they are of is below 64, or 4 for longer primes.
//!
//! The results are reduced to [0, q): the same residues as the scalar transform's.

use std::arch::x86_64::{
    __m128i, __m256d, _mm_loadu_si128, _mm256_add_pd, _mm256_castpd_si256, _mm256_castsi128_si256,
    _mm256_castsi256_pd, _mm256_fmsub_pd, _mm256_fnmadd_pd, _mm256_mul_pd, _mm256_permute2f128_pd,
    _mm256_permute4x64_pd, _mm256_set1_pd, _mm256_sub_pd, _mm256_unpackhi_pd, _mm256_unpacklo_pd,
};

use super::{LANES, Lanes, load, load_float, rounded_product, store};
use crate::kernel::floating::Twiddles;
use crate::modulus::ShoupFactor;

/// Longest prime whose transforms are reduced least.
const LAZY_BITS: u32 = 46;
/// Vectors of a leaf.
const LEAF: usize = 4;
/// Vectors of a block that stays in the first cache, with its factors: 4^k.
const CACHED: usize = 256;
/// Smallest degree: a pass before the leaf.
pub(in crate::kernel) const MIN_DEGREE: usize = 2 * LEAF * LANES;

/// Twiddle factors in lanes.
#[derive(Clone, Copy)]
struct Factor {
    value: __m256d,
    ratio: __m256d,
}

impl Factor {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn new(lanes: Lanes, value: __m256d) -> Self {
        Self { value, ratio: _mm256_mul_pd(value, lanes.reciprocal) }
    }

    /// One for all lanes.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn splat(lanes: Lanes, bits: u64) -> Self {
        Self::new(lanes, _mm256_set1_pd(f64::from_bits(bits)))
    }

    /// One for each half.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn halves(lanes: Lanes, bits: &[u64; 2]) -> Self {
        let pair = _mm256_castsi256_pd(_mm256_castsi128_si256(load_two(bits)));
        Self::new(lanes, _mm256_permute4x64_pd::<0b01_01_00_00>(pair))
    }

    /// One for each lane.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn each(lanes: Lanes, bits: &[u64; 4]) -> Self {
        Self::new(lanes, load_bits(bits))
    }
}

/// The factors that the four stages of a leaf take: those of the leaf, its halves, its vectors and their halves.
type LeafWords<'a> = (&'a u64, &'a [u64; 2], &'a [u64; 4], &'a [u64; 8]);

/// The factors of neighbouring leaves, from leaf `node` on.
fn leaf_words(words: &[u64], node: usize) -> impl Iterator<Item = LeafWords<'_>> {
    let leaves = words[node..].iter().zip(words[2 * node..].as_chunks::<2>().0);
    let vectors = words[4 * node..].as_chunks::<4>().0;
    let halves = words[8 * node..].as_chunks::<8>().0;
    leaves.zip(vectors).zip(halves).map(|(((leaf, parts), vectors), halves)| (leaf, parts, vectors, halves))
}

/// For each pair of vectors of a leaf: of the vectors and of their halves.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn pair_factors(lanes: Lanes, vectors: &[u64; 4], halves: &[u64; 8]) -> [[Factor; 2]; 2] {
    let (vectors, halves) = (vectors.as_chunks().0, halves.as_chunks().0);
    [
        [Factor::halves(lanes, &vectors[0]), Factor::each(lanes, &halves[0])],
        [Factor::halves(lanes, &vectors[1]), Factor::each(lanes, &halves[1])],
    ]
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load_two(words: &[u64; 2]) -> __m128i {
    // SAFETY: the reference is to 16 readable bytes, and the load has no alignment requirement.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

/// Numbers as their bits.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn load_bits(words: &[u64; LANES]) -> __m256d {
    _mm256_castsi256_pd(load(words))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn store_bits(words: &mut [u64; LANES], x: __m256d) {
    store(words, _mm256_castpd_si256(x));
}

/// vw modulo q.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn product(lanes: Lanes, v: __m256d, w: Factor) -> __m256d {
    let quotient = rounded_product(v, w.ratio);
    let high = _mm256_mul_pd(v, w.value);
    let low = _mm256_fmsub_pd(v, w.value, high);
    _mm256_add_pd(_mm256_fnmadd_pd(quotient, lanes.q, high), low)
}

/// (u + vw, u − vw).
#[target_feature(enable = "avx2,fma")]
#[inline]
fn forward_butterfly(lanes: Lanes, u: __m256d, v: __m256d, w: Factor) -> [__m256d; 2] {
    let v = product(lanes, v, w);
    [_mm256_add_pd(u, v), _mm256_sub_pd(u, v)]
}

/// (u + v, (u − v)·w).
#[target_feature(enable = "avx2,fma")]
#[inline]
fn inverse_butterfly(lanes: Lanes, u: __m256d, v: __m256d, w: Factor) -> [__m256d; 2] {
    [_mm256_add_pd(u, v), product(lanes, _mm256_sub_pd(u, v), w)]
}

/// Whether the leaf, or the pass on blocks of `size` vectors, is one of every second that reduce.
fn is_reducing(size: usize) -> bool {
    (size / LEAF).ilog2().is_multiple_of(4)
}

/// Coefficients to evaluations.
#[target_feature(enable = "avx2,fma")]
pub(in crate::kernel) fn forward(twiddles: &Twiddles, limb: &mut [u64]) {
    let lanes = Lanes::new(twiddles.modulus);
    let (a, _) = limb.as_chunks_mut::<LANES>();
    if twiddles.modulus.bits() <= LAZY_BITS {
        forward_root::<true>(lanes, &twiddles.forward, a);
    } else {
        forward_root::<false>(lanes, &twiddles.forward, a);
    }
}

/// The first pass, of two stages or, if their number is odd, of one; then its blocks.
#[target_feature(enable = "avx2,fma")]
fn forward_root<const LAZY: bool>(lanes: Lanes, factors: &[u64], a: &mut [[u64; LANES]]) {
    let children = if a.len().ilog2().is_multiple_of(2) {
        if !LAZY && is_reducing(a.len()) {
            forward_stages::<true, true>(lanes, factors, a, 1);
        } else {
            forward_stages::<true, false>(lanes, factors, a, 1);
        }
        4
    } else {
        forward_first_stage(lanes, factors, a);
        2
    };
    let size = a.len() / children;
    for (child, block) in a.chunks_exact_mut(size).enumerate() {
        forward_node::<LAZY>(lanes, factors, block, children + child);
    }
}

/// One stage of all.
#[target_feature(enable = "avx2,fma")]
fn forward_first_stage(lanes: Lanes, factors: &[u64], a: &mut [[u64; LANES]]) {
    let w = Factor::splat(lanes, factors[1]);
    let (low, high) = a.split_at_mut(a.len() / 2);
    for (u, v) in low.iter_mut().zip(high) {
        let [x, y] = forward_butterfly(lanes, load_float(u), load_float(v), w);
        store_bits(u, x);
        store_bits(v, y);
    }
}

/// The block of a node, of 4, 16, 64, … vectors.
#[target_feature(enable = "avx2,fma")]
fn forward_node<const LAZY: bool>(lanes: Lanes, factors: &[u64], a: &mut [[u64; LANES]], node: usize) {
    if a.len() > CACHED {
        forward_pass::<LAZY>(lanes, factors, a, node);
        let quarter = a.len() / 4;
        for (child, block) in a.chunks_exact_mut(quarter).enumerate() {
            forward_node::<LAZY>(lanes, factors, block, 4 * node + child);
        }
        return;
    }
    let (mut size, mut first) = (a.len(), node);
    while size > LEAF {
        for (index, block) in a.chunks_exact_mut(size).enumerate() {
            forward_pass::<LAZY>(lanes, factors, block, first + index);
        }
        size /= 4;
        first *= 4;
    }
    forward_leaves::<LAZY>(lanes, factors, a, first);
}

/// Two stages of a block that is not the first.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn forward_pass<const LAZY: bool>(lanes: Lanes, factors: &[u64], a: &mut [[u64; LANES]], node: usize) {
    if !LAZY && is_reducing(a.len()) {
        forward_stages::<false, true>(lanes, factors, a, node);
    } else {
        forward_stages::<false, false>(lanes, factors, a, node);
    }
}

/// Two stages of a block. The first block has residues. The values that are not multiplied are reduced before.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn forward_stages<const FIRST: bool, const REDUCING: bool>(
    lanes: Lanes,
    factors: &[u64],
    a: &mut [[u64; LANES]],
    node: usize,
) {
    let [w, upper, lower] = [node, 2 * node, 2 * node + 1].map(|node| Factor::splat(lanes, factors[node]));
    let (first, second) = a.split_at_mut(a.len() / 2);
    let ((a0, a1), (a2, a3)) = (first.split_at_mut(first.len() / 2), second.split_at_mut(second.len() / 2));
    for (((p0, p1), p2), p3) in a0.iter_mut().zip(a1).zip(a2).zip(a3) {
        forward_quad::<FIRST, REDUCING>(lanes, [p0, p1, p2, p3], [w, upper, lower]);
    }
}

/// Two stages of a vector of each quarter of a block.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn forward_quad<const FIRST: bool, const REDUCING: bool>(
    lanes: Lanes,
    [p0, p1, p2, p3]: [&mut [u64; LANES]; 4],
    [w, upper, lower]: [Factor; 3],
) {
    let [x0, x1, x2, x3] = [&*p0, p1, p2, p3].map(|p| if FIRST { load_float(p) } else { load_bits(p) });
    let [x0, x1] = if REDUCING { [lanes.centre(x0), lanes.centre(x1)] } else { [x0, x1] };
    let [x0, x2] = forward_butterfly(lanes, x0, x2, w);
    let [x1, x3] = forward_butterfly(lanes, x1, x3, w);
    let [x0, x1] = forward_butterfly(lanes, x0, x1, upper);
    let [x2, x3] = forward_butterfly(lanes, x2, x3, lower);
    store_bits(p0, x0);
    store_bits(p1, x1);
    store_bits(p2, x2);
    store_bits(p3, x3);
}

/// The last four stages, from leaf `node` on, and the reduction.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn forward_leaves<const LAZY: bool>(lanes: Lanes, factors: &[u64], a: &mut [[u64; LANES]], node: usize) {
    let (leaves, _) = a.as_chunks_mut::<LEAF>();
    for (leaf, (whole, parts, ..)) in leaves.iter_mut().zip(leaf_words(factors, node)) {
        let factors = [*whole, parts[0], parts[1]].map(|word| Factor::splat(lanes, word));
        if LAZY {
            forward_quad::<false, false>(lanes, leaf.each_mut(), factors);
        } else {
            forward_quad::<false, true>(lanes, leaf.each_mut(), factors);
        }
    }
    for ([p0, p1, p2, p3], (_, _, vectors, halves)) in leaves.iter_mut().zip(leaf_words(factors, node)) {
        let [first, second] = pair_factors(lanes, vectors, halves);
        for ([x, y], factors) in [([p0, p1], first), ([p2, p3], second)] {
            let results = forward_pair(lanes, load_bits(x), load_bits(y), factors);
            for (p, result) in [x, y].into_iter().zip(results) {
                store(p, lanes.residue(result));
            }
        }
    }
}

/// The last two stages of two neighbouring vectors.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn forward_pair(lanes: Lanes, x: __m256d, y: __m256d, [vectors, halves]: [Factor; 2]) -> [__m256d; 2] {
    // Lanes 0-1 of both, and lanes 2-3 of both.
    let (u, v) = (_mm256_permute2f128_pd::<0x20>(x, y), _mm256_permute2f128_pd::<0x31>(x, y));
    let [a, b] = forward_butterfly(lanes, u, v, vectors);
    // Even and odd lanes.
    let (u, v) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    let [a, b] = forward_butterfly(lanes, u, v, halves);
    let (u, v) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    [_mm256_permute2f128_pd::<0x20>(u, v), _mm256_permute2f128_pd::<0x31>(u, v)]
}

/// Evaluations to coefficients, times N·`factor`: in place, or from `input` where there is one.
#[target_feature(enable = "avx2,fma")]
pub(in crate::kernel) fn inverse_scaled(
    twiddles: &Twiddles,
    input: Option<&[u64]>,
    out: &mut [u64],
    factor: ShoupFactor,
) {
    let lanes = Lanes::new(twiddles.modulus);
    let last = twiddles.last(factor).map(|w| Factor::splat(lanes, w));
    let input = input.map(|input| input.as_chunks::<LANES>().0);
    let (a, _) = out.as_chunks_mut::<LANES>();
    if twiddles.modulus.bits() <= LAZY_BITS {
        inverse_root::<true>(lanes, &twiddles.inverse, input, a, last);
    } else {
        inverse_root::<false>(lanes, &twiddles.inverse, input, a, last);
    }
}

/// The blocks; then the last pass, of two stages or, if their number is odd, of one.
#[target_feature(enable = "avx2,fma")]
fn inverse_root<const LAZY: bool>(
    lanes: Lanes,
    factors: &[u64],
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    last: [Factor; 2],
) {
    let children = if a.len().ilog2().is_multiple_of(2) { 4 } else { 2 };
    let size = a.len() / children;
    for (child, block) in a.chunks_exact_mut(size).enumerate() {
        let input = input.map(|input| &input[child * size..][..size]);
        inverse_node::<LAZY>(lanes, factors, input, block, children + child);
    }
    let (low, high) = a.split_at_mut(a.len() / 2);
    if children == 2 {
        for (u, v) in low.iter_mut().zip(high) {
            last_butterfly(lanes, [load_bits(u), load_bits(v)], [u, v], last);
        }
        return;
    }
    let [upper, lower] = [2, 3].map(|node| Factor::splat(lanes, factors[node]));
    let ((a0, a1), (a2, a3)) = (low.split_at_mut(low.len() / 2), high.split_at_mut(high.len() / 2));
    for (((p0, p1), p2), p3) in a0.iter_mut().zip(a1).zip(a2).zip(a3) {
        let [x0, x1] = inverse_butterfly(lanes, load_bits(p0), load_bits(p1), upper);
        let [x2, x3] = inverse_butterfly(lanes, load_bits(p2), load_bits(p3), lower);
        last_butterfly(lanes, [x0, x2], [p0, p2], last);
        last_butterfly(lanes, [x1, x3], [p1, p3], last);
    }
}

/// The end of a transform: (u + v) and (u − v) times their factors, reduced.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn last_butterfly(
    lanes: Lanes,
    [u, v]: [__m256d; 2],
    [sum, difference]: [&mut [u64; LANES]; 2],
    [w0, w1]: [Factor; 2],
) {
    store(sum, lanes.lift(product(lanes, _mm256_add_pd(u, v), w0)));
    store(difference, lanes.lift(product(lanes, _mm256_sub_pd(u, v), w1)));
}

/// The block of a node, of 4, 16, 64, … vectors.
#[target_feature(enable = "avx2,fma")]
fn inverse_node<const LAZY: bool>(
    lanes: Lanes,
    factors: &[u64],
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    node: usize,
) {
    if a.len() > CACHED {
        let quarter = a.len() / 4;
        for (child, block) in a.chunks_exact_mut(quarter).enumerate() {
            let input = input.map(|input| &input[child * quarter..][..quarter]);
            inverse_node::<LAZY>(lanes, factors, input, block, 4 * node + child);
        }
        inverse_pass::<LAZY>(lanes, factors, a, node);
        return;
    }
    let (mut size, mut first) = (LEAF, node * (a.len() / LEAF));
    inverse_leaves::<LAZY>(lanes, factors, input, a, first);
    while size < a.len() {
        size *= 4;
        first /= 4;
        for (index, block) in a.chunks_exact_mut(size).enumerate() {
            inverse_pass::<LAZY>(lanes, factors, block, first + index);
        }
    }
}

/// Two stages of a block that is not the last.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn inverse_pass<const LAZY: bool>(lanes: Lanes, factors: &[u64], a: &mut [[u64; LANES]], node: usize) {
    if !LAZY {
        inverse_stages::<2>(lanes, factors, a, node);
    } else if is_reducing(a.len()) {
        inverse_stages::<1>(lanes, factors, a, node);
    } else {
        inverse_stages::<0>(lanes, factors, a, node);
    }
}

/// Two stages of a block. The first `REDUCED` of its two sums are reduced.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn inverse_stages<const REDUCED: usize>(lanes: Lanes, factors: &[u64], a: &mut [[u64; LANES]], node: usize) {
    let [w, upper, lower] = [node, 2 * node, 2 * node + 1].map(|node| Factor::splat(lanes, factors[node]));
    let (first, second) = a.split_at_mut(a.len() / 2);
    let ((a0, a1), (a2, a3)) = (first.split_at_mut(first.len() / 2), second.split_at_mut(second.len() / 2));
    for (((p0, p1), p2), p3) in a0.iter_mut().zip(a1).zip(a2).zip(a3) {
        inverse_quad::<REDUCED>(lanes, [p0, p1, p2, p3], [w, upper, lower]);
    }
}

/// Two stages of a vector of each quarter of a block. The first `REDUCED` of its two sums are reduced.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn inverse_quad<const REDUCED: usize>(
    lanes: Lanes,
    [p0, p1, p2, p3]: [&mut [u64; LANES]; 4],
    [w, upper, lower]: [Factor; 3],
) {
    let [x0, x1] = inverse_butterfly(lanes, load_bits(p0), load_bits(p1), upper);
    let [x2, x3] = inverse_butterfly(lanes, load_bits(p2), load_bits(p3), lower);
    let [x0, x2] = inverse_butterfly(lanes, x0, x2, w);
    let [x1, x3] = inverse_butterfly(lanes, x1, x3, w);
    let x0 = if REDUCED >= 1 { lanes.centre(x0) } else { x0 };
    let x1 = if REDUCED >= 2 { lanes.centre(x1) } else { x1 };
    for (p, x) in [(p0, x0), (p1, x1), (p2, x2), (p3, x3)] {
        store_bits(p, x);
    }
}

/// The first four stages, from leaf `node` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn inverse_leaves<const LAZY: bool>(
    lanes: Lanes,
    factors: &[u64],
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    node: usize,
) {
    let (leaves, _) = a.as_chunks_mut::<LEAF>();
    for (index, (leaf, (_, _, vectors, halves))) in
        leaves.iter_mut().zip(leaf_words(factors, node)).enumerate()
    {
        let [x0, x1, x2, x3] = match input {
            Some(input) => input.as_chunks::<LEAF>().0[index].each_ref().map(|x| load_float(x)),
            None => leaf.each_ref().map(|x| load_float(x)),
        };
        let [first, second] = pair_factors(lanes, vectors, halves);
        let [x0, x1] = inverse_pair::<LAZY>(lanes, x0, x1, first);
        let [x2, x3] = inverse_pair::<LAZY>(lanes, x2, x3, second);
        for (out, x) in leaf.iter_mut().zip([x0, x1, x2, x3]) {
            store_bits(out, x);
        }
    }
    for (leaf, (whole, parts, ..)) in leaves.iter_mut().zip(leaf_words(factors, node)) {
        let factors = [*whole, parts[0], parts[1]].map(|word| Factor::splat(lanes, word));
        if LAZY {
            inverse_quad::<1>(lanes, leaf.each_mut(), factors);
        } else {
            inverse_quad::<2>(lanes, leaf.each_mut(), factors);
        }
    }
}

/// The first two stages of two neighbouring vectors.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn inverse_pair<const LAZY: bool>(
    lanes: Lanes,
    x: __m256d,
    y: __m256d,
    [vectors, halves]: [Factor; 2],
) -> [__m256d; 2] {
    let (u, v) = (_mm256_permute2f128_pd::<0x20>(x, y), _mm256_permute2f128_pd::<0x31>(x, y));
    // Even and odd lanes.
    let (u, v) = (_mm256_unpacklo_pd(u, v), _mm256_unpackhi_pd(u, v));
    let [a, b] = inverse_butterfly(lanes, u, v, halves);
    // Lanes 0-1 of both, and lanes 2-3 of both.
    let (u, v) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    let [a, b] = inverse_butterfly(lanes, u, v, vectors);
    let a = if LAZY { a } else { lanes.centre(a) };
    [_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b)]
}
