//! The Galois keys: shares that only the server adds up.

use maybe_rayon::prelude::*;
use volley_ring::{Eval, PackedPoly, RnsPoly};

use super::pool::{Pool, Uniform};
use super::secret::{OwnerSecret, Purpose};
use crate::rlwe::keys::{EvaluationKeySet, KeySwitchingKey, galois_target};

/// The levels of the polynomials, each modulo Q_level·P: for each Galois key in ascending order of the elements those
/// of its digits.
pub(crate) fn layout(pool: &Pool) -> Vec<usize> {
    let parameters = pool.context().parameters();
    let digits = |(_, level)| std::iter::repeat_n(level, parameters.digit_count(level));
    pool.spec().galois_elements().flat_map(digits).collect()
}

/// The share of all Galois keys of the owner with the share s_i of the secret, in the order of [`layout`].
pub(super) fn share(secret: &OwnerSecret, s: &RnsPoly<Eval>) -> Vec<PackedPoly> {
    let keys: Vec<_> = secret.pool().spec().galois_elements().collect();
    let halves = keys.into_par_iter().map(|(element, level)| halves(secret, s, element, level));
    halves.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// The halves −aⱼ·σ⁻¹(s_i) + e + P·gⱼ·s_i of a key.
fn halves(secret: &OwnerSecret, s: &RnsPoly<Eval>, element: u64, level: usize) -> Vec<PackedPoly> {
    let context = secret.pool().context();
    let seed = secret.pool().uniform_seed(Uniform::Galois(element));
    let mut rng = secret.generator(Purpose::Galois, &(element as u32).to_le_bytes());
    let target = galois_target(context, s, element);
    KeySwitchingKey::generate_halves(context, [s, &target], level, seed, &mut rng)
}

/// The set of the Galois keys whose halves are the sums of all shares.
pub(super) fn keys(pool: &Pool, sums: Vec<PackedPoly>) -> EvaluationKeySet {
    let context = pool.context();
    let mut set = EvaluationKeySet::empty(context, pool.key_id());
    let mut sums = sums.into_iter();
    for (element, level) in pool.spec().galois_elements() {
        let halves = sums.by_ref().take(context.parameters().digit_count(level)).collect();
        let seed = pool.uniform_seed(Uniform::Galois(element));
        let key = KeySwitchingKey::from_halves(context, level, seed, halves);
        set.add_galois_key(context.automorphism(element), key);
    }
    set
}
