//! The ring Z_q\[X\]/(X^N + 1) in RNS, as CKKS needs it.
//!
//! An element modulo Q = ∏ qᵢ is kept as its residues modulo each prime qᵢ ([`RnsPoly`]), in one of two
//! representations that are part of its type: coefficients ([`Coeff`]) or evaluations ([`Eval`], where products are
//! pointwise). An [`RnsBasis`] is a list of primes and has the operations. Around them: NTT-friendly [`prime`]s below
//! 2⁵⁰, the [`ntt`], conversion between bases and rounded division by primes ([`Gadget`], [`RoundedDivision`]),
//! [`Automorphism`]s, and the [`sampling`] of uniform, ternary and Gaussian polynomials.
//!
//! It is the lowest layer. Above it is `volley-ckks`; this crate knows of no scale, no key and no noise, and it is no
//! general library of polynomials: one shape of ring, primes of at most 50 bits.
//!
//! ```
//! use volley_ring::{RnsBasis, prime::ntt_primes};
//!
//! let degree = 1 << 10;
//! let primes: Vec<u64> = ntt_primes(degree, 40).take(3).collect();
//! let basis = RnsBasis::new(degree, &primes).expect("NTT primes");
//!
//! // X · X = X²: forward, pointwise product, back.
//! let mut x = vec![0; degree];
//! x[1] = 1;
//! let x = basis.forward(basis.from_signed(&x));
//! let mut square = x.clone();
//! basis.mul_assign(&mut square, &x);
//! assert_eq!(basis.inverse(square).limb(0)[..4], [0, 0, 1, 0]);
//! ```
//!
//! # Conventions
//!
//! Residues are reduced, in [0, q), wherever a function does not say otherwise. Lengths, degrees and numbers of limbs
//! are contracts between Volley's layers: breaking one panics, as documented, and no data of a user can. What no
//! arguments could make right ([`Modulus`], [`RnsBasis`], [`Automorphism`]) is `None`. Limbs are worked on in parallel
//! by rayon; results do not depend on the number of threads.
//!
//! # Features
//!
//! * `parallel`, on by default: rayon's threads. Without it the thread of the caller does the work, with the same
//!   results.

mod automorphism;
mod basis;
mod basis_conversion;
mod buffer;
mod hoisting;
mod kernel;
mod modulus;
pub mod ntt;
mod packed;
mod poly;
pub mod prime;
pub mod sampling;

pub use automorphism::Automorphism;
pub use basis::{RnsBasis, TensorTerm};
pub use basis_conversion::{DigitSum, Digits, Gadget, RoundedDivision, convert_basis};
pub use buffer::MAX_IDLE_BYTES;
pub use hoisting::{HoistedPair, Image};
pub use kernel::{BACKEND_VARIABLE, Kernel, UnknownBackend};
pub use modulus::{Modulus, ShoupFactor};
pub use packed::{PackedPoly, ResidueError};
pub use poly::{Coeff, Eval, Representation, ResidueSums, RnsPoly};

#[cfg(test)]
mod tests;
