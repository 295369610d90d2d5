//! Automorphisms σ_g: X ↦ X^g of Z\[X\]/(X^N + 1), for odd g modulo 2N.
//!
//! In coefficient form X^i goes to ±X^(gi mod N). In evaluation form σ_g(f)(ψ^e) = f(ψ^(ge)), so the values are
//! permuted; with the order e_j = 2·br(j) + 1 of [`crate::ntt`] the permutation is the same for every prime.

use std::ops::Range;

/// One automorphism with its permutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automorphism {
    element: u64,
    evaluation_index: Vec<u32>,
}

impl Automorphism {
    /// σ_g for the Galois element g = `element`, odd and below 2·`degree`; `None` for anything else.
    #[must_use]
    pub fn new(degree: usize, element: u64) -> Option<Self> {
        let order = 2 * degree as u64;
        if !degree.is_power_of_two() || degree < 2 || element.is_multiple_of(2) || element >= order {
            return None;
        }
        let shift = u32::BITS - degree.trailing_zeros();
        let reverse = |j: u32| j.reverse_bits() >> shift;
        let evaluation_index = (0..degree as u32)
            .map(|j| {
                let exponent = element * (2 * u64::from(reverse(j)) + 1) % order;
                reverse(((exponent - 1) / 2) as u32)
            })
            .collect();
        Some(Self { element, evaluation_index })
    }

    /// g.
    #[must_use]
    pub fn element(&self) -> u64 {
        self.element
    }

    /// For each index of the image, the index it is read from.
    ///
    /// Aligned blocks of 2^b indices are read from aligned blocks of 2^b indices. For the exponents of a block differ
    /// by multiples of 2N/2^b, and so do their products with g.
    pub(crate) fn evaluation_index(&self) -> &[u32] {
        &self.evaluation_index
    }

    /// The block that an aligned block of 2^b indices of the image is read from.
    pub(crate) fn source_block(&self, image: Range<usize>) -> Range<usize> {
        let first = self.evaluation_index[image.start] as usize;
        let start = first - first % image.len();
        start..start + image.len()
    }
}

#[cfg(test)]
mod tests;
