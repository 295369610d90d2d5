//! The server's side: what computes on ciphertexts, and what traces a circuit before there are any.

use std::sync::Arc;

use numpy::Complex64;
use pyo3::prelude::*;
use volley_mlr::volley_ckks::bootstrapping::{Bootstrapper, Bootstrapping};
use volley_mlr::volley_ckks::wire::{Header, Kind};
use volley_mlr::volley_ckks::{
    Arithmetic, Ciphertext, Evaluator, LinearArithmetic, LinearTransform, Operand, Parameters,
    SeededCiphertext, Simulator,
};

use super::ciphertext::{On, PyCiphertext, Value};
use super::keys::{PyEvaluationKeys, PyKeySpec};
use super::parameters::{PyContext, preset};
use super::values;
use crate::failure::Failure;

/// Something prepared for either backend.
pub(crate) enum Prepared<E, S> {
    Encrypted(E),
    Traced(S),
}

/// Matrices of both backends.
type Transforms =
    Prepared<<Evaluator as LinearArithmetic>::Transform, <Simulator as LinearArithmetic>::Transform>;
/// Bootstrappings of both backends.
type Bootstrappers = Prepared<
    Bootstrapper<<Evaluator as LinearArithmetic>::Transform>,
    Bootstrapper<<Simulator as LinearArithmetic>::Transform>,
>;

/// A matrix that is prepared for products with ciphertexts.
#[pyclass(frozen, name = "Matrix", module = "volley.ckks")]
pub(crate) struct PyMatrix(pub(crate) Transforms);

/// A bootstrapping that is prepared for ciphertexts of some slots.
#[pyclass(frozen, name = "Bootstrapper", module = "volley.ckks")]
pub(crate) struct PyBootstrapper(pub(crate) Bootstrappers);

/// Encodes the diagonals of a matrix that are not zero, so that a product keeps the scale.
pub(crate) fn transform<A: LinearArithmetic>(
    by: &A,
    (entries, size): &(Vec<Complex64>, usize),
    level: usize,
) -> Result<A::Transform, Failure> {
    let size = *size;
    let diagonal = |k: usize| (0..size).map(|row| entries[row * size + (row + k) % size]).collect::<Vec<_>>();
    let is_used = |k: &usize| diagonal(*k).iter().any(|entry| *entry != Complex64::ZERO);
    let used: Vec<i64> = (0..size).filter(is_used).map(|k| k as i64).collect();
    let plan = LinearTransform::new(by.parameters(), level, size, used)?;
    let scale = by.parameters().scale();
    Ok(by.encode_transform(&plan, &plan.diagonal_scale(&scale, &scale), diagonal)?)
}

fn bootstrapping(
    parameters: &Parameters,
    name: &str,
    slots: Option<usize>,
) -> Result<Bootstrapping, Failure> {
    let literal = preset(name)?.bootstrapping(slots.unwrap_or(parameters.max_slots()));
    Ok(Bootstrapping::new(parameters, &literal)?)
}

/// Computes on ciphertexts by an owner's keys.
#[pyclass(frozen, name = "Evaluator", module = "volley.ckks")]
pub(crate) struct PyEvaluator(Arc<Evaluator>);

#[pymethods]
impl PyEvaluator {
    #[new]
    fn new(context: &PyContext, keys: &PyEvaluationKeys) -> PyResult<Self> {
        let evaluator = Evaluator::new(&context.0, Arc::clone(&keys.keys)).map_err(Failure::from)?;
        Ok(Self(Arc::new(evaluator)))
    }

