//! Files: parameters, keys and ciphertexts as bytes that another program can trust.
//!
//! The format, byte by byte, is in `docs/formats.md` of the project. Every file is
//!
//! ```text
//! magic (8) │ version (2) │ length of the header (2) │ header │ body │ BLAKE3 of all that precedes (32)
//! ```
//!
//! with a [`Header`] that says what it is ([`Kind`]), for which parameter set and of which owner, and how long the body
//! is. Types have
//!
//! * `write(&self, out)`, and the exact number of bytes that it writes, known in advance (`file_bytes`);
//! * `read(…, input, limit)`, which refuses a file of more than `limit` bytes before it reads one of them.
//!
//! A reader streams: beside the object itself there is one packed polynomial in memory. Nothing is allocated before the
//! file's declared length has room for it, and nothing is trusted: levels, scales and elements must be in range,
//! residues below their primes. Every object has one encoding, and readers refuse any other. So what is read is written
//! again as the same bytes. Where the content is refused, the rest is read all the same and hashed, so that a damaged
//! file is called damaged.
//!
//! The hash finds damage. It is no authentication: whoever can change a file can change its hash. The names that a file
//! carries ([`ParamsId`](crate::ParamsId), [`KeyId`](crate::KeyId)) catch mistakes in the same way. Only a sealed secret
//! key is authenticated.
//!
//! Memory: a residue takes ⌈log₂ q⌉ bits in a file. In memory it takes as many bits in a public or an evaluation key,
//! and 8 bytes in a ciphertext. Keys have their uniform halves expanded from the seed, and evaluation keys have a
//! permutation for each Galois element. Such an object takes at most [`MEMORY_FACTOR`] times the limit. A secret key
//! has two bits a coefficient in its file; in memory it takes 8 bytes for each coefficient and each prime of QP. A
//! sealed one takes the memory of its Argon2id besides, up to 256 MiB.
//!
//! Readers and writers are not buffered here: small fields are read one by one, so wrap a file in a
//! [`BufReader`](std::io::BufReader) or [`BufWriter`](std::io::BufWriter), and flush the latter.
//!
//! ```
//! # use rand_chacha::ChaCha20Rng;
//! # use rand_core::SeedableRng;
//! use volley_ckks::{Context, EvaluationKeySet, KeySpec, ParametersLiteral, SecretKey, Security};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut rng = ChaCha20Rng::seed_from_u64(1);
//! # let literal = ParametersLiteral {
//! #     log_n: 4, levels: vec![vec![50], vec![40]], p_bits: vec![50], log_scale: 40,
//! #     security: Security::Unchecked,
//! # };
//! # let context = Context::new(literal.build()?);
//! # let secret_key = SecretKey::generate(&context, &mut rng);
//! let spec = KeySpec::new(context.parameters()).relinearization(1);
//! let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng)?;
//! let mut file = Vec::new();
//! keys.write(context.parameters(), &mut file)?;
//! assert_eq!(file.len() as u64, spec.byte_count());
//!
//! let keys = EvaluationKeySet::read(&context, &file[..], spec.byte_count())?;
//! assert_eq!(keys.key_id(), secret_key.id());
//! # Ok(())
//! # }
//! ```
//!
//! The layers above read and write records of their own by [`BodyReader`] and [`BodyWriter`]. They have a [`Kind`] of
//! their own and names of their own in [`Header::extension`].

mod ciphertext;
mod error;
mod header;
mod keys;
mod kind;
mod multiparty;
mod operand;
mod parameters;
mod private;
mod residues;
#[cfg_attr(not(feature = "sealing"), path = "wire/no_sealing.rs")]
mod sealing;
mod secret;
mod secret_file;
mod stream;
mod tensor;

pub use error::WireError;
pub use header::{Header, VERSION};
pub use kind::Kind;
pub use private::create_private_file;
pub use stream::{BodyReader, BodyWriter, FileReader, encode_structure, write_file};

/// Most bytes of memory that a ciphertext, a public key or evaluation keys take for each byte of their file. A file has
/// one half, of residues of at least 10 bits; memory has two halves of 8-byte residues, and a fourth more for what is
/// computed from them.
pub const MEMORY_FACTOR: u64 = 16;

#[cfg(test)]
mod tests;
