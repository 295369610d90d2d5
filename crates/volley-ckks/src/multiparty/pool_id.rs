//! Names of pools.

use crate::base::id::id;

/// A hash of everything that the members of a pool agree on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolId([u8; 32]);

id!(PoolId, 32);
