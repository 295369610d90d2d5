//! What a circuit takes, from its simulation.
//!
//! Every group of rows takes the same, but for the last one. So a circuit of many groups is simulated for few of them,
//! and for one more: what the two differ by is what each further group adds. The last group is in both what it is in
//! the circuit.

use std::sync::Arc;

use volley_ckks::{KeySpec, OperationCounts, Parameters, Simulator, Upload};

use super::{Circuit, on_one_thread};
use crate::layout::{Layout, MAX_WHOLE_GROUPS};
use crate::skewed::Split;

/// Groups of the smaller of the two simulations. A circuit that works on some groups at a time works on no more than a
/// third of them: in both simulations it then goes through as many as ever after others, before the last group.
const FEW_GROUPS: usize = MAX_WHOLE_GROUPS - 1;

/// The number of groups that planning simulates instead of those of a layout.
#[must_use]
pub fn simulated_groups(layout: &Layout) -> usize {
    if layout.groups() <= MAX_WHOLE_GROUPS { layout.groups() } else { FEW_GROUPS + MAX_WHOLE_GROUPS }
}

/// What a circuit takes under one parameter set, in one layout and by one split.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Simulated {
    pub(super) counts: OperationCounts,
    pub(super) key_spec: KeySpec,
    pub(super) upload: Upload,
    /// Of ciphertexts alive at the same time, on one thread.
    pub(super) ciphertext_bytes: u64,
    /// What a further thread works on.
    pub(super) thread_bytes: u64,
}

impl Simulated {
    /// Simulates [`simulated_groups`].
    pub(super) fn of<C: Circuit>(
        circuit: &C,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
    ) -> Result<Self, C::Error> {
        if layout.groups() <= MAX_WHOLE_GROUPS {
            return Self::whole(circuit, parameters, layout, split);
        }
        let of_groups = |groups| {
            let layout = layout.with_samples(samples_in(&layout, groups))?;
            Self::whole(circuit, parameters, layout, split)
        };
        let few = of_groups(FEW_GROUPS)?;
        let one_more = of_groups(MAX_WHOLE_GROUPS)?;
        Ok(few.continued(&one_more, (layout.groups() - FEW_GROUPS) as u64))
    }

    /// Simulates all groups.
    pub(super) fn whole<C: Circuit>(
        circuit: &C,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
    ) -> Result<Self, C::Error> {
        let simulator = Arc::new(Simulator::new(parameters));
        on_one_thread(|| circuit.simulate(&simulator, layout, split))?;
        Ok(Self {
            counts: simulator.counts(),
            key_spec: simulator.key_spec(),
            upload: simulator.upload(),
            ciphertext_bytes: simulator.peak_memory_bytes(),
            thread_bytes: simulator.key_switch_bytes(),
        })
    }

    /// `self` and `times` times what `next` takes more. Keys and the memory of a thread are those of `next`.
    fn continued(&self, next: &Self, times: u64) -> Self {
        let grown = |from: u64, to: u64| from.saturating_add(to.saturating_sub(from).saturating_mul(times));
        let (from, to) = (self.upload, next.upload);
        let upload = Upload {
            ciphertexts: grown(from.ciphertexts as u64, to.ciphertexts as u64) as usize,
            bytes: grown(from.bytes, to.bytes),
            memory_bytes: grown(from.memory_bytes, to.memory_bytes),
        };
        Self {
            counts: self.counts.continued(&next.counts, times),
            key_spec: next.key_spec.clone(),
            upload,
            ciphertext_bytes: grown(self.ciphertext_bytes, next.ciphertext_bytes),
            thread_bytes: next.thread_bytes,
        }
    }
}

/// The samples of so many groups of which the last is as full as the layout's.
fn samples_in(layout: &Layout, groups: usize) -> usize {
    let last = layout.groups() - 1;
    let in_last: usize = layout.parts(last).iter().map(|&part| layout.part_samples(last, part).len()).sum();
    (groups - 1) * 2 * layout.rows() + in_last
}

#[cfg(test)]
mod tests;
