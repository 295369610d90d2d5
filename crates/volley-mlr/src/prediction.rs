//! Encrypted prediction: scores of encrypted rows under an encrypted model, which only the owner reads.
//!
//! The owner plans the prediction for a number of rows ([`PredictionPlan`]) and encrypts them as features are
//! ([`OwnerState::encrypt_rows`]). The server computes x·Wᵀ by one forward product for each group of rows
//! ([`Predictor`]). The owner decrypts ([`OwnerState::decrypt_scores`]) and takes the highest score
//! ([`ClassLabels::highest`](crate::ClassLabels::highest)).
//!
//! A prediction takes the one level that training leaves. Rows are encrypted at a scale that gives scores the scale
//! 2^37 under the 50 bits of q₀. So scores are right to about 2^−20 and may reach 2^12. A larger score wraps around and
//! spoils the others of its ciphertext. The owner is told which rows these are when they are decrypted.
//!
//! In a pool scores have the scale of weights, above the noise of the owners' shares, and no weights come with them:
//! the owners have those of the model that they decrypted ([`PoolPlan::scores`](crate::pool::PoolPlan::scores)).
//!
//! Decrypted scores are [as secret](crate::volley_ckks::flooding) as a private model.
//!
//! Of this crate it imports `encrypted`, `preparation`, `clear`, `plan` and the errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use maybe_rayon::prelude::*;
use rand_core::CryptoRng;

use ndarray::Array2;

use crate::clear::owner_state::OwnerState;
use crate::encrypted::{EncryptedModel, check_layout};
use crate::error::Error;
use crate::plan::Plan;
use crate::plan::planned::planned;
use crate::preparation::profile::Profile;
use crate::volley_ckks::costs::CostModel;
use crate::volley_ckks::{
    Arithmetic, Ciphertext, Complex64, Context, Encoder, Error as CkksError, Operand, Plaintext, Scale,
    SecretKey, SeededCiphertext, Simulator,
};
use crate::volley_revolver::plan::{Circuit, Plan as MatrixPlan};
use crate::volley_revolver::skewed::{RevolvedWeights, Skewed, Split};
use crate::volley_revolver::{Error as MatrixError, Layout, Part};

/// Level of rows and weights: the one that training leaves.
const LEVEL: usize = 1;
/// log₂ of the scale of scores, but for those of a pool.
const SCORE_LOG_SCALE: i32 = 37;
/// log₂ of the size that scores of a pool stay below, however much room there is.
const POOLED_SCORE_BITS: f64 = 12.0;

/// How rows are predicted by the model of a training plan, with the same parameters and products but another number of
/// rows.
///
/// The keys of a training of two iterations or more [cover](crate::volley_ckks::KeySpec::covers) those of its
/// prediction. After a single iteration keys have to be made for the prediction.
#[derive(Clone, Debug)]
pub struct PredictionPlan {
    /// The layout that the model was trained in.
    training: Layout,
    iterations: usize,
    rows: Operand,
    /// The scale of scores.
    score_scale: Scale,
    /// The largest score has fewer bits before the binary point.
    score_bits: f64,
    weights: Option<Operand>,
    matrices: MatrixPlan,
}

planned!(PredictionPlan);

impl PredictionPlan {
    /// The prediction of `rows` rows by the model of `plan`.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for no rows.
    pub fn new(plan: &Plan, rows: usize) -> Result<Self, Error> {
        let (parameters, training) = (plan.parameters(), plan.layout());
        let layout = Self::layout_of(plan, rows)?;
        let iterations = plan.hyperparameters().iterations();
        let weights = plan.weights(iterations);
        let pooled = plan.hyperparameters().pool().is_some();
        let score_scale = if pooled { weights.scale.clone() } else { Scale::power_of_two(SCORE_LOG_SCALE) };
        let room = parameters.log_q(LEVEL - 1) - 1.0 - score_scale.log2();
        let score_bits = if pooled { room.min(POOLED_SCORE_BITS) } else { room };
        let scale = score_scale.times(&parameters.rescaling_factor(LEVEL)).divided_by(&weights.scale);
        let rows = Operand { level: LEVEL, scale, slots: weights.slots };
        let weights = Operand { level: LEVEL, ..weights };
        let recoded = plan.hyperparameters().profile() == Profile::Standard && !pooled;
        let circuit = Prediction { rows: &rows, weights: &weights, recoded };
        let matrices = MatrixPlan::of(&circuit, parameters, layout, plan.split(), &CostModel::default())?;
        let weights = recoded.then_some(weights);
        Ok(Self { training, iterations, rows, score_scale, score_bits, weights, matrices })
    }

