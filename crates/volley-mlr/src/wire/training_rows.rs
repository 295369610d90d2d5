//! The rows of a job, in files of bounded size, and 1/B.
//!
//! A file of rows has the number of its first group (u32), the number of its groups (u32), and by group seeded
//! ciphertexts of the features, by column block, and of the labels, by class block. The plan says which groups are in
//! which file: as many as there is room for in [`ROW_FILE_BYTES`], fewer in the last. 1/B is in a file of its own, by
//! column block.

use std::io::{Read, Write};
use std::ops::Range;

use super::error::WireError;
use super::job::Job;
use super::names::{JobId, PlanHash};
use super::{PRECONDITIONER, TRAINING_ROWS, header, named_header, open};
use crate::encrypted::{EncryptedGroup, EncryptedGroups, ROW_FILE_BYTES};
use crate::plan::Plan;
use crate::volley_ckks::wire::{BodyReader, BodyWriter, Kind, write_file};
use crate::volley_ckks::{Context, KeyId, SeededCiphertext};
use crate::volley_revolver::Error as MatrixError;

/// Bytes of the numbers before the ciphertexts.
const RANGE_BYTES: u64 = 8;

/// Which groups are in which file: the same number in all but the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partition {
    pub(super) groups: usize,
    pub(super) per_file: usize,
}

impl Partition {
    pub(super) fn files(self) -> usize {
        self.groups.div_ceil(self.per_file)
    }

    /// The groups of a file; none past the last.
    pub(super) fn groups_of(self, file: usize) -> Range<usize> {
        let start = file.saturating_mul(self.per_file).min(self.groups);
        start..start.saturating_add(self.per_file).min(self.groups)
    }

    pub(super) fn file_of(self, group: usize) -> usize {
        group / self.per_file
    }
}

impl Plan {
    /// Number of files of rows.
    #[must_use]
    pub fn row_files(&self) -> usize {
        self.partition().files()
    }

    /// The groups in a file of rows, from 0; none past the last.
    #[must_use]
    pub fn row_file_groups(&self, file: usize) -> Range<usize> {
        self.partition().groups_of(file)
    }

    /// Bytes of a file of rows, exactly.
    #[must_use]
    pub fn row_file_bytes(&self, file: usize) -> u64 {
        self.file_bytes(TRAINING_ROWS, self.body_bytes(self.row_file_groups(file).len()))
    }

    /// Bytes of the file of 1/B, exactly.
    #[must_use]
    pub fn preconditioner_bytes(&self) -> u64 {
        self.file_bytes(PRECONDITIONER, self.layout().column_blocks() as u64 * self.record_bytes())
    }

    /// Bytes of all files of rows and that of 1/B.
    #[must_use]
    pub fn upload_bytes(&self) -> u64 {
        let last = self.row_files() - 1;
        last as u64 * self.row_file_bytes(0) + self.row_file_bytes(last) + self.preconditioner_bytes()
    }

    pub(super) fn partition(&self) -> Partition {
        let per_file = (ROW_FILE_BYTES / self.group_bytes()).max(1) as usize;
        Partition { groups: self.layout().groups(), per_file }
    }

    fn body_bytes(&self, groups: usize) -> u64 {
        RANGE_BYTES + groups as u64 * self.group_bytes()
    }

    fn group_bytes(&self) -> u64 {
        let layout = self.layout();
        (layout.column_blocks() + layout.class_blocks()) as u64 * self.record_bytes()
    }

    /// Bytes of a ciphertext: all have the same operand.
    fn record_bytes(&self) -> u64 {
        let upload = self.upload();
        upload.bytes / upload.ciphertexts as u64
    }

    fn file_bytes(&self, kind: Kind, body_bytes: u64) -> u64 {
        // All names have the same length.
        let names = (JobId::from_bytes([0; 16]), PlanHash::from_bytes([0; 32]));
        let header = named_header(kind, self, KeyId::from_bytes([0; 16]), names, body_bytes);
        header.file_bytes().unwrap_or(u64::MAX)
    }
}

impl EncryptedGroups<SeededCiphertext> {
    /// Writes it as the file of rows of a job with these groups: [`Plan::row_file_bytes`].
    ///
    /// # Errors
    ///
    /// [`WireError::ForeignGroups`] for groups that are not those of a file, [`WireError::Content`] for ciphertexts
    /// that are not as many as the layout has, [`WireError::File`] where they are not the plan's or the system fails.
    pub fn write(&self, job: &Job, out: impl Write) -> Result<(), WireError> {
        let plan = job.plan();
        let expected = plan.row_file_groups(plan.partition().file_of(self.first));
        check_groups(expected, self.range())?;
        let layout = plan.layout();
        for group in &self.groups {
            check_count(layout.column_blocks(), group.features.len())?;
            check_count(layout.class_blocks(), group.labels.len())?;
        }
        let ciphertexts = self.groups.iter().flat_map(|group| group.features.iter().chain(&group.labels));
        write_file(&header(job, TRAINING_ROWS, plan.body_bytes(self.groups.len())), out, |body| {
            body.bytes(&(self.first as u32).to_le_bytes())?;
            body.bytes(&(self.groups.len() as u32).to_le_bytes())?;
            write_ciphertexts(job, ciphertexts, body)
        })
    }

