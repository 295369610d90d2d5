//! Samples as the owner has them: features, labels, and weights of rows that do not count alike.
//!
//! Of this crate it imports the errors only.

pub(crate) mod class_weight;
pub(crate) mod dataset;
mod held_out;
pub(crate) mod labels;
