//! Encrypted datasets in files: seeded ciphertexts in the order features (by group, then column block), labels (by
//! group, then class block), 1/B (by column block). The plan says how many there are.

use std::io::{Read, Write};

use super::error::WireError;
use super::job::Job;
use super::names::{JobId, PlanHash};
use super::{DATASET, header, named_header, open};
use crate::encrypted::{EncryptedDataset, check_layout};
use crate::plan::Plan;
use crate::volley_ckks::wire::{BodyReader, write_file};
use crate::volley_ckks::{Context, KeyId, Operand, SeededCiphertext};

impl Plan {
    /// Bytes of the file with the encrypted dataset, exactly.
    #[must_use]
    pub fn dataset_bytes(&self) -> u64 {
        // All names have the same length.
        let names = (JobId::from_bytes([0; 16]), PlanHash::from_bytes([0; 32]));
        let header = named_header(DATASET, self, KeyId::from_bytes([0; 16]), names, self.upload().bytes);
        header.file_bytes().unwrap_or(u64::MAX)
    }
}

impl EncryptedDataset {
    /// Writes it as a file of the job: [`Plan::dataset_bytes`].
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] for data of another layout, [`WireError::File`] where its ciphertexts are not the plan's
    /// or the system fails.
    pub fn write(&self, job: &Job, out: impl Write) -> Result<(), WireError> {
        check_layout(job.plan().layout(), self.layout)?;
        let parameters = job.plan().parameters();
        write_file(&header(job, DATASET, job.plan().upload().bytes), out, |body| {
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
        let file = open(job, DATASET, input, limit)?;
        file.expect_parameters(context.parameters().id())?;
        let (layout, operand) = (job.plan().layout(), job.plan().data());
        file.read(|body| {
            let mut read = |count: usize| -> Result<Vec<_>, WireError> {
                (0..count).map(|_| read_ciphertext(job, context, &operand, body)).collect()
            };
            Ok(Self {
                layout,
                features: (0..layout.groups())
                    .map(|_| read(layout.column_blocks()))
                    .collect::<Result<_, _>>()?,
                labels: read(layout.score_ciphertexts())?,
                preconditioner: read(layout.column_blocks())?,
            })
        })
    }
}

fn read_ciphertext(
    job: &Job,
    context: &Context,
    expected: &Operand,
    body: &mut BodyReader<impl Read>,
) -> Result<SeededCiphertext, WireError> {
    let ciphertext = SeededCiphertext::read_record(context, job.key_id(), body)?;
    let found = ciphertext.operand();
    if found != expected {
        return Err(WireError::Operand { expected: expected.clone(), found: found.clone() });
    }
    Ok(ciphertext)
}
