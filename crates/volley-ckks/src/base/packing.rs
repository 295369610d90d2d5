//! How complex coefficients are packed into real ones.

/// Where the real and the imaginary part of the complex coefficients are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// In one ciphertext of 2n slots: the real parts in the first half.
    SideBySide,
    /// In two ciphertexts of n slots.
    Apart,
}
