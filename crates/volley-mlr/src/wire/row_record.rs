//! Ciphertexts of rows in the body of a file: with a seed where there is one owner, with both halves in a pool.

use std::io::{Read, Write};

use super::FileError;
use super::error::WireError;
use super::job::Job;
use crate::encrypted::RowCiphertext;
use crate::volley_ckks::wire::{BodyReader, BodyWriter};
use crate::volley_ckks::{Ciphertext, Context, Operand, SeededCiphertext};

/// A ciphertext in the form that a job's files have it in.
pub trait RowRecord: RowCiphertext {
    /// Whether it has both halves.
    const WHOLE: bool;

    /// Level, scale and slots.
    fn row_operand(&self) -> &Operand;

    /// Bytes of it in a file.
    fn row_bytes(&self, job: &Job) -> u64;

    /// Writes it into the body of a file of the job.
    ///
    /// # Errors
    ///
    /// [`FileError`](crate::volley_ckks::wire::WireError) where it is of other parameters or another key, or where the system fails.
    fn write_row<W: Write>(&self, job: &Job, body: &mut BodyWriter<W>) -> Result<(), FileError>;

    /// Reads what [`write_row`](Self::write_row) wrote.
    ///
    /// # Errors
    ///
    /// [`FileError`](crate::volley_ckks::wire::WireError) for bytes that are no ciphertext.
    fn read_row<R: Read>(job: &Job, context: &Context, body: &mut BodyReader<R>) -> Result<Self, FileError>;
}

/// Both forms have the same functions, of their own.
macro_rules! row_record {
    ($form:ty, whole: $whole:literal) => {
        impl RowRecord for $form {
            const WHOLE: bool = $whole;

            fn row_operand(&self) -> &Operand {
                self.operand()
            }

            fn row_bytes(&self, job: &Job) -> u64 {
                self.record_bytes(job.plan().parameters())
            }

            fn write_row<W: Write>(&self, job: &Job, body: &mut BodyWriter<W>) -> Result<(), FileError> {
                self.write_record(job.plan().parameters(), job.key_id(), body)
            }

            fn read_row<R: Read>(
                job: &Job,
                context: &Context,
                body: &mut BodyReader<R>,
            ) -> Result<Self, FileError> {
                Self::read_record(context, job.key_id(), body)
            }
        }
    };
}

row_record!(SeededCiphertext, whole: false);
row_record!(Ciphertext, whole: true);

/// Refuses rows in another form than the job's.
pub(super) fn check_form<C: RowRecord>(job: &Job) -> Result<(), WireError> {
    let whole = job.is_pooled();
    if C::WHOLE == whole { Ok(()) } else { Err(WireError::RowCiphertexts { whole }) }
}
