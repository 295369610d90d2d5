//! From raw features to the rows that are trained on: what is fitted to a training set, and what it does to rows and
//! scores.
//!
//! Of this crate it imports `data` and the errors.

pub(crate) mod preconditioner;
pub(crate) mod preprocessing;
pub(crate) mod profile;
pub(crate) mod recoding;
pub(crate) mod symmetric;
pub(crate) mod whitening;