    /// A ciphertext of another party, or one that another evaluator computed on.
    fn load(&self, py: Python<'_>, ciphertext: &Bound<'_, PyAny>) -> PyResult<PyCiphertext> {
        let value = match ciphertext.extract::<PyRef<'_, PyCiphertext>>() {
            Ok(ciphertext) => ciphertext.encrypted()?.clone(),
            Err(_) => {
                let bytes = ciphertext.extract::<&[u8]>()?;
                py.detach(|| self.read(bytes))?
            }
        };
        Ok(PyCiphertext(Value::Encrypted(On { by: Arc::clone(&self.0), value })))
    }

    /// Prepares a matrix for products at a level, by default the highest.
    #[pyo3(signature = (matrix, level=None))]
    fn matrix(&self, py: Python<'_>, matrix: &Bound<'_, PyAny>, level: Option<usize>) -> PyResult<PyMatrix> {
        let matrix = values::matrix(matrix)?;
        let level = level.unwrap_or(self.0.parameters().max_level());
        let transform = py.detach(|| transform(&*self.0, &matrix, level))?;
        Ok(PyMatrix(Prepared::Encrypted(transform)))
    }

    /// Prepares a bootstrapping of ciphertexts of some slots, by default of all.
    #[pyo3(signature = (preset="fast", slots=None))]
    fn bootstrapper(&self, py: Python<'_>, preset: &str, slots: Option<usize>) -> PyResult<PyBootstrapper> {
        let prepared =
            py.detach(|| Ok(bootstrapping(self.0.parameters(), preset, slots)?.prepare(&*self.0)?));
        Ok(PyBootstrapper(Prepared::Encrypted(prepared.map_err(|error: Failure| error)?)))
    }
}

impl PyEvaluator {
    fn read(&self, bytes: &[u8]) -> Result<Ciphertext, Failure> {
        let (context, limit) = (self.0.context(), bytes.len() as u64);
        if Header::read(bytes)?.kind == Kind::SEEDED_CIPHERTEXT {
            return Ok(SeededCiphertext::read(context, bytes, limit)?.expand(context)?);
        }
        Ok(Ciphertext::read(context, bytes, limit)?)
    }
}

/// Runs a circuit without values, and finds out which keys it needs.
#[pyclass(frozen, name = "Tracer", module = "volley.ckks")]
pub(crate) struct PyTracer(Arc<Simulator>);

#[pymethods]
impl PyTracer {
    #[new]
    fn new(context: &PyContext) -> Self {
        Self(Arc::new(Simulator::new(context.0.parameters())))
    }

    /// A ciphertext as `SecretKey.encrypt` gives it: of the highest level and of all slots, unless told otherwise.
    #[pyo3(signature = (slots=None, level=None))]
    fn input(&self, slots: Option<usize>, level: Option<usize>) -> PyResult<PyCiphertext> {
        let parameters = self.0.parameters();
        let operand = Operand {
            level: level.unwrap_or(parameters.max_level()),
            scale: parameters.scale(),
            slots: slots.unwrap_or(parameters.max_slots()),
        };
        let value = self.0.input_operand(operand).map_err(Failure::from)?;
        Ok(PyCiphertext(Value::Traced(On { by: Arc::clone(&self.0), value })))
    }

    /// A matrix for products with what is traced.
    #[pyo3(signature = (matrix, level=None))]
    fn matrix(&self, py: Python<'_>, matrix: &Bound<'_, PyAny>, level: Option<usize>) -> PyResult<PyMatrix> {
        let matrix = values::matrix(matrix)?;
        let level = level.unwrap_or(self.0.parameters().max_level());
        Ok(PyMatrix(Prepared::Traced(py.detach(|| transform(&*self.0, &matrix, level))?)))
    }

    /// A bootstrapping of what is traced.
    #[pyo3(signature = (preset="fast", slots=None))]
    fn bootstrapper(&self, preset: &str, slots: Option<usize>) -> PyResult<PyBootstrapper> {
        let prepared = bootstrapping(self.0.parameters(), preset, slots)?.prepare(&*self.0);
        Ok(PyBootstrapper(Prepared::Traced(prepared.map_err(Failure::from)?)))
    }

    /// The keys that the operations so far need.
    #[getter]
    fn keys(&self) -> PyKeySpec {
        PyKeySpec(self.0.key_spec())
    }
}
