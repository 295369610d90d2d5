//! Checkpoints, from which a trainer goes on.

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
}
