//! What ranks exchange in an iteration.
//!
//! Gradients are added as words, and each rank gets the sums of a part of the weights. It makes its part of the step:
//! it relinearizes and rotates the sums, refreshes the weights where that is due, and sends them to all. So that work
//! is shared as well, and all ranks arrive at the same weights.

use std::ops::Range;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator};
use volley_mlr::wire::{GradientWords, WireError};
use volley_mlr::{Checkpoint, Error, Job, StepPart, StepReport, Trainer};
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

/// A step that all ranks made.
pub(super) struct Step {
    pub(super) report: StepReport,
    /// How long this rank waited for the sums of the others, and for their parts.
    pub(super) waited_seconds: f64,
}

/// How the pass of a rank ended, as it tells the others.
#[derive(Serialize, Deserialize)]
enum Said {
    Summed(Groups),
    Stopped,
    Interrupted,
}

impl Exchange<'_> {
    /// The step of the gradients of all ranks; `None` where the training was stopped.
    ///
    /// # Errors
    ///
    /// [`Failure::Interrupted`] for all ranks where one was.
    pub(super) fn step(
        &self,
        trainer: &mut Trainer<Evaluator>,
        iteration: usize,
        own: Ended,
    ) -> Result<Option<Step>, TeamFailure> {
        let (said, own) = match own {
            Ended::Summed(sum) => (Said::Summed(Groups::of(sum.as_ref())), sum),
            Ended::Stopped => (Said::Stopped, None),
            Ended::Interrupted => (Said::Interrupted, None),
        };
        let begin = Instant::now();
        let Some(summands) = self.summands(&said)? else { return Ok(None) };
        if self.team.size() == 1 {
            let report = trainer.step_by(&own.ok_or(Error::NoIterations)?)?;
            return Ok(Some(Step { report, waited_seconds: 0.0 }));
        }
        let plan = self.job.plan();
        let mut words = own.map_or_else(|| GradientWords::zero(plan, iteration), GradientWords::from);
        let mut polynomials = words.polynomials();
        let parts = self.parts(polynomials.len());
        self.team.scatter_sums(&mut polynomials, &parts);
        let mut waited = begin.elapsed();
        let weights = self.weights_of(self.team.rank());
        let summands = summands.iter().map(Groups::ranges);
        let part = trainer.part_of_word_sums(self.job, summands, weights, words);
        let words = part.map_err(|error| inexplicable(&error))?.words();
        let begin = Instant::now();
        let parts = self.team.gather(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>());
        waited += begin.elapsed();
        let parts = parts.iter().enumerate().map(|(rank, bytes)| self.part(iteration, rank, bytes));
        let report = trainer.step_by_parts(parts.collect::<Result<_, _>>()?)?;
        Ok(Some(Step { report, waited_seconds: waited.as_secs_f64() }))
    }

    /// The groups that each rank summed over; `None` where the training was stopped.
    fn summands(&self, own: &Said) -> Result<Option<Vec<Groups>>, TeamFailure> {
        let own = serde_json::to_vec(own).map_err(|error| Failure::from(BadInput::new(error)))?;
        let mut groups = Vec::new();
        let mut is_stopped = false;
        for said in self.team.gather(&own) {
            match serde_json::from_slice(&said).map_err(|error| Failure::from(BadInput::new(error)))? {
                Said::Summed(of_rank) => groups.push(of_rank),
                Said::Stopped => is_stopped = true,
                Said::Interrupted => return Err(TeamFailure::Agreed(Failure::Interrupted)),
            }
        }
        Ok((!is_stopped).then_some(groups))
    }

    /// The ciphertexts of the weights whose part of each step a rank makes.
    pub(super) fn weights_of(&self, rank: usize) -> Range<usize> {
        let (all, ranks) = (self.job.plan().layout().weight_ciphertexts(), self.team.size());
        let first_of = |rank: usize| (rank * all).div_ceil(ranks);
        first_of(rank)..first_of(rank + 1)
    }

    /// So many polynomials of all weights by the rank whose part they are.
    fn parts(&self, polynomials: usize) -> Vec<Range<usize>> {
        let of_each = polynomials / self.job.plan().layout().weight_ciphertexts();
        let of_rank = |rank| {
            let Range { start, end } = self.weights_of(rank);
            start * of_each..end * of_each
        };
        (0..self.team.size()).map(of_rank).collect()
    }

    fn part(&self, iteration: usize, rank: usize, bytes: &[u8]) -> Result<StepPart<Ciphertext>, Failure> {
        let words = bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes));
        let (words, weights): (Vec<_>, _) = (words.collect(), self.weights_of(rank));
        StepPart::from_words(self.job, self.context, iteration, weights, &words)
            .map_err(|error| inexplicable(&error))
    }

    /// Ends all ranks, as this one is to end before its first pass.
    pub(super) fn interrupted(&self) -> TeamFailure {
        match self.summands(&Said::Interrupted) {
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

/// An exchange that went wrong: what another rank sent is not what this one made of the same job.
fn inexplicable(error: &WireError) -> Failure {
    BadInput::new(format!("what another rank sent is not of this job: {error}")).into()
}
