//! Encrypting a training set: all of it, or one file of rows after the other.

use std::iter::zip;
use std::ops::Range;

use maybe_rayon::prelude::*;
use rand_core::CryptoRng;

use super::packing::Packing;
use super::{Owner, sharing};
use crate::encrypted::{EncryptedData, EncryptedDataset, EncryptedGroup, EncryptedGroups};
use crate::error::Error;
use crate::training::rows::check_groups;
use crate::volley_ckks::{Complex64, Randomness, SeededCiphertext};

/// A training set that was checked and can be encrypted part by part: of a large one not all ciphertexts need to be in
/// memory.
///
/// Each ciphertext has a seed of its own. Features are normalised by a power of two that only the owner knows
/// ([`Preconditioner`](crate::Preconditioner)), so that 1/B is at most 1. Every plaintext is encoded at the parameters'
/// scale, and what the server sees does not depend on the data.
///
/// Groups are encrypted in parallel. Their randomness is drawn before, in the order of the ciphertexts, so that the
/// result does not depend on the number of threads.
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
        let of_features = draw_for_groups(layout.groups(), layout.column_blocks(), rng);
        let of_labels = draw_for_groups(layout.groups(), layout.class_blocks(), rng);
        let groups = encryption.in_parallel(0, zip(of_features, of_labels).collect())?;
        let (features, labels): (_, Vec<_>) =
            groups.into_iter().map(|group| (group.features, group.labels)).unzip();
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
        let blocks = self.packing().preconditioner()?;
        self.encrypt(&blocks, draw(blocks.len(), rng))
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
        let layout = self.owner.plan.layout();
        check_groups(&groups, 0..layout.groups())?;
        let first = groups.start;
        let drawn = groups.map(|_| (draw(layout.column_blocks(), rng), draw(layout.class_blocks(), rng)));
        Ok(EncryptedGroups { first, groups: self.in_parallel(first, drawn.collect())? })
    }

    /// Encrypts the groups from the `first` on, each by its randomness: that of features, and that of labels.
    fn in_parallel(
        &self,
        first: usize,
        drawn: Vec<(Vec<Randomness>, Vec<Randomness>)>,
    ) -> Result<Vec<EncryptedGroup<SeededCiphertext>>, Error> {
        let groups = drawn.into_par_iter().enumerate().map(|(index, (of_features, of_labels))| {
            let group = first + index;
            let features = self.encrypt(&self.packing().features(group)?, of_features)?;
            Ok(EncryptedGroup { features, labels: self.encrypt(&self.packing().labels(group)?, of_labels)? })
        });
        groups.collect()
    }

    fn packing(&self) -> Packing<'_> {
        let (layout, set) = (self.owner.plan.layout(), &self.owner.training_set);
        let (features, one_hot, preconditioner) = (set.features(), set.one_hot(), set.preconditioner());
        Packing { layout, features, one_hot, preconditioner, weights: set.weights() }
    }

    fn encrypt(
        &self,
        vectors: &[Vec<Complex64>],
        drawn: Vec<Randomness>,
    ) -> Result<Vec<SeededCiphertext>, Error> {
        let Owner { plan, secret_key, encoder, .. } = self.owner;
        let encrypt = |(slots, randomness): (&Vec<Complex64>, Randomness)| {
            let plaintext = encoder.encode(slots, &plan.parameters().scale(), plan.data_level())?;
            Ok(secret_key.encrypt_with(&plaintext, randomness)?)
        };
        zip(vectors, drawn).map(encrypt).collect()
    }
}

/// The randomness of so many ciphertexts, in their order.
fn draw(count: usize, rng: &mut impl CryptoRng) -> Vec<Randomness> {
    (0..count).map(|_| Randomness::draw(rng)).collect()
}

/// The same for each of some groups.
fn draw_for_groups(groups: usize, blocks: usize, rng: &mut impl CryptoRng) -> Vec<Vec<Randomness>> {
    (0..groups).map(|_| draw(blocks, rng)).collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::method::hyperparameters::Hyperparameters;
    use crate::testing::{Setup, clouds, rng, small_ring};

    /// In the order of the upload: features, labels, 1/B; in a file of rows the features and labels of each group.
    #[test]
    fn groups_that_are_encrypted_in_parallel_are_those_that_are_one_after_the_other() {
        let setup = Setup::new(&clouds(300, 40, 3), &Hyperparameters::standard(2).unwrap(), small_ring(9));
        let (owner, layout) = (setup.owner(), setup.plan.layout());
        assert!(layout.groups() > 3 && layout.column_blocks() > 1, "{layout:?}");
        let encryption = owner.encryption().unwrap();
        let packing = encryption.packing();
        let serial = |slots: &[Vec<Complex64>], rng: &mut ChaCha20Rng| {
            let encrypt = |slots: &Vec<Complex64>| {
                let (scale, level) = (setup.plan.parameters().scale(), setup.plan.data_level());
                setup.secret_key.encrypt(&owner.encoder.encode(slots, &scale, level).unwrap(), rng).unwrap()
            };
            slots.iter().map(encrypt).collect::<Vec<_>>()
        };
        let mut all = rng(4);
        let features = |group, rng: &mut ChaCha20Rng| serial(&packing.features(group).unwrap(), rng);
        let labels = |group, rng: &mut ChaCha20Rng| serial(&packing.labels(group).unwrap(), rng);
        let expected_features: Vec<_> = (0..layout.groups()).map(|group| features(group, &mut all)).collect();
        let expected_labels: Vec<_> =
            (0..layout.groups()).flat_map(|group| labels(group, &mut all)).collect();
        let expected_preconditioner = serial(&packing.preconditioner().unwrap(), &mut all);
        let mut of_file = rng(5);
        let expected_file: Vec<_> = (1..layout.groups())
            .map(|group| (features(group, &mut of_file), labels(group, &mut of_file)))
            .collect();
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let encrypted = pool.install(|| owner.encrypt(&mut rng(4)).unwrap());
            assert_eq!(encrypted.features, expected_features, "{threads} threads");
            assert_eq!(encrypted.labels, expected_labels, "{threads} threads");
            assert_eq!(encrypted.preconditioner, expected_preconditioner, "{threads} threads");
            let file = pool.install(|| encryption.groups(1..layout.groups(), &mut rng(5)).unwrap());
            let groups = file.groups.into_iter().map(|group| (group.features, group.labels));
            assert_eq!(
                (file.first, groups.collect::<Vec<_>>()),
                (1, expected_file.clone()),
                "{threads} threads"
            );
        }
    }
}
