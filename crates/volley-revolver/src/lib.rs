//! Encrypted matrices: the products that training a linear classifier on CKKS ciphertexts needs.
//!
//! With features x (n × d), weights v (c × d) and errors e (n × c), all encrypted, the crate computes the scores x·vᵀ and the
//! gradient eᵀ·x, in two ways:
//!
//! * [`skewed`], what to use. A sample's row lies in a row of D slots; the weights lie skewed, Vᵢⱼ = v[(i + j) mod K, j − K],
//!   K-periodic in the rows. Each product is one sum of K slot-wise products per ciphertext of features, one
//!   relinearization, no mask and one level, and the gradient comes out in the layout of the weights.
//! * [`classic`], the Volley Revolver as it was published (arXiv 2201.12577): rows of the transposed factor revolve, and
//!   each of c turns costs two masks and 2·log₂ D rotations. It is kept as the baseline.
//!
//! [`layout`] says where which entry lies and does the packing, in clear, on [`ndarray`] matrices. Everything encrypted is
//! generic over [`volley_ckks::Arithmetic`]: the same code runs on ciphertexts and on a simulator that follows levels and
//! counts operations. The crate knows nothing of learning: no loss, no step size, no iterations. Below it is
//! [`volley_ckks`], re-exported here.
//!
//! ```
//! use ndarray::array;
//! use volley_revolver::{Error, Layout, Shape};
//!
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
//! # Ok::<(), Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod classic;
mod error;
pub mod layout;
pub mod plan;
mod rotation;
pub mod skewed;

pub use error::Error;
pub use layout::{Layout, Part, Shape};
pub use plan::Plan;
pub use volley_ckks;
