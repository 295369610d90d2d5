//! The server's side: iterations on ciphertexts.
//!
//! A [`Trainer`] has four parts. [`Rows`] give the samples, group by group. An [`Objective`] makes errors of their
//! scores, which are summed up to a [`Gradient`]. The [`UpdateRule`] makes weights of gradients. Where levels do not
//! last, a [`Refresh`] gives them back. M, V and the carry C are those of the [update rule](UpdateRule).
//!
//! # Levels
//!
//! The data is at level L. Features times 1/B are at L − 1, and the first G is at L − 2, since its error y − ½ needs no
//! product. Every further iteration takes one level for the forward product, those of the sigmoid, and one for the
//! backward product. The carry, and the labels times the step, are added to values at lower levels than their own.
//!
//! Where levels do not last, M and V are [refreshed](crate::Refresh) after an iteration, and C is formed from the
//! refreshed points.
//!
//! # Scales
//!
//! Weights are at scale Δ/h for scores in \[−h, h\], with h rounded up to a power of two. This is best for the
//! polynomial (see [`volley_sigmoid::MaskedSigmoid`]). The scale is exactly the same in every iteration, as errors are
//! encoded at the scale that gives G this one.

use std::sync::{Arc, Mutex};

use volley_sigmoid::SigmoidPolynomial;

use crate::encrypted::{EncryptedData, EncryptedModel};
use crate::error::Error;
use crate::method::objective::{Objective, weight_scale};
use crate::method::update_rule::UpdateRule;
use crate::training::circuit::TrainingCircuit;
use crate::training::refresh::weights::{Points, WeightRefresh};
use crate::training::refresh::{Refresh, Schedule};
use crate::training::rows::{ResidentRows, Rows};
use crate::volley_ckks::{Arithmetic, Scale};
use crate::volley_revolver::Layout;
use crate::volley_revolver::plan::Plan as MatrixPlan;
use crate::volley_revolver::skewed::{RevolvedWeights, Skewed, Split};

mod checkpoint;
mod gradient;
mod part;

pub use checkpoint::Checkpoint;
pub(crate) use checkpoint::State;
pub use gradient::Gradient;
#[cfg(feature = "wire")]
pub(crate) use gradient::united;
pub use part::StepPart;

/// Trains on ciphertexts of an [`Arithmetic`]: with an [`Evaluator`](crate::volley_ckks::Evaluator)
/// it is the server, which has evaluation keys and ciphertexts and nothing else; with a
/// [`Simulator`](crate::volley_ckks::Simulator) it is what a [`Plan`](crate::Plan) is made from.
///
/// This is all of a server:
///
/// ```
/// # use std::sync::{Arc, Mutex};
/// use volley_mlr::volley_ckks::{Ciphertext, Context, EvaluationKeySet, Evaluator};
/// use volley_mlr::{EncryptedDataset, EncryptedModel, Error, Plan, Trainer};
///
/// fn serve(
///     plan: &Plan,
///     context: &Arc<Context>,
///     keys: EvaluationKeySet,
///     upload: &EncryptedDataset,
/// ) -> Result<Option<EncryptedModel<Ciphertext>>, Error> {
///     let evaluator = Arc::new(Evaluator::new(context, keys)?);
///     let mut trainer = Trainer::new(&evaluator, plan, upload.expand(context)?)?;
///     while trainer.step()?.is_some() {}
///     Ok(trainer.model())
/// }
/// ```
///
/// Nothing that it has can decrypt. [`Owner`](crate::Owner) decrypts by a secret key, which evaluation keys are not:
///
/// ```compile_fail,E0308
/// # use std::sync::{Arc, Mutex};
/// use volley_mlr::volley_ckks::{Ciphertext, EvaluationKeySet};
/// use volley_mlr::{EncryptedModel, Error, Model, Owner, Plan, TrainingSet};
///
/// fn look(
///     plan: &Arc<Plan>,
///     training_set: &Arc<TrainingSet>,
///     keys: &Arc<EvaluationKeySet>,
///     model: &EncryptedModel<Ciphertext>,
/// ) -> Result<Model, Error> {
///     Owner::new(plan, training_set, keys)?.decrypt_private(model)
/// }
/// ```
#[derive(Debug)]
pub struct Trainer<A: Arithmetic, O = SigmoidPolynomial> {
    arithmetic: Arc<A>,
    skewed: Skewed<A>,
    rows: Box<dyn Rows<A::Ciphertext>>,
    objective: O,
    rule: UpdateRule,
    schedule: Schedule,
    /// The refresh, where the schedule has one.
    refresh: Option<WeightRefresh<A>>,
    iteration: usize,
    state: Option<State<A::Ciphertext>>,
    /// The rotations of the weights for the next part of a gradient, where there is one class block.
    revolved: Mutex<Option<RevolvedWeights<A::Ciphertext>>>,
}