    /// The layout of so many rows under the model's weights.
    pub(crate) fn layout_of(plan: &Plan, rows: usize) -> Result<Layout, Error> {
        Ok(plan.layout().with_samples(rows)?)
    }

    /// Level, scale and slots of encrypted scores.
    #[must_use]
    pub fn scores(&self) -> Operand {
        Operand { level: LEVEL - 1, scale: self.score_scale.clone(), slots: self.rows.slots }
    }

    /// Level, scale and slots of the weights that come with the scores. They come where rows are whitened, and the
    /// owner recodes the scores; in a pool they do not.
    #[must_use]
    pub fn weights(&self) -> Option<&Operand> {
        self.weights.as_ref()
    }

    /// The size that scores stay below: 2^12 where q₀ has 50 bits, and in a pool. A larger score wraps around, and
    /// spoils all others in its ciphertext.
    #[must_use]
    pub fn max_score(&self) -> f64 {
        self.score_bits.exp2()
    }

    /// Level, scale and slots of encrypted rows.
    #[must_use]
    pub fn rows(&self) -> &Operand {
        &self.rows
    }
}

impl PredictionPlan {
    /// Encrypts prepared rows, samples × (columns + 1).
    pub(crate) fn encrypt<C>(
        &self,
        features: &Array2<f64>,
        context: &Arc<Context>,
        mut encrypt: impl FnMut(&Plaintext) -> Result<C, CkksError>,
    ) -> Result<EncryptedRows<C>, Error> {
        let (layout, encoder) = (self.layout(), Encoder::new(context));
        let mut encrypt = |slots: &Vec<Complex64>| -> Result<C, Error> {
            Ok(encrypt(&encoder.encode(slots, &self.rows.scale, self.rows.level)?)?)
        };
        let mut group = |slots: &Vec<Vec<Complex64>>| slots.iter().map(&mut encrypt).collect();
        let features = layout.pack_features(features)?.iter().map(&mut group).collect::<Result<_, _>>()?;
        Ok(EncryptedRows { layout, features })
    }
}

/// Rows whose classes are asked for, by group and column block.
#[derive(Clone, Debug)]
pub struct EncryptedRows<C> {
    /// The layout of the prediction plan: where the entries lie.
    pub layout: Layout,
    /// Features, by group of rows and column block.
    pub features: Vec<Vec<C>>,
}

impl EncryptedRows<SeededCiphertext> {
    /// Expands the seeds, which is the first thing that the server does.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for ciphertexts of another parameter set.
    pub fn expand(&self, context: &Arc<Context>) -> Result<EncryptedRows<Ciphertext>, Error> {
        let expand =
            |group: &Vec<SeededCiphertext>| group.iter().map(|row| Ok(row.expand(context)?)).collect();
        let features = self.features.iter().map(expand).collect::<Result<_, Error>>()?;
        Ok(EncryptedRows { layout: self.layout, features })
    }
}

/// What the server returns: one ciphertext for each group of rows and class block.
#[derive(Clone, Debug)]
pub struct EncryptedScores<C> {
    /// The layout of the prediction plan: where the scores lie.
    pub layout: Layout,
    /// Scores, by group and class block.
    pub scores: Vec<C>,
    /// The weights that gave the scores, by class block and column block, where the owner
    /// [recodes](PredictionPlan::weights) scores; otherwise none.
    pub weights: Vec<C>,
}

/// The server's side of encrypted prediction, generic as [`Trainer`](crate::Trainer) is. The rotations of the weights
/// are made once.
#[derive(Debug)]
pub struct Predictor<A: Arithmetic> {
    skewed: Skewed<A>,
    /// The rotated weights by class block.
    weights: Vec<RevolvedWeights<A::Ciphertext>>,
    /// What goes back with the scores.
    returned: Vec<A::Ciphertext>,
}

