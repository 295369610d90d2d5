//! What a circuit takes, from its simulation.
//!
//! **Operations.** A circuit does the same to every group of rows but the last one, and adds what groups give to one
//! sum. So G ≥ 2 groups take C(G) = F + (G − 2)·M + L: what the first, each of those between and the last group take,
//! with their additions. Two simulations of few groups, whose last one is as full as the circuit's, tell all of it:
//!
//! ```text
//! C(G) = C(g) + (G − g)·(C(g + 1) − C(g)),   g ≥ 2
//! ```
//!
//! It also does the same to every column block, and to every class block, the first and the last as well. So along
//! these axes the same holds for g ≥ 1.
//!
//! **Memory.** The same holds of the most bytes that are alive at a time, for larger g. What is kept of a group adds to
//! them all along, but what is alive of it while it is worked on depends on the groups beside it: with w of them at a
//! time the greatest need can be in the first, in a middle or in the last window, so g = 3·w. When most is alive
//! depends on the number of blocks, so that all of them are simulated. Such a simulation takes longer, and is made only
//! where memory decides.
//!
//! Tests compare both with the simulation of all groups.

use std::sync::Arc;

use volley_ckks::costs::Memory;
use volley_ckks::{KeySpec, OperationCounts, Parameters, Simulator, Upload};

use super::Circuit;
use super::threads::on_one_thread;
use crate::error::Error;
use crate::layout::{Layout, MAX_WHOLE_GROUPS, Shape};
use crate::skewed::Split;

/// Groups of the smaller of the two simulations that count operations. The first group is a pair of row blocks, which
/// every layout of several groups has.
const COUNTED_GROUPS: usize = 2;

/// Column blocks, and class blocks, of the smaller of the two simulations that count operations.
const COUNTED_BLOCKS: usize = 1;

/// The most groups that planning simulates instead of those of a layout: for operations, and for memory.
#[must_use]
pub fn simulated_groups(layout: &Layout) -> usize {
    let of_both = |few| if layout.groups() <= few + 1 { layout.groups() } else { few + few + 1 };
    of_both(COUNTED_GROUPS) + of_both(MAX_WHOLE_GROUPS - 1)
}

/// What a circuit does, needs and is given under one parameter set, in one layout and by one split.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) counts: OperationCounts,
    pub(super) key_spec: KeySpec,
    pub(super) upload: Upload,
    /// At least so many bytes of ciphertexts are alive at the same time: those that are in few groups.
    pub(super) least_bytes: u64,
}

/// What it has alive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    /// Of ciphertexts alive at the same time, on one thread.
    pub(super) ciphertext_bytes: u64,
    /// What a further thread works on.
    pub(super) thread_bytes: u64,
    /// Of the ciphertexts, without what key switches hold while they run: the same under all special primes.
    pub(super) least_bytes: u64,
}

impl Counted {
    /// Simulates [`COUNTED_GROUPS`] and one more, of [`COUNTED_BLOCKS`] and one more along either axis.
    pub(super) fn of<C: Circuit>(
        circuit: &C,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
    ) -> Result<Self, C::Error> {
        let of = |layout| Ok(Self::from(&*simulated(circuit, parameters, layout, split)?));
        let of = |layout| Axis::ClassBlocks.by_few(layout, COUNTED_BLOCKS, of, Self::continued);
        let of = |layout| Axis::ColumnBlocks.by_few(layout, COUNTED_BLOCKS, of, Self::continued);
        Axis::Groups.by_few(layout, COUNTED_GROUPS, of, Self::continued)
    }

    /// `self` and `times` times what `next` takes more. Keys are those of `next`.
    fn continued(&self, next: &Self, times: u64) -> Self {
        let (from, to) = (self.upload, next.upload);
        let upload = Upload {
            ciphertexts: grown(from.ciphertexts as u64, to.ciphertexts as u64, times) as usize,
            bytes: grown(from.bytes, to.bytes, times),
            memory_bytes: grown(from.memory_bytes, to.memory_bytes, times),
        };
        let counts = self.counts.continued(&next.counts, times);
        Self { counts, key_spec: next.key_spec.clone(), upload, least_bytes: next.least_bytes }
    }
}

impl From<&Simulator> for Counted {
    fn from(simulator: &Simulator) -> Self {
        Self {
            counts: simulator.counts(),
            key_spec: simulator.key_spec(),
            upload: simulator.upload(),
            least_bytes: simulator.peak_ciphertext_bytes(),
        }
    }
}

