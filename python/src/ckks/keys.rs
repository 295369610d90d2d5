//! The owner's side: secret keys, and what is made of them.

use std::sync::Arc;

use numpy::{Complex64, IntoPyArray, PyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use volley_mlr::volley_ckks::{Encoder, EvaluationKeySet, Evaluator, KeySpec, SecretKey, SeededCiphertext};
use volley_project::Observer;

use super::ciphertext::{On, PyCiphertext, Value};
use super::parameters::PyContext;
use super::values;
use crate::failure::Failure;
use crate::fit::generator;
use crate::work;

/// More than the file of any ring's secret key has.
const LIMIT: u64 = 1 << 20;

/// Largest imaginary part of a slot that counts as noise, relative to the largest real part, and at least to 1.
const IMAGINARY: f64 = 1.0 / 1024.0;

/// An owner's secret key.
#[pyclass(frozen, name = "SecretKey", module = "volley.ckks")]
pub(crate) struct PySecretKey {
    key: Arc<SecretKey>,
    encoder: Encoder,
    /// What the owner's own ciphertexts are added by: it has no keys.
    keyless: Arc<Evaluator>,
}

impl PySecretKey {
    fn of(key: SecretKey) -> Result<Self, Failure> {
        let context = key.context();
        let keyless = Evaluator::new(context, EvaluationKeySet::empty(context, key.id()))?;
        Ok(Self { encoder: Encoder::new(context), keyless: Arc::new(keyless), key: Arc::new(key) })
    }

    fn seeded(&self, values: &[Complex64], level: Option<usize>) -> Result<SeededCiphertext, Failure> {
        let parameters = self.key.context().parameters();
        let (slots, level) = (values.len().next_power_of_two(), level.unwrap_or(parameters.max_level()));
        let plaintext = self.encoder.encode_padded(values, slots, &parameters.scale(), level)?;
        Ok(self.key.encrypt(&plaintext, &mut generator()?)?)
    }

    fn decoded(&self, py: Python<'_>, ciphertext: &PyCiphertext) -> Result<Vec<Complex64>, Failure> {
        let ciphertext = ciphertext.encrypted()?;
        py.detach(|| Ok(self.encoder.decode(&self.key.decrypt(ciphertext)?)?))
    }
}

#[pymethods]
impl PySecretKey {
    /// A new key, from the operating system's generator.
    #[new]
    fn new(py: Python<'_>, context: &PyContext) -> PyResult<Self> {
        py.detach(|| Self::of(SecretKey::generate(&context.0, &mut generator()?))).map_err(PyErr::from)
    }

    /// The name of the key, which is public.
    #[getter]
    fn id(&self) -> String {
        self.key.id().to_string()
    }

    /// Encrypts real or complex numbers, at most as many as there are slots, filled up with zeros to a power of two.
    #[pyo3(signature = (values, level=None))]
    fn encrypt(
        &self,
        py: Python<'_>,
        values: &Bound<'_, PyAny>,
        level: Option<usize>,
    ) -> PyResult<PyCiphertext> {
        let values = values::slots(values)?;
        let value = py.detach(|| Ok(self.seeded(&values, level)?.expand(self.key.context())?));
        let value = value.map_err(|error: Failure| error)?;
        Ok(PyCiphertext(Value::Encrypted(On { by: Arc::clone(&self.keyless), value })))
    }

    /// Encrypts to the bytes that are sent: half of a fresh ciphertext is a seed of 32 bytes.
    #[pyo3(signature = (values, level=None))]
    fn encrypt_to_bytes<'py>(
        &self,
        py: Python<'py>,
        values: &Bound<'py, PyAny>,
        level: Option<usize>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let values = values::slots(values)?;
        let bytes = py.detach(|| {
            let mut bytes = Vec::new();
            self.seeded(&values, level)?.write(self.key.context().parameters(), &mut bytes)?;
            Ok(bytes)
        });
        Ok(PyBytes::new(py, &bytes.map_err(|error: Failure| error)?))
    }

    /// The slots of a ciphertext of real numbers. What is decrypted must stay with the owner.
    fn decrypt<'py>(
        &self,
        py: Python<'py>,
        ciphertext: &PyCiphertext,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let slots = self.decoded(py, ciphertext)?;
        let largest = slots.iter().fold(1.0, |largest, slot| f64::max(largest, slot.re.abs()));
        if let Some((index, slot)) =
            slots.iter().enumerate().find(|(_, slot)| slot.im.abs() > IMAGINARY * largest)
        {
            let imaginary = slot.im;
            return Err(Failure::new(format!(
                "slot {index} has the imaginary part {imaginary:.6}, which is no noise: decrypt_complex gives complex \
                 slots"
            ))
            .into());
        }
        Ok(slots.into_iter().map(|slot| slot.re).collect::<Vec<_>>().into_pyarray(py))
    }

    /// The slots as complex numbers.
    fn decrypt_complex<'py>(
        &self,
        py: Python<'py>,
        ciphertext: &PyCiphertext,
    ) -> PyResult<Bound<'py, PyArray1<Complex64>>> {
        Ok(self.decoded(py, ciphertext)?.into_pyarray(py))
    }

    /// Makes the keys that a server needs.
    #[pyo3(signature = (spec, progress=None))]
    fn evaluation_keys(
        &self,
        py: Python<'_>,
        spec: &PyKeySpec,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<PyEvaluationKeys> {
        let (spec, key) = (spec.0.clone(), Arc::clone(&self.key));
        work::run(py, progress, move |reporter| {
            let count = reporter.counts("key generation", spec.key_count(), "evaluation keys".to_owned());
            let told = |done| count.set(done);
            let keys = Arc::new(EvaluationKeySet::generate_with(&key, &spec, &mut generator()?, told)?);
            Ok(PyEvaluationKeys { keys, spec })
        })
    }

    /// The key's file; sealed where there is a passphrase. Whoever has it can read what was encrypted.
    #[pyo3(signature = (*, passphrase))]
    fn to_bytes<'py>(&self, py: Python<'py>, passphrase: Option<&str>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| {
            let mut bytes = zeroize::Zeroizing::new(Vec::new());
            match passphrase {
                Some(passphrase) => {
                    self.key.write_sealed(passphrase.as_bytes(), &mut generator()?, &mut *bytes)?
                }
                None => self.key.write(&mut *bytes)?,
            }
            Ok(bytes)
        });
        Ok(PyBytes::new(py, &bytes.map_err(|error: Failure| error)?))
    }

    /// A key that `to_bytes` or `volley keygen` wrote.
    #[staticmethod]
    #[pyo3(signature = (context, bytes, *, passphrase=None))]
    fn from_bytes(
        py: Python<'_>,
        context: &PyContext,
        bytes: &[u8],
        passphrase: Option<&str>,
    ) -> PyResult<Self> {
        let passphrase = passphrase.map(str::as_bytes);
        py.detach(|| Self::of(SecretKey::read(&context.0, passphrase, bytes, LIMIT)?)).map_err(PyErr::from)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a secret key is not pickled, as it would go wherever the pickle goes: to_bytes(passphrase=...) gives its \
             file",
        ))
    }

    fn __repr__(&self) -> String {
        format!("<volley.ckks.SecretKey {}>", self.key.id())
    }
}

