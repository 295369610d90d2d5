//! Planning: which parameters, layout and split a circuit on encrypted matrices should use, and what it will take.
//!
//! A [`Circuit`] is run on a [`Simulator`] for the members of the family that come into question, before any key
//! exists. What runs is the circuit itself, so levels, keys, operation counts and memory are exact. Only the time is an
//! estimate, from a [`CostModel`].

use std::sync::Arc;

use volley_ckks::costs::{CostModel, Memory};
use volley_ckks::params::ParametersError;
use volley_ckks::{KeySpec, OperationCounts, Parameters, ParametersLiteral, Security, Simulator, Upload};

mod alive;
mod candidate;
mod parts;
mod planner;
mod search;
mod simulated;
mod threads;

use crate::error::{Error, LARGEST_LOG_N};
use crate::layout::{Layout, Shape};
use crate::skewed::Split;
use simulated::{Counted, Peak};

pub use candidate::Candidate;
pub use planner::Planner;
pub use simulated::simulated_groups;

/// Bits of q₀: the longest that primes have.
const FIRST_PRIME_BITS: u32 = 50;
/// Bits of each prime above q₀, and log₂ of the scale: the first of these for which a ring has the levels. Rounding
/// errors grow with √N, and the longer primes more than make up for it. Under q₀ alone a slot may then be 2⁶ or 2⁹ in
/// size.
const LEVEL_BITS: [u32; 2] = [43, 40];
/// Bits of each special prime.
const SPECIAL_PRIME_BITS: u32 = 50;
/// More special primes make fewer digits, but the keys larger; beyond this many nothing is gained.
const MAX_SPECIAL_PRIMES: usize = 8;
/// Longer chains fit no row of the security table: they are refused without looking for primes.
const MAX_LEVELS: usize = 100;
/// Most groups that a circuit works on at a time.
const MAX_GROUPS_AT_ONCE: usize = 8;
/// The rings that are tried: below 2^12 nothing fits the security table, above 2^16 nothing fits a machine.
const LOG_N: (u32, u32) = (12, LARGEST_LOG_N);

/// A computation on encrypted matrices that can be planned.
///
/// It does the same to every group of rows, column block and class block: of many only a few are simulated to count
/// operations. For each further group it has as much more alive ([`simulated_groups`]). What its forward products take
/// does not depend on how the backward ones are split, nor the reverse: of many splits only a few are simulated to find
/// the fastest. What ciphertexts it has alive does not depend on how rotations are made
/// ([`Rotations`](crate::skewed::Rotations)): key switches aside, one simulation tells the memory of four splits.
pub trait Circuit: Sync {
    /// The error of the layer that the circuit belongs to.
    type Error: From<Error> + Send;

    /// Levels between the inputs and what is decrypted, and those that shall be left after it.
    fn levels(&self) -> usize;

    /// log₂ of the scale that the circuit needs in a ring, for results that must be more precise than most; `None` for
    /// the usual one. Above 50 bits a level takes several primes.
    fn log_scale(&self, shape: Shape, log_n: u32) -> Option<u32> {
        let _ = (shape, log_n);
        None
    }

    /// Bytes of plaintexts that are encoded once and kept.
    fn encoded_bytes(&self, parameters: &Parameters, layout: Layout) -> u64 {
        let _ = (parameters, layout);
        0
    }

    /// Bytes of the upload that stay in memory beside the ciphertexts that are made of it: all of it, or less if it is
    /// read again.
    fn upload_memory_bytes(&self, upload: Upload) -> u64 {
        upload.memory_bytes
    }

    /// Bytes of ciphertexts that are alive at the same time at least, as far as that is known without a simulation:
    /// those of rows that are kept. What cannot fit the memory for them is not simulated.
    fn least_bytes(&self, parameters: &Parameters, layout: Layout, split: Split) -> u64 {
        let _ = (parameters, layout, split);
        0
    }

    /// Keys that it takes in a layout by any split, as far as that is known without a simulation.
    fn least_keys(&self, parameters: &Parameters, layout: Layout) -> KeySpec {
        let _ = layout;
        KeySpec::new(parameters)
    }

    /// Whether its operations depend on the special primes, as those of linear transforms on the slots do. Where they
    /// do not, only one of the parameter sets that differ in special primes alone is simulated for them.
    fn depends_on_special_primes(&self) -> bool {
        true
    }

