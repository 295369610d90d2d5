//! Refreshing weights: they are brought back to a level from which training goes on.
//!
//! Training takes levels, and a [`Refresh`] gives them back. A server does that by bootstrapping
//! ([`volley_ckks::bootstrapping`](crate::volley_ckks::bootstrapping)). It acts on slots of at most 1 in absolute value.
//! Slots are complex and weights real, so the two points that the momentum needs are refreshed as one ciphertext for
//! each class block and column block. With M and V of [`Trainer`](crate::Trainer) and a power of two b,
//!
//! ```text
//! X = (M + iV)/b                          b ≥ √2·max(|M|, |V|), so that |X| ≤ 1
//! X + X̄ = 2M/b,   i(X̄ − X) = 2V/b         after it, by one conjugation
//! ```
//!
//! Neither way costs a level: b goes into the scale, exactly. With weights at Δ/h the constant 1/b is encoded as the
//! integer 1 before the refresh, and b/2 as b/2h after it, for b ≥ 2h. The carry is formed after the refresh, where
//! there are levels enough.
//!
//! Weights are K-periodic in the rows. So they are periodic in the slots, with period K·D, a power of two that divides
//! the slots. They are a sparsely packed ciphertext of K·D slots, whose refresh takes a fraction of the time of a full
//! one and averages the noise of the repetitions.
//!
//! # When
//!
//! A refresh takes ciphertexts at level 1, as a prediction by the last weights does, and gives level L. It comes after
//! an iteration that leaves fewer levels above level 1 than the next one takes. So it comes as late, and as rarely, as
//! can be.
//!
//! # Noise
//!
//! A refresh of p bits adds an error of at most δ = b·2⁻ᵖ to each entry of M and V. In the weights of later iterations
//! this error follows the linear recurrence of the momentum, since a gradient step can only shrink it (B − ¼ xᵀx is
//! positive semidefinite). With independent errors the squares of all responses add up to a gain g². A score is a sum
//! over a row of x′, whose norm is about 4·√(d/n) for standardised features. So the error of scores by a refresh is
//! estimated at g·δ·4·√(d/n).

use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::Error;
use crate::method::hyperparameters::Hyperparameters;
use crate::volley_ckks::bootstrapping::{BootstrapArithmetic, Bootstrapper, Bootstrapping, Preset};
use crate::volley_ckks::{
    Arithmetic, Complex64, KeySpec, Operand, Parameters, SimulatedCiphertext, SimulatedPart,
    SimulatedTransform, Simulator,
};
use crate::volley_revolver::{Layout, Shape};

pub(crate) mod weights;

/// The lowest level at which a refresh takes ciphertexts. The last iteration leaves it as well.
pub(crate) const INPUT_LEVEL: usize = 1;

/// Most iterations of a run that refreshes: planning goes through all of them.
pub const MAX_ITERATIONS: usize = 1000;

/// Estimated error of scores up to which the faster preset is taken. It changes the prediction of hardly any row.
const SCORE_BUDGET: f64 = 1.0 / 64.0;

/// Gives levels back: by bootstrapping ([`Bootstrapper`]), or by other means that a run has, such as owners who decrypt
/// and encrypt again.
pub trait Refresh<A: Arithmetic>: Debug + Send + Sync {
    /// The level of the ciphertexts that [`refresh`](Self::refresh) gives, at the parameters' scale.
    fn output_level(&self) -> usize;

    /// The slots of a ciphertext at level 1 or above, of any scale and of at most 1 in absolute value, at
    /// [`output_level`](Self::output_level).
    ///
    /// # Errors
    ///
    /// What the arithmetic refuses.
    fn refresh(&self, arithmetic: &A, a: &A::Ciphertext) -> Result<A::Ciphertext, Error>;
}

impl<A: BootstrapArithmetic> Refresh<A> for Bootstrapper<A::Transform>
where
    A::Transform: Debug + Send + Sync,
{
    fn output_level(&self) -> usize {
        self.plan().output_level()
    }

    fn refresh(&self, arithmetic: &A, a: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
        let fresh = self.bootstrap(arithmetic, a)?;
        // As the full slots that repeat the few of a sparse packing: a sum has the slots of the fuller operand.
        let (slots, operand) = (arithmetic.parameters().max_slots(), arithmetic.operand(&fresh));
        let zeros = arithmetic.encode(|| vec![Complex64::ZERO; slots], &operand.scale, operand.level)?;
        Ok(arithmetic.add_plain(&fresh, &zeros)?)
    }
}