/// The keys that a circuit needs, as a tracer found them or by name.
#[pyclass(frozen, name = "KeySpec", module = "volley.ckks")]
pub(crate) struct PyKeySpec(pub(crate) KeySpec);

#[pymethods]
impl PyKeySpec {
    /// Keys for products, rotations and conjugation up to a level, by default the highest.
    #[new]
    #[pyo3(signature = (context, *, products=false, rotations=vec![], conjugation=false, level=None))]
    fn new(
        context: &PyContext,
        products: bool,
        rotations: Vec<i64>,
        conjugation: bool,
        level: Option<usize>,
    ) -> Self {
        let parameters = context.0.parameters();
        let level = level.unwrap_or(parameters.max_level());
        let spec = KeySpec::new(parameters).rotations(rotations, level);
        let spec = if products { spec.relinearization(level) } else { spec };
        Self(if conjugation { spec.conjugation(level) } else { spec })
    }

    /// How many keys these are.
    #[getter]
    fn key_count(&self) -> usize {
        self.0.key_count()
    }

    /// The bytes of the file that a server gets.
    #[getter]
    fn nbytes(&self) -> u64 {
        self.0.byte_count()
    }

    fn __or__(&self, other: &Self) -> Self {
        Self(self.0.clone().joined(&other.0))
    }

    fn __repr__(&self) -> String {
        format!("<volley.ckks.KeySpec of {} keys, {} bytes>", self.0.key_count(), self.0.byte_count())
    }
}

/// The keys that a server gets. They open nothing.
#[pyclass(frozen, name = "EvaluationKeys", module = "volley.ckks")]
pub(crate) struct PyEvaluationKeys {
    pub(crate) keys: Arc<EvaluationKeySet>,
    spec: KeySpec,
}

#[pymethods]
impl PyEvaluationKeys {
    /// The keys' file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| {
            let mut bytes = Vec::new();
            self.keys.write(self.spec.parameters(), &mut bytes)?;
            Ok(bytes)
        });
        Ok(PyBytes::new(py, &bytes.map_err(|error: Failure| error)?))
    }

    /// Keys that an owner wrote.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, context: &PyContext, bytes: &[u8]) -> PyResult<Self> {
        py.detach(|| {
            let keys = EvaluationKeySet::read(&context.0, bytes, bytes.len() as u64)?;
            Ok(Self { spec: keys.spec(context.0.parameters())?, keys: Arc::new(keys) })
        })
        .map_err(|error: Failure| error.into())
    }

    /// Which keys these are.
    #[getter]
    fn spec(&self) -> PyKeySpec {
        PyKeySpec(self.spec.clone())
    }

    fn __repr__(&self) -> String {
        format!("<volley.ckks.EvaluationKeys, {} of {}>", self.keys.key_count(), self.keys.key_id())
    }
}
