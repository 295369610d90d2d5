//! Evaluations to coefficients, times a constant.
//!
//! **Bounds.** A butterfly takes (u, v) to u + v and (u − v)·w, where the difference must not be negative.
//!
//! * Primes of at most 43 bits: the u are *lifted* by multiples of q, once for the stages that are done at once. Eight
//!   values below b are lifted by (7, 0, 1, 0, 3, 0, 1, 0)·b: then the first of each pair is not below the second, nor
//!   the sum of the first pair of four below that of the second, nor the sum of the first four below that of the
//!   others. Their sum is below 20b. Products come with their own lift for nothing: those of the first stage are in (6,
//!   8), (0, 2), (2, 4), (0, 2) times q, lifted by (7, 1, 3, 1)·q, those of the second in (2, 4) and (0, 2), those of
//!   the third in (0, 2): sums of four products are below 16q, of two below 6q. Two stages take the second half of each
//!   of these. The first leaves have b = q, and all else b = 20q, so that sums are below 400q < 2⁵²; the sum of all is
//!   brought below 2q after each pass.
//! * Longer primes: all values are below 2q, u − v is increased by 2q, and u + v reduced.
//!
//! In the last stage u + v is multiplied by the constant and u − v by the constant times w, and both are reduced.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_sub_epi64,
};

use super::{Factor, Factors, Leaf, Twiddles, barrett, columns, halve, montgomery, product, products};
use crate::kernel::avx512::transform::{LEAF, radix_bits};
use crate::kernel::avx512::{LANES, load, store};
use crate::kernel::avx512ifma::{Lanes, splat};
use crate::modulus::ShoupFactor;

/// Longest prime whose differences are lifted.
const LAZY_BITS: u32 = 43;
/// What values are below between passes of lazy stages, in multiples of q.
const BOUND: u64 = 20;

/// What the butterflies need of a prime.
#[derive(Clone, Copy)]
struct Context {
    lanes: Lanes,
    /// q, 3q and 7q.
    odd: [__m512i; 3],
    /// BOUND times these.
    lifts: [__m512i; 3],
    /// In each lane, of pairs of vectors as they are interleaved in the first and in the second stage.
    pair_lifts: [__m512i; 2],
}

impl Context {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    fn new(twiddles: &Twiddles) -> Self {
        let q = twiddles.modulus.value();
        let (i, j, k) = (q as i64, 3 * q as i64, 7 * q as i64);
        let lanes = Lanes::new(twiddles.modulus);
        Self {
            lanes,
            odd: [lanes.q, splat(3 * q), splat(7 * q)],
            lifts: [splat(BOUND * q), splat(3 * BOUND * q), splat(7 * BOUND * q)],
            pair_lifts: [_mm512_set_epi64(i, j, i, k, i, j, i, k), _mm512_set_epi64(i, j, i, j, i, j, i, j)],
        }
    }
}

/// The constant and its product with the root's factor.
#[derive(Clone, Copy)]
struct Last {
    sum: Factor,
    difference: Factor,
}

/// In place, or from `input` where there is one, times N·`factor`, reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
pub(in crate::kernel) fn inverse_scaled(
    twiddles: &Twiddles,
    input: Option<&[u64]>,
    out: &mut [u64],
    factor: ShoupFactor,
) {
    let modulus = twiddles.modulus;
    let [root, _] = twiddles.inverse.nodes[1];
    let constant = |value: u64| Factor::splat(montgomery(modulus, twiddles.modulus_inverse, value));
    let [difference, partner] = {
        let value = modulus.mul_shoup(root, factor);
        [value, value.wrapping_mul(twiddles.modulus_inverse) & ((1 << 52) - 1)]
    };
    let last = Last { sum: constant(factor.value), difference: Factor::splat([difference, partner]) };
    let context = Context::new(twiddles);
    let input = input.map(|input| input.as_chunks::<LANES>().0);
    let (a, _) = out.as_chunks_mut::<LANES>();
    if modulus.bits() <= LAZY_BITS {
        root_stages::<true>(context, &twiddles.inverse, input, a, last);
    } else {
        root_stages::<false>(context, &twiddles.inverse, input, a, last);
    }
}

