//! The owner's private state in files: classes, preprocessing and preconditioner, and the recoding where rows are
//! whitened, by postcard.

use std::io::{Read, Write};

use super::error::WireError;
use super::job::Job;
use super::{OWNER_STATE, header, open};
use crate::clear::owner_state::OwnerState;
use crate::volley_ckks::wire::{BodyReader, FileReader, encode_structure, write_file};

impl OwnerState {
    /// Writes it as a file of the job. The file must be for its owner only:
    /// [`create_private_file`](crate::volley_ckks::wire::create_private_file).
    ///
    /// # Errors
    ///
    /// [`WireError::Content`] where the job's plan has another shape, [`WireError::File`] where the system fails.
    pub fn write(&self, job: &Job, out: impl Write) -> Result<(), WireError> {
        self.check_shape(job.plan().layout().shape())?;
        let Self { classes, preprocessing, preconditioner, recoding } = self;
        let mut body = encode_structure(&(classes, preprocessing, preconditioner))?;
        if let Some(recoding) = recoding {
            body.extend(encode_structure(recoding)?);
        }
        write_file(&header(job, OWNER_STATE, body.len() as u64), out, |writer| Ok(writer.bytes(&body)?))
    }

    /// Reads a file of the job, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read(job: &Job, input: impl Read, limit: u64) -> Result<Self, WireError> {
        let state = open(job, OWNER_STATE, input, limit)?.read(Self::read_body)?;
        state.check_shape(job.plan().layout().shape())?;
        Ok(state)
    }

    /// Reads the file of any job, of at most `limit` bytes: what was fitted to the rows of one training, to be
    /// [given](Self::for_rows) to another.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read_fitted(input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(OWNER_STATE)?;
        file.read(Self::read_body)
    }

    fn read_body(body: &mut BodyReader<impl Read>) -> Result<Self, WireError> {
        let (classes, preprocessing, preconditioner) = body.structure(u32::MAX)?;
        let recoding = if body.left() > 0 { Some(body.structure(u32::MAX)?) } else { None };
        Ok(Self { classes, preprocessing, preconditioner, recoding })
    }
}
