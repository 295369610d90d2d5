//! The search of a [`Planner`]: which members of the family are simulated.
//!
//! Operations of all members that are compared are known, most of them from [parts](super::parts). Keys are simulated of
//! those that come into question as the fastest, memory of those only whose memory decides.
//!
//! Where none meets the demands the one is named that comes closest to them. Of each member there is a bound on how
//! close it may come, first without a simulation, then by its keys. The member whose bound is least is looked at more
//! closely, until that is one of which all is known: no other one can be closer.

use std::collections::BTreeSet;
use std::iter::once;

use volley_ckks::Parameters;

use super::candidate::Candidate;
use super::planner::{Asked, Planner};
use super::threads::{current_threads, on_one_thread, on_threads};
use super::{Circuit, Demands, LOG_N, MAX_SPECIAL_PRIMES, Plan, Refusal, RingChoice, build, no_parameters};
use crate::layout::{Layout, Shape};
use crate::skewed::{RowShifts, Split};

/// Layouts with more feature ciphertexts than this many times the fewest are not tried: each takes K products in
/// either direction for every class block, which fewer groups cannot make good.
const MAX_EXCESS: usize = 4;

impl<C: Circuit> Planner<'_, C> {
    /// As [`Plan::cheapest`].
    ///
    /// # Errors
    ///
    /// As [`Plan::cheapest`].
    pub fn cheapest(&self, shape: Shape, demands: Demands) -> Result<Plan, C::Error> {
        let search = Search::new(self, demands, None);
        on_one_thread(|| search.in_rings(shape).map_err(|refusal| refusal.into_error(demands))?.into_plan())
    }

    /// The same, where there is one that takes the server less than so many seconds; that is known sooner.
    #[must_use]
    pub fn faster_than(&self, seconds: f64, shape: Shape, demands: Demands) -> Option<Plan> {
        let search = Search::new(self, demands, Some(seconds));
        on_one_thread(|| {
            let found = search.in_rings(shape).ok().filter(|found| found.seconds() < seconds)?;
            found.into_plan().ok()
        })
    }

    /// As [`cheapest`](Self::cheapest), under one parameter set, for circuits that need levels of their own making.
    /// Ring and security of the demands are those of the set.
    ///
    /// # Errors
    ///
    /// As [`Plan::cheapest`], but for [`Error::TooManyLevels`](crate::Error::TooManyLevels).
    pub fn cheapest_under(
        &self,
        shape: Shape,
        parameters: &Parameters,
        demands: Demands,
    ) -> Result<Plan, C::Error> {
        let search = Search::new(self, demands, None);
        on_one_thread(|| {
            let cheapest = search.among(shape, parameters, &[]);
            cheapest.map_err(|refusal| refusal.into_error(demands))?.into_plan()
        })
    }

    /// As [`faster_than`](Self::faster_than), under one parameter set.
    #[must_use]
    pub fn faster_than_under(
        &self,
        seconds: f64,
        shape: Shape,
        parameters: &Parameters,
        demands: Demands,
    ) -> Option<Plan> {
        let search = Search::new(self, demands, Some(seconds));
        on_one_thread(|| {
            let found = search.among(shape, parameters, &[]).ok();
            found.filter(|found| found.seconds() < seconds)?.into_plan().ok()
        })
    }
}

/// The search for the cheapest plan of a circuit under some demands.
struct Search<'p, 'a, C> {
    planner: &'p Planner<'a, C>,
    demands: Demands,
    /// Seconds of a plan that there is already: slower ones are of no interest, nor is why there are no faster ones.
    in_hand: Option<f64>,
    /// Threads that simulate members.
    threads: usize,
    /// The memory of the leanest plan that is known, where it does not meet the demands: plans that take more are of no
    /// interest, if they do not either.
    refused: Option<u64>,
}

/// A candidate, or why there is none.
type Found<'a, C> = Result<Candidate<'a, C>, Refusal<<C as Circuit>::Error>>;

/// How far a member is from the demands, or is at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Distance {
    /// Bytes of keys beyond what is demanded.
    keys: u64,
    /// Bytes of memory beyond what is demanded.
    memory: u64,
    /// The server's seconds, as bits: these have the order of numbers that are not negative.
    seconds: u64,
}

/// What is known of a member's [`Distance`], the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// A bound without any simulation.
    Bounded,
    /// A bound by what it does.
    Counted,
    /// All of it.
    Known,
}

/// What a plan shall take as little of as possible.
#[derive(Clone, Copy, Debug)]
enum Measure {
    /// Seconds of the server.
    Seconds,
    /// Seconds of both parties together.
    Cost,
}

