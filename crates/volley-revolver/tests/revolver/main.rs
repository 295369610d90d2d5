//! The products against plain ones, on a model of CKKS that has its slots, levels and scales but no noise.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as such here")]

mod classic;
mod matrices;
mod refusals;
mod skewed;
mod slot_model;
mod training;
