//! Members of the family that are compared.

use std::sync::Arc;

use volley_ckks::Parameters;
use volley_ckks::costs::{CostModel, Memory};

use super::alive::Alive;
use super::simulated::{Counted, Peak};
use super::{Circuit, Demands, Plan};
use crate::layout::Layout;
use crate::skewed::Split;

/// A plan in the making: its operations and keys are known, and its memory, which takes longer to simulate, is found
/// out where it decides.
#[derive(Debug)]
pub struct Candidate<'a, C> {
    circuit: &'a C,
    parameters: Parameters,
    layout: Layout,
    split: Split,
    counted: Counted,
    seconds: f64,
    owner_seconds: f64,
    line_seconds: f64,
    alive: Arc<Alive>,
}

impl<'a, C: Circuit> Candidate<'a, C> {
    pub(super) fn new(
        circuit: &'a C,
        parameters: &Parameters,
        (layout, split): (Layout, Split),
        (counted, alive): (Counted, Arc<Alive>),
        model: &CostModel,
    ) -> Self {
        let bytes = counted.key_spec.byte_count().saturating_add(counted.upload.bytes);
        Self {
            circuit,
            parameters: parameters.clone(),
            layout,
            split,
            seconds: model.seconds(parameters, &counted.counts),
            owner_seconds: model.owner_seconds(bytes),
            line_seconds: model.line_seconds(bytes),
            counted,
            alive,
        }
    }

    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    pub(super) fn split(&self) -> Split {
        self.split
    }

    /// Seconds of the server.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Seconds of both parties together.
    pub(super) fn cost(&self) -> f64 {
        self.seconds + self.owner_seconds + self.line_seconds
    }

    /// Whether the owner takes longer than the server.
    pub(super) fn burdens_owner(&self) -> bool {
        self.owner_seconds > self.seconds
    }

    /// Bytes of the file of the keys.
    pub(super) fn key_bytes(&self) -> u64 {
        self.counted.key_spec.byte_count()
    }

    /// Whether keys and memory are within what is demanded.
    ///
    /// # Errors
    ///
    /// Those of the circuit.
    pub fn meets(&self, demands: Demands) -> Result<bool, C::Error> {
        // No memory is simulated of what is too large without it.
        let may_fit = self.key_excess(demands) == 0 && self.least_memory_excess(demands) == 0;
        Ok(may_fit && self.memory_excess(demands)? == 0)
    }

    /// Bytes of keys beyond what is demanded.
    pub(super) fn key_excess(&self, demands: Demands) -> u64 {
        excess(self.key_bytes(), demands.key_bytes)
    }

    /// Bytes of memory beyond what is demanded.
    pub(super) fn memory_excess(&self, demands: Demands) -> Result<u64, C::Error> {
        match demands.memory_bytes {
            None => Ok(0),
            limit => Ok(excess(self.memory(demands.threads)?.total(), limit)),
        }
    }

    /// No more than that, as far as it is known: nothing is simulated for it.
    pub(super) fn least_memory_excess(&self, demands: Demands) -> u64 {
        if demands.memory_bytes.is_none() {
            return 0;
        }
        let least_bytes = self.alive.least_bytes();
        let least = Peak { ciphertext_bytes: least_bytes, thread_bytes: 0, least_bytes };
        excess(self.memory_with(least, demands.threads).total(), demands.memory_bytes)
    }

    /// The most memory that the server takes at any time, with so many threads.
    pub(super) fn memory(&self, threads: usize) -> Result<Memory, C::Error> {
        Ok(self.memory_with(self.peak()?, threads))
    }

    fn memory_with(&self, peak: Peak, threads: usize) -> Memory {
        let (encoded, upload) = (
            self.circuit.encoded_bytes(&self.parameters, self.layout),
            self.circuit.upload_memory_bytes(self.counted.upload),
        );
        peak.memory(&self.parameters, &self.counted.key_spec, upload, encoded, threads)
    }

    fn peak(&self) -> Result<Peak, C::Error> {
        self.alive.peak(&self.parameters, self.split, || {
            Peak::of(self.circuit, &self.parameters, self.layout, self.split)
        })
    }

    /// The plan, with its memory.
    pub(super) fn into_plan(self) -> Result<Plan, C::Error> {
        let peak = self.peak()?;
        Ok(Plan {
            encoded_bytes: self.circuit.encoded_bytes(&self.parameters, self.layout),
            upload_bytes: self.circuit.upload_memory_bytes(self.counted.upload),
            parameters: self.parameters,
            layout: self.layout,
            split: self.split,
            counted: self.counted,
            peak,
            seconds: self.seconds,
            owner_seconds: self.owner_seconds,
            line_seconds: self.line_seconds,
        })
    }

    /// The one of two that takes the server less time, or else the first.
    pub(super) fn faster(self, other: Self) -> Self {
        if other.seconds < self.seconds { other } else { self }
    }
}

fn excess(bytes: u64, limit: Option<u64>) -> u64 {
    bytes.saturating_sub(limit.unwrap_or(u64::MAX))
}
