//! Ciphertexts with the operators of Python.

use std::sync::Arc;

use numpy::Complex64;
use pyo3::exceptions::{PyTypeError, PyZeroDivisionError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyInt};
use volley_mlr::volley_ckks::bootstrapping::BootstrapArithmetic;
use volley_mlr::volley_ckks::polynomial::{Basis, Constants};
use volley_mlr::volley_ckks::{
    Arithmetic, Ciphertext, Evaluator, LinearArithmetic, Operand, Polynomial, PolynomialCircuit, Scale,
    Simulator,
};

use super::server::{Prepared, PyBootstrapper, PyMatrix, transform};
use super::values;
use crate::failure::Failure;

/// A ciphertext with what computes on it.
pub(crate) struct On<A: Arithmetic> {
    pub(crate) by: Arc<A>,
    pub(crate) value: A::Ciphertext,
}

/// A ciphertext of either backend.
pub(crate) enum Value {
    Encrypted(On<Evaluator>),
    Traced(On<Simulator>),
}

/// An encrypted vector of slots, or one that is traced.
#[pyclass(frozen, name = "Ciphertext", module = "volley.ckks")]
pub(crate) struct PyCiphertext(pub(crate) Value);

/// Two operands of one backend.
enum Pair<'a> {
    Encrypted(&'a Arc<Evaluator>, &'a Ciphertext, &'a Ciphertext),
    Traced(
        &'a Arc<Simulator>,
        &'a <Simulator as Arithmetic>::Ciphertext,
        &'a <Simulator as Arithmetic>::Ciphertext,
    ),
}

/// Runs an operation on one ciphertext, by whichever backend it has.
macro_rules! on_one {
    ($py:expr, $value:expr, |$by:ident, $a:ident| $run:expr) => {{
        let result = $py.detach(|| -> Result<Value, Failure> {
            Ok(match $value {
                Value::Encrypted(On { by: $by, value: $a }) => {
                    Value::Encrypted(On { value: $run?, by: Arc::clone($by) })
                }
                Value::Traced(On { by: $by, value: $a }) => {
                    Value::Traced(On { value: $run?, by: Arc::clone($by) })
                }
            })
        });
        Ok(PyCiphertext(result?))
    }};
}

/// The same for two.
macro_rules! on_two {
    ($py:expr, $pair:expr, |$by:ident, $a:ident, $b:ident| $run:expr) => {{
        let result = $py.detach(|| -> Result<Value, Failure> {
            Ok(match $pair {
                Pair::Encrypted($by, $a, $b) => Value::Encrypted(On { value: $run?, by: Arc::clone($by) }),
                Pair::Traced($by, $a, $b) => Value::Traced(On { value: $run?, by: Arc::clone($by) }),
            })
        });
        Ok(PyCiphertext(result?))
    }};
}

/// What a ciphertext is added to or multiplied by.
enum Other<'py> {
    Ciphertext(PyRef<'py, PyCiphertext>),
    /// A whole number: a product with it takes no level.
    Whole(f64),
    Number(f64),
    Slots(Vec<Complex64>),
}

impl<'py> Other<'py> {
    fn of(other: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(ciphertext) = other.extract::<PyRef<'py, PyCiphertext>>() {
            return Ok(Self::Ciphertext(ciphertext));
        }
        if other.is_instance_of::<PyInt>() && !other.is_instance_of::<PyBool>() {
            return Ok(Self::Whole(other.extract()?));
        }
        match other.extract::<f64>() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) => Ok(Self::Slots(values::slots(other)?)),
        }
    }
}

/// a · c, rescaled so that the scale stays.
fn scaled<A: Arithmetic>(by: &A, a: &A::Ciphertext, c: f64) -> Result<A::Ciphertext, Failure> {
    Ok(by.rescale(&by.multiply_constant(a, c, &rescaling_factor(by, a)?)?)?)
}

/// a · p, rescaled so that the scale stays.
fn times_slots<A: Arithmetic>(by: &A, a: &A::Ciphertext, p: &[Complex64]) -> Result<A::Ciphertext, Failure> {
    let plain = by.encode(|| p.to_vec(), &rescaling_factor(by, a)?, by.operand(a).level)?;
    Ok(by.rescale(&by.multiply_plain(a, &plain)?)?)
}

fn plus_slots<A: Arithmetic>(by: &A, a: &A::Ciphertext, p: &[Complex64]) -> Result<A::Ciphertext, Failure> {
    let Operand { scale, level, .. } = by.operand(a);
    Ok(by.add_plain(a, &by.encode(|| p.to_vec(), scale, *level)?)?)
}

