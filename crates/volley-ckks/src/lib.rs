//! Full-RNS CKKS: approximate arithmetic on encrypted vectors.
//!
//! A vector of up to N/2 complex numbers becomes a polynomial ([`Encoder`]), which the owner of a [`SecretKey`]
//! encrypts. A server that has the owner's [`EvaluationKeySet`] computes on the ciphertexts with an [`Evaluator`]:
//! sums, products, rotations ([`Arithmetic`] lists the operations). Circuits are planned on a [`Simulator`] before
//! there are keys, and tried in clear with [`ClearSlots`]. A backend of another crate implements [`Arithmetic`] and
//! takes polynomials from [`raw`].
//!
//! The layer below is `volley-ring`, the layer above `volley-revolver`. The crate knows nothing of matrices, and it has
//! no exact integers. A ciphertext whose levels are spent gets new ones by [`bootstrapping`]. What is decrypted must
//! stay secret, unless it is decrypted with [`flooding`].
//!
//! ```
//! use rand::{SeedableRng, rngs::SysRng};
//! use rand_chacha::ChaCha20Rng;
//! use volley_ckks::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Keys come from the operating system's generator.
//! let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
//!
//! // 128-bit security, seven levels, 8192 slots.
//! let context = Context::new(Parameters::n14()?);
//! let secret_key = SecretKey::generate(&context, &mut rng);
//! let spec = KeySpec::new(context.parameters()).relinearization(7).rotations([1], 6);
//! let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng)?;
//!
//! // The owner encrypts …
//! let encoder = Encoder::new(&context);
//! let values: Vec<f64> = (0..8192).map(|i| f64::from(i) / 8192.0).collect();
//! let plaintext = encoder.encode(&values, &context.parameters().scale(), 7)?;
//! let upload = secret_key.encrypt(&plaintext, &mut rng)?;
//!
//! // … the server computes xⱼ² + xⱼ₊₁² …
//! let evaluator = Evaluator::new(&context, keys)?;
//! let squares = evaluator.square(&upload.expand(&context)?)?;
//! let sums = evaluator.add(&squares, &evaluator.rotate(&squares, 1)?)?;
//!
//! // … and the owner decrypts.
//! let result = encoder.decode_real(&secret_key.decrypt(&sums)?)?;
//! assert!((result[4096] - (0.5f64.powi(2) + (4097.0f64 / 8192.0).powi(2))).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```
//!
//! # Conventions
//!
//! A ciphertext at *level* l lives modulo q₀⋯q_l and has l rescalings left. The *scale* is exact ([`Scale`]), and
//! nothing changes it silently: a sum of different scales is refused. Level, scale and number of slots are an
//! [`Operand`], whose rules evaluator and simulator share. Every operation that a caller's data can make impossible
//! returns an [`Error`] that says what was needed. Randomness is an argument, threads are rayon's, and results do not
//! depend on their number.
//!
//! # Features
//!
//! All are on by default, and none changes a result.
//!
//! * `parallel`: work is shared among rayon's threads. Without it a caller's thread does all of it.
//! * `wire`: files of parameters, keys and ciphertexts (the module `wire`), by serde and postcard.
//! * `sealing`: secret keys in files that a passphrase seals, by Argon2id and XChaCha20-Poly1305; it includes `wire`.
//!   Without it a sealed key is refused.

#![forbid(unsafe_code)]

mod arithmetic;
pub mod bootstrapping;
mod ciphertext;
mod clear_slots;
mod context;
pub mod costs;
mod counts;
mod encoder;
mod error;
mod evaluator;
mod file_size;
pub mod flooding;
pub mod keys;
mod linear_transform;
pub mod noise;
mod operand;
pub mod params;
pub mod polynomial;
mod precision;
pub mod raw;
mod scale;
mod simulator;
#[cfg(test)]
mod testing;
#[cfg(feature = "wire")]
pub mod wire;

pub use arithmetic::Arithmetic;
pub use ciphertext::{Ciphertext, Plaintext, SeededCiphertext, TensorCiphertext};
pub use clear_slots::{ClearCiphertext, ClearPlaintext, ClearSlots, ClearTensor, ClearTransform};
pub use context::{Context, LevelTables};
pub use counts::{Operation, OperationCounts};
pub use encoder::Encoder;
pub use error::Error;
pub use evaluator::{EncodedTransform, Evaluator};
pub use flooding::Flooding;
pub use keys::{EvaluationKeySet, KeyId, KeySpec, PublicKey, SecretKey};
pub use linear_transform::{DiagonalTerm, GiantStep, LinearArithmetic, LinearTransform};
pub use num_complex::Complex64;
pub use operand::Operand;
pub use params::{Parameters, ParametersLiteral, ParamsId, Security};
pub use polynomial::{ChebyshevSeries, Polynomial, PolynomialCircuit};
pub use precision::Precision;
pub use scale::Scale;
pub use simulator::{SimulatedCiphertext, SimulatedTransform, Simulator, Upload};
pub use volley_ring;

/// The examples of the project's README, compiled and run with the tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The examples of the guide's tutorial, compiled and run in the same way.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/src/ckks-alone.md")]
struct Guide;
