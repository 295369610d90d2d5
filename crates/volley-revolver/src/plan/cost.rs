//! How long operations take.

use volley_ckks::{Operation, OperationCounts, Parameters};

/// Time of the parts that operations are made of, on one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostModel {
    /// Nanoseconds of a transform of one limb, divided by N·log₂ N.
    pub transform: f64,
    /// Nanoseconds of a product of two residues that is added to a sum.
    pub product: f64,
    /// Nanoseconds of reading and writing a residue in a pass that does little else.
    pub pass: f64,
}

impl Default for CostModel {
    /// Measured with the AVX-512 kernels on one core of a server processor.
    fn default() -> Self {
        Self { transform: 0.13, product: 0.45, pass: 1.0 }
    }
}

impl CostModel {
    /// Seconds of all operations.
    #[must_use]
    pub fn seconds(&self, parameters: &Parameters, counts: &OperationCounts) -> f64 {
        let nanoseconds = counts
            .iter()
            .map(|(operation, level, count)| count as f64 * self.nanoseconds(parameters, operation, level));
        nanoseconds.sum::<f64>() * 1e-9
    }

    /// Nanoseconds of one operation at a level.
    fn nanoseconds(&self, parameters: &Parameters, operation: Operation, level: usize) -> f64 {
        let limbs = (level + 1) as f64;
        let special = parameters.p().len() as f64;
        let digits = parameters.digit_count(level) as f64;
        let extended = limbs + special;
        // Gadget decomposition, product with a key, and division by P, as `volley-ckks` counts them.
        let decomposition = Work {
            transforms: limbs + digits * extended - limbs,
            products: limbs * extended,
            passes: 2.0 * limbs,
        };
        let inner_product =
            Work { transforms: 0.0, products: 2.0 * digits * extended, passes: 2.0 * extended };
        let division = Work {
            transforms: 2.0 * extended,
            products: 2.0 * special * limbs,
            passes: 2.0 * (special + 2.0 * limbs),
        };
        let permutation = Work { transforms: 0.0, products: 0.0, passes: 3.0 * limbs };
        let work = match operation {
            Operation::Hoisting => decomposition,
            Operation::HoistedRotation => inner_product + division + permutation,
            Operation::ExtendedRotation => inner_product + permutation,
            Operation::ModDown => division * 0.5,
            Operation::Rotation | Operation::Conjugation => {
                decomposition + inner_product + division + permutation
            }
            Operation::Relinearization => decomposition + inner_product + division,
            Operation::Product => Work { transforms: 0.0, products: 4.0 * limbs, passes: 0.0 },
            // The plaintext is encoded for the product.
            Operation::PlainProduct => Work { transforms: limbs, products: 2.0 * limbs, passes: 2.0 * limbs },
            Operation::Rescaling => {
                Work { transforms: 2.0 * limbs, products: 2.0 * limbs, passes: 4.0 * limbs }
            }
            _ => Work::default(),
        };
        let n = parameters.degree() as f64;
        let transform = self.transform * f64::from(parameters.log_n());
        n * (transform * work.transforms + self.product * work.products + self.pass * work.passes)
    }
}

/// Limbs that are transformed, multiplied and passed over.
#[derive(Clone, Copy, Default)]
struct Work {
    transforms: f64,
    products: f64,
    passes: f64,
}

impl std::ops::Mul<f64> for Work {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self {
            transforms: self.transforms * factor,
            products: self.products * factor,
            passes: self.passes * factor,
        }
    }
}

impl std::ops::Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            transforms: self.transforms + other.transforms,
            products: self.products + other.products,
            passes: self.passes + other.passes,
        }
    }
}
