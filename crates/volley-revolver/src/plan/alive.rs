//! What members of the family have alive, as far as it is known.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use volley_ckks::Parameters;

use super::simulated::Peak;
use crate::skewed::Split;

/// What is known of splits that differ in their [rotations](crate::skewed::Rotations) alone. They have the same
/// ciphertexts alive, whatever the special primes; what key switches hold is another matter.
#[derive(Debug)]
pub(super) struct Alive {
    /// Bytes of ciphertexts that they take at least.
    least_bytes: AtomicU64,
    /// What was simulated, by the special primes and the split.
    peaks: Mutex<HashMap<(Vec<u64>, Split), Peak>>,
}

impl Alive {
    pub(super) fn at_least(bytes: u64) -> Self {
        Self { least_bytes: bytes.into(), peaks: Mutex::default() }
    }

    /// Bytes of ciphertexts that they take at least.
    pub(super) fn least_bytes(&self) -> u64 {
        self.least_bytes.load(Ordering::Relaxed)
    }

    /// Learns that they take so many at least.
    pub(super) fn learn(&self, bytes: u64) {
        self.least_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    /// What was simulated of one of them, or is now.
    pub(super) fn peak<E>(
        &self,
        parameters: &Parameters,
        split: Split,
        simulate: impl FnOnce() -> Result<Peak, E>,
    ) -> Result<Peak, E> {
        let peaks = || self.peaks.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (parameters.p().to_vec(), split);
        if let Some(peak) = peaks().get(&key) {
            return Ok(*peak);
        }
        let peak = simulate()?;
        self.learn(peak.least_bytes);
        Ok(*peaks().entry(key).or_insert(peak))
    }
}
