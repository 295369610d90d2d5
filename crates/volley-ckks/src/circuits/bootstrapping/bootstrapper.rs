//! The plan of a bootstrapping, and its execution.

use std::collections::BTreeSet;

use super::dft::{Coefficients, CoeffsToSlots, DftShape, SlotsToCoeffs};
use super::ephemeral;
use super::eval_mod::{EvalMod, EvalModLiteral};
use crate::arithmetic::Arithmetic;
use crate::arithmetic::bootstrap::BootstrapArithmetic;
use crate::arithmetic::linear_transform::LinearArithmetic;
use crate::backends::simulator::Simulator;
use crate::base::error::Error;
use crate::base::packing::Packing;
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::rlwe::keys::KeySpec;
use crate::scheme::operand::trace_steps;

/// What a bootstrapping is planned from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrappingLiteral {
    /// n, the number of complex slots: a power of two from 2 to N/2. Fewer take less time.
    pub slots: usize,
    /// Levels of CoeffsToSlots, at least one. Each is for one of its matrices. There are at most log₂ n matrices; where
    /// these are fewer than the levels, the highest levels are not used.
    pub coeffs_to_slots: usize,
    /// Levels of SlotsToCoeffs, likewise.
    pub slots_to_coeffs: usize,
    /// log₂ of the message ratio R = q₀/Δ′.
    pub log_message_ratio: u32,
    /// log₂ of the scale at which CoeffsToSlots leaves its result to EvalMod.
    pub log_input_scale: u32,
    /// Degree of the cosine's Chebyshev series.
    pub degree: usize,
    /// Double angles after it.
    pub double_angles: u32,
    /// Degree of the arcsine's series: 1 for none, 3, 5 or 7.
    pub arcsine_degree: usize,
}

/// A planned bootstrapping: which level and scale each step has.
///
/// The highest levels of the parameters belong to the bootstrapping, from the top: CoeffsToSlots, EvalMod,
/// SlotsToCoeffs. The levels below are the caller's. This division does not depend on the number of slots, so one
/// parameter set serves all numbers of slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrapping {
    parameters: Parameters,
    literal: BootstrappingLiteral,
    /// Δ′.
    raised_scale: Scale,
    coeffs_to_slots: CoeffsToSlots,
    eval_mod: EvalMod,
    slots_to_coeffs: SlotsToCoeffs,
}

/// A bootstrapping with its encoded matrices.
#[derive(Clone, Debug)]
pub struct Bootstrapper<T> {
    plan: Bootstrapping,
    coeffs_to_slots: CoeffsToSlots<T>,
    slots_to_coeffs: SlotsToCoeffs<T>,
}