impl Peak {
    /// Simulates three times the groups that the circuit works on at a time, and one more. In both simulations it then
    /// goes through as many as ever after others, before the last group.
    pub(super) fn of<C: Circuit>(
        circuit: &C,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
    ) -> Result<Self, C::Error> {
        let few = (3 * circuit.groups_at_once(layout)).clamp(COUNTED_GROUPS, MAX_WHOLE_GROUPS - 1);
        let of = |layout| Ok(Self::from(&*simulated(circuit, parameters, layout, split)?));
        Axis::Groups.by_few(layout, few, of, Self::continued)
    }

    /// The memory of a server that keeps so many bytes of an upload and of encoded plaintexts, with so many threads.
    pub(super) fn memory(
        self,
        parameters: &Parameters,
        key_spec: &KeySpec,
        upload: u64,
        encoded: u64,
        threads: usize,
    ) -> Memory {
        let scratch = (threads as u64).saturating_sub(1).saturating_mul(self.thread_bytes);
        Memory { scratch, ..Memory::new(parameters, key_spec, self.ciphertext_bytes, upload, encoded) }
    }

    /// `self` and `times` times what `next` takes more. The memory of a thread is that of `next`.
    fn continued(&self, next: &Self, times: u64) -> Self {
        Self {
            ciphertext_bytes: grown(self.ciphertext_bytes, next.ciphertext_bytes, times),
            thread_bytes: next.thread_bytes,
            least_bytes: grown(self.least_bytes, next.least_bytes, times),
        }
    }
}

impl From<&Simulator> for Peak {
    fn from(simulator: &Simulator) -> Self {
        Self {
            ciphertext_bytes: simulator.peak_memory_bytes(),
            thread_bytes: simulator.key_switch_bytes(),
            least_bytes: simulator.peak_ciphertext_bytes(),
        }
    }
}

/// The simulator after all groups of a layout.
fn simulated<C: Circuit>(
    circuit: &C,
    parameters: &Parameters,
    layout: Layout,
    split: Split,
) -> Result<Arc<Simulator>, C::Error> {
    let simulator = Arc::new(Simulator::new(parameters));
    on_one_thread(|| circuit.simulate(&simulator, layout, split))?;
    Ok(simulator)
}

/// What a layout has several of, to each of which a circuit does the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Groups,
    ColumnBlocks,
    ClassBlocks,
}

impl Axis {
    fn count(self, layout: &Layout) -> usize {
        match self {
            Self::Groups => layout.groups(),
            Self::ColumnBlocks => layout.column_blocks(),
            Self::ClassBlocks => layout.class_blocks(),
        }
    }

    /// The same layout with another count.
    fn with_count(self, layout: &Layout, count: usize) -> Result<Layout, Error> {
        let shape = layout.shape();
        let shape = match self {
            Self::Groups => Shape { samples: samples_in(layout, count), ..shape },
            Self::ColumnBlocks => Shape { columns: count * layout.columns_per_block(), ..shape },
            Self::ClassBlocks => Shape { classes: count * layout.period(), ..shape },
        };
        Layout::with_period_and_width(shape, layout.slots(), layout.period(), layout.width())
    }

    /// What a layout takes: from a `few` of them and one more, where it has more.
    fn by_few<T, E: From<Error>>(
        self,
        layout: Layout,
        few: usize,
        of: impl Fn(Layout) -> Result<T, E>,
        continued: impl Fn(&T, &T, u64) -> T,
    ) -> Result<T, E> {
        let count = self.count(&layout);
        // Both simulations together may take longer than that of all; of groups they have fewer alive at a time.
        let whole = if self == Self::Groups { few + 1 } else { few + few + 1 };
        if count <= whole {
            return of(layout);
        }
        let of_count = |count| of(self.with_count(&layout, count)?);
        Ok(continued(&of_count(few)?, &of_count(few + 1)?, (count - few) as u64))
    }
}

/// `from`, and `times` times what `to` is more.
fn grown(from: u64, to: u64, times: u64) -> u64 {
    from.saturating_add(to.saturating_sub(from).saturating_mul(times))
}

/// The samples of so many groups of which the last is as full as the layout's.
fn samples_in(layout: &Layout, groups: usize) -> usize {
    let last = layout.groups() - 1;
    let in_last: usize = layout.parts(last).iter().map(|&part| layout.part_samples(last, part).len()).sum();
    (groups - 1) * 2 * layout.rows() + in_last
}

#[cfg(test)]
mod tests;
