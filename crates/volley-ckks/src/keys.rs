//! Keys: the owner's secret, and the public material that the server computes with.

mod evaluation;
mod key_switching;
mod public;
mod raising;
mod secret;
mod spec;

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
pub use spec::KeySpec;

pub use crate::galois::{GaloisPurpose, conjugation_element, rotation_element};
pub use crate::key_id::KeyId;

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
