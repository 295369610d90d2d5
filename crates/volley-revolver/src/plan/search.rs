//! The search of a [`Planner`]: which members of the family are simulated.
//!
//! Operations of all members that are compared are known, most of them from [parts](super::parts). Keys are simulated of
//! those that come into question as the fastest, memory of those only whose memory decides.

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

/// A candidate that meets the demands, or those that do not, in the places of the members that were asked for: none of
/// a member that is too large without its keys.
type Meeting<'a, C> = Result<Candidate<'a, C>, Vec<Option<Candidate<'a, C>>>>;

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
        if let Some(refusal) = self.refused_unsimulated(&sets, &layouts)? {
            return Err(refusal);
        }
        let layout = self.planner.widest(self.threads, few, &layouts)?;
        let first = self.planner.candidate(few, layout, Split::on_copies(&layout))?;
        let (same_size, others): (Vec<_>, Vec<_>) =
            layouts.into_iter().partition(|other| other.period() == layout.period());
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
                Ok(cheapest.ok().filter(|other| other.cost() < fastest.cost()).unwrap_or(fastest))
            }
            None => Ok(fastest),
            Some(refusal) => {
                let members = with_splits(&[same_size, others].concat(), extreme_splits);
                let closest = self.closest(fastest, &under(&sets, &members))?;
                let Some(closest) = closest else { return Err(refusal) };
                let set = [closest.parameters()];
                let asked = under(&set, &with_splits(&[closest.layout()], all_splits));
                match self.meeting(&asked, Measure::Seconds)? {
                    Ok(found) => Ok(found),
                    Err(_) if self.in_hand.is_some() => Err(refusal),
                    Err(refused) => Err(self.closest_refusal(refusal, &asked, refused)?),
                }
            }
        }
    }

    /// What the leanest plan takes, where all members are too large without their keys: nothing is simulated to find
    /// the fastest ones then.
    fn refused_unsimulated(
        &self,
        sets: &[&Parameters],
        layouts: &[Layout],
    ) -> Result<Option<Refusal<C::Error>>, C::Error> {
        let Some(limit) = self.demands.memory_bytes else { return Ok(None) };
        let members = with_splits(layouts, all_splits);
        let least = under(sets, &members).iter().map(|asked| self.least_memory(asked)).min().unwrap_or(0);
        if least <= limit {
            return Ok(None);
        }
        let refused = self.refused.unwrap_or(u64::MAX);
        if self.in_hand.is_some() || least >= refused {
            return Ok(Some(Refusal::Memory(least)));
        }
        let extreme = with_splits(layouts, extreme_splits);
        let required = match self.leanest(refused, under(sets, &extreme))? {
            None => refused,
            Some((required, (set, (layout, _)))) => {
                let members = with_splits(&[layout], all_splits);
                self.leanest(required, under(&[set], &members))?.map_or(required, |(required, _)| required)
            }
        };
        Ok(Some(Refusal::Memory(required)))
    }

    /// The leanest of some members and its memory, if one takes less than `required`. Those that take more are not
    /// simulated, as far as that is known.
    fn leanest<'s>(
        &self,
        mut required: u64,
        mut asked: Vec<Asked<'s>>,
    ) -> Result<Option<(u64, Asked<'s>)>, C::Error> {
        let limit = self.demands.memory_bytes.unwrap_or(u64::MAX);
        asked.sort_by_cached_key(|asked| self.least_memory(asked));
        let mut leanest = None;
        for asked in asked {
            if self.least_memory(&asked) >= required {
                break;
            }
            let candidate = self.candidate(&asked)?;
            if limit.saturating_add(candidate.least_memory_excess(self.demands)) < required {
                let total = candidate.memory(self.demands.threads)?.total();
                if total < required {
                    required = total;
                    leanest = Some((required, asked));
                }
            }
        }
        Ok(leanest)
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

    /// The candidate of the least measure that meets the demands; if there is none, those that could have met them, in
    /// their places. What is too large without its keys is not simulated.
    fn meeting(&self, asked: &[Asked<'_>], measure: Measure) -> Result<Meeting<'a, C>, C::Error> {
        let limit = self.demands.memory_bytes.unwrap_or(u64::MAX);
        let places: Vec<_> =
            (0..asked.len()).filter(|&place| self.least_memory(&asked[place]) <= limit).collect();
        let possible: Vec<_> = places.iter().map(|&place| asked[place]).collect();
        let measured = match measure {
            Measure::Seconds => self.planner.seconds(self.threads, &possible)?,
            Measure::Cost => {
                let costs = possible.iter().map(|asked| Ok(self.candidate(asked)?.cost()));
                costs.collect::<Result<_, C::Error>>()?
            }
        };
        let mut order: Vec<_> = places.into_iter().zip(measured).collect();
        order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let mut candidates: Vec<_> = asked.iter().map(|_| None).collect();
        for some in order.chunks(self.threads) {
            let tried = on_threads(self.threads, some, |&(place, _)| {
                let candidate = self.candidate(&asked[place])?;
                let meets = candidate.meets(self.demands)?;
                Ok::<_, C::Error>((place, candidate, meets))
            });
            for tried in tried {
                let (place, candidate, meets) = tried?;
                if meets {
                    return Ok(Ok(candidate));
                }
                candidates[place] = Some(candidate);
            }
        }
        Ok(Err(candidates))
    }

    /// Candidates that do not meet the demands, and those among the others that may take no more memory than
    /// `required`, or than one of them. The others are not simulated.
    fn with_others(
        &self,
        mut required: u64,
        asked: &[Asked<'_>],
        mut candidates: Vec<Option<Candidate<'a, C>>>,
    ) -> Result<Vec<Candidate<'a, C>>, C::Error> {
        let limit = self.demands.memory_bytes.unwrap_or(u64::MAX);
        let mut places: Vec<_> = (0..asked.len()).collect();
        places.sort_by_cached_key(|&place| (candidates[place].is_none(), self.least_memory(&asked[place])));
        for place in places {
            if self.least_memory(&asked[place]) > required {
                continue;
            }
            let candidate = match candidates[place].take() {
                Some(candidate) => candidate,
                None => self.candidate(&asked[place])?,
            };
            let has_keys = candidate.key_excess(self.demands) == 0;
            let least = limit.saturating_add(candidate.least_memory_excess(self.demands));
            if has_keys && self.demands.memory_bytes.is_some() && least <= required {
                required = required.min(candidate.memory(self.demands.threads)?.total());
            }
            candidates[place] = Some(candidate);
        }
        let mut found: Vec<_> = candidates.into_iter().flatten().collect();
        found.sort_by(|a, b| a.seconds().total_cmp(&b.seconds()));
        Ok(found)
    }

    fn candidate(&self, &(set, (layout, split)): &Asked<'_>) -> Result<Candidate<'a, C>, C::Error> {
        self.planner.candidate(set, layout, split)
    }

    /// The memory that a member takes at least, where memory alone decides.
    fn least_memory(&self, &(set, (layout, split)): &Asked<'_>) -> u64 {
        match self.demands {
            Demands { memory_bytes: Some(_), key_bytes: None, .. } => {
                self.planner.least_memory(set, layout, split)
            }
            _ => 0,
        }
    }

    /// The fastest candidate that meets the demands, or else the one that comes closest to them, of `first`, which does
    /// not, and of some members. With a plan in hand no other one will do.
    fn closest(
        &self,
        first: Candidate<'a, C>,
        asked: &[Asked<'_>],
    ) -> Result<Option<Candidate<'a, C>>, C::Error> {
        let refused = match self.meeting(asked, Measure::Seconds)? {
            Ok(found) => return Ok(Some(found)),
            Err(_) if self.in_hand.is_some() => return Ok(None),
            Err(refused) => refused,
        };
        let required = match self.demands.memory_bytes {
            Some(_) => first.memory(self.demands.threads)?.total(),
            None => u64::MAX,
        };
        let refused = self.with_others(required, asked, refused)?;
        let closest = self.leanest_first(refused).into_iter().try_fold(first, |best, candidate| {
            let keys = candidate.key_excess(self.demands).cmp(&best.key_excess(self.demands));
            let needed = best.memory_excess(self.demands)?;
            if keys.is_gt() || (keys.is_eq() && candidate.least_memory_excess(self.demands) > needed) {
                return Ok(best);
            }
            let order = keys.then(candidate.memory_excess(self.demands)?.cmp(&needed));
            let order = order.then(candidate.seconds().total_cmp(&best.seconds()));
            Ok(if order.is_lt() { candidate } else { best })
        });
        closest.map(Some)
    }

    /// Which of the demands are missed by the least, of a refusal and of members that do not meet them.
    fn closest_refusal(
        &self,
        first: Refusal<C::Error>,
        asked: &[Asked<'_>],
        refused: Vec<Option<Candidate<'a, C>>>,
    ) -> Result<Refusal<C::Error>, C::Error> {
        let limit = self.demands.memory_bytes.unwrap_or(u64::MAX);
        let required = if let Refusal::Memory(required) = first { required } else { u64::MAX };
        let refused = self.with_others(required, asked, refused)?;
        self.leanest_first(refused).into_iter().try_fold(first, |closest, candidate| {
            let least = limit.saturating_add(candidate.least_memory_excess(self.demands));
            if matches!(closest, Refusal::Memory(required) if least >= required) {
                return Ok(closest);
            }
            Ok(match self.refusal(&candidate)? {
                Some(refusal) => closest.closer(refusal),
                None => closest,
            })
        })
    }

    /// In the order of what they take at least: the first ones show that most others need not be simulated.
    fn leanest_first(&self, mut candidates: Vec<Candidate<'a, C>>) -> Vec<Candidate<'a, C>> {
        candidates.sort_by_cached_key(|candidate| {
            (candidate.key_excess(self.demands), candidate.least_memory_excess(self.demands))
        });
        candidates
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
