//! (being written)
mod arithmetic;
mod error;
mod operand;
pub mod params;
mod scale;
pub use arithmetic::Arithmetic;
pub use error::Error;
pub use num_complex::Complex64;
pub use operand::Operand;
pub use params::{Parameters, ParametersLiteral, ParamsId, Security};
pub use scale::Scale;
/// Keys (being written).
pub mod keys {
    /// What a Galois key is for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum GaloisPurpose {
        /// Rotation by so many slots.
        Rotation(i64),
        /// Complex conjugation.
        Conjugation,
    }
    impl std::fmt::Display for GaloisPurpose {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            match self {
                Self::Rotation(steps) => write!(f, "rotation by {steps}"),
                Self::Conjugation => f.write_str("conjugation"),
            }
        }
    }
}
