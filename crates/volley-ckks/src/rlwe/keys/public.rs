//! The public encryption key.

use std::sync::Arc;

use rand_core::CryptoRng;
use volley_ring::PackedPoly;
use volley_ring::sampling::{Domain, Seed, sample_gaussian};

use super::secret::SecretKey;
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::rlwe::streams::Streams;

/// An encryption of zero modulo QP: (b, a) with b = e − a·s. Anyone who has it can encrypt.
#[derive(Clone, Debug)]
pub struct PublicKey {
    context: Arc<Context>,
    key_id: KeyId,
    seed: Seed,
    /// (b, a).
    pub(crate) halves: [PackedPoly; 2],
}

impl PublicKey {
    /// The public key of a secret key.
    pub fn generate(secret_key: &SecretKey, rng: &mut impl CryptoRng) -> Self {
        let context = Arc::clone(secret_key.context());
        let mut streams = Streams::fork(rng);
        let seed = streams.seed();
        let basis = context.qp(context.parameters().max_level());
        let a = context.expand_qp(context.parameters().max_level(), &seed, Domain::PublicKey, 0);
        let error = sample_gaussian(basis.degree(), &mut streams.secret);
        let mut b = basis.forward_signed(&error);
        basis.sub_product_assign(&mut b, &a, secret_key.poly(), |limb| limb);
        let halves = [b, a].map(|half| basis.pack(&half));
        Self { key_id: secret_key.id(), context, seed, halves }
    }

    /// The key with this half b modulo QP.
    pub(crate) fn from_half(context: &Arc<Context>, key_id: KeyId, seed: Seed, b: PackedPoly) -> Self {
        let a = context.expand_qp(context.parameters().max_level(), &seed, Domain::PublicKey, 0);
        let a = context.qp(context.parameters().max_level()).pack(&a);
        Self { context: Arc::clone(context), key_id, seed, halves: [b, a] }
    }

    /// The tables of the key's parameter set.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    pub(crate) fn b(&self) -> &PackedPoly {
        &self.halves[0]
    }

    /// The seed of the uniform half.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The owner's key it belongs to.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_is_error, parameters, rng};

    #[test]
    fn the_public_key_is_an_encryption_of_zero() {
        let context = Context::new(parameters(10, 4));
        let owner = SecretKey::generate(&context, &mut rng(1));
        let public_key = PublicKey::generate(&owner, &mut rng(2));
        let basis = context.qp(4);
        let [b, a] = public_key.halves.each_ref().map(PackedPoly::unpack);
        assert_eq!(a, context.expand_qp(4, &public_key.seed(), Domain::PublicKey, 0));
        let mut error = a;
        basis.mul_assign(&mut error, owner.poly());
        basis.add_assign(&mut error, &b);
        assert_is_error(&basis.to_centred(&basis.inverse(error)));
    }
}
