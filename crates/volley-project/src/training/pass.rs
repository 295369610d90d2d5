//! One pass over the rows, file by file, which goes on where it was killed.

use std::time::{Duration, Instant};

use volley_mlr::volley_ckks::{Context, Evaluator, TensorCiphertext};
use volley_mlr::{Error, Gradient, Job, Trainer};
use volley_program::{BadInput, OrBadInput};

use super::in_the_way;
use crate::atomic::Staged;
use crate::failure::Failure;
use crate::job_folder::{JobFolder, gradient_limit};
use crate::observer::{Count, Observer};

/// After so long the gradient of the rows so far is written: no more work is lost.
const BETWEEN_WRITES: Duration = Duration::from_secs(10);
/// It is written sooner where that takes no more than one part in so many of the time.
const WORK_PER_WRITE: u32 = 50;

/// A pass over the rows for an iteration.
pub(super) struct Pass<'a> {
    pub(super) folder: &'a JobFolder,
    pub(super) job: &'a Job,
    pub(super) context: &'a Context,
    pub(super) trainer: &'a Trainer<Evaluator>,
    pub(super) iteration: usize,
    pub(super) observer: &'a dyn Observer,
}

impl Pass<'_> {
    /// The gradient of all rows; `None` if the training was stopped. Sums are exact, so it is the same wherever a pass
    /// was interrupted.
    ///
    /// # Errors
    ///
    /// [`Failure::Interrupted`] if the work is to end: the gradient so far is in its file.
    pub(super) fn gradient(&self, count: &dyn Count) -> Result<Option<Gradient<TensorCiphertext>>, Failure> {
        let plan = self.job.plan();
        let mut sum = self.read()?;
        let done = sum.as_ref().map_or(0, |sum| sum.groups().last().map_or(0, |groups| groups.end));
        if done > 0 {
            count.begin_after(self.rows_until(done));
        } else if self.iteration == 1 {
            self.observer.info("the upload is complete: training starts".to_owned());
        }
        let (mut written, mut pause) = (Instant::now(), Duration::ZERO);
        let files = (0..plan.row_files()).map(|file| plan.row_file_groups(file));
        for groups in files.filter(|groups| groups.start >= done) {
            if self.folder.is_stopped()? {
                return Ok(None);
            }
            let end = groups.end;
            sum = Some(match sum {
                Some(sum) => self.trainer.extend_gradient(sum, groups).map_err(in_a_pass)?,
                None => self.trainer.gradient(groups).map_err(in_a_pass)?.ok_or(Error::NoIterations)?,
            });
            count.set(self.rows_until(end));
            // The whole gradient soon becomes a checkpoint.
            if end < plan.layout().groups() && (written.elapsed() >= pause || self.observer.is_to_end()) {
                let begin = Instant::now();
                self.write(sum.as_ref())?;
                (written, pause) = (Instant::now(), BETWEEN_WRITES.min(WORK_PER_WRITE * begin.elapsed()));
                self.observer.check()?;
            }
        }
        Ok(sum)
    }

    /// Rows of this training, iteration by iteration, when so many groups of this iteration are done.
    fn rows_until(&self, groups: usize) -> usize {
        let plan = self.job.plan();
        (self.iteration - 1) * plan.rows_in_first(plan.layout().groups()) + plan.rows_in_first(groups)
    }

    /// What an interrupted pass left, if it was for this iteration and began with the first rows.
    fn read(&self) -> Result<Option<Gradient<TensorCiphertext>>, BadInput> {
        let file = self.folder.gradient_file();
        if !file.try_exists().at(&file)? {
            return Ok(None);
        }
        let limit = gradient_limit(self.job.plan());
        let gradient = Gradient::read(self.job, self.context, self.folder.open(&file)?, limit);
        let gradient = gradient.map_err(|error| in_the_way(&file, &error))?;
        let begins = matches!(gradient.groups(), [groups] if groups.start == 0);
        Ok(Some(gradient).filter(|gradient| begins && gradient.iteration() == self.iteration))
    }

    fn write(&self, gradient: Option<&Gradient<TensorCiphertext>>) -> Result<(), BadInput> {
        let Some(gradient) = gradient else { return Ok(()) };
        Staged::new(&self.folder.gradient_file(), |out| gradient.write(self.job, out))?.commit(true)
    }
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
