//! Linear transforms: y = M·x on the slots, for a matrix of few diagonals.
//!
//! Let rot(x, k)ⱼ = xⱼ₊ₖ, and let d_k be the generalised diagonals (d_k)ⱼ = M[j, j + k]. All indices are modulo the n
//! slots. Then
//!
//! ```text
//! M·x = Σ_k d_k ⊙ rot(x, k)
//!     = Σ_g rot( Σ_b rot(d_(g+b), −g) ⊙ rot(x, b), g )        k = g + b, baby steps b and giant steps g
//! ```
//!
//! (Halevi and Shoup, eprint 2018/244), so that about 2√D rotations serve D diagonals. They are *doubly hoisted*
//! (Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux, eprint 2020/1203, Algorithm 6). The rotations by baby steps share one
//! decomposition, and neither they nor the products with the diagonals are divided by P. Everything is summed modulo
//! Q·P, and divided once in the end. A giant step divides one polynomial, the one that it decomposes. The derivation is
//! in `docs/key_switching.md`.
//!
//! A [`LinearTransform`] is the plan for a shape: which steps, which keys, which operations. It is made before there
//! is any key, from the indices of the diagonals that are not zero. [`LinearArithmetic`] encodes the diagonals once
//! and applies them to many ciphertexts.

use std::collections::{BTreeMap, BTreeSet};

use num_complex::Complex64;

mod split;

use split::Split;

use crate::arithmetic::Arithmetic;
use crate::arithmetic::counts::Operation;
use crate::base::error::Error;
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::scheme::operand::Operand;

/// Giant steps whose sums are made at once, each of two polynomials modulo Q·P. Where there are more, the baby steps
/// are repeated for them.
pub(crate) const GIANTS_AT_ONCE: usize = 16;

/// The plan of a linear transform at one level: baby and giant steps for the diagonals of a matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearTransform {
    parameters: Parameters,
    level: usize,
    slots: usize,
    /// The baby steps in [−n/2, n/2); 0 is the ciphertext itself.
    babies: Vec<i64>,
    /// The giant steps. Step 0, which is no rotation, comes first if it is there: the others are added to its sum.
    giants: Vec<GiantStep>,
}

/// A giant step g and the terms that are summed before it, rot(Σ_b rot(d_(g+b), −g) ⊙ rot(x, b), g).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiantStep {
    /// g, in [−n/2, n/2); 0 is no rotation.
    pub step: i64,
    /// The terms of the sum.
    pub terms: Vec<DiagonalTerm>,
}

/// The product of a diagonal with the operand rotated by a baby step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiagonalTerm {
    /// Index of the baby step b in [`LinearTransform::babies`].
    pub baby: usize,
    /// k = g + b modulo n, the index of the generalised diagonal d_k.
    pub diagonal: usize,
}

impl LinearTransform {
    /// The plan for a matrix on `slots` slots of which only the given generalised diagonals are not zero, for
    /// ciphertexts at `level` and above. Indices are taken modulo the number of slots, so that −1 is the diagonal below
    /// the main one; repeated ones count once.
    ///
    /// The split into baby and giant steps is the one that takes the least time by a count of transforms and products,
    /// among all that have at most 64 baby steps.
    ///
    /// # Errors
    ///
    /// [`Error::LevelRange`], [`Error::SlotCount`], and [`Error::EmptySum`] for no diagonal.
    pub fn new(
        parameters: &Parameters,
        level: usize,
        slots: usize,
        diagonals: impl IntoIterator<Item = i64>,
    ) -> Result<Self, Error> {
        Self::planned(parameters, level, slots, diagonals, Split::cheapest)
    }

