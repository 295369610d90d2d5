//! Encrypted sums of the members of a pool: ciphertexts, as many as the round has. The header names the member (u8) and
//! the round (u8, from 0).

use std::io::{Read, Write};

use super::error::WireError;
use super::pool_job::PoolJob;
use super::{FileError, POOL_SUMS, header, open};
use crate::pool::{EncryptedSums, PoolPlan, Round, SumEncoding};
use crate::volley_ckks::multiparty::{Pool, PoolError};
use crate::volley_ckks::wire::{Header, write_file};
use crate::volley_ckks::{Ciphertext, Operand};
use crate::volley_revolver::Error as MatrixError;

/// Bytes of the names of member and round.
pub(super) const NAMES_BYTES: usize = 2;

impl EncryptedSums {
    /// Bytes of the file of any member, exactly.
    ///
    /// # Errors
    ///
    /// [`WireError::PoolOfAnotherJob`], and [`WireError::Content`] where no level has room for sums.
    pub fn file_bytes(job: &PoolJob, pool: &Pool, round: Round) -> Result<u64, WireError> {
        Ok(named(job, pool, 0, round)?.file_bytes()?)
    }

    /// Writes it as a file of the job.
    ///
    /// # Errors
    ///
    /// [`WireError::PoolOfAnotherJob`]; [`WireError::Content`] for another number of ciphertexts, or a member that does
    /// not exist; [`WireError::Operand`] for ciphertexts that are encoded otherwise; [`WireError::File`] where they are
    /// of another key or the system fails.
    pub fn write(&self, job: &PoolJob, pool: &Pool, out: impl Write) -> Result<(), WireError> {
        self.check_round(pool, self.round)?;
        let (expected, actual) = (ciphertext_count(job.plan(), self.round), self.ciphertexts.len());
        if actual != expected {
            return Err(WireError::Content(MatrixError::Length { expected, actual }.into()));
        }
        let operand = SumEncoding::new(job.plan())?.operand(job.plan());
        self.ciphertexts.iter().try_for_each(|ciphertext| check_operand(&operand, ciphertext))?;
        let parameters = pool.context().parameters();
        write_file(&named(job, pool, self.member, self.round)?, out, |body| {
            let mut ciphertexts = self.ciphertexts.iter();
            Ok(ciphertexts.try_for_each(|sum| sum.write_record(parameters, pool.key_id(), body))?)
        })
    }

    /// Reads the file of a member for a round, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::File`] with a [`PoolError`] for a file of another member, [`WireError::Content`]
    /// for one of another round.
    pub fn read(
        job: &PoolJob,
        pool: &Pool,
        (member, round): (usize, Round),
        input: impl Read,
        limit: u64,
    ) -> Result<Self, WireError> {
        let file = open(&job.job(pool)?, POOL_SUMS, input, limit)?;
        let (found_member, found) = member_and_round(file.header()).ok_or(FileError::Header)?;
        if found_member != member {
            let [expected, found] = [member, found_member].map(|member| name(pool, member));
            return Err(FileError::from(PoolError::ForeignMember { expected, found }).into());
        }
        let sums = Self { member, round: found, ciphertexts: Vec::new() };
        sums.check_round(pool, round)?;
        let operand = SumEncoding::new(job.plan())?.operand(job.plan());
        file.read(|body| {
            let mut ciphertext = || -> Result<_, WireError> {
                let ciphertext = Ciphertext::read_record(pool.context(), pool.key_id(), body)?;
                check_operand(&operand, &ciphertext)?;
                Ok(ciphertext)
            };
            let count = ciphertext_count(job.plan(), round);
            Ok(Self { ciphertexts: (0..count).map(|_| ciphertext()).collect::<Result<_, _>>()?, ..sums })
        })
    }
}

fn named(job: &PoolJob, pool: &Pool, member: usize, round: Round) -> Result<Header, WireError> {
    let plan = job.plan();
    let record_bytes = SumEncoding::new(plan)?.operand(plan).ciphertext_bytes(plan.plan().parameters());
    let mut header = header(&job.job(pool)?, POOL_SUMS, ciphertext_count(plan, round) as u64 * record_bytes);
    header.extension.extend([member as u8, round as u8]);
    Ok(header)
}

/// Member and round at the end of the names.
fn member_and_round(header: &Header) -> Option<(usize, Round)> {
    let (_, &[member, found]) = header.extension.split_last_chunk::<NAMES_BYTES>()?;
    let round = Round::ALL.into_iter().find(|&round| round as u8 == found)?;
    Some((member.into(), round))
}

fn ciphertext_count(plan: &PoolPlan, round: Round) -> usize {
    SumEncoding::ciphertext_count(plan, plan.sum_count(round))
}

fn check_operand(expected: &Operand, ciphertext: &Ciphertext) -> Result<(), WireError> {
    let found = ciphertext.operand();
    if found == expected {
        return Ok(());
    }
    Err(WireError::Operand { expected: expected.clone(), found: found.clone() })
}

fn name(pool: &Pool, member: usize) -> String {
    pool.members().get(member).cloned().unwrap_or_else(|| format!("member {member}"))
}
