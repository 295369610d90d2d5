//! Plans of pools in files.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::error::WireError;
use super::names::{JobId, PlanHash};
use super::plan::{MAX_BYTES as MAX_PLAN_BYTES, StoredPlan};
use super::{FileError, names};
use crate::method::hyperparameters::PoolDisclosure;
use crate::pool::PoolPlan;
use crate::volley_ckks::ParamsId;
use crate::volley_ckks::params::MAX_OWNERS;
use crate::volley_ckks::wire::{FileReader, encode_structure};

/// Bytes of the longest encoding: a plan, a varint for each owner's rows, three numbers and a hash.
pub(super) const MAX_BYTES: u32 = MAX_PLAN_BYTES + 10 * MAX_OWNERS as u32 + 64;

/// A pool's plan as it is stored, by postcard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredPool {
    plan: StoredPlan,
    /// Rows of each owner.
    rows: Vec<u64>,
    statistical_bits: u32,
    decryptions: u32,
    /// The hash of what else the members agree on.
    pub(super) agreement: [u8; 32],
    predicted_rows: u64,
}

impl StoredPool {
    pub(super) fn of(plan: &PoolPlan, agreement: [u8; 32]) -> Result<Self, WireError> {
        let PoolDisclosure { statistical_bits, decryptions, .. } = plan.disclosure()?;
        let rows = plan.rows().iter().map(|&rows| rows as u64).collect();
        let (stored, predicted_rows) = (StoredPlan::of(plan.plan())?, plan.predicted_rows() as u64);
        Ok(Self { plan: stored, rows, statistical_bits, decryptions, agreement, predicted_rows })
    }

    /// The name of the job and the plan that a file has.
    pub(super) fn read(file: FileReader<impl Read>) -> Result<(JobId, Self, PoolPlan), WireError> {
        let (id, found) = names(file.header()).ok_or(FileError::Header)?;
        let params_id = file.header().params_id;
        let stored: Self = file.read(|body| body.structure(MAX_BYTES))?;
        // Before the plan is simulated.
        let expected = hash(&stored.encode()?);
        if found != expected {
            return Err(WireError::ForeignPlan { expected, found });
        }
        let plan = stored.plan(params_id)?;
        Ok((id, stored, plan))
    }

    /// Length and encoding.
    pub(super) fn encode(&self) -> Result<Vec<u8>, WireError> {
        Ok(encode_structure(self)?)
    }

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
pub(super) fn hash(encoded: &[u8]) -> PlanHash {
    let mut hash = blake3::Hasher::new();
    hash.update(b"volley-mlr pool plan 1").update(encoded);
    PlanHash::from_bytes(*hash.finalize().as_bytes())
}
