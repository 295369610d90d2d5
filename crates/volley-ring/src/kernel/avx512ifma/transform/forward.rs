//! Coefficients to evaluations.
//!
//! **Bounds.** A butterfly takes (u, v) to u ± vw, where vw is a product in (−q, q) and v may be anything below 2⁵².
//!
//! * Primes of at most 46 bits: the u of the first stage are increased by [`LIFT`]·q, and nothing is reduced before the
//!   end. After s stages values are in ((LIFT − s)·q, (LIFT + 1 + s)·q): positive and below 36q < 2⁵² for the 17 stages
//!   of N = 2^17.
//! * Longer primes: u is brought below 2q and increased by q. Values stay below 4q < 2⁵².

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_sub_epi64,
};

use super::{Factor, Factors, Leaf, Twiddles, barrett, columns, halve, product, products};
use crate::kernel::avx512::transform::{LEAF, radix_bits};
use crate::kernel::avx512::{LANES, load, store};
use crate::kernel::avx512ifma::{Lanes, splat};

/// Longest prime that is reduced only at the end.
const LAZY_BITS: u32 = 46;
/// The most stages, which is what keeps lazy values positive.
const LIFT: u64 = 17;

/// In place, reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(in crate::kernel) fn forward(twiddles: &Twiddles, limb: &mut [u64]) {
    let (lanes, factors) = (Lanes::new(twiddles.modulus), &twiddles.forward);
    let (a, _) = limb.as_chunks_mut::<LANES>();
    if twiddles.modulus.bits() <= LAZY_BITS && a.len() * LANES <= 1 << LIFT {
        let lift = splat(LIFT * twiddles.modulus.value());
        subtree::<true>(lanes, factors, a, 1, |x| _mm512_add_epi64(x, lift));
    } else {
        subtree::<false>(lanes, factors, a, 1, |x| x);
    }
}

/// The stages of a block of at least two leaves; `prepare` changes the u of the first.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn subtree<const LAZY: bool>(
    lanes: Lanes,
    factors: &Factors,
    a: &mut [[u64; LANES]],
    node: usize,
    prepare: impl Fn(__m512i) -> __m512i,
) {
    let bits = radix_bits(a.len());
    match bits {
        1 => {
            let w = factors.one(node);
            columns(a, |[x0, x1]| two::<LAZY>(lanes, [prepare(x0), x1], w));
        }
        2 => {
            let w = factors.three(node);
            columns(a, |[x0, x1, x2, x3]| four::<LAZY>(lanes, [prepare(x0), prepare(x1), x2, x3], w));
        }
        _ => {
            let w = factors.seven(node);
            columns(a, |[x0, x1, x2, x3, x4, x5, x6, x7]| {
                let [x0, x1, x2, x3] = [prepare(x0), prepare(x1), prepare(x2), prepare(x3)];
                eight::<LAZY>(lanes, [x0, x1, x2, x3, x4, x5, x6, x7], w)
            });
        }
    }
    let size = a.len() >> bits;
    if size == LEAF {
        let leaves = factors.leaves(node, a.len());
        for (block, leaf) in a.as_chunks_mut::<LEAF>().0.iter_mut().zip(leaves) {
            leaf_stages::<LAZY>(lanes, leaf, block);
        }
        return;
    }
    for (index, block) in a.chunks_exact_mut(size).enumerate() {
        inner::<LAZY>(lanes, factors, block, (node << bits) + index);
    }
}

/// The stages of a block that is not the first.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
fn inner<const LAZY: bool>(lanes: Lanes, factors: &Factors, a: &mut [[u64; LANES]], node: usize) {
    subtree::<LAZY>(lanes, factors, a, node, |x| x);
}

/// What a butterfly adds to and subtracts from.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn augend<const LAZY: bool>(lanes: Lanes, u: __m512i) -> __m512i {
    if LAZY { u } else { _mm512_add_epi64(halve(lanes, u), lanes.q) }
}

/// (u + vw, u − vw).
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn two<const LAZY: bool>(lanes: Lanes, [u, v]: [__m512i; 2], w: Factor) -> [__m512i; 2] {
    let u = augend::<LAZY>(lanes, u);
    let sum = product(lanes, u, v, w);
    [sum, _mm512_sub_epi64(_mm512_add_epi64(u, u), sum)]
}

