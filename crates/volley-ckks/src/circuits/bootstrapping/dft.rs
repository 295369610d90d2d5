//! CoeffsToSlots and SlotsToCoeffs: the DFT between slots and coefficients, on encrypted slots.
//!
//! # The transform
//!
//! A plaintext of n slots has 2n real coefficients c₀, …, c_(2n−1), those of the powers of X^(N/2n). They make a
//! complex vector w with wⱼ = cⱼ + i·c_(j+n) for j < n. The slots are z = F·w for the special FFT F (Cheon, Kim, Kim,
//! Song, eprint 2016/421). It factors into log₂ n stages after a permutation B, the reversal of the bits of j:
//!
//! ```text
//! F = S_(log n) ⋯ S₂·S₁·B
//! S_k, in blocks of length 2h = 2^k:   (u, v) ↦ (u + ωv, u − ωv),   ω = exp(2πi·5^j/8h) in place j < h
//! ```
//!
//! [`CoeffsToSlots`] computes B·w = S₁⁻¹⋯S_(log n)⁻¹·z, and [`SlotsToCoeffs`] takes B·w to z. Both leave out B, which
//! would have many diagonals: what is computed in between acts on each coefficient alone, whatever their order is.
//! Coefficients are in units of the scale: those of the polynomial, divided by the scale.
//!
//! # The matrices
//!
//! S_k has the diagonals 0 and ±h. So s consecutive stages, the first of them with h, are one matrix with the
//! 2^(s+1) − 1 diagonals m·h, |m| < 2^s. Where stage log n is among them there are 2^s diagonals, as indices are modulo
//! n (Chen, Chillotti, Song, eprint 2018/1043). Each matrix is a [`LinearTransform`] and takes one level: few matrices
//! cost rotations, many cost levels. Its entries are products of at most s roots of unity, computed stage by stage from
//! the diagonals alone.
//!
//! A real factor that the slots are to be multiplied by is folded into the matrices, and so is a change of the scale.
//! Both are spread evenly over them, so that all diagonals are encoded with about equal precision. The scale of each
//! matrix is chosen such that its rescaled result has exactly the scale it started from, and the last result the scale
//! that is wanted.
//!
//! # Real and imaginary parts
//!
//! What follows CoeffsToSlots works on real slots. There are two ways to have them ([`Packing`]):
//!
//! * Side by side, in one ciphertext of 2n slots, where 2n ≤ N/2. A ciphertext of n slots is one of 2n slots that
//!   repeat. The last matrix is multiplied by ½ in the first half of its rows and by −i/2 in the second, so that
//!   y = (w/2 | −iw/2) becomes y + ȳ = (Re w | Im w). On the way back the columns of the first matrix are multiplied by
//!   1 and i. SlotsToCoeffs then takes (u | v) to slots whose halves add up to F·B·(u + iv), since the matrices,
//!   repeated over 2n slots, commute with a rotation by n. That rotation comes last, at the lowest level.
//! * Apart, in two ciphertexts: w/2 + w̄/2 and (w̄/2 − w/2)·i. The way back is u + i·v.
//!
//! # Noise
//!
//! S_k/√2 is unitary, so s stages of CoeffsToSlots divide the root mean square of slots and of noise by 2^(s/2), and s
//! stages of SlotsToCoeffs multiply it by that. Each matrix adds the rounding of one division and, for each diagonal,
//! the rounding of its encoding times the slots ([`Dft::noise`]).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use num_complex::Complex64;

mod butterflies;

use butterflies::{Diagonals, Direction, merged, merged_indices};

pub use crate::base::packing::Packing;

use crate::arithmetic::linear_transform::{LinearArithmetic, LinearTransform};
use crate::base::error::Error;
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::rlwe::noise::Noise;

/// Encrypted real coefficients, in bit-reversed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coefficients<C> {
    /// [`Packing::SideBySide`].
    SideBySide(C),
    /// [`Packing::Apart`].
    Apart {
        /// Coefficients 0 to n − 1.
        real: C,
        /// Coefficients n to 2n − 1.
        imaginary: C,
    },
}

