//! The ring Z_q[X]/(X^N + 1) in RNS, as CKKS needs it.
//!
//! An element modulo Q = ∏ qᵢ is kept as its residues modulo each prime qᵢ ([`RnsPoly`]), in one of two
//! representations that are part of its type: coefficients ([`Coeff`]) or evaluations ([`Eval`], where products are
//! pointwise). An [`RnsBasis`] is a list of primes and has the operations. Around them: NTT-friendly [`prime`]s below
//! 2⁵⁰, the [`ntt`], conversion between bases and rounded division by primes ([`Gadget`], [`RoundedDivision`]),
//! [`Automorphism`]s, and the [`sampling`] of uniform, ternary and Gaussian polynomials.
//!
//! This crate knows of no scale and no key: that is `volley-ckks`, the layer above.
//!
//! ```
//! use volley_ring::{RnsBasis, prime::ntt_primes};
//!
//! let degree = 1 << 10;
//! let primes: Vec<u64> = ntt_primes(degree, 40).take(3).collect();
//! let basis = RnsBasis::new(degree, &primes).expect("NTT primes");
//! let x = basis.from_signed(&[[0, 1].as_slice(), &[0; 1022]].concat());
//! let x = basis.forward(x);
//! let mut square = x.clone();
//! basis.mul_assign(&mut square, &x);
//! assert_eq!(basis.inverse(square).limb(0)[..4], [0, 0, 1, 0]);
//! ```
//!
//! The transform is `tfhe-ntt` (BSD-3-Clause-Clear: its licence grants no patent rights).

mod automorphism;
mod basis;
mod basis_conversion;
mod buffer;
mod kernel;
mod modulus;
pub mod ntt;
mod poly;
pub mod prime;
pub mod sampling;

pub use automorphism::Automorphism;
pub use basis::RnsBasis;
pub use basis_conversion::{Gadget, RoundedDivision, convert_basis};
pub use kernel::{BACKEND_VARIABLE, Kernel};
pub use modulus::{Modulus, ShoupFactor};
pub use poly::{Coeff, Eval, Representation, RnsPoly};

#[cfg(test)]
mod tests;
