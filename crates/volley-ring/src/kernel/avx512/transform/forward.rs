//! Coefficients to evaluations.
//!
//! **Bounds.** A stage takes u to u ± vw, so b to at most b + 1/2 + b·q·2⁻⁵³.
//!
//! * Primes of at most 46 bits: the last summand is b/128, and s stages take 1 to at most (1 + s/2)·(1 + 1/128)ˢ, below
//!   64 for s ≤ 60: nothing is reduced.
//! * Longer primes: it is b/8. Three stages take residues, b < 1, to 1.625, 2.33 and 3.13. All passes but the first,
//!   and both halves of the leaf, reduce the values that they do not multiply, to 1/2 (and one unit): of b ≤ 3.13 three
//!   stages make 1.4, 2.1 and 2.83.

use std::arch::x86_64::{__m512d, _mm512_add_pd, _mm512_permutex2var_pd, _mm512_set_epi64, _mm512_sub_pd};

use super::{
    Factor, LAZY_BITS, LEAF, PairFactors, bits, columns, load_bits, product, radix_bits, seven, three,
};
use crate::kernel::avx512::{LANES, Lanes, load_float, store};
use crate::kernel::floating::Twiddles;

/// In place, reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(in crate::kernel) fn forward(twiddles: &Twiddles, limb: &mut [u64]) {
    let (lanes, factors) = (Lanes::new(twiddles.modulus), &twiddles.forward);
    let (a, _) = limb.as_chunks_mut::<LANES>();
    if twiddles.modulus.bits() <= LAZY_BITS {
        subtree::<true, true>(lanes, factors, a, 1);
    } else {
        subtree::<false, true>(lanes, factors, a, 1);
    }
}

/// The stages of a block of at least two leaves. The first block has residues.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
fn subtree<const LAZY: bool, const FIRST: bool>(
    lanes: Lanes,
    factors: &[u64],
    a: &mut [[u64; LANES]],
    node: usize,
) {
    let read = |words: &[u64; LANES]| if FIRST { load_float(words) } else { load_bits(words) };
    let reduced = |u: __m512d| if LAZY || FIRST { u } else { lanes.centre(u) };
    let stages = radix_bits(a.len());
    match stages {
        1 => {
            let w = Factor::splat(lanes, factors[node]);
            columns(a, read, |[x0, x1]| bits(two(lanes, [reduced(x0), x1], w)));
        }
        2 => {
            let w = three(lanes, factors, node);
            columns(a, read, |[x0, x1, x2, x3]| bits(four(lanes, [reduced(x0), reduced(x1), x2, x3], w)));
        }
        _ => {
            let w = seven(lanes, factors, node);
            columns(a, read, |[x0, x1, x2, x3, x4, x5, x6, x7]| {
                let [x0, x1, x2, x3] = [reduced(x0), reduced(x1), reduced(x2), reduced(x3)];
                bits(eight(lanes, [x0, x1, x2, x3, x4, x5, x6, x7], w))
            });
        }
    }
    let size = a.len() >> stages;
    if size == LEAF {
        let first = node << stages;
        for (index, block) in a.as_chunks_mut::<LEAF>().0.iter_mut().enumerate() {
            leaf_stages::<LAZY>(lanes, factors, first + index, block);
        }
        return;
    }
    for (index, block) in a.chunks_exact_mut(size).enumerate() {
        subtree::<LAZY, false>(lanes, factors, block, (node << stages) + index);
    }
}

/// (u + vw, u − vw).
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn two(lanes: Lanes, [u, v]: [__m512d; 2], w: Factor) -> [__m512d; 2] {
    let v = product(lanes, v, w);
    [_mm512_add_pd(u, v), _mm512_sub_pd(u, v)]
}

