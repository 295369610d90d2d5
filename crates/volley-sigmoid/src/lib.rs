//! The sigmoid as a polynomial, and the loss that is trained with it.
//!
//! CKKS adds and multiplies; it has no exponential. σ(x) = 1/(1 + e⁻ˣ) is therefore replaced by an odd polynomial
//! around ½, [`SigmoidPolynomial`]: the paper's own, or a least squares fit of odd degree up to 9 on an interval.
//! [`MaskedSigmoid`] evaluates one on encrypted scores in 1 to 4 levels, with the mask over the valid slots
//! and the step size in its coefficients; [`loss`] is the squared likelihood error in clear.
//!
//! The layer below is [`volley_revolver`] (encrypted matrices), re-exported here, the one above `volley-mlr` (the
//! trainer). Nothing here knows of optimisers or of matrix layouts, and nothing approximates other functions: no
//! softmax, no comparison.
//!
//! ```
//! use volley_sigmoid::volley_revolver::volley_ckks::{Arithmetic, Complex64, Parameters, Simulator};
//! use volley_sigmoid::{MaskedSigmoid, SigmoidPolynomial, sigmoid};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let polynomial = SigmoidPolynomial::least_squares(3, 8.0)?;
//! assert_eq!(polynomial.levels(), 2);
//! assert!((polynomial.value(2.0) - sigmoid(2.0)).abs() <= polynomial.max_error());
//!
//! // 2·p(z) in the first slot and 0 in the others, on a simulator; with an `Evaluator` it is the same code.
//! let parameters = Parameters::n14()?;
//! let simulator = Simulator::new(&parameters);
//! let scores = simulator.input(&parameters.scale(), 5)?;
//! let mask = || (0..8192).map(|slot| Complex64::from(f64::from(u8::from(slot == 0)))).collect();
//! let masked = MaskedSigmoid { polynomial: &polynomial, argument_factor: 1.0, output_factor: 2.0, mask };
//! let result = masked.evaluate(&simulator, &scores, &parameters.scale())?;
//! assert_eq!(simulator.operand(&result).level, 3);
//! assert_eq!(simulator.operand(&result).scale, parameters.scale()); // exactly
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! `parallel`, `wire` and `sealing`, all on by default, are passed on to [`volley_revolver`]. None changes a result.

#![forbid(unsafe_code)]

mod error;
mod evaluate;
mod least_squares;
mod limits;
mod logistic;
pub mod loss;
mod polynomial;

pub use error::Error;
pub use evaluate::MaskedSigmoid;
pub use limits::{MAX_DEGREE, MAX_HALF_WIDTH, MIN_HALF_WIDTH};
pub use logistic::sigmoid;
pub use polynomial::SigmoidPolynomial;
pub use volley_revolver;
