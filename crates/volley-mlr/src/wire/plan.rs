//! Plans in files. A file has what was decided; everything that follows from it is computed again.

use serde::{Deserialize, Serialize};

use super::FileError;
use super::error::WireError;
use super::names::PlanHash;
use crate::error::Error;
use crate::method::hyperparameters::{Hyperparameters, PoolDisclosure};
use crate::method::learning_rate::LearningRate;
use crate::plan::{Plan, Training};
use crate::preparation::profile::Profile;
use crate::training::refresh::CopyLevels;
use crate::training::refresh::Method;
use crate::training::rows::RowStorage;
use crate::volley_ckks::bootstrapping::Preset;
use crate::volley_ckks::wire::encode_structure;
use crate::volley_ckks::{Flooding, ParametersLiteral, ParamsId};
use crate::volley_revolver::skewed::{Rotations, RowShifts, Split};
use crate::volley_revolver::{Layout, Shape};
use crate::volley_sigmoid::SigmoidPolynomial;

/// Bytes of the longest encoding.
pub(super) const MAX_BYTES: u32 = 1024;

/// Flag: the backward product's row shifts are made on the sums.
const ROW_SHIFTS_ON_SUMS: u8 = 1;
/// Flag: copies of the features are made successively.
const SUCCESSIVE_COPIES: u8 = 2;
/// Flag: rotations of weights and errors are made successively.
const SUCCESSIVE_FACTORS: u8 = 4;
/// Flag: each iteration has copies of the features at its levels.
const COPIES_OF_ITERATIONS: u8 = 8;
/// The upper half of the flags says how often the padded number of classes is halved to get the classes of a block.
/// Zero stands for a single block.
const HALVINGS_SHIFT: u32 = 4;

/// Refreshing by the fast preset, and by the precise one.
const FAST: u8 = 1;
const PRECISE: u8 = 2;

/// The length of a plan's encoding, and the encoding. It can only be made from a plan, so a hash of it is always that
/// of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EncodedPlan(Vec<u8>);

impl EncodedPlan {
    /// Refuses the plan of a pool, whose file says more.
    pub(super) fn of(plan: &Plan) -> Result<Self, WireError> {
        match plan.hyperparameters().pool() {
            None => StoredPlan::of(plan)?.encode(),
            Some(PoolDisclosure { owners, .. }) => Err(WireError::PooledPlan { owners }),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// BLAKE3 of the text `volley-mlr plan 1`, the length and the encoding.
    pub(super) fn hash(&self) -> PlanHash {
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-mlr plan 1").update(&self.0);
        PlanHash::from_bytes(*hash.finalize().as_bytes())
    }
}

impl PlanHash {
    /// The hash of a plan: the same before there is a job as in all of its files.
    ///
    /// # Errors
    ///
    /// [`WireError::UnnamedRefresh`] for a plan that [refreshes by something of its own](Plan::refreshed_by), and so
    /// has no files; [`WireError::PooledPlan`] for one of several owners.
    pub fn of(plan: &Plan) -> Result<Self, WireError> {
        Ok(EncodedPlan::of(plan)?.hash())
    }
}

/// A plan as it is stored, by postcard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredPlan {
    samples: u64,
    /// Feature columns, with the bias.
    columns: u64,
    classes: u64,
    iterations: u64,
    profile: Profile,
    /// The coefficients of x, x³, …
    sigmoid: Vec<f64>,
    half_width: f64,
    weight_decay: f64,
    /// A constant rate; `None` for the decaying one.
    learning_rate: Option<f64>,
    parameters: ParametersLiteral,
    /// D of the layout.
    width: u64,
    forward_steps: u64,
    backward_steps: u64,
    /// Flags of the split ([`ROW_SHIFTS_ON_SUMS`], [`SUCCESSIVE_COPIES`], [`SUCCESSIVE_FACTORS`]), of the levels of
    /// copies ([`COPIES_OF_ITERATIONS`]), and of the layout ([`HALVINGS_SHIFT`]).
    flags: u8,
    /// s and τ of a shareable plan.
    flooding: Option<(u32, u32)>,
    momentum_limit: f64,
    weight_range: f64,
    /// The bootstrapping that refreshes weights: 0 for none, else [`FAST`] or [`PRECISE`].
    refresh: u8,
}

impl StoredPlan {
    /// Refuses a plan that refreshes weights by what no file names.
    pub(super) fn of(plan: &Plan) -> Result<Self, WireError> {
        let (hyperparameters, layout, split) = (plan.hyperparameters(), plan.layout(), plan.split());
        let sigmoid = hyperparameters.sigmoid();
        let refresh = match (plan.refreshed_level(), plan.bootstrapping()) {
            (None, _) => 0,
            (Some(_), Some(Preset::Fast)) => FAST,
            (Some(_), Some(Preset::Precise)) => PRECISE,
            (Some(level), None) => return Err(WireError::UnnamedRefresh { level }),
        };
        Ok(Self {
            samples: layout.shape().samples as u64,
            columns: layout.shape().columns as u64,
            classes: layout.shape().classes as u64,
            iterations: hyperparameters.iterations() as u64,
            profile: hyperparameters.profile(),
            sigmoid: sigmoid.coefficients().to_vec(),
            half_width: sigmoid.half_width(),
            weight_decay: hyperparameters.weight_decay(),
            learning_rate: match hyperparameters.learning_rate() {
                LearningRate::Decaying => None,
                LearningRate::Constant(rate) => Some(rate),
            },
            parameters: plan.parameters().literal(),
            width: layout.width() as u64,
            forward_steps: split.forward_copies() as u64,
            backward_steps: split.backward_steps() as u64,
            flags: flags(split, plan.copy_levels()) | halvings(layout) << HALVINGS_SHIFT,
            flooding: hyperparameters
                .flooding()
                .map(|flooding| (flooding.statistical_bits(), flooding.decryptions())),
            momentum_limit: hyperparameters.momentum_limit(),
            weight_range: hyperparameters.weight_range(),
            refresh,
        })
    }