/// aⁿ for n ≥ 1 by its binary digits: ⌈log₂ n⌉ levels.
fn power<A: Arithmetic>(by: &A, a: &A::Ciphertext, n: u32) -> Result<A::Ciphertext, Failure> {
    let (mut square, mut left) = (a.clone(), n);
    let mut power = None;
    loop {
        if left % 2 == 1 {
            power = Some(match &power {
                None => square.clone(),
                Some(power) => by.multiply(power, &square)?,
            });
        }
        left /= 2;
        match power {
            Some(power) if left == 0 => return Ok(power),
            _ => square = by.square(&square)?,
        }
    }
}

/// What rescaling divides by at the level of a ciphertext.
fn rescaling_factor<A: Arithmetic>(by: &A, a: &A::Ciphertext) -> Result<Scale, Failure> {
    match by.operand(a).level {
        0 => Err(volley_mlr::volley_ckks::Error::LevelExhausted { level: 0, required: 1 }.into()),
        level => Ok(by.parameters().rescaling_factor(level)),
    }
}

fn polynomial<A: Arithmetic>(by: &A, a: &A::Ciphertext, p: &Polynomial) -> Result<A::Ciphertext, Failure> {
    Ok(PolynomialCircuit::new(p).evaluate(by, a, &by.operand(a).scale, &Constants)?)
}

fn bootstrapped<A: BootstrapArithmetic>(
    by: &A,
    a: &A::Ciphertext,
    bootstrapper: &volley_mlr::volley_ckks::bootstrapping::Bootstrapper<A::Transform>,
) -> Result<A::Ciphertext, Failure> {
    Ok(bootstrapper.bootstrap(by, a)?)
}

impl PyCiphertext {
    /// The ciphertext, unless it is traced.
    pub(crate) fn encrypted(&self) -> Result<&Ciphertext, Failure> {
        match &self.0 {
            Value::Encrypted(On { value, .. }) => Ok(value),
            Value::Traced(_) => Err(Failure::new("a traced ciphertext has no values")),
        }
    }

    fn operand(&self) -> &Operand {
        match &self.0 {
            Value::Encrypted(On { by, value }) => by.operand(value),
            Value::Traced(On { by, value }) => by.operand(value),
        }
    }

    /// Both as operands of one backend, with as many slots. Of two evaluators it is the one that has keys.
    fn with<'a>(&'a self, other: &'a Self) -> Result<Pair<'a>, Failure> {
        self.check_slots(other.operand().slots)?;
        match (&self.0, &other.0) {
            (Value::Encrypted(a), Value::Encrypted(b)) => {
                let by = if a.by.keys().key_count() > 0 { &a.by } else { &b.by };
                Ok(Pair::Encrypted(by, &a.value, &b.value))
            }
            (Value::Traced(a), Value::Traced(b)) if Arc::ptr_eq(&a.by, &b.by) => {
                Ok(Pair::Traced(&a.by, &a.value, &b.value))
            }
            (Value::Traced(_), Value::Traced(_)) => {
                Err(Failure::new("the ciphertexts belong to two tracers"))
            }
            _ => Err(Failure::new("one of the ciphertexts is traced, the other is not")),
        }
    }

    /// Refuses operands of other slots: the shorter would be repeated. A tracer takes arrays for as long as can be, so
    /// the slots of what is traced say nothing.
    fn check_slots(&self, other: usize) -> Result<(), Failure> {
        match (&self.0, self.operand().slots) {
            (Value::Traced(_), _) => Ok(()),
            (Value::Encrypted(_), slots) if slots == other => Ok(()),
            (Value::Encrypted(_), slots) => Err(Failure::new(format!(
                "the operands have {slots} and {other} slots: fill the shorter up, as with numpy.pad"
            ))),
        }
    }

    fn plus(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        match Other::of(other)? {
            Other::Ciphertext(other) => {
                let pair = self.with(&other)?;
                on_two!(py, pair, |by, a, b| by.add(a, b))
            }
            Other::Whole(c) | Other::Number(c) => on_one!(py, &self.0, |by, a| by.add_constant(a, c)),
            Other::Slots(p) => {
                self.check_slots(p.len())?;
                on_one!(py, &self.0, |by, a| plus_slots(&**by, a, &p))
            }
        }
    }
}

#[pymethods]
impl PyCiphertext {
    /// NumPy leaves operators to this class.
    #[classattr]
    fn __array_ufunc__(py: Python<'_>) -> Py<PyAny> {
        py.None()
    }

    /// So many rescalings are left.
    #[getter]
    fn level(&self) -> usize {
        self.operand().level
    }

    /// log2 of the scale, which is kept exactly.
    #[getter]
    fn log_scale(&self) -> f64 {
        self.operand().scale.log2()
    }

    /// Number of slots.
    #[getter]
    fn slots(&self) -> usize {
        self.operand().slots
    }

