//! A wish for kernels that cannot be met.

use std::fmt;

use super::BACKEND_VARIABLE;

/// [`BACKEND_VARIABLE`] names kernels that this processor does not run, or that do not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBackend {
    /// The variable's value.
    pub name: String,
    /// The names that would do, the fastest first.
    pub available: Vec<&'static str>,
}

impl fmt::Display for UnknownBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, available } = self;
        write!(f, "{BACKEND_VARIABLE}={name}: this processor has {}", available.join(", "))
    }
}

impl std::error::Error for UnknownBackend {}
