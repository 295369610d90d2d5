//! Full-RNS CKKS: approximate arithmetic on encrypted vectors.
//!
//! A vector of up to N/2 complex numbers becomes a polynomial ([`Encoder`]), which the owner of a [`SecretKey`]
//! encrypts. A server that has the owner's [`EvaluationKeySet`] computes on the ciphertexts with an [`Evaluator`]:
//! sums, products, rotations ([`Arithmetic`] lists the operations). Circuits are planned on a [`Simulator`] before
//! there are keys, and tried in clear with [`ClearSlots`]. A backend of another crate implements [`Arithmetic`] and
//! takes polynomials from [`raw`]. Several owners make keys together that none of them holds by [`multiparty`].
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
//! # Layers
//!
//! The modules of the crate are layers. Each imports from those below it only. The root has what users need. From the
//! bottom:
//!
//! | layer | what it has |
//! |---|---|
//! | `base` | parameter sets, scales, and the error with the plain types that it names |
//! | `rlwe` | the tables of a parameter set, keys, noise |
//! | `scheme` | plaintexts and ciphertexts, the rules of levels and scales, encoding, encryption |
//! | `arithmetic` | the traits of the operations, plans of linear transforms, counts and times |
//! | `backends` | the implementations: evaluator, simulator, slots in clear |
//! | `circuits` | polynomials and bootstrapping, for every backend |
//!
//! Four modules are beside them: [`multiparty`] and [`raw`] are above `scheme`, `wire` is
//! above `multiparty`, and [`costs`] is above `backends` and `wire`.
//!
//! All are modules of one crate. They share the parts of ciphertexts and keys and keep their invariants: polynomials
//! have the limbs of their level, and secrets are wiped. As crates they would have to make those parts public. And
//! whoever uses CKKS needs all layers.
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
mod backends;
mod base;
mod circuits;
pub mod costs;
pub mod multiparty;
pub mod raw;
mod rlwe;
mod scheme;
#[cfg(test)]
mod testing;
#[cfg(feature = "wire")]
pub mod wire;

pub use arithmetic::counts::{Operation, OperationCounts};
pub use arithmetic::linear_transform::{DiagonalTerm, GiantStep, LinearArithmetic, LinearTransform};
pub use arithmetic::{Arithmetic, ProductTerms};
pub use backends::clear_slots::{ClearCiphertext, ClearPlaintext, ClearSlots, ClearTensor, ClearTransform};
pub use backends::evaluator::{EncodedTransform, Evaluator};
pub use backends::simulator::{SimulatedCiphertext, SimulatedPart, SimulatedTransform, Simulator, Upload};
pub use base::error::Error;
pub use base::params;
pub use base::params::{Parameters, ParametersLiteral, ParamsId, Security};
pub use base::scale::Scale;
pub use circuits::polynomial::{ChebyshevSeries, Polynomial, PolynomialCircuit};
pub use circuits::{bootstrapping, polynomial};
pub use num_complex::Complex64;
pub use rlwe::context::{Context, LevelTables};
pub use rlwe::key_id::KeyId;
pub use rlwe::keys::{EvaluationKeySet, KeySpec, PublicKey, SecretKey};
pub use rlwe::{keys, noise};
pub use scheme::ciphertext::{Ciphertext, Plaintext, SeededCiphertext, TensorCiphertext};
pub use scheme::encoder::Encoder;
pub use scheme::encryption::Randomness;
pub use scheme::flooding;
pub use scheme::flooding::Flooding;
pub use scheme::operand::Operand;
pub use scheme::precision::Precision;
pub use volley_ring;

/// The examples of the project's README, compiled and run with the tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The examples of the guide's tutorial, compiled and run in the same way.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/src/ckks-alone.md")]
struct Guide;
