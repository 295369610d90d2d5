//! The operations that simulating a run takes, bounded before anything is simulated.
//!
//! Whoever sends a job has the receiver plan it again, so that takes no more than a moment. A run that refreshes is
//! simulated through [one cycle](Schedule::once_through) only, and through a few groups of rows. What grows further is the number of
//! ciphertexts of a group: of each the set-up makes K copies in either direction, and every iteration does K products
//! in either direction with them for every class block, besides what it does to the scores of a group.

use crate::error::Error;
use crate::training::refresh::Schedule;
use crate::volley_revolver::Layout;
use crate::volley_revolver::plan::simulated_groups;

/// Most operations that are simulated: each takes a microsecond or less. Forty iterations with 768 features need
/// a hundredth of it.
pub(super) const MAX_OPERATIONS: usize = 1 << 22;
/// More operations than an iteration does to the scores of one group and class block: sigmoid, masks, rotations along
/// the rows.
const GROUP_OPERATIONS: usize = 1 << 7;
/// More operations than a refresh does to one ciphertext of weights.
const REFRESH_OPERATIONS: usize = 1 << 11;

/// Refuses a run whose simulation would take long.
///
/// # Errors
///
/// [`Error::PlanTooLarge`].
pub(super) fn check(layout: &Layout, schedule: &Schedule) -> Result<(), Error> {
    let operations = operations(layout, &schedule.once_through());
    if operations > MAX_OPERATIONS {
        return Err(Error::PlanTooLarge { operations, max: MAX_OPERATIONS });
    }
    Ok(())
}

/// At least the operations that are simulated of a run, or the largest number.
pub(super) fn operations(layout: &Layout, schedule: &Schedule) -> usize {
    let groups = simulated_groups(layout);
    let copies = groups.saturating_mul(layout.column_blocks()).saturating_mul(2 * layout.period());
    let products = copies.saturating_mul(layout.class_blocks());
    let iteration = groups
        .saturating_mul(layout.class_blocks())
        .saturating_mul(GROUP_OPERATIONS)
        .saturating_add(products);
    let refreshes = schedule.refreshes().saturating_mul(layout.weight_ciphertexts());
    iteration
        .saturating_mul(schedule.iterations)
        .saturating_add(copies)
        .saturating_add(refreshes.saturating_mul(REFRESH_OPERATIONS))
}
