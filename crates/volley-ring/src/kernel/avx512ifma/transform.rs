//! The number-theoretic transform for AVX-512 with 52-bit integer multiply-add.
//!
//! Cooley-Tukey forward and Gentleman-Sande inverse transforms between natural and bit-reversed order, as in
//! [`crate::ntt`]. The nodes of the recursion are numbered as in a heap: the root is 1, the halves of node k are 2k and
//! 2k + 1, and node k multiplies the upper half of its block by ψ^br(k), br being the reversal of log₂ N bits. Three
//! stages are done at a time (radix 8; two or one where the number of stages asks for it), depth first, so that a block
//! stays in the smallest cache that holds it. The six stages of a *leaf* of eight vectors are done at once, three of
//! them within pairs of vectors; all factors of a leaf are neighbours in memory.
//!
//! **Products** are Montgomery's with R = 2⁵²: for a twiddle factor w·R mod q and its partner (w·R)·q⁻¹ mod R,
//!
//! ```text
//! m = (v·partner) mod R,    v·w ≡ ⌊v·(wR)/R⌋ − ⌊m·q/R⌋ ∈ (−q, q)   modulo q, for any v < R,
//! ```
//!
//! three multiply-adds and no mask. What bounds of values follow is said in [`forward`] and [`inverse`].

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm256_loadu_si256, _mm512_and_si512, _mm512_broadcast_i64x2,
    _mm512_broadcast_i64x4, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_min_epu64,
    _mm512_setzero_si512, _mm512_sub_epi64,
};

pub(in crate::kernel) mod forward;
pub(in crate::kernel) mod inverse;

use super::{Lanes, splat};
use crate::kernel::avx512::transform::LEAF;
use crate::kernel::avx512::{LANES, load, store};
use crate::modulus::Modulus;

/// Smallest degree: two leaves.
pub(in crate::kernel) const MIN_DEGREE: usize = 2 * LEAF * LANES;

/// Twiddle factors of one prime and degree.
pub(crate) struct Twiddles {
    modulus: Modulus,
    /// q⁻¹ modulo 2⁵².
    modulus_inverse: u64,
    forward: Factors,
    inverse: Factors,
}

/// Factors of the nodes: each as w·2⁵² mod q and the partner.
struct Factors {
    /// Above the leaves, by number.
    nodes: Vec<[u64; 2]>,
    leaves: Vec<Leaf>,
}

/// Factors of all nodes within a leaf, numbered as in a heap again: from 1, the leaf itself, to 63.
#[repr(align(64))]
struct Leaf {
    values: [u64; LEAF * LANES],
    partners: [u64; LEAF * LANES],
}

impl Twiddles {
    /// For a primitive 2N-th root of unity ψ = `root`.
    pub(in crate::kernel) fn new(degree: usize, modulus: Modulus, root: u64) -> Self {
        let powers: Vec<u64> = std::iter::successors(Some(1), |&power| Some(modulus.mul(power, root)))
            .take(2 * degree)
            .collect();
        let shift = usize::BITS - degree.trailing_zeros();
        let q = modulus.value();
        // By Newton's iteration: each step doubles the number of right bits, of which q has three.
        let modulus_inverse = (0..5).fold(q, |x, _| x.wrapping_mul(2u64.wrapping_sub(q.wrapping_mul(x))));
        let exponent = |node: usize| node.reverse_bits() >> shift;
        let inverse = |node: usize| powers[(2 * degree - exponent(node)) % (2 * degree)];
        let pair = |factor: u64| montgomery(modulus, modulus_inverse, factor);
        Self {
            modulus,
            modulus_inverse,
            forward: Factors::new(degree, |node| pair(powers[exponent(node)])),
            inverse: Factors::new(degree, |node| pair(inverse(node))),
        }
    }
}

/// w·2⁵² mod q and its partner.
fn montgomery(modulus: Modulus, modulus_inverse: u64, factor: u64) -> [u64; 2] {
    let value = modulus.mul_shoup(factor, modulus.radix());
    [value, value.wrapping_mul(modulus_inverse) & ((1 << 52) - 1)]
}

impl Factors {
    fn new(degree: usize, factor: impl Fn(usize) -> [u64; 2]) -> Self {
        let count = degree / (LEAF * LANES);
        let leaf = |node: usize| {
            let mut leaf = Leaf { values: [0; LEAF * LANES], partners: [0; LEAF * LANES] };
            for within in 1..LEAF * LANES {
                let first = 1 << within.ilog2();
                [leaf.values[within], leaf.partners[within]] = factor((node - 1) * first + within);
            }
            leaf
        };
        Self { nodes: (0..count).map(&factor).collect(), leaves: (count..2 * count).map(leaf).collect() }
    }

    /// The leaves of a block of `vectors` vectors.
    fn leaves(&self, node: usize, vectors: usize) -> &[Leaf] {
        let count = vectors / LEAF;
        &self.leaves[node * count - self.nodes.len()..][..count]
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn one(&self, node: usize) -> Factor {
        Factor::splat(self.nodes[node])
    }

    /// The factors of a node and its halves.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn three(&self, node: usize) -> [Factor; 3] {
        let factor = |node: usize| Factor::splat(self.nodes[node]);
        [factor(node), factor(2 * node), factor(2 * node + 1)]
    }

