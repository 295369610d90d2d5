//! Parameter sets, and their tables.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use volley_mlr::volley_ckks::bootstrapping::Preset;
use volley_mlr::volley_ckks::params::Security;
use volley_mlr::volley_ckks::{Context, Parameters, ParametersLiteral};

use crate::failure::Failure;

/// More bytes than parameters have.
const LIMIT: u64 = 1 << 20;

/// A checked parameter set with its tables.
#[pyclass(frozen, name = "Context", module = "volley.ckks")]
pub(crate) struct PyContext(pub(crate) Arc<Context>);

/// A claim by its bits; none where nothing is claimed.
fn security(bits: Option<u32>) -> Result<Security, Failure> {
    let claims =
        [Security::Classical128, Security::Classical192, Security::Classical256, Security::Unchecked];
    let claim = claims.into_iter().find(|claim| claim.bits() == bits);
    claim.ok_or_else(|| {
        Failure::new(format!("no claim of {} bits: 128, 192, 256 or None", bits.unwrap_or_default()))
    })
}

/// The preset of a bootstrapping by its name.
pub(crate) fn preset(name: &str) -> Result<Preset, Failure> {
    match name {
        "fast" => Ok(Preset::Fast),
        "precise" => Ok(Preset::Precise),
        _ => Err(Failure::new(format!("there is no preset {name:?}: fast, precise"))),
    }
}

impl PyContext {
    fn build(py: Python<'_>, literal: ParametersLiteral) -> PyResult<Self> {
        let parameters = literal.build().map_err(Failure::from)?;
        Ok(Self(py.detach(|| Context::new(parameters))))
    }
}

#[pymethods]
impl PyContext {
    #[new]
    #[pyo3(signature = (log_n, levels, special, log_scale, *, security=Some(128)))]
    fn new(
        py: Python<'_>,
        log_n: u32,
        levels: Vec<Vec<u32>>,
        special: Vec<u32>,
        log_scale: u32,
        security: Option<u32>,
    ) -> PyResult<Self> {
        let security = self::security(security)?;
        Self::build(py, ParametersLiteral { log_n, levels, p_bits: special, log_scale, security })
    }

    /// A set of 128-bit security by log2 of its ring degree: 14, 15 or 16.
    #[staticmethod]
    #[pyo3(signature = (log_n=14))]
    fn standard(py: Python<'_>, log_n: u32) -> PyResult<Self> {
        let parameters = match log_n {
            14 => Parameters::n14(),
            15 => Parameters::n15(),
            16 => Parameters::n16(),
            _ => {
                return Err(Failure::new(format!(
                    "there is no standard set for log_n = {log_n}: 14, 15, 16"
                ))
                .into());
            }
        };
        let parameters = parameters.map_err(Failure::from)?;
        Ok(Self(py.detach(|| Context::new(parameters))))
    }

    /// A set that leaves `levels` levels after a bootstrapping.
    #[staticmethod]
    #[pyo3(signature = (preset="fast", log_n=16, levels=9, special=9, *, security=Some(128)))]
    fn for_bootstrapping(
        py: Python<'_>,
        preset: &str,
        log_n: u32,
        levels: usize,
        special: usize,
        security: Option<u32>,
    ) -> PyResult<Self> {
        let preset = self::preset(preset)?;
        Self::build(py, preset.parameters(log_n, levels, special, self::security(security)?))
    }

    /// log2 of the ring degree.
    #[getter]
    fn log_n(&self) -> u32 {
        self.0.parameters().log_n()
    }

    /// Most slots of a ciphertext.
    #[getter]
    fn slots(&self) -> usize {
        self.0.parameters().max_slots()
    }

    /// The highest level: so many products may follow each other.
    #[getter]
    fn max_level(&self) -> usize {
        self.0.parameters().max_level()
    }

    /// log2 of the scale that values are encoded at.
    #[getter]
    fn log_scale(&self) -> u32 {
        self.0.parameters().log_scale()
    }

    /// Bits of the modulus with the special primes, which decide the security.
    #[getter]
    fn log_qp(&self) -> f64 {
        self.0.parameters().log_qp()
    }

    /// Bits of security that are claimed; None where nothing is safe.
    #[getter]
    fn security(&self) -> Option<u32> {
        self.0.parameters().security().bits()
    }

    /// The parameters as the file that others read.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut bytes = Vec::new();
        self.0.parameters().write(&mut bytes).map_err(Failure::from)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Parameters that another party wrote.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let parameters = Parameters::read(bytes, LIMIT).map_err(Failure::from)?;
        Ok(Self(py.detach(|| Context::new(parameters))))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("from_bytes")?, (self.to_bytes(py)?,)))
    }

    fn __repr__(&self) -> String {
        let parameters = self.0.parameters();
        let security = match parameters.security().bits() {
            Some(bits) => format!("{bits} bits of security"),
            None => "NO security".to_owned(),
        };
        format!(
            "<volley.ckks.Context of log N {}, {} levels, log QP {:.0}, {security}>",
            parameters.log_n(),
            parameters.max_level(),
            parameters.log_qp()
        )
    }
}
