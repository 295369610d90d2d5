//! Sums over the digits of a polynomial, and their division, prime by prime.
//!
//! The division of a sum needs the limbs of the dropped primes as polynomials. The limbs of the kept primes are made
//! block by block where the division uses them, and never leave the first cache.

use std::fmt;
use std::ops::Range;
use std::slice;

use maybe_rayon::prelude::*;
use zeroize::Zeroizing;

use super::{Gadget, Prepared, RoundedDivision, TILE, inverse_scaled};
use crate::automorphism::Automorphism;
use crate::basis::RnsBasis;
use crate::buffer::Buffer;
use crate::modulus::ShoupFactor;
use crate::packed::PackedPoly;
use crate::poly::{Eval, RnsPoly};

/// Residues of a sum that are made and used in the first cache.
const BLOCK: usize = 1 << 10;

/// The digits of a polynomial.
pub struct Digits<'a>(Source<'a>);

enum Source<'a> {
    Raised(&'a [RnsPoly<Eval>]),
    Prepared { gadget: &'a Gadget, poly: &'a RnsPoly<Eval>, prepared: Vec<Prepared> },
    Small { basis: &'a RnsBasis, coefficients: &'a [i64] },
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

    /// One digit: a secret polynomial of small coefficients, transformed when a limb is needed and wiped.
    #[must_use]
    pub fn small(basis: &'a RnsBasis, coefficients: &'a [i64]) -> Self {
        Self(Source::Small { basis, coefficients })
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
            Source::Small { basis, coefficients } => {
                out.into_par_iter().enumerate().for_each(|(i, out)| {
                    let table = basis.table(first + i);
                    let mut limb = Zeroizing::new(Buffer::stale(basis.degree()));
                    basis.kernel().lift_signed(table.modulus(), &mut limb, coefficients);
                    table.forward(&mut limb);
                    f(first + i, out, &[&limb]);
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
    pub pairs: &'a [[PackedPoly; 2]],
    /// The pairs' limb for a prime of the digits' basis.
    pub limb_of: L,
    /// x and y, where there are any.
    pub summands: [Option<&'a RnsPoly<Eval>>; 2],
    /// The integer f modulo the first primes; it is zero modulo the others, for which x and y need no limbs.
    pub factor: &'a [u64],
}

impl<L: Fn(usize) -> usize + Sync> DigitSum<'_, L> {
    /// The limbs of both sums for some primes of a basis.
    #[must_use]
    pub fn limbs(&self, basis: &RnsBasis, primes: Range<usize>) -> [RnsPoly<Eval>; 2] {
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
            (&digit[range.clone()], [a, b].map(|half| half.limb(key_limb).slice(range.clone())))
        });
        kernel.sum_of_packed_pairs(q, [&mut *u, &mut *v], &terms.collect::<Vec<_>>());
        if let Some(&factor) = self.factor.get(index) {
            for (out, summand) in [u, v].into_iter().zip(self.summands) {
                if let Some(summand) = summand {
                    kernel.add_scaled(q, out, &summand.limb(index)[range.clone()], q.shoup(factor));
                }
            }
        }
    }
}

/// A sum over digits that is divided by D, and what becomes of it.
struct Division<'a, L> {
    sum: &'a DigitSum<'a, L>,
    /// The remainders of both halves modulo D.
    remainders: [&'a Prepared; 2],
    automorphism: Option<&'a Automorphism>,
}

impl RoundedDivision {
    /// σ(⌊x/D⌉) for both halves x of a sum over digits, and an automorphism σ where there is one. The residues are
    /// those of [`apply`](Self::apply) to the sum as polynomials.
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
        let remainders = self.remainders(sum);
        let mut quotients = self.stale_quotients();
        let division = Division { sum, remainders: remainders.each_ref(), automorphism };
        self.divide_sums(&[division], slice::from_mut(&mut quotients));
        quotients
    }

    /// As [`apply_to_sum`](Self::apply_to_sum), for several sums prime by prime: digits that they share are read from
    /// memory once.
    ///
    /// # Panics
    ///
    /// Where a polynomial of a sum lacks limbs.
    #[must_use]
    pub fn apply_to_sums<L: Fn(usize) -> usize + Sync>(
        &self,
        sums: &[(DigitSum<'_, L>, Option<&Automorphism>)],
    ) -> Vec<[RnsPoly<Eval>; 2]> {
        let remainders: Vec<_> = sums.par_iter().map(|(sum, _)| self.remainders(sum)).collect();
        let divisions: Vec<_> = sums
            .iter()
            .zip(&remainders)
            .map(|((sum, automorphism), remainders)| Division {
                sum,
                remainders: remainders.each_ref(),
                automorphism: *automorphism,
            })
            .collect();
        let mut quotients: Vec<_> = sums.iter().map(|_| self.stale_quotients()).collect();
        self.divide_sums(&divisions, &mut quotients);
        quotients
    }

    /// (⌊(x + e)/D⌉, ⌊(y + f)/D⌉) for a sum (x, y) of [`Digits::small`] and secret polynomials e and f of coefficients
    /// below 2⁵⁰ in size.
    ///
    /// Intermediate values are wiped. The division has coefficients at one point, and the errors are added there, so
    /// they need no transform.
    ///
    /// # Panics
    ///
    /// Where a polynomial of the sum lacks limbs, and unless e and f have N coefficients.
    #[must_use]
    pub fn apply_to_secret_sum<L: Fn(usize) -> usize + Sync>(
        &self,
        sum: &DigitSum<'_, L>,
        [e, f]: [&[i64]; 2],
    ) -> [RnsPoly<Eval>; 2] {
        let [x, y] = sum.limbs(&self.basis, self.kept..self.basis.limb_count()).map(Zeroizing::new);
        let [r, s] = [self.secret_remainder(&x, e), self.secret_remainder(&y, f)];
        let mut quotients = self.stale_quotients();
        let division = Division { sum, remainders: [&r, &s], automorphism: None };
        self.divide_sums(&[division], slice::from_mut(&mut quotients));
        quotients
    }

    /// \[x + e\]_D − e for the dropped limbs of x.
    fn secret_remainder(&self, dropped: &RnsPoly<Eval>, small: &[i64]) -> Zeroizing<Prepared> {
        let (degree, kernel) = (self.basis.degree(), self.basis.kernel());
        let limb = |i, factor: ShoupFactor| {
            let table = self.basis.table(self.kept + i);
            let modulus = table.modulus();
            let mut limb = inverse_scaled(table, dropped.limb(i), factor);
            let mut lifted = Zeroizing::new(Buffer::stale(degree));
            kernel.lift_signed(modulus, &mut lifted, small);
            // The limb is multiplied by N times the factor, so e is as well.
            let scale = modulus.mul(modulus.reduce(degree as u64), factor.value);
            kernel.add_scaled(modulus, &mut limb, &lifted, modulus.shoup(scale));
            limb
        };
        let mut remainder = Zeroizing::new(self.converter.prepare(kernel, limb, true));
        // −e is the negative part of e less the positive part of e.
        remainder.0.extend([1, -1].map(|sign| {
            let mut part = Buffer::stale(degree);
            for (part, &small) in part.iter_mut().zip(small) {
                let value = sign * small;
                *part = (value & !(value >> 63)) as u64;
            }
            part
        }));
        remainder
    }

    fn stale_quotients(&self) -> [RnsPoly<Eval>; 2] {
        [(); 2].map(|()| RnsPoly::stale(self.basis.degree(), self.kept))
    }

    /// The remainders of both halves of a sum modulo D.
    fn remainders<L: Fn(usize) -> usize + Sync>(&self, sum: &DigitSum<'_, L>) -> [Prepared; 2] {
        sum.limbs(&self.basis, self.kept..self.basis.limb_count()).map(|dropped| {
            let limb = |i, factor| inverse_scaled(self.basis.table(self.kept + i), dropped.limb(i), factor);
            self.converter.prepare(self.basis.kernel(), limb, true)
        })
    }

    /// Writes the images of the quotients.
    fn divide_sums<L: Fn(usize) -> usize + Sync>(
        &self,
        divisions: &[Division<'_, L>],
        quotients: &mut [[RnsPoly<Eval>; 2]],
    ) {
        let degree = self.basis.degree();
        let mut tiles: Vec<Vec<[&mut [u64]; 2]>> =
            (0..self.kept.div_ceil(TILE)).map(|_| Vec::with_capacity(divisions.len())).collect();
        for [x, y] in quotients {
            let [x, y] = [x, y].map(|half| half.residues_mut().chunks_mut(TILE * degree));
            for (tile, (x, y)) in tiles.iter_mut().zip(x.zip(y)) {
                tile.push([x, y]);
            }
        }
        tiles.into_par_iter().enumerate().for_each(|(tile, outputs)| {
            for (division, output) in divisions.iter().zip(outputs) {
                self.divide_tile(division, TILE * tile, output);
            }
        });
    }

    /// Writes the limbs of the images for a tile of primes from `first` on.
    fn divide_tile<L: Fn(usize) -> usize + Sync>(
        &self,
        Division { sum, remainders, automorphism }: &Division<'_, L>,
        first: usize,
        [x, y]: [&mut [u64]; 2],
    ) {
        let (kernel, length) = (self.basis.kernel(), x.len());
        // Quotients that are permuted are made elsewhere.
        let mut scratch = automorphism.map(|automorphism| (automorphism, Buffer::stale(2 * length)));
        let mut limbs: Vec<_> = match &mut scratch {
            None => self.limb_pairs(x, y).map(|limbs| (limbs, None)).collect(),
            Some((automorphism, scratch)) => {
                let (r, s) = scratch.split_at_mut(length);
                let images = self.limb_pairs(x, y).map(|images| Some((*automorphism, images)));
                self.limb_pairs(r, s).zip(images).collect()
            }
        };
        for (half, remainder) in remainders.iter().enumerate() {
            let halves = limbs.iter_mut().map(|(limbs, _)| &mut *limbs[half]);
            self.converter.convert(kernel, remainder, (first..).zip(halves));
        }
        sum.digits.for_tile(first, limbs, |index, (mut limbs, images), digits| {
            self.divide_limbs(sum, index, digits, limbs.each_mut().map(|limb| &mut **limb));
            if let Some((automorphism, images)) = images {
                for (image, limb) in images.into_iter().zip(limbs) {
                    kernel.permute_groups(image, limb, automorphism.evaluation_index());
                }
            }
        });
    }

    fn limb_pairs<'a>(&self, x: &'a mut [u64], y: &'a mut [u64]) -> impl Iterator<Item = [&'a mut [u64]; 2]> {
        let degree = self.basis.degree();
        x.chunks_exact_mut(degree).zip(y.chunks_exact_mut(degree)).map(|(x, y)| [x, y])
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
        // Wiped: the sum may be secret.
        let mut block = Zeroizing::new(Buffer::stale(2 * BLOCK));
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
