//! The rows of a job, in files of bounded size, and 1/B.
//!
//! A file of rows has the number of its first group (u32), the number of its groups (u32), and by group ciphertexts of
//! the features, by column block, and of the labels, by class block. They are seeded, and have both halves in a pool.
//! The plan says which groups are in which file: those of one owner, as many as there is room for in
//! [`ROW_FILE_BYTES`], fewer in the owner's last. 1/B is in a file of its own, by column block.

use std::io::{Read, Write};
use std::ops::Range;

use super::error::WireError;
use super::job::Job;
use super::names::{JobId, PlanHash};
use super::row_record::{RowRecord, check_form};
use super::{PRECONDITIONER, TRAINING_ROWS, header, named_header, open};
use crate::encrypted::{EncryptedGroup, EncryptedGroups, ROW_FILE_BYTES};
use crate::plan::Plan;
use crate::volley_ckks::wire::{BodyReader, BodyWriter, Kind, write_file};
use crate::volley_ckks::{Context, KeyId};
use crate::volley_revolver::Error as MatrixError;

/// Bytes of the numbers before the ciphertexts.
const RANGE_BYTES: u64 = 8;

/// Which groups are in which file: of each owner the same number in all but the last.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    /// The groups of each owner, one after the other.
    pub(super) owners: Vec<Range<usize>>,
    pub(super) per_file: usize,
}

impl Partition {
    pub(super) fn files(&self) -> usize {
        self.owners.iter().map(|groups| self.files_for(groups)).sum()
    }

    /// The files of an owner.
    fn files_of(&self, owner: usize) -> Range<usize> {
        let start = self.owners[..owner].iter().map(|groups| self.files_for(groups)).sum();
        start..start + self.files_for(&self.owners[owner])
    }

    fn files_for(&self, groups: &Range<usize>) -> usize {
        groups.len().div_ceil(self.per_file)
    }

    /// The groups of a file; none past the last.
    pub(super) fn groups_of(&self, file: usize) -> Range<usize> {
        let mut file = file;
        for groups in &self.owners {
            let files = self.files_for(groups);
            if file < files {
                let start = groups.start + file * self.per_file;
                return start..start.saturating_add(self.per_file).min(groups.end);
            }
            file -= files;
        }
        self.end()..self.end()
    }

    /// The file of a group; past the last file for one past the last group.
    pub(super) fn file_of(&self, group: usize) -> usize {
        let mut before = 0;
        for groups in &self.owners {
            if group < groups.end {
                return before + (group - groups.start) / self.per_file;
            }
            before += self.files_for(groups);
        }
        before
    }

    /// The end of the last group.
    fn end(&self) -> usize {
        self.owners.last().map_or(0, |groups| groups.end)
    }
}

impl Plan {
    /// Number of files of rows.
    #[must_use]
    pub fn row_files(&self) -> usize {
        self.partition().files()
    }

    /// The files with the rows of an owner.
    ///
    /// # Panics
    ///
    /// If there is no such owner.
    #[must_use]
    pub fn row_files_of(&self, owner: usize) -> Range<usize> {
        self.partition().files_of(owner)
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
        (0..self.row_files()).map(|file| self.row_file_bytes(file)).sum::<u64>() + self.preconditioner_bytes()
    }

    pub(super) fn partition(&self) -> Partition {
        let per_file = (ROW_FILE_BYTES / self.group_bytes()).max(1) as usize;
        Partition { owners: self.owners().to_vec(), per_file }
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

    pub(super) fn file_bytes(&self, kind: Kind, body_bytes: u64) -> u64 {
        // All names have the same length.
        let names = (JobId::from_bytes([0; 16]), PlanHash::from_bytes([0; 32]));
        let header = named_header(kind, self, KeyId::from_bytes([0; 16]), names, body_bytes);
        header.file_bytes().unwrap_or(u64::MAX)
    }
}

impl<C: RowRecord> EncryptedGroups<C> {
    /// Writes it as the file of rows of a job with these groups: [`Plan::row_file_bytes`].
    ///
    /// # Errors
    ///
    /// [`WireError::ForeignGroups`] for groups that are not those of a file, [`WireError::RowCiphertexts`] and
    /// [`WireError::Content`] for ciphertexts in another form, or that are not as many as the layout has,
    /// [`WireError::File`] where they are not the plan's or the system fails.
    pub fn write(&self, job: &Job, out: impl Write) -> Result<(), WireError> {
        check_form::<C>(job)?;
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
    /// See [`WireError`]; [`WireError::ForeignGroups`] for another of the job's files, of another owner too.
    pub fn read(
        job: &Job,
        context: &Context,
        file: usize,
        input: impl Read,
        limit: u64,
    ) -> Result<Self, WireError> {
        check_form::<C>(job)?;
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
/// [`WireError::RowCiphertexts`] and [`WireError::Content`] for ciphertexts in another form, or another number of them,
/// [`WireError::File`] where they are not the plan's or the system fails.
pub fn write_preconditioner<C: RowRecord>(blocks: &[C], job: &Job, out: impl Write) -> Result<(), WireError> {
    check_form::<C>(job)?;
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
pub fn read_preconditioner<C: RowRecord>(
    job: &Job,
    context: &Context,
    input: impl Read,
    limit: u64,
) -> Result<Vec<C>, WireError> {
    check_form::<C>(job)?;
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

fn write_ciphertexts<'c, C: RowRecord>(
    job: &Job,
    mut ciphertexts: impl Iterator<Item = &'c C>,
    body: &mut BodyWriter<impl Write>,
) -> Result<(), WireError> {
    Ok(ciphertexts.try_for_each(|ciphertext| ciphertext.write_row(job, body))?)
}

fn read_ciphertexts<C: RowRecord>(
    job: &Job,
    context: &Context,
    count: usize,
    body: &mut BodyReader<impl Read>,
) -> Result<Vec<C>, WireError> {
    let expected = job.plan().data();
    let read = |_| {
        let ciphertext = C::read_row(job, context, body)?;
        let found = ciphertext.row_operand();
        if *found == expected {
            return Ok(ciphertext);
        }
        Err(WireError::Operand { expected: expected.clone(), found: found.clone() })
    };
    (0..count).map(read).collect()
}
