//! The plan of a pool, and which groups of rows are whose.

use std::ops::Range;
use std::sync::Arc;

use ndarray::Array2;

use crate::clear::model::Model;
use crate::clear::owner_state::OwnerState;
use crate::encrypted::{EncryptedModel, check_layout};
use crate::error::Error;
use crate::method::hyperparameters::{Hyperparameters, PoolDisclosure};
use crate::plan::Plan;
use crate::prediction::PredictionPlan;
use crate::volley_ckks::multiparty::{Openings, Pool, Smudging};
use crate::volley_ckks::{Ciphertext, Encoder, Error as CkksError, KeySpec, Plaintext};
use crate::volley_revolver::plan::Demands;
use crate::volley_revolver::{Error as MatrixError, Layout};

/// A plan for the rows of all owners of a pool. Rows of two owners are never in one group: an owner's last group may be
/// filled up with rows of zeros, which change no sum.
#[derive(Clone, Debug)]
pub struct PoolPlan {
    plan: Arc<Plan>,
    /// Rows of each owner.
    rows: Vec<usize>,
    /// Rows whose scores the owners may ask for, if they ask at once.
    predicted_rows: usize,
    /// Ciphertexts of their scores.
    score_ciphertexts: usize,
    key_spec: KeySpec,
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
        // More rows than there are numbers do not fit either.
        let all = rows.iter().fold(0, |all: usize, &rows| all.saturating_add(rows));
        let plan = Plan::new(all, features, classes, hyperparameters, demands)?;
        let layout = plan.layout();
        let groups =
            rows.iter().map(|&rows| Ok(layout.with_samples(rows)?.groups())).sum::<Result<usize, Error>>()?;
        let layout = layout.with_samples(groups * group_rows(layout))?;
        let parameters = plan.parameters().pooled(expected).map_err(CkksError::from)?;
        let restored = Plan::restore(&plan.training(), &parameters, layout, plan.split())?;
        Self::of(restored, rows.to_vec(), 0)
    }

    /// The pool of a plan for all groups, so many rows of each owner, and so many that are scored.
    pub(crate) fn of(plan: Plan, rows: Vec<usize>, predicted_rows: usize) -> Result<Self, Error> {
        let (layout, all) = (plan.layout(), plan.layout().shape());
        let expected = plan.hyperparameters().pool().map_or(1, |pool| pool.owners);
        if rows.len() != expected {
            return Err(Error::PoolOwners { expected, actual: rows.len() });
        }
        let mut owners: Vec<Range<usize>> = Vec::new();
        for &rows in &rows {
            let start = owners.last().map_or(0, |groups| groups.end);
            owners.push(start..start + layout.with_samples(rows)?.groups());
        }
        let groups = owners.last().map_or(0, |groups| groups.end);
        let samples = groups * group_rows(layout);
        if samples != all.samples {
            let shape = |samples| [samples, all.columns, all.classes];
            return Err(Error::PlanShape { expected: shape(samples), actual: shape(all.samples) });
        }
        let key_spec = plan.key_spec().clone();
        let plan = Arc::new(plan.with_owners(owners, rows.clone()));
        Self { plan, rows, predicted_rows: 0, score_ciphertexts: 0, key_spec }
            .with_predictions(predicted_rows)
    }

    /// The same plan for owners who ask for [scores](Self::prediction) of so many rows: its keys are enough for that,
    /// and its decryptions are those of the scores as well.
    ///
    /// A training of two iterations or more has all keys that prediction takes.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for what the simulator refuses.
    pub fn with_predictions(self, predicted_rows: usize) -> Result<Self, Error> {
        if predicted_rows == 0 {
            let (score_ciphertexts, key_spec) = (0, self.plan.key_spec().clone());
            return Ok(Self { predicted_rows, score_ciphertexts, key_spec, ..self });
        }
        let prediction = PredictionPlan::new(&self.plan, predicted_rows)?;
        // A single row has a layout without pairs of blocks.
        let of_one = PredictionPlan::new(&self.plan, 1)?;
        let key_spec = self.plan.key_spec().clone().joined(prediction.key_spec()).joined(of_one.key_spec());
        let score_ciphertexts = prediction.layout().score_ciphertexts();
        Ok(Self { predicted_rows, score_ciphertexts, key_spec, ..self })
    }

    /// Rows whose scores the owners may ask for, if they ask at once.
    #[must_use]
    pub fn predicted_rows(&self) -> usize {
        self.predicted_rows
    }

    /// Ciphertexts of scores that the owners decrypt at most.
    #[must_use]
    pub fn score_ciphertexts(&self) -> usize {
        self.score_ciphertexts
    }

    /// The keys that the owners make together: those of the training and of predictions.
    #[must_use]
    pub fn key_spec(&self) -> &KeySpec {
        &self.key_spec
    }

    /// The plan of the server: its samples are the rows of all groups, those of zeros included.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// How the owners decrypt.
    pub(crate) fn disclosure(&self) -> Result<PoolDisclosure, Error> {
        let settings = self.plan.hyperparameters();
        settings.pool().ok_or(Error::PoolOwners { expected: self.rows.len(), actual: 1 })
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
        let PoolDisclosure { statistical_bits, decryptions, .. } = self.disclosure()?;
        Ok(Smudging::new(statistical_bits, decryptions, error_norm)?)
    }

    /// The decryption of a model by these owners, for all members. Models of earlier iterations are not decrypted: each
    /// would be one more than the noise is planned for.
    ///
    /// # Errors
    ///
    /// [`Error::UnfinishedModel`], [`Error::LayoutMismatch`] for a model of another plan, [`Error::Matrix`] for another
    /// number of ciphertexts than the last model has, and [`Error::Pool`] as [`Openings::new`].
    pub fn openings(
        &self,
        pool: &Pool,
        model: &EncryptedModel<Ciphertext>,
        owners: impl IntoIterator<Item = usize>,
    ) -> Result<Openings, Error> {
        check_layout(self.plan.layout(), model.layout)?;
        let (iteration, iterations) = (model.iteration, self.plan.hyperparameters().iterations());
        if iteration != iterations {
            return Err(Error::UnfinishedModel { iteration, iterations });
        }
        let blocks: Vec<_> = model.terms.iter().flat_map(|(_, blocks)| blocks).collect();
        let (expected, actual) = (self.plan.layout().weight_ciphertexts(), blocks.len());
        if actual != expected {
            return Err(MatrixError::Length { expected, actual }.into());
        }
        Ok(Openings::new(pool, blocks, owners, &self.smudging()?)?)
    }

    /// The model of decrypted weights, by what the pool has [fitted](super::Fit::state). It is marked private: the
    /// owners' noise hides their secrets, but the model has the statistics of the pool to the last bit.
    ///
    /// # Errors
    ///
    /// As [`weights`](Self::weights), and [`Error::NotFinite`] for what is no model.
    pub fn model(
        &self,
        state: &OwnerState,
        encoder: &Encoder,
        model: &EncryptedModel<Ciphertext>,
        plaintexts: Vec<Plaintext>,
    ) -> Result<Model, Error> {
        state.model(self.weights(state, encoder, model, plaintexts)?)
    }

    /// The weights of prepared features, classes × (columns + 1), as they were trained: plaintexts of all ciphertexts
    /// of `model`, in their order.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] for a model of another plan, [`Error::Matrix`] for plaintexts that are not as many or
    /// of other parameters, [`Error::WeightOverflow`] for what is no model.
    pub fn weights(
        &self,
        state: &OwnerState,
        encoder: &Encoder,
        model: &EncryptedModel<Ciphertext>,
        plaintexts: Vec<Plaintext>,
    ) -> Result<Array2<f64>, Error> {
        let expected = model.terms.iter().map(|(_, blocks)| blocks.len()).sum();
        let actual = plaintexts.len();
        let mut plaintexts = plaintexts.into_iter();
        let mut next =
            |_: &Ciphertext| plaintexts.next().ok_or(MatrixError::Length { expected, actual }.into());
        state.unpack(&self.plan, encoder, model, &mut next)
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
        self.plan.owners()[owner].clone()
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
