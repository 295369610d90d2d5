//! What passes between owner and server: ciphertexts, and nothing else.

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

/// What the owner uploads.
pub type EncryptedDataset = EncryptedData<SeededCiphertext>;

impl EncryptedDataset {
    /// Expands the seeds, which is the first thing that the server does.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for ciphertexts of another parameter set.
    pub fn expand(&self, context: &std::sync::Arc<Context>) -> Result<EncryptedData<Ciphertext>, Error> {
        let expand = |ciphertexts: &[SeededCiphertext]| -> Result<Vec<_>, Error> {
            ciphertexts.iter().map(|ciphertext| Ok(ciphertext.expand(context)?)).collect()
        };
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
