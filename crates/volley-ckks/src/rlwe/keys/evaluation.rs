//! The keys that a server computes with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use maybe_rayon::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::CryptoRng;
use volley_ring::sampling::Seed;
use volley_ring::{Automorphism, Eval, RnsPoly};
use zeroize::Zeroizing;

use super::key_switching::KeySwitchingKey;
use super::raising::RaisingKeys;
use super::secret::SecretKey;
use super::spec::KeySpec;
use crate::base::error::Error;
use crate::base::galois::GaloisPurpose;
use crate::base::params::{Parameters, ParamsId};
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::rlwe::streams::Streams;

/// Relinearization and Galois keys of one owner. There may be gigabytes of them, so they are shared in an `Arc` and are
/// not cloned.
#[derive(Debug)]
pub struct EvaluationKeySet {
    params_id: ParamsId,
    key_id: KeyId,
    relinearization: Option<KeySwitchingKey>,
    galois: BTreeMap<u64, GaloisKey>,
    raising: Option<RaisingKeys>,
}

/// The key of σ_g. Switching comes first and the automorphism last, so it is a key from s to σ_g⁻¹(s). The digits of a
/// hoisted ciphertext are used as they are, and only the two polynomials of the result are permuted.
#[derive(Debug)]
pub(crate) struct GaloisKey {
    pub(crate) key: KeySwitchingKey,
    pub(crate) automorphism: Automorphism,
}

/// What one key is made for, with the randomness it is made from.
struct Job {
    /// `None` is relinearization.
    element: Option<u64>,
    level: usize,
    seed: Seed,
    secrets: ChaCha20Rng,
}

impl EvaluationKeySet {
    /// Makes the keys that `spec` lists, in parallel. The result depends on `rng` only, which must
    /// be a generator no one else can repeat.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] for a list of another parameter set, [`Error::LevelRange`] for a level that does
    /// not exist, [`Error::Parameters`] where the modulus is to be raised and the ephemeral secret would not be as
    /// secure as the parameters claim.
    pub fn generate(secret_key: &SecretKey, spec: &KeySpec, rng: &mut impl CryptoRng) -> Result<Self, Error> {
        Self::generate_with(secret_key, spec, rng, |_| {})
    }

    /// As [`generate`](Self::generate); `progress` is told how many keys are made, from any thread and in any order.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate).
    pub fn generate_with(
        secret_key: &SecretKey,
        spec: &KeySpec,
        rng: &mut impl CryptoRng,
        progress: impl Fn(usize) + Sync,
    ) -> Result<Self, Error> {
        let parameters = secret_key.context().parameters();
        spec.check(parameters)?;
        let mut streams = Streams::fork(rng);
        let galois = spec.galois_elements().map(|(element, level)| (Some(element), level));
        let jobs: Vec<Job> = spec
            .relinearization_level()
            .map(|level| (None, level))
            .into_iter()
            .chain(galois)
            .map(|(element, level)| Job {
                element,
                level,
                seed: streams.seed(),
                secrets: streams.fork_secret(),
            })
            .collect();
        let mut set = Self::empty(secret_key.context(), secret_key.id());
        set.raising =
            spec.raising_level().map(|level| RaisingKeys::generate(secret_key, level, &mut streams));
        let done = AtomicUsize::new(set.key_count());
        progress(set.key_count());
        let run = |job: Job| {
            let key = job.run(secret_key);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            key
        };
        let keys: Vec<_> = jobs.into_par_iter().map(run).collect();
        for (automorphism, key) in keys {
            match automorphism {
                None => set.set_relinearization_key(key),
                Some(automorphism) => set.add_galois_key(automorphism, key),
            }
        }
        Ok(set)
    }

    /// The parameter set.
    #[must_use]
    pub fn params_id(&self) -> ParamsId {
        self.params_id
    }

    /// The owner's key they belong to.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Number of keys.
    #[must_use]
    pub fn key_count(&self) -> usize {
        let raising = if self.raising.is_some() { 2 } else { 0 };
        self.galois.len() + usize::from(self.relinearization.is_some()) + raising
    }

    /// The keys that are in the set.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where they belong to other parameters.
    pub fn spec(&self, parameters: &Parameters) -> Result<KeySpec, Error> {
        if parameters.id() == self.params_id {
            Ok(self.listed(parameters))
        } else {
            Err(Error::ParameterMismatch)
        }
    }

    /// The keys that are in the set, for the parameters that they belong to.
    pub(crate) fn listed(&self, parameters: &Parameters) -> KeySpec {
        let mut spec = KeySpec::new(parameters);
        if let Some(key) = &self.relinearization {
            spec.need_relinearization(key.level());
        }
        self.galois.iter().for_each(|(&element, galois)| spec.need_galois(element, galois.key.level()));
        if let Some(keys) = &self.raising {
            spec.need_raising(keys.from_ephemeral.level());
        }
        spec
    }

