//! Encrypted models in files: the iteration (u32), the number of terms (u8), and for each term its factor (f64) and its
//! ciphertexts by class block and column block.

use std::io::{Read, Write};

use super::error::WireError;
use super::job::Job;
use super::{FileError, MODEL, header, open};
use crate::encrypted::{EncryptedModel, check_layout};
use crate::volley_ckks::wire::{BodyReader, write_file};
use crate::volley_ckks::{Ciphertext, Context};

/// Most terms of a model: M and V.
const MAX_TERMS: usize = 2;

impl EncryptedModel<Ciphertext> {
    /// Writes it as a file of the job.
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for a model of another layout, [`WireError::File`] where the system fails.
    pub fn write(&self, job: &Job, out: impl Write) -> Result<(), WireError> {
        check_layout(job.plan().layout(), self.layout)?;
        check_run(job, self.iteration, self.terms.len())?;
        let parameters = job.plan().parameters();
        let record_bytes = |blocks: &Vec<Ciphertext>| -> u64 {
            blocks.iter().map(|ciphertext| ciphertext.record_bytes(parameters)).sum()
        };
        let bytes: u64 = self.terms.iter().map(|(_, blocks)| 8 + record_bytes(blocks)).sum();
        write_file(&header(job, MODEL, 4 + 1 + bytes), out, |body| {
            body.bytes(&(self.iteration as u32).to_le_bytes())?;
            body.bytes(&[self.terms.len() as u8])?;
            for (factor, blocks) in &self.terms {
                body.bytes(&factor.to_le_bytes())?;
                blocks
                    .iter()
                    .try_for_each(|ciphertext| ciphertext.write_record(parameters, job.key_id(), body))?;
            }
            Ok(())
        })
    }

    /// Reads a file of the job, of at most `limit` bytes. Ciphertexts may have any level: a server need not send limbs
    /// that are not read.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(job: &Job, context: &Context, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = open(job, MODEL, input, limit)?;
        file.expect_parameters(context.parameters().id())?;
        file.read(|body| {
            let iteration = u32::from_le_bytes(body.array()?) as usize;
            let [terms] = body.array()?;
            check_run(job, iteration, terms.into())?;
            let terms =
                (0..terms).map(|_| read_term(job, context, body)).collect::<Result<_, WireError>>()?;
            Ok(Self { iteration, layout: job.plan().layout(), terms })
        })
    }
}

/// Refuses an iteration that the run has not, and sums that no iteration makes.
fn check_run(job: &Job, iteration: usize, terms: usize) -> Result<(), WireError> {
    let in_run = (1..=job.plan().hyperparameters().iterations()).contains(&iteration);
    if in_run && (1..=MAX_TERMS).contains(&terms) { Ok(()) } else { Err(FileError::Malformed.into()) }
}

fn read_term(
    job: &Job,
    context: &Context,
    body: &mut BodyReader<impl Read>,
) -> Result<(f64, Vec<Ciphertext>), WireError> {
    let factor = f64::from_le_bytes(body.array()?);
    if !factor.is_finite() {
        return Err(FileError::Malformed.into());
    }
    let blocks = (0..job.plan().layout().weight_ciphertexts()).map(|_| {
        let ciphertext = Ciphertext::read_record(context, job.key_id(), body)?;
        let found = ciphertext.operand();
        let mut expected = job.plan().weights(1);
        expected.level = found.level;
        if *found != expected {
            return Err(WireError::Operand { expected, found: found.clone() });
        }
        Ok(ciphertext)
    });
    Ok((factor, blocks.collect::<Result<_, _>>()?))
}