/// A refresh that another machine does: its result at this level arrives without any work.
#[derive(Debug)]
pub(crate) struct RefreshElsewhere {
    pub(crate) level: usize,
}

impl Refresh<Simulator> for RefreshElsewhere {
    fn output_level(&self) -> usize {
        self.level
    }

    fn refresh(&self, simulator: &Simulator, _: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        Ok(simulator.existing(&simulator.parameters().scale(), self.level)?)
    }
}

/// How a plan refreshes weights.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// Bootstrapping.
    Bootstrapping(Bootstrappings),
    /// Something else, as it is simulated. A run has to bring the real one.
    Own(Arc<dyn Refresh<Simulator>>),
}

impl Method {
    /// Bootstrapping by one of its parameter sets.
    pub(crate) fn by_bootstrapping(preset: Preset) -> Self {
        Self::Bootstrapping(Bootstrappings::of(preset))
    }

    /// The bootstrapping, if it is one.
    pub(crate) fn preset(&self) -> Option<Preset> {
        match self {
            Self::Bootstrapping(bootstrappings) => Some(bootstrappings.preset),
            Self::Own(_) => None,
        }
    }

    /// The refresh of simulated weights of a layout.
    pub(crate) fn simulated(
        &self,
        parameters: &Parameters,
        layout: Layout,
    ) -> Result<Arc<dyn Refresh<Simulator>>, Error> {
        match self {
            Self::Bootstrapping(bootstrappings) => Ok(bootstrappings.planned(parameters, layout)?),
            Self::Own(refresh) => Ok(Arc::clone(refresh)),
        }
    }
}

/// The bootstrappings of simulated weights by a preset. A search of plans asks hundreds of times for each, and each
/// does the same every time, so they are kept.
#[derive(Clone, Debug)]
pub(crate) struct Bootstrappings {
    preset: Preset,
    known: Arc<Mutex<Vec<Arc<SimulatedBootstrapping>>>>,
}

impl Bootstrappings {
    /// None is planned yet.
    pub(crate) fn of(preset: Preset) -> Self {
        Self { preset, known: Arc::default() }
    }

    /// The bootstrapping of weights in a layout, as [`bootstrapping`].
    pub(crate) fn planned(
        &self,
        parameters: &Parameters,
        layout: Layout,
    ) -> Result<Arc<SimulatedBootstrapping>, Error> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |plan: &Bootstrapping| {
            plan.literal().slots == weight_slots(layout) && plan.parameters().id() == parameters.id()
        };
        if let Some(same) = known().iter().find(|kept| is_same(kept.plan())) {
            return Ok(Arc::clone(same));
        }
        let bootstrapper =
            bootstrapping(self.preset, parameters, layout)?.prepare(&Simulator::new(parameters))?;
        let planned = Arc::new(SimulatedBootstrapping {
            bootstrapper,
            parts: Mutex::default(),
            key_spec: OnceLock::new(),
        });
        known().push(Arc::clone(&planned));
        Ok(planned)
    }
}

/// A bootstrapping that is simulated once for each kind of operand.
#[derive(Debug)]
pub(crate) struct SimulatedBootstrapping {
    bootstrapper: Bootstrapper<SimulatedTransform>,
    parts: Mutex<Vec<(Operand, Arc<SimulatedPart>)>>,
    key_spec: OnceLock<KeySpec>,
}

impl SimulatedBootstrapping {
    pub(crate) fn plan(&self) -> &Bootstrapping {
        self.bootstrapper.plan()
    }

    /// The keys that it takes, whatever is refreshed.
    pub(crate) fn key_spec(&self) -> Result<KeySpec, Error> {
        if let Some(known) = self.key_spec.get() {
            return Ok(known.clone());
        }
        let found = self.plan().key_spec()?;
        Ok(self.key_spec.get_or_init(|| found).clone())
    }

