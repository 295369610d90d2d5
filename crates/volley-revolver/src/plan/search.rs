//! Which members of the family are simulated.

use std::iter::once;

use volley_ckks::Parameters;
use volley_ckks::costs::CostModel;

use super::{Circuit, Demands, Plan, Refusal};
use crate::layout::{Layout, Shape};
use crate::skewed::{RowShifts, Split};

/// Layouts with more feature ciphertexts than this many times the fewest are not tried: each takes K products in
/// either direction for every class block, which fewer groups cannot make good.
const MAX_EXCESS: usize = 4;

/// The search for the cheapest plan of a circuit.
pub(super) struct Search<'a, C> {
    pub(super) circuit: &'a C,
    pub(super) demands: Demands,
    pub(super) model: &'a CostModel,
}

/// A plan, or why there is none.
type Planned<C> = Result<Plan, Refusal<<C as Circuit>::Error>>;

impl<C: Circuit> Search<'_, C> {
    /// The plan under one of these parameter sets of one ring that takes the server the least time: the set is chosen
    /// for the default split, then layout and split. Where this plan does not meet the demands, set and layout
    /// are those of the fastest plan with few keys or copies that meets them, and the split is chosen for these. Where
    /// it takes the owner longer than the server, the set and split are taken with which both together take the least.
    ///
    /// Where classes may be cut into blocks there are too many members to compare them all. One choice is then made
    /// after the other: the size of the blocks, the parameter set, the width, the split.
    pub(super) fn among(&self, shape: Shape, few: &Parameters, more: &[Parameters]) -> Planned<C> {
        let layouts = of_use(Layout::family(shape, few.max_slots()).map_err(C::Error::from)?);
        let sets: Vec<&Parameters> = once(few).chain(more).collect();
        let first = self.by_default(few, &layouts)?;
        let layout = first.layout;
        let first = more.iter().try_fold(first, |best, set| {
            Ok::<_, C::Error>(best.faster(self.plan(set, (layout, Split::on_copies(&layout)))?))
        })?;
        let (same_size, others): (Vec<_>, Vec<_>) =
            layouts.into_iter().partition(|other| other.period() == layout.period());
        let fastest = if others.is_empty() {
            self.fastest(first, with_splits(&same_size, Split::candidates))?
        } else {
            let best =
                self.fastest(first, with_splits(&same_size, |layout| vec![Split::on_copies(layout)]))?;
            let layout = best.layout;
            self.fastest(best, with_splits(&[layout], Split::candidates))?
        };
        let (layout, burdens_owner) = (fastest.layout, fastest.owner_seconds > fastest.seconds);
        match fastest.clone().meeting(self.demands) {
            Ok(fastest) if burdens_owner => {
                self.best(Ok(fastest), &sets, &with_splits(&[layout], all_splits), Plan::cheaper)
            }
            Err(refusal) => {
                let members = with_splits(&[same_size, others].concat(), extreme_splits);
                let Plan { parameters, layout, .. } = self.closest(fastest, &sets, &members)?;
                self.best(Err(refusal), &[&parameters], &with_splits(&[layout], all_splits), Plan::faster)
            }
            fastest => fastest,
        }
    }

    /// The plan by the default split in the widest rows, for the size of class blocks that takes the least time.
    pub(super) fn by_default(&self, parameters: &Parameters, layouts: &[Layout]) -> Result<Plan, C::Error> {
        let sizes = layouts.chunk_by(|a, b| a.period() == b.period());
        let widest: Vec<_> = sizes.map(|layouts| layouts[layouts.len() - 1]).collect();
        let members = with_splits(&widest, |layout| vec![Split::on_copies(layout)]);
        self.fastest(self.plan(parameters, members[0])?, members)
    }

    fn plan(&self, parameters: &Parameters, (layout, split): Member) -> Result<Plan, C::Error> {
        Plan::of(self.circuit, parameters, layout, split, self.model)
    }

    /// The fastest of a plan and of some members under its parameter set.
    fn fastest(&self, first: Plan, members: Vec<Member>) -> Result<Plan, C::Error> {
        let parameters = first.parameters.clone();
        members.into_iter().try_fold(first, |best, member| Ok(best.faster(self.plan(&parameters, member)?)))
    }

    /// The fastest plan that meets the demands, or else the one that comes closest to them, of `first` and of some
    /// members under any of these sets.
    fn closest(&self, first: Plan, sets: &[&Parameters], members: &[Member]) -> Result<Plan, C::Error> {
        let mut pairs = members.iter().flat_map(|&member| sets.iter().map(move |set| (set, member)));
        pairs.try_fold(first, |best, (set, member)| {
            let plan = self.plan(set, member)?;
            let excess = plan.excess(self.demands).cmp(&best.excess(self.demands));
            let order = excess.then(plan.seconds.total_cmp(&best.seconds));
            Ok(if order.is_lt() { plan } else { best })
        })
    }

    /// The best plan that meets the demands among `first` and some members under any of these sets. `of_two` says which
    /// of two is better.
    fn best(
        &self,
        first: Planned<C>,
        sets: &[&Parameters],
        members: &[Member],
        of_two: impl Fn(Plan, Plan) -> Plan,
    ) -> Planned<C> {
        let pairs = members.iter().flat_map(|&member| sets.iter().map(move |set| (set, member)));
        pairs.into_iter().try_fold(first, |best, (set, member)| {
            let plan = self.plan(set, member)?.meeting(self.demands);
            Ok::<_, C::Error>(Plan::better(best, plan, &of_two))
        })?
    }
}

/// A layout and a split of it.
type Member = (Layout, Split);

fn with_splits(layouts: &[Layout], splits: impl Fn(&Layout) -> Vec<Split>) -> Vec<Member> {
    layouts.iter().flat_map(|layout| splits(layout).into_iter().map(|split| (*layout, split))).collect()
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
