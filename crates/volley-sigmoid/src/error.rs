//! What can go wrong, with the numbers that explain it.

use thiserror::Error;
use volley_revolver::volley_ckks;

use crate::limits::{MAX_DEGREE, MAX_HALF_WIDTH, MIN_HALF_WIDTH};

/// A polynomial that cannot be made, or an evaluation that cannot be done.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation on ciphertexts was refused.
    #[error(transparent)]
    Ckks(#[from] volley_ckks::Error),
    /// A degree that is even or higher than evaluation supports.
    #[error(
        "a sigmoid polynomial of degree {degree} is not supported: the degree is odd and at most {MAX_DEGREE}"
    )]
    Degree {
        /// The degree asked for.
        degree: usize,
    },
    /// An interval that is empty, too narrow for encrypted scores, unbounded or too wide for these degrees.
    #[error(
        "the interval [-R, R] of a sigmoid's scores is not supported for R = {half_width:?}: it is at least \
         {MIN_HALF_WIDTH} and at most {MAX_HALF_WIDTH}"
    )]
    Interval {
        /// Half the interval's width.
        half_width: f64,
    },
    /// A coefficient that is not a finite number.
    #[error("the coefficient of x^{power} is not a finite number")]
    Coefficient {
        /// The power of x it belongs to.
        power: usize,
    },
    /// The scores are too low in the modulus chain for the polynomial.
    #[error("the polynomial takes {required} levels, the encrypted scores have {available}")]
    InsufficientLevels {
        /// Levels that the polynomial takes.
        required: usize,
        /// Level of the scores.
        available: usize,
    },
    /// Two matrices that should have one shape.
    #[error("shapes differ: {} x {} and {} x {}", left[0], left[1], right[0], right[1])]
    Shape {
        /// Rows and columns of the first.
        left: [usize; 2],
        /// Rows and columns of the second.
        right: [usize; 2],
    },
}
