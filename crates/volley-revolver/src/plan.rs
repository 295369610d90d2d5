//! Planning: which parameters, layout and split a circuit on encrypted matrices should use, and what it will take.
//!
//! A [`Circuit`] is run on a [`Simulator`] for the members of the family that come into
//! question, before any key exists. What runs is the circuit itself, so levels, keys, operation counts and memory are
//! not estimates; only the time is, from a [`CostModel`].

use rayon::ThreadPoolBuilder;
use volley_ckks::params::ParametersError;
use volley_ckks::{KeySpec, OperationCounts, Parameters, ParametersLiteral, Security, Simulator, Upload};

mod cost;

pub use cost::CostModel;

use crate::skewed::Split;
use crate::{Error, Layout, Shape};

/// Bits of q₀: the longest that primes have.
const FIRST_PRIME_BITS: u32 = 50;
/// Bits of each prime above, and log₂ of the scale: the first of these for which a ring has the levels. Rounding errors
/// grow with √N, and the longer primes more than make up for it. Under q₀ alone a slot may then be 2⁶ or 2⁹ in size.
const LEVEL_BITS: [u32; 2] = [43, 40];
/// Bits of each special prime.
const SPECIAL_PRIME_BITS: u32 = 50;
/// More special primes make fewer digits, but the keys larger; beyond this many nothing is gained.
const MAX_SPECIAL_PRIMES: usize = 8;
/// Longer chains fit no row of the security table: they are refused without looking for primes.
const MAX_LEVELS: usize = 100;
/// Layouts with more feature ciphertexts than this many times the fewest are not tried: each takes K products in
/// either direction, which fewer groups cannot make good.
const MAX_EXCESS: usize = 4;
/// The rings that are tried: below 2^12 nothing fits the security table, above 2^16 nothing fits a machine.
const LOG_N: std::ops::RangeInclusive<u32> = 12..=16;

/// A computation on encrypted matrices that can be planned.
pub trait Circuit: Sync {
    /// The error of the layer that the circuit belongs to.
    type Error: From<Error> + Send;

    /// Levels between the inputs and what is decrypted, and those that shall be left then.
    fn levels(&self) -> usize;

    /// log₂ of the scale that the circuit needs in a ring, for results that must be more precise than most; `None` for
    /// the usual one. Above 50 bits a level takes several primes.
    fn log_scale(&self, shape: Shape, log_n: u32) -> Option<u32> {
        let _ = (shape, log_n);
        None
    }

    /// Runs the circuit on simulated ciphertexts, its inputs made by
    /// [`Simulator::input`](volley_ckks::Simulator::input).
    ///
    /// # Errors
    ///
    /// What the arithmetic refuses.
    fn simulate(&self, simulator: &Simulator, layout: Layout, split: Split) -> Result<(), Self::Error>;
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demands {
    /// The ring degree.
    pub ring: RingChoice,
    /// The security of the parameters.
    pub security: Security,
    /// Most bytes that keys and ciphertexts may take in the server's memory.
    pub memory_bytes: Option<u64>,
}

impl Default for Demands {
    /// The cheapest ring at 128-bit security, with any memory.
    fn default() -> Self {
        Self { ring: RingChoice::Cheapest, security: Security::Classical128, memory_bytes: None }
    }
}

/// Parameters, layout and split of a circuit, and what it takes.
#[derive(Clone, Debug)]
pub struct Plan {
    parameters: Parameters,
    layout: Layout,
    split: Split,
    counts: OperationCounts,
    key_spec: KeySpec,
    upload: Upload,
    ciphertext_bytes: u64,
    seconds: f64,
}

impl Plan {
    /// The plan that takes the least time by `model` among those that meet the demands. The same for the same demands:
    /// circuits run on one thread, whatever the machine has.
    ///
    /// Special primes are chosen for the default split first, then all layouts and splits are compared for them.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyLevels`] where no ring that may be used has enough levels at the demanded security (it says
    /// which ring would do), [`Error::TooFewSlots`] where no layout fits (it says how many slots would),
    /// [`Error::TooMuchMemory`] where the leanest plan does not fit the memory, and those of the circuit.
    pub fn cheapest<C: Circuit>(
        shape: Shape,
        circuit: &C,
        demands: Demands,
        model: &CostModel,
    ) -> Result<Self, C::Error> {
        on_one_thread(|| Self::search(shape, circuit, demands, model))
    }

