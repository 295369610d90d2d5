//! Slow, obvious references for Volley's tests.
//!
//! Everything here is written to be checked by eye against its definition, not to be fast. The crate depends on no
//! other crate of the workspace and speaks `&[u64]`, `BigInt`, `f64` and `Complex64` only, so that any layer can use
//! it in its tests. It is not published.
//!
//! * [`schoolbook`]: products and evaluations in Z_q\[X\]/(X^N + 1);
//! * [`crt`]: from residues to integers and back;
//! * [`embedding`]: the canonical embedding by its definition;
//! * [`mutation`]: files with random defects;
//! * [`statistics`]: what a test asks of samples and of errors.
//!
//! ```
//! use volley_testkit::schoolbook::negacyclic_product;
//!
//! // (1 + X)·X = X + X² in Z₁₇[X]/(X² + 1), where X² = −1.
//! assert_eq!(negacyclic_product(&[1, 1], &[0, 1], 17), [16, 1]);
//! ```
//!
//! Functions panic where a test uses them wrongly; the conditions are documented.

#![forbid(unsafe_code)]

pub mod crt;
pub mod embedding;
pub mod mutation;
pub mod schoolbook;
pub mod statistics;
