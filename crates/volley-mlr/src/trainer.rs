//! The server's side: iterations on ciphertexts.
//!
//! In the notation of [`Reference`](crate::Reference), with M = w' the point that an iteration makes and V, W as there,
//!
//! ```text
//! M = (1 − λ) W + G,    W ← (1 − η) M + η V,    V ← M,
//! ```
//!
//! where G = rₜ (1/B) ∘ (y − p(x Vᵀ))ᵀ x. The last iteration T wants W only. What is known of the next iteration is
//! folded into what this one leaves behind, the *carry*
//!
//! ```text
//! C ← (1 − λ)·((1 − ηₜ) M + ηₜ V)                                   and next M = C + G,
//! C ← (1 − η_T)(1 − λ)·((1 − ηₜ) M + ηₜ V) + η_T M   for t = T − 1,  and the model is W = C + (1 − η_T)·G,
//! ```
//!
//! with the last 1 − η_T in the coefficients of the step, where it costs nothing.
//!
//! # Levels
//!
//! With L the level of the data: features times 1/B are at L − 1, the first G at L − 2, since its error y − ½ needs no
//! product. Every further iteration takes one level for the forward product, those of the sigmoid, and one for the
//! backward product. The carry and the labels times the step meet values that are lower than they are.
//!
//! Where levels do not last, M and V are [refreshed](crate::Refresh) after an iteration, and C is formed of what comes back.
//!
//! # Scales
//!
//! Weights are at Δ/h for scores in \[−h, h\] with h rounded up to a power of two, which is best for the polynomial (see
//! [`volley_sigmoid::MaskedSigmoid`]), and exactly so in every iteration: the errors of an iteration are encoded at the
//! scale that makes G's come out right.

use crate::volley_ckks::bootstrapping::BootstrapArithmetic;
use crate::volley_ckks::{Arithmetic, Complex64, Operand, Scale};
use crate::volley_revolver::skewed::{BackwardCopies, BackwardSums, ForwardCopies, RevolvedWeights};
use crate::volley_revolver::skewed::{Skewed, Split};
use crate::volley_revolver::{Layout, Part};
use maybe_rayon::prelude::*;
use volley_sigmoid::MaskedSigmoid;

use crate::encrypted::check_layout;
use crate::refresh::{self, Schedule};
use crate::{EncryptedData, EncryptedModel, Error, Hyperparameters, Plan, Refresh};

/// Groups whose errors are kept at the same time: enough for many threads, few enough for large data.
const GROUPS_AT_ONCE: usize = 8;

/// Trains on ciphertexts of an [`Arithmetic`]: with an [`Evaluator`](crate::volley_ckks::Evaluator)
/// it is the server, which has evaluation keys and ciphertexts and nothing else; with a
/// [`Simulator`](crate::volley_ckks::Simulator) it is what a [`Plan`] is made from.
///
/// This is all of a server:
///
/// ```
/// # use std::sync::Arc;
/// use volley_mlr::volley_ckks::{Ciphertext, Context, EvaluationKeySet, Evaluator};
/// use volley_mlr::{EncryptedDataset, EncryptedModel, Error, Plan, Trainer};
///
/// fn serve(
///     plan: &Plan,
///     context: &Arc<Context>,
///     keys: EvaluationKeySet,
///     upload: &EncryptedDataset,
/// ) -> Result<Option<EncryptedModel<Ciphertext>>, Error> {
///     let evaluator = Evaluator::new(context, keys)?;
///     let mut trainer = Trainer::new(&evaluator, plan, upload.expand(context)?)?;
///     while trainer.step()?.is_some() {}
///     Ok(trainer.model())
/// }
/// ```
///
/// Nothing that it has decrypts. [`Owner`](crate::Owner) does, by a secret key, and evaluation keys are none:
///
/// ```compile_fail,E0308
/// use volley_mlr::volley_ckks::{Ciphertext, EvaluationKeySet};
/// use volley_mlr::{EncryptedModel, Error, Model, Owner, Plan, TrainingSet};
///
/// fn look(
///     plan: &Plan,
///     training_set: &TrainingSet,
///     keys: &EvaluationKeySet,
///     model: &EncryptedModel<Ciphertext>,
/// ) -> Result<Model, Error> {
///     Owner::new(plan, training_set, keys)?.decrypt_private(model)
/// }
/// ```
#[derive(Debug)]
pub struct Trainer<'a, A: Arithmetic> {
    skewed: Skewed<'a, A>,
    arithmetic: &'a A,
    hyperparameters: Hyperparameters,
    /// ηₜ of all iterations.
    momentum: Vec<f64>,
    schedule: Schedule,
    /// There where the schedule refreshes.
    refresh: Option<Box<dyn Refresh<A> + 'a>>,
    labels: Vec<A::Ciphertext>,
    forward: Vec<ForwardCopies<A::Ciphertext>>,
    backward: Vec<BackwardCopies<A::Ciphertext>>,
    iteration: usize,
    state: Option<State<A::Ciphertext>>,
}