    /// What it does to such an operand.
    fn part(&self, operand: &Operand) -> Result<Arc<SimulatedPart>, Error> {
        let parts = || self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, part)) = parts().iter().find(|(known, _)| known == operand) {
            return Ok(Arc::clone(part));
        }
        let run = |simulator: &Simulator, a: &_| self.bootstrapper.refresh(simulator, a);
        let part = Arc::new(SimulatedPart::new(self.plan().parameters(), operand.clone(), run)?);
        parts().push((operand.clone(), Arc::clone(&part)));
        Ok(part)
    }
}

impl Refresh<Simulator> for SimulatedBootstrapping {
    fn output_level(&self) -> usize {
        self.plan().output_level()
    }

    fn refresh(&self, simulator: &Simulator, a: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        Ok(simulator.replay(&*self.part(a.operand())?)?)
    }
}

/// The slots of sparsely packed weights: K·D.
fn weight_slots(layout: Layout) -> usize {
    layout.period() * layout.width()
}

/// The bootstrapping of weights in a layout, sparsely packed.
fn bootstrapping(preset: Preset, parameters: &Parameters, layout: Layout) -> Result<Bootstrapping, Error> {
    Ok(Bootstrapping::new(parameters, &preset.bootstrapping(weight_slots(layout)))?)
}

/// A bootstrapping that is ready to refresh weights of a layout.
pub(crate) fn by_bootstrapping<A: BootstrapArithmetic>(
    preset: Preset,
    arithmetic: &A,
    layout: Layout,
) -> Result<Arc<dyn Refresh<A>>, Error>
where
    A::Transform: Debug + Send + Sync + 'static,
{
    Ok(Arc::new(bootstrapping(preset, arithmetic.parameters(), layout)?.prepare(arithmetic)?))
}

/// Bits that a preset's result has at least, measured at N = 2¹⁶ and 2¹³ slots (`docs/bootstrapping.md`).
pub(crate) fn bits(preset: Preset) -> f64 {
    match preset {
        Preset::Fast => 13.0,
        Preset::Precise => 20.0,
    }
}

/// log₂ of b.
pub(crate) fn log_range(hyperparameters: &Hyperparameters) -> i32 {
    let bound = (2f64.sqrt() * hyperparameters.weight_range()).log2().ceil() as i32;
    bound.max(hyperparameters.log_headroom() + 1)
}

/// The presets whose noise the accuracy of a run allows, the fastest first. The last one is always among them, as
/// nothing is more precise.
pub(crate) fn presets(hyperparameters: &Hyperparameters, shape: Shape) -> Vec<Preset> {
    let most_precise = Preset::ALL.len() - 1;
    let row_norm = 4.0 * (shape.columns as f64 / shape.samples as f64).sqrt();
    let score_error = |preset| {
        let slot_error = (f64::from(log_range(hyperparameters)) - bits(preset)).exp2();
        noise_gain(hyperparameters) * slot_error * row_norm
    };
    Preset::ALL
        .into_iter()
        .enumerate()
        .filter(|&(index, preset)| index == most_precise || score_error(preset) <= SCORE_BUDGET)
        .map(|(_, preset)| preset)
        .collect()
}

/// g, the deviation of the last weights for errors of deviation 1 in M and V after every iteration.
fn noise_gain(hyperparameters: &Hyperparameters) -> f64 {
    let kept = 1.0 - hyperparameters.weight_decay();
    let momentum: Vec<f64> = hyperparameters.momentum().collect();
    // Weights of M and V of an iteration in the last W, from the last backwards.
    let Some((last, before)) = momentum.split_last() else { return 0.0 };
    let (mut of_point, mut of_previous) = (1.0 - last, *last);
    let mut squares = 0.0;
    for eta in before.iter().rev() {
        (of_point, of_previous) = (kept * (1.0 - eta) * of_point + of_previous, kept * eta * of_point);
        squares += of_point * of_point + of_previous * of_previous;
    }
    squares.sqrt()
}

/// The levels of the copies of features. A rotation at another level has other noise, so this is a part of what a run
/// computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyLevels {
    /// The highest that any iteration takes: copies that are made once serve all of them.
    #[default]
    Highest,
    /// Those that the iteration takes. Copies that are made anew in every iteration have fewer primes so, and take
    /// less time.
    OfIteration,
}

