//! CKKS by itself: `volley.ckks`.
//!
//! A ciphertext of Python knows the backend that computes on it, an evaluator or a tracer. So a function over `+`, `*`
//! and `@` runs on either: traced it tells which keys it needs, and evaluated it computes.

pub(crate) mod ciphertext;
pub(crate) mod keys;
pub(crate) mod parameters;
pub(crate) mod server;
mod values;
