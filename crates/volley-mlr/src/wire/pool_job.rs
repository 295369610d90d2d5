//! Jobs of pools: what all members agree on besides their names and keys of transport.
//!
//! A job is written before there is a key. The pool's common seed is a hash of it, so that the [id of the pool] and the
//! fingerprint that owners compare are of the job as well.
//!
//! [id of the pool]: crate::volley_ckks::multiparty::Pool::id

use std::io::{Read, Write};
use std::sync::Arc;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::error::WireError;
use super::job::Job;
use super::names::{JobId, PlanHash};
use super::plan::{MAX_BYTES, StoredPlan};
use super::{FileError, POOL_JOB, job_extension, names};
use crate::method::hyperparameters::PoolDisclosure;
use crate::pool::PoolPlan;
use crate::volley_ckks::multiparty::{Pool, PoolError, TransportPublicKey};
use crate::volley_ckks::params::MAX_OWNERS;
use crate::volley_ckks::volley_ring::sampling::Seed;
use crate::volley_ckks::wire::{FileReader, Header, encode_structure, write_file};
use crate::volley_ckks::{Context, KeyId, ParamsId};

/// Bytes of the longest encoding: a plan, a varint for each owner's rows, three numbers and a hash.
const MAX_POOL_BYTES: u32 = MAX_BYTES + 10 * MAX_OWNERS as u32 + 64;

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

/// A pool's plan as it is stored, by postcard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredPool {
    plan: StoredPlan,
    /// Rows of each owner.
    rows: Vec<u64>,
    statistical_bits: u32,
    decryptions: u32,
    agreement: [u8; 32],
    predicted_rows: u64,
}

impl PoolJob {
    /// Bytes of the longest file of a job.
    pub const MAX_FILE_BYTES: u64 = MAX_POOL_BYTES as u64 + 512;

    /// A new job with a random name. `agreement` is a hash of whatever else the members agree on: names of columns and
    /// classes, who they are.
    ///
    /// # Errors
    ///
    /// [`WireError::UnnamedRefresh`].
    pub fn new(plan: PoolPlan, agreement: [u8; 32], rng: &mut impl CryptoRng) -> Result<Self, WireError> {
        let PoolDisclosure { statistical_bits, decryptions, .. } = plan.disclosure()?;
        let rows = plan.rows().iter().map(|&rows| rows as u64).collect();
        let stored = StoredPlan::of(plan.plan())?;
        let predicted_rows = plan.predicted_rows() as u64;
        let stored =
            StoredPool { plan: stored, rows, statistical_bits, decryptions, agreement, predicted_rows };
        Self::restore(JobId::generate(rng), plan, &stored)
    }

    fn restore(id: JobId, plan: PoolPlan, stored: &StoredPool) -> Result<Self, WireError> {
        let encoded = encode_structure(stored)?;
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
        let plan = self.plan.plan();
        let same_parameters = pool.context().parameters().id() == plan.parameters().id();
        if pool.seed() != self.seed() || !same_parameters || pool.spec() != self.plan.key_spec() {
            return Err(WireError::PoolOfAnotherJob { pool: pool.id() });
        }
        Ok(self.under(pool.key_id()))
    }

    fn under(&self, key: KeyId) -> Job {
        let job = Job::restore(self.id, key, Arc::clone(self.plan.plan()), self.plan_hash);
        job.with_keys(self.plan.key_spec().clone())
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
        Self::of_file(file)
    }

    /// The run under the key that a [file](Self::write_job) names.
    pub(super) fn job_of_file(file: FileReader<impl Read>) -> Result<Job, WireError> {
        let key_id = file.header().key_id.ok_or(FileError::Header)?;
        Ok(Self::of_file(file)?.under(key_id))
    }

    fn of_file(file: FileReader<impl Read>) -> Result<Self, WireError> {
        let (id, found) = names(file.header()).ok_or(FileError::Header)?;
        let params_id = file.header().params_id;
        let stored: StoredPool = file.read(|body| body.structure(MAX_POOL_BYTES))?;
        // Before the plan is simulated.
        let expected = hash(&encode_structure(&stored)?);
        if found != expected {
            return Err(WireError::ForeignPlan { expected, found });
        }
        Self::restore(id, stored.plan(params_id)?, &stored)
    }
}

impl StoredPool {
    /// Checks everything and simulates the run.
    fn plan(&self, params_id: ParamsId) -> Result<PoolPlan, WireError> {
        let Self { statistical_bits, decryptions, .. } = *self;
        let disclosure = PoolDisclosure { owners: self.rows.len(), statistical_bits, decryptions };
        let plan = self.plan.plan_of(Some(disclosure), params_id)?;
        let size = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let rows = self.rows.iter().map(|&rows| size(rows)).collect();
        Ok(PoolPlan::of(plan, rows, size(self.predicted_rows))?)
    }
}

/// BLAKE3 of the text `volley-mlr pool plan 1`, the length and the encoding.
fn hash(encoded: &[u8]) -> PlanHash {
    let mut hash = blake3::Hasher::new();
    hash.update(b"volley-mlr pool plan 1").update(encoded);
    PlanHash::from_bytes(*hash.finalize().as_bytes())
}
