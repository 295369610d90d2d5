//! Bootstrapping: a ciphertext without levels becomes one of the same slots with levels again.

mod eval_mod;

pub use eval_mod::{EvalMod, EvalModError, EvalModLiteral};
