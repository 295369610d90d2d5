//! The plan of a pool, and which groups of rows are whose.

use std::ops::Range;
use std::sync::Arc;

use super::statistics::Fit;
use crate::clear::model::Model;
use crate::encrypted::EncryptedModel;
use crate::error::Error;
use crate::method::hyperparameters::{Hyperparameters, PoolDisclosure};
use crate::plan::Plan;
use crate::volley_ckks::multiparty::Smudging;
use crate::volley_ckks::{Ciphertext, Encoder, Error as CkksError, Plaintext};
use crate::volley_revolver::plan::Demands;
use crate::volley_revolver::{Error as MatrixError, Layout};

/// A plan for the rows of all owners of a pool. Rows of two owners are never in one group: an owner's last group may be
/// filled up with rows of zeros, which change no sum.
#[derive(Clone, Debug)]
pub struct PoolPlan {
    plan: Arc<Plan>,
    /// Rows of each owner.
    rows: Vec<usize>,
}

impl PoolPlan {
    /// The cheapest plan for so many `rows` of each owner that meets the demands.
    ///
    /// # Errors
    ///
    /// Those of [`Plan::new`]; [`Error::PoolOwners`] where the [settings](Hyperparameters::pooled) are for another
    /// number of owners, [`Error::Matrix`] for an owner without rows.
    pub fn new(
        rows: &[usize],
        features: usize,
        classes: usize,
        hyperparameters: &Hyperparameters,
        demands: Demands,
    ) -> Result<Self, Error> {
        let expected = hyperparameters.pool().map_or(1, |pool| pool.owners);
        if rows.len() != expected {
            return Err(Error::PoolOwners { expected, actual: rows.len() });
        }
        let all = rows.iter().sum();
        let plan = Plan::new(all, features, classes, hyperparameters, demands)?;
        let layout = plan.layout();
        let groups =
            rows.iter().map(|&rows| Ok(layout.with_samples(rows)?.groups())).sum::<Result<usize, Error>>()?;
        let layout = layout.with_samples(groups * group_rows(layout))?;
        let parameters = plan.parameters().pooled(expected).map_err(CkksError::from)?;
        let restored = Plan::restore(hyperparameters, &parameters, layout, plan.split(), None)?;
        let plan = Arc::new(restored.with_storage(plan.storage())?);
        Ok(Self { plan, rows: rows.to_vec() })
    }

    /// The plan of the server: its samples are the rows of all groups, those of zeros included.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The noise by which the owners decrypt a model.
    ///
    /// # Errors
    ///
    /// None that the settings have not found.
    pub fn smudging(&self) -> Result<Smudging, Error> {
        self.smudging_of(self.plan.noise_model().error_norm())
    }

    /// The noise by which the owners decrypt ciphertexts whose errors have this norm.
    pub(super) fn smudging_of(&self, error_norm: f64) -> Result<Smudging, Error> {
        let settings = self.plan.hyperparameters();
        let PoolDisclosure { statistical_bits, decryptions, .. } =
            settings.pool().ok_or(Error::PoolOwners { expected: self.rows.len(), actual: 1 })?;
        Ok(Smudging::new(statistical_bits, decryptions, error_norm)?)
    }

    /// The model of decrypted weights: plaintexts of all ciphertexts of `model`, in their order.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] for a model of another plan, [`Error::Matrix`] for plaintexts that are not as many or
    /// of other parameters, [`Error::WeightOverflow`] and [`Error::NotFinite`] for what is no model.
    pub fn model(
        &self,
        fit: &Fit,
        encoder: &Encoder,
        model: &EncryptedModel<Ciphertext>,
        plaintexts: Vec<Plaintext>,
    ) -> Result<Model, Error> {
        let expected = model.terms.iter().map(|(_, blocks)| blocks.len()).sum();
        let actual = plaintexts.len();
        let mut plaintexts = plaintexts.into_iter();
        let mut next =
            |_: &Ciphertext| plaintexts.next().ok_or(MatrixError::Length { expected, actual }.into());
        let state = fit.state();
        state.model(state.unpack(&self.plan, encoder, model, &mut next)?)
    }

    /// Rows of each owner.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The groups that have the rows of an owner.
    ///
    /// # Panics
    ///
    /// If there is no such owner.
    #[must_use]
    pub fn groups(&self, owner: usize) -> Range<usize> {
        let of = |rows: &usize| rows.div_ceil(group_rows(self.plan.layout()));
        let start = self.rows[..owner].iter().map(of).sum();
        start..start + of(&self.rows[owner])
    }

    /// The layout of an owner's rows by themselves: its groups are [`groups`](Self::groups), counted from 0.
    ///
    /// # Errors
    ///
    /// None that a plan has not found.
    pub(super) fn layout_of(&self, owner: usize) -> Result<Layout, Error> {
        Ok(self.plan.layout().with_samples(self.rows[owner])?)
    }
}

/// Rows of a full group: two blocks.
fn group_rows(layout: Layout) -> usize {
    2 * layout.rows()
}
