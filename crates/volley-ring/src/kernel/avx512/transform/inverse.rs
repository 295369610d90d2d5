//! Evaluations to coefficients, times a constant.
//!
//! **Bounds.** A stage takes (u, v) to u + v and (u − v)·w, the latter at most 1/2 + b·q·2⁻⁵³ for a difference of b.
//!
//! * Primes of at most 46 bits: the last summand is b/128. The six stages of a leaf take residues to sums of at most
//!   64·(q − 1) < 2⁵², which are reduced; all else is at most the sum of four products of differences of 16, below 2.5.
//!   Of three stages more, the sum of all eight is below 20, and reduced; what is left is at most the sum of four
//!   products of differences of 5, below 2.2. And so on.
//! * Longer primes: it is b/8. Stages begin with b ≤ 1. Two of them have differences of at most 4, products of at most
//!   1, and sums, which are reduced to 1/2 (and one unit). A third one begins with two of these sums, of which the sums
//!   are at most 1 (and two units), or with two products, of which the sums are reduced.
//!
//! In the last stage u + v is multiplied by the constant and u − v by the constant times w. Both products are below q
//! in size, as what they are of is below 64, or 4 for longer primes.

use std::arch::x86_64::{
    __m512d, __m512i, _mm512_add_pd, _mm512_permutex2var_pd, _mm512_set_epi64, _mm512_sub_pd,
};

use super::{
    Factor, LAZY_BITS, LEAF, PairFactors, bits, columns, load_bits, product, radix_bits, seven, three,
};
use crate::kernel::avx512::{LANES, Lanes, load_float, store};
use crate::kernel::floating::Twiddles;
use crate::modulus::ShoupFactor;

/// The constant and its product with the root's factor.
#[derive(Clone, Copy)]
struct Last {
    sum: Factor,
    difference: Factor,
}

/// In place, or from `input` where there is one, times N·`factor`, reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
pub(in crate::kernel) fn inverse_scaled(
    twiddles: &Twiddles,
    input: Option<&[u64]>,
    out: &mut [u64],
    factor: ShoupFactor,
) {
    let (modulus, lanes) = (twiddles.modulus, Lanes::new(twiddles.modulus));
    let [sum, difference] = twiddles.last(factor);
    let last = Last { sum: Factor::splat(lanes, sum), difference: Factor::splat(lanes, difference) };
    let input = input.map(|input| input.as_chunks::<LANES>().0);
    let (a, _) = out.as_chunks_mut::<LANES>();
    if modulus.bits() <= LAZY_BITS {
        root_stages::<true>(lanes, &twiddles.inverse, input, a, last);
    } else {
        root_stages::<false>(lanes, &twiddles.inverse, input, a, last);
    }
}

/// All stages.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
fn root_stages<const LAZY: bool>(
    lanes: Lanes,
    factors: &[u64],
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    last: Last,
) {
    children::<LAZY>(lanes, factors, input, a, 1);
    let read = |words: &[u64; LANES]| load_bits(words);
    let end = |[u, v]: [__m512d; 2]| last_butterfly(lanes, [u, v], last);
    match radix_bits(a.len()) {
        1 => columns(a, read, end),
        2 => {
            let [_, low, high] = three(lanes, factors, 1);
            columns(a, read, |[x0, x1, x2, x3]| {
                let [[x0, x1], [x2, x3]] = [two(lanes, [x0, x1], low), two(lanes, [x2, x3], high)];
                let [[x0, x2], [x1, x3]] = [end([x0, x2]), end([x1, x3])];
                [x0, x1, x2, x3]
            });
        }
        _ => {
            let w = seven(lanes, factors, 1);
            columns(a, read, |x| {
                let [x0, x1, x2, x3, x4, x5, x6, x7] = eight_first::<LAZY>(lanes, x, w);
                let [[x0, x4], [x1, x5]] = [end([x0, x4]), end([x1, x5])];
                let [[x2, x6], [x3, x7]] = [end([x2, x6]), end([x3, x7])];
                [x0, x1, x2, x3, x4, x5, x6, x7]
            });
        }
    }
}

/// The stages below those that a block of at least two leaves does at once.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
fn children<const LAZY: bool>(
    lanes: Lanes,
    factors: &[u64],
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    node: usize,
) {
    let stages = radix_bits(a.len());
    let (size, first) = (a.len() >> stages, node << stages);
    if size == LEAF {
        for (index, block) in a.as_chunks_mut::<LEAF>().0.iter_mut().enumerate() {
            let x = match input {
                Some(input) => input.as_chunks::<LEAF>().0[index].each_ref().map(|x| load_float(x)),
                None => block.each_ref().map(|x| load_float(x)),
            };
            leaf_stages::<LAZY>(lanes, factors, first + index, x, block);
        }
        return;
    }
    for (index, block) in a.chunks_exact_mut(size).enumerate() {
        let input = input.map(|input| &input[index * size..][..size]);
        inner::<LAZY>(lanes, factors, input, block, first + index);
    }
}

