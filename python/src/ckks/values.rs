//! Slots as arrays of NumPy.

use numpy::{Complex64, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::failure::Failure;

/// Numbers of any kind, in one row.
pub(crate) fn slots(values: &Bound<'_, PyAny>) -> PyResult<Vec<Complex64>> {
    let array = complex(values)?;
    match array.shape() {
        [_] => Ok(array.as_array().iter().copied().collect()),
        shape => {
            Err(Failure::new(format!("an array of one dimension is expected, not one of {}", shape.len()))
                .into())
        }
    }
}

/// A square matrix, row by row, and its size.
pub(crate) fn matrix(values: &Bound<'_, PyAny>) -> PyResult<(Vec<Complex64>, usize)> {
    let array = complex(values)?;
    match *array.shape() {
        [rows, columns] if rows == columns => Ok((array.as_array().iter().copied().collect(), rows)),
        ref shape => {
            Err(Failure::new(format!("a square matrix is expected, not an array of shape {shape:?}")).into())
        }
    }
}

fn complex<'py>(values: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArrayDyn<'py, Complex64>> {
    let array = values.py().import("numpy")?.call_method1("asarray", (values, "complex128"))?;
    array.extract()
}
