//! Simulated members of the family, kept for one circuit and any demands.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use volley_ckks::Parameters;
use volley_ckks::costs::{CostModel, Memory};

use super::Circuit;
use super::alive::Alive;
use super::candidate::Candidate;
use super::parts::Parts;
use super::simulated::Counted;
use super::threads::{current_threads, on_threads};
use crate::layout::{Layout, Shape};
use crate::skewed::{Rotations, Split};

/// A layout and a split of it, under a parameter set.
pub(super) type Asked<'s> = (&'s Parameters, (Layout, Split));

/// Plans of one circuit. It keeps what was simulated, so that other demands take little time.
#[derive(Debug)]
pub struct Planner<'a, C> {
    pub(super) circuit: &'a C,
    model: &'a CostModel,
    known: Mutex<HashMap<Member, Known>>,
    /// What members have alive, under those whose rotations are hoisted.
    alive: Mutex<HashMap<Member, Arc<Alive>>>,
    /// The memory of a plan that is refused already.
    pub(super) refused: Option<u64>,
}

/// What a member does, and what it has alive.
type Known = (Counted, Arc<Alive>);

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

/// The [parts](Parts) of a member.
fn parts<'s>(&(parameters, (layout, split)): &Asked<'s>) -> [Asked<'s>; 5] {
    Parts::of(&layout, split).splits().map(|part| (parameters, (layout, part)))
}

impl<'a, C: Circuit> Planner<'a, C> {
    /// Of a circuit whose time is foreseen by `model`.
    #[must_use]
    pub fn new(circuit: &'a C, model: &'a CostModel) -> Self {
        Self { circuit, model, known: Mutex::default(), alive: Mutex::default(), refused: None }
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
        self.widest(current_threads(), parameters, &layouts)
    }

    /// The layout in the widest rows, for the size of class blocks that takes the least time by the default split.
    pub(super) fn widest(
        &self,
        threads: usize,
        parameters: &Parameters,
        layouts: &[Layout],
    ) -> Result<Layout, C::Error> {
        let sizes = layouts.chunk_by(|a, b| a.period() == b.period());
        let widest: Vec<_> = sizes.map(|layouts| layouts[layouts.len() - 1]).collect();
        let by_default = |&layout: &Layout| (parameters, (layout, Split::on_copies(&layout)));
        let seconds = self.seconds(threads, &widest.iter().map(by_default).collect::<Vec<_>>())?;
        let least = widest.iter().zip(seconds).min_by(|(_, a), (_, b)| a.total_cmp(b));
        Ok(least.map_or(layouts[0], |(&layout, _)| layout))
    }

    /// One split of a layout under each of some parameter sets.
    ///
    /// # Errors
    ///
    /// Those of the circuit.
    pub fn candidates(
        &self,
        sets: &[Parameters],
        layout: Layout,
        split: Split,
    ) -> Result<Vec<Candidate<'a, C>>, C::Error> {
        on_threads(current_threads(), sets, |set| self.candidate(set, layout, split)).into_iter().collect()
    }

    /// One member of the family.
    ///
    /// # Errors
    ///
    /// Those of the circuit.
    pub(super) fn candidate(
        &self,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
    ) -> Result<Candidate<'a, C>, C::Error> {
        let known = self.known(&(parameters, (layout, split)), |(counted, alive)| {
            let key_spec = counted.key_spec.under(parameters);
            (Counted { key_spec, ..counted.clone() }, Arc::clone(alive))
        })?;
        Ok(Candidate::new(self.circuit, parameters, (layout, split), known, self.model))
    }

    /// The server's seconds of each of some members, from simulations of them or of their [parts](Parts), whichever are
    /// fewer, on so many threads.
    pub(super) fn seconds(&self, threads: usize, asked: &[Asked<'_>]) -> Result<Vec<f64>, C::Error> {
        let members = self.unknown(asked.iter().copied());
        let parts = self.unknown(asked.iter().flat_map(parts));
        let by_parts = parts.len() < members.len();
        // What is refused is refused again where it is asked for.
        on_threads(threads, if by_parts { &parts } else { &members }, |asked| {
            let _ = self.known(asked, |_| ());
        });
        let of_member = |&(set, (layout, split)): &Asked<'_>| {
            let counts_of =
                |split| self.known(&(set, (layout, split)), |(counted, _)| counted.counts.clone());
            let counts =
                if by_parts { Parts::of(&layout, split).counts(counts_of) } else { counts_of(split) };
            Ok(self.model.seconds(set, &counts?))
        };
        asked.iter().map(of_member).collect()
    }

    /// Those of some members that nothing is known of, each once.
    fn unknown<'s>(&self, asked: impl Iterator<Item = Asked<'s>>) -> Vec<Asked<'s>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = HashSet::new();
        asked
            .filter(|asked| {
                let member = self.member(asked);
                !known.contains_key(&member) && seen.insert(member)
            })
            .collect()
    }

    /// The memory that a member takes at least, without the keys of its split: nothing is simulated for it.
    pub(super) fn least_memory(&self, asked: &Asked<'_>) -> u64 {
        let &(parameters, (layout, _)) = asked;
        let encoded = self.circuit.encoded_bytes(parameters, layout);
        let (keys, bytes) = (self.circuit.least_keys(parameters, layout), self.alive(asked).least_bytes());
        Memory::new(parameters, &keys, bytes, 0, encoded).total()
    }

    /// What a member has alive, as far as it is known.
    fn alive(&self, &(parameters, (layout, split)): &Asked<'_>) -> Arc<Alive> {
        let hoisted = split.with_rotations(Rotations::Hoisted, Rotations::Hoisted);
        let member = self.member(&(parameters, (layout, hoisted)));
        let mut all = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(member).or_insert_with(|| {
            Arc::new(Alive::at_least(self.circuit.least_bytes(parameters, layout, split)))
        });
        Arc::clone(known)
    }

    /// What the operations of a member depend on.
    fn member(&self, &(parameters, (layout, split)): &Asked<'_>) -> Member {
        let levels = 0..=parameters.max_level();
        Member {
            primes: levels.map(|level| parameters.level_primes(level).to_vec()).collect(),
            special: self.circuit.depends_on_special_primes().then(|| parameters.p().to_vec()),
            log_n: parameters.log_n(),
            log_scale: parameters.log_scale(),
            layout,
            split,
        }
    }

    /// What is made of what is known of a member, or of what a first simulation of it tells.
    fn known<T>(&self, asked: &Asked<'_>, read: impl FnOnce(&Known) -> T) -> Result<T, C::Error> {
        let &(parameters, (layout, split)) = asked;
        let member = self.member(asked);
        let all = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all().get(&member) {
            return Ok(read(known));
        }
        let counted = Counted::of(self.circuit, parameters, layout, split)?;
        let alive = self.alive(asked);
        alive.learn(counted.least_bytes);
        Ok(read(all().entry(member).or_insert((counted, alive))))
    }
}