    pub(super) fn encode(&self) -> Result<EncodedPlan, WireError> {
        Ok(EncodedPlan(encode_structure(self)?))
    }

    /// Checks everything and simulates the run.
    pub(super) fn plan(&self, params_id: ParamsId) -> Result<Plan, WireError> {
        self.plan_of(None, params_id)
    }

    /// The same for the owners of a pool, if there is one.
    pub(super) fn plan_of(
        &self,
        pool: Option<PoolDisclosure>,
        params_id: ParamsId,
    ) -> Result<Plan, WireError> {
        let hyperparameters = self.hyperparameters(pool)?;
        let method = match self.refresh {
            0 => None,
            FAST => Some(Method::by_bootstrapping(Preset::Fast)),
            PRECISE => Some(Method::by_bootstrapping(Preset::Precise)),
            _ => return Err(FileError::Malformed.into()),
        };
        let parameters = self.parameters.build().and_then(|parameters| match pool {
            None => Ok(parameters),
            Some(PoolDisclosure { owners, .. }) => parameters.pooled(owners),
        });
        let parameters = parameters.map_err(crate::volley_ckks::Error::from).map_err(Error::from)?;
        let found = parameters.id();
        if found != params_id {
            return Err(FileError::ForeignParameters { expected: params_id, found }.into());
        }
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let shape =
            Shape { samples: size(self.samples), columns: size(self.columns), classes: size(self.classes) };
        // The layout refuses classes that are too many for a power of two.
        let padded = shape.classes.checked_next_power_of_two().unwrap_or(usize::MAX);
        let (slots, period) = (parameters.max_slots(), padded >> (self.flags >> HALVINGS_SHIFT));
        let layout =
            Layout::with_period_and_width(shape, slots, period, size(self.width)).map_err(Error::from)?;
        let storage = match self.flags & COPIES_OF_ITERATIONS {
            0 => RowStorage::Memory,
            _ => RowStorage::Disk,
        };
        let copy_levels = storage.copy_levels();
        let split = self.split(&layout)?;
        let training = Training { hyperparameters: &hyperparameters, method, storage, copy_levels };
        Ok(Plan::restore(&training, &parameters, layout, split)?)
    }

    fn hyperparameters(&self, pool: Option<PoolDisclosure>) -> Result<Hyperparameters, WireError> {
        let sigmoid = SigmoidPolynomial::new(self.sigmoid.clone(), self.half_width).map_err(Error::from)?;
        let mut hyperparameters = Hyperparameters::new(
            usize::try_from(self.iterations).unwrap_or(usize::MAX),
            self.profile,
            sigmoid,
            self.weight_decay,
            self.learning_rate.map_or(LearningRate::Decaying, LearningRate::Constant),
        )?
        .with_momentum_limit(self.momentum_limit)?
        .with_weight_range(self.weight_range)?;
        if let Some((statistical_bits, decryptions)) = self.flooding {
            let flooding = Flooding::new(statistical_bits, decryptions).map_err(Error::from)?;
            hyperparameters = hyperparameters.shareable(flooding);
        }
        match pool {
            None => Ok(hyperparameters),
            Some(_) if self.flooding.is_some() => Err(FileError::Malformed.into()),
            Some(pool) => Ok(hyperparameters.pooled(pool)?),
        }
    }

    fn split(&self, layout: &Layout) -> Result<Split, WireError> {
        let has = |flag| self.flags & flag != 0;
        let rotations = |successive| if successive { Rotations::Successive } else { Rotations::Hoisted };
        let row_shifts = if has(ROW_SHIFTS_ON_SUMS) { RowShifts::Sums } else { RowShifts::Copies };
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let split = Split::new(layout, size(self.forward_steps), size(self.backward_steps), row_shifts)
            .map_err(Error::from)?;
        Ok(split.with_rotations(rotations(has(SUCCESSIVE_COPIES)), rotations(has(SUCCESSIVE_FACTORS))))
    }
}

fn flags(split: Split, copy_levels: CopyLevels) -> u8 {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    flag(split.row_shifts() == RowShifts::Sums, ROW_SHIFTS_ON_SUMS)
        | flag(split.copies() == Rotations::Successive, SUCCESSIVE_COPIES)
        | flag(split.factors() == Rotations::Successive, SUCCESSIVE_FACTORS)
        | flag(copy_levels == CopyLevels::OfIteration, COPIES_OF_ITERATIONS)
}

fn halvings(layout: Layout) -> u8 {
    (layout.shape().classes.next_power_of_two().ilog2() - layout.period().ilog2()) as u8
}

#[cfg(test)]
mod tests;
