//! A pool: several owners, each with rows of its own that none may show to another, and one model of all rows.
//!
//! Of this crate it imports `data`, `preparation`, `method`, `clear`, `training`, `plan`, `owner`, `prediction` and the
//! errors.

mod encrypted_sums;
mod plan;
mod prediction;
mod rows;
mod statistics;
mod sums;

pub use encrypted_sums::{EncryptedSums, Round};
pub use plan::PoolPlan;
pub use rows::PoolRows;
pub use statistics::{Deviations, Fit, Means, Sums};
pub use sums::SumEncoding;

#[cfg(test)]
mod tests;
