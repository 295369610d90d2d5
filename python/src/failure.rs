//! Errors of the library as exceptions of Python.

use std::error::Error;

use pyo3::exceptions::PyValueError;
use pyo3::{PyErr, create_exception};
use volley_project::volley_program::BadInput;

create_exception!(
    volley,
    VolleyError,
    PyValueError,
    "What Volley refuses, in the library's words: what was needed and what was found."
);

/// Why work ended without a result: the library refused it, in these words, which are the program's.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(BadInput::new(error).to_string())
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        VolleyError::new_err(failure.0)
    }
}
