//! From rows to the slots that are encrypted.

use ndarray::Array2;

use crate::data::class_weight::RowWeights;
use crate::error::Error;
use crate::preparation::preconditioner::Preconditioner;
use crate::volley_ckks::Complex64;
use crate::volley_revolver::Layout;

/// Prepared rows in a layout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing<'a> {
    pub(crate) layout: Layout,
    /// Samples × (columns + 1).
    pub(crate) features: &'a Array2<f64>,
    /// Samples × classes.
    pub(crate) one_hot: &'a Array2<f64>,
    pub(crate) preconditioner: &'a Preconditioner,
    /// The weights of rows, where they do not count alike.
    pub(crate) weights: Option<&'a RowWeights>,
}

impl Packing<'_> {
    /// The normalised features of a group, by column block.
    pub(crate) fn features(&self, group: usize) -> Result<Vec<Vec<Complex64>>, Error> {
        let mut blocks = self.layout.pack_group_features(self.features, group)?;
        // A power of two: exact.
        let normalisation = self.preconditioner.factor().recip();
        blocks.iter_mut().flatten().for_each(|slot| *slot *= normalisation);
        Ok(blocks)
    }

    /// The labels of a group, by class block.
    pub(crate) fn labels(&self, group: usize) -> Result<Vec<Vec<Complex64>>, Error> {
        Ok(self.layout.pack_group_labels(self.one_hot, group)?)
    }

    /// wᵢ/B′ⱼ, by column block: the weight of the rows at each place, which all blocks of rows share.
    pub(crate) fn preconditioner(&self) -> Result<Vec<Vec<Complex64>>, Error> {
        let mut blocks = self.layout.pack_columns(&self.preconditioner.normalised_inverse())?;
        let Some(RowWeights { values, .. }) = self.weights else { return Ok(blocks) };
        for block in &mut blocks {
            for (row, &weight) in block.chunks_exact_mut(self.layout.width()).zip(values) {
                row.iter_mut().for_each(|slot| *slot *= weight);
            }
        }
        Ok(blocks)
    }
}
