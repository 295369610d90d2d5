//! (being written)
pub use volley_ckks;
