//! Conversion of residues from one basis to another.
//!
//! Let S = ∏ sᵢ be the product of the source primes and x the integer with residues xᵢ. With yᵢ = xᵢ·(S/sᵢ)⁻¹ mod sᵢ,
//! Σ yᵢ·(S/sᵢ) = x + u·S for an integer 0 ≤ u < k. *Fast* conversion (Bajard et al., SAC 2016) reduces that sum modulo
//! each target prime and leaves u·S in. *Exact* conversion (Halevi, Polyakov, Shoup, eprint 2018/117) finds
//! v = ⌊Σ yᵢ/sᵢ⌉ in floating point and subtracts v·S, which gives the centred representative in [−S/2, S/2). Where x is
//! within ε·S of ±S/2, ε = k(k + 6)·2⁻⁵⁴, the other representative may come out: it is congruent, and larger than S/2 by
//! no more than that. (Each yᵢ·(1/sᵢ) < 1 errs by at most 2·2⁻⁵³, and the sum of i of them and 1/2 rounds by at most
//! (i + 1/2)·2⁻⁵³.)

use rayon::prelude::*;
use zeroize::ZeroizeOnDrop;

use crate::basis::RnsBasis;
use crate::modulus::{Modulus, ShoupFactor};
use crate::poly::{Coeff, Eval, RnsPoly};

/// Constants for one pair of bases.
#[derive(Clone, Debug)]
pub(crate) struct BasisConverter {
    /// (S/sᵢ)⁻¹ mod sᵢ and 1/sᵢ.
    source: Vec<(Modulus, ShoupFactor, f64)>,
    targets: Vec<Target>,
}

#[derive(Clone, Debug)]
struct Target {
    modulus: Modulus,
    /// S/sᵢ mod t.
    weights: Vec<u64>,
    /// S mod t.
    source_product: u64,
}

/// The yᵢ of one polynomial, and v where the conversion is exact. Wiped when dropped: the polynomial may be secret.
#[derive(ZeroizeOnDrop)]
pub(crate) struct Prepared {
    y: Vec<Vec<u64>>,
    v: Option<Vec<u64>>,
}

impl BasisConverter {
    pub(crate) fn new(source: &[Modulus], targets: &[Modulus]) -> Self {
        let cofactor = |i: usize, modulus: Modulus| {
            modulus.product(source.iter().enumerate().filter(|&(k, _)| k != i).map(|(_, &s)| s))
        };
        Self {
            source: source
                .iter()
                .enumerate()
                .map(|(i, &s)| (s, s.shoup(s.inverse(cofactor(i, s))), 1.0 / s.value() as f64))
                .collect(),
            targets: targets
                .iter()
                .map(|&modulus| Target {
                    modulus,
                    weights: (0..source.len()).map(|i| cofactor(i, modulus)).collect(),
                    source_product: modulus.product(source.iter().copied()),
                })
                .collect(),
        }
    }

    /// yᵢ, and v for exact conversion, from the coefficient limbs of the source.
    pub(crate) fn prepare(&self, kernel: crate::Kernel, mut y: Vec<Vec<u64>>, exact: bool) -> Prepared {
        y.par_iter_mut()
            .zip(&self.source)
            .for_each(|(limb, &(s, inverse, _))| kernel.mul_constant(s, limb, inverse));
        let v = exact.then(|| {
            let terms: Vec<_> = y.iter().zip(&self.source).map(|(y, &(_, _, r))| (y.as_slice(), r)).collect();
            let mut v = vec![0; y[0].len()];
            kernel.rounded_quotient(&mut v, &terms);
            v
        });
        Prepared { y, v }
    }

    /// Writes the limb of target prime `index`.
    pub(crate) fn convert_limb(
        &self,
        kernel: crate::Kernel,
        prepared: &Prepared,
        index: usize,
        out: &mut [u64],
    ) {
        let target = &self.targets[index];
        let terms: Vec<_> =
            prepared.y.iter().map(Vec::as_slice).zip(target.weights.iter().copied()).collect();
        let correction = prepared.v.as_deref().map(|v| (v, target.source_product));
        kernel.weighted_sum(target.modulus, out, &terms, correction);
    }
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
    let converter = BasisConverter::new(&moduli(source), &moduli(target));
    let kernel = source.kernel();
    let prepared = converter.prepare(kernel, poly.limbs().map(<[u64]>::to_vec).collect(), exact);
    let mut out = target.zero::<Coeff>();
    out.residues_mut()
        .par_chunks_exact_mut(target.degree())
        .enumerate()
        .for_each(|(index, limb)| converter.convert_limb(kernel, &prepared, index, limb));
    out
}