impl Bootstrapping {
    /// A plan under a parameter set.
    ///
    /// # Errors
    ///
    /// [`Error::Parameters`] where the ephemeral secret is not as secure as the parameters claim;
    /// [`Error::LevelExhausted`] for fewer levels than a bootstrapping takes; [`Error::MessageRatio`] where Δ′ would be
    /// below the parameters' scale; [`Error::EvalMod`] and [`Error::PolynomialDegree`] for the modular reduction;
    /// [`Error::SlotCount`] and [`Error::DftStages`] for the matrices.
    pub fn new(parameters: &Parameters, literal: &BootstrappingLiteral) -> Result<Self, Error> {
        parameters.check_ephemeral()?;
        let BootstrappingLiteral { slots, log_message_ratio, .. } = *literal;
        let (log_q0, log_scale) = (parameters.log_q(0).round() as u32, parameters.log_scale());
        let log_raised = log_q0
            .checked_sub(log_message_ratio)
            .filter(|&log_raised| log_raised >= log_scale)
            .ok_or(Error::MessageRatio { log_message_ratio, log_q0, log_scale })?;
        let raised_scale = Scale::power_of_two(log_raised as i32);
        let ratio = parameters.rescaling_factor(0).divided_by(&raised_scale).to_f64();
        let eval_mod = EvalMod::new(&EvalModLiteral {
            range: ephemeral::range(parameters.degree(), log_message_ratio),
            log_message_ratio,
            degree: literal.degree,
            double_angles: literal.double_angles,
            arcsine_degree: literal.arcsine_degree,
            output_factor: ratio,
        })?;
        let max = parameters.max_level();
        let of_dft = literal.coeffs_to_slots.saturating_add(literal.slots_to_coeffs);
        let required = of_dft.saturating_add(eval_mod.levels());
        if max < required {
            return Err(Error::LevelExhausted { level: max, required });
        }
        let [eval_mod_level, output_level] = [max - literal.coeffs_to_slots, max - required];

        let max_slots = parameters.max_slots();
        let packing = if slots <= max_slots / 2 { Packing::SideBySide } else { Packing::Apart };
        // The trace multiplies by N/2n.
        let gain = max_slots as f64 / slots as f64;
        let stages = CoeffsToSlots::even_stages(slots, literal.coeffs_to_slots);
        let shape = DftShape {
            slots,
            packing,
            level: eval_mod_level + stages.len(),
            stages,
            factor: 1.0 / (ratio * gain * eval_mod.input_divisor()),
            from: raised_scale.clone(),
            to: Scale::power_of_two(literal.log_input_scale as i32),
        };
        let mut known: BTreeSet<i64> = trace_steps(slots, max_slots).flatten().collect();
        let coeffs_to_slots = CoeffsToSlots::new(parameters, shape, known.iter().copied())?;
        known.extend(coeffs_to_slots.dft().rotations());
        known.insert(slots as i64);
        let stages = SlotsToCoeffs::even_stages(slots, literal.slots_to_coeffs);
        let shape = DftShape {
            slots,
            packing,
            level: output_level + stages.len(),
            stages,
            factor: 1.0,
            from: eval_mod.output_scale(parameters, eval_mod_level)?,
            to: parameters.scale(),
        };
        let slots_to_coeffs = SlotsToCoeffs::new(parameters, shape, known)?;
        Ok(Self {
            parameters: parameters.clone(),
            literal: literal.clone(),
            raised_scale,
            coeffs_to_slots,
            eval_mod,
            slots_to_coeffs,
        })
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What it was planned from.
    #[must_use]
    pub fn literal(&self) -> &BootstrappingLiteral {
        &self.literal
    }

    /// The level of the result.
    #[must_use]
    pub fn output_level(&self) -> usize {
        self.slots_to_coeffs.dft().output_level()
    }

    /// The scale of the result: the parameters'.
    #[must_use]
    pub fn output_scale(&self) -> Scale {
        self.parameters.scale()
    }

    /// The modular reduction.
    #[must_use]
    pub fn eval_mod(&self) -> &EvalMod {
        &self.eval_mod
    }

    /// log₂ of a bound on the probability that a bootstrapping gives a wrong result.
    #[must_use]
    pub fn log2_failure_probability(&self) -> f64 {
        let range = self.eval_mod.literal().range;
        ephemeral::log2_failure_probability(self.parameters.degree(), range, self.literal.log_message_ratio)
    }

    /// Bytes of the encoded matrices.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.coeffs_to_slots.dft().memory_bytes() + self.slots_to_coeffs.dft().memory_bytes()
    }

    /// The keys that a bootstrapping of ciphertexts at level 0 takes, each up to the level of its use: found by running
    /// it on a simulator.
    ///
    /// # Errors
    ///
    /// Those of [`Bootstrapper::bootstrap`], of which none is expected.
    pub fn key_spec(&self) -> Result<KeySpec, Error> {
        let simulator = Simulator::new(&self.parameters);
        let bootstrapper = self.prepare(&simulator)?;
        bootstrapper.bootstrap(&simulator, &simulator.existing(&self.parameters.scale(), 0)?)?;
        Ok(simulator.key_spec())
    }

    /// Encodes the matrices: [`memory_bytes`](Self::memory_bytes).
    ///
    /// # Errors
    ///
    /// Those of [`LinearArithmetic::encode_transform`].
    pub fn prepare<A: LinearArithmetic>(&self, arithmetic: &A) -> Result<Bootstrapper<A::Transform>, Error> {
        Ok(Bootstrapper {
            coeffs_to_slots: self.coeffs_to_slots.encode(arithmetic)?,
            slots_to_coeffs: self.slots_to_coeffs.encode(arithmetic)?,
            plan: self.clone(),
        })
    }
}

impl<T> Bootstrapper<T> {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Bootstrapping {
        &self.plan
    }

