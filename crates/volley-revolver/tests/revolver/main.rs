//! The products against plain ones, in clear: by the rules of ciphertexts, without their noise.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as such here")]

mod classic;
mod clear;
mod matrices;
mod refusals;
mod skewed;
mod training;