/// The weights between iterations, by class block and column block.
#[derive(Clone, Debug)]
pub(crate) struct State<C> {
    /// M of the last iteration, the next V; the model after the last.
    pub(crate) point: Vec<C>,
    /// V of the last iteration, none after the first.
    pub(crate) previous: Option<Vec<C>>,
    /// C, none after the last.
    pub(crate) carry: Option<Vec<C>>,
}

/// All that changes while a run trains: with the data of the run, what a [`Trainer`] goes on from.
#[derive(Clone, Debug)]
pub struct Checkpoint<C> {
    pub(crate) layout: Layout,
    pub(crate) iteration: usize,
    pub(crate) state: State<C>,
}

impl<C> Checkpoint<C> {
    /// The last iteration that was done, from 1.
    #[must_use]
    pub fn iteration(&self) -> usize {
        self.iteration
    }

    /// Refuses a checkpoint of another plan: by its layout, its iteration, and level, scale and slots of every
    /// ciphertext.
    pub(crate) fn check<'c>(
        &'c self,
        plan: &Plan,
        operand: impl Fn(&'c C) -> &'c Operand,
    ) -> Result<(), Error> {
        check_layout(plan.layout(), self.layout)?;
        let (iteration, iterations) = (self.iteration, plan.hyperparameters().iterations());
        let State { point, previous, carry } = &self.state;
        let parts = [(Some(point), 0), (previous.as_ref(), 1), (carry.as_ref(), 0)];
        let has = [true, Self::has_previous(plan, iteration), Self::has_carry(plan, iteration)];
        let refreshed = plan.schedule().after(iteration).refreshed;
        let fits = |(index, (blocks, before)): (usize, (Option<&'c Vec<C>>, usize))| {
            let Some(blocks) = blocks else { return !has[index] };
            // M and V are refreshed together.
            let mut expected = plan.weights(if refreshed { iteration } else { iteration - before });
            // The carry is rescaled once more.
            expected.level -= usize::from(index == 2);
            let count = plan.layout().weight_ciphertexts();
            has[index] && blocks.len() == count && blocks.iter().all(|block| *operand(block) == expected)
        };
        let in_run = (1..=iterations).contains(&iteration);
        if in_run && parts.into_iter().enumerate().all(fits) {
            return Ok(());
        }
        Err(Error::Checkpoint { iteration, iterations })
    }

    /// Whether the state after an iteration has V.
    pub(crate) fn has_previous(plan: &Plan, iteration: usize) -> bool {
        iteration > 1 && iteration < plan.hyperparameters().iterations()
    }

    /// Whether the state after an iteration has C.
    pub(crate) fn has_carry(plan: &Plan, iteration: usize) -> bool {
        iteration < plan.hyperparameters().iterations()
    }
}

/// What one iteration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// The iteration, from 1.
    pub iteration: usize,
    /// Level of the weights after it.
    pub level: usize,
    /// Whether they were refreshed, which is what the level comes from.
    pub refreshed: bool,
}

