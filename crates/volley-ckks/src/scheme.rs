//! CKKS: slots as plaintexts and ciphertexts, the rules of levels and scales, encoding, encryption and decryption.
//!
//! The layer imports `base` and `rlwe`. It has no operations on ciphertexts.

pub(crate) mod ciphertext;
pub(crate) mod encodable;
pub(crate) mod encoder;
pub(crate) mod encryption;
pub(crate) mod file_size;
pub mod flooding;
pub(crate) mod operand;
pub(crate) mod precision;