impl<C> Coefficients<C> {
    /// How they are packed.
    #[must_use]
    pub fn packing(&self) -> Packing {
        match self {
            Self::SideBySide(_) => Packing::SideBySide,
            Self::Apart { .. } => Packing::Apart,
        }
    }

    /// Applies a function to each ciphertext.
    ///
    /// # Errors
    ///
    /// The first error of the function.
    pub fn try_map<D, E>(&self, mut f: impl FnMut(&C) -> Result<D, E>) -> Result<Coefficients<D>, E> {
        Ok(match self {
            Self::SideBySide(both) => Coefficients::SideBySide(f(both)?),
            Self::Apart { real, imaginary } => {
                Coefficients::Apart { real: f(real)?, imaginary: f(imaginary)? }
            }
        })
    }
}

/// What a DFT is planned from.
#[derive(Clone, Debug, PartialEq)]
pub struct DftShape {
    /// The number n of complex slots: a power of two, at least 2 and at most N/2, or N/4 side by side.
    pub slots: usize,
    /// How the coefficients are packed.
    pub packing: Packing,
    /// The level of the first matrix; each takes one.
    pub level: usize,
    /// How many stages are merged in each matrix, in the order in which they are applied: at least one, log₂ n in all.
    /// [`CoeffsToSlots::even_stages`] and [`SlotsToCoeffs::even_stages`] give about equal parts, for few diagonals in
    /// all.
    pub stages: Vec<u32>,
    /// What the result is multiplied by.
    pub factor: f64,
    /// The scale of the operand.
    pub from: Scale,
    /// The scale of the result.
    pub to: Scale,
}

/// A factored DFT: what [`CoeffsToSlots`] and [`SlotsToCoeffs`] have in common. `T` is [`LinearTransform`] as long as
/// it is a plan, and [`LinearArithmetic::Transform`] once its diagonals are encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Dft<T = LinearTransform> {
    direction: Direction,
    shape: DftShape,
    transforms: Vec<T>,
}

impl<T> Dft<T> {
    /// What it was planned from.
    #[must_use]
    pub fn shape(&self) -> &DftShape {
        &self.shape
    }

    /// The level of the result.
    #[must_use]
    pub fn output_level(&self) -> usize {
        self.shape.level - self.shape.stages.len()
    }

    fn apply<A: LinearArithmetic<Transform = T>>(
        &self,
        arithmetic: &A,
        a: &A::Ciphertext,
    ) -> Result<A::Ciphertext, Error> {
        let scale = &arithmetic.operand(a).scale;
        if *scale != self.shape.from {
            return Err(Error::ScaleMismatch { left: scale.log2(), right: self.shape.from.log2() });
        }
        let transformed = |a, transform| arithmetic.transform_rescale(&a, transform);
        self.transforms.iter().try_fold(a.clone(), transformed)
    }
}

impl Dft<LinearTransform> {
    fn new(
        parameters: &Parameters,
        direction: Direction,
        shape: DftShape,
        known: impl IntoIterator<Item = i64>,
    ) -> Result<Self, Error> {
        let DftShape { slots, level, ref stages, .. } = shape;
        let max = parameters.max_slots();
        if !slots.is_power_of_two() || slots > max {
            return Err(Error::SlotCount { values: slots, max });
        }
        let (log_slots, matrices) = (slots.ilog2(), stages.len());
        if stages.is_empty() || stages.contains(&0) || !sums_to(stages, log_slots) {
            return Err(Error::DftStages { stages: stages.clone(), log_slots });
        }
        if level < matrices {
            return Err(Error::LevelExhausted { level, required: matrices });
        }
        if !shape.factor.is_finite() {
            return Err(Error::NotFinite { slot: 0 });
        }
        let mut dft = Self { direction, shape, transforms: Vec::with_capacity(matrices) };
        let mut known: BTreeSet<i64> = known.into_iter().collect();
        for index in 0..matrices {
            let diagonals = merged_indices(slots, &dft.stages(index));
            let (level, slots) = (level - index, dft.slots(index));
            let transform =
                LinearTransform::with_known_rotations(parameters, level, slots, diagonals, &known)?;
            known.extend(transform.rotations());
            dft.transforms.push(transform);
        }
        Ok(dft)
    }

