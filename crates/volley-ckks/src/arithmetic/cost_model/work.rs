//! The parts of each operation.

use std::ops::{Add, Mul};

use crate::arithmetic::counts::Operation;
use crate::base::params::Parameters;

/// Limbs that are transformed, multiplied and moved, and plaintexts that are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Work {
    pub(super) transforms: f64,
    pub(super) products: f64,
    pub(super) passes: f64,
    pub(super) encodings: f64,
}

impl Work {
    /// What one operation at a level does.
    pub(super) fn of(parameters: &Parameters, operation: Operation, level: usize) -> Self {
        let limbs = parameters.limbs(level) as f64;
        let KeySwitch { extended, decomposition, hoisted_digits, inner_product, division } =
            KeySwitch::new(parameters, level);
        let permutation = Self { passes: 4.0 * limbs, ..Self::default() };
        match operation {
            Operation::Hoisting => decomposition + hoisted_digits,
            Operation::HoistedRotation => hoisted_digits + inner_product + division + permutation,
            Operation::ExtendedRotation => hoisted_digits + inner_product + permutation,
            Operation::ModDown => division * 0.5,
            Operation::Rotation | Operation::Conjugation => {
                decomposition + inner_product + division + permutation
            }
            Operation::Relinearization | Operation::Raising => decomposition + inner_product + division,
            Operation::Product => Self { products: 4.0 * limbs, passes: 4.0 * limbs, ..Self::default() },
            Operation::ConstantProduct => {
                Self { products: 2.0 * limbs, passes: 4.0 * limbs, ..Self::default() }
            }
            // Its images are in the cache.
            Operation::DiagonalProduct => {
                Self { products: 2.0 * extended, passes: extended, ..Self::default() }
            }
            // The plaintext is encoded for the product.
            Operation::PlainProduct => {
                Self { transforms: limbs, products: 2.0 * limbs, passes: 6.0 * limbs, encodings: 1.0 }
            }
            Operation::Rescaling => Self {
                transforms: 2.0 * limbs,
                products: 2.0 * limbs,
                passes: 6.0 * limbs,
                ..Self::default()
            },
        }
    }
}

/// The steps of a key switch at a level. Hoisted digits go through memory, those of a single key switch stay in the
/// cache; keys are read in either case.
struct KeySwitch {
    /// Limbs of a polynomial modulo Q·P.
    extended: f64,
    /// Gadget decomposition.
    decomposition: Work,
    hoisted_digits: Work,
    /// The product with a key.
    inner_product: Work,
    /// Division by P of both polynomials.
    division: Work,
}

impl KeySwitch {
    fn new(parameters: &Parameters, level: usize) -> Self {
        let limbs = parameters.limbs(level) as f64;
        let special = parameters.p().len() as f64;
        let digits = parameters.digit_count(level) as f64;
        let extended = limbs + special;
        Self {
            extended,
            decomposition: Work {
                transforms: digits * extended,
                products: limbs * extended,
                passes: limbs,
                ..Work::default()
            },
            hoisted_digits: Work { passes: digits * extended, ..Work::default() },
            inner_product: Work {
                products: 2.0 * digits * extended,
                passes: 2.0 * (digits + 1.0) * extended,
                ..Work::default()
            },
            division: Work {
                transforms: 2.0 * extended,
                products: 2.0 * special * limbs,
                passes: 2.0 * (special + 2.0 * limbs),
                ..Work::default()
            },
        }
    }
}

/// Bytes that one operation at a level has alive while it runs, besides operands, results and keys. Hoisted rotations
/// share the digits of their decomposition.
pub(crate) fn scratch_bytes(parameters: &Parameters, operation: Operation, level: usize) -> u64 {
    let extended = parameters.limbs(level) + parameters.p().len();
    let digits = parameters.digit_count(level);
    // The two polynomials of the product with a key.
    let product = 2;
    let polys = match operation {
        Operation::Hoisting => digits,
        Operation::HoistedRotation | Operation::ExtendedRotation => product,
        Operation::Rotation | Operation::Conjugation | Operation::Relinearization | Operation::Raising => {
            digits + product
        }
        Operation::ModDown
        | Operation::Product
        | Operation::PlainProduct
        | Operation::ConstantProduct
        | Operation::DiagonalProduct
        | Operation::Rescaling => 0,
    };
    (polys * extended * parameters.degree() * size_of::<u64>()) as u64
}

impl Mul<f64> for Work {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self {
            transforms: self.transforms * factor,
            products: self.products * factor,
            passes: self.passes * factor,
            encodings: self.encodings * factor,
        }
    }
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            transforms: self.transforms + other.transforms,
            products: self.products + other.products,
            passes: self.passes + other.passes,
            encodings: self.encodings + other.encodings,
        }
    }
}