/// What one iteration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// The iteration, from 1.
    pub iteration: usize,
    /// Level of the weights after it.
    pub level: usize,
    /// Whether the weights were refreshed. The level is then that of the refresh.
    pub refreshed: bool,
}

impl<O: Objective> TrainingCircuit<O> {
    /// A trainer by a plan that was made for this circuit.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] and [`Error::GroupCount`] for data of another plan, [`Error::Matrix`] for another
    /// parameter set or key, and for keys that do not suffice.
    pub fn trainer<A: Arithmetic + 'static>(
        &self,
        arithmetic: &Arc<A>,
        plan: &MatrixPlan,
        data: EncryptedData<A::Ciphertext>,
    ) -> Result<Trainer<A, O>, Error> {
        if arithmetic.parameters().id() != plan.parameters().id() {
            return Err(crate::volley_ckks::Error::ParameterMismatch.into());
        }
        let schedule = self.schedule(plan.parameters().max_level());
        Trainer::resident(self, arithmetic, (plan.layout(), plan.split()), schedule, None, data)
    }
}

impl<A: Arithmetic + 'static, O: Objective> Trainer<A, O> {
    /// A trainer with all rows in memory.
    pub(crate) fn resident(
        circuit: &TrainingCircuit<O>,
        arithmetic: &Arc<A>,
        (layout, split): (Layout, Split),
        schedule: Schedule,
        refresh: Option<Arc<dyn Refresh<A>>>,
        data: EncryptedData<A::Ciphertext>,
    ) -> Result<Self, Error> {
        let skewed = || Skewed::new(arithmetic, layout, split);
        let rows = ResidentRows::of(skewed()?, schedule, data)?;
        Ok(Self::of(circuit, skewed()?, arithmetic, schedule, refresh, Box::new(rows)))
    }
}

impl<A: Arithmetic, O: Objective> Trainer<A, O> {
    pub(crate) fn of(
        circuit: &TrainingCircuit<O>,
        skewed: Skewed<A>,
        arithmetic: &Arc<A>,
        schedule: Schedule,
        refresh: Option<Arc<dyn Refresh<A>>>,
        rows: Box<dyn Rows<A::Ciphertext>>,
    ) -> Self {
        let scale = circuit.weight_scale(arithmetic.parameters());
        let refresh = refresh.map(|refresh| WeightRefresh { refresh, log_range: circuit.log_range, scale });
        Self {
            arithmetic: Arc::clone(arithmetic),
            skewed,
            rows,
            objective: circuit.objective.clone(),
            rule: circuit.rule.clone(),
            schedule,
            refresh,
            iteration: 0,
            state: None,
            revolved: Mutex::default(),
        }
    }

    /// The trainer after the iterations of a checkpoint.
    pub(crate) fn continued(self, checkpoint: Checkpoint<A::Ciphertext>) -> Self {
        let (iteration, state) = (checkpoint.iteration, Some(checkpoint.state));
        Self { iteration, state, revolved: Mutex::default(), ..self }
    }

    pub(crate) fn arithmetic(&self) -> &A {
        &self.arithmetic
    }

    /// One iteration, or `None` after the last.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] and [`Error::Sigmoid`] for what the arithmetic refuses, such as missing keys or spent levels;
    /// [`Error::GradientIncomplete`] for a trainer of a share of the rows; those of its [`Rows`].
    pub fn step(&mut self) -> Result<Option<StepReport>, Error> {
        let Some((_, step)) = self.next_step() else { return Ok(None) };
        let gradient = self.whole_gradient(step)?;
        self.advance(&gradient).map(Some)
    }

    /// One iteration by the [gradient](Self::gradient) of all groups.
    ///
    /// # Errors
    ///
    /// [`Error::GradientIncomplete`] where groups are missing, [`Error::GradientIteration`] and
    /// [`Error::LayoutMismatch`] for the gradient of another iteration or plan, [`Error::Matrix`] for what the
    /// arithmetic refuses.
    pub fn step_by(&mut self, gradient: &Gradient<A::Tensor>) -> Result<StepReport, Error> {
        let gradient = self.summed(gradient)?;
        self.advance(&gradient)
    }