impl<A: Arithmetic> Predictor<A> {
    /// Takes up a trained model.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] for a model of another plan, [`Error::UnfinishedModel`] for one of an earlier
    /// iteration, [`Error::Matrix`] for another parameter set or key, for keys that do not suffice, and for a model
    /// whose last level was dropped.
    pub fn new(
        arithmetic: &Arc<A>,
        plan: &PredictionPlan,
        model: &EncryptedModel<A::Ciphertext>,
    ) -> Result<Self, Error> {
        if arithmetic.parameters().id() != plan.parameters().id() {
            return Err(CkksError::ParameterMismatch.into());
        }
        check_layout(plan.training, model.layout)?;
        let (iteration, iterations) = (model.iteration, plan.iterations);
        let [(_, weights)] = &model.terms[..] else {
            return Err(Error::UnfinishedModel { iteration, iterations });
        };
        if iteration != iterations {
            return Err(Error::UnfinishedModel { iteration, iterations });
        }
        let recoded = plan.weights.is_some();
        Self::with_weights(arithmetic, plan.layout(), plan.matrices.split(), weights, recoded)
    }

    fn with_weights(
        arithmetic: &Arc<A>,
        layout: Layout,
        split: Split,
        weights: &[A::Ciphertext],
        recoded: bool,
    ) -> Result<Self, Error> {
        let (expected, actual) = (layout.weight_ciphertexts(), weights.len());
        if expected != actual {
            return Err(MatrixError::Length { expected, actual }.into());
        }
        let skewed = Skewed::new(arithmetic, layout, split)?;
        let weights = weights
            .iter()
            .map(|weights| arithmetic.drop_level(weights, LEVEL))
            .collect::<Result<Vec<_>, _>>()?;
        let blocks = weights.chunks(layout.column_blocks());
        let revolved = blocks.map(|block| skewed.revolve_weights(block)).collect::<Result<_, _>>()?;
        Ok(Self { skewed, weights: revolved, returned: if recoded { weights } else { Vec::new() } })
    }

    /// The scores of all rows, group by group in parallel.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] for rows of another plan, [`Error::Matrix`] for what the arithmetic refuses.
    pub fn scores(
        &self,
        rows: &EncryptedRows<A::Ciphertext>,
    ) -> Result<EncryptedScores<A::Ciphertext>, Error> {
        self.scores_with(rows, |_| {})
    }

    /// As [`scores`](Self::scores); `progress` is told how many groups are done, from any thread and in any order.
    ///
    /// # Errors
    ///
    /// As [`scores`](Self::scores).
    pub fn scores_with(
        &self,
        rows: &EncryptedRows<A::Ciphertext>,
        progress: impl Fn(usize) + Sync,
    ) -> Result<EncryptedScores<A::Ciphertext>, Error> {
        let layout = self.skewed.layout();
        check_layout(layout, rows.layout)?;
        let done = AtomicUsize::new(0);
        let group = |features: &Vec<A::Ciphertext>| {
            let scores = self.group(features)?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            Ok(scores)
        };
        let scores = rows.features.par_iter().map(group).collect::<Result<Vec<_>, Error>>()?;
        let weights = self.returned.clone();
        Ok(EncryptedScores { layout, scores: scores.into_iter().flatten().collect(), weights })
    }

    /// The scores of one group of rows, by class block. The rows are given by column block. A server short of memory
    /// goes group by group.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for what the arithmetic refuses.
    pub fn group(&self, features: &[A::Ciphertext]) -> Result<Vec<A::Ciphertext>, Error> {
        let copies = self.skewed.forward_copies(features, LEVEL)?;
        self.weights.par_iter().map(|weights| Ok(self.skewed.forward(&copies, weights)?)).collect()
    }
}

impl OwnerState {
    /// Encrypts raw rows, samples × columns, prepared and normalised as the training rows were. Columns that got no
    /// step in training are zero.
    ///
    /// # Errors
    ///
    /// [`Error::RowCount`] and [`Error::PlanShape`] for rows and a state that are not the plan's,
    /// [`Error::ColumnCount`], [`Error::Matrix`] for a key of other parameters and for values too large to be encoded.
    pub fn encrypt_rows(
        &self,
        plan: &PredictionPlan,
        secret_key: &SecretKey,
        features: &Array2<f64>,
        rng: &mut impl CryptoRng,
    ) -> Result<EncryptedRows<SeededCiphertext>, Error> {
        self.check_prediction(plan, secret_key.context())?;
        let features = self.prepare_rows(plan, features)?;
        plan.encrypt(&features, secret_key.context(), |plaintext| secret_key.encrypt(plaintext, rng))
    }