    /// Reads a file of rows of the job, from 0, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::ForeignGroups`] for another of the job's files.
    pub fn read(
        job: &Job,
        context: &Context,
        file: usize,
        input: impl Read,
        limit: u64,
    ) -> Result<Self, WireError> {
        let opened = open(job, TRAINING_ROWS, input, limit)?;
        opened.expect_parameters(context.parameters().id())?;
        let (layout, expected) = (job.plan().layout(), job.plan().row_file_groups(file));
        opened.read(|body| {
            check_groups(expected.clone(), read_range(body)?)?;
            let mut group = || -> Result<_, WireError> {
                let features = read_ciphertexts(job, context, layout.column_blocks(), body)?;
                let labels = read_ciphertexts(job, context, layout.class_blocks(), body)?;
                Ok(EncryptedGroup { features, labels })
            };
            Ok(Self { first: expected.start, groups: expected.map(|_| group()).collect::<Result<_, _>>()? })
        })
    }
}

/// Which groups a file of rows of the job has, of at most `limit` bytes. Their ciphertexts are not looked at.
///
/// # Errors
///
/// See [`WireError`].
pub fn read_groups(job: &Job, input: impl Read, limit: u64) -> Result<Range<usize>, WireError> {
    open(job, TRAINING_ROWS, input, limit)?.read(|body| {
        let range = read_range(body)?;
        body.skip(body.left())?;
        let plan = job.plan();
        check_groups(plan.row_file_groups(plan.partition().file_of(range.start)), range.clone())?;
        Ok(range)
    })
}

fn read_range(body: &mut BodyReader<impl Read>) -> Result<Range<usize>, WireError> {
    let [first, count] = [body.array()?, body.array()?].map(|bytes| u32::from_le_bytes(bytes) as usize);
    Ok(first..first.saturating_add(count))
}

/// Writes 1/B, by column block, as a file of the job: [`Plan::preconditioner_bytes`].
///
/// # Errors
///
/// [`WireError::Content`] for another number of ciphertexts, [`WireError::File`] where they are not the plan's or the
/// system fails.
pub fn write_preconditioner(
    blocks: &[SeededCiphertext],
    job: &Job,
    out: impl Write,
) -> Result<(), WireError> {
    let plan = job.plan();
    check_count(plan.layout().column_blocks(), blocks.len())?;
    let bytes = blocks.len() as u64 * plan.record_bytes();
    write_file(&header(job, PRECONDITIONER, bytes), out, |body| write_ciphertexts(job, blocks.iter(), body))
}

/// Reads 1/B from a file of the job, of at most `limit` bytes.
///
/// # Errors
///
/// See [`WireError`].
pub fn read_preconditioner(
    job: &Job,
    context: &Context,
    input: impl Read,
    limit: u64,
) -> Result<Vec<SeededCiphertext>, WireError> {
    let opened = open(job, PRECONDITIONER, input, limit)?;
    opened.expect_parameters(context.parameters().id())?;
    opened.read(|body| read_ciphertexts(job, context, job.plan().layout().column_blocks(), body))
}

fn check_groups(expected: Range<usize>, found: Range<usize>) -> Result<(), WireError> {
    if expected == found { Ok(()) } else { Err(WireError::ForeignGroups { expected, found }) }
}

fn check_count(expected: usize, actual: usize) -> Result<(), WireError> {
    if expected == actual {
        return Ok(());
    }
    Err(WireError::Content(MatrixError::Length { expected, actual }.into()))
}

fn write_ciphertexts<'c>(
    job: &Job,
    mut ciphertexts: impl Iterator<Item = &'c SeededCiphertext>,
    body: &mut BodyWriter<impl Write>,
) -> Result<(), WireError> {
    let parameters = job.plan().parameters();
    Ok(ciphertexts.try_for_each(|ciphertext| ciphertext.write_record(parameters, job.key_id(), body))?)
}

fn read_ciphertexts(
    job: &Job,
    context: &Context,
    count: usize,
    body: &mut BodyReader<impl Read>,
) -> Result<Vec<SeededCiphertext>, WireError> {
    let expected = job.plan().data();
    let read = |_| {
        let ciphertext = SeededCiphertext::read_record(context, job.key_id(), body)?;
        let found = ciphertext.operand();
        if *found == expected {
            return Ok(ciphertext);
        }
        Err(WireError::Operand { expected: expected.clone(), found: found.clone() })
    };
    (0..count).map(read).collect()
}