impl<'a, A: BootstrapArithmetic> Trainer<'a, A>
where
    A::Transform: std::fmt::Debug + Sync + 'a,
{
    /// Takes up the data of a plan and makes the copies that every iteration uses.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] and [`Error::GroupCount`] for data of another plan, [`Error::Matrix`] for data of
    /// another parameter set or key, and for keys that do not suffice.
    pub fn new(arithmetic: &'a A, plan: &Plan, data: EncryptedData<A::Ciphertext>) -> Result<Self, Error> {
        let refresh = plan.method().map(|method| method.prepare(arithmetic, plan.layout())).transpose()?;
        Self::with_refresh(arithmetic, plan, refresh, data)
    }

    /// Takes up a run where a checkpoint was made: with the same data, every further iteration is the same, bit for bit.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`Error::LayoutMismatch`] and [`Error::Checkpoint`] for a checkpoint of another plan.
    pub fn resume(
        arithmetic: &'a A,
        plan: &Plan,
        data: EncryptedData<A::Ciphertext>,
        checkpoint: Checkpoint<A::Ciphertext>,
    ) -> Result<Self, Error> {
        checkpoint.check(plan, |ciphertext| arithmetic.operand(ciphertext))?;
        let mut trainer = Self::new(arithmetic, plan, data)?;
        trainer.iteration = checkpoint.iteration;
        trainer.state = Some(checkpoint.state);
        Ok(trainer)
    }
}

impl<'a, A: Arithmetic> Trainer<'a, A> {
    /// As [`new`](Self::new), with a refresh of its own.
    pub(crate) fn with_refresh(
        arithmetic: &'a A,
        plan: &Plan,
        refresh: Option<Box<dyn Refresh<A> + 'a>>,
        data: EncryptedData<A::Ciphertext>,
    ) -> Result<Self, Error> {
        if arithmetic.parameters().id() != plan.parameters().id() {
            return Err(CkksError::ParameterMismatch.into());
        }
        let members = (plan.layout(), plan.split());
        Self::with_layout(arithmetic, plan.hyperparameters(), members, plan.schedule(), refresh, data)
    }

    pub(crate) fn with_layout(
        arithmetic: &'a A,
        hyperparameters: &Hyperparameters,
        (layout, split): (Layout, Split),
        schedule: Schedule,
        refresh: Option<Box<dyn Refresh<A> + 'a>>,
        data: EncryptedData<A::Ciphertext>,
    ) -> Result<Self, Error> {
        let EncryptedData { layout: actual, features, labels, preconditioner } = data;
        check_layout(layout, actual)?;
        if [features.len(), labels.len()] != [layout.groups(), layout.score_ciphertexts()] {
            return Err(Error::GroupCount {
                expected: layout.groups(),
                class_blocks: layout.class_blocks(),
                features: features.len(),
                labels: labels.len(),
            });
        }
        let skewed = Skewed::new(arithmetic, layout, split)?;
        let level = schedule.data_level;
        // Refreshed weights are higher than those of the first iteration.
        let weight_level =
            if schedule.refreshes { level } else { level.saturating_sub(Schedule::FIRST_LEVELS) };
        // Group by group, so that features and their copies are not all alive together.
        let several = hyperparameters.iterations() > 1;
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        for group in features {
            if several {
                forward.push(skewed.forward_copies(&group, weight_level)?);
            }
            let scaled = skewed.scale_columns(&group, &preconditioner)?;
            drop(group);
            backward.push(skewed.backward_copies(&scaled, level.saturating_sub(1))?);
        }
        Ok(Self {
            skewed,
            arithmetic,
            momentum: hyperparameters.momentum().collect(),
            schedule,
            refresh,
            hyperparameters: hyperparameters.clone(),
            labels,
            forward,
            backward,
            iteration: 0,
            state: None,
        })
    }

