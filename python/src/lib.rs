//! The compiled part of the Python package `volley`. What users see is in `lib/volley`.
#![forbid(unsafe_code)]

mod ckks;
mod failure;
mod features;
mod fit;
mod model;
mod party;
mod plan;
mod pool;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _volley {
    #[pymodule_export]
    use crate::ckks::ciphertext::{PyCiphertext, weighted_sum};
    #[pymodule_export]
    use crate::ckks::keys::{PyEvaluationKeys, PyKeySpec, PySecretKey};
    #[pymodule_export]
    use crate::ckks::parameters::PyContext;
    #[pymodule_export]
    use crate::ckks::server::{PyBootstrapper, PyEvaluator, PyMatrix, PyTracer};
    #[pymodule_export]
    use crate::failure::Error;
    #[pymodule_export]
    use crate::features::features_of;
    #[pymodule_export]
    use crate::fit::{Training, train_encrypted, train_in_clear};
    #[pymodule_export]
    use crate::model::PyModel;
    #[pymodule_export]
    use crate::party::{PyOwner, PyServer};
    #[pymodule_export]
    use crate::plan::PyPlan;
    #[pymodule_export]
    use crate::pool::PyPool;
}
