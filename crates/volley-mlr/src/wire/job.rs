//! Jobs, and the files that the server gets with one.

use std::io::{Read, Write};
use std::sync::Arc;

use super::error::WireError;
use super::plan::{MAX_BYTES, StoredPlan};
use super::{FileError, JOB, header, names};
use crate::job::Job;
use crate::volley_ckks::wire::{FileReader, write_file};
use crate::volley_ckks::{Context, EvaluationKeySet, KeySpec};

impl Job {
    /// Writes it as a file of a few hundred bytes.
    ///
    /// # Errors
    ///
    /// [`FileError::Io`](crate::volley_ckks::wire::WireError::Io).
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let body = self.encoded_plan().bytes();
        write_file(&header(self, JOB, body.len() as u64), out, |writer| Ok(writer.bytes(body)?))
    }

    /// Reads a file of at most `limit` bytes, and plans again what follows from it: keys, counts, memory.
    ///
    /// Planning takes up to 64 MB and a second or two, whatever the limit. A plan that takes more is refused.
    ///
    /// Look at the parameters' security and at the memory: the file may ask for anything.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Content`] for a plan that cannot be made, [`WireError::ForeignPlan`] for one
    /// that is not the one named.
    pub fn read(input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(JOB)?;
        let (id, found) = names(file.header()).ok_or(FileError::Header)?;
        let key_id = file.header().key_id.ok_or(FileError::Header)?;
        let params_id = file.header().params_id;
        let stored: StoredPlan = file.read(|body| body.structure(MAX_BYTES))?;
        // Before the plan is simulated: most of what is wrong is found here.
        let encoded = stored.encode()?;
        let expected = encoded.hash();
        if found != expected {
            return Err(WireError::ForeignPlan { expected, found });
        }
        Ok(Self::restore(id, key_id, stored.plan(params_id)?, encoded))
    }

    /// Reads the keys that are `needed` from a file of at most `limit` bytes
    /// ([`EvaluationKeySet::read_needed`]), and refuses those of another key from their header.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read_keys(
        &self,
        context: &Arc<Context>,
        needed: &KeySpec,
        input: impl Read,
        limit: u64,
    ) -> Result<EvaluationKeySet, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(crate::volley_ckks::wire::Kind::EVALUATION_KEYS)?;
        file.expect_key(self.key_id())?;
        Ok(EvaluationKeySet::read_needed(context, file, needed)?)
    }
}
