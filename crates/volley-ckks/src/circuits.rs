//! Functions over the traits of `arithmetic`: polynomials and bootstrapping.
//!
//! The layer imports `arithmetic` and what is below it. Of `backends` it runs the simulator alone, to find the keys of
//! a bootstrapping. None of its functions sees the inside of a ciphertext.

pub mod bootstrapping;
pub mod polynomial;