/// All stages.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
fn root_stages<const LAZY: bool>(
    context: Context,
    factors: &Factors,
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    last: Last,
) {
    let end = |[u, v]: [__m512i; 2]| last_butterfly::<LAZY>(context.lanes, [u, v], last);
    children::<LAZY>(context, factors, input, a, 1);
    match radix_bits(a.len()) {
        1 => columns(a, |[x0, x1]| end(lift_two::<LAZY>(context, [x0, x1]))),
        2 => {
            let [_, w1, w2] = factors.three(1);
            columns(a, |x| {
                let [x0, x1, x2, x3] = four_first::<LAZY>(context, lift_four::<LAZY>(context, x), [w1, w2]);
                let [[x0, x2], [x1, x3]] = [end([x0, x2]), end([x1, x3])];
                [x0, x1, x2, x3]
            });
        }
        _ => {
            let w = factors.seven(1);
            columns(a, |x| {
                let [x0, x1, x2, x3, x4, x5, x6, x7] =
                    eight_first::<LAZY>(context, lift_eight::<LAZY>(context.lifts, x), w);
                let [[x0, x4], [x1, x5]] = [end([x0, x4]), end([x1, x5])];
                let [[x2, x6], [x3, x7]] = [end([x2, x6]), end([x3, x7])];
                [x0, x1, x2, x3, x4, x5, x6, x7]
            });
        }
    }
}

/// The stages below those that a block of at least two leaves does at once.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
fn children<const LAZY: bool>(
    context: Context,
    factors: &Factors,
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    node: usize,
) {
    let bits = radix_bits(a.len());
    let size = a.len() >> bits;
    if size == LEAF {
        let leaves = factors.leaves(node, a.len());
        for (index, (block, leaf)) in a.as_chunks_mut::<LEAF>().0.iter_mut().zip(leaves).enumerate() {
            let x = match input {
                Some(input) => input.as_chunks::<LEAF>().0[index].each_ref().map(|x| load(x)),
                None => block.each_ref().map(|x| load(x)),
            };
            leaf_stages::<LAZY>(context, leaf, x, block);
        }
        return;
    }
    for (index, block) in a.chunks_exact_mut(size).enumerate() {
        let input = input.map(|input| &input[index * size..][..size]);
        inner::<LAZY>(context, factors, input, block, (node << bits) + index);
    }
}

/// All stages of a block that is not the last.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
fn inner<const LAZY: bool>(
    context: Context,
    factors: &Factors,
    input: Option<&[[u64; LANES]]>,
    a: &mut [[u64; LANES]],
    node: usize,
) {
    children::<LAZY>(context, factors, input, a, node);
    match radix_bits(a.len()) {
        1 => {
            let w = factors.one(node);
            columns(a, |x| {
                let [x0, x1] = butterfly::<LAZY>(context, context.lanes.q, lift_two::<LAZY>(context, x), w);
                [settle::<LAZY>(context, x0), x1]
            });
        }
        2 => {
            let [w, low, high] = factors.three(node);
            columns(a, |x| {
                let x = four_first::<LAZY>(context, lift_four::<LAZY>(context, x), [low, high]);
                let [x0, x1, x2, x3] = four_last::<LAZY>(context, context.lanes.q, x, w);
                [settle::<LAZY>(context, x0), x1, x2, x3]
            });
        }
        _ => {
            let w = factors.seven(node);
            columns(a, |x| eight::<LAZY>(context, x, w));
        }
    }
}

/// (u + v, (u − v)·w plus `offset`), of which only longer primes' sums are reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn butterfly<const LAZY: bool>(
    context: Context,
    offset: __m512i,
    [u, v]: [__m512i; 2],
    w: Factor,
) -> [__m512i; 2] {
    let lanes = context.lanes;
    let sum = _mm512_add_epi64(u, v);
    if LAZY {
        return [sum, product(lanes, offset, _mm512_sub_epi64(u, v), w)];
    }
    let difference = _mm512_sub_epi64(_mm512_add_epi64(u, lanes.twice_q), v);
    [halve(lanes, sum), product(lanes, lanes.q, difference, w)]
}

