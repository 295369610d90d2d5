//! Checkpoints of a plan.

use crate::encrypted::check_layout;
use crate::error::Error;
use crate::plan::Plan;
use crate::training::trainer::{Checkpoint, State};
use crate::volley_ckks::Operand;

impl Plan {
    /// Level, scale and slots of M, V and the carry after an iteration, where the checkpoint has them.
    pub(crate) fn checkpoint_operands(&self, iteration: usize) -> [Option<Operand>; 3] {
        let point = self.weights(iteration);
        // M and V are refreshed together.
        let refreshed = self.schedule().after(iteration).refreshed;
        let previous = Checkpoint::<()>::has_previous(self, iteration)
            .then(|| self.weights(if refreshed { iteration } else { iteration - 1 }));
        // The carry is rescaled once more.
        let carry = Checkpoint::<()>::has_carry(self, iteration)
            .then(|| Operand { level: point.level - 1, ..point.clone() });
        [Some(point), previous, carry]
    }
}

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
        let parts = [Some(point), previous.as_ref(), carry.as_ref()];
        let count = plan.layout().weight_ciphertexts();
        let fits = |(blocks, expected): (Option<&'c Vec<C>>, Option<Operand>)| match (blocks, expected) {
            (Some(blocks), Some(expected)) => {
                blocks.len() == count && blocks.iter().all(|block| *operand(block) == expected)
            }
            (blocks, expected) => blocks.is_none() && expected.is_none(),
        };
        let in_run = (1..=iterations).contains(&iteration);
        if in_run && parts.into_iter().zip(plan.checkpoint_operands(iteration)).all(fits) {
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
