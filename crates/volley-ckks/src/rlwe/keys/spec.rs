//! Which evaluation keys a computation needs, and up to which level.

use std::collections::BTreeMap;

use super::key_switching::KeySwitchingKey;
use crate::base::error::Error;
use crate::base::galois::{conjugation_element, rotation_element};
use crate::base::params::Parameters;

/// A list of keys with the highest level at which each is used: a key at a lower level is smaller and faster to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    parameters: Parameters,
    relinearization: Option<usize>,
    /// Highest level by Galois element.
    galois: BTreeMap<u64, usize>,
    raising: Option<usize>,
}

impl KeySpec {
    /// No keys.
    #[must_use]
    pub fn new(parameters: &Parameters) -> Self {
        Self { parameters: parameters.clone(), relinearization: None, galois: BTreeMap::new(), raising: None }
    }

    /// Adds the relinearization key, up to `level`.
    #[must_use]
    pub fn relinearization(mut self, level: usize) -> Self {
        self.need_relinearization(level);
        self
    }

    /// Adds the keys of rotations, up to `level`. Steps count modulo N/2. A ciphertext of n < N/2 slots can use the key
    /// of any step that is equal modulo n; a list from a simulation has that of the step in (−n/2, n/2].
    #[must_use]
    pub fn rotations(mut self, steps: impl IntoIterator<Item = i64>, level: usize) -> Self {
        for steps in steps {
            self.need_galois(rotation_element(&self.parameters, steps), level);
        }
        self
    }

    /// Adds the key of conjugation, up to `level`.
    #[must_use]
    pub fn conjugation(mut self, level: usize) -> Self {
        self.need_galois(conjugation_element(&self.parameters), level);
        self
    }

    /// Adds the two keys that raise the modulus from level 0 to `level`
    /// ([`BootstrapArithmetic`](crate::bootstrapping::BootstrapArithmetic)).
    #[must_use]
    pub fn raising(mut self, level: usize) -> Self {
        self.need_raising(level);
        self
    }

    pub(crate) fn need_raising(&mut self, level: usize) {
        self.raising = self.raising.max(Some(level));
    }

    pub(crate) fn need_relinearization(&mut self, level: usize) {
        self.relinearization = self.relinearization.max(Some(level));
    }

    /// Adds the key of a Galois element, up to `level`. The identity needs no key.
    pub(crate) fn need_galois(&mut self, element: u64, level: usize) {
        if element != 1 {
            let highest = self.galois.entry(element).or_insert(level);
            *highest = level.max(*highest);
        }
    }

    /// Adds the keys of another list under the same parameters.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Self {
        self.join(other);
        self
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.relinearization = self.relinearization.max(other.relinearization);
        self.raising = self.raising.max(other.raising);
        other.galois.iter().for_each(|(&element, &level)| self.need_galois(element, level));
    }

    /// The same list under other parameters of the same ring: keys of the same elements, at the same levels.
    #[must_use]
    pub fn under(&self, parameters: &Parameters) -> Self {
        Self { parameters: parameters.clone(), ..self.clone() }
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Level of the relinearization key, if one is needed.
    #[must_use]
    pub fn relinearization_level(&self) -> Option<usize> {
        self.relinearization
    }

    /// The level up to which the modulus can be raised, if it has to be.
    #[must_use]
    pub fn raising_level(&self) -> Option<usize> {
        self.raising
    }

    /// Galois elements with the level of each.
    #[must_use]
    pub fn galois_elements(&self) -> impl ExactSizeIterator<Item = (u64, usize)> + '_ {
        self.galois.iter().map(|(&element, &level)| (element, level))
    }

    /// The level of the key of one element, if it is needed.
    #[must_use]
    pub fn galois_level(&self, element: u64) -> Option<usize> {
        self.galois.get(&element).copied()
    }

    /// Whether the keys of this list, at their levels, are enough for `needed`.
    #[must_use]
    pub fn covers(&self, needed: &Self) -> bool {
        let others = needed.relinearization <= self.relinearization && needed.raising <= self.raising;
        let galois =
            |(element, level): (&u64, &usize)| self.galois.get(element).is_some_and(|own| own >= level);
        self.parameters.id() == needed.parameters.id() && others && needed.galois.iter().all(galois)
    }

    /// Number of keys.
    #[must_use]
    pub fn key_count(&self) -> usize {
        let raising = if self.raising.is_some() { 2 } else { 0 };
        self.galois.len() + usize::from(self.relinearization.is_some()) + raising
    }

    /// Bytes in the server's memory: both halves packed, and automorphism indices expanded.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let indices = 4 * (self.galois.len() * self.parameters.degree()) as u64;
        let half = KeySwitchingKey::half_bytes;
        let ephemeral = if self.raising.is_some() { half(&self.parameters.ephemeral(), 0) } else { 0 };
        let halves: u64 = self.levels().map(|level| half(&self.parameters, level)).sum();
        2 * (halves + ephemeral) + indices
    }

    fn levels(&self) -> impl Iterator<Item = usize> {
        self.galois.values().copied().chain(self.relinearization).chain(self.raising)
    }

    pub(crate) fn check(&self, parameters: &Parameters) -> Result<(), Error> {
        if self.parameters.id() != parameters.id() {
            return Err(Error::ParameterMismatch);
        }
        if self.raising.is_some() {
            parameters.check_ephemeral()?;
        }
        let max = parameters.max_level();
        self.levels().find(|&level| level > max).map_or(Ok(()), |level| Err(Error::LevelRange { level, max }))
    }
}