/// Two butterflies, with their `offsets`.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn butterflies<const LAZY: bool>(
    context: Context,
    [offset0, offset1]: [__m512i; 2],
    [[u0, v0], [u1, v1]]: [[__m512i; 2]; 2],
    w: [Factor; 2],
) -> [[__m512i; 2]; 2] {
    let lanes = context.lanes;
    let [sum0, sum1] = [_mm512_add_epi64(u0, v0), _mm512_add_epi64(u1, v1)];
    if LAZY {
        let differences = [_mm512_sub_epi64(u0, v0), _mm512_sub_epi64(u1, v1)];
        let [product0, product1] = products(lanes, [offset0, offset1], differences, w);
        return [[sum0, product0], [sum1, product1]];
    }
    let [u0, u1] = [_mm512_add_epi64(u0, lanes.twice_q), _mm512_add_epi64(u1, lanes.twice_q)];
    let differences = [_mm512_sub_epi64(u0, v0), _mm512_sub_epi64(u1, v1)];
    let [product0, product1] = products(lanes, [lanes.q; 2], differences, w);
    [[halve(lanes, sum0), product0], [halve(lanes, sum1), product1]]
}

/// The end of a transform: reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn last_butterfly<const LAZY: bool>(lanes: Lanes, [u, v]: [__m512i; 2], last: Last) -> [__m512i; 2] {
    let lifted = if LAZY { u } else { _mm512_add_epi64(u, lanes.twice_q) };
    let sum = product(lanes, lanes.q, _mm512_add_epi64(u, v), last.sum);
    let difference = product(lanes, lanes.q, _mm512_sub_epi64(lifted, v), last.difference);
    [lanes.subtract_once(sum), lanes.subtract_once(difference)]
}

/// A sum of all values that were lifted, brought below 2q.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn settle<const LAZY: bool>(context: Context, x: __m512i) -> __m512i {
    if LAZY { barrett(context.lanes, x) } else { x }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn lift_two<const LAZY: bool>(context: Context, [x0, x1]: [__m512i; 2]) -> [__m512i; 2] {
    if !LAZY {
        return [x0, x1];
    }
    [_mm512_add_epi64(x0, context.lifts[0]), x1]
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn lift_four<const LAZY: bool>(context: Context, [x0, x1, x2, x3]: [__m512i; 4]) -> [__m512i; 4] {
    if !LAZY {
        return [x0, x1, x2, x3];
    }
    let [one, three, _] = context.lifts;
    [_mm512_add_epi64(x0, three), x1, _mm512_add_epi64(x2, one), x3]
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn lift_eight<const LAZY: bool>([one, three, seven]: [__m512i; 3], x: [__m512i; 8]) -> [__m512i; 8] {
    if !LAZY {
        return x;
    }
    let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
    let [x0, x2] = [_mm512_add_epi64(x0, seven), _mm512_add_epi64(x2, one)];
    let [x4, x6] = [_mm512_add_epi64(x4, three), _mm512_add_epi64(x6, one)];
    [x0, x1, x2, x3, x4, x5, x6, x7]
}

/// The first of two stages, after which another one takes differences.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn four_first<const LAZY: bool>(
    context: Context,
    [x0, x1, x2, x3]: [__m512i; 4],
    [low, high]: [Factor; 2],
) -> [__m512i; 4] {
    let [one, three, _] = context.odd;
    let [[x0, x1], [x2, x3]] = butterflies::<LAZY>(context, [three, one], [[x0, x1], [x2, x3]], [low, high]);
    [x0, x1, x2, x3]
}

/// The second of two stages.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn four_last<const LAZY: bool>(
    context: Context,
    offset: __m512i,
    [x0, x1, x2, x3]: [__m512i; 4],
    w: Factor,
) -> [__m512i; 4] {
    let [[x0, x2], [x1, x3]] = butterflies::<LAZY>(context, [offset; 2], [[x0, x2], [x1, x3]], [w, w]);
    [x0, x1, x2, x3]
}

