//! The costs of operations, in time and memory. No other place states them.
//!
//! An [`Operation`](crate::Operation) is made of parts: limbs that are transformed, multiplied and moved, and plaintexts that are
//! encoded. How many of each it takes follows from the parameters and its level, and so do the bytes that are alive
//! while it runs; both are exhaustive in the operations. A [`CostModel`] has the time of each part. Together they give
//! the time of whatever a [`Simulator`](crate::Simulator) counted:
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

#[cfg(feature = "wire")]
mod key_rounds;
mod measurement;
mod memory;

#[cfg(feature = "wire")]
pub use key_rounds::{KeyRounds, KeyStep, Part};
pub use measurement::Measurement;
pub use memory::Memory;

pub use crate::arithmetic::cost_model::{CoreKind, CostModel};