    /// One iteration, or `None` after the last.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] and [`Error::Sigmoid`] for what the arithmetic refuses: keys that are missing, levels spent.
    pub fn step(&mut self) -> Result<Option<StepReport>, Error> {
        let total = self.hyperparameters.iterations();
        if self.iteration == total {
            return Ok(None);
        }
        let iteration = self.iteration + 1;
        let last = iteration == total;
        let rate = self.hyperparameters.learning_rate().factor(iteration, self.layout().shape().samples);
        let remaining = if last { 1.0 - self.momentum[iteration - 1] } else { 1.0 };
        let gradient = self.gradient(rate * remaining)?;
        let point = match self.state.as_ref().and_then(|state| state.carry.as_ref()) {
            Some(carry) => gradient
                .iter()
                .zip(carry)
                .map(|(gradient, carry)| Ok(self.arithmetic.add(gradient, carry)?))
                .collect::<Result<_, Error>>()?,
            None => gradient,
        };
        let previous = if last { None } else { self.state.as_ref().map(|state| state.point.clone()) };
        let refreshed = self.schedule.after(iteration).refreshed;
        let (point, previous) = match self.refresh.as_deref().filter(|_| refreshed) {
            Some(refresh) => self.refreshed(refresh, &point, previous.as_deref())?,
            None => (point, previous),
        };
        let carry = if last { None } else { Some(self.carry(iteration, &point, previous.as_deref())?) };
        let level = point.first().map_or(0, |point| self.arithmetic.operand(point).level);
        // Nothing can fail any more: a step that was refused leaves the weights as they were.
        self.state = Some(State { point, previous, carry });
        self.iteration = iteration;
        Ok(Some(StepReport { iteration, level, refreshed }))
    }

    /// M and V at the level of the data again.
    fn refreshed(
        &self,
        refresh: &dyn Refresh<A>,
        point: &[A::Ciphertext],
        previous: Option<&[A::Ciphertext]>,
    ) -> Result<Points<A::Ciphertext>, Error> {
        let (mut points, mut before) = (Vec::new(), previous.map(|_| Vec::new()));
        for (block, point) in point.iter().enumerate() {
            let packed = self.packed(point, previous.map(|previous| &previous[block]))?;
            let fresh = refresh.refresh(self.arithmetic, &packed)?;
            let conjugate = self.arithmetic.conjugate(&fresh)?;
            points.push(self.unpacked(&self.arithmetic.add(&fresh, &conjugate)?)?);
            if let Some(before) = &mut before {
                let difference = self.arithmetic.sub(&conjugate, &fresh)?;
                before.push(self.unpacked(&self.arithmetic.multiply_by_i(&difference)?)?);
            }
        }
        Ok((points, before))
    }

    /// (M + iV)/b: b is in the scale.
    fn packed(
        &self,
        point: &A::Ciphertext,
        previous: Option<&A::Ciphertext>,
    ) -> Result<A::Ciphertext, Error> {
        let log_range = refresh::log_range(&self.hyperparameters);
        let divided = |a: &A::Ciphertext| -> Result<_, Error> {
            let low = self.arithmetic.drop_level(a, refresh::INPUT_LEVEL)?;
            let (factor, scale) = (f64::from(-log_range).exp2(), Scale::power_of_two(log_range));
            Ok(self.arithmetic.multiply_constant(&low, factor, &scale)?)
        };
        let real = divided(point)?;
        let Some(previous) = previous else { return Ok(real) };
        Ok(self.arithmetic.add(&real, &self.arithmetic.multiply_by_i(&divided(previous)?)?)?)
    }

    /// M of 2M/b at the scale Δ: b/2h times the same polynomial, at the scale of the weights.
    fn unpacked(&self, doubled: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
        let half_range = f64::from(refresh::log_range(&self.hyperparameters) - 1).exp2();
        let scale = self.weight_scale().divided_by(&self.arithmetic.operand(doubled).scale);
        Ok(self.arithmetic.multiply_constant(doubled, half_range, &scale)?)
    }

    /// The weights after the last [`step`](Self::step): the model when no iteration is left. `None` before the first.
    #[must_use]
    pub fn model(&self) -> Option<EncryptedModel<A::Ciphertext>> {
        let state = self.state.as_ref()?;
        let iteration = self.iteration;
        let terms = if iteration == self.hyperparameters.iterations() {
            vec![(1.0, state.point.clone())]
        } else {
            let eta = self.momentum[iteration - 1];
            let previous = state.previous.iter().map(|previous| (eta, previous.clone()));
            std::iter::once((1.0 - eta, state.point.clone())).chain(previous).collect()
        };
        Some(EncryptedModel { iteration, layout: self.layout(), terms })
    }

