//! Jobs of pools: what all members agree on besides their names and keys of transport.
//!
//! A job is written before there is a key. The pool's common seed is a hash of it, so that the [id of the pool] and the
//! fingerprint that owners compare are of the job as well.
//!
//! [id of the pool]: crate::volley_ckks::multiparty::Pool::id

use std::io::{Read, Write};
use std::sync::Arc;

use rand_core::CryptoRng;

use super::error::WireError;
use super::job::Job;
use super::names::{JobId, PlanHash};
use super::pool_plan::{MAX_BYTES, StoredPool, hash};
use super::{FileError, POOL_JOB, job_extension};
use crate::pool::PoolPlan;
use crate::volley_ckks::multiparty::{Pool, PoolError, TransportPublicKey};
use crate::volley_ckks::volley_ring::sampling::Seed;
use crate::volley_ckks::wire::{FileReader, Header, write_file};
use crate::volley_ckks::{Context, KeyId};

/// The plan of a pool that is run once.
#[derive(Clone, Debug)]
pub struct PoolJob {
    id: JobId,
    plan: PoolPlan,
    agreement: [u8; 32],
    /// Length and encoding: what the hash is of.
    encoded: Vec<u8>,
    plan_hash: PlanHash,
}

impl PoolJob {
    /// Bytes of the longest file of a job.
    pub const MAX_FILE_BYTES: u64 = MAX_BYTES as u64 + 512;

    /// A new job with a random name. `agreement` is a hash of whatever else the members agree on: names of columns and
    /// classes, who they are.
    ///
    /// # Errors
    ///
    /// [`WireError::UnnamedRefresh`].
    pub fn new(plan: PoolPlan, agreement: [u8; 32], rng: &mut impl CryptoRng) -> Result<Self, WireError> {
        let stored = StoredPool::of(&plan, agreement)?;
        Self::restore(JobId::generate(rng), plan, &stored)
    }

    fn restore(id: JobId, plan: PoolPlan, stored: &StoredPool) -> Result<Self, WireError> {
        let encoded = stored.encode()?;
        let plan_hash = hash(&encoded);
        Ok(Self { id, plan, agreement: stored.agreement, encoded, plan_hash })
    }

    /// The name.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// What is run.
    #[must_use]
    pub fn plan(&self) -> &PoolPlan {
        &self.plan
    }

    /// The hash of the plan, each owner's rows, and the agreement.
    #[must_use]
    pub fn plan_hash(&self) -> PlanHash {
        self.plan_hash
    }

    /// The hash of what else the members agree on.
    #[must_use]
    pub fn agreement(&self) -> [u8; 32] {
        self.agreement
    }

    /// The common seed of the pool: BLAKE3 of the text `volley-mlr pool seed 1`, the name and the hash of the plan.
    #[must_use]
    pub fn seed(&self) -> Seed {
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-mlr pool seed 1").update(self.id.as_bytes()).update(self.plan_hash.as_bytes());
        Seed(*hash.finalize().as_bytes())
    }

    /// The pool of these members, with a context of the plan's parameters. All decrypt together, or as many as the
    /// threshold says.
    ///
    /// # Errors
    ///
    /// [`PoolError`], as [`Pool::new`] and [`Pool::with_threshold`].
    pub fn pool(
        &self,
        context: &Arc<Context>,
        members: impl IntoIterator<Item = (impl Into<String>, TransportPublicKey)>,
        threshold: Option<usize>,
    ) -> Result<Pool, PoolError> {
        let spec = self.plan.key_spec().clone();
        match threshold {
            None => Pool::new(context, members, spec, self.seed()),
            Some(threshold) => Pool::with_threshold(context, members, threshold, spec, self.seed()),
        }
    }

    /// The run under the key of a pool that was [made for this job](Self::pool): what its files are written and read
    /// for.
    ///
    /// # Errors
    ///
    /// [`WireError::PoolOfAnotherJob`].
    pub fn job(&self, pool: &Pool) -> Result<Job, WireError> {
        let same_parameters = pool.context().parameters().id() == self.plan.plan().parameters().id();
        if pool.seed() != self.seed() || !same_parameters || pool.spec() != self.plan.key_spec() {
            return Err(WireError::PoolOfAnotherJob { pool: pool.id() });
        }
        Ok(Job::of_pool(self.id, pool.key_id(), &self.plan, self.plan_hash))
    }

    /// Writes it as a file of a few hundred bytes.
    ///
    /// # Errors
    ///
    /// [`FileError::Io`](crate::volley_ckks::wire::WireError::Io).
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        self.write_with(None, out)
    }

    /// Writes the [run under the key of a pool](Self::job), for machines that train and know nothing else of the pool:
    /// [`Job::read`] reads it.
    ///
    /// # Errors
    ///
    /// As [`job`](Self::job) and [`write`](Self::write).
    pub fn write_job(&self, pool: &Pool, out: impl Write) -> Result<(), WireError> {
        self.write_with(Some(self.job(pool)?.key_id()), out)
    }

    fn write_with(&self, key_id: Option<KeyId>, out: impl Write) -> Result<(), WireError> {
        let header = Header {
            kind: POOL_JOB,
            params_id: self.plan.plan().parameters().id(),
            key_id,
            extension: job_extension(self.id, self.plan_hash),
            body_bytes: self.encoded.len() as u64,
        };
        write_file(&header, out, |writer| Ok(writer.bytes(&self.encoded)?))
    }

    /// Reads a file of at most `limit` bytes, and plans again, as [`Job::read`] does.
    ///
    /// # Errors
    ///
    /// See [`WireError`]; [`WireError::Content`] for a plan that cannot be made, or rows of owners that are not the
    /// plan's, [`WireError::ForeignPlan`] for one that is not the one named.
    pub fn read(input: impl Read, limit: u64) -> Result<Self, WireError> {
        let file = FileReader::open(input, limit)?;
        file.expect_kind(POOL_JOB)?;
        if file.header().key_id.is_some() {
            return Err(FileError::Header.into());
        }
        let (id, stored, plan) = StoredPool::read(file)?;
        Self::restore(id, plan, &stored)
    }
}
