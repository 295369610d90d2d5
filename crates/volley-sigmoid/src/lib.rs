//! The sigmoid as a polynomial, and the loss that is trained with it.
//!
//! CKKS adds and multiplies; it has no exponential. σ(x) = 1/(1 + e⁻ˣ) is therefore replaced by an odd polynomial
//! around ½, [`SigmoidPolynomial`]: the paper's own, or a least squares fit of degree 1, 3, 5 or 7 on an interval.
//! [`MaskedSigmoid`] evaluates one on encrypted scores in 1, 2, 3 and 3 levels, with the mask over the valid slots
//! and the step size in its coefficients; [`loss`] is the squared likelihood error in clear.
//!
//! The layer below is `volley-revolver` (encrypted matrices), the one above `volley-mlr` (the trainer). Nothing here
//! knows of optimisers or of matrix layouts.
//!
//! ```
//! use volley_sigmoid::{SigmoidPolynomial, sigmoid};
//!
//! let p = SigmoidPolynomial::least_squares(3, 8.0)?;
//! assert_eq!(p.levels(), 2);
//! assert!((p.value(2.0) - sigmoid(2.0)).abs() <= p.max_error());
//! # Ok::<(), volley_sigmoid::Error>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod evaluate;
mod least_squares;
pub mod loss;
mod polynomial;

pub use error::Error;
pub use evaluate::MaskedSigmoid;
pub use polynomial::{MAX_DEGREE, MAX_HALF_WIDTH, SigmoidPolynomial};
pub use volley_revolver;

/// σ(x) = 1/(1 + e⁻ˣ), as ½ + ½ tanh(x/2): accurate everywhere, overflows nowhere.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    0.5 + centred_sigmoid(x)
}

/// σ(x) − ½, without the cancellation near zero.
fn centred_sigmoid(x: f64) -> f64 {
    0.5 * (0.5 * x).tanh()
}
