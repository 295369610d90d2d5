//! The squared likelihood error (SLE) of arXiv 2304.03807, in clear.
//!
//! With P = σ(X Wᵀ), one column per class, and labels Y as one-hot rows, the paper maximises the logarithm of
//! L₂ = ∏ᵢ ∏ⱼ (ȳᵢⱼ − σ(xᵢ·wⱼ))² and prints it as Σᵢ Σⱼ ln |ȳᵢⱼ − σ(xᵢ·wⱼ)| (the square's factor 2 is dropped). Taken
//! literally that has the wrong sign: at y = 1 it is ln(1 − σ), largest where the class is denied. The paper's code
//! computes, and this module defines,
//!
//! ```text
//! ℓ = Σᵢ Σⱼ ln |Pᵢⱼ + Yᵢⱼ − 1|:   ln σ at y = 1,   ln (1 − σ) at y = 0,
//! ```
//!
//! the log-likelihood of one-vs-rest logistic regression. Its derivative in the scores is ∂ℓ/∂Z = Y − P, hence in the
//! weights (Y − P)ᵀ X, the gradient of the paper's Algorithm 1. With a polynomial's P the algorithm ascends along the
//! same expression, which is then no longer exactly the derivative of ℓ.

use ndarray::{ArrayRef2, Zip};

use crate::error::Error;

/// ℓ for the exact sigmoid of `scores` Z and the labels `one_hot` Y, both samples × classes. At most 0.
///
/// It is computed as ln σ(z) = −ln(1 + e⁻ᶻ) at y = 1 and ln σ(−z) at y = 0. So no digits are lost, and no −∞ comes up,
/// where σ rounds to 0 or 1.
///
/// # Errors
///
/// [`Error::Shape`] if the shapes differ.
pub fn log_likelihood_of_scores(scores: &ArrayRef2<f64>, one_hot: &ArrayRef2<f64>) -> Result<f64, Error> {
    same_shape(scores, one_hot)?;
    Ok(Zip::from(scores).and(one_hot).fold(0.0, |sum, z, y| sum + log_sigmoid((2.0 * y - 1.0) * z)))
}

fn log_sigmoid(z: f64) -> f64 {
    z.min(0.0) - (-z.abs()).exp().ln_1p()
}

fn same_shape(left: &ArrayRef2<f64>, right: &ArrayRef2<f64>) -> Result<(), Error> {
    let (left, right) = (left.dim(), right.dim());
    if left == right {
        Ok(())
    } else {
        Err(Error::Shape { left: [left.0, left.1], right: [right.0, right.1] })
    }
}

#[cfg(test)]
mod tests;