/// Two stages.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn four(lanes: Lanes, [x0, x1, x2, x3]: [__m512d; 4], [w, low, high]: [Factor; 3]) -> [__m512d; 4] {
    let [x0, x2] = two(lanes, [x0, x2], w);
    let [x1, x3] = two(lanes, [x1, x3], w);
    let [x0, x1] = two(lanes, [x0, x1], low);
    let [x2, x3] = two(lanes, [x2, x3], high);
    [x0, x1, x2, x3]
}

/// Three stages.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn eight(
    lanes: Lanes,
    [x0, x1, x2, x3, x4, x5, x6, x7]: [__m512d; 8],
    [w, low, high, w0, w1, w2, w3]: [Factor; 7],
) -> [__m512d; 8] {
    let [x0, x4] = two(lanes, [x0, x4], w);
    let [x1, x5] = two(lanes, [x1, x5], w);
    let [x2, x6] = two(lanes, [x2, x6], w);
    let [x3, x7] = two(lanes, [x3, x7], w);
    let [x0, x1, x2, x3] = four(lanes, [x0, x1, x2, x3], [low, w0, w1]);
    let [x4, x5, x6, x7] = four(lanes, [x4, x5, x6, x7], [high, w2, w3]);
    [x0, x1, x2, x3, x4, x5, x6, x7]
}

/// The last six stages, and the reduction.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn leaf_stages<const LAZY: bool>(
    lanes: Lanes,
    factors: &[u64],
    node: usize,
    block: &mut [[u64; LANES]; LEAF],
) {
    let reduced = |u: __m512d| if LAZY { u } else { lanes.centre(u) };
    let [x0, x1, x2, x3, x4, x5, x6, x7] = block.each_ref().map(|x| load_bits(x));
    let [x0, x1, x2, x3] = [reduced(x0), reduced(x1), reduced(x2), reduced(x3)];
    let x = eight(lanes, [x0, x1, x2, x3, x4, x5, x6, x7], seven(lanes, factors, node));
    let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
    let PairFactors { vectors, halves, quarters } = PairFactors::new(lanes, factors, node);
    // All pairs stage by stage: a stage of one pair waits for the stage before it.
    let [p0, p1, p2, p3] = interleave_pairs([[x0, x1], [x2, x3], [x4, x5], [x6, x7]]);
    let prepared = |[u, v]: [__m512d; 2]| [reduced(u), v];
    // x₀ y₀ x₁ y₁ …: factors of x and y in turn.
    let pairs = pair_stage(lanes, [prepared(p0), prepared(p1), prepared(p2), prepared(p3)], vectors);
    // x₀ x₄ y₀ y₄ x₁ x₅ y₁ y₅ …: factors of the four halves in turn.
    let pairs = pair_stage(lanes, interleave_pairs(pairs), halves);
    // x₀ x₂ x₄ x₆ y₀ y₂ y₄ y₆ and the odd ones.
    let pairs = interleave_pairs(pair_stage(lanes, interleave_pairs(pairs), quarters));
    for (out, x) in block.iter_mut().zip(pairs.as_flattened()) {
        store(out, lanes.residue(*x));
    }
}

/// A stage of four pairs of vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn pair_stage(
    lanes: Lanes,
    [p0, p1, p2, p3]: [[__m512d; 2]; 4],
    [w0, w1, w2, w3]: [Factor; 4],
) -> [[__m512d; 2]; 4] {
    [two(lanes, p0, w0), two(lanes, p1, w1), two(lanes, p2, w2), two(lanes, p3, w3)]
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn interleave_pairs([[a0, b0], [a1, b1], [a2, b2], [a3, b3]]: [[__m512d; 2]; 4]) -> [[__m512d; 2]; 4] {
    [interleave(a0, b0), interleave(a1, b1), interleave(a2, b2), interleave(a3, b3)]
}

/// a₀ b₀ a₁ b₁ … b₇ in two vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn interleave(a: __m512d, b: __m512d) -> [__m512d; 2] {
    [
        _mm512_permutex2var_pd(a, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), b),
        _mm512_permutex2var_pd(a, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), b),
    ]
}
