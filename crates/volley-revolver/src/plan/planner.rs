//! Simulated members of the family, kept for one circuit and any demands.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use volley_ckks::costs::{CostModel, Memory};
use volley_ckks::{KeySpec, Parameters};

use super::Circuit;
use super::candidate::Candidate;
use super::simulated::Counted;
use crate::layout::{Layout, Shape};
use crate::skewed::Split;

/// Plans of one circuit. It keeps what was simulated, so that other demands take little time.
#[derive(Debug)]
pub struct Planner<'a, C> {
    pub(super) circuit: &'a C,
    model: &'a CostModel,
    known: Mutex<HashMap<Member, Known>>,
    /// The memory of a plan that is refused already.
    pub(super) refused: Option<u64>,
}

/// What a member does, and bytes that its ciphertexts take at least. These become more where its memory is simulated.
type Known = (Counted, Arc<AtomicU64>);

/// What operations depend on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Member {
    /// The primes of each level.
    primes: Vec<Vec<u64>>,
    /// The special primes, where the circuit depends on them.
    special: Option<Vec<u64>>,
    log_n: u32,
    log_scale: u32,
    layout: Layout,
    split: Split,
}

impl<'a, C: Circuit> Planner<'a, C> {
    /// Of a circuit whose time is foreseen by `model`.
    #[must_use]
    pub fn new(circuit: &'a C, model: &'a CostModel) -> Self {
        Self { circuit, model, known: Mutex::default(), refused: None }
    }

    /// From now on plans that meet no limit of memory are of no interest where they take more than so many bytes: one
    /// that takes these is known. That there is none is known sooner.
    pub fn refuse_above(&mut self, required: u64) {
        self.refused = Some(required);
    }

    /// The cheapest layout by the default split in the widest rows under one parameter set, among all sizes of class
    /// blocks.
    ///
    /// # Errors
    ///
    /// As [`Layout::new`], and those of the circuit.
    pub fn layout_by_default(&self, shape: Shape, parameters: &Parameters) -> Result<Layout, C::Error> {
        let layouts = Layout::family(shape, parameters.max_slots()).map_err(C::Error::from)?;
        Ok(self.widest(parameters, &layouts)?.layout())
    }

    /// The candidate by the default split in the widest rows, for the size of class blocks that takes the least time.
    pub(super) fn widest(
        &self,
        parameters: &Parameters,
        layouts: &[Layout],
    ) -> Result<Candidate<'a, C>, C::Error> {
        let sizes = layouts.chunk_by(|a, b| a.period() == b.period());
        let by_default = |layout: Layout| self.candidate(parameters, layout, Split::on_copies(&layout));
        let mut widest = sizes.map(|layouts| by_default(layouts[layouts.len() - 1]));
        let first = widest.next().unwrap_or_else(|| by_default(layouts[0]))?;
        widest.try_fold(first, |best, other| Ok(best.faster(other?)))
    }

    /// One member of the family.
    ///
    /// # Errors
    ///
    /// Those of the circuit.
    pub fn candidate(
        &self,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
    ) -> Result<Candidate<'a, C>, C::Error> {
        let known = self.known(parameters, layout, split)?;
        Ok(Candidate::new(self.circuit, parameters, (layout, split), known, self.model))
    }

    /// The memory that a member takes at least, keys not included: nothing is simulated for it.
    pub(super) fn least_memory(&self, parameters: &Parameters, layout: Layout, split: Split) -> u64 {
        let encoded = self.circuit.encoded_bytes(parameters, layout);
        let bytes = self.circuit.least_bytes(parameters, layout, split);
        Memory::new(parameters, &KeySpec::new(parameters), bytes, 0, encoded).total()
    }

    /// What is known of a member, or what a first simulation of it tells.
    fn known(&self, parameters: &Parameters, layout: Layout, split: Split) -> Result<Known, C::Error> {
        let levels = 0..=parameters.max_level();
        let member = Member {
            primes: levels.map(|level| parameters.level_primes(level).to_vec()).collect(),
            special: self.circuit.depends_on_special_primes().then(|| parameters.p().to_vec()),
            log_n: parameters.log_n(),
            log_scale: parameters.log_scale(),
            layout,
            split,
        };
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((counted, least_bytes)) = known().get(&member) {
            let key_spec = counted.key_spec.under(parameters);
            return Ok((Counted { key_spec, ..counted.clone() }, Arc::clone(least_bytes)));
        }
        let counted = Counted::of(self.circuit, parameters, layout, split)?;
        let least_bytes = counted.least_bytes.max(self.circuit.least_bytes(parameters, layout, split));
        let least_bytes = Arc::new(AtomicU64::new(least_bytes));
        known().insert(member, (counted.clone(), Arc::clone(&least_bytes)));
        Ok((counted, least_bytes))
    }
}
