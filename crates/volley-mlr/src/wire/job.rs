//! Jobs, one run of a plan each, and the files that the server gets with one.

use std::io::{Read, Write};
use std::sync::Arc;

use rand_core::CryptoRng;

use super::error::WireError;
use super::names::{JobId, PlanHash};
use super::plan::{EncodedPlan, MAX_BYTES, StoredPlan};
use super::pool_plan::{self, StoredPool};
use super::{FileError, JOB, POOL_JOB, header, names};
use crate::plan::Plan;
use crate::pool::PoolPlan;
use crate::volley_ckks::wire::{FileReader, Kind, write_file};
use crate::volley_ckks::{Context, EvaluationKeySet, KeyId, KeySpec};

/// A plan that is run once, under one key. The owner makes it and sends it with keys and data; every file of the run
/// carries its names, and readers refuse those of another run. The owners of a pool make it together ([`PoolJob`]).
///
/// [`PoolJob`]: crate::PoolJob
#[derive(Clone, Debug)]
pub struct Job {
    id: JobId,
    key_id: KeyId,
    plan: Arc<Plan>,
    plan_hash: PlanHash,
    key_spec: Arc<KeySpec>,
}

impl Job {
    /// A new job with a random name, for the owner of a key.
    ///
    /// # Errors
    ///
    /// As [`PlanHash::of`].
    pub fn new(
        plan: impl Into<Arc<Plan>>,
        key_id: KeyId,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, WireError> {
        let plan = plan.into();
        let plan_hash = PlanHash::of(&plan)?;
        Ok(Self::restore(JobId::generate(rng), key_id, plan, plan_hash))
    }

    /// The job with the name of one that was made before.
    pub(super) fn restore(id: JobId, key_id: KeyId, plan: impl Into<Arc<Plan>>, plan_hash: PlanHash) -> Self {
        let plan = plan.into();
        let key_spec = Arc::new(plan.key_spec().clone());
        Self { id, key_id, plan, plan_hash, key_spec }
    }

    /// The run of a pool's plan, which may need more keys than the training.
    pub(super) fn of_pool(id: JobId, key_id: KeyId, plan: &PoolPlan, plan_hash: PlanHash) -> Self {
        let key_spec = Arc::new(plan.key_spec().clone());
        Self { key_spec, ..Self::restore(id, key_id, Arc::clone(plan.plan()), plan_hash) }
    }

    /// The name.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// The owner's key.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// What is run.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The keys that the server gets: those of the plan, and in a pool those of
    /// [predictions](crate::pool::PoolPlan::with_predictions).
    #[must_use]
    pub fn key_spec(&self) -> &KeySpec {
        &self.key_spec
    }

    /// Whether it is the job of a pool. Its rows are then those of several owners, who have no secret key that seeds
    /// belong to: ciphertexts have both halves.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.plan.hyperparameters().pool().is_some()
    }

    /// The hash of the plan.
    #[must_use]
    pub fn plan_hash(&self) -> PlanHash {
        self.plan_hash
    }
}

impl Job {
    /// Writes it as a file of a few hundred bytes.
    ///
    /// # Errors
    ///
    /// [`FileError::Io`](crate::volley_ckks::wire::WireError::Io); [`WireError::PooledPlan`] for the job of a pool,
    /// which [`PoolJob::write_job`](crate::PoolJob::write_job) writes.
    pub fn write(&self, out: impl Write) -> Result<(), WireError> {
        let encoded = EncodedPlan::of(&self.plan)?;
        let body = encoded.bytes();
        write_file(&header(self, JOB, body.len() as u64), out, |writer| Ok(writer.bytes(body)?))
    }

    /// Reads a file of at most `limit` bytes, also that of [a pool](crate::PoolJob::write_job), and plans again what follows
    /// from it: keys, counts, memory.
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
        if file.header().kind == POOL_JOB && file.header().key_id.is_some() {
            return Self::read_pooled(file);
        }
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
        Ok(Self::restore(id, key_id, stored.plan(params_id)?, expected))
    }

    fn read_pooled(file: FileReader<impl Read>) -> Result<Self, WireError> {
        let key_id = file.header().key_id.ok_or(FileError::Header)?;
        let (id, stored, plan) = StoredPool::read(file)?;
        Ok(Self::of_pool(id, key_id, &plan, pool_plan::hash(&stored.encode()?)))
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
        let pooled = self.is_pooled() && self.key_spec.relinearization_level().is_some();
        file.expect_kind(if pooled { Kind::POOLED_EVALUATION_KEYS } else { Kind::EVALUATION_KEYS })?;
        file.expect_key(self.key_id())?;
        Ok(EvaluationKeySet::read_needed(context, file, needed)?)
    }
}
