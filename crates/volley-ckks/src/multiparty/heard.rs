//! Who was heard, and the sum of what they sent.

use maybe_rayon::prelude::*;
use volley_ring::PackedPoly;

use super::error::PoolError;
use super::pool::Pool;
use super::pool_id::PoolId;

/// The members who were heard, with what is kept of each message.
#[derive(Debug)]
pub(super) struct Heard<T> {
    pool: Pool,
    kept: Vec<Option<T>>,
}

impl<T> Heard<T> {
    pub(super) fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), kept: pool.everyone().map(|_| None).collect() }
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Notes one message.
    pub(super) fn enter(&mut self, pool: PoolId, member: usize, kept: T) -> Result<(), PoolError> {
        self.pool.check_pool(pool)?;
        self.pool.check_member(member)?;
        if self.kept[member].is_some() {
            return Err(PoolError::DuplicateShare { member: self.pool.name(member) });
        }
        self.kept[member] = Some(kept);
        Ok(())
    }

    /// Refuses to go on without these members.
    pub(super) fn check_heard(&self, members: impl IntoIterator<Item = usize>) -> Result<(), PoolError> {
        let missing = self.missing_of(members);
        if missing.is_empty() { Ok(()) } else { Err(PoolError::MissingShares { members: missing }) }
    }

    /// What was kept of all members.
    pub(super) fn all(self) -> Result<Vec<T>, PoolError> {
        self.check_heard(self.pool.everyone())?;
        Ok(self.kept.into_iter().flatten().collect())
    }

    /// The names of those who were not heard.
    pub(super) fn missing(&self) -> Vec<String> {
        self.missing_of(self.pool.everyone())
    }

    fn missing_of(&self, members: impl IntoIterator<Item = usize>) -> Vec<String> {
        let missing = members.into_iter().filter(|&member| self.kept[member].is_none());
        missing.map(|member| self.pool.name(member)).collect()
    }
}

/// Shares of a round that are added up, one by one: beside the sum, one share at a time is in memory.
#[derive(Debug)]
pub(super) struct ShareSum {
    heard: Heard<()>,
    /// The levels of the polynomials, each modulo Q_level·P.
    levels: Vec<usize>,
    sum: Option<Vec<PackedPoly>>,
}

impl ShareSum {
    pub(super) fn new(pool: &Pool, levels: Vec<usize>) -> Self {
        Self { heard: Heard::new(pool), levels, sum: None }
    }

    /// The members who were heard.
    pub(super) fn heard(&self) -> &Heard<()> {
        &self.heard
    }

    /// Adds the polynomials of a member. The sum is as it was before where the message is refused.
    pub(super) fn add(
        &mut self,
        (pool, member): (PoolId, usize),
        polys: Vec<PackedPoly>,
    ) -> Result<(), PoolError> {
        self.heard.enter(pool, member, ())?;
        let Some(sum) = &mut self.sum else {
            self.sum = Some(polys);
            return Ok(());
        };
        let context = self.heard.pool().context();
        sum.par_iter_mut().zip(&polys).zip(&self.levels).for_each(|((sum, share), &level)| {
            let basis = context.qp(level);
            let mut total = sum.unpack();
            basis.add_assign(&mut total, &share.unpack());
            *sum = basis.pack(&total);
        });
        Ok(())
    }

    /// The sums, when all members were heard.
    pub(super) fn finish(self) -> Result<Vec<PackedPoly>, PoolError> {
        self.heard.check_heard(self.heard.pool().everyone())?;
        Ok(self.sum.unwrap_or_default())
    }
}
