//! Bootstrapping: a ciphertext without levels becomes one of the same slots with levels again.
//!
//! With the scale Δ′ of a ciphertext at level 0, m = Δ′·c for the coefficients c of its slots, and the message ratio
//! R = q₀/Δ′ (Cheon, Han, Kim, Kim, Song, eprint 2018/153; the parts by the sources named there):
//!
//! ```text
//! raise            the same residues modulo Q:  m + q₀·I, small integers I       raise
//! trace            to the subring of n slots: times N/2n                         LinearArithmetic::trace
//! coeffs to slots  x = (I + c/R)/W in the slots                                  dft::CoeffsToSlots
//! EvalMod          c = R·(sin(2πWx)/2π …)                                        EvalMod
//! slots to coeffs  the slots of c                                                dft::SlotsToCoeffs
//! ```
//!
//! [`Bootstrapping`] is the plan of all of it, [`Bootstrapper`] the plan with its encoded matrices. Each step is a function
//! over [`BootstrapArithmetic`], so the simulator says which keys and operations it takes. [`Preset`] has the parameter sets.
//!
//! Precision, the choice of parameters and what was measured are in `docs/bootstrapping.md`, the security of the sparse
//! secret in [`ephemeral`] and `SECURITY.md`.

mod bootstrapper;
pub mod dft;
pub mod ephemeral;
mod eval_mod;
mod preset;

pub use bootstrapper::{Bootstrapper, Bootstrapping, BootstrappingLiteral};
pub use eval_mod::{EvalMod, EvalModError, EvalModLiteral};
pub use preset::Preset;

use crate::{Error, LinearArithmetic};

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
    /// Switches to an ephemeral sparse secret modulo q₀·p and back at `level`: two key switches, one of them small.
    #[expect(clippy::missing_errors_doc, reason = "the errors are those of the trait")]
    fn raise(&self, a: &Self::Ciphertext, level: usize) -> Result<Self::Ciphertext, Error>;
}

#[cfg(test)]
mod tests;