    /// As [`new`](Self::new), where the keys of the rotations in `known` exist in any case. The split is the one with
    /// the fewest further keys among those that take at most a quarter more than the least time. Steps are compared in
    /// [−n/2, n/2).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_known_rotations(
        parameters: &Parameters,
        level: usize,
        slots: usize,
        diagonals: impl IntoIterator<Item = i64>,
        known: &BTreeSet<i64>,
    ) -> Result<Self, Error> {
        let split = |parameters: &_, level, slots, diagonals: &_| {
            Split::fewest_keys(parameters, level, slots, diagonals, known)
        };
        Self::planned(parameters, level, slots, diagonals, split)
    }

    fn planned(
        parameters: &Parameters,
        level: usize,
        slots: usize,
        diagonals: impl IntoIterator<Item = i64>,
        split: impl FnOnce(&Parameters, usize, i64, &[i64]) -> Split,
    ) -> Result<Self, Error> {
        let (max_level, max) = (parameters.max_level(), parameters.max_slots());
        if level > max_level {
            return Err(Error::LevelRange { level, max: max_level });
        }
        if !slots.is_power_of_two() || slots > max {
            return Err(Error::SlotCount { values: slots, max });
        }
        let n = slots as i64;
        let diagonals: BTreeSet<i64> = diagonals.into_iter().map(|k| k.rem_euclid(n)).collect();
        if diagonals.is_empty() {
            return Err(Error::EmptySum);
        }
        let diagonals: Vec<i64> = diagonals.into_iter().collect();
        let split = split(parameters, level, n, &diagonals);
        Ok(Self::with_split(parameters, level, slots, &diagonals, split))
    }

    fn with_split(
        parameters: &Parameters,
        level: usize,
        slots: usize,
        diagonals: &[i64],
        split: Split,
    ) -> Self {
        let mut giants = BTreeMap::<(bool, i64), Vec<(i64, usize)>>::new();
        for &k in diagonals {
            let (giant, baby) = split.steps(k);
            giants.entry((giant != 0, giant)).or_default().push((baby, k as usize));
        }
        let babies: BTreeSet<i64> = giants.values().flatten().map(|&(baby, _)| baby).collect();
        let babies: Vec<i64> = babies.into_iter().collect();
        let position = |baby: i64| babies.partition_point(|&other| other < baby);
        let giants = giants
            .into_iter()
            .map(|((_, step), terms)| GiantStep {
                step,
                terms: terms
                    .into_iter()
                    .map(|(baby, diagonal)| DiagonalTerm { baby: position(baby), diagonal })
                    .collect(),
            })
            .collect();
        Self { parameters: parameters.clone(), level, slots, babies, giants }
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The level at which the transform is evaluated.
    #[must_use]
    pub fn level(&self) -> usize {
        self.level
    }

    /// The number of slots n; the matrix is n × n.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The number of diagonals.
    #[must_use]
    pub fn diagonal_count(&self) -> usize {
        self.giants.iter().map(|giant| giant.terms.len()).sum()
    }

    /// Rotations by the baby steps, in [−n/2, n/2). ([`rotate`](Arithmetic::rotate) writes the rotation by half the
    /// slots as n/2. For fewer slots than N/2 the steps −n/2 and n/2 have two keys, each of which serves both.)
    pub fn baby_steps(&self) -> impl Iterator<Item = i64> + '_ {
        self.babies.iter().copied().filter(|&step| step != 0)
    }

    /// Rotations by the giant steps, in [−n/2, n/2).
    pub fn giant_steps(&self) -> impl Iterator<Item = i64> + '_ {
        self.giants.iter().map(|giant| giant.step).filter(|&step| step != 0)
    }

    /// All rotations. Their keys are needed up to [`level`](Self::level), as
    /// [`KeySpec::rotations`](crate::KeySpec::rotations) takes them.
    pub fn rotations(&self) -> impl Iterator<Item = i64> + '_ {
        self.baby_steps().chain(self.giant_steps())
    }

    /// The scale of the diagonals with which the rescaled transform takes slots at scale `from` to scale `to`. It is
    /// exactly to·q/from, with the product q of the primes of the level.
    #[must_use]
    pub fn diagonal_scale(&self, from: &Scale, to: &Scale) -> Scale {
        to.times(&self.parameters.rescaling_factor(self.level)).divided_by(from)
    }

    /// Bytes of the encoded diagonals: each is a packed polynomial modulo Q_level·P.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.diagonal_count() as u64 * self.parameters.packed_extended_bytes(self.level)
    }

    /// Most bytes that an evaluation on one thread has alive besides operand, keys and diagonals: the digits, two
    /// polynomials modulo Q_level·P for each giant step (of at most 16), eight more for the switch of one of them, and
    /// two limbs for each baby step. Every further thread adds limbs of baby steps.
    #[must_use]
    pub fn scratch_bytes(&self) -> u64 {
        let digits = self.parameters.digit_count(self.level);
        let polys = digits + 2 * self.giants.len().min(GIANTS_AT_ONCE) + 8;
        self.limb_bytes() * (polys as u64 * self.extended_limbs() + 2 * self.babies.len() as u64)
    }

    fn limb_bytes(&self) -> u64 {
        (self.parameters.degree() * size_of::<u64>()) as u64
    }

    /// Limbs of a polynomial modulo Q_level·P.
    fn extended_limbs(&self) -> u64 {
        (self.parameters.limbs(self.level) + self.parameters.p().len()) as u64
    }

    /// The baby steps in ascending order, in [−n/2, n/2). Step 0, where there is one, is the ciphertext itself.
    #[must_use]
    pub fn babies(&self) -> &[i64] {
        &self.babies
    }

    /// The giant steps with their terms. Step 0, where there is one, is the first.
    #[must_use]
    pub fn giants(&self) -> &[GiantStep] {
        &self.giants
    }

    /// The operations of an evaluation, all at the transform's level.
    #[must_use]
    pub fn operations(&self) -> [(Operation, usize); 4] {
        let (babies, giants) = (self.baby_steps().count(), self.giant_steps().count());
        let rounds = self.giants.len().div_ceil(GIANTS_AT_ONCE);
        [
            (Operation::Hoisting, usize::from(babies > 0) + giants),
            (Operation::ExtendedRotation, rounds * babies + giants),
            (Operation::ModDown, giants + 2),
            (Operation::DiagonalProduct, self.diagonal_count()),
        ]
    }

    /// The operand of the encoded diagonals, all at the transform's level.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plan belongs to other parameters, and those of [`Operand::checked`] for
    /// the scale.
    pub fn diagonals(&self, parameters: &Parameters, scale: &Scale) -> Result<Operand, Error> {
        self.check(parameters)?;
        Operand { level: self.level, scale: scale.clone(), slots: self.slots }.checked(parameters)
    }

    /// Refuses what is no diagonal of the matrix: another number of values than slots, or a value that is not finite.
    ///
    /// # Errors
    ///
    /// [`Error::DiagonalLength`] and [`Error::NotFinite`].
    pub fn check_diagonal(&self, diagonal: usize, values: &[Complex64]) -> Result<(), Error> {
        if values.len() != self.slots {
            return Err(Error::DiagonalLength { diagonal, values: values.len(), slots: self.slots });
        }
        values
            .iter()
            .position(|value| !value.is_finite())
            .map_or(Ok(()), |slot| Err(Error::NotFinite { slot }))
    }

    /// The operand of M·a, not rescaled, for the operand of a and the scale of the diagonals. A ciphertext of fewer
    /// slots repeats.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plan belongs to other parameters, [`Error::TransformSlots`] for a
    /// ciphertext of more slots, [`Error::LevelExhausted`] for one below the transform's level, and those of
    /// [`Operand::checked`].
    pub fn product(&self, parameters: &Parameters, a: &Operand, scale: &Scale) -> Result<Operand, Error> {
        self.check(parameters)?;
        if a.slots > self.slots {
            return Err(Error::TransformSlots { transform: self.slots, ciphertext: a.slots });
        }
        Ok(Operand { slots: self.slots, ..a.scaled(parameters, scale, self.level)? })
    }

    fn check(&self, parameters: &Parameters) -> Result<(), Error> {
        if self.parameters.id() == parameters.id() { Ok(()) } else { Err(Error::ParameterMismatch) }
    }
}

