//! Where the randomness of keys and ciphertexts comes from.

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng, SeedableRng};
use volley_ring::sampling::Seed;
use zeroize::Zeroizing;

/// Two independent streams drawn from a caller's generator: what is published never comes from the stream that
/// secrets and errors come from.
pub(crate) struct Streams {
    pub(crate) public: ChaCha20Rng,
    pub(crate) secret: ChaCha20Rng,
}

impl Streams {
    pub(crate) fn fork(rng: &mut impl CryptoRng) -> Self {
        Self { public: fork(rng), secret: fork(rng) }
    }

    pub(crate) fn seed(&mut self) -> Seed {
        Seed::generate(&mut self.public)
    }

    /// A generator of secrets for one of several objects that are made in parallel.
    pub(crate) fn fork_secret(&mut self) -> ChaCha20Rng {
        fork(&mut self.secret)
    }
}

/// A generator with a key of its own from `rng`.
pub(crate) fn fork(rng: &mut impl Rng) -> ChaCha20Rng {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *key);
    ChaCha20Rng::from_seed(*key)
}
