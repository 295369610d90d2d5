//! Bootstrapping: a ciphertext without levels becomes one of the same slots with levels again.

pub mod dft;