    /// The matrices, in the order in which they are applied.
    #[must_use]
    pub fn transforms(&self) -> &[LinearTransform] {
        &self.transforms
    }

    /// All rotations of the matrices, each once. A simulation tells what else is needed (a conjugation, a rotation by
    /// n).
    #[must_use]
    pub fn rotations(&self) -> BTreeSet<i64> {
        self.transforms.iter().flat_map(LinearTransform::rotations).collect()
    }

    /// Bytes of the encoded diagonals.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.transforms.iter().map(LinearTransform::memory_bytes).sum()
    }

    /// The noise of each ciphertext of the result, in the coefficients that its slots are read from. Each operand has
    /// the given noise, and `message` is the root mean square of its slots times the scale. The mean over the slots is
    /// exact, as S_k/√2 is unitary. The noise of key switches inside the matrices, which is far below their rounding,
    /// is left out.
    #[must_use]
    pub fn noise(&self, operand: Noise, message: f64) -> Noise {
        use std::f64::consts::SQRT_2;
        let (direction, packing) = (self.direction, self.shape.packing);
        let merged =
            if (direction, packing) == (Direction::SlotsToCoeffs, Packing::Apart) { SQRT_2 } else { 1.0 };
        let mut state = (operand.times(merged), message * merged);
        for index in 0..self.transforms.len() {
            state = self.matrix_noise(index, state);
        }
        let (noise, switch) =
            (state.0, Noise::key_switch(self.transforms[0].parameters(), self.output_level()));
        match (direction, packing) {
            // With its conjugate: two coefficients, independent.
            (Direction::CoeffsToSlots, _) => noise.times(SQRT_2).plus(switch),
            // With its rotation: twice the same coefficient, of those that are left.
            (Direction::SlotsToCoeffs, Packing::SideBySide) => noise.times(2.0).plus(switch),
            (Direction::SlotsToCoeffs, Packing::Apart) => noise,
        }
    }

    /// Noise and message after one matrix.
    fn matrix_noise(&self, index: usize, (noise, message): (Noise, f64)) -> (Noise, f64) {
        let transform = &self.transforms[index];
        let parameters = transform.parameters();
        let log_growth = match self.direction {
            Direction::CoeffsToSlots => -0.5,
            Direction::SlotsToCoeffs => 0.5,
        } * f64::from(self.shape.stages[index]);
        let scales = self.output_scale(index).divided_by(&self.shape.from).to_f64();
        let gain = self.factor(index).abs() * scales * log_growth.exp2();
        let divisor = parameters.rescaling_factor(transform.level()).to_f64();
        let encoding = (transform.diagonal_count() as f64).sqrt() * message / divisor;
        let encoding = Noise::plaintext_rounding().times(encoding);
        (noise.times(gain).plus(encoding).plus(Noise::rounding(parameters)), message * gain)
    }

    fn encode<A: LinearArithmetic>(&self, arithmetic: &A) -> Result<Dft<A::Transform>, Error> {
        let transforms = self.transforms.iter().enumerate().map(|(index, transform)| {
            let (from, to) = (&self.shape.from, self.output_scale(index));
            let diagonals = LazyLock::new(|| merged(self.direction, self.shape.slots, self.stages(index)));
            let factor = self.factor(index);
            arithmetic.encode_transform(transform, &transform.diagonal_scale(from, to), |k| {
                self.diagonal(index, &diagonals, k).map(|entry| entry * factor).collect()
            })
        });
        let transforms = transforms.collect::<Result<_, _>>()?;
        Ok(Dft { direction: self.direction, shape: self.shape.clone(), transforms })
    }

    /// The stages of a matrix, from 1 to log₂ n.
    fn stages(&self, index: usize) -> RangeInclusive<u32> {
        let stages = &self.shape.stages;
        let before = match self.direction {
            Direction::CoeffsToSlots => stages[index + 1..].iter().sum::<u32>(),
            Direction::SlotsToCoeffs => stages[..index].iter().sum(),
        };
        before + 1..=before + stages[index]
    }

    /// Whether a matrix has the mask that splits or merges the halves of 2n slots.
    fn is_masked(&self, index: usize) -> bool {
        self.shape.packing == Packing::SideBySide
            && match self.direction {
                Direction::CoeffsToSlots => index + 1 == self.shape.stages.len(),
                Direction::SlotsToCoeffs => index == 0,
            }
    }

    /// The slots that a matrix acts on.
    fn slots(&self, index: usize) -> usize {
        match (self.shape.packing, self.direction) {
            (Packing::SideBySide, Direction::SlotsToCoeffs) => 2 * self.shape.slots,
            _ if self.is_masked(index) => 2 * self.shape.slots,
            _ => self.shape.slots,
        }
    }

    fn output_scale(&self, index: usize) -> &Scale {
        if index + 1 == self.shape.stages.len() { &self.shape.to } else { &self.shape.from }
    }

    /// What all matrices together multiply the polynomial by, besides the DFT.
    fn gain(&self) -> f64 {
        self.shape.factor * self.shape.to.divided_by(&self.shape.from).to_f64()
    }

    /// What the entries of a matrix are multiplied by: the gain is spread evenly, whatever scale the result has.
    fn factor(&self, index: usize) -> f64 {
        let (gain, matrices) = (self.gain(), self.shape.stages.len());
        let even = gain.abs().powf(1.0 / matrices as f64);
        let scales = self.output_scale(index).divided_by(&self.shape.from).to_f64();
        let last = index + 1 == matrices;
        even / scales
            * if last { gain.signum() } else { 1.0 }
            * if last && self.direction == Direction::CoeffsToSlots { 0.5 } else { 1.0 }
    }

    /// Diagonal k of a matrix on the slots it acts on, before its factor.
    fn diagonal<'a>(
        &'a self,
        index: usize,
        diagonals: &'a Diagonals,
        k: usize,
    ) -> impl Iterator<Item = Complex64> + 'a {
        let (n, slots) = (self.shape.slots, self.slots(index));
        let repeated = diagonals[&(k % n)].iter().cycle().take(slots);
        let second_half = move |slot: usize| self.is_masked(index) && slot % slots >= n;
        repeated.enumerate().map(move |(row, &entry)| match self.direction {
            Direction::CoeffsToSlots if second_half(row) => -Complex64::I * entry,
            Direction::SlotsToCoeffs if second_half(row + k) => Complex64::I * entry,
            _ => entry,
        })
    }
}

