//! Keys: the owner's secret, and the public material that the server computes with.

mod evaluation;
mod key_switching;
mod public;
mod raising;
mod secret;
mod spec;

use std::fmt;

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng, SeedableRng};
use volley_ring::sampling::Seed;
use zeroize::Zeroizing;

pub use evaluation::EvaluationKeySet;
pub(crate) use evaluation::GaloisKey;
pub use key_switching::KeySwitchingKey;
pub use public::PublicKey;
pub(crate) use raising::RaisingKeys;
pub use secret::SecretKey;
pub use spec::{GaloisPurpose, KeySpec, conjugation_element, rotation_element};

/// A random name that ties keys, ciphertexts and models to one owner's secret key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 16]);

impl KeyId {
    fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self(id)
    }

    /// The id of a name that was stored.
    #[must_use]
    pub fn from_bytes(name: [u8; 16]) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Shows the first bytes.
impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({:02x}{:02x}{:02x}{:02x}…)", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

/// Two independent streams drawn from a caller's generator: what is published never comes from the stream that
/// secrets and errors come from.
struct Streams {
    public: ChaCha20Rng,
    secret: ChaCha20Rng,
}

impl Streams {
    fn fork(rng: &mut impl CryptoRng) -> Self {
        Self { public: fork(rng), secret: fork(rng) }
    }

    fn seed(&mut self) -> Seed {
        Seed::generate(&mut self.public)
    }

    /// A generator of secrets for one of several objects that are made in parallel.
    fn fork_secret(&mut self) -> ChaCha20Rng {
        fork(&mut self.secret)
    }
}

/// A generator with a key of its own from `rng`.
fn fork(rng: &mut impl Rng) -> ChaCha20Rng {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *key);
    ChaCha20Rng::from_seed(*key)
}

#[cfg(test)]
mod tests;
