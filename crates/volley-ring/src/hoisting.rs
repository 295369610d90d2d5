//! Sums over many images of one pair of polynomials.
//!
//! A pair (c₀, c₁), the digits dₖ of c₁ and, for each automorphism σᵢ, pairs (aᵢₖ, bᵢₖ) have the images
//!
//! ```text
//! zᵢ = σᵢ( (c₀, 0) + Σ_k dₖ·(aᵢₖ, bᵢₖ) ),
//! ```
//!
//! and the pair itself is an image as well. What is wanted are sums of images times polynomials, many sums of the same
//! images. All of it (product with the pairs, permutation, product with the polynomials) is limb by limb: so the images
//! of one prime are made, used for all sums while they are in the cache, and forgotten. They never exist as polynomials.
//! For n images, m sums and t threads, 2nt limbs are alive at a time besides the m pairs of results.

use rayon::prelude::*;

use crate::automorphism::Automorphism;
use crate::basis::RnsBasis;
use crate::buffer::Buffer;
use crate::modulus::Modulus;
use crate::packed::{PackedLimb, PackedPoly};
use crate::poly::{Eval, RnsPoly};

/// Residues of each limb that are multiplied for all sums before the next: tiles of 32 images fill half of a second
/// level cache of 1 MiB.
const TILE: usize = 1 << 10;

/// A pair of polynomials (c₀, c₁) and the digits of c₁.
#[derive(Clone, Copy, Debug)]
pub struct HoistedPair<'a> {
    /// (c₀, c₁) on the first primes of the basis; modulo the others both are zero.
    pub parts: [&'a RnsPoly<Eval>; 2],
    /// dₖ on the whole basis.
    pub digits: &'a [RnsPoly<Eval>],
}

/// A factor, and the pair of limbs that is multiplied by it.
type Multiple<'a> = (PackedLimb<'a>, [&'a [u64]; 2]);

/// How an image is made of a [`HoistedPair`].
#[derive(Clone, Copy, Debug)]
pub enum Image<'a> {
    /// (c₀, c₁).
    Itself,
    /// σ((c₀, 0) + Σ dₖ·(aₖ, bₖ)).
    Switched {
        /// (aₖ, bₖ), on a basis that may have more primes between those of the parts and the others.
        pairs: &'a [[PackedPoly; 2]],
        /// σ.
        automorphism: &'a Automorphism,
    },
}

impl RnsBasis {
    /// For each list of terms (i, m) the sum Σ m·zᵢ over the images zᵢ of `source`, reduced once.
    ///
    /// For d digits 2d products a residue of an image and 2 of a term.
    ///
    /// # Panics
    ///
    /// Where a polynomial has too few limbs, or a term names no image.
    #[must_use]
    pub fn sums_of_images(
        &self,
        source: HoistedPair<'_>,
        images: &[Image<'_>],
        sums: &[Vec<(usize, &PackedPoly)>],
    ) -> Vec<[RnsPoly<Eval>; 2]> {
        let degree = self.degree();
        let mut results: Vec<_> = sums.iter().map(|_| self.stale_pair()).collect();
        let mut by_prime: Vec<Vec<[&mut [u64]; 2]>> =
            (0..self.limb_count()).map(|_| Vec::with_capacity(sums.len())).collect();
        for [u, v] in &mut results {
            let limbs =
                u.residues_mut().chunks_exact_mut(degree).zip(v.residues_mut().chunks_exact_mut(degree));
            for (outputs, (u, v)) in by_prime.iter_mut().zip(limbs) {
                outputs.push([u, v]);
            }
        }
        by_prime.into_par_iter().enumerate().for_each(|(index, outputs)| {
            let switched: Vec<_> =
                images.iter().map(|image| self.switched_limbs(source, *image, index)).collect();
            let limbs: Vec<Option<[&[u64]; 2]>> = switched
                .iter()
                .map(|limbs| match limbs {
                    Some([u, v]) => Some([&**u, &**v]),
                    None => source.limbs(index),
                })
                .collect();
            let terms: Vec<Vec<Multiple<'_>>> = sums
                .iter()
                .map(|terms| {
                    let present = terms.iter().filter_map(|&(image, m)| Some((limbs[image]?, m)));
                    present.map(|(pair, m)| (m.limb(index), pair)).collect()
                })
                .collect();
            self.sum_tiles(self.table(index).modulus(), outputs, &terms);
        });
        results
    }

    /// The sum of the images of `source`.
    ///
    /// # Panics
    ///
    /// Where a polynomial has too few limbs.
    #[must_use]
    pub fn sum_of_images(&self, source: HoistedPair<'_>, images: &[Image<'_>]) -> [RnsPoly<Eval>; 2] {
        let (degree, kernel) = (self.degree(), self.kernel());
        let [mut u, mut v] = [self.zero(), self.zero()];
        let outputs =
            u.residues_mut().par_chunks_exact_mut(degree).zip(v.residues_mut().par_chunks_exact_mut(degree));
        outputs.enumerate().for_each(|(index, (u, v))| {
            let modulus = self.table(index).modulus();
            let mut add = |limbs: [&[u64]; 2]| {
                kernel.add_assign(modulus, u, limbs[0]);
                kernel.add_assign(modulus, v, limbs[1]);
            };
            for image in images {
                match self.switched_limbs(source, *image, index) {
                    Some(limbs) => add(limbs.each_ref().map(|limb| &**limb)),
                    None => source.limbs(index).into_iter().for_each(&mut add),
                }
            }
        });
        [u, v]
    }