/// Whether the stages sum to `sum`, without overflow for any numbers.
fn sums_to(stages: &[u32], sum: u32) -> bool {
    stages.iter().try_fold(0_u32, |sum, &stages| sum.checked_add(stages)) == Some(sum)
}

/// Cuts the log₂ `slots` stages into `matrices` parts that differ by one at most, the larger ones first. There are
/// fewer parts where there are fewer stages.
fn even_stages(slots: usize, matrices: usize) -> Vec<u32> {
    let stages = slots.max(1).ilog2();
    let parts = u32::try_from(matrices).map_or(stages, |matrices| matrices.min(stages));
    (0..parts).map(|index| (stages + parts - 1 - index) / parts).collect()
}

/// The transform that takes coefficients into slots, planned or, with `T` = [`LinearArithmetic::Transform`], encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct CoeffsToSlots<T = LinearTransform> {
    dft: Dft<T>,
}

impl CoeffsToSlots {
    /// A plan. Baby and giant steps are chosen such that few keys are needed besides those of the rotations in `known`
    /// ([`LinearTransform::with_known_rotations`]).
    ///
    /// # Errors
    ///
    /// [`Error::SlotCount`], [`Error::DftStages`], [`Error::LevelRange`], [`Error::LevelExhausted`] for more matrices
    /// than levels, [`Error::NotFinite`] for the factor.
    pub fn new(
        parameters: &Parameters,
        shape: DftShape,
        known: impl IntoIterator<Item = i64>,
    ) -> Result<Self, Error> {
        Ok(Self { dft: Dft::new(parameters, Direction::CoeffsToSlots, shape, known)? })
    }

    /// The log₂ n stages in about equal parts. Larger parts come first, where they have fewer diagonals.
    #[must_use]
    pub fn even_stages(slots: usize, matrices: usize) -> Vec<u32> {
        even_stages(slots, matrices)
    }

