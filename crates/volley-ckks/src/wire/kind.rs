//! Kinds of files.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scheme::file_size::{EVALUATION_KEYS, POOLED_EVALUATION_KEYS};

/// What a file holds, in a few words: a name of 1 to 32 characters `a`–`z` and spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A parameter set.
    pub const PARAMETERS: Self = Self::new("parameters");
    /// A public encryption key.
    pub const PUBLIC_KEY: Self = Self::new("public key");
    /// Relinearization and Galois keys.
    pub const EVALUATION_KEYS: Self = Self::new(EVALUATION_KEYS);
    /// Relinearization and Galois keys of several owners.
    pub const POOLED_EVALUATION_KEYS: Self = Self::new(POOLED_EVALUATION_KEYS);
    /// A ciphertext with both halves.
    pub const CIPHERTEXT: Self = Self::new("ciphertext");
    /// A fresh ciphertext with one half and a seed.
    pub const SEEDED_CIPHERTEXT: Self = Self::new("seeded ciphertext");
    /// A secret key.
    pub const SECRET_KEY: Self = Self::new("secret key");

    /// A pool of owners.
    pub const POOL: Self = Self::new("pool");
    /// A member's commitment to its share of round one.
    pub const POOL_COMMITMENT: Self = Self::new("pool commitment");
    /// A member's share of round one.
    pub const ROUND_ONE_SHARE: Self = Self::new("pool round one share");
    /// The sums of round one.
    pub const ROUND_ONE_SUMS: Self = Self::new("pool round one sums");
    /// A member's share of round two.
    pub const ROUND_TWO_SHARE: Self = Self::new("pool round two share");
    /// A share of a member's secret, sealed for another.
    pub const SEALED_SHARE: Self = Self::new("pool sealed share");
    /// The private key that opens what is sealed for a member.
    pub const TRANSPORT_KEY: Self = Self::new("pool transport key");
    /// A member's shares of decryptions, sealed for all members.
    pub const SEALED_OPENING: Self = Self::new("pool sealed opening");
    /// A member's share of a decryption for all.
    pub const OPENING_SHARE: Self = Self::new("pool opening share");
    /// A member's share of a decryption for one.
    pub const SWITCHING_SHARE: Self = Self::new("pool switching share");
    /// The private state of an owner before round one.
    pub const OWNER_ROUND_ONE: Self = Self::new("pool owner before round one");
    /// The private state of an owner before round two.
    pub const OWNER_ROUND_TWO: Self = Self::new("pool owner before round two");
    /// The private state of an owner who has done both rounds.
    pub const KEY_HOLDER: Self = Self::new("pool key holder");

    /// A kind of this name. Names that break the rule are refused when the header is read.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    pub(super) fn is_valid(&self) -> bool {
        (1..=32).contains(&self.0.len())
            && self.0.bytes().all(|byte| byte == b' ' || byte.is_ascii_lowercase())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
