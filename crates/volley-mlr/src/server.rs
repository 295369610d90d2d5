//! The server's side of an encrypted run: rows, trainers, gradients and checkpoints by a plan.
//!
//! Of this crate it imports `encrypted`, `training`, `plan` and the errors.

mod checkpoint;
mod gradient;
mod rows;
mod trainer;