/// The first two of three stages of lifted values.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn eight_first<const LAZY: bool>(
    context: Context,
    [x0, x1, x2, x3, x4, x5, x6, x7]: [__m512i; 8],
    [_, low, high, w0, w1, w2, w3]: [Factor; 7],
) -> [__m512i; 8] {
    let [one, three, seven] = context.odd;
    let [[x0, x1], [x2, x3]] = butterflies::<LAZY>(context, [seven, one], [[x0, x1], [x2, x3]], [w0, w1]);
    let [[x4, x5], [x6, x7]] = butterflies::<LAZY>(context, [three, one], [[x4, x5], [x6, x7]], [w2, w3]);
    let [x0, x1, x2, x3] = four_last::<LAZY>(context, three, [x0, x1, x2, x3], low);
    let [x4, x5, x6, x7] = four_last::<LAZY>(context, one, [x4, x5, x6, x7], high);
    [x0, x1, x2, x3, x4, x5, x6, x7]
}

/// Three stages.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn eight<const LAZY: bool>(context: Context, x: [__m512i; 8], w: [Factor; 7]) -> [__m512i; 8] {
    let x = eight_first::<LAZY>(context, lift_eight::<LAZY>(context.lifts, x), w);
    let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
    let last = |pairs| butterflies::<LAZY>(context, [context.lanes.q; 2], pairs, [w[0]; 2]);
    let [[x0, x4], [x1, x5]] = last([[x0, x4], [x1, x5]]);
    let [[x2, x6], [x3, x7]] = last([[x2, x6], [x3, x7]]);
    [settle::<LAZY>(context, x0), x1, x2, x3, x4, x5, x6, x7]
}

/// The first six stages.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn leaf_stages<const LAZY: bool>(
    context: Context,
    leaf: &Leaf,
    [x0, x1, x2, x3, x4, x5, x6, x7]: [__m512i; 8],
    block: &mut [[u64; LANES]; LEAF],
) {
    // All pairs stage by stage, the forward transform's backwards.
    let [first, second] = context.pair_lifts;
    let lifted = |[u, v]: [__m512i; 2]| [if LAZY { _mm512_add_epi64(u, first) } else { u }, v];
    let [p0, p1, p2, p3] = separate_pairs([[x0, x1], [x2, x3], [x4, x5], [x6, x7]]);
    let pairs = [lifted(p0), lifted(p1), lifted(p2), lifted(p3)];
    let pairs = separate_pairs(pair_stage::<LAZY>(context, first, pairs, leaf.quarters()));
    let pairs = separate_pairs(pair_stage::<LAZY>(context, second, pairs, leaf.halves()));
    let pairs = separate_pairs(pair_stage::<LAZY>(context, context.lanes.q, pairs, leaf.vectors()));
    let [[x0, x1], [x2, x3], [x4, x5], [x6, x7]] = pairs;
    let x = eight::<LAZY>(context, [x0, x1, x2, x3, x4, x5, x6, x7], leaf.seven());
    for (out, x) in block.iter_mut().zip(x) {
        store(out, x);
    }
}

/// A stage of four pairs of vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn pair_stage<const LAZY: bool>(
    context: Context,
    offset: __m512i,
    [p0, p1, p2, p3]: [[__m512i; 2]; 4],
    [w0, w1, w2, w3]: [Factor; 4],
) -> [[__m512i; 2]; 4] {
    let [p0, p1] = butterflies::<LAZY>(context, [offset; 2], [p0, p1], [w0, w1]);
    let [p2, p3] = butterflies::<LAZY>(context, [offset; 2], [p2, p3], [w2, w3]);
    [p0, p1, p2, p3]
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn separate_pairs([[a0, b0], [a1, b1], [a2, b2], [a3, b3]]: [[__m512i; 2]; 4]) -> [[__m512i; 2]; 4] {
    [separate(a0, b0), separate(a1, b1), separate(a2, b2), separate(a3, b3)]
}

/// The even and the odd lanes of two vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn separate(a: __m512i, b: __m512i) -> [__m512i; 2] {
    [
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), b),
        _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), b),
    ]
}