/// [`Arithmetic`] that also applies linear transforms to the slots.
///
/// # Errors
///
/// Besides those of [`Arithmetic`], [`Error::TransformSlots`] for a ciphertext with more slots than the transform (one
/// with fewer repeats), [`Error::LevelExhausted`] for one below its level, and what the methods say.
///
/// A backend finds what to compute in [`LinearTransform::babies`] and [`LinearTransform::giants`], and the rules in
/// [`LinearTransform::diagonals`], [`LinearTransform::check_diagonal`] and [`LinearTransform::product`]. It may compute
/// M·a in another way; the keys that a circuit is planned with are those of these steps.
pub trait LinearArithmetic: Arithmetic {
    /// A [`LinearTransform`] with its encoded diagonals.
    type Transform: Send + Sync;

    /// Encodes the diagonals of a matrix at `scale` (see [`LinearTransform::diagonal_scale`]). `diagonal(k)` gives
    /// M[j, j + k] for all j, for each planned k in [0, n), from several threads; a simulator does not call it.
    ///
    /// # Errors
    ///
    /// [`Error::DiagonalLength`], [`Error::NotFinite`], [`Error::EncodingOverflow`], the errors of [`Operand`] for a
    /// scale that the level does not hold, [`Error::ParameterMismatch`] for a plan of another parameter set.
    fn encode_transform(
        &self,
        transform: &LinearTransform,
        scale: &Scale,
        diagonal: impl Fn(usize) -> Vec<Complex64> + Sync,
    ) -> Result<Self::Transform, Error>;

    /// M·a at the transform's level, not rescaled.
    #[expect(clippy::missing_errors_doc, reason = "the errors are those of the trait")]
    fn transform(&self, a: &Self::Ciphertext, transform: &Self::Transform)
    -> Result<Self::Ciphertext, Error>;

    /// M·a, rescaled in one division by P and the primes of the level, cheaper than one after the other.
    #[expect(clippy::missing_errors_doc, reason = "the errors are those of the trait")]
    fn transform_rescale(
        &self,
        a: &Self::Ciphertext,
        transform: &Self::Transform,
    ) -> Result<Self::Ciphertext, Error>;

    /// Σ rot(a, k·`slots`) over k < n/`slots`, for a ciphertext of n slots: the trace to the subring of `slots` slots,
    /// which the result has. Slots that repeat already are multiplied by n/`slots`. One decomposition serves to add up
    /// four repetitions: three rotations for each factor 4 of n/`slots`, and one for a factor 2 that is left.
    ///
    /// # Errors
    ///
    /// [`Error::SlotCount`] where `slots` is no power of two up to n.
    fn trace(&self, a: &Self::Ciphertext, slots: usize) -> Result<Self::Ciphertext, Error>;
}

#[cfg(test)]
mod tests;