impl<'p, 'a, C: Circuit> Search<'p, 'a, C> {
    /// On the threads of the caller.
    fn new(planner: &'p Planner<'a, C>, demands: Demands, in_hand: Option<f64>) -> Self {
        Self { planner, demands, in_hand, threads: current_threads(), refused: planner.refused }
    }

    /// The fastest candidate in the rings that are demanded. What a smaller ring has is in hand in the larger ones.
    fn in_rings(&self, shape: Shape) -> Found<'a, C> {
        let (least, most) = match self.demands.ring {
            RingChoice::Cheapest => LOG_N,
            RingChoice::LogN(log_n) => (log_n, log_n),
        };
        (least..most).fold(self.in_ring(shape, least), |best, smaller| {
            let in_hand = best.iter().map(Candidate::seconds).chain(self.in_hand).reduce(f64::min);
            let of_smaller = if let Err(Refusal::Memory(required)) = best { Some(required) } else { None };
            let refused = of_smaller.into_iter().chain(self.refused).min();
            match (best, Self { in_hand, refused, ..*self }.in_ring(shape, smaller + 1)) {
                (Ok(a), Ok(b)) => Ok(a.faster(b)),
                (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(one),
                (Err(a), Err(b)) => Err(a.closer(b)),
            }
        })
    }