    /// Rows prepared and normalised as the training rows were: samples × (columns + 1). Columns that got no step in
    /// training are zero.
    pub(crate) fn prepare_rows(
        &self,
        plan: &PredictionPlan,
        features: &Array2<f64>,
    ) -> Result<Array2<f64>, Error> {
        let (expected, found) = (plan.layout().shape().samples, features.nrows());
        if found != expected {
            return Err(Error::RowCount { expected, found });
        }
        let mut features = self.preprocessing.apply(features)?;
        let factor = self.preconditioner.factor();
        for (mut column, &inverse) in features.columns_mut().into_iter().zip(self.preconditioner.inverse()) {
            column.mapv_inplace(|value| if inverse == 0.0 { 0.0 } else { value / factor });
        }
        Ok(features)
    }

    /// The scores, samples × classes, in the order of the [classes](Self::classes). They are recoded as those of a
    /// decrypted model are. They are not flooded, so they are for the owner alone.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] for scores of another plan, [`Error::PlanShape`] for a state that is not the plan's,
    /// [`Error::Matrix`] for ciphertexts of another owner or parameter set, or not as many as the plan has.
    /// [`Error::ScoreOverflow`] where a slot is not below [`max_score`](PredictionPlan::max_score): one score that
    /// wraps around spoils those of all rows in its ciphertext. A wrap-around changes some slot by at least twice that
    /// bound.
    pub fn decrypt_scores(
        &self,
        plan: &PredictionPlan,
        secret_key: &SecretKey,
        scores: &EncryptedScores<Ciphertext>,
    ) -> Result<Array2<f64>, Error> {
        let layout = plan.layout();
        check_layout(layout, scores.layout)?;
        let unpacked = self.unpack_scores(plan, secret_key, &scores.scores)?;
        let Some(recoding) = &self.recoding else { return Ok(unpacked) };
        let decrypt = |block: &Ciphertext| Ok(secret_key.decrypt(block)?);
        let encoder = Encoder::new(secret_key.context());
        let weights = self.unpack_blocks(layout, &encoder, &scores.weights, decrypt)?;
        Ok(recoding.of(&weights).scores(&unpacked))
    }

    /// The scores as they were trained, samples × classes, in ciphertexts by group and class block.
    pub(crate) fn unpack_scores(
        &self,
        plan: &PredictionPlan,
        secret_key: &SecretKey,
        scores: &[Ciphertext],
    ) -> Result<Array2<f64>, Error> {
        self.check_prediction(plan, secret_key.context())?;
        let layout = plan.layout();
        let encoder = Encoder::new(secret_key.context());
        let slots = scores
            .iter()
            .map(|group| Ok(encoder.decode(&secret_key.decrypt(group)?)?))
            .collect::<Result<Vec<_>, Error>>()?;
        let limit = plan.max_score();
        let overflows = |slots: &Vec<Complex64>| slots.iter().any(|slot| slot.norm() >= limit);
        let by_group: Vec<_> = slots.chunks(layout.class_blocks()).collect();
        let rows: Vec<_> = (0..by_group.len())
            .filter(|&group| by_group[group].iter().any(overflows))
            .map(|group| {
                let [first, second] =
                    [Part::Real, Part::Imaginary].map(|part| layout.part_samples(group, part));
                first.start..second.end
            })
            .collect();
        if !rows.is_empty() {
            return Err(Error::ScoreOverflow { rows, limit });
        }
        Ok(layout.unpack_scores(&slots)?)
    }

    pub(crate) fn check_prediction(&self, plan: &PredictionPlan, context: &Context) -> Result<(), Error> {
        self.check_shape(plan.training.shape())?;
        if context.parameters().id() != plan.parameters().id() {
            return Err(CkksError::ParameterMismatch.into());
        }
        Ok(())
    }
}

/// Prediction as a circuit.
struct Prediction<'a> {
    rows: &'a Operand,
    weights: &'a Operand,
    recoded: bool,
}

impl Circuit for Prediction<'_> {
    type Error = Error;

    fn levels(&self) -> usize {
        LEVEL
    }

    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        let weights = (0..layout.weight_ciphertexts())
            .map(|_| simulator.existing(&self.weights.scale, self.weights.level))
            .collect::<Result<Vec<_>, _>>()?;
        let predictor = Predictor::with_weights(simulator, layout, split, &weights, self.recoded)?;
        let row = || {
            (0..layout.column_blocks()).map(|_| simulator.input(&self.rows.scale, self.rows.level)).collect()
        };
        let features = (0..layout.groups()).map(|_| row()).collect::<Result<_, _>>()?;
        predictor.scores(&EncryptedRows { layout, features })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
