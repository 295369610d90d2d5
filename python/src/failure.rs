//! Errors of the library as exceptions of Python.

use std::error::Error;

use pyo3::exceptions::PyValueError;
use pyo3::{PyErr, create_exception};

create_exception!(
    volley,
    VolleyError,
    PyValueError,
    "What Volley refuses, in the library's words: what was needed and what was found."
);

/// Why work ended without a result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library refused it, in these words.
    Refused(String),
    /// Whoever began it wants it no more.
    Stopped,
}

impl Failure {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self::Refused(problem.into())
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(problem) => VolleyError::new_err(problem),
            Failure::Stopped => VolleyError::new_err("stopped before it was done"),
        }
    }
}
