//! How long operations take.

use volley_ckks::{Operation, OperationCounts, Parameters};

/// Time of the parts that operations are made of, on one core. `cargo xtask calibrate` finds the constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostModel {
    /// Nanoseconds of a transform of one limb, divided by N·log₂ N.
    pub transform: f64,
    /// Nanoseconds of a product of two residues that is added to a sum.
    pub product: f64,
    /// Nanoseconds of moving a residue between a core and memory.
    pub pass: f64,
    /// Nanoseconds of the Fourier transform of an encoding, divided by N·log₂ N.
    pub encoding: f64,
    /// Nanoseconds of a byte of keys or ciphertexts that the owner makes.
    pub made: f64,
    /// Nanoseconds of such a byte on its way to the server.
    pub sent: f64,
}

impl Default for CostModel {
    /// By which plans are chosen, on every machine the same. With AVX-512 it is twice what operations take by themselves:
    /// a pass through memory is dear here, as plans that move much also use much memory for the first time.
    /// The line has a gigabit each second.
    fn default() -> Self {
        Self { transform: 0.13, product: 0.45, pass: 1.0, encoding: 0.1, made: 5.0, sent: 8.0 }
    }
}

impl CostModel {
    /// A model of operations from [its constants](Self::constants), in which the owner takes no time.
    #[must_use]
    pub const fn from_constants([transform, product, pass, encoding]: [f64; 4]) -> Self {
        Self { transform, product, pass, encoding, made: 0.0, sent: 0.0 }
    }

    /// The constants of operations, in which the model is linear: transform, product, pass, encoding.
    #[must_use]
    pub fn constants(&self) -> [f64; 4] {
        [self.transform, self.product, self.pass, self.encoding]
    }

    /// Seconds of all operations.
    #[must_use]
    pub fn seconds(&self, parameters: &Parameters, counts: &OperationCounts) -> f64 {
        let nanoseconds = counts
            .iter()
            .map(|(operation, level, count)| count as f64 * self.nanoseconds(parameters, operation, level));
        nanoseconds.sum::<f64>() * 1e-9
    }

    /// Seconds in which the owner makes so many bytes of keys and ciphertexts.
    #[must_use]
    pub fn owner_seconds(&self, bytes: u64) -> f64 {
        1e-9 * self.made * bytes as f64
    }

    /// Seconds in which so many bytes get to the server.
    #[must_use]
    pub fn line_seconds(&self, bytes: u64) -> f64 {
        1e-9 * self.sent * bytes as f64
    }

    /// Nanoseconds of one operation at a level.
    fn nanoseconds(&self, parameters: &Parameters, operation: Operation, level: usize) -> f64 {
        let limbs = parameters.limbs(level) as f64;
        let special = parameters.p().len() as f64;
        let digits = parameters.digit_count(level) as f64;
        let extended = limbs + special;
        // Gadget decomposition, product with a key, and division by P, as `volley-ckks` counts them. Hoisted digits go
        // through memory, those of a single key switch stay in the cache; keys are read in either case.
        let decomposition = Work {
            transforms: digits * extended,
            products: limbs * extended,
            passes: limbs,
            ..Work::default()
        };
        let hoisted_digits = Work { passes: digits * extended, ..Work::default() };
        let inner_product = Work {
            products: 2.0 * digits * extended,
            passes: 2.0 * (digits + 1.0) * extended,
            ..Work::default()
        };
        let division = Work {
            transforms: 2.0 * extended,
            products: 2.0 * special * limbs,
            passes: 2.0 * (special + 2.0 * limbs),
            ..Work::default()
        };
        let permutation = Work { passes: 4.0 * limbs, ..Work::default() };
        let work = match operation {
            Operation::Hoisting => decomposition + hoisted_digits,
            Operation::HoistedRotation => hoisted_digits + inner_product + division + permutation,
            Operation::ExtendedRotation => hoisted_digits + inner_product + permutation,
            Operation::ModDown => division * 0.5,
            Operation::Rotation | Operation::Conjugation => {
                decomposition + inner_product + division + permutation
            }
            Operation::Relinearization | Operation::Raising => decomposition + inner_product + division,
            Operation::Product => Work { products: 4.0 * limbs, passes: 4.0 * limbs, ..Work::default() },
            Operation::ConstantProduct => {
                Work { products: 2.0 * limbs, passes: 4.0 * limbs, ..Work::default() }
            }
            // Its images are in the cache.
            Operation::DiagonalProduct => {
                Work { products: 2.0 * extended, passes: extended, ..Work::default() }
            }
            // The plaintext is encoded for the product.
            Operation::PlainProduct => {
                Work { transforms: limbs, products: 2.0 * limbs, passes: 6.0 * limbs, encodings: 1.0 }
            }
            Operation::Rescaling => Work {
                transforms: 2.0 * limbs,
                products: 2.0 * limbs,
                passes: 6.0 * limbs,
                ..Work::default()
            },
            _ => Work::default(),
        };
        let n = parameters.degree() as f64;
        let log_n = f64::from(parameters.log_n());
        n * (self.transform * log_n * work.transforms
            + self.product * work.products
            + self.pass * work.passes
            + self.encoding * log_n * work.encodings)
    }
}

/// A kind of core, for what a plan takes there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine {
    /// By `cargo xtask calibrate`.
    pub operations: CostModel,
    /// Nanoseconds of a byte of memory when it is used first: the system hands it out in pages that it clears.
    pub first_use: f64,
    /// Nanoseconds of a byte of a file of keys when the owner makes it: most of it is sampling.
    pub made: f64,
}

impl Machine {
    /// A server's core with AVX-512 IFMA (Zen 4).
    pub const AVX512: Self = Self {
        operations: CostModel::from_constants([0.127, 0.354, 0.086, 0.841]),
        first_use: 0.36,
        made: 5.0,
    };
    /// The same core with the kernels for AVX2.
    pub const AVX2: Self = Self {
        operations: CostModel::from_constants([0.199, 0.387, 0.362, 0.792]),
        first_use: 0.36,
        made: 5.0,
    };

    /// Seconds of all operations, and of so many bytes of memory.
    #[must_use]
    pub fn seconds(&self, parameters: &Parameters, counts: &OperationCounts, bytes: u64) -> f64 {
        self.operations.seconds(parameters, counts) + 1e-9 * self.first_use * bytes as f64
    }

    /// Seconds in which the owner makes a file of so many bytes of keys.
    #[must_use]
    pub fn key_seconds(&self, bytes: u64) -> f64 {
        1e-9 * self.made * bytes as f64
    }
}

/// Limbs that are transformed, multiplied and moved, and plaintexts that are encoded.
#[derive(Clone, Copy, Default)]
struct Work {
    transforms: f64,
    products: f64,
    passes: f64,
    encodings: f64,
}

impl std::ops::Mul<f64> for Work {
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

impl std::ops::Add for Work {
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
