//! Bootstrapping: a ciphertext without levels becomes one of the same slots with levels again.
//!
//! The ciphertext at level 0 has the scale Δ′ and the polynomial m = Δ′·c, for the coefficients c of its slots. The
//! message ratio is R = q₀/Δ′. The steps are those of Cheon, Han, Kim, Kim, Song (eprint 2018/153); each module names
//! the sources of its step:
//!
//! ```text
//! raise            the same residues modulo Q:  m + q₀·I, small integers I       raise
//! trace            to the subring of n slots: times N/2n                         LinearArithmetic::trace
//! coeffs to slots  x = (I + c/R)/W in the slots                                  dft::CoeffsToSlots
//! EvalMod          c = R·(sin(2πWx)/2π …)                                        EvalMod
//! slots to coeffs  the slots of c                                                dft::SlotsToCoeffs
//! ```
//!
//! [`Bootstrapping`] is the plan of all of it, [`Bootstrapper`] the plan with its encoded matrices. Each step is a
//! function over [`BootstrapArithmetic`], so the simulator says which keys and operations it takes. [`Preset`] has the
//! parameter sets.
//!
//! Precision, the choice of parameters and measurements are in `docs/bootstrapping.md`. The security of the sparse
//! secret is in [`ephemeral`] and `SECURITY.md`.
//!
//! # Example
//!
//! The sign of encrypted numbers is found by twelve steps x ← (3x − x³)/2, of two levels each.
//!
//! ```
//! use rand::{SeedableRng, rngs::SysRng};
//! use rand_chacha::ChaCha20Rng;
//! use volley_ckks::bootstrapping::{BootstrapArithmetic, Bootstrapper, Bootstrapping, Preset};
//! use volley_ckks::polynomial::{Basis, Constants};
//! use volley_ckks::*;
//!
//! fn sign<A: BootstrapArithmetic>(
//!     ev: &A,
//!     bootstrapper: &Bootstrapper<A::Transform>,
//!     x: &A::Ciphertext,
//! ) -> Result<A::Ciphertext, Error> {
//!     let step = PolynomialCircuit::new(&Polynomial::new(Basis::Monomial, vec![0.0, 1.5, 0.0, -0.5])?);
//!     let scale = ev.parameters().scale();
//!     (0..12).try_fold(x.clone(), |x, _| {
//!         let exhausted = ev.operand(&x).level < step.levels();
//!         let x = if exhausted { bootstrapper.bootstrap(ev, &x)? } else { x };
//!         step.evaluate(ev, &x, &scale, &Constants)
//!     })
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A small ring, for which no security is claimed: log N = 16 and Security::Classical128 are for use.
//! let (log_n, slots, levels_left, special_primes) = (10, 128, 9, 9);
//! let preset = Preset::Precise;
//! let parameters = preset.parameters(log_n, levels_left, special_primes, Security::Unchecked).build()?;
//! let plan = Bootstrapping::new(&parameters, &preset.bootstrapping(slots))?;
//! let (scale, level) = (parameters.scale(), plan.output_level());
//!
//! // The keys of the whole circuit.
//! let simulator = Simulator::new(&parameters);
//! sign(&simulator, &plan.prepare(&simulator)?, &simulator.input(&scale, level)?)?;
//!
//! // The owner makes them and encrypts numbers of at most 1 in size.
//! let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
//! let context = Context::new(parameters);
//! let secret_key = SecretKey::generate(&context, &mut rng);
//! let keys = EvaluationKeySet::generate(&secret_key, &simulator.key_spec(), &mut rng)?;
//! let encoder = Encoder::new(&context);
//! let values: Vec<f64> = (0..slots).map(|slot| if slot % 3 == 0 { 0.1 } else { -0.6 }).collect();
//! let upload = secret_key.encrypt(&encoder.encode(&values, &scale, level)?, &mut rng)?;
//!
//! // The server encodes the matrices once, and computes.
//! let evaluator = Evaluator::new(&context, keys)?;
//! let bootstrapper = plan.prepare(&evaluator)?;
//! let signs = sign(&evaluator, &bootstrapper, &upload.expand(&context)?)?;
//!
//! // The owner decrypts.
//! let signs = encoder.decode_real(&secret_key.decrypt(&signs)?)?;
//! assert!(signs.iter().zip(&values).all(|(sign, value)| (sign - value.signum()).abs() < 1e-4));
//! # Ok(())
//! # }
//! ```

mod bootstrapper;
pub mod dft;
pub mod ephemeral;
mod eval_mod;
mod preset;

pub use bootstrapper::{Bootstrapper, Bootstrapping, BootstrappingLiteral};
pub use eval_mod::{EvalMod, EvalModLiteral};
pub use preset::Preset;

pub use crate::arithmetic::bootstrap::BootstrapArithmetic;
pub use crate::base::error::EvalModError;

#[cfg(test)]
mod tests;