    /// The set of no keys under the secret of this name. An evaluator adds with it, and does nothing that takes a key.
    #[must_use]
    pub fn empty(context: &Context, key_id: KeyId) -> Self {
        let params_id = context.parameters().id();
        Self { params_id, key_id, relinearization: None, galois: BTreeMap::new(), raising: None }
    }

    pub(crate) fn set_relinearization_key(&mut self, key: KeySwitchingKey) {
        self.relinearization = Some(key);
    }

    pub(crate) fn add_galois_key(&mut self, automorphism: Automorphism, key: KeySwitchingKey) {
        self.galois.insert(automorphism.element(), GaloisKey { key, automorphism });
    }

    pub(crate) fn raising(&self, level: usize) -> Result<&RaisingKeys, Error> {
        let keys = self.raising.as_ref().ok_or(Error::MissingRaisingKeys)?;
        check_level(&keys.from_ephemeral, level)?;
        Ok(keys)
    }

    pub(crate) fn relinearization(&self, level: usize) -> Result<&KeySwitchingKey, Error> {
        let key = self.relinearization.as_ref().ok_or(Error::MissingRelinearizationKey)?;
        check_level(key, level)?;
        Ok(key)
    }

    /// The key of an element at a level, or of another element that does the same to so many slots. They are those of a
    /// polynomial in X^(N/2n), which has order 4n, so elements count modulo 4n.
    pub(crate) fn galois(
        &self,
        element: u64,
        purpose: GaloisPurpose,
        slots: usize,
        level: usize,
    ) -> Result<&GaloisKey, Error> {
        let order = 4 * slots as u64;
        let others = self.galois.iter().filter(|&(other, _)| other % order == element % order);
        let mut keys = self.galois.get(&element).into_iter().chain(others.map(|(_, key)| key));
        let first = keys.next().ok_or(Error::MissingGaloisKey { element, purpose })?;
        check_level(&first.key, level)
            .map(|()| first)
            .or_else(|error| keys.find(|key| check_level(&key.key, level).is_ok()).ok_or(error))
    }
}

/// The parts that files and other protocols are made from and read into.
impl EvaluationKeySet {
    pub(crate) fn relinearization_key(&self) -> Option<&KeySwitchingKey> {
        self.relinearization.as_ref()
    }

    /// Galois elements in ascending order, with their keys.
    pub(crate) fn galois_keys(&self) -> impl ExactSizeIterator<Item = (u64, &KeySwitchingKey)> {
        self.galois.iter().map(|(&element, galois)| (element, &galois.key))
    }

    pub(crate) fn raising_keys(&self) -> Option<&RaisingKeys> {
        self.raising.as_ref()
    }

    pub(crate) fn set_raising_keys(&mut self, keys: RaisingKeys) {
        self.raising = Some(keys);
    }
}

fn check_level(key: &KeySwitchingKey, level: usize) -> Result<(), Error> {
    if level > key.level() { Err(Error::KeyLevel { key_level: key.level(), level }) } else { Ok(()) }
}

impl Job {
    fn run(mut self, secret_key: &SecretKey) -> (Option<Automorphism>, KeySwitchingKey) {
        let context = secret_key.context();
        let basis = context.qp(context.parameters().max_level());
        let s = secret_key.poly();
        let mut generate = |from: &RnsPoly<Eval>, to: &RnsPoly<Eval>| {
            KeySwitchingKey::generate(context, [from, to], self.level, self.seed, &mut self.secrets)
        };
        match self.element {
            None => {
                let mut square = Zeroizing::new(s.clone());
                basis.mul_assign(&mut square, s);
                (None, generate(&square, s))
            }
            Some(element) => {
                let image = galois_target(context, s, element);
                (Some(context.automorphism(element)), generate(s, &image))
            }
        }
    }
}

/// σ⁻¹(s) modulo QP: what the key of σ for this element switches to.
pub(crate) fn galois_target(context: &Context, s: &RnsPoly<Eval>, element: u64) -> Zeroizing<RnsPoly<Eval>> {
    let inverse = context.automorphism(inverse_element(element, context.parameters().degree()));
    Zeroizing::new(context.qp(context.parameters().max_level()).automorphism(s, &inverse))
}

/// g⁻¹ modulo 2N, by Newton's iteration modulo powers of two.
fn inverse_element(element: u64, degree: usize) -> u64 {
    let inverse = (0..6).fold(element, |x, _| x.wrapping_mul(2u64.wrapping_sub(element.wrapping_mul(x))));
    inverse & (2 * degree as u64 - 1)
}
