//! What can go wrong in the plan of a modular reduction.

use thiserror::Error;

/// Why there is no such modular reduction.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum EvalModError {
    /// The range of the integers is too large.
    #[error("integers up to {range} are not supported: the most is {max}")]
    Range {
        /// K.
        range: u32,
        /// Largest K.
        max: u32,
    },
    /// The message ratio is out of range.
    #[error("a message ratio of 2^{log2} is not supported: the exponent is {min} to {max}")]
    MessageRatio {
        /// log₂ R.
        log2: u32,
        /// Smallest allowed.
        min: u32,
        /// Largest allowed.
        max: u32,
    },
    /// Too many double angles.
    #[error("{count} double angles are not supported: the most is {max}")]
    DoubleAngles {
        /// r.
        count: u32,
        /// Largest r.
        max: u32,
    },
    /// A degree that the arcsine does not come in.
    #[error("an arcsine of degree {degree} is not supported: it is 1, 3, 5 or 7")]
    ArcsineDegree {
        /// The degree asked for.
        degree: usize,
    },
    /// The factor of the output is not a positive number.
    #[error("the output cannot be multiplied by {factor}: the factor is positive and finite")]
    OutputFactor {
        /// f.
        factor: f64,
    },
}
