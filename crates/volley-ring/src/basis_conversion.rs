//! Conversion of residues from one basis to another.
//!
//! Let S = ∏ sᵢ be the product of the source primes and x the integer with residues xᵢ. With yᵢ = xᵢ·(S/sᵢ)⁻¹ mod
//! sᵢ, Σ yᵢ·(S/sᵢ) = x + u·S for an integer 0 ≤ u < k. *Fast* conversion (Bajard et al., SAC 2016) reduces that sum
//! modulo each target prime and leaves u·S in. *Exact* conversion (Halevi, Polyakov, Shoup, eprint 2018/117) finds
//! v = ⌊Σ yᵢ/sᵢ⌉ in floating point and subtracts v·S, which gives the centred representative in [−S/2, S/2). Where x is
//! within ε·S of ±S/2, ε = k(k + 6)·2⁻⁵⁴, the other representative may come out: it is congruent, and larger than S/2
//! by no more than that. (Each yᵢ·(1/sᵢ) < 1 errs by at most 2·2⁻⁵³, and the sum of i of them and 1/2 rounds by at most
//! (i + 1/2)·2⁻⁵³.)

use std::ops::Range;

use maybe_rayon::prelude::*;
use zeroize::Zeroize;

use crate::basis::RnsBasis;
use crate::buffer::Buffer;
use crate::kernel::Kernel;
use crate::modulus::{Modulus, ShoupFactor};
use crate::ntt::NttTable;
use crate::packed::PackedPoly;
use crate::poly::{Coeff, Eval, RnsPoly};

/// Constants for one pair of bases.
#[derive(Clone, Debug)]
struct BasisConverter {
    /// (S/sᵢ)⁻¹/f mod sᵢ and 1/sᵢ, for residues that come multiplied by a factor f.
    source: Vec<(Modulus, ShoupFactor, f64)>,
    targets: Vec<Target>,
}

#[derive(Clone, Debug)]
struct Target {
    modulus: Modulus,
    /// S/sᵢ mod t, −S mod t, and −1 and 1 for the parts of a polynomial that is subtracted.
    weights: Vec<u64>,
}

/// The yᵢ of one polynomial, v where the conversion is exact, and the parts of a polynomial that is subtracted from it.
struct Prepared(Vec<Buffer>);

/// How many target primes are converted to together, so that each source is read once for them.
const TILE: usize = 2;

impl BasisConverter {
    /// The constants for source residues that come multiplied by `factor`: 1 for coefficients, N for the inverse
    /// transform without its scaling.
    fn new(source: &[Modulus], targets: &[Modulus], factor: usize) -> Self {
        let cofactor = |i: usize, modulus: Modulus| {
            modulus.product(source.iter().enumerate().filter(|&(k, _)| k != i).map(|(_, &s)| s))
        };
        let inverse = |i: usize, s: Modulus| s.inverse(s.mul(cofactor(i, s), s.reduce(factor as u64)));
        Self {
            source: source
                .iter()
                .enumerate()
                .map(|(i, &s)| (s, s.shoup(inverse(i, s)), 1.0 / s.value() as f64))
                .collect(),
            targets: targets
                .iter()
                .map(|&modulus| {
                    let cofactors = (0..source.len()).map(|i| cofactor(i, modulus));
                    let product = modulus.product(source.iter().copied());
                    let others = [modulus.neg(product), modulus.neg(1), 1];
                    Target { modulus, weights: cofactors.chain(others).collect() }
                })
                .collect(),
        }
    }

    /// yᵢ, and v for exact conversion. `limb(i, w)` gives the residues modulo sᵢ times w.
    fn prepare(
        &self,
        kernel: Kernel,
        limb: impl Fn(usize, ShoupFactor) -> Buffer + Sync,
        exact: bool,
    ) -> Prepared {
        let mut terms: Vec<Buffer> =
            self.source.par_iter().enumerate().map(|(i, &(_, inverse, _))| limb(i, inverse)).collect();
        if exact {
            let quotients: Vec<_> = terms.iter().zip(&self.source).map(|(y, &(_, _, r))| (&**y, r)).collect();
            let mut v = Buffer::stale(terms[0].len());
            kernel.rounded_quotient(&mut v, &quotients);
            terms.push(v);
        }
        Prepared(terms)
    }

    /// Writes the limbs of some target primes.
    fn convert<'a>(
        &self,
        kernel: Kernel,
        prepared: &Prepared,
        limbs: impl Iterator<Item = (usize, &'a mut [u64])>,
    ) {
        let sources: Vec<_> = prepared.0.iter().map(|limb| &**limb).collect();
        let (targets, mut limbs): (Vec<_>, Vec<_>) = limbs
            .map(|(index, limb)| {
                let Target { modulus, weights } = &self.targets[index];
                ((*modulus, &weights[..sources.len()]), limb)
            })
            .unzip();
        kernel.weighted_sums(&mut limbs, &sources, &targets);
    }
}