    /// Encodes the diagonals.
    ///
    /// # Errors
    ///
    /// Those of [`LinearArithmetic::encode_transform`].
    pub fn encode<A: LinearArithmetic>(&self, arithmetic: &A) -> Result<CoeffsToSlots<A::Transform>, Error> {
        Ok(CoeffsToSlots { dft: self.dft.encode(arithmetic)? })
    }
}

impl<T> CoeffsToSlots<T> {
    /// Its matrices.
    #[must_use]
    pub fn dft(&self) -> &Dft<T> {
        &self.dft
    }

    /// The coefficients of `a`, in units of its scale and times the factor, as real slots in bit-reversed order.
    ///
    /// # Errors
    ///
    /// [`Error::ScaleMismatch`] where `a` has not the scale planned for, and those of [`LinearArithmetic`].
    pub fn apply<A: LinearArithmetic<Transform = T>>(
        &self,
        arithmetic: &A,
        a: &A::Ciphertext,
    ) -> Result<Coefficients<A::Ciphertext>, Error> {
        let half = self.dft.apply(arithmetic, a)?;
        let conjugate = arithmetic.conjugate(&half)?;
        let real = arithmetic.add(&half, &conjugate)?;
        Ok(match self.dft.shape.packing {
            Packing::SideBySide => Coefficients::SideBySide(real),
            Packing::Apart => {
                let imaginary = arithmetic.multiply_by_i(&arithmetic.sub(&conjugate, &half)?)?;
                Coefficients::Apart { real, imaginary }
            }
        })
    }
}

/// The transform that takes slots back into coefficients, planned or, with `T` = [`LinearArithmetic::Transform`],
/// encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotsToCoeffs<T = LinearTransform> {
    dft: Dft<T>,
}

impl SlotsToCoeffs {
    /// A plan, as for [`CoeffsToSlots::new`].
    ///
    /// # Errors
    ///
    /// As [`CoeffsToSlots::new`].
    pub fn new(
        parameters: &Parameters,
        shape: DftShape,
        known: impl IntoIterator<Item = i64>,
    ) -> Result<Self, Error> {
        Ok(Self { dft: Dft::new(parameters, Direction::SlotsToCoeffs, shape, known)? })
    }

    /// The log₂ n stages in about equal parts. Larger parts come last, where they have fewer diagonals.
    #[must_use]
    pub fn even_stages(slots: usize, matrices: usize) -> Vec<u32> {
        even_stages(slots, matrices).into_iter().rev().collect()
    }

    /// Encodes the diagonals.
    ///
    /// # Errors
    ///
    /// Those of [`LinearArithmetic::encode_transform`].
    pub fn encode<A: LinearArithmetic>(&self, arithmetic: &A) -> Result<SlotsToCoeffs<A::Transform>, Error> {
        Ok(SlotsToCoeffs { dft: self.dft.encode(arithmetic)? })
    }
}

impl<T> SlotsToCoeffs<T> {
    /// Its matrices.
    #[must_use]
    pub fn dft(&self) -> &Dft<T> {
        &self.dft
    }

    /// The ciphertext whose coefficients, in units of its scale, are the given ones times the factor.
    ///
    /// # Errors
    ///
    /// [`Error::CoefficientPacking`] for coefficients that are packed otherwise, [`Error::ScaleMismatch`] for another
    /// scale than planned, and those of [`LinearArithmetic`].
    pub fn apply<A: LinearArithmetic<Transform = T>>(
        &self,
        arithmetic: &A,
        coefficients: &Coefficients<A::Ciphertext>,
    ) -> Result<A::Ciphertext, Error> {
        let (expected, found) = (self.dft.shape.packing, coefficients.packing());
        if expected != found {
            return Err(Error::CoefficientPacking { expected, found });
        }
        match coefficients {
            Coefficients::SideBySide(both) => {
                let halves = self.dft.apply(arithmetic, both)?;
                arithmetic.trace(&halves, self.dft.shape.slots)
            }
            Coefficients::Apart { real, imaginary } => {
                let complex = arithmetic.add(real, &arithmetic.multiply_by_i(imaginary)?)?;
                self.dft.apply(arithmetic, &complex)
            }
        }
    }
}

#[cfg(test)]
mod tests;