    /// The slots of `a` at [`output_level`](Bootstrapping::output_level) and
    /// [`output_scale`](Bootstrapping::output_scale).
    ///
    /// No slot may be larger than 1 in absolute value; larger ones come out wrong. A ciphertext of the parameters'
    /// scale may be at any level, but only level 0 is used. A ciphertext of another scale needs a level above that, to
    /// change the scale. Slots have to repeat with period n; otherwise the result is their mean over the repetitions.
    ///
    /// # Errors
    ///
    /// [`Error::LevelExhausted`] for a ciphertext at level 0 of another scale, and those of [`BootstrapArithmetic`].
    pub fn bootstrap<A>(&self, arithmetic: &A, a: &A::Ciphertext) -> Result<A::Ciphertext, Error>
    where
        A: BootstrapArithmetic<Transform = T>,
    {
        let raised = self.raise(arithmetic, a)?;
        let coefficients = self.coeffs_to_slots(arithmetic, &raised)?;
        let reduced = self.eval_mod(arithmetic, &coefficients)?;
        self.slots_to_coeffs(arithmetic, &reduced)
    }

    /// The first step: the coefficients, plus multiples of q₀, at the level of the first matrix and in the subring of n
    /// slots.
    ///
    /// # Errors
    ///
    /// As [`bootstrap`](Self::bootstrap).
    pub fn raise<A>(&self, arithmetic: &A, a: &A::Ciphertext) -> Result<A::Ciphertext, Error>
    where
        A: BootstrapArithmetic<Transform = T>,
    {
        let bottom = self.at_raised_scale(arithmetic, a)?;
        let raised = arithmetic.raise(&bottom, self.coeffs_to_slots.dft().shape().level)?;
        arithmetic.trace(&raised, self.plan.literal.slots)
    }

    /// The second step: those coefficients, divided by q₀·W, as slots.
    ///
    /// # Errors
    ///
    /// Those of the arithmetic.
    pub fn coeffs_to_slots<A>(
        &self,
        arithmetic: &A,
        raised: &A::Ciphertext,
    ) -> Result<Coefficients<A::Ciphertext>, Error>
    where
        A: LinearArithmetic<Transform = T>,
    {
        self.coeffs_to_slots.apply(arithmetic, raised)
    }

    /// The third step: the coefficients of the message alone, in units of the scale.
    ///
    /// # Errors
    ///
    /// Those of the arithmetic.
    pub fn eval_mod<A: Arithmetic>(
        &self,
        arithmetic: &A,
        coefficients: &Coefficients<A::Ciphertext>,
    ) -> Result<Coefficients<A::Ciphertext>, Error> {
        coefficients.try_map(|x| self.plan.eval_mod.evaluate(arithmetic, x))
    }

    /// The last step: from the coefficients back to slots.
    ///
    /// # Errors
    ///
    /// Those of the arithmetic.
    pub fn slots_to_coeffs<A>(
        &self,
        arithmetic: &A,
        coefficients: &Coefficients<A::Ciphertext>,
    ) -> Result<A::Ciphertext, Error>
    where
        A: LinearArithmetic<Transform = T>,
    {
        self.slots_to_coeffs.apply(arithmetic, coefficients)
    }

    /// `a` at level 0 and scale Δ′. A ciphertext of the parameters' scale is multiplied by a power of two, any other by
    /// the factor it takes and rescaled.
    fn at_raised_scale<A: Arithmetic>(
        &self,
        arithmetic: &A,
        a: &A::Ciphertext,
    ) -> Result<A::Ciphertext, Error> {
        let Bootstrapping { parameters, raised_scale, .. } = &self.plan;
        let operand = arithmetic.operand(a);
        if operand.scale == parameters.scale() {
            let bottom = arithmetic.drop_level(a, 0)?;
            let factor = raised_scale.divided_by(&operand.scale);
            return arithmetic.multiply_constant(&bottom, 1.0, &factor);
        }
        let low = arithmetic.drop_level(a, 1)?;
        let factor = raised_scale.times(&parameters.rescaling_factor(1)).divided_by(&operand.scale);
        arithmetic.rescale(&arithmetic.multiply_constant(&low, 1.0, &factor)?)
    }
}
