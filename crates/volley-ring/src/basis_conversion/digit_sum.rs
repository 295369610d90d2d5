//! Sums over the digits of a polynomial, and their division, prime by prime.
//!
//! Of a sum that is divided only the limbs of dropped primes are needed as polynomials. Those of kept primes are made
//! block by block where the division uses them, and never leave the first cache.

use std::fmt;
use std::ops::Range;

use rayon::prelude::*;

use super::{Gadget, Prepared, RoundedDivision, TILE, inverse_scaled};
use crate::automorphism::Automorphism;
use crate::basis::RnsBasis;
use crate::buffer::Buffer;
use crate::poly::{Eval, RnsPoly};

/// Residues of a sum that are made and used in the first cache.
const BLOCK: usize = 1 << 10;

/// The digits of a polynomial.
pub struct Digits<'a>(Source<'a>);

enum Source<'a> {
    Raised(&'a [RnsPoly<Eval>]),
    Prepared { gadget: &'a Gadget, poly: &'a RnsPoly<Eval>, prepared: Vec<Prepared> },
}

impl<'a> Digits<'a> {
    /// The digits of a polynomial that are used once: raised prime by prime, when they are needed.
    #[must_use]
    pub fn new(gadget: &'a Gadget, poly: &'a RnsPoly<Eval>) -> Self {
        Self(Source::Prepared { gadget, poly, prepared: gadget.prepare(poly) })
    }

    /// Digits that [`Gadget::decompose`] gave.
    #[must_use]
    pub fn raised(digits: &'a [RnsPoly<Eval>]) -> Self {
        Self(Source::Raised(digits))
    }

    /// f(i, outᵢ, limbs of the digits modulo prime i) for a tile of primes from `first` on.
    fn for_tile<T: Send>(&self, first: usize, out: Vec<T>, f: impl Fn(usize, T, &[&[u64]]) + Sync) {
        match &self.0 {
            Source::Raised(digits) => out.into_par_iter().enumerate().for_each(|(i, out)| {
                let limbs: Vec<_> = digits.iter().map(|digit| digit.limb(first + i)).collect();
                f(first + i, out, &limbs);
            }),
            Source::Prepared { gadget, poly, prepared } => {
                let (degree, digits) = (gadget.basis.degree(), gadget.digits.len());
                let mut scratch = Buffer::stale(out.len() * digits * degree);
                let mut by_prime: Vec<Vec<&mut [u64]>> = scratch
                    .chunks_exact_mut(digits * degree)
                    .map(|limbs| limbs.chunks_exact_mut(degree).collect())
                    .collect();
                gadget.convert(prepared, first, &mut by_prime);
                out.into_par_iter().zip(by_prime).enumerate().for_each(|(i, (out, limbs))| {
                    let index = first + i;
                    let limbs = gadget.digits.iter().zip(limbs).map(|((own, _), limb)| {
                        if own.contains(&index) {
                            return poly.limb(index);
                        }
                        gadget.basis.table(index).forward(limb);
                        limb
                    });
                    f(index, out, &limbs.collect::<Vec<_>>());
                });
            }
        }
    }
}

/// Name only: digits may be many megabytes.
impl fmt::Debug for Digits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digits").finish_non_exhaustive()
    }
}

/// (Σ dⱼ·aⱼ + f·x, Σ dⱼ·bⱼ + f·y) over digits dⱼ and pairs of polynomials on a basis that may have more primes.
#[derive(Debug)]
pub struct DigitSum<'a, L> {
    /// dⱼ.
    pub digits: Digits<'a>,
    /// (aⱼ, bⱼ).
    pub pairs: &'a [[RnsPoly<Eval>; 2]],
    /// The pairs' limb for a prime of the digits' basis.
    pub limb_of: L,
    /// x and y, where there are any.
    pub summands: [Option<&'a RnsPoly<Eval>>; 2],
    /// The integer f modulo the first primes; it is zero modulo the others, for which x and y need no limbs.
    pub factor: &'a [u64],
}

