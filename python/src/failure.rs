//! Errors of the library as exceptions of Python.

use std::error;
use std::ffi::CString;

use pyo3::exceptions::{PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::{PyErr, create_exception};
use volley_project::volley_program::BadInput;

create_exception!(
    volley,
    Error,
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

/// What the program's errors name, and what stands for it in Python.
const IN_PYTHON: [(&str, &str); 5] = [
    ("--force replaces it", "replace=True replaces it"),
    ("`volley keygen` makes one", "Owner.generate_keys makes one"),
    ("`volley keygen` makes them", "Owner.generate_keys makes them"),
    ("`volley encrypt` makes it", "Owner.encrypt makes it"),
    ("--rows FILE names", "rows=... names"),
];

impl<E: error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let text = BadInput::new(error).to_string();
        Self(IN_PYTHON.iter().fold(text, |text, (program, python)| text.replace(program, python)))
    }
}

/// Warns of what the user may not expect.
pub(crate) fn warn(py: Python<'_>, problem: &str) -> PyResult<()> {
    let text = CString::new(problem).map_err(|error| PyValueError::new_err(error.to_string()))?;
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 2)
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Error::new_err(failure.0)
    }
}
