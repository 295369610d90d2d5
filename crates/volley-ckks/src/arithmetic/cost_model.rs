//! Times of operations, by the parts that they are made of. [`costs`](crate::costs) says what they are for.

use crate::arithmetic::counts::{Operation, OperationCounts};
use crate::base::params::Parameters;

mod kind;
mod work;

pub use kind::CoreKind;
use work::Work;
pub(crate) use work::scratch_bytes;

/// Time of the parts that operations are made of, and of what else owner and server do: on one core, in nanoseconds.
/// `cargo xtask calibrate` finds the constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostModel {
    /// A transform of one limb, divided by N·log₂ N.
    pub transform: f64,
    /// A product of two residues that is added to a sum.
    pub product: f64,
    /// Moving a residue between a core and memory.
    pub pass: f64,
    /// The Fourier transform of an encoding, divided by N·log₂ N.
    pub encoding: f64,
    /// A byte of memory when it is used first: the system hands it out in pages that it clears.
    pub first_use: f64,
    /// A byte of the files of keys and ciphertexts that the owner makes: most of it is sampling.
    pub made: f64,
    /// Such a byte on its way to the server.
    pub sent: f64,
}

/// The time of reading a byte, in relation to that of making it: from a profile of rows that are read in every
/// iteration.
const READ_PER_MADE: f64 = 0.5;
/// Nanoseconds of a byte on a line of a gigabit each second.
const GIGABIT: f64 = 8.0;

impl Default for CostModel {
    /// By which plans are chosen, on every machine the same. With AVX-512 it is twice what operations take by
    /// themselves: a pass through memory is dear here, as plans that move much also use much memory for the first time,
    /// which has no cost of its own.
    fn default() -> Self {
        Self {
            transform: 0.13,
            product: 0.45,
            pass: 1.0,
            encoding: 0.1,
            first_use: 0.0,
            made: 5.0,
            sent: GIGABIT,
        }
    }
}

impl CostModel {
    /// The built-in times of a kind of core.
    #[must_use]
    pub const fn of(kind: CoreKind) -> Self {
        let ([transform, product, pass, encoding], made) = kind.times();
        Self { transform, product, pass, encoding, first_use: 0.36, made, sent: GIGABIT }
    }

    /// Transforms and products alone, in units of a product: `transform` is what one butterfly takes.
    pub(crate) const fn relative(transform: f64) -> Self {
        let none = 0.0;
        Self { transform, product: 1.0, pass: none, encoding: none, first_use: none, made: none, sent: none }
    }

    /// The times in which the time of operations is linear: transform, product, pass, encoding.
    #[must_use]
    pub const fn operations(&self) -> [f64; 4] {
        [self.transform, self.product, self.pass, self.encoding]
    }

    /// The same with other [times of operations](Self::operations).
    #[must_use]
    pub const fn with_operations(self, [transform, product, pass, encoding]: [f64; 4]) -> Self {
        Self { transform, product, pass, encoding, ..self }
    }

    /// Seconds of all operations.
    #[must_use]
    pub fn seconds(&self, parameters: &Parameters, counts: &OperationCounts) -> f64 {
        let nanoseconds = counts
            .iter()
            .map(|(operation, level, count)| count as f64 * self.nanoseconds(parameters, operation, level));
        nanoseconds.sum::<f64>() * 1e-9
    }

    /// Nanoseconds of one operation at a level.
    #[must_use]
    pub fn nanoseconds(&self, parameters: &Parameters, operation: Operation, level: usize) -> f64 {
        let work = Work::of(parameters, operation, level);
        let n = parameters.degree() as f64;
        let log_n = f64::from(parameters.log_n());
        n * (self.transform * log_n * work.transforms
            + self.product * work.products
            + self.pass * work.passes
            + self.encoding * log_n * work.encodings)
    }

    /// Seconds in which so many bytes of memory are used for the first time.
    #[must_use]
    pub fn first_use_seconds(&self, bytes: u64) -> f64 {
        1e-9 * self.first_use * bytes as f64
    }

    /// Seconds in which the owner makes so many bytes of keys and ciphertexts.
    #[must_use]
    pub fn owner_seconds(&self, bytes: u64) -> f64 {
        1e-9 * self.made * bytes as f64
    }

    /// Seconds in which so many bytes of such files are read, checked and expanded.
    #[must_use]
    pub fn read_seconds(&self, bytes: u64) -> f64 {
        READ_PER_MADE * self.owner_seconds(bytes)
    }

    /// Seconds in which so many bytes get to the server.
    #[must_use]
    pub fn line_seconds(&self, bytes: u64) -> f64 {
        1e-9 * self.sent * bytes as f64
    }
}

#[cfg(test)]
mod tests;
