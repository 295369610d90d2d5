//! The operation that bootstrapping needs besides linear transforms.

use crate::arithmetic::linear_transform::LinearArithmetic;
use crate::base::error::Error;

/// [`LinearArithmetic`] that raises the modulus of ciphertexts without levels.
///
/// # Errors
///
/// Besides those of [`LinearArithmetic`], [`Error::MissingRaisingKeys`].
pub trait BootstrapArithmetic: LinearArithmetic {
    /// The residues of `a` modulo q₀, the primes of level 0, as a ciphertext at `level`: its coefficients are those of
    /// `a` plus q₀·I, with integers |I| ≤ [`ephemeral::range`] but for a probability that
    /// [`ephemeral::log2_failure_probability`] bounds. It has N/2 slots, since the I are in all coefficients.
    ///
    /// Switches to an ephemeral sparse secret modulo q₀·p and back at `level`: two key switches, one of them small. The
    /// scale of `a` has to fit level 0, at whatever level it is.
    ///
    /// [`ephemeral::range`]: crate::bootstrapping::ephemeral::range
    /// [`ephemeral::log2_failure_probability`]: crate::bootstrapping::ephemeral::log2_failure_probability
    #[expect(clippy::missing_errors_doc, reason = "the errors are those of the trait")]
    fn raise(&self, a: &Self::Ciphertext, level: usize) -> Result<Self::Ciphertext, Error>;
}
