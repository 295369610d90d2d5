//! Galois elements: the g of the automorphisms X ↦ X^g that rotate and conjugate slots.

use std::fmt;

use crate::base::params::Parameters;

/// What a Galois key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaloisPurpose {
    /// A rotation by so many slots: of the steps that do the same one in (−n/2, n/2] for n slots.
    Rotation(i64),
    /// Complex conjugation.
    Conjugation,
}

impl fmt::Display for GaloisPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotation(steps) => write!(f, "rotation by {steps}"),
            Self::Conjugation => f.write_str("conjugation"),
        }
    }
}

/// The Galois element 5^steps mod 2N of a rotation. Steps are taken modulo N/2, so negative ones rotate back.
#[must_use]
pub fn rotation_element(parameters: &Parameters, steps: i64) -> u64 {
    let order = 2 * parameters.degree() as u64;
    let mut exponent = steps.rem_euclid(parameters.max_slots() as i64);
    let (mut square, mut element) = (5, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            element = element * square % order;
        }
        square = square * square % order;
        exponent >>= 1;
    }
    element
}

/// The Galois element 2N − 1 of complex conjugation.
#[must_use]
pub fn conjugation_element(parameters: &Parameters) -> u64 {
    2 * parameters.degree() as u64 - 1
}
