//! What a rank does in an iteration, and what it needs for it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use volley_mlr::{Error, Plan};
use volley_program::Machine;

use super::groups::Groups;

/// The work of a rank.
pub(super) struct Work {
    /// The groups of its pass.
    pub(super) share: Groups,
    /// Whether it makes a part of each step.
    pub(super) makes_steps: bool,
}

impl Work {
    /// A plan, without what such a rank does not do.
    pub(super) fn plan<'p>(&self, plan: &'p Plan) -> Result<Cow<'p, Plan>, Error> {
        if self.makes_steps { Ok(Cow::Borrowed(plan)) } else { plan.without_refresh().map(Cow::Owned) }
    }

    fn memory_bytes(&self, plan: &Arc<Plan>) -> Result<u64, Error> {
        let of_share = self.share.plan(plan)?;
        Ok(self.plan(&of_share)?.memory(rayon::current_num_threads()).total())
    }
}

/// What a rank may take of a machine that it shares with these, of which it is one.
pub(super) fn part_of_machine(
    machine: Machine,
    plan: &Arc<Plan>,
    own: &Work,
    on_machine: &[&Work],
) -> Result<Machine, Error> {
    if on_machine.len() < 2 {
        return Ok(machine);
    }
    // Most are alike, and each takes a plan.
    let mut known = BTreeMap::new();
    let mut needed = |work: &Work| match known.entry((work.share.count(), work.makes_steps)) {
        Entry::Occupied(known) => Ok(*known.get()),
        Entry::Vacant(unknown) => work.memory_bytes(plan).map(|bytes| *unknown.insert(bytes)),
    };
    let by_all = on_machine.iter().map(|work| needed(work)).sum::<Result<u64, Error>>()?;
    Ok(machine.shared(needed(own)?, by_all))
}