impl Zeroize for Prepared {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// A limb after an inverse transform, times N·`factor`.
fn inverse_scaled(table: &NttTable, limb: &[u64], factor: ShoupFactor) -> Buffer {
    let mut out = Buffer::stale(limb.len());
    table.inverse_scaled_from(limb, &mut out, factor);
    out
}

/// Converts all limbs of `poly` on `source` to `target`: the centred representative where `exact`, otherwise with up
/// to k − 1 times S added for k source primes.
#[must_use]
pub fn convert_basis(
    source: &RnsBasis,
    target: &RnsBasis,
    poly: &RnsPoly<Coeff>,
    exact: bool,
) -> RnsPoly<Coeff> {
    let moduli = |basis: &RnsBasis| basis.moduli().collect::<Vec<_>>();
    let converter = BasisConverter::new(&moduli(source), &moduli(target), 1);
    let kernel = source.kernel();
    let limb = |i, factor| {
        let mut limb = Buffer::copy_of(poly.limb(i));
        kernel.mul_constant(source.table(i).modulus(), &mut limb, factor);
        limb
    };
    let prepared = converter.prepare(kernel, limb, exact);
    let mut out = RnsPoly::stale(target.degree(), target.limb_count());
    let degree = target.degree();
    out.residues_mut().par_chunks_mut(TILE * degree).enumerate().for_each(|(tile, limbs)| {
        converter.convert(kernel, &prepared, (TILE * tile..).zip(limbs.chunks_exact_mut(degree)));
    });
    out
}

/// Gadget decomposition: the digits of a polynomial, each raised to all primes of a larger basis (ModUp).
///
/// Digit j is the centred representative of the polynomial modulo the product Dⱼ of the digit's primes, so its
/// coefficients are at most (1/2 + ε)·Dⱼ (ε as in exact conversion). The limbs of a digit's own primes are those of the
/// polynomial, without transforms.
#[derive(Clone, Debug)]
pub struct Gadget {
    basis: RnsBasis,
    digits: Vec<(Range<usize>, BasisConverter)>,
}

impl Gadget {
    /// The decomposition into digits of consecutive primes of `basis`, raised to all of `basis`.
    ///
    /// # Panics
    ///
    /// Where a digit is empty or not within the basis.
    #[must_use]
    pub fn new(basis: &RnsBasis, digits: impl IntoIterator<Item = Range<usize>>) -> Self {
        let moduli: Vec<_> = basis.moduli().collect();
        let digit = |digit: Range<usize>| {
            assert!(!digit.is_empty() && digit.end <= basis.limb_count());
            let converter = BasisConverter::new(&moduli[digit.clone()], &moduli, basis.degree());
            (digit, converter)
        };
        Self { basis: basis.clone(), digits: digits.into_iter().map(digit).collect() }
    }

    /// The digits of a polynomial that has at least the limbs of all digits.
    ///
    /// Takes one inverse transform for each limb of a digit, and for each digit one forward transform for every prime
    /// that is not its own.
    #[must_use]
    pub fn decompose(&self, poly: &RnsPoly<Eval>) -> Vec<RnsPoly<Eval>> {
        let (degree, limbs) = (self.basis.degree(), self.basis.limb_count());
        let prepared = self.prepare(poly);
        let mut digits: Vec<_> = self.digits.iter().map(|_| RnsPoly::stale(degree, limbs)).collect();
        // By prime: transforms of one prime after the other share their twiddle factors in the cache.
        let mut by_prime: Vec<Vec<&mut [u64]>> = (0..limbs).map(|_| Vec::new()).collect();
        for digit in &mut digits {
            for (limbs, limb) in by_prime.iter_mut().zip(digit.residues_mut().chunks_exact_mut(degree)) {
                limbs.push(limb);
            }
        }
        by_prime.par_chunks_mut(TILE).enumerate().for_each(|(tile, by_prime)| {
            self.convert(&prepared, TILE * tile, by_prime);
            by_prime.par_iter_mut().zip(TILE * tile..limbs).for_each(|(limbs, index)| {
                for ((own, _), limb) in self.digits.iter().zip(limbs) {
                    if own.contains(&index) {
                        limb.copy_from_slice(poly.limb(index));
                    } else {
                        self.basis.table(index).forward(limb);
                    }
                }
            });
        });
        digits
    }

