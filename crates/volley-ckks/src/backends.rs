//! The implementations of the arithmetic: on ciphertexts, without values, and in clear.
//!
//! The layer imports `arithmetic` and what is below it. Another backend may stand in another crate.

pub(crate) mod clear_slots;
pub(crate) mod evaluator;
pub(crate) mod simulator;
