//! Training on ciphertexts: the circuit, the rows that it goes through, the trainer, and the refresh of its weights.
//!
//! It knows no plan, as a plan is made by running it on a simulator. Of this crate it imports `encrypted`, `method` and
//! the errors.

pub(crate) mod circuit;
pub(crate) mod refresh;
pub(crate) mod rows;
pub(crate) mod simulation;
pub(crate) mod trainer;
