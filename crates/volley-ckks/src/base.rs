//! What all layers speak of: parameter sets, scales, and the one error type with the plain types that it names.
//!
//! It is the lowest layer and imports nothing of this crate.

pub(crate) mod error;
pub(crate) mod galois;
pub(crate) mod id;
pub(crate) mod packing;
pub mod params;
pub(crate) mod scale;
