//! Gradients in files: the iteration (u32); the number of ranges of groups (u32); for each range its first group and
//! the one after its last (u32 each), in ascending order, neither empty nor next to each other; then ciphertexts of
//! degree 2 by class block, column block and sum of the backward product.

use std::io::{Read, Write};
use std::ops::Range;

use super::error::WireError;
use super::job::Job;
use super::{FileError, GRADIENT, header, open};
use crate::error::Error;
use crate::plan::Plan;
use crate::training::trainer::Gradient;
use crate::volley_ckks::wire::{BodyReader, write_file};
use crate::volley_ckks::{Context, TensorCiphertext};
use crate::volley_revolver::skewed::BackwardSums;

impl Gradient<TensorCiphertext> {
    /// Writes it as a file of the job.
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for the gradient of another run, [`WireError::File`] where the system fails.
    pub fn write(&self, job: &Job, out: impl Write) -> Result<(), WireError> {
        self.check(job.plan(), TensorCiphertext::operand)?;
        let parameters = job.plan().parameters();
        let tensors = || self.sums.iter().flat_map(BackwardSums::tensors);
        let bytes: u64 = tensors().map(|tensor| tensor.record_bytes(parameters)).sum();
        let ranges = 4 + 4 + 8 * self.groups.len() as u64;
        write_file(&header(job, GRADIENT, ranges + bytes), out, |body| {
            body.bytes(&(self.iteration as u32).to_le_bytes())?;
            body.bytes(&(self.groups.len() as u32).to_le_bytes())?;
            for groups in &self.groups {
                body.bytes(&(groups.start as u32).to_le_bytes())?;
                body.bytes(&(groups.end as u32).to_le_bytes())?;
            }
            Ok(tensors().try_for_each(|tensor| tensor.write_record(parameters, job.key_id(), body))?)
        })
    }

    /// Reads a file of the job, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(job: &Job, context: &Context, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = open(job, GRADIENT, input, limit)?;
        file.expect_parameters(context.parameters().id())?;
        let (plan, layout) = (job.plan(), job.plan().layout());
        file.read(|body| {
            let iteration = u32::from_le_bytes(body.array()?) as usize;
            let iterations = plan.hyperparameters().iterations();
            if !(1..=iterations).contains(&iteration) {
                return Err(Error::GradientIteration { expected: 1..=iterations, found: iteration }.into());
            }
            let groups = read_groups(plan, body)?;
            let mut block = || -> Result<_, WireError> {
                let count = layout.column_blocks() * plan.split().backward_sums();
                let tensors = (0..count)
                    .map(|_| TensorCiphertext::read_record(context, job.key_id(), body))
                    .collect::<Result<_, _>>()?;
                Ok(BackwardSums::from_tensors(&layout, plan.split(), tensors).map_err(Error::from)?)
            };
            let sums = (0..layout.class_blocks()).map(|_| block()).collect::<Result<_, _>>()?;
            let gradient = Self { layout, iteration, groups, sums };
            gradient.check(plan, TensorCiphertext::operand)?;
            Ok(gradient)
        })
    }
}

/// The iteration and the groups of a gradient in a file of the job, of at most `limit` bytes. Its ciphertexts are not
/// looked at.
///
/// # Errors
///
/// See [`WireError`].
pub fn read_gradient_groups(
    job: &Job,
    input: impl Read,
    limit: u64,
) -> Result<(usize, Vec<Range<usize>>), WireError> {
    open(job, GRADIENT, input, limit)?.read(|body| {
        let iteration = u32::from_le_bytes(body.array()?) as usize;
        let groups = read_groups(job.plan(), body)?;
        body.skip(body.left())?;
        Ok((iteration, groups))
    })
}

/// Reads ranges in the order in which they are written. Any other order would not be written again as the same bytes.
fn read_groups(plan: &Plan, body: &mut BodyReader<impl Read>) -> Result<Vec<Range<usize>>, WireError> {
    let count = u32::from_le_bytes(body.array()?) as usize;
    // Between two of them is a group that is in neither.
    if count == 0 || count > plan.layout().groups().div_ceil(2) {
        return Err(FileError::Malformed.into());
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for _ in 0..count {
        let [start, end] = [body.array()?, body.array()?].map(|bytes| u32::from_le_bytes(bytes) as usize);
        if start >= end || ranges.last().is_some_and(|last| start <= last.end) {
            return Err(FileError::Malformed.into());
        }
        ranges.push(start..end);
    }
    Ok(ranges)
}