    /// The factors of a node, its halves and its quarters.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn seven(&self, node: usize) -> [Factor; 7] {
        let factor = |node: usize| Factor::splat(self.nodes[node]);
        let quarter = 4 * node;
        [
            factor(node),
            factor(2 * node),
            factor(2 * node + 1),
            factor(quarter),
            factor(quarter + 1),
            factor(quarter + 2),
            factor(quarter + 3),
        ]
    }
}

impl Leaf {
    /// The factors of the leaf, its halves and its quarters, which are pairs of vectors.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn seven(&self) -> [Factor; 7] {
        let factor = |node: usize| Factor::splat([self.values[node], self.partners[node]]);
        [factor(1), factor(2), factor(3), factor(4), factor(5), factor(6), factor(7)]
    }

    /// The factors of the vectors of each pair, in turn.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn vectors(&self) -> [Factor; 4] {
        self.pairs(|words, index| two_in_turn(&words.as_chunks().0[index]))
    }

    /// The factors of the halves of the vectors of each pair, in turn.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn halves(&self) -> [Factor; 4] {
        self.pairs(|words, index| four_in_turn(&words.as_chunks().0[index]))
    }

    /// The factors of the quarters of the vectors of each pair.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn quarters(&self) -> [Factor; 4] {
        self.pairs(|words, index| load(&words.as_chunks().0[index]))
    }

    /// The second half of a heap's words, in chunks for four pairs, has one level of the pairs' nodes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn pairs(&self, chunk: impl Fn(&[u64; LEAF * LANES], usize) -> __m512i) -> [Factor; 4] {
        let factor =
            |index| Factor { value: chunk(&self.values, index), partner: chunk(&self.partners, index) };
        [factor(4), factor(5), factor(6), factor(7)]
    }
}

/// Two words four times.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn two_in_turn(words: &[u64; 2]) -> __m512i {
    // SAFETY: the reference is to 16 readable bytes, and the load has no alignment requirement.
    _mm512_broadcast_i64x2(unsafe { _mm_loadu_si128(words.as_ptr().cast()) })
}

/// Four words twice.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn four_in_turn(words: &[u64; 4]) -> __m512i {
    // SAFETY: the reference is to 32 readable bytes, and the load has no alignment requirement.
    _mm512_broadcast_i64x4(unsafe { _mm256_loadu_si256(words.as_ptr().cast()) })
}

/// Twiddle factors in lanes.
#[derive(Clone, Copy)]
struct Factor {
    value: __m512i,
    partner: __m512i,
}

impl Factor {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
    #[inline]
    fn splat([value, partner]: [u64; 2]) -> Self {
        Self { value: splat(value), partner: splat(partner) }
    }
}

/// v·w modulo q plus `offset`, in (offset − q, offset + q).
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn product(lanes: Lanes, offset: __m512i, v: __m512i, w: Factor) -> __m512i {
    let zero = _mm512_setzero_si512();
    let m = _mm512_madd52lo_epu64(zero, v, w.partner);
    _mm512_sub_epi64(_mm512_madd52hi_epu64(offset, v, w.value), _mm512_madd52hi_epu64(zero, m, lanes.q))
}

/// Two products, with alternating instructions, as in all pairs of butterflies. The processor distributes alternating
/// instructions over its ports better than those of one product after the other.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn products(
    lanes: Lanes,
    offsets: [__m512i; 2],
    [v0, v1]: [__m512i; 2],
    [w0, w1]: [Factor; 2],
) -> [__m512i; 2] {
    let zero = _mm512_setzero_si512();
    let (m0, m1) = (_mm512_madd52lo_epu64(zero, v0, w0.partner), _mm512_madd52lo_epu64(zero, v1, w1.partner));
    let high0 = _mm512_madd52hi_epu64(offsets[0], v0, w0.value);
    let high1 = _mm512_madd52hi_epu64(offsets[1], v1, w1.value);
    let (r0, r1) = (_mm512_madd52hi_epu64(zero, m0, lanes.q), _mm512_madd52hi_epu64(zero, m1, lanes.q));
    [_mm512_sub_epi64(high0, r0), _mm512_sub_epi64(high1, r1)]
}

/// x brought below 2q, for x < 4q.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn halve(lanes: Lanes, x: __m512i) -> __m512i {
    _mm512_min_epu64(x, _mm512_sub_epi64(x, lanes.twice_q))
}

/// x brought below 2q, for x < 2⁵² (Barrett).
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn barrett(lanes: Lanes, x: __m512i) -> __m512i {
    let estimate = _mm512_madd52hi_epu64(_mm512_setzero_si512(), x, lanes.unit);
    _mm512_and_si512(_mm512_madd52lo_epu64(x, estimate, lanes.negated_q), lanes.mask)
}

/// Changes the R parts of a block together, vector by vector.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi")]
#[inline]
fn columns<const R: usize>(a: &mut [[u64; LANES]], change: impl Fn([__m512i; R]) -> [__m512i; R]) {
    let stride = a.len() / R;
    for column in 0..stride {
        let mut x = [_mm512_setzero_si512(); R];
        for (part, x) in x.iter_mut().enumerate() {
            *x = load(&a[part * stride + column]);
        }
        for (part, x) in change(x).into_iter().enumerate() {
            store(&mut a[part * stride + column], x);
        }
    }
}
