//! Automorphisms σ_g: X ↦ X^g of Z\[X\]/(X^N + 1), for odd g modulo 2N.
//!
//! In coefficient form X^i goes to ±X^(gi mod N). In evaluation form σ_g(f)(ψ^e) = f(ψ^(ge)), so the values are
//! permuted; with the order e_j = 2·br(j) + 1 of [`crate::ntt`] the permutation is the same for every prime.

/// One automorphism with its permutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automorphism {
    degree: usize,
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
        Some(Self { degree, element, evaluation_index })
    }

    /// g.
    #[must_use]
    pub fn element(&self) -> u64 {
        self.element
    }

    /// For each index of the image, the index it is read from. Aligned groups of eight come from aligned groups of
    /// eight: their exponents differ by multiples of N/4, and so do g times as many.
    pub(crate) fn evaluation_index(&self) -> &[u32] {
        &self.evaluation_index
    }

    /// Where the coefficient of X^i goes, and whether its sign changes.
    pub(crate) fn coefficient_image(&self, i: usize) -> (usize, bool) {
        let exponent = (self.element * i as u64 % (2 * self.degree as u64)) as usize;
        if exponent < self.degree { (exponent, false) } else { (exponent - self.degree, true) }
    }
}

#[cfg(test)]
mod tests;
