//! A pool: several owners, each with rows of its own that none may show to another, and one model of all rows.
//!
//! Of this crate it imports `data`, `preparation`, `clear` and the errors.

mod statistics;

pub use statistics::{Deviations, Fit, Means, Sums};