/// All stages of a block that is not the last.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
fn inner<const LAZY: bool>(
    lanes: Lanes,
    factors: &[u64],
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    node: usize,
) {
    children::<LAZY>(lanes, factors, input, a, node);
    let read = |words: &[u64; LANES]| load_bits(words);
    match radix_bits(a.len()) {
        1 => {
            let w = Factor::splat(lanes, factors[node]);
            columns(a, read, |x| {
                let [x0, x1] = two(lanes, x, w);
                bits([lanes.centre(x0), x1])
            });
        }
        2 => {
            let [w, low, high] = three(lanes, factors, node);
            columns(a, read, |[x0, x1, x2, x3]| {
                let [[x0, x1], [x2, x3]] = [two(lanes, [x0, x1], low), two(lanes, [x2, x3], high)];
                let [[x0, x2], [x1, x3]] = [two(lanes, [x0, x2], w), two(lanes, [x1, x3], w)];
                bits([lanes.centre(x0), centre::<LAZY>(lanes, x1), x2, x3])
            });
        }
        _ => {
            let w = seven(lanes, factors, node);
            columns(a, read, |x| {
                let [x0, x1, x2, x3, x4, x5, x6, x7] = eight::<LAZY>(lanes, x, w);
                bits([if LAZY { lanes.centre(x0) } else { x0 }, x1, x2, x3, x4, x5, x6, x7])
            });
        }
    }
}

/// Longer primes' values are reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn centre<const LAZY: bool>(lanes: Lanes, x: __m512d) -> __m512d {
    if LAZY { x } else { lanes.centre(x) }
}

/// (u + v, (u − v)·w).
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn two(lanes: Lanes, [u, v]: [__m512d; 2], w: Factor) -> [__m512d; 2] {
    [_mm512_add_pd(u, v), product(lanes, _mm512_sub_pd(u, v), w)]
}

/// The end of a transform: reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn last_butterfly(lanes: Lanes, [u, v]: [__m512d; 2], last: Last) -> [__m512i; 2] {
    let sum = product(lanes, _mm512_add_pd(u, v), last.sum);
    let difference = product(lanes, _mm512_sub_pd(u, v), last.difference);
    [lanes.lift(sum), lanes.lift(difference)]
}

/// The first two of three stages.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn eight_first<const LAZY: bool>(
    lanes: Lanes,
    [x0, x1, x2, x3, x4, x5, x6, x7]: [__m512d; 8],
    [_, low, high, w0, w1, w2, w3]: [Factor; 7],
) -> [__m512d; 8] {
    let [[x0, x1], [x2, x3]] = [two(lanes, [x0, x1], w0), two(lanes, [x2, x3], w1)];
    let [[x4, x5], [x6, x7]] = [two(lanes, [x4, x5], w2), two(lanes, [x6, x7], w3)];
    let [[x0, x2], [x1, x3]] = [two(lanes, [x0, x2], low), two(lanes, [x1, x3], low)];
    let [[x4, x6], [x5, x7]] = [two(lanes, [x4, x6], high), two(lanes, [x5, x7], high)];
    let [x0, x1] = [centre::<LAZY>(lanes, x0), centre::<LAZY>(lanes, x1)];
    let [x4, x5] = [centre::<LAZY>(lanes, x4), centre::<LAZY>(lanes, x5)];
    [x0, x1, x2, x3, x4, x5, x6, x7]
}

/// Three stages. The first value of lazy ones is left for the caller to reduce.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn eight<const LAZY: bool>(lanes: Lanes, x: [__m512d; 8], w: [Factor; 7]) -> [__m512d; 8] {
    let [x0, x1, x2, x3, x4, x5, x6, x7] = eight_first::<LAZY>(lanes, x, w);
    let [[x0, x4], [x1, x5]] = [two(lanes, [x0, x4], w[0]), two(lanes, [x1, x5], w[0])];
    let [[x2, x6], [x3, x7]] = [two(lanes, [x2, x6], w[0]), two(lanes, [x3, x7], w[0])];
    [x0, x1, centre::<LAZY>(lanes, x2), centre::<LAZY>(lanes, x3), x4, x5, x6, x7]
}

/// The first six stages.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn leaf_stages<const LAZY: bool>(
    lanes: Lanes,
    factors: &[u64],
    node: usize,
    [x0, x1, x2, x3, x4, x5, x6, x7]: [__m512d; 8],
    block: &mut [[u64; LANES]; LEAF],
) {
    let PairFactors { vectors, halves, quarters } = PairFactors::new(lanes, factors, node);
    let reduced = |[u, v]: [__m512d; 2]| [centre::<LAZY>(lanes, u), v];
    // All pairs stage by stage, the forward transform's backwards.
    let pairs = separate_pairs([[x0, x1], [x2, x3], [x4, x5], [x6, x7]]);
    let pairs = separate_pairs(pair_stage(lanes, pairs, quarters));
    let [p0, p1, p2, p3] = pair_stage(lanes, pairs, halves);
    let pairs = separate_pairs([reduced(p0), reduced(p1), reduced(p2), reduced(p3)]);
    let [p0, p1, p2, p3] = pair_stage(lanes, pairs, vectors);
    let pairs = separate_pairs([reduced(p0), reduced(p1), reduced(p2), reduced(p3)]);
    let [[x0, x1], [x2, x3], [x4, x5], [x6, x7]] = pairs;
    let x = eight::<LAZY>(lanes, [x0, x1, x2, x3, x4, x5, x6, x7], seven(lanes, factors, node));
    let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
    let x0 = if LAZY { lanes.centre(x0) } else { x0 };
    for (out, x) in block.iter_mut().zip(bits([x0, x1, x2, x3, x4, x5, x6, x7])) {
        store(out, x);
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
fn separate_pairs([[a0, b0], [a1, b1], [a2, b2], [a3, b3]]: [[__m512d; 2]; 4]) -> [[__m512d; 2]; 4] {
    [separate(a0, b0), separate(a1, b1), separate(a2, b2), separate(a3, b3)]
}

/// The even and the odd lanes of two vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn separate(a: __m512d, b: __m512d) -> [__m512d; 2] {
    [
        _mm512_permutex2var_pd(a, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), b),
        _mm512_permutex2var_pd(a, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), b),
    ]
}
