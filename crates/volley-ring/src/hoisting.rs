//! Sums over many images of one pair of polynomials.
//!
//! A pair (c₀, c₁), the digits dₖ of c₁ and, for each automorphism σᵢ, pairs (aᵢₖ, bᵢₖ) have the images
//!
//! ```text
//! zᵢ = σᵢ( (c₀, 0) + Σ_k dₖ·(aᵢₖ, bᵢₖ) ),
//! ```
//!
//! and the pair itself is an image as well. This module computes sums of images times polynomials, many sums of the
//! same images. All steps (product with the pairs, permutation, product with the polynomials) work limb by limb. They
//! also work block by block, since an automorphism moves whole blocks of a limb. So a block of all images is made, used
//! for all sums while it is in the cache, and forgotten. The images never exist as polynomials, nor as limbs.

use std::ops::Range;

use maybe_rayon::prelude::*;

use crate::automorphism::Automorphism;
use crate::basis::RnsBasis;
use crate::buffer::Buffer;
use crate::packed::PackedPoly;
use crate::poly::{Eval, RnsPoly};

/// Residues of a block: those of 32 images fill half of a second level cache of 1 MiB.
const BLOCK: usize = 1 << 10;

/// A pair of polynomials (c₀, c₁) and the digits of c₁.
#[derive(Clone, Copy, Debug)]
pub struct HoistedPair<'a> {
    /// (c₀, c₁) on the first primes of the basis; modulo the others both are zero.
    pub parts: [&'a RnsPoly<Eval>; 2],
    /// dₖ on the whole basis.
    pub digits: &'a [RnsPoly<Eval>],
}

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
    /// With d digits a residue of an image takes 2d products, and a residue of a term 2.
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
        by_prime.into_par_iter().enumerate().for_each(|(index, mut outputs)| {
            let modulus = self.table(index).modulus();
            let mut scratch = self.scratch(images);
            for block in self.blocks() {
                let made = self.blocks_of_images(source, images, index, &block, &mut scratch);
                for ([u, v], terms) in outputs.iter_mut().zip(sums) {
                    let present = terms.iter().filter_map(|&(image, m)| Some((made[image]?, m)));
                    let terms: Vec<_> =
                        present.map(|(pair, m)| (m.limb(index).slice(block.clone()), pair)).collect();
                    let output = [&mut u[block.clone()], &mut v[block.clone()]];
                    self.kernel().sum_of_packed_multiples(modulus, output, &terms);
                }
            }
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
        let degree = self.degree();
        let [mut u, mut v] = [self.zero(), self.zero()];
        let outputs =
            u.residues_mut().par_chunks_exact_mut(degree).zip(v.residues_mut().par_chunks_exact_mut(degree));
        outputs.enumerate().for_each(|(index, (u, v))| {
            let modulus = self.table(index).modulus();
            let mut scratch = self.scratch(images);
            for block in self.blocks() {
                let made = self.blocks_of_images(source, images, index, &block, &mut scratch);
                for [x, y] in made.into_iter().flatten() {
                    self.kernel().add_assign(modulus, &mut u[block.clone()], x);
                    self.kernel().add_assign(modulus, &mut v[block.clone()], y);
                }
            }
        });
        [u, v]
    }

    fn stale_pair(&self) -> [RnsPoly<Eval>; 2] {
        [(); 2].map(|()| RnsPoly::stale(self.degree(), self.limb_count()))
    }

    /// The blocks of a limb.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let length = self.degree().min(BLOCK);
        (0..self.degree()).step_by(length).map(move |start| start..start + length)
    }

    /// A pair of blocks for each image, and one more.
    fn scratch(&self, images: &[Image<'_>]) -> Buffer {
        Buffer::stale(2 * (images.len() + 1) * self.degree().min(BLOCK))
    }

    /// A block of each image modulo the prime `index`, where the image is not zero. Those that have to be made are made
    /// in `scratch`.
    fn blocks_of_images<'a>(
        &self,
        source: HoistedPair<'a>,
        images: &[Image<'_>],
        index: usize,
        block: &Range<usize>,
        scratch: &'a mut [u64],
    ) -> Vec<Option<[&'a [u64]; 2]>> {
        let (unmoved, pairs) = scratch.split_at_mut(2 * block.len());
        let pairs = pairs.chunks_exact_mut(2 * block.len());
        let of_image = |(image, pair): (&Image<'_>, &'a mut [u64])| match *image {
            Image::Itself => source.limbs(index).map(|limbs| limbs.map(|limb| &limb[block.clone()])),
            Image::Switched { pairs, automorphism } => {
                self.switched_block(source, (pairs, automorphism), index, block, [&mut *unmoved, &mut *pair]);
                let (u, v) = pair.split_at(block.len());
                Some([u, v])
            }
        };
        images.iter().zip(pairs).map(of_image).collect()
    }

    /// Writes a pair of blocks of a switched image, and before its automorphism.
    fn switched_block(
        &self,
        source: HoistedPair<'_>,
        (pairs, automorphism): (&[[PackedPoly; 2]], &Automorphism),
        index: usize,
        block: &Range<usize>,
        [unmoved, image]: [&mut [u64]; 2],
    ) {
        let (kernel, modulus) = (self.kernel(), self.table(index).modulus());
        let from = automorphism.source_block(block.clone());
        let terms: Vec<_> = source
            .digits
            .iter()
            .zip(pairs)
            .map(|(digit, [a, b])| {
                // The primes that only the pairs have lie between those of the parts and the others.
                let skipped = if index < source.kept() { 0 } else { a.limb_count() - self.limb_count() };
                let pair = [a, b].map(|half| half.limb(index + skipped).slice(from.clone()));
                (&digit.limb(index)[from.clone()], pair)
            })
            .collect();
        let (u, v) = unmoved.split_at_mut(block.len());
        kernel.sum_of_packed_pairs(modulus, [&mut *u, &mut *v], &terms);
        if let Some([c0, _]) = source.limbs(index) {
            kernel.add_assign(modulus, u, &c0[from]);
        }
        for (image, unmoved) in image.chunks_exact_mut(block.len()).zip([u, v]) {
            kernel.permute_groups(image, unmoved, &automorphism.evaluation_index()[block.clone()]);
        }
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
