//! What ranks exchange in an iteration: sums of gradients, and checkpoints.

use serde::{Deserialize, Serialize};
use volley_mlr::volley_ckks::{Ciphertext, Context, TensorCiphertext};
use volley_mlr::wire::WireError;
use volley_mlr::{Checkpoint, Gradient, Job};
use volley_program::BadInput;

use super::groups::Groups;
use super::pass::Ended;
use super::team::{Team, TeamFailure};
use crate::failure::Failure;
use crate::job_folder::checkpoint_limit;

/// The exchanges of a training.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) job: &'a Job,
    pub(super) context: &'a Context,
    pub(super) team: &'a dyn Team,
}

/// What becomes of the gradients of all ranks.
pub(super) enum Reduced {
    /// Their sum, at rank 0.
    Here(Box<Gradient<TensorCiphertext>>),
    /// Rank 0 has it.
    AtRank0,
    /// The training was stopped.
    Stopped,
}

/// How the pass of a rank ended, as it tells the others.
#[derive(Serialize, Deserialize)]
enum Said {
    Summed(Groups),
    Stopped,
    Interrupted,
}

impl Exchange<'_> {
    /// The gradient of all ranks.
    ///
    /// # Errors
    ///
    /// [`Failure::Interrupted`] for all ranks where one was.
    pub(super) fn gradient(&self, iteration: usize, own: Ended) -> Result<Reduced, TeamFailure> {
        let Self { job, context, team } = *self;
        let (said, own) = match own {
            Ended::Summed(sum) => (Said::Summed(Groups::of(sum.as_ref())), sum),
            Ended::Stopped => (Said::Stopped, None),
            Ended::Interrupted => (Said::Interrupted, None),
        };
        let mut groups = Vec::new();
        let mut stopped = false;
        for said in team.gather(&said_bytes(&said)?) {
            match serde_json::from_slice(&said).map_err(|error| Failure::from(BadInput::new(error)))? {
                Said::Summed(of_rank) => groups.push(of_rank),
                Said::Stopped => stopped = true,
                Said::Interrupted => return Err(TeamFailure::Agreed(Failure::Interrupted)),
            }
        }
        if stopped {
            return Ok(Reduced::Stopped);
        }
        if team.size() == 1 {
            return Ok(own.map_or(Reduced::AtRank0, |sum| Reduced::Here(Box::new(sum))));
        }
        let words = match own {
            Some(sum) => sum.words(),
            None => vec![0; job.plan().gradient_words(iteration)],
        };
        let Some(sums) = team.sum(words) else { return Ok(Reduced::AtRank0) };
        let groups = groups.iter().map(Groups::ranges);
        let gradient = Gradient::from_word_sums(job, context, iteration, groups, &sums);
        Ok(Reduced::Here(Box::new(gradient.map_err(|error| inexplicable(&error))?)))
    }

    /// Ends all ranks, as this one is to end before its first pass.
    pub(super) fn interrupted(&self, iteration: usize) -> TeamFailure {
        match self.gradient(iteration, Ended::Interrupted) {
            Err(failure) => failure,
            Ok(_) => TeamFailure::Agreed(Failure::Interrupted),
        }
    }

    /// Rank 0's checkpoint, if it has one.
    pub(super) fn checkpoint(
        &self,
        own: Option<Checkpoint<Ciphertext>>,
    ) -> Result<Option<Checkpoint<Ciphertext>>, Failure> {
        let Self { job, context, team } = *self;
        if team.size() == 1 {
            return Ok(own);
        }
        let mut file = Vec::new();
        if let Some(own) = own.filter(|_| team.rank() == 0) {
            own.write(job, &mut file).map_err(|error| inexplicable(&error))?;
        }
        let file = team.broadcast(file);
        let read = || Checkpoint::read(job, context, &file[..], checkpoint_limit(job.plan()));
        if file.is_empty() { Ok(None) } else { read().map(Some).map_err(|error| inexplicable(&error)) }
    }
}

fn said_bytes(said: &Said) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(said).map_err(|error| BadInput::new(error).into())
}

/// An exchange that went wrong: what another rank sent is not what this one made of the same job.
fn inexplicable(error: &WireError) -> Failure {
    BadInput::new(format!("what another rank sent is not of this job: {error}")).into()
}
