//! The compiled part of the Python package `volley`. What users see is in `lib/volley`.
#![forbid(unsafe_code)]

mod failure;
mod fit;
mod model;
mod plan;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _volley {
    #[pymodule_export]
    use crate::failure::VolleyError;
    #[pymodule_export]
    use crate::fit::{Training, train_encrypted, train_in_clear};
    #[pymodule_export]
    use crate::model::PyModel;
    #[pymodule_export]
    use crate::plan::PyPlan;
}
