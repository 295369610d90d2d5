//! The keys that raise a modulus: to an ephemeral sparse secret, and back from it.
//!
//! *Sparse-secret encapsulation* is due to Bossuat, Troncoso-Pastoriza, Hubaux (eprint 2022/024). A ciphertext at level
//! 0 is switched from the dense secret s to a sparse s′ under the small modulus q₀·p. After its modulus was raised it
//! is switched back to s under Q·P. So whatever is encrypted under s′ has a modulus of q₀·p only, and s stays dense. s′
//! is wiped as soon as the two keys are made.

use volley_ring::sampling::sample_sparse_ternary;
use zeroize::Zeroizing;

use super::key_switching::KeySwitchingKey;
use super::secret::SecretKey;
use crate::base::params::EPHEMERAL_WEIGHT;
use crate::rlwe::streams::Streams;

/// The keys from s to s′ and from s′ to s.
#[derive(Debug)]
pub(crate) struct RaisingKeys {
    /// The key modulo q₀·p ([`Context::ephemeral`](crate::Context::ephemeral)), with a digit for each prime of q₀ or a
    /// few of them.
    pub(crate) to_ephemeral: KeySwitchingKey,
    /// The key modulo Q_level·P.
    pub(crate) from_ephemeral: KeySwitchingKey,
}

impl RaisingKeys {
    pub(super) fn generate(secret_key: &SecretKey, level: usize, streams: &mut Streams) -> Self {
        let context = secret_key.context();
        let (ephemeral, parameters) = (context.ephemeral(), context.parameters());
        let seeds = [streams.seed(), streams.seed()];
        let mut rng = streams.fork_secret();
        let sparse = sample_sparse_ternary(parameters.degree(), EPHEMERAL_WEIGHT, &mut rng);
        // Modulo q₀·p and modulo Q·P.
        let [small, large] = [ephemeral.qp(0), context.qp(parameters.max_level())];
        let s = Zeroizing::new(small.forward_signed(&secret_key.coefficients()));
        let [low, high] = [small, large].map(|basis| Zeroizing::new(basis.forward_signed(&sparse)));
        Self {
            to_ephemeral: KeySwitchingKey::generate(ephemeral, [&s, &low], 0, seeds[0], &mut rng),
            from_ephemeral: KeySwitchingKey::generate(
                context,
                [&high, secret_key.poly()],
                level,
                seeds[1],
                &mut rng,
            ),
        }
    }
}
