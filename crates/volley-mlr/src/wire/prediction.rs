//! Encrypted rows and scores in files. Both have the number of rows (u64) and then ciphertexts by group. Those of rows
//! are seeded, and in a pool have both halves, by column block. Those of scores are by class block; where the owner
//! recodes scores, the weights that gave them follow, by class block and column block.

use std::io::{Read, Write};

use super::error::WireError;
use super::job::Job;
use super::names::RowsHash;
use super::row_record::{RowRecord, check_form};
use super::{FileError, ROWS, SCORES, header, open, rows};
use crate::prediction::{EncryptedRows, EncryptedScores, PredictionPlan};
use crate::volley_ckks::wire::{BodyReader, write_file};
use crate::volley_ckks::{Ciphertext, Context, Operand};

/// Bytes of the number of rows.
const COUNT_BYTES: u64 = 8;

impl<C: RowRecord> EncryptedRows<C> {
    /// Writes them as a file of the job.
    ///
    /// # Errors
    ///
    /// [`WireError::RowCiphertexts`] for ciphertexts in another form than the job's, [`WireError::File`] where one
    /// belongs to other parameters or another key or the system fails.
    pub fn write(&self, job: &Job, out: impl Write) -> Result<(), WireError> {
        check_form::<C>(job)?;
        let ciphertexts = || self.features.iter().flatten();
        let bytes: u64 = ciphertexts().map(|row| row.row_bytes(job)).sum();
        write_file(&header(job, ROWS, COUNT_BYTES + bytes), out, |body| {
            body.bytes(&(self.layout.shape().samples as u64).to_le_bytes())?;
            Ok(ciphertexts().try_for_each(|row| row.write_row(job, body))?)
        })
    }

    /// The hash of their file: the same for the owner that wrote it and the server that read it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn hash(&self, job: &Job) -> Result<RowsHash, WireError> {
        let mut hasher = blake3::Hasher::new();
        self.write(job, &mut hasher)?;
        Ok(RowsHash::from_bytes(*hasher.finalize().as_bytes()))
    }

    /// Reads a file of the job, of at most `limit` bytes, and plans the prediction of as many rows.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(
        job: &Job,
        context: &Context,
        input: impl Read,
        limit: u64,
    ) -> Result<(PredictionPlan, Self), WireError> {
        check_form::<C>(job)?;
        let file = open(job, ROWS, input, limit)?;
        file.expect_parameters(context.parameters().id())?;
        file.read(|body| {
            let plan = read_plan(job, body)?;
            let layout = plan.layout();
            let mut read = || {
                let row = C::read_row(job, context, body)?;
                let (expected, found) = (plan.rows(), row.row_operand());
                if expected != found {
                    return Err(WireError::Operand { expected: expected.clone(), found: found.clone() });
                }
                Ok(row)
            };
            let mut group = || (0..layout.column_blocks()).map(|_| read()).collect();
            let features = (0..layout.groups()).map(|_| group()).collect::<Result<_, _>>()?;
            Ok((plan, Self { layout, features }))
        })
    }
}

impl EncryptedScores<Ciphertext> {
    /// Writes them as a file of the job, with the [hash](EncryptedRows::hash) of the rows that they are of.
    ///
    /// # Errors
    ///
    /// [`WireError::File`] where a ciphertext belongs to other parameters or another key or the system fails.
    pub fn write(&self, job: &Job, rows: RowsHash, out: impl Write) -> Result<(), WireError> {
        let parameters = job.plan().parameters();
        let ciphertexts = || self.scores.iter().chain(&self.weights);
        let bytes: u64 = ciphertexts().map(|scores| scores.record_bytes(parameters)).sum();
        let mut header = header(job, SCORES, COUNT_BYTES + bytes);
        header.extension.extend_from_slice(rows.as_bytes());
        write_file(&header, out, |body| {
            body.bytes(&(self.layout.shape().samples as u64).to_le_bytes())?;
            Ok(ciphertexts().try_for_each(|scores| scores.write_record(parameters, job.key_id(), body))?)
        })
    }

    /// Reads a file of the job, of at most `limit` bytes, with the plan of its prediction and the hash of the rows that
    /// the scores are of.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::UnnamedRows`] for scores without the hash.
    pub fn read(
        job: &Job,
        context: &Context,
        input: impl Read,
        limit: u64,
    ) -> Result<(PredictionPlan, RowsHash, Self), WireError> {
        let file = open(job, SCORES, input, limit)?;
        let rows = rows(file.header()).ok_or(WireError::UnnamedRows)?;
        file.expect_parameters(context.parameters().id())?;
        file.read(|body| {
            let plan = read_plan(job, body)?;
            let layout = plan.layout();
            let mut read = |expected: &Operand| {
                let ciphertext = Ciphertext::read_record(context, job.key_id(), body)?;
                let (expected, found) = (expected.clone(), ciphertext.operand());
                if expected != *found {
                    return Err(WireError::Operand { expected, found: found.clone() });
                }
                Ok(ciphertext)
            };
            let expected = plan.scores();
            let scores =
                (0..layout.score_ciphertexts()).map(|_| read(&expected)).collect::<Result<_, _>>()?;
            let weights = match plan.weights() {
                Some(weights) => {
                    (0..layout.weight_ciphertexts()).map(|_| read(weights)).collect::<Result<_, _>>()?
                }
                None => Vec::new(),
            };
            Ok((plan, rows, Self { layout, scores, weights }))
        })
    }
}

impl PredictionPlan {
    /// The prediction of the rows in a file of the job, of at most `limit` bytes. It says what the prediction takes,
    /// before ciphertexts are kept.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn of_rows(job: &Job, input: impl Read, limit: u64) -> Result<Self, WireError> {
        open(job, ROWS, input, limit)?.read(|body| {
            let plan = read_plan(job, body)?;
            body.skip(body.left())?;
            Ok(plan)
        })
    }
}

/// Plans the prediction of as many rows as a body begins with, if it has room for them.
fn read_plan(job: &Job, body: &mut BodyReader<impl Read>) -> Result<PredictionPlan, WireError> {
    let rows = usize::try_from(u64::from_le_bytes(body.array()?)).unwrap_or(usize::MAX);
    let layout = PredictionPlan::layout_of(job.plan(), rows)?;
    // Before the plan is simulated: a ciphertext has more than a byte for each coefficient.
    let ciphertexts = (layout.groups() as u64).saturating_mul(layout.column_blocks() as u64);
    if ciphertexts.saturating_mul(job.plan().parameters().degree() as u64) > body.left() {
        return Err(FileError::Malformed.into());
    }
    Ok(PredictionPlan::new(job.plan(), rows)?)
}