    /// How many groups of rows it works on at a time, at most eight: what is alive of other groups is what is kept of
    /// them all along.
    fn groups_at_once(&self, layout: Layout) -> usize {
        let _ = layout;
        MAX_GROUPS_AT_ONCE
    }

    /// Runs the circuit on simulated ciphertexts, its inputs made by
    /// [`Simulator::input`](volley_ckks::Simulator::input).
    ///
    /// # Errors
    ///
    /// What the arithmetic refuses.
    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Self::Error>;
}

/// Which ring degree to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RingChoice {
    /// The one that is cheapest by the cost model.
    #[default]
    Cheapest,
    /// N = 2^log_n.
    LogN(u32),
}

/// What is demanded of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demands {
    /// The ring degree.
    pub ring: RingChoice,
    /// The security of the parameters.
    pub security: Security,
    /// Most bytes that the file of the evaluation keys may have.
    pub key_bytes: Option<u64>,
    /// Most bytes that the server's [memory](Memory) may be, with so many threads.
    pub memory_bytes: Option<u64>,
    /// The server's threads.
    pub threads: usize,
}

impl Default for Demands {
    /// The cheapest ring at 128-bit security, with keys of any size, any memory and one thread.
    fn default() -> Self {
        Self {
            ring: RingChoice::Cheapest,
            security: Security::Classical128,
            key_bytes: None,
            memory_bytes: None,
            threads: 1,
        }
    }
}

/// Parameters, layout and split of a circuit, and what it takes.
#[derive(Clone, Debug)]
pub struct Plan {
    parameters: Parameters,
    layout: Layout,
    split: Split,
    counted: Counted,
    peak: Peak,
    encoded_bytes: u64,
    upload_bytes: u64,
    seconds: f64,
    owner_seconds: f64,
    line_seconds: f64,
}

/// Why there is no plan: the reason of the plan that came closest.
enum Refusal<E> {
    /// The plan takes this much memory.
    Memory(u64),
    /// The plan's keys have so many bytes.
    Keys(u64),
    /// There is no plan at all.
    Circuit(E),
}

impl<E> Refusal<E> {
    /// The one of two that came closer. Where the circuit refused both it is the second, which is of the larger ring,
    /// as the smaller one was too small anyway.
    fn closer(self, other: Self) -> Self {
        match (self, other) {
            (Self::Memory(a), Self::Memory(b)) => Self::Memory(a.min(b)),
            (Self::Keys(a), Self::Keys(b)) => Self::Keys(a.min(b)),
            (memory @ Self::Memory(_), _) | (_, memory @ Self::Memory(_)) => memory,
            (keys @ Self::Keys(_), _) | (_, keys @ Self::Keys(_)) => keys,
            (_, circuit) => circuit,
        }
    }
}

impl<E: From<Error>> Refusal<E> {
    fn into_error(self, demands: Demands) -> E {
        match self {
            Self::Circuit(error) => error,
            Self::Keys(required) => {
                Error::TooManyKeys { required, limit: demands.key_bytes.unwrap_or(u64::MAX) }.into()
            }
            Self::Memory(required) => {
                Error::TooMuchMemory { required, limit: demands.memory_bytes.unwrap_or(u64::MAX) }.into()
            }
        }
    }
}

impl<E> From<E> for Refusal<E> {
    fn from(error: E) -> Self {
        Self::Circuit(error)
    }
}

impl Plan {
    /// The plan that takes the server the least time by `model` among those that meet the demands. The same demands
    /// give the same plan: circuits run on one thread, however many the machine has.
    ///
    /// Special primes are chosen for the default split first, then all layouts and splits are compared for them. Any
    /// number of special primes and the splits with few keys come into question in two cases only: where the fastest
    /// plan is too large, and where keys and upload take the owner longer to make than the server computes. In the
    /// second case the plan is the one whose total [cost](Self::cost) is least.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyLevels`] where no ring that may be used has enough levels at the demanded security (it says
    /// which ring would do), [`Error::TooFewSlots`] where no layout fits (it says how many slots would),
    /// [`Error::TooManyKeys`] where the leanest plan's keys are larger than demanded, [`Error::TooMuchMemory`] where
    /// the leanest plan does not fit the memory, and those of the circuit.
    pub fn cheapest<C: Circuit>(
        shape: Shape,
        circuit: &C,
        demands: Demands,
        model: &CostModel,
    ) -> Result<Self, C::Error> {
        Planner::new(circuit, model).cheapest(shape, demands)
    }

