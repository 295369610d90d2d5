//! One pass of a rank over its rows, file by file, which goes on where it was killed.

use std::ops::Range;
use std::time::{Duration, Instant};

use volley_mlr::volley_ckks::{Evaluator, TensorCiphertext};
use volley_mlr::{Error, Gradient, Trainer};
use volley_program::BadInput;

use super::groups::Groups;
use super::roll_call::Begun;
use super::{Rank, in_the_way};
use crate::atomic::Staged;
use crate::failure::Failure;
use crate::job_folder::gradient_limit;
use crate::observer::Count;

/// After so long the gradient of the rows so far is written: no more work is lost.
const BETWEEN_WRITES: Duration = Duration::from_secs(10);
/// It is written sooner where that takes no more than one part in so many of the time.
const WORK_PER_WRITE: u32 = 50;
/// What is taken for a disk's bytes a second before anything was written: those of a fast one.
const DISK_BYTES: f64 = 1e9;

/// A pass over the rows for an iteration.
pub(super) struct Pass<'a> {
    pub(super) rank: &'a Rank<'a>,
    pub(super) trainer: &'a Trainer<Evaluator>,
    pub(super) share: &'a Groups,
    /// The groups of all ranks that were done before.
    pub(super) covered: Groups,
    pub(super) iteration: usize,
}

/// How a pass ended.
pub(super) enum Ended {
    /// The gradient of the share; none where it has no rows.
    Summed(Option<Gradient<TensorCiphertext>>),
    /// The training was stopped.
    Stopped,
    /// The work is to end: the gradient so far is in its file.
    Interrupted,
}

impl Pass<'_> {
    /// The gradient of the groups that this rank has begun with, and those of its share that no rank has. Sums are
    /// exact, so that of all ranks is the same wherever a pass was interrupted.
    pub(super) fn gradient(&self, begun: &[Begun], count: &dyn Count) -> Result<Ended, Failure> {
        let Rank { folder, job, observer, .. } = *self.rank;
        if observer.is_to_end() {
            return Ok(Ended::Interrupted);
        }
        let mut sum = self.read(begun)?;
        let left = self.share.without(&self.covered);
        if self.covered.count() > 0 {
            count.begin_after(self.before());
        }
        if self.iteration == 1 && self.covered.count() == 0 {
            observer.info("the upload is complete: training starts".to_owned());
        }
        let write = Duration::from_secs_f64(gradient_limit(job.plan()) as f64 / DISK_BYTES);
        let (mut written, mut pause) = (Instant::now(), pause_after(write));
        let pieces = left.by_file(job.plan());
        let mut done = Groups::default();
        for (index, (_, piece)) in pieces.iter().enumerate() {
            folder.check_there()?;
            if folder.is_stopped()? {
                return Ok(Ended::Stopped);
            }
            sum = Some(self.extended(sum, piece.clone())?);
            done.push(piece.clone());
            self.tell(count, done.rows(job.plan()), left.rows(job.plan()));
            // The whole gradient soon becomes a step.
            let is_last = index + 1 == pieces.len();
            if !is_last && (written.elapsed() >= pause || observer.is_to_end()) {
                let begin = Instant::now();
                self.write(sum.as_ref())?;
                (written, pause) = (Instant::now(), pause_after(begin.elapsed()));
                if observer.is_to_end() {
                    return Ok(Ended::Interrupted);
                }
            }
        }
        Ok(Ended::Summed(sum))
    }

    fn extended(
        &self,
        sum: Option<Gradient<TensorCiphertext>>,
        groups: Range<usize>,
    ) -> Result<Gradient<TensorCiphertext>, Failure> {
        match sum {
            Some(sum) => self.trainer.extend_gradient(sum, groups).map_err(in_a_pass),
            None => Ok(self.trainer.gradient(groups).map_err(in_a_pass)?.ok_or(Error::NoIterations)?),
        }
    }

    /// Tells how many rows of the training are done when this rank has done so many of those that are left to it: the
    /// others are as far with theirs.
    fn tell(&self, count: &dyn Count, done: usize, left: usize) {
        let plan = self.rank.job.plan();
        let others = plan.rows_in_first(usize::MAX) - self.covered.rows(plan);
        let of_all = others as f64 * done as f64 / left.max(1) as f64;
        count.set(self.before() + of_all as usize);
    }

    /// The rows of the training that were done before this pass.
    fn before(&self) -> usize {
        let plan = self.rank.job.plan();
        (self.iteration - 1) * plan.rows_in_first(usize::MAX) + self.covered.rows(plan)
    }

    /// The sum of what an interrupted pass left to this rank.
    fn read(&self, begun: &[Begun]) -> Result<Option<Gradient<TensorCiphertext>>, Failure> {
        let Rank { folder, job, context, .. } = self.rank;
        let mut sum: Option<Gradient<_>> = None;
        for Begun { by, .. } in begun {
            let file = folder.gradient_file(*by);
            let gradient = Gradient::read(job, context, folder.open(&file)?, gradient_limit(job.plan()))
                .map_err(|error| in_the_way(&file, &error))?;
            sum = Some(match sum {
                Some(sum) => self.trainer.add_gradients(sum, &gradient)?,
                None => gradient,
            });
        }
        Ok(sum)
    }

    fn write(&self, gradient: Option<&Gradient<TensorCiphertext>>) -> Result<(), BadInput> {
        let Rank { folder, job, team, .. } = *self.rank;
        let Some(gradient) = gradient else { return Ok(()) };
        Staged::new(&folder.gradient_file(team.rank()), |out| gradient.write(job, out))?.commit(true)
    }
}

/// How long to work after a write that took so long.
fn pause_after(write: Duration) -> Duration {
    BETWEEN_WRITES.min(WORK_PER_WRITE * write)
}

/// An error in a pass. Rows that were there when training began and cannot be read any more are for the user to mend.
fn in_a_pass(error: Error) -> Failure {
    match error {
        Error::RowSource { reason, .. } => {
            BadInput::new(format!("{reason}; when this is mended, volley train goes on where it was")).into()
        }
        error => error.into(),
    }
}