    /// (Σ dⱼ·aⱼ, Σ dⱼ·bⱼ) over the digits dⱼ of a polynomial and pairs (aⱼ, bⱼ) of polynomials on a basis that may have
    /// more primes: `limb_of(i)` names the pairs' limb for prime i of this basis.
    ///
    /// The digits modulo a prime are used while they are in the cache, and never exist as polynomials in memory. A
    /// digit's limbs modulo its own primes are read from the polynomial.
    #[must_use]
    pub fn sum_of_pairs(
        &self,
        poly: &RnsPoly<Eval>,
        pairs: &[[PackedPoly; 2]],
        limb_of: impl Fn(usize) -> usize + Sync,
    ) -> [RnsPoly<Eval>; 2] {
        let digits = Digits::new(self, poly);
        DigitSum { digits, pairs, limb_of, summands: [None; 2], factor: &[] }
            .limbs(&self.basis, 0..self.basis.limb_count())
    }

    fn prepare(&self, poly: &RnsPoly<Eval>) -> Vec<Prepared> {
        self.digits
            .par_iter()
            .map(|(digit, converter)| {
                let limb = |i, factor| {
                    let index = digit.start + i;
                    inverse_scaled(self.basis.table(index), poly.limb(index), factor)
                };
                converter.prepare(self.basis.kernel(), limb, true)
            })
            .collect()
    }

    /// Writes `by_prime[i][j]`, the limb of prime `first` + i of digit j, in coefficient form, but for a digit's own
    /// primes.
    fn convert(&self, prepared: &[Prepared], first: usize, by_prime: &mut [Vec<&mut [u64]>]) {
        for (j, ((own, converter), prepared)) in self.digits.iter().zip(prepared).enumerate() {
            let limbs = (first..).zip(by_prime.iter_mut().map(|limbs| &mut *limbs[j]));
            converter.convert(self.basis.kernel(), prepared, limbs.filter(|(index, _)| !own.contains(index)));
        }
    }
}

/// Division with rounding by the product D of the last primes of a basis: ⌊x/D⌉ on the primes before them.
///
/// Rescaling divides by the primes of the last level, ModDown by the special primes, and a rescaling merged into a
/// ModDown by both at once. The quotient is computed as (x − \[x\]_D)·D⁻¹ with the centred remainder, so it is within
/// 1/2 + ε of x/D (ε as in exact conversion).
#[derive(Clone, Debug)]
pub struct RoundedDivision {
    basis: RnsBasis,
    kept: usize,
    converter: BasisConverter,
    inverses: Vec<ShoupFactor>,
}

impl RoundedDivision {
    /// Division by all primes of `basis` after the first `kept`.
    ///
    /// # Panics
    ///
    /// Unless at least one prime is kept and one dropped.
    #[must_use]
    pub fn new(basis: &RnsBasis, kept: usize) -> Self {
        assert!(kept > 0 && kept < basis.limb_count());
        let moduli: Vec<_> = basis.moduli().collect();
        let (targets, source) = moduli.split_at(kept);
        let inverses =
            targets.iter().map(|t| t.shoup(t.inverse(t.product(source.iter().copied())))).collect();
        let converter = BasisConverter::new(source, targets, basis.degree());
        Self { basis: basis.clone(), kept, converter, inverses }
    }

    /// ⌊x/D⌉. Takes one inverse transform for each dropped prime and one forward transform for each kept one.
    ///
    /// # Panics
    ///
    /// Where the polynomial does not have the limbs of the basis.
    #[must_use]
    pub fn apply(&self, poly: &RnsPoly<Eval>) -> RnsPoly<Eval> {
        let (degree, kernel) = (self.basis.degree(), self.basis.kernel());
        assert!(poly.degree() == degree && poly.limb_count() == self.basis.limb_count());
        let limb =
            |i, factor| inverse_scaled(self.basis.table(self.kept + i), poly.limb(self.kept + i), factor);
        let remainder = self.converter.prepare(kernel, limb, true);
        let mut quotient = RnsPoly::stale(degree, self.kept);
        quotient.residues_mut().par_chunks_mut(TILE * degree).enumerate().for_each(|(tile, limbs)| {
            let tiled = (TILE * tile..).zip(limbs.chunks_exact_mut(degree));
            self.converter.convert(kernel, &remainder, tiled);
            limbs.par_chunks_exact_mut(degree).zip(TILE * tile..self.kept).for_each(|(limb, index)| {
                let (table, inverse) = (self.basis.table(index), self.inverses[index]);
                table.forward(limb);
                kernel.sub_from_and_scale(table.modulus(), limb, poly.limb(index), inverse);
            });
        });
        quotient
    }
}

mod digit_sum;

pub use digit_sum::{DigitSum, Digits};

#[cfg(test)]
mod tests;