    /// The next iteration and the factor of its gradient; `None` after the last.
    fn next_step(&self) -> Option<(usize, f64)> {
        let iteration = self.iteration + 1;
        let samples = self.layout().shape().samples;
        (iteration <= self.rule.iterations())
            .then(|| (iteration, self.rule.gradient_factor(iteration, samples)))
    }

    /// The weights after the gradient of the next iteration.
    fn advance(&mut self, gradient: &[A::Ciphertext]) -> Result<StepReport, Error> {
        let points = self.points(0, gradient)?;
        self.arrive(points)
    }

    /// The points of the next iteration by the gradient of some weights, from the `first` on: M, and V where it is
    /// refreshed with it. Each ciphertext of the weights is worked on by itself.
    ///
    /// # Errors
    ///
    /// [`Error::RefreshMismatch`] for weights that have to be refreshed by a trainer that
    /// [cannot](Self::without_refresh).
    fn points(&self, first: usize, gradient: &[A::Ciphertext]) -> Result<Points<A::Ciphertext>, Error> {
        // Room for the refresh.
        *self.revolved() = None;
        let arithmetic = &*self.arithmetic;
        let weights = first..first + gradient.len();
        let mut point = gradient.to_vec();
        if let Some(carry) = self.state.as_ref().and_then(|state| state.carry.as_ref()) {
            for (point, carry) in point.iter_mut().zip(&carry[weights.clone()]) {
                *point = arithmetic.add(point, carry)?;
            }
        }
        if !self.schedule.after(self.iteration + 1).refreshed {
            return Ok((point, None));
        }
        match &self.refresh {
            Some(refresh) => {
                let previous = self.state.as_ref().map(|state| &state.point[weights]);
                refresh.refreshed(arithmetic, &point, previous)
            }
            None if point.is_empty() => Ok((point, None)),
            None => Err(Error::RefreshMismatch { expected: Some(self.schedule.data_level), found: None }),
        }
    }

    /// The weights at the points of the next iteration.
    fn arrive(&mut self, (point, refreshed): Points<A::Ciphertext>) -> Result<StepReport, Error> {
        let (iteration, arithmetic) = (self.iteration + 1, &*self.arithmetic);
        let last = iteration == self.rule.iterations();
        let before = || self.state.as_ref().map(|state| state.point.clone());
        let previous = if last { None } else { refreshed.or_else(before) };
        let carry = |previous| self.rule.carry(arithmetic, iteration, &point, previous);
        let carry = if last { None } else { Some(carry(previous.as_deref())?) };
        let level = point.first().map_or(0, |point| arithmetic.operand(point).level);
        // Nothing can fail any more: a step that was refused leaves the weights as they were.
        *self.revolved() = None;
        self.state = Some(State { point, previous, carry });
        self.iteration = iteration;
        Ok(StepReport { iteration, level, refreshed: self.schedule.after(iteration).refreshed })
    }

    /// The weights after the last [`step`](Self::step): the model when no iteration is left. `None` before the first.
    #[must_use]
    pub fn model(&self) -> Option<EncryptedModel<A::Ciphertext>> {
        let State { point, previous, .. } = self.state.as_ref()?;
        let (of_point, of_previous) = self.rule.weight_factors(self.iteration);
        let previous = previous.iter().map(|previous| (of_previous, previous.clone()));
        let terms = std::iter::once((of_point, point.clone())).chain(previous).collect();
        Some(EncryptedModel { iteration: self.iteration, layout: self.layout(), terms })
    }

    /// What [`resume`](Self::resume) needs besides the data. `None` before the first [`step`](Self::step).
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint<A::Ciphertext>> {
        let state = self.state.clone()?;
        Some(Checkpoint { layout: self.layout(), iteration: self.iteration, state })
    }

    /// The last iteration that was done; 0 before the first.
    #[cfg(feature = "wire")]
    pub(crate) fn iteration(&self) -> usize {
        self.iteration
    }

    fn layout(&self) -> Layout {
        self.skewed.layout()
    }

    /// Δ/h, the scale of weights and gradients.
    fn weight_scale(&self) -> Scale {
        weight_scale(&self.objective, self.arithmetic.parameters())
    }
}

#[cfg(test)]
mod tests;
