//! Checkpoints of a plan.

use crate::encrypted::check_layout;
use crate::error::Error;
use crate::plan::Plan;
use crate::training::trainer::{Checkpoint, State};
use crate::volley_ckks::Operand;

impl<C> Checkpoint<C> {
    /// Refuses a checkpoint of another plan: by its layout, its iteration, and level, scale and slots of every
    /// ciphertext.
    pub(crate) fn check<'c>(
        &'c self,
        plan: &Plan,
        operand: impl Fn(&'c C) -> &'c Operand,
    ) -> Result<(), Error> {
        check_layout(plan.layout(), self.layout)?;
        let (iteration, iterations) = (self.iteration, plan.hyperparameters().iterations());
        let State { point, previous, carry } = &self.state;
        let parts = [(Some(point), 0), (previous.as_ref(), 1), (carry.as_ref(), 0)];
        let has = [true, Self::has_previous(plan, iteration), Self::has_carry(plan, iteration)];
        let refreshed = plan.schedule().after(iteration).refreshed;
        let fits = |(index, (blocks, before)): (usize, (Option<&'c Vec<C>>, usize))| {
            let Some(blocks) = blocks else { return !has[index] };
            // M and V are refreshed together.
            let mut expected = plan.weights(if refreshed { iteration } else { iteration - before });
            // The carry is rescaled once more.
            expected.level -= usize::from(index == 2);
            let count = plan.layout().weight_ciphertexts();
            has[index] && blocks.len() == count && blocks.iter().all(|block| *operand(block) == expected)
        };
        let in_run = (1..=iterations).contains(&iteration);
        if in_run && parts.into_iter().enumerate().all(fits) {
            return Ok(());
        }
        Err(Error::Checkpoint { iteration, iterations })
    }

    /// Whether the state after an iteration has V.
    pub(crate) fn has_previous(plan: &Plan, iteration: usize) -> bool {
        iteration > 1 && iteration < plan.hyperparameters().iterations()
    }

    /// Whether the state after an iteration has C.
    pub(crate) fn has_carry(plan: &Plan, iteration: usize) -> bool {
        iteration < plan.hyperparameters().iterations()
    }
}
