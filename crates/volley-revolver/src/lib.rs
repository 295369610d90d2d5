//! Encrypted matrices: the products that training a linear classifier on CKKS ciphertexts needs.
//!
//! With features x (n × d), weights v (c × d) and errors e (n × c), all encrypted, the crate computes the scores x·vᵀ
//! and the gradient eᵀ·x, in two ways:
//!
//! * [`skewed`], what to use. A sample's row lies in a row of D slots. The weights lie skewed, K-periodic in the rows:
//!   Vᵢⱼ = v[(i + j) mod K, j − K]. Each product is one sum of K slot-wise products per ciphertext of features. It
//!   takes one relinearization, no mask and one level, and the gradient comes out in the layout of the weights. Many
//!   classes are cut into blocks of K each, which share the features.
//! * [`classic`], the Volley Revolver as it was published (arXiv 2201.12577): rows of the transposed factor revolve,
//!   and each of c turns costs two masks and 2·log₂ D rotations. It is kept as the baseline.
//!
//! [`layout`] says which entry lies where, and packs [`ndarray`] matrices in clear. Everything encrypted is generic
//! over [`volley_ckks::Arithmetic`]: the same code runs on ciphertexts and on a simulator that follows levels and
//! counts operations. [`plan`] picks parameters, layout and member of the family for such a circuit.
//!
//! The layer below is [`volley_ckks`], re-exported here; the layer above is `volley-sigmoid`. The crate knows nothing
//! of learning: no loss, no step size, no iterations. It is no general library of matrices either: it has the two
//! products of a linear model.
//!
//! ```
//! use std::sync::Arc;
//!
//! use ndarray::array;
//! use volley_revolver::skewed::{Skewed, Split};
//! use volley_revolver::volley_ckks::{Operation, Parameters, Simulator};
//! use volley_revolver::{Layout, Shape};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Three classes are padded to K = 4; two columns need rows of D = 16 ≥ 2 + 2K − 1 slots.
//! let layout = Layout::new(Shape { samples: 100, columns: 2, classes: 3 }, 1 << 10)?;
//! assert_eq!((layout.period(), layout.width(), layout.rows()), (4, 16, 64));
//! // 100 samples are two blocks of 64 rows, the real and the imaginary part of one ciphertext.
//! assert_eq!((layout.row_blocks(), layout.groups()), (2, 1));
//!
//! let weights = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
//! let slots = layout.pack_weights(&weights)?;
//! assert_eq!(slots[0][4].re, 1.0); // row 0, column K: class 0
//! assert_eq!(slots[0][5].re, 4.0); // row 0, column K + 1: class 1, by the skew
//! assert_eq!(layout.unpack_weights(&slots)?, weights);
//!
//! // The scores of all samples, on a simulator; with an `Evaluator` it is the same code on ciphertexts.
//! let parameters = Parameters::n14()?;
//! let simulator = Arc::new(Simulator::new(&parameters));
//! let layout = Layout::new(layout.shape(), parameters.max_slots())?;
//! let skewed = Skewed::new(&simulator, layout, Split::on_copies(&layout))?;
//! let [features, weights] = [2, 2].map(|level| simulator.input(&parameters.scale(), level));
//! let copies = skewed.forward_copies(&[features?], 2)?;
//! let scores = skewed.forward_all(&[copies], &[weights?])?;
//! assert_eq!(scores.len(), layout.groups());
//! assert_eq!(simulator.counts().total(Operation::Product), 4); // K
//! assert_eq!(simulator.counts().total(Operation::Relinearization), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! `parallel`, `wire` and `sealing`, all on by default, are passed on to [`volley_ckks`]. With `parallel` the products
//! of matrices use the same threads. None changes a result.

#![forbid(unsafe_code)]

pub mod classic;
mod error;
pub mod layout;
pub mod plan;
mod rotation;
pub mod skewed;
mod split;

pub use error::{Error, grouped};
pub use layout::{Layout, Part, Shape};
pub use plan::Plan;
pub use volley_ckks;