    /// The plan of one member of the family.
    ///
    /// # Errors
    ///
    /// Those of the circuit.
    pub fn of<C: Circuit>(
        circuit: &C,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
        model: &CostModel,
    ) -> Result<Self, C::Error> {
        Planner::new(circuit, model).candidate(parameters, layout, split)?.into_plan()
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The layout: where the entries of the matrices lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Which shifts are made on copies.
    #[must_use]
    pub fn split(&self) -> Split {
        self.split
    }

    /// Operations by level.
    #[must_use]
    pub fn counts(&self) -> &OperationCounts {
        &self.counted.counts
    }

    /// The evaluation keys, each up to the highest level where it is used.
    #[must_use]
    pub fn key_spec(&self) -> &KeySpec {
        &self.counted.key_spec
    }

    /// What the owner uploads, keys not included.
    #[must_use]
    pub fn upload(&self) -> Upload {
        self.counted.upload
    }

    /// The most memory that the server takes at any time, with so many threads.
    #[must_use]
    pub fn memory(&self, threads: usize) -> Memory {
        let (key_spec, upload, encoded) = (&self.counted.key_spec, self.upload_bytes, self.encoded_bytes);
        self.peak.memory(&self.parameters, key_spec, upload, encoded, threads)
    }

    /// Seconds of the server by the model that the plan was chosen with.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Seconds of both parties together by the model: the server computes, the owner makes keys and upload, and these
    /// are sent.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.seconds + self.owner_seconds + self.line_seconds
    }

    /// Estimated seconds in which the owner makes the keys, on one core with these times.
    #[must_use]
    pub fn key_seconds_on(&self, core: &CostModel) -> f64 {
        core.owner_seconds(self.counted.key_spec.byte_count())
    }

    /// Estimated seconds of the server on one core with these times, the first use of its memory included.
    #[must_use]
    pub fn seconds_on(&self, core: &CostModel) -> f64 {
        core.seconds(&self.parameters, &self.counted.counts) + core.first_use_seconds(self.memory(1).total())
    }
}

/// The parameter set of one ring with so many levels and special primes, if there is one.
fn build(
    log_n: u32,
    levels: usize,
    special: usize,
    security: Security,
    log_scale: Option<u32>,
) -> Option<Parameters> {
    let build = |bits| literal(log_n, bits, levels, special, security).build().ok();
    if levels > MAX_LEVELS {
        return None;
    }
    match log_scale {
        Some(bits) => build(bits),
        None => LEVEL_BITS.into_iter().find_map(build),
    }
}

fn literal(
    log_n: u32,
    level_bits: u32,
    levels: usize,
    special: usize,
    security: Security,
) -> ParametersLiteral {
    let per_level = level_bits.div_ceil(FIRST_PRIME_BITS);
    // The bits of a level are cut into parts that differ by one at most.
    let level = (0..per_level).map(|index| (level_bits + index) / per_level).collect();
    let first = vec![FIRST_PRIME_BITS; per_level as usize];
    ParametersLiteral {
        log_n,
        levels: [vec![first], vec![level; levels]].concat(),
        p_bits: vec![SPECIAL_PRIME_BITS; special],
        log_scale: level_bits,
        security,
    }
}

/// Why no parameter set of this ring has so many levels, and what would have them.
fn no_parameters(
    log_n: u32,
    required: usize,
    security: Security,
    log_scale: impl Fn(u32) -> Option<u32>,
) -> Error {
    if let Err(error @ ParametersError::LogN { .. }) = literal(log_n, LEVEL_BITS[1], 0, 1, security).build() {
        return Error::Ckks(error.into());
    }
    let fits = |log_n, levels| build(log_n, levels, 1, security, log_scale(log_n)).is_some();
    let available = (0..required.min(MAX_LEVELS + 1)).rev().find(|&levels| fits(log_n, levels)).unwrap_or(0);
    let sufficient_log_n =
        (LOG_N.0..=LOG_N.1).filter(|&larger| larger > log_n).find(|&larger| fits(larger, required));
    Error::TooManyLevels { log_n, required, available, sufficient_log_n }
}

#[cfg(test)]
mod tests;
