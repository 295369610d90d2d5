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
