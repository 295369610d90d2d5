//! Checkpoints in files: the iteration (u32); then M, V (except after the first and the last iteration) and the carry
//! (except after the last), each by class block and column block.

use std::io::{Read, Write};

use super::error::WireError;
use super::job::Job;
use super::{CHECKPOINT, FileError, header, open};
use crate::error::Error;
use crate::plan::Plan;
use crate::training::trainer::{Checkpoint, State};
use crate::volley_ckks::wire::write_file;
use crate::volley_ckks::{Ciphertext, Context};

impl Plan {
    /// Bytes of the file of the checkpoint after an iteration, from 1 to the last, exactly.
    #[must_use]
    pub fn checkpoint_bytes(&self, iteration: usize) -> u64 {
        let operands = self.checkpoint_operands(iteration).into_iter().flatten();
        let of_one: u64 = operands.map(|operand| operand.ciphertext_bytes(self.parameters())).sum();
        self.file_bytes(CHECKPOINT, 4 + self.layout().weight_ciphertexts() as u64 * of_one)
    }
}

impl Checkpoint<Ciphertext> {
    /// Writes it as a file of the job.
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for a checkpoint of another run, [`WireError::File`] where the system fails.
    pub fn write(&self, job: &Job, out: impl Write) -> Result<(), WireError> {
        self.check(job.plan(), Ciphertext::operand)?;
        let parameters = job.plan().parameters();
        let bytes: u64 = self.ciphertexts().map(|ciphertext| ciphertext.record_bytes(parameters)).sum();
        write_file(&header(job, CHECKPOINT, 4 + bytes), out, |body| {
            body.bytes(&(self.iteration as u32).to_le_bytes())?;
            Ok(self
                .ciphertexts()
                .try_for_each(|ciphertext| ciphertext.write_record(parameters, job.key_id(), body))?)
        })
    }

    /// Reads a file of the job, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(job: &Job, context: &Context, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = open(job, CHECKPOINT, input, limit)?;
        file.expect_parameters(context.parameters().id())?;
        let plan = job.plan();
        file.read(|body| {
            let iteration = u32::from_le_bytes(body.array()?) as usize;
            let iterations = plan.hyperparameters().iterations();
            if !(1..=iterations).contains(&iteration) {
                return Err(Error::Checkpoint { iteration, iterations }.into());
            }
            let mut blocks = || -> Result<Vec<_>, FileError> {
                let blocks = 0..plan.layout().weight_ciphertexts();
                blocks.map(|_| Ciphertext::read_record(context, job.key_id(), body)).collect()
            };
            let point = blocks()?;
            let previous = Self::has_previous(plan, iteration).then(&mut blocks).transpose()?;
            let carry = Self::has_carry(plan, iteration).then(blocks).transpose()?;
            let checkpoint =
                Self { layout: plan.layout(), iteration, state: State { point, previous, carry } };
            checkpoint.check(plan, Ciphertext::operand)?;
            Ok(checkpoint)
        })
    }

    fn ciphertexts(&self) -> impl Iterator<Item = &Ciphertext> {
        let State { point, previous, carry } = &self.state;
        point.iter().chain(previous.iter().flatten()).chain(carry.iter().flatten())
    }
}
