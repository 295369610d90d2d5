//! Encrypting a training set: all of it, or one file of rows after the other.

use std::ops::Range;

use rand_core::CryptoRng;

use super::packing::Packing;
use super::{Owner, sharing};
use crate::encrypted::{EncryptedData, EncryptedDataset, EncryptedGroup, EncryptedGroups};
use crate::error::Error;
use crate::training::rows::check_groups;
use crate::volley_ckks::{Complex64, SeededCiphertext};

/// A training set that was checked and can be encrypted part by part: of a large one not all ciphertexts need to be in
/// memory.
///
/// Each ciphertext has a seed of its own. Features are normalised by a power of two that only the owner knows
/// ([`Preconditioner`](crate::Preconditioner)), so that 1/B is at most 1. Every plaintext is encoded at the parameters'
/// scale, and what the server sees does not depend on the data.
#[derive(Debug)]
pub struct Encryption<'a> {
    owner: &'a Owner,
}

impl Owner {
    /// Checks the training set for its encryption, by training in clear where the plan asks for it.
    ///
    /// # Errors
    ///
    /// [`Error::WeightsOutOfRange`] where the plan refreshes weights, and training in clear shows that those of this
    /// data are larger than it leaves room for; for a shareable plan [`Error::NoiseModel`], [`Error::ScoreRange`] and
    /// [`Error::SharedBits`] where the model of this data cannot be shared.
    pub fn encryption(&self) -> Result<Encryption<'_>, Error> {
        if self.plan.hyperparameters().flooding().is_some() {
            sharing::check(&self.plan, &self.training_set)?;
        }
        if self.plan.refresh_count() > 0 {
            self.check_weights()?;
        }
        Ok(Encryption { owner: self })
    }

    /// Encrypts all of the training set under the secret key: features, labels and 1/B.
    ///
    /// # Errors
    ///
    /// As [`encryption`](Self::encryption), and [`Error::Matrix`] where a value is too large to be encoded.
    pub fn encrypt(&self, rng: &mut impl CryptoRng) -> Result<EncryptedDataset, Error> {
        let (encryption, layout) = (self.encryption()?, self.plan.layout());
        let groups = 0..layout.groups();
        let features = groups.clone().map(|group| encryption.features(group, rng));
        let features = features.collect::<Result<_, _>>()?;
        let labels = groups.map(|group| encryption.labels(group, rng)).collect::<Result<Vec<_>, _>>()?;
        Ok(EncryptedData {
            layout,
            features,
            labels: labels.into_iter().flatten().collect(),
            preconditioner: encryption.preconditioner(rng)?,
        })
    }

    /// Refuses data whose weights leave the range that is refreshed.
    fn check_weights(&self) -> Result<(), Error> {
        let hyperparameters = self.plan.hyperparameters();
        let (factor, range) = (self.training_set.preconditioner().factor(), hyperparameters.weight_range());
        for step in self.training_set.reference(hyperparameters) {
            let (iteration, weight) = (step.iteration, step.largest_weight * factor);
            if weight > range {
                return Err(Error::WeightsOutOfRange { iteration, weight, range });
            }
        }
        Ok(())
    }
}

impl Encryption<'_> {
    /// Encrypts 1/B, by column block, times the weights of the rows if they have any.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] where a value is too large to be encoded.
    pub fn preconditioner(&self, rng: &mut impl CryptoRng) -> Result<Vec<SeededCiphertext>, Error> {
        self.encrypt(&self.packing().preconditioner()?, rng)
    }

    /// Encrypts the rows of some groups.
    ///
    /// # Errors
    ///
    /// [`Error::Groups`] for groups that the layout has not, [`Error::Matrix`] where a value is too large to be
    /// encoded.
    pub fn groups(
        &self,
        groups: Range<usize>,
        rng: &mut impl CryptoRng,
    ) -> Result<EncryptedGroups<SeededCiphertext>, Error> {
        check_groups(&groups, 0..self.owner.plan.layout().groups())?;
        let first = groups.start;
        let group = |group| {
            let (features, labels) = (self.features(group, rng)?, self.labels(group, rng)?);
            Ok(EncryptedGroup { features, labels })
        };
        Ok(EncryptedGroups { first, groups: groups.map(group).collect::<Result<_, Error>>()? })
    }

    fn features(&self, group: usize, rng: &mut impl CryptoRng) -> Result<Vec<SeededCiphertext>, Error> {
        self.encrypt(&self.packing().features(group)?, rng)
    }

    fn labels(&self, group: usize, rng: &mut impl CryptoRng) -> Result<Vec<SeededCiphertext>, Error> {
        self.encrypt(&self.packing().labels(group)?, rng)
    }

    fn packing(&self) -> Packing<'_> {
        let (layout, set) = (self.owner.plan.layout(), &self.owner.training_set);
        let (features, one_hot, preconditioner) = (set.features(), set.one_hot(), set.preconditioner());
        Packing { layout, features, one_hot, preconditioner, weights: set.weights() }
    }

    fn encrypt(
        &self,
        vectors: &[Vec<Complex64>],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<SeededCiphertext>, Error> {
        let Owner { plan, secret_key, encoder, .. } = self.owner;
        let mut encrypt = |slots: &Vec<Complex64>| {
            let plaintext = encoder.encode(slots, &plan.parameters().scale(), plan.data_level())?;
            Ok(secret_key.encrypt(&plaintext, rng)?)
        };
        vectors.iter().map(&mut encrypt).collect()
    }
}