    fn __add__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.plus(py, other)
    }

    fn __radd__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.plus(py, other)
    }

    fn __neg__(&self, py: Python<'_>) -> PyResult<Self> {
        on_one!(py, &self.0, |by, a| by.neg(a))
    }

    fn __sub__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        match Other::of(other)? {
            Other::Ciphertext(other) => {
                let pair = self.with(&other)?;
                on_two!(py, pair, |by, a, b| by.sub(a, b))
            }
            Other::Whole(c) | Other::Number(c) => on_one!(py, &self.0, |by, a| by.add_constant(a, -c)),
            Other::Slots(p) => {
                self.check_slots(p.len())?;
                let negative: Vec<_> = p.iter().map(|value| -value).collect();
                on_one!(py, &self.0, |by, a| plus_slots(&**by, a, &negative))
            }
        }
    }

    fn __rsub__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.__neg__(py)?.plus(py, other)
    }

    fn __mul__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        match Other::of(other)? {
            Other::Ciphertext(other) => {
                let pair = self.with(&other)?;
                on_two!(py, pair, |by, a, b| by.multiply(a, b))
            }
            Other::Whole(c) => {
                on_one!(py, &self.0, |by, a| by.multiply_constant(a, c, &Scale::power_of_two(0)))
            }
            Other::Number(c) => on_one!(py, &self.0, |by, a| scaled(&**by, a, c)),
            Other::Slots(p) => {
                self.check_slots(p.len())?;
                on_one!(py, &self.0, |by, a| times_slots(&**by, a, &p))
            }
        }
    }

    fn __rmul__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.__mul__(py, other)
    }

    /// Division by a number or an array: a product with the inverse.
    fn __truediv__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        let nonzero =
            |c: f64| if c == 0.0 { Err(PyZeroDivisionError::new_err("division by zero")) } else { Ok(c) };
        match Other::of(other)? {
            Other::Ciphertext(_) => Err(PyTypeError::new_err(
                "nothing is divided by a ciphertext: multiply by a polynomial of it that is near its inverse",
            )),
            Other::Whole(c) | Other::Number(c) => {
                let inverse = nonzero(c)?.recip();
                on_one!(py, &self.0, |by, a| scaled(&**by, a, inverse))
            }
            Other::Slots(p) => {
                self.check_slots(p.len())?;
                p.iter().try_for_each(|value| nonzero(value.norm_sqr()).map(drop))?;
                let inverses: Vec<_> = p.iter().map(|value| value.inv()).collect();
                on_one!(py, &self.0, |by, a| times_slots(&**by, a, &inverses))
            }
        }
    }

    /// The power of every slot, for a whole exponent n from 1 up: log₂ n levels, rounded up.
    fn __pow__(&self, py: Python<'_>, exponent: &Bound<'_, PyAny>, _modulo: Option<u32>) -> PyResult<Self> {
        match exponent.extract::<u32>() {
            Ok(n) if n > 0 => on_one!(py, &self.0, |by, a| power(&**by, a, n)),
            _ => Err(PyTypeError::new_err("the exponent of a ciphertext is a whole number from 1 up")),
        }
    }

    /// M @ x, for a square matrix of as many rows as there are slots.
    fn __rmatmul__(&self, py: Python<'_>, matrix: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(prepared) = matrix.extract::<PyRef<'_, PyMatrix>>() {
            return prepared.__matmul__(py, self);
        }
        let (matrix, level) = (values::matrix(matrix)?, self.operand().level);
        on_one!(py, &self.0, |by, a| transform(&**by, &matrix, level)
            .and_then(|matrix| Ok(by.transform_rescale(a, &matrix)?)))
    }

    /// The slots moved by so many steps: slot j becomes slot j + steps.
    fn rotate(&self, py: Python<'_>, steps: i64) -> PyResult<Self> {
        on_one!(py, &self.0, |by, a| by.rotate(a, steps))
    }

    /// The sum of rotations, cheaper than one after the other.
    fn sum_of_rotations(&self, py: Python<'_>, steps: Vec<i64>) -> PyResult<Self> {
        on_one!(py, &self.0, |by, a| by.sum_of_rotations(a, &steps))
    }

    /// The complex conjugate of every slot.
    fn conjugate(&self, py: Python<'_>) -> PyResult<Self> {
        on_one!(py, &self.0, |by, a| by.conjugate(a))
    }

    /// The square of every slot: one level.
    fn square(&self, py: Python<'_>) -> PyResult<Self> {
        on_one!(py, &self.0, |by, a| by.square(a))
    }

    /// A polynomial of every slot, by its coefficients c0, c1, … in "monomial" or "chebyshev" basis.
    #[pyo3(signature = (coefficients, basis="monomial"))]
    fn polynomial(&self, py: Python<'_>, coefficients: Vec<f64>, basis: &str) -> PyResult<Self> {
        let basis = match basis {
            "monomial" => Basis::Monomial,
            "chebyshev" => Basis::Chebyshev,
            _ => return Err(Failure::new(format!("there is no basis {basis:?}: monomial, chebyshev")).into()),
        };
        let p = Polynomial::new(basis, coefficients).map_err(Failure::from)?;
        on_one!(py, &self.0, |by, a| polynomial(&**by, a, &p))
    }

    /// The same slots at a lower level.
    fn drop_level(&self, py: Python<'_>, level: usize) -> PyResult<Self> {
        on_one!(py, &self.0, |by, a| by.drop_level(a, level))
    }

    /// The same slots with new levels. No slot may be larger than 1.
    fn bootstrap(&self, py: Python<'_>, bootstrapper: &PyBootstrapper) -> PyResult<Self> {
        let result = match (&self.0, &bootstrapper.0) {
            (Value::Encrypted(On { by, value }), Prepared::Encrypted(prepared)) => py.detach(|| {
                Ok(Value::Encrypted(On { value: bootstrapped(&**by, value, prepared)?, by: Arc::clone(by) }))
            }),
            (Value::Traced(On { by, value }), Prepared::Traced(prepared)) => py.detach(|| {
                Ok(Value::Traced(On { value: bootstrapped(&**by, value, prepared)?, by: Arc::clone(by) }))
            }),
            _ => Err(Failure::new("the bootstrapping was prepared for another backend")),
        };
        Ok(Self(result?))
    }

    /// The ciphertext's file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let Value::Encrypted(On { by, value }) = &self.0 else {
            return Err(Failure::new("a traced ciphertext has no values").into());
        };
        let mut bytes = Vec::new();
        py.detach(|| value.write(by.parameters(), &mut bytes)).map_err(Failure::from)?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a ciphertext is not pickled: to_bytes() gives its file, and Evaluator.load reads it",
        ))
    }

    fn __repr__(&self) -> String {
        let Operand { level, scale, slots } = self.operand();
        let kind = if matches!(self.0, Value::Traced(_)) { "traced " } else { "" };
        format!(
            "<volley.ckks.Ciphertext {kind}of {slots} slots at level {level}, scale 2^{:.2}>",
            scale.log2()
        )
    }
}