impl<L: Fn(usize) -> usize + Sync> DigitSum<'_, L> {
    /// The limbs of some primes of a basis.
    pub(super) fn limbs(&self, basis: &RnsBasis, primes: Range<usize>) -> [RnsPoly<Eval>; 2] {
        let degree = basis.degree();
        let [mut u, mut v] = [(); 2].map(|()| RnsPoly::stale(degree, primes.len()));
        let tiles = u.residues_mut().par_chunks_mut(TILE * degree);
        tiles.zip(v.residues_mut().par_chunks_mut(TILE * degree)).enumerate().for_each(|(tile, (u, v))| {
            let out = u.chunks_exact_mut(degree).zip(v.chunks_exact_mut(degree)).collect();
            self.digits.for_tile(primes.start + TILE * tile, out, |index, (u, v), digits| {
                self.block(basis, index, digits, 0..degree, [u, v]);
            });
        });
        [u, v]
    }

    /// Some residues of the limb of prime `index`.
    fn block(
        &self,
        basis: &RnsBasis,
        index: usize,
        digits: &[&[u64]],
        range: Range<usize>,
        [u, v]: [&mut [u64]; 2],
    ) {
        let (kernel, q, key_limb) = (basis.kernel(), basis.table(index).modulus(), (self.limb_of)(index));
        let terms = digits.iter().zip(self.pairs).map(|(digit, [a, b])| {
            [&digit[range.clone()], &a.limb(key_limb)[range.clone()], &b.limb(key_limb)[range.clone()]]
        });
        kernel.sum_of_pairs(q, [&mut *u, &mut *v], &terms.collect::<Vec<_>>());
        if let Some(&factor) = self.factor.get(index) {
            for (out, summand) in [u, v].into_iter().zip(self.summands) {
                if let Some(summand) = summand {
                    kernel.add_scaled(q, out, &summand.limb(index)[range.clone()], q.shoup(factor));
                }
            }
        }
    }
}

impl RoundedDivision {
    /// σ(⌊x/D⌉) for both halves x of a sum over digits, and an automorphism σ where there is one. The residues are those
    /// of [`apply`](Self::apply) to the sum as polynomials.
    ///
    /// # Panics
    ///
    /// Where a polynomial of the sum lacks limbs.
    #[must_use]
    pub fn apply_to_sum<L: Fn(usize) -> usize + Sync>(
        &self,
        sum: &DigitSum<'_, L>,
        automorphism: Option<&Automorphism>,
    ) -> [RnsPoly<Eval>; 2] {
        let (degree, kernel) = (self.basis.degree(), self.basis.kernel());
        let remainders = sum.limbs(&self.basis, self.kept..self.basis.limb_count()).map(|dropped| {
            let limb = |i, factor| inverse_scaled(self.basis.table(self.kept + i), dropped.limb(i), factor);
            self.converter.prepare(kernel, limb, true)
        });
        let mut quotients = [(); 2].map(|()| RnsPoly::stale(degree, self.kept));
        let [x, y] = quotients.each_mut().map(|half| half.residues_mut().par_chunks_mut(TILE * degree));
        x.zip(y).enumerate().for_each(|(tile, (x, y))| {
            let mut scratch = Buffer::stale(2 * x.len());
            for (half, remainder) in scratch.chunks_exact_mut(x.len()).zip(&remainders) {
                let limbs = (TILE * tile..).zip(half.chunks_exact_mut(degree));
                self.converter.convert(kernel, remainder, limbs);
            }
            let (r, s) = scratch.split_at_mut(x.len());
            let [x, y, r, s] = [x, y, r, s].map(|limbs| limbs.chunks_exact_mut(degree));
            let limbs = x.zip(y).zip(r.zip(s)).collect();
            sum.digits.for_tile(TILE * tile, limbs, |index, ((x, y), (r, s)), digits| {
                self.divide_limbs(sum, index, digits, [&mut *r, &mut *s]);
                for (image, limb) in [(x, r), (y, s)] {
                    match automorphism {
                        Some(automorphism) => {
                            kernel.permute_groups(image, limb, automorphism.evaluation_index());
                        }
                        None => image.copy_from_slice(limb),
                    }
                }
            });
        });
        quotients
    }

    /// r ← (x − r)·D⁻¹ for the limbs of prime `index` of a sum x and of the coefficients of its remainder r.
    fn divide_limbs<L: Fn(usize) -> usize + Sync>(
        &self,
        sum: &DigitSum<'_, L>,
        index: usize,
        digits: &[&[u64]],
        mut remainders: [&mut [u64]; 2],
    ) {
        let (kernel, table) = (self.basis.kernel(), self.basis.table(index));
        for remainder in &mut remainders {
            table.forward(remainder);
        }
        let mut block = Buffer::stale(2 * BLOCK);
        let (u, v) = block.split_at_mut(BLOCK);
        for start in (0..table.degree()).step_by(BLOCK) {
            let range = start..table.degree().min(start + BLOCK);
            let (u, v) = (&mut u[..range.len()], &mut v[..range.len()]);
            sum.block(&self.basis, index, digits, range.clone(), [&mut *u, &mut *v]);
            for (remainder, x) in remainders.iter_mut().zip([u, v]) {
                let remainder = &mut remainder[range.clone()];
                kernel.sub_from_and_scale(table.modulus(), remainder, x, self.inverses[index]);
            }
        }
    }
}