    /// The cheapest candidate in one ring.
    fn in_ring(&self, shape: Shape, log_n: u32) -> Found<'a, C> {
        let (circuit, security) = (self.planner.circuit, self.demands.security);
        let levels = circuit.levels();
        let log_scale = |log_n| circuit.log_scale(shape, log_n);
        let build = |special| build(log_n, levels, special, security, log_scale(log_n));
        let few =
            build(1).ok_or_else(|| C::Error::from(no_parameters(log_n, levels, security, log_scale)))?;
        let more: Vec<Parameters> = (2..=MAX_SPECIAL_PRIMES).filter_map(build).collect();
        self.among(shape, &few, &more)
    }

    /// The candidate under one of these parameter sets of one ring that takes the server the least time: the set is
    /// chosen for the default split, then layout and split. Where this one does not meet the demands, set and layout
    /// are those of the fastest one with few keys or copies that meets them, and the split is chosen for these. Where
    /// it takes the owner longer than the server, the set and split are taken with which both together take the least.
    /// Where it takes longer than what is in hand it is given as it is: what the demands allow takes longer still.
    ///
    /// Where classes may be cut into blocks there are too many members to compare them all. One choice is then made
    /// after the other: the size of the blocks, the parameter set, the width, the split.
    fn among(&self, shape: Shape, few: &Parameters, more: &[Parameters]) -> Found<'a, C> {
        let layouts = of_use(Layout::family(shape, few.max_slots()).map_err(C::Error::from)?);
        let sets: Vec<&Parameters> = once(few).chain(more).collect();
        if let Some(least) = self.least_unsimulated(&sets, &layouts)
            && self.demands.memory_bytes.is_some_and(|limit| least > limit)
        {
            // Nothing is simulated to find the fastest one then.
            let is_of_interest = self.in_hand.is_none() && self.refused.is_none_or(|refused| least < refused);
            return if is_of_interest {
                self.leanest(None, &sets, &layouts)
            } else {
                Err(Refusal::Memory(least))
            };
        }
        let layout = self.planner.widest(self.threads, few, &layouts)?;
        let first = self.planner.candidate(few, layout, Split::on_copies(&layout))?;
        let (same_size, others): (Vec<Layout>, Vec<Layout>) =
            layouts.iter().partition(|other| other.period() == layout.period());
        let first = self.fastest(first, &sets, &with_splits(&[layout], default_split))?;
        let set = [&first.parameters().clone()];
        let fastest = if others.is_empty() {
            self.fastest(first, &set, &with_splits(&same_size, Split::candidates))?
        } else {
            let best = self.fastest(first, &set, &with_splits(&same_size, default_split))?;
            let layout = best.layout();
            self.fastest(best, &set, &with_splits(&[layout], Split::candidates))?
        };
        if self.in_hand.is_some_and(|seconds| fastest.seconds() >= seconds) {
            return Ok(fastest);
        }
        let layout = fastest.layout();
        match self.refusal(&fastest)? {
            None if fastest.burdens_owner() => {
                let members = with_splits(&[layout], all_splits);
                let cheapest = self.meeting(&under(&sets, &members), Measure::Cost)?;
                Ok(cheapest.filter(|other| other.cost() < fastest.cost()).unwrap_or(fastest))
            }
            None => Ok(fastest),
            Some(_) => self.leanest(Some(&fastest), &sets, &[same_size, others].concat()),
        }
    }

    /// The memory of the least member without what only simulations tell, where memory alone is demanded.
    fn least_unsimulated(&self, sets: &[&Parameters], layouts: &[Layout]) -> Option<u64> {
        if self.demands.key_bytes.is_some() || self.demands.memory_bytes.is_none() {
            return None;
        }
        let members = with_splits(layouts, all_splits);
        under(sets, &members).iter().map(|asked| self.planner.least_memory(asked)).min()
    }

    /// The fastest candidate with few keys or copies that meets the demands, where the fastest one of all does not.
    /// Set and layout are those of the fastest one with a split of the extreme ones, the split is chosen for these.
    /// Where there is none, set and layout are those of the member that comes closest to the demands, of the fastest
    /// one and the extreme ones, and it is refused as the one that comes closest of all splits of these.
    fn leanest(
        &self,
        fastest: Option<&Candidate<'a, C>>,
        sets: &[&Parameters],
        layouts: &[Layout],
    ) -> Found<'a, C> {
        let fastest = fastest.map(|fastest| (fastest.parameters(), (fastest.layout(), fastest.split())));
        let extreme = under(sets, &with_splits(layouts, extreme_splits));
        let found = match self.meeting(&extreme, Measure::Seconds)? {
            None if self.in_hand.is_some() => None,
            None => self.closest(&[fastest.as_slice(), &extreme].concat())?,
            found => found,
        };
        let Some(found) = found else { return Err(Refusal::Memory(self.refused.unwrap_or(u64::MAX))) };
        let (set, layout) = (found.parameters(), found.layout());
        let all = under(&[set], &with_splits(&[layout], all_splits));
        if let Some(found) = self.meeting(&all, Measure::Seconds)? {
            return Ok(found);
        }
        let closest = match self.in_hand {
            Some(_) => None,
            None => self.closest(&[fastest.as_slice(), &all].concat())?,
        };
        Err(self.refusal(&closest.unwrap_or(found))?.unwrap_or(Refusal::Memory(u64::MAX)))
    }

    /// The fastest of a candidate and of some members under any of these sets.
    fn fastest(
        &self,
        first: Candidate<'a, C>,
        sets: &[&Parameters],
        members: &[Member],
    ) -> Result<Candidate<'a, C>, C::Error> {
        let asked = under(sets, members);
        let seconds = self.planner.seconds(self.threads, &asked)?;
        let least = seconds.iter().zip(&asked).min_by(|(a, _), (b, _)| a.total_cmp(b));
        match least {
            Some((&seconds, asked)) if seconds < first.seconds() => self.candidate(asked),
            _ => Ok(first),
        }
    }

    /// Which of the demands is not met, if one is not.
    fn refusal(&self, candidate: &Candidate<'_, C>) -> Result<Option<Refusal<C::Error>>, C::Error> {
        if candidate.key_excess(self.demands) > 0 {
            return Ok(Some(Refusal::Keys(candidate.key_bytes())));
        }
        if candidate.memory_excess(self.demands)? > 0 {
            return Ok(Some(Refusal::Memory(candidate.memory(self.demands.threads)?.total())));
        }
        Ok(None)
    }

    /// The candidate of the least measure that meets the demands. What is too large without a simulation is not
    /// simulated.
    fn meeting(&self, asked: &[Asked<'_>], measure: Measure) -> Result<Option<Candidate<'a, C>>, C::Error> {
        let limit = self.demands.memory_bytes.unwrap_or(u64::MAX);
        let possible: Vec<_> =
            asked.iter().filter(|asked| self.planner.least_memory(asked) <= limit).copied().collect();
        let measured = match measure {
            Measure::Seconds => self.planner.seconds(self.threads, &possible)?,
            Measure::Cost => {
                let costs = possible.iter().map(|asked| Ok(self.candidate(asked)?.cost()));
                costs.collect::<Result<_, C::Error>>()?
            }
        };
        let mut order: Vec<_> = possible.into_iter().zip(measured).collect();
        order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        for some in order.chunks(self.threads) {
            let tried = on_threads(self.threads, some, |(asked, _)| {
                // What was learnt of others may be enough.
                if self.planner.least_memory(asked) > limit {
                    return Ok(None);
                }
                let candidate = self.candidate(asked)?;
                Ok::<_, C::Error>(candidate.meets(self.demands)?.then_some(candidate))
            });
            for tried in tried {
                if let Some(candidate) = tried? {
                    return Ok(Some(candidate));
                }
            }
        }
        Ok(None)
    }

    /// The member that comes closest to the demands; none where all take more memory than a plan that is refused
    /// already. Of equal ones it is the first.
    fn closest(&self, asked: &[Asked<'_>]) -> Result<Option<Candidate<'a, C>>, C::Error> {
        let bounded = |(place, asked)| (self.bounded(asked), Stage::Bounded, place);
        let mut open: BTreeSet<_> = asked.iter().enumerate().map(bounded).collect();
        while let Some(&(distance, stage, place)) = open.first() {
            if self.is_refused(distance) {
                return Ok(None);
            }
            if stage == Stage::Known {
                return self.candidate(&asked[place]).map(Some);
            }
            let unknown = open.iter().filter(|(_, stage, _)| *stage != Stage::Known);
            let some: Vec<_> = unknown.take(self.threads).copied().collect();
            let seen = on_threads(self.threads, &some, |&(distance, stage, place)| {
                self.looked_at(distance, stage, &asked[place])
            });
            for (before, seen) in some.into_iter().zip(seen) {
                let (distance, stage) = seen?;
                open.remove(&before);
                open.insert((distance, stage, before.2));
            }
        }
        Ok(None)
    }

    /// How far a member is at least, without a simulation.
    fn bounded(&self, asked: &Asked<'_>) -> Distance {
        let least = self.planner.least_memory(asked);
        let limit = self.demands.memory_bytes.unwrap_or(u64::MAX);
        // Where keys are demanded as well they go before.
        Distance { keys: 0, memory: least.saturating_sub(limit), seconds: 0 }
    }

    /// Finds out more of a member whose distance is known so far, unless it has become larger by what was found out of
    /// others.
    fn looked_at(
        &self,
        before: Distance,
        stage: Stage,
        asked: &Asked<'_>,
    ) -> Result<(Distance, Stage), C::Error> {
        let bounded = self.bounded(asked);
        if stage == Stage::Bounded && bounded > before {
            return Ok((bounded, Stage::Bounded));
        }
        let candidate = self.candidate(asked)?;
        let of_candidate = |memory| {
            let keys = candidate.key_excess(self.demands);
            Distance { keys, memory, seconds: candidate.seconds().to_bits() }
        };
        let counted = of_candidate(candidate.least_memory_excess(self.demands));
        if counted > before {
            return Ok((counted, Stage::Counted));
        }
        Ok((of_candidate(candidate.memory_excess(self.demands)?), Stage::Known))
    }

    /// Whether a plan is refused already that takes no more memory than what is this far from the demands.
    fn is_refused(&self, distance: Distance) -> bool {
        let required = self.demands.memory_bytes.map(|limit| limit.saturating_add(distance.memory));
        let refused = required.zip(self.refused);
        distance.keys == 0 && refused.is_some_and(|(required, refused)| required >= refused)
    }

    fn candidate(&self, &(set, (layout, split)): &Asked<'_>) -> Result<Candidate<'a, C>, C::Error> {
        self.planner.candidate(set, layout, split)
    }
}

/// A layout and a split of it.
type Member = (Layout, Split);

/// Each of some members under each of some parameter sets.
fn under<'s>(sets: &[&'s Parameters], members: &[Member]) -> Vec<Asked<'s>> {
    members.iter().flat_map(|&member| sets.iter().map(move |&set| (set, member))).collect()
}

fn with_splits(layouts: &[Layout], splits: impl Fn(&Layout) -> Vec<Split>) -> Vec<Member> {
    layouts.iter().flat_map(|layout| splits(layout).into_iter().map(|split| (*layout, split))).collect()
}

fn default_split(layout: &Layout) -> Vec<Split> {
    vec![Split::on_copies(layout)]
}

/// All splits, those with few keys as well.
fn all_splits(layout: &Layout) -> Vec<Split> {
    [Split::candidates(layout), Split::lean_candidates(layout)].concat()
}

/// The splits that take the least time, and those with the fewest copies and sums.
fn extreme_splits(layout: &Layout) -> Vec<Split> {
    let default = Split::on_copies(layout);
    let extreme = |split: &Split| {
        let shifts = (split.forward_copies(), split.backward_steps(), split.row_shifts());
        let whole = layout.period();
        shifts == (whole, default.backward_steps(), RowShifts::Copies)
            || shifts == (1, whole, RowShifts::Sums)
    };
    all_splits(layout).into_iter().filter(extreme).collect()
}

/// The layouts whose feature ciphertexts are not too many for them to be cheap.
fn of_use(layouts: Vec<Layout>) -> Vec<Layout> {
    let ciphertexts = |layout: &Layout| layout.groups() * layout.column_blocks();
    let fewest = layouts.iter().map(ciphertexts).min().unwrap_or_default();
    layouts.into_iter().filter(|layout| ciphertexts(layout) <= MAX_EXCESS * fewest).collect()
}

#[cfg(test)]
mod tests;