/// The levels of a run's weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// L.
    pub(crate) data_level: usize,
    /// Levels that every iteration but the first takes.
    pub(crate) iteration_levels: usize,
    pub(crate) iterations: usize,
    pub(crate) refreshes: bool,
    pub(crate) copy_levels: CopyLevels,
}

/// Weights after an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weights {
    pub(crate) level: usize,
    pub(crate) refreshed: bool,
}

/// Iterations that a run does again and again, by the same operations at the same levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    /// The iteration before the first pass.
    pub(crate) start: usize,
    /// Iterations of a pass.
    pub(crate) length: usize,
    /// Passes.
    pub(crate) times: usize,
}

impl Schedule {
    /// Levels of the first iteration, whose error needs no product: 1/B into the features, and the backward product.
    pub(crate) const FIRST_LEVELS: usize = 2;

    /// The weights after an iteration, from 1.
    pub(crate) fn after(&self, iteration: usize) -> Weights {
        let first = self.data_level.saturating_sub(Self::FIRST_LEVELS);
        if !self.refreshes {
            let spent = iteration.saturating_sub(1).saturating_mul(self.iteration_levels);
            return Weights { level: first.saturating_sub(spent), refreshed: false };
        }
        (1..=iteration).fold(Weights { level: first, refreshed: false }, |weights, iteration| {
            let level =
                if iteration == 1 { first } else { weights.level.saturating_sub(self.iteration_levels) };
            let refreshed = iteration < self.iterations && level < self.iteration_levels + INPUT_LEVEL;
            Weights { level: if refreshed { self.data_level } else { level }, refreshed }
        })
    }

    /// The level of an iteration's gradient, from 1: that of the weights that it makes, before they are refreshed.
    pub(crate) fn gradient_level(&self, iteration: usize) -> usize {
        match iteration {
            0 | 1 => self.data_level.saturating_sub(Self::FIRST_LEVELS),
            _ => self.after(iteration - 1).level.saturating_sub(self.iteration_levels),
        }
    }

    /// The level of the copies of features that the weights before an iteration, from 2, are multiplied by.
    pub(crate) fn forward_level(&self, iteration: usize) -> usize {
        match self.copy_levels {
            CopyLevels::OfIteration => self.after(iteration - 1).level,
            // Refreshed weights are higher than those of the first iteration.
            CopyLevels::Highest if self.refreshes => self.data_level,
            CopyLevels::Highest => self.after(1).level,
        }
    }

    /// The level of the copies of features times 1/B that the errors of an iteration, from 1, are multiplied by.
    pub(crate) fn backward_level(&self, iteration: usize) -> usize {
        match self.copy_levels {
            CopyLevels::OfIteration => self.gradient_level(iteration) + 1,
            CopyLevels::Highest => self.data_level.saturating_sub(1),
        }
    }

    /// The cycle from refresh to refresh, where a run goes through it more than once.
    ///
    /// It begins after the first refresh that brings back both M and V, so that each pass finds and leaves weights at
    /// the same levels, and is over before the last iteration, which leaves nothing for a next one.
    pub(crate) fn cycle(&self) -> Option<Cycle> {
        let before_last = self.iterations.min(MAX_ITERATIONS).saturating_sub(1);
        let mut refreshed = (2..=before_last).filter(|&iteration| self.after(iteration).refreshed);
        let (start, next) = (refreshed.next()?, refreshed.next()?);
        let (length, times) = (next - start, (before_last - start) / (next - start));
        (times > 1).then_some(Cycle { start, length, times })
    }

    /// The run that goes through its [cycle](Self::cycle) once.
    pub(crate) fn once_through(&self) -> Self {
        let skipped = self.cycle().map_or(0, |cycle| (cycle.times - 1) * cycle.length);
        Self { iterations: self.iterations - skipped, ..*self }
    }

    /// Number of refreshes in all.
    pub(crate) fn refreshes(&self) -> usize {
        (1..=self.iterations.min(MAX_ITERATIONS)).filter(|&iteration| self.after(iteration).refreshed).count()
    }
}

#[cfg(test)]
mod tests;