    /// What [`resume`](Self::resume) needs besides the data. `None` before the first [`step`](Self::step).
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint<A::Ciphertext>> {
        let state = self.state.clone()?;
        Some(Checkpoint { layout: self.layout(), iteration: self.iteration, state })
    }

    fn layout(&self) -> Layout {
        self.skewed.layout()
    }

    /// Δ/h, the scale of weights and gradients.
    fn weight_scale(&self) -> Scale {
        self.hyperparameters.weight_scale(self.arithmetic.parameters())
    }

    /// step · (1/B) ∘ (y − p)ᵀ x, by class block and column block.
    fn gradient(&self, step: f64) -> Result<Vec<A::Ciphertext>, Error> {
        let gradients =
            (0..self.layout().class_blocks()).map(|class_block| self.block_gradient(class_block, step));
        Ok(gradients.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
    }

    /// The gradient of a class block, by column block: one block after the other, so that the rotations of their weights and
    /// errors are not all alive together.
    fn block_gradient(&self, class_block: usize, step: f64) -> Result<Vec<A::Ciphertext>, Error> {
        let column_blocks = self.layout().column_blocks();
        let weights = match &self.state {
            Some(state) => {
                let point = &state.point[class_block * column_blocks..][..column_blocks];
                Some(self.skewed.revolve_weights(point)?)
            }
            None => None,
        };
        let mut sums: Option<BackwardSums<A::Tensor>> = None;
        for (chunk, copies) in self.backward.chunks(GROUPS_AT_ONCE).enumerate() {
            let first = chunk * GROUPS_AT_ONCE;
            let errors = (first..first + copies.len())
                .into_par_iter()
                .map(|group| {
                    let error = match &weights {
                        Some(weights) => self.error((group, class_block), weights, step)?,
                        None => self.first_error((group, class_block), step)?,
                    };
                    Ok(self.skewed.revolve_errors(&error)?)
                })
                .collect::<Result<Vec<_>, Error>>()?;
            let partial = self.skewed.accumulate(copies, &errors)?;
            sums = Some(match sums {
                Some(sums) => self.skewed.merge(sums, &partial)?,
                None => partial,
            });
        }
        match sums {
            Some(sums) => Ok(self.skewed.gradient(&sums)?),
            None => Ok(Vec::new()),
        }
    }

    /// The scale that errors at `level` need for the gradient's to be that of the weights.
    fn error_scale(&self, level: usize) -> Scale {
        let parameters = self.arithmetic.parameters();
        let features_by_b = parameters
            .scale()
            .times(&parameters.scale())
            .divided_by(&prime(self.arithmetic, self.schedule.data_level));
        self.weight_scale().times(&prime(self.arithmetic, level)).divided_by(&features_by_b)
    }

    /// step·(y − ½): of zero weights every probability is one half.
    fn first_error(&self, (group, class_block): ScoreIndex, step: f64) -> Result<A::Ciphertext, Error> {
        let level = self.schedule.data_level - 1;
        let scale = self.error_scale(level);
        let labels = self.scaled_labels((group, class_block), step, &scale, level)?;
        let layout = self.layout().class_block(class_block);
        let half = || {
            let masks = layout
                .parts(group)
                .iter()
                .map(|&part| layout.label_mask(group, part, part.error_unit() * (-0.5 * step)));
            add_all(masks, layout.slots())
        };
        let half = self.arithmetic.encode(half, &scale, level)?;
        Ok(self.arithmetic.add_plain(&labels, &half)?)
    }

    /// step·(y − p(z)), repeated along the rows.
    fn error(
        &self,
        (group, class_block): ScoreIndex,
        weights: &RevolvedWeights<A::Ciphertext>,
        step: f64,
    ) -> Result<A::Ciphertext, Error> {
        let scores = self.skewed.forward(&self.forward[group], weights)?;
        let sigmoid = self.hyperparameters.sigmoid();
        // Where there are too few levels the evaluation says so.
        let level = self.arithmetic.operand(&scores).level.saturating_sub(sigmoid.levels());
        let scale = self.error_scale(level);
        let layout = self.layout().class_block(class_block);
        let probabilities = self
            .skewed
            .split_scores(group, &scores)?
            .par_iter()
            .map(|(part, scores)| {
                let part: Part = *part;
                let masked = MaskedSigmoid {
                    polynomial: sigmoid,
                    argument_factor: 1.0 / layout.score_multiple(group),
                    output_factor: -step,
                    mask: || layout.score_mask(group, part, part.error_unit()),
                };
                Ok(masked.evaluate(self.arithmetic, scores, &scale)?)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let mut parts = probabilities.into_iter();
        let mut sum = parts.next().ok_or(CkksError::EmptySum)?;
        for part in parts {
            sum = self.arithmetic.add(&sum, &part)?;
        }
        let repeated = self.skewed.repeat_along_row(&sum)?;
        let labels = self.scaled_labels((group, class_block), step, &scale, level)?;
        Ok(self.arithmetic.add(&repeated, &labels)?)
    }

    /// step·y at `scale` and `level`, from the level above.
    fn scaled_labels(
        &self,
        (group, class_block): ScoreIndex,
        step: f64,
        scale: &Scale,
        level: usize,
    ) -> Result<A::Ciphertext, Error> {
        let labels = &self.labels[group * self.layout().class_blocks() + class_block];
        let labels = self.arithmetic.drop_level(labels, level + 1)?;
        let constant = scale
            .times(&prime(self.arithmetic, level + 1))
            .divided_by(&self.arithmetic.operand(&labels).scale);
        let product = self.arithmetic.multiply_constant(&labels, step, &constant)?;
        Ok(self.arithmetic.rescale(&product)?)
    }

    /// What iteration t leaves for iteration t + 1: a·M + b·V.
    fn carry(
        &self,
        iteration: usize,
        point: &[A::Ciphertext],
        previous: Option<&[A::Ciphertext]>,
    ) -> Result<Vec<A::Ciphertext>, Error> {
        let eta = self.momentum[iteration - 1];
        let next_is_last = iteration + 1 == self.hyperparameters.iterations();
        let next_eta = if next_is_last { self.momentum[iteration] } else { 0.0 };
        let kept = (1.0 - self.hyperparameters.weight_decay()) * (1.0 - next_eta);
        let (a, b) = (kept * (1.0 - eta) + next_eta, kept * eta);
        let times = |x: &A::Ciphertext, factor: f64, level: usize| {
            let x = self.arithmetic.drop_level(x, level)?;
            self.arithmetic.multiply_constant(&x, factor, &prime(self.arithmetic, level))
        };
        (0..point.len())
            .into_par_iter()
            .map(|block| {
                let level = self.arithmetic.operand(&point[block]).level;
                let mut carry = times(&point[block], a, level)?;
                if let Some(previous) = previous {
                    carry = self.arithmetic.add(&carry, &times(&previous[block], b, level)?)?;
                }
                Ok(self.arithmetic.rescale(&carry)?)
            })
            .collect()
    }
}

/// Group and class block of scores, labels and errors.
type ScoreIndex = (usize, usize);

/// M and, after the first iteration, V.
type Points<C> = (Vec<C>, Option<Vec<C>>);

type CkksError = crate::volley_ckks::Error;

/// The prime of a level, as a scale.
fn prime<A: Arithmetic>(arithmetic: &A, level: usize) -> Scale {
    arithmetic.parameters().rescaling_factor(level)
}

/// The sum of slot vectors.
fn add_all(vectors: impl Iterator<Item = Vec<Complex64>>, slots: usize) -> Vec<Complex64> {
    vectors.fold(vec![Complex64::ZERO; slots], |mut sum, vector| {
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += value;
        }
        sum
    })
}

#[cfg(test)]
mod tests;
