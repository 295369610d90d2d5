//! The costs of operations, in time and memory. No other place states them.
//!
//! An [`Operation`] is made of parts: limbs that are transformed, multiplied and moved, and plaintexts that are
//! encoded. The parameters and the level of an operation determine how many parts of each kind it takes, and how many
//! bytes are alive while it runs. Both are known for every operation. A [`CostModel`] has the time of each part.
//! Together they give the time of everything that a [`Simulator`](crate::Simulator) counted:
//!
//! ```
//! use volley_ckks::costs::{CoreKind, CostModel};
//! use volley_ckks::{Arithmetic, Parameters, Simulator};
//!
//! # fn main() -> Result<(), volley_ckks::Error> {
//! let parameters = Parameters::n14()?;
//! let simulator = Simulator::new(&parameters);
//! let a = simulator.input(&parameters.scale(), 7)?;
//! simulator.rescale(&simulator.rotate(&a, 1)?)?;
//!
//! let seconds = |kind| CostModel::of(kind).seconds(&parameters, &simulator.counts());
//! assert!(seconds(CoreKind::Avx512Ifma) < seconds(CoreKind::Other));
//! # Ok(())
//! # }
//! ```
//!
//! Times are known for four [kinds of core](CoreKind). They are built in, so that what is computed from them is the
//! same on every machine. Where the time on one machine matters, a [`Measurement`] scales those of its kind. Plans are
//! chosen by [`CostModel::default`] everywhere: owner and server have different machines, and an owner makes the same
//! plan again.

use crate::counts::{Operation, OperationCounts};
use crate::params::Parameters;

mod kind;
mod measurement;
mod memory;
mod work;

pub use kind::CoreKind;
pub use measurement::Measurement;
pub use memory::Memory;
use work::Work;
pub(crate) use work::scratch_bytes;

/// Times in nanoseconds on one core: of the parts that operations are made of, and of the other work of owner and
/// server. `cargo xtask calibrate` finds the constants.
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

/// Nanoseconds of a byte on a line of a gigabit each second.
const GIGABIT: f64 = 8.0;

impl Default for CostModel {
    /// The times by which plans are chosen, the same on every machine. For a core with AVX-512 they give twice what
    /// operations take by themselves: a pass through memory is dear here, as plans that move much also use much memory
    /// for the first time, which has no cost of its own.
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

    /// Times of transforms and products alone, in units of a product: `transform` is that of one butterfly.
    pub(crate) const fn relative(transform: f64) -> Self {
        let none = 0.0;
        Self { transform, product: 1.0, pass: none, encoding: none, first_use: none, made: none, sent: none }
    }

    /// The times of a kind of core, scaled by what one of them was measured to take.
    #[must_use]
    pub fn measured(kind: CoreKind, measurement: &Measurement) -> Self {
        let [operations, first_use, made] = measurement.factors();
        let built_in = Self::of(kind);
        Self {
            first_use: first_use * built_in.first_use,
            made: made * built_in.made,
            ..built_in.with_operations(built_in.operations().map(|time| operations * time))
        }
    }

    /// The times of the parts of operations: transform, product, pass, encoding. The time of an operation is linear in
    /// them.
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

    /// Seconds in which so many bytes get to the server.
    #[must_use]
    pub fn line_seconds(&self, bytes: u64) -> f64 {
        1e-9 * self.sent * bytes as f64
    }
}

#[cfg(test)]
mod tests;