    fn stale_pair(&self) -> [RnsPoly<Eval>; 2] {
        [(); 2].map(|()| RnsPoly::stale(self.degree(), self.limb_count()))
    }

    /// Every sum of one limb, tile by tile: the tiles of the images are read from memory for the first sum only.
    fn sum_tiles(&self, modulus: Modulus, mut outputs: Vec<[&mut [u64]; 2]>, terms: &[Vec<Multiple<'_>>]) {
        for start in (0..self.degree()).step_by(TILE) {
            let tile = start..self.degree().min(start + TILE);
            for ([u, v], terms) in outputs.iter_mut().zip(terms) {
                let terms: Vec<_> = terms
                    .iter()
                    .map(|(m, pair)| (m.slice(tile.clone()), pair.map(|limb| &limb[tile.clone()])))
                    .collect();
                let output = [&mut u[tile.clone()], &mut v[tile.clone()]];
                self.kernel().sum_of_packed_multiples(modulus, output, &terms);
            }
        }
    }

    /// The limbs of a switched image; none of the pair itself.
    fn switched_limbs(&self, source: HoistedPair<'_>, image: Image<'_>, index: usize) -> Option<[Buffer; 2]> {
        let Image::Switched { pairs, automorphism } = image else { return None };
        let (kernel, modulus) = (self.kernel(), self.table(index).modulus());
        let terms: Vec<_> = source
            .digits
            .iter()
            .zip(pairs)
            .map(|(digit, [a, b])| {
                // The primes that only the pairs have lie between those of the parts and the others.
                let skipped = if index < source.kept() { 0 } else { a.limb_count() - self.limb_count() };
                (digit.limb(index), [a, b].map(|half| half.limb(index + skipped)))
            })
            .collect();
        let [mut u, mut v] = [(); 2].map(|()| Buffer::stale(self.degree()));
        kernel.sum_of_packed_pairs(modulus, [&mut u, &mut v], &terms);
        if let Some([c0, _]) = source.limbs(index) {
            kernel.add_assign(modulus, &mut u, c0);
        }
        Some([u, v].map(|limb| {
            let mut image = Buffer::stale(self.degree());
            kernel.permute_groups(&mut image, &limb, automorphism.evaluation_index());
            image
        }))
    }
}

impl<'a> HoistedPair<'a> {
    /// Number of primes modulo which the parts are not zero.
    fn kept(&self) -> usize {
        self.parts[0].limb_count()
    }

    /// The limbs of the parts, where they are not zero.
    fn limbs(&self, index: usize) -> Option<[&'a [u64]; 2]> {
        (index < self.kept()).then(|| self.parts.map(|part| part.limb(index)))
    }
}

#[cfg(test)]
mod tests;
