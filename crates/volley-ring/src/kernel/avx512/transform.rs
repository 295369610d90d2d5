//! The number-theoretic transform for AVX-512 without products of 52-bit integers, in floating point.
//!
//! The order of nodes, the passes of three stages, depth first, and the six stages of a *leaf* of eight vectors are
//! those of the [transform with such products](crate::kernel::avx512ifma::transform). Products, and the bits of
//! integral `f64` of either sign between the first pass and the last, are those of the
//! [transform for AVX2](crate::kernel::avx2::transform), by whose (1), with b = |v|/q,
//!
//! ```text
//! |v·w − e·q| ≤ q·(1/2 + b·q·2⁻⁵³).
//! ```
//!
//! All values are integers below 2⁵² in size: b stays below 4, and for primes of at most 46 bits below 64. Bounds in
//! units of q are in [`forward`] and [`inverse`].

use std::arch::x86_64::{
    __m512d, __m512i, _mm_loadu_si128, _mm256_loadu_si256, _mm512_add_pd, _mm512_broadcast_i64x2,
    _mm512_broadcast_i64x4, _mm512_castpd_si512, _mm512_castsi512_pd, _mm512_fmsub_pd, _mm512_fnmadd_pd,
    _mm512_mul_pd, _mm512_set1_pd, _mm512_setzero_pd,
};

pub(in crate::kernel) mod forward;
pub(in crate::kernel) mod inverse;

use super::{LANES, Lanes, load, rounded_product, store};

/// Longest prime whose transforms are reduced least.
const LAZY_BITS: u32 = 46;
/// Vectors of a leaf.
pub(in crate::kernel) const LEAF: usize = 8;
/// Smallest degree: two leaves.
pub(in crate::kernel) const MIN_DEGREE: usize = 2 * LEAF * LANES;

/// Twiddle factors in lanes.
#[derive(Clone, Copy)]
struct Factor {
    value: __m512d,
    ratio: __m512d,
}

impl Factor {
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn new(lanes: Lanes, value: __m512d) -> Self {
        Self { value, ratio: _mm512_mul_pd(value, lanes.reciprocal) }
    }

    /// One for all lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn splat(lanes: Lanes, bits: u64) -> Self {
        Self::new(lanes, _mm512_set1_pd(f64::from_bits(bits)))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn from_bits(lanes: Lanes, bits: __m512i) -> Self {
        Self::new(lanes, _mm512_castsi512_pd(bits))
    }
}

/// The factors of a node and its halves.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn three(lanes: Lanes, words: &[u64], node: usize) -> [Factor; 3] {
    let factor = |node: usize| Factor::splat(lanes, words[node]);
    [factor(node), factor(2 * node), factor(2 * node + 1)]
}

/// The factors of a node, its halves and its quarters.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn seven(lanes: Lanes, words: &[u64], node: usize) -> [Factor; 7] {
    let [w, low, high] = three(lanes, words, node);
    let factor = |node: usize| Factor::splat(lanes, words[node]);
    let quarter = 4 * node;
    [w, low, high, factor(quarter), factor(quarter + 1), factor(quarter + 2), factor(quarter + 3)]
}

/// The factors of the vectors of a leaf, of their halves and of their quarters: for each pair of vectors in turn, as
/// they are interleaved.
struct PairFactors {
    vectors: [Factor; 4],
    halves: [Factor; 4],
    quarters: [Factor; 4],
}

impl PairFactors {
    #[target_feature(enable = "avx512f,avx512dq,avx512bw")]
    #[inline]
    fn new(lanes: Lanes, words: &[u64], leaf: usize) -> Self {
        let vectors = &words[8 * leaf..].as_chunks::<2>().0[..4];
        let halves = &words[16 * leaf..].as_chunks::<4>().0[..4];
        let quarters = &words[32 * leaf..].as_chunks::<8>().0[..4];
        let vector = |pair: usize| Factor::from_bits(lanes, two_in_turn(&vectors[pair]));
        let half = |pair: usize| Factor::from_bits(lanes, four_in_turn(&halves[pair]));
        let quarter = |pair: usize| Factor::from_bits(lanes, load(&quarters[pair]));
        Self {
            vectors: [vector(0), vector(1), vector(2), vector(3)],
            halves: [half(0), half(1), half(2), half(3)],
            quarters: [quarter(0), quarter(1), quarter(2), quarter(3)],
        }
    }
}

/// Two words four times.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn two_in_turn(words: &[u64; 2]) -> __m512i {
    // SAFETY: the reference is to 16 readable bytes, and the load has no alignment requirement.
    _mm512_broadcast_i64x2(unsafe { _mm_loadu_si128(words.as_ptr().cast()) })
}

/// Four words twice.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn four_in_turn(words: &[u64; 4]) -> __m512i {
    // SAFETY: the reference is to 32 readable bytes, and the load has no alignment requirement.
    _mm512_broadcast_i64x4(unsafe { _mm256_loadu_si256(words.as_ptr().cast()) })
}

/// Numbers as their bits.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn load_bits(words: &[u64; LANES]) -> __m512d {
    _mm512_castsi512_pd(load(words))
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn bits<const R: usize>(x: [__m512d; R]) -> [__m512i; R] {
    x.map(|x| _mm512_castpd_si512(x))
}

/// vw modulo q.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn product(lanes: Lanes, v: __m512d, w: Factor) -> __m512d {
    let quotient = rounded_product(v, w.ratio);
    let high = _mm512_mul_pd(v, w.value);
    let low = _mm512_fmsub_pd(v, w.value, high);
    _mm512_add_pd(_mm512_fnmadd_pd(quotient, lanes.q, high), low)
}

/// Changes the R parts of a block together, vector by vector.
#[target_feature(enable = "avx512f,avx512dq,avx512bw")]
#[inline]
fn columns<const R: usize>(
    a: &mut [[u64; LANES]],
    read: impl Fn(&[u64; LANES]) -> __m512d,
    change: impl Fn([__m512d; R]) -> [__m512i; R],
) {
    let stride = a.len() / R;
    for column in 0..stride {
        let mut x = [_mm512_setzero_pd(); R];
        for (part, x) in x.iter_mut().enumerate() {
            *x = read(&a[part * stride + column]);
        }
        for (part, x) in change(x).into_iter().enumerate() {
            store(&mut a[part * stride + column], x);
        }
    }
}

/// How many stages of a block above its leaves are done at once: three, but for one or two passes above those.
pub(in crate::kernel) fn radix_bits(block: usize) -> u32 {
    let stages = (block / LEAF).ilog2();
    match stages {
        1 => 1,
        _ if stages.is_multiple_of(3) => 3,
        _ => 2,
    }
}
