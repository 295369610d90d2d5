//! What the files of a run are told apart by.

use std::fmt;

use rand_core::CryptoRng;

/// The random name of one run.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId([u8; 16]);

/// A hash of everything in a plan: two parties that have it have agreed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanHash([u8; 32]);

/// A hash of encrypted rows in their file: BLAKE3 of all of it. Their scores carry it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowsHash([u8; 32]);

macro_rules! names {
    ($($name:ident, $bytes:literal);*) => { $(
        impl $name {
            pub(super) fn from_bytes(bytes: [u8; $bytes]) -> Self {
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

impl JobId {
    /// A random name.
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self(id)
    }
}
