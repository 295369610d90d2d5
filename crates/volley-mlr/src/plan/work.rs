//! What it takes to simulate a run, bounded before anything is simulated.
//!
//! Whoever sends a job has the receiver plan it again, so that takes no more than a moment. A run that refreshes is simulated
//! through [one cycle](Schedule::once_through) only. What grows further is the number of ciphertexts: of each the set-up
//! makes K copies in either direction, and every iteration does K products in either direction with them for every class block,
//! besides what it does to the scores of a group.

use crate::error::Error;
use crate::training::refresh::Schedule;
use crate::volley_revolver::Layout;

/// Most operations that are simulated: each takes a microsecond or less. Trainings of 52,500 samples with 768 features need a
/// tenth of it.
pub(super) const MAX_OPERATIONS: usize = 1 << 22;
/// More than an iteration does to the scores of one group and class block: sigmoid, masks, rotations along the rows.
const GROUP_OPERATIONS: usize = 1 << 7;
/// More than a refresh does to one ciphertext of weights.
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

/// At least the operations of a run, or the largest number.
pub(super) fn operations(layout: &Layout, schedule: &Schedule) -> usize {
    let copies = layout.copies().saturating_mul(2);
    let products = copies.saturating_mul(layout.class_blocks());
    let iteration = layout.score_ciphertexts().saturating_mul(GROUP_OPERATIONS).saturating_add(products);
    let refreshes = schedule.refreshes().saturating_mul(layout.weight_ciphertexts());
    iteration
        .saturating_mul(schedule.iterations)
        .saturating_add(copies)
        .saturating_add(refreshes.saturating_mul(REFRESH_OPERATIONS))
}