#[pymethods]
impl PyMatrix {
    /// The product with a ciphertext: one level, the scale stays.
    fn __matmul__(&self, py: Python<'_>, x: &PyCiphertext) -> PyResult<PyCiphertext> {
        let result = match (&x.0, &self.0) {
            (Value::Encrypted(On { by, value }), Prepared::Encrypted(matrix)) => py.detach(|| {
                Ok(Value::Encrypted(On { value: by.transform_rescale(value, matrix)?, by: Arc::clone(by) }))
            }),
            (Value::Traced(On { by, value }), Prepared::Traced(matrix)) => py.detach(|| {
                Ok(Value::Traced(On { value: by.transform_rescale(value, matrix)?, by: Arc::clone(by) }))
            }),
            _ => Err(Failure::new("the matrix was prepared for another backend")),
        };
        Ok(PyCiphertext(result?))
    }
}

/// Σ cₖ·aₖ for ciphertexts of any levels and scales: the sum has the scale of the first, one level below the lowest.
#[pyfunction]
pub(crate) fn weighted_sum(
    py: Python<'_>,
    terms: Vec<(PyRef<'_, PyCiphertext>, f64)>,
) -> PyResult<PyCiphertext> {
    let Some((first, _)) = terms.first() else {
        return Err(Failure::from(volley_mlr::volley_ckks::Error::EmptySum).into());
    };
    terms.iter().try_for_each(|(a, _)| first.check_slots(a.operand().slots))?;
    let result = match &first.0 {
        Value::Encrypted(On { by, .. }) => {
            let terms: Result<Vec<_>, _> = terms.iter().map(|(a, c)| Ok((a.encrypted()?, *c))).collect();
            let terms = terms.map_err(|error: Failure| error)?;
            py.detach(|| Ok(Value::Encrypted(On { value: by.weighted_sum(&terms)?, by: Arc::clone(by) })))
        }
        Value::Traced(On { by, .. }) => {
            let traced = |(a, c): &(PyRef<'_, PyCiphertext>, f64)| match first.with(a)? {
                Pair::Traced(_, _, a) => Ok((a.clone(), *c)),
                Pair::Encrypted(..) => {
                    Err(Failure::new("one of the ciphertexts is traced, the other is not"))
                }
            };
            let terms: Vec<_> = terms.iter().map(traced).collect::<Result<_, Failure>>()?;
            let terms: Vec<_> = terms.iter().map(|(a, c)| (a, *c)).collect();
            py.detach(|| Ok(Value::Traced(On { value: by.weighted_sum(&terms)?, by: Arc::clone(by) })))
        }
    };
    result.map(PyCiphertext).map_err(|error: Failure| error.into())
}