    fn search<C: Circuit>(
        shape: Shape,
        circuit: &C,
        demands: Demands,
        model: &CostModel,
    ) -> Result<Self, C::Error> {
        let rings = match demands.ring {
            RingChoice::Cheapest => LOG_N,
            RingChoice::LogN(log_n) => log_n..=log_n,
        };
        let mut refusal = None;
        let mut feasible = Vec::new();
        for log_n in rings {
            match Self::for_ring(shape, circuit, log_n, demands.security, model) {
                Ok(plans) => feasible.extend(plans),
                // The largest ring's reason: the smaller ones were too small anyway.
                Err(reason) => refusal = Some(reason),
            }
        }
        let leanest = feasible.iter().map(Self::memory_bytes).min();
        let limit = demands.memory_bytes.unwrap_or(u64::MAX);
        let cheapest = feasible
            .into_iter()
            .filter(|plan| plan.memory_bytes() <= limit)
            .min_by(|a, b| a.seconds.total_cmp(&b.seconds));
        match (cheapest, leanest, refusal) {
            (Some(plan), ..) => Ok(plan),
            (None, Some(required), _) => Err(Error::TooMuchMemory { required, limit }.into()),
            (None, None, Some(reason)) => Err(reason),
            (None, None, None) => Err(Error::TooMuchMemory { required: 0, limit }.into()),
        }
    }

    /// All layouts and splits in one ring, with the number of special primes that suits the default split.
    fn for_ring<C: Circuit>(
        shape: Shape,
        circuit: &C,
        log_n: u32,
        security: Security,
        model: &CostModel,
    ) -> Result<Vec<Self>, C::Error> {
        let levels = circuit.levels();
        let log_scale = |log_n| circuit.log_scale(shape, log_n);
        let parameters: Vec<Parameters> = (1..=MAX_SPECIAL_PRIMES)
            .filter_map(|special| build(log_n, levels, special, security, log_scale(log_n)))
            .collect();
        if parameters.is_empty() {
            return Err(no_parameters(log_n, levels, security, log_scale).into());
        }
        let slots = 1 << (log_n - 1);
        let default = Layout::new(shape, slots)?;
        let split = Split::on_copies(&default);
        let plans = parameters
            .iter()
            .map(|parameters| Self::of(circuit, parameters, default, split, model))
            .collect::<Result<Vec<_>, _>>()?;
        let best = plans.into_iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let parameters = best.map_or_else(|| parameters[0].clone(), |plan| plan.parameters);
        let layouts = Layout::candidates(shape, slots)?;
        let ciphertexts = |layout: &Layout| layout.groups() * layout.column_blocks();
        let fewest = layouts.iter().map(ciphertexts).min().unwrap_or_default();
        layouts
            .into_iter()
            .filter(|layout| ciphertexts(layout) <= MAX_EXCESS * fewest)
            .flat_map(|layout| Split::candidates(&layout).into_iter().map(move |split| (layout, split)))
            .map(|(layout, split)| Self::of(circuit, &parameters, layout, split, model))
            .collect()
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
        let simulator = Simulator::new(parameters);
        on_one_thread(|| circuit.simulate(&simulator, layout, split))?;
        let counts = simulator.counts();
        Ok(Self {
            parameters: parameters.clone(),
            layout,
            split,
            seconds: model.seconds(parameters, &counts),
            counts,
            key_spec: simulator.key_spec(),
            upload: simulator.upload(),
            ciphertext_bytes: simulator.peak_memory_bytes(),
        })
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Where the matrices' entries lie.
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
        &self.counts
    }

    /// The evaluation keys, each up to the highest level where it is used.
    #[must_use]
    pub fn key_spec(&self) -> &KeySpec {
        &self.key_spec
    }

    /// What the owner uploads, keys not included.
    #[must_use]
    pub fn upload(&self) -> Upload {
        self.upload
    }

    /// Bytes of keys and ciphertexts in the server's memory when they take the most, on one thread; every further
    /// thread adds what a key switch works on.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.key_spec.memory_bytes() + self.ciphertext_bytes
    }

    /// Estimated seconds on one core.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

/// What is alive at the same time, and with it the memory of a plan, must not depend on chance or on the machine.
/// Where no thread can be started it does.
fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if rayon::current_num_threads() == 1 {
        return work();
    }
    match ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(thread) => thread.install(work),
        Err(_) => work(),
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
    // As equal as they can be.
    let level = (0..per_level).map(|index| (level_bits + index) / per_level);
    let mut q_bits: Vec<u32> = std::iter::repeat_n(level, levels + 1).flatten().collect();
    q_bits[..per_level as usize].fill(FIRST_PRIME_BITS);
    ParametersLiteral {
        log_n,
        q_bits,
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
    let sufficient_log_n = LOG_N.filter(|&larger| larger > log_n).find(|&larger| fits(larger, required));
    Error::TooManyLevels { log_n, required, available, sufficient_log_n }
}

#[cfg(test)]
mod tests;