/// Two butterflies.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn twos<const LAZY: bool>(
    lanes: Lanes,
    [[u0, v0], [u1, v1]]: [[__m512i; 2]; 2],
    w: [Factor; 2],
) -> [[__m512i; 2]; 2] {
    let [u0, u1] = [augend::<LAZY>(lanes, u0), augend::<LAZY>(lanes, u1)];
    let [twice0, twice1] = [_mm512_add_epi64(u0, u0), _mm512_add_epi64(u1, u1)];
    let [sum0, sum1] = products(lanes, [u0, u1], [v0, v1], w);
    [[sum0, _mm512_sub_epi64(twice0, sum0)], [sum1, _mm512_sub_epi64(twice1, sum1)]]
}

/// Two stages.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn four<const LAZY: bool>(
    lanes: Lanes,
    [x0, x1, x2, x3]: [__m512i; 4],
    [w, low, high]: [Factor; 3],
) -> [__m512i; 4] {
    let [[x0, x2], [x1, x3]] = twos::<LAZY>(lanes, [[x0, x2], [x1, x3]], [w, w]);
    let [[x0, x1], [x2, x3]] = twos::<LAZY>(lanes, [[x0, x1], [x2, x3]], [low, high]);
    [x0, x1, x2, x3]
}

/// Three stages.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn eight<const LAZY: bool>(
    lanes: Lanes,
    [x0, x1, x2, x3, x4, x5, x6, x7]: [__m512i; 8],
    [w, low, high, w0, w1, w2, w3]: [Factor; 7],
) -> [__m512i; 8] {
    let [[x0, x4], [x1, x5]] = twos::<LAZY>(lanes, [[x0, x4], [x1, x5]], [w, w]);
    let [[x2, x6], [x3, x7]] = twos::<LAZY>(lanes, [[x2, x6], [x3, x7]], [w, w]);
    let [x0, x1, x2, x3] = four::<LAZY>(lanes, [x0, x1, x2, x3], [low, w0, w1]);
    let [x4, x5, x6, x7] = four::<LAZY>(lanes, [x4, x5, x6, x7], [high, w2, w3]);
    [x0, x1, x2, x3, x4, x5, x6, x7]
}

/// The last six stages, and the reduction.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn leaf_stages<const LAZY: bool>(lanes: Lanes, leaf: &Leaf, block: &mut [[u64; LANES]; LEAF]) {
    let x = eight::<LAZY>(lanes, block.each_ref().map(|x| load(x)), leaf.seven());
    let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
    // All pairs stage by stage: a stage of one pair waits for the stage before it.
    let pairs = interleave_pairs([[x0, x1], [x2, x3], [x4, x5], [x6, x7]]);
    // x₀ y₀ x₁ y₁ …: factors of x and y in turn.
    let pairs = pair_stage::<LAZY>(lanes, pairs, leaf.vectors());
    // x₀ x₄ y₀ y₄ x₁ x₅ y₁ y₅ …: factors of the four halves in turn.
    let pairs = pair_stage::<LAZY>(lanes, interleave_pairs(pairs), leaf.halves());
    // x₀ x₂ x₄ x₆ y₀ y₂ y₄ y₆ and the odd ones.
    let pairs = pair_stage::<LAZY>(lanes, interleave_pairs(pairs), leaf.quarters());
    let reduced = |[a, b]: [__m512i; 2]| [reduce::<LAZY>(lanes, a), reduce::<LAZY>(lanes, b)];
    let [p0, p1, p2, p3] = pairs;
    let pairs = interleave_pairs([reduced(p0), reduced(p1), reduced(p2), reduced(p3)]);
    for (out, x) in block.iter_mut().zip(pairs.as_flattened()) {
        store(out, *x);
    }
}

/// A stage of four pairs of vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn pair_stage<const LAZY: bool>(
    lanes: Lanes,
    [p0, p1, p2, p3]: [[__m512i; 2]; 4],
    [w0, w1, w2, w3]: [Factor; 4],
) -> [[__m512i; 2]; 4] {
    let [p0, p1] = twos::<LAZY>(lanes, [p0, p1], [w0, w1]);
    let [p2, p3] = twos::<LAZY>(lanes, [p2, p3], [w2, w3]);
    [p0, p1, p2, p3]
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn interleave_pairs([[a0, b0], [a1, b1], [a2, b2], [a3, b3]]: [[__m512i; 2]; 4]) -> [[__m512i; 2]; 4] {
    [interleave(a0, b0), interleave(a1, b1), interleave(a2, b2), interleave(a3, b3)]
}

/// a₀ b₀ a₁ b₁ … b₇ in two vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn interleave(a: __m512i, b: __m512i) -> [__m512i; 2] {
    [
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), b),
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), b),
    ]
}

/// x mod q for what a transform ends with.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn reduce<const LAZY: bool>(lanes: Lanes, x: __m512i) -> __m512i {
    lanes.subtract_once(if LAZY { barrett(lanes, x) } else { halve(lanes, x) })
}
