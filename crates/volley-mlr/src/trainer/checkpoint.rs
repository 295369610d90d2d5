//! Checkpoints, from which a trainer goes on.

use crate::encrypted::check_layout;
use crate::error::Error;
use crate::plan::Plan;
use crate::volley_ckks::Operand;
use crate::volley_revolver::Layout;

/// The weights between iterations, by class block and column block.
#[derive(Clone, Debug)]
pub(crate) struct State<C> {
    /// M of the last iteration, the next V; the model after the last.
    pub(crate) point: Vec<C>,
    /// V of the last iteration, none after the first.
    pub(crate) previous: Option<Vec<C>>,
    /// C, none after the last.
    pub(crate) carry: Option<Vec<C>>,
}

/// Everything that changes while a run trains. A [`Trainer`](crate::Trainer) goes on from it with the data of the run.
#[derive(Clone, Debug)]
pub struct Checkpoint<C> {
    pub(crate) layout: Layout,
    pub(crate) iteration: usize,
    pub(crate) state: State<C>,
}

impl<C> Checkpoint<C> {
    /// The last iteration that was done, from 1.
    #[must_use]
    pub fn iteration(&self) -> usize {
        self.iteration
    }

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