/// ModUp of one gadget digit: from the digit's primes to all primes of a larger basis.
///
/// The digit is the centred representative of the polynomial modulo the product D of the digit's primes, so its
/// coefficients are at most (1/2 + ε)·D. The limbs of the digit's own primes are copied, without transforms.
#[derive(Clone, Debug)]
pub struct ModUp {
    digit: std::ops::Range<usize>,
    basis: RnsBasis,
    converter: BasisConverter,
}

impl ModUp {
    /// For the primes `digit` of `basis`, to all of `basis`.
    ///
    /// # Panics
    ///
    /// Where `digit` is empty or not within the basis.
    #[must_use]
    pub fn new(basis: &RnsBasis, digit: std::ops::Range<usize>) -> Self {
        assert!(!digit.is_empty() && digit.end <= basis.limb_count());
        let moduli: Vec<_> = basis.moduli().collect();
        let converter = BasisConverter::new(&moduli[digit.clone()], &moduli);
        Self { digit, basis: basis.clone(), converter }
    }

    /// The digit of the polynomial given in both representations on the first primes of the basis.
    #[must_use]
    pub fn apply(&self, evaluations: &RnsPoly<Eval>, coefficients: &RnsPoly<Coeff>) -> RnsPoly<Eval> {
        let kernel = self.basis.kernel();
        let limbs = self.digit.clone().map(|index| coefficients.limb(index).to_vec()).collect();
        let prepared = self.converter.prepare(kernel, limbs, true);
        let mut raised = self.basis.zero::<Eval>();
        raised.residues_mut().par_chunks_exact_mut(self.basis.degree()).enumerate().for_each(
            |(index, limb)| {
                if self.digit.contains(&index) {
                    limb.copy_from_slice(evaluations.limb(index));
                } else {
                    self.converter.convert_limb(kernel, &prepared, index, limb);
                    self.basis.table(index).forward(limb);
                }
            },
        );
        raised
    }
}

/// Division with rounding by the product D of the last primes of a basis: ⌊x/D⌉ on the primes before them.
///
/// Rescaling divides by the last prime, ModDown by the special primes, and a rescaling merged into a ModDown by both
/// at once. Computed as (x − \[x\]_D)·D⁻¹ with the centred remainder, so the result is within 1/2 + ε of x/D.
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
        Self { basis: basis.clone(), kept, converter: BasisConverter::new(source, targets), inverses }
    }

    /// ⌊x/D⌉. Takes one inverse transform for each dropped prime and one forward transform for each kept one.
    ///
    /// # Panics
    ///
    /// Where the polynomial does not have the limbs of the basis.
    #[must_use]
    pub fn apply(&self, poly: &RnsPoly<Eval>) -> RnsPoly<Eval> {
        assert!(poly.degree() == self.basis.degree() && poly.limb_count() == self.basis.limb_count());
        let kernel = self.basis.kernel();
        let dropped = (self.kept..self.basis.limb_count())
            .into_par_iter()
            .map(|index| {
                let table = self.basis.table(index);
                let mut limb = poly.limb(index).to_vec();
                table.inverse_unscaled(&mut limb);
                kernel.mul_constant(table.modulus(), &mut limb, table.degree_inverse());
                limb
            })
            .collect();
        let prepared = self.converter.prepare(kernel, dropped, true);
        let mut quotient = RnsPoly::zero(self.basis.degree(), self.kept);
        quotient.residues_mut().par_chunks_exact_mut(self.basis.degree()).enumerate().for_each(
            |(index, limb)| {
                let table = self.basis.table(index);
                self.converter.convert_limb(kernel, &prepared, index, limb);
                table.forward(limb);
                kernel.sub_from_and_scale(table.modulus(), limb, poly.limb(index), self.inverses[index]);
            },
        );
        quotient
    }
}

#[cfg(test)]
mod tests;
