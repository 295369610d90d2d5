//! What passes between owner and server: ciphertexts, and nothing else.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use crate::volley_ckks::{Ciphertext, Context, Parameters, SeededCiphertext};
use crate::volley_revolver::Layout;

use crate::error::Error;

/// The matrices of a training run, in the layout of its plan, as ciphertexts of type `C`: [`SeededCiphertext`]s when
/// they are uploaded, [`Ciphertext`]s when they are trained on, simulated ones when a run is planned.
#[derive(Clone, Debug)]
pub struct EncryptedData<C> {
    /// The plan's layout: where the entries of the matrices lie.
    pub layout: Layout,
    /// Features, by group of samples and column block.
    pub features: Vec<Vec<C>>,
    /// One-hot labels, by group and class block.
    pub labels: Vec<C>,
    /// 1/B of the quadratic gradient, by column block.
    pub preconditioner: Vec<C>,
}

impl<C: Clone> EncryptedData<C> {
    /// The rows of some groups, as a file of rows holds them; fewer where the layout has fewer.
    #[must_use]
    pub fn groups(&self, groups: Range<usize>) -> EncryptedGroups<C> {
        let labels = self.labels.chunks(self.layout.class_blocks());
        let all = self.features.iter().zip(labels).skip(groups.start).take(groups.len());
        let group = |(features, labels): (&Vec<C>, &[C])| EncryptedGroup {
            features: features.clone(),
            labels: labels.to_vec(),
        };
        EncryptedGroups { first: groups.start, groups: all.map(group).collect() }
    }
}

/// What the owner uploads.
pub type EncryptedDataset = EncryptedData<SeededCiphertext>;

impl EncryptedDataset {
    /// Expands the seeds, which is the first thing that the server does.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for ciphertexts of another parameter set.
    pub fn expand(&self, context: &Arc<Context>) -> Result<EncryptedData<Ciphertext>, Error> {
        let expand = |ciphertexts: &[SeededCiphertext]| expand(ciphertexts, context);
        Ok(EncryptedData {
            layout: self.layout,
            features: self.features.iter().map(|group| expand(group)).collect::<Result<_, _>>()?,
            labels: expand(&self.labels)?,
            preconditioner: expand(&self.preconditioner)?,
        })
    }

    /// Number of ciphertexts.
    #[must_use]
    pub fn ciphertext_count(&self) -> usize {
        self.ciphertexts().count()
    }

    /// Bytes of all ciphertexts, as they are packed in a file.
    #[must_use]
    pub fn byte_count(&self, parameters: &Parameters) -> u64 {
        self.ciphertexts().map(|ciphertext| ciphertext.record_bytes(parameters)).sum()
    }

    /// Features, labels, 1/B.
    pub(crate) fn ciphertexts(&self) -> impl Iterator<Item = &SeededCiphertext> {
        self.features.iter().flatten().chain(&self.labels).chain(&self.preconditioner)
    }
}

/// Most bytes of a file of rows, but that it has one group at least. It is small enough for a transfer that is cut off
/// to be taken up, and for two files to be in memory.
pub const ROW_FILE_BYTES: u64 = 64_000_000;

/// The encrypted rows of one group, as ciphertexts of type `C`.
#[derive(Clone, Debug)]
pub struct EncryptedGroup<C> {
    /// By column block.
    pub features: Vec<C>,
    /// One-hot labels, by class block.
    pub labels: Vec<C>,
}

/// A ciphertext in the form that rows are sent in: one owner's have a seed, those of several owners both halves.
pub trait RowCiphertext: Clone + Debug + Send + Sync + 'static {
    /// Both halves, which a trainer computes with.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for a ciphertext of another parameter set.
    fn expanded(&self, context: &Arc<Context>) -> Result<Ciphertext, Error>;
}

impl RowCiphertext for SeededCiphertext {
    fn expanded(&self, context: &Arc<Context>) -> Result<Ciphertext, Error> {
        Ok(self.expand(context)?)
    }
}

impl RowCiphertext for Ciphertext {
    fn expanded(&self, _: &Arc<Context>) -> Result<Ciphertext, Error> {
        Ok(self.clone())
    }
}

impl<C: RowCiphertext> EncryptedGroup<C> {
    /// Expands what has a seed.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for ciphertexts of another parameter set.
    pub fn expand(&self, context: &Arc<Context>) -> Result<EncryptedGroup<Ciphertext>, Error> {
        let (features, labels) = (expand(&self.features, context)?, expand(&self.labels, context)?);
        Ok(EncryptedGroup { features, labels })
    }
}

/// The encrypted rows of some groups: what a file of rows holds.
#[derive(Clone, Debug)]
pub struct EncryptedGroups<C> {
    /// The first group.
    pub first: usize,
    /// The groups from there on.
    pub groups: Vec<EncryptedGroup<C>>,
}

impl<C> EncryptedGroups<C> {
    /// Which groups they are.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.first..self.first + self.groups.len()
    }
}

fn expand<C: RowCiphertext>(ciphertexts: &[C], context: &Arc<Context>) -> Result<Vec<Ciphertext>, Error> {
    ciphertexts.iter().map(|ciphertext| ciphertext.expanded(context)).collect()
}

/// Encrypted weights after an iteration: Σ factor · weights over the terms, each by class block and column block.
///
/// The model that training ends with is one term with factor 1. Between iterations the server keeps the two points of
/// the momentum, and the weights are a combination of them. The owner combines them after decrypting, so that looking
/// at a run costs the server nothing.
#[derive(Clone, Debug)]
pub struct EncryptedModel<C> {
    /// The iteration that made it, from 1.
    pub iteration: usize,
    /// The plan's layout: where the weights lie.
    pub layout: Layout,
    /// Factors and ciphertexts.
    pub terms: Vec<(f64, Vec<C>)>,
}

/// Refuses what was made for another layout.
pub(crate) fn check_layout(expected: Layout, actual: Layout) -> Result<(), Error> {
    if expected == actual { Ok(()) } else { Err(Error::LayoutMismatch { expected, actual }) }
}
