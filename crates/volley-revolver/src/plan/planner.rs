//! Simulated members of the family, kept for one circuit and any demands.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use volley_ckks::costs::{CostModel, Memory};
use volley_ckks::{KeySpec, Parameters};

use super::Circuit;
use super::candidate::Candidate;
use super::parts::Parts;
use super::simulated::Counted;
use crate::layout::{Layout, Shape};
use crate::skewed::Split;

/// A layout and a split of it, under a parameter set.
pub(super) type Asked<'s> = (&'s Parameters, (Layout, Split));

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
        let known = self.known(&(parameters, (layout, split)), |(counted, least_bytes)| {
            let key_spec = counted.key_spec.under(parameters);
            (Counted { key_spec, ..counted.clone() }, Arc::clone(least_bytes))
        })?;
        Ok(Candidate::new(self.circuit, parameters, (layout, split), known, self.model))
    }

    /// The server's seconds of each of some members, from simulations of them or of their [parts](Parts), whichever are
    /// fewer.
    pub(super) fn seconds(&self, asked: &[Asked<'_>]) -> Result<Vec<f64>, C::Error> {
        let parts_of = |&(_, (layout, split)): &Asked<'_>| {
            Parts::of(&layout, split).splits().map(|part| (layout, part))
        };
        let parts: HashSet<_> = asked.iter().flat_map(parts_of).collect();
        let members: HashSet<_> = asked.iter().map(|&(_, member)| member).collect();
        let by_parts = parts.len() < members.len();
        let of_member = |&(parameters, (layout, split)): &Asked<'_>| {
            let counts_of =
                |split| self.known(&(parameters, (layout, split)), |(counted, _)| counted.counts.clone());
            let counts =
                if by_parts { Parts::of(&layout, split).counts(counts_of) } else { counts_of(split) };
            Ok(self.model.seconds(parameters, &counts?))
        };
        asked.iter().map(of_member).collect()
    }

    /// The memory that a member takes at least, keys not included: nothing is simulated for it.
    pub(super) fn least_memory(&self, parameters: &Parameters, layout: Layout, split: Split) -> u64 {
        let encoded = self.circuit.encoded_bytes(parameters, layout);
        let bytes = self.circuit.least_bytes(parameters, layout, split);
        Memory::new(parameters, &KeySpec::new(parameters), bytes, 0, encoded).total()
    }

    /// What is made of what is known of a member, or of what a first simulation of it tells.
    fn known<T>(
        &self,
        &(parameters, (layout, split)): &Asked<'_>,
        read: impl FnOnce(&Known) -> T,
    ) -> Result<T, C::Error> {
        let levels = 0..=parameters.max_level();
        let member = Member {
            primes: levels.map(|level| parameters.level_primes(level).to_vec()).collect(),
            special: self.circuit.depends_on_special_primes().then(|| parameters.p().to_vec()),
            log_n: parameters.log_n(),
            log_scale: parameters.log_scale(),
            layout,
            split,
        };
        let all = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all().get(&member) {
            return Ok(read(known));
        }
        let counted = Counted::of(self.circuit, parameters, layout, split)?;
        let least_bytes = counted.least_bytes.max(self.circuit.least_bytes(parameters, layout, split));
        let known = (counted, Arc::new(AtomicU64::new(least_bytes)));
        Ok(read(all().entry(member).or_insert(known)))
    }
}
