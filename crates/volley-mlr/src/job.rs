//! One run of a plan: what ties its files together.

use std::fmt;
use std::sync::Arc;

use rand_core::CryptoRng;

use crate::plan::Plan;
use crate::volley_ckks::KeyId;
use crate::wire::{EncodedPlan, WireError};

/// The random name of one run.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId([u8; 16]);

/// A hash of everything in a plan. Two parties that have the same hash have agreed on the plan.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanHash([u8; 32]);

/// A hash of encrypted rows: BLAKE3 of their whole file. Their scores carry it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowsHash([u8; 32]);

macro_rules! names {
    ($($name:ident, $bytes:literal);*) => { $(
        impl $name {
            pub(crate) fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        /// The first bytes.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [a, b, c, d, ..] = self.0;
                write!(f, concat!(stringify!($name), "({:02x}{:02x}{:02x}{:02x}…)"), a, b, c, d)
            }
        }
    )* };
}

names!(JobId, 16; PlanHash, 32; RowsHash, 32);

impl PlanHash {
    /// The hash of a plan: the same before there is a job as in all of its files.
    ///
    /// # Errors
    ///
    /// [`WireError::UnnamedRefresh`] for a plan that [refreshes by something of its own](Plan::refreshed_by), and so has no files.
    pub fn of(plan: &Plan) -> Result<Self, WireError> {
        Ok(EncodedPlan::of(plan)?.hash())
    }
}

/// A plan that is run once, under one key. The owner makes it and sends it with keys and data; every file of the run
/// carries its names, and readers refuse those of another run.
#[derive(Clone, Debug)]
pub struct Job {
    id: JobId,
    key_id: KeyId,
    plan: Arc<Plan>,
    /// The encoding that the plan's hash is made from.
    encoded: EncodedPlan,
    plan_hash: PlanHash,
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
        let encoded = EncodedPlan::of(&plan)?;
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Ok(Self::restore(JobId(id), key_id, plan, encoded))
    }

    /// The job with the name of one that was made before.
    pub(crate) fn restore(
        id: JobId,
        key_id: KeyId,
        plan: impl Into<Arc<Plan>>,
        encoded: EncodedPlan,
    ) -> Self {
        let plan_hash = encoded.hash();
        Self { id, key_id, plan: plan.into(), encoded, plan_hash }
    }

    pub(crate) fn encoded_plan(&self) -> &EncodedPlan {
        &self.encoded
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

    /// The plan that is run.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The hash of the plan.
    #[must_use]
    pub fn plan_hash(&self) -> PlanHash {
        self.plan_hash
    }
}
