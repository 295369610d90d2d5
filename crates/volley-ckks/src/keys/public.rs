//! The public encryption key.

use std::slice;
use std::sync::Arc;

use rand_core::CryptoRng;
use volley_ring::sampling::{Domain, Seed, sample_gaussian, sample_ternary};
use volley_ring::{DigitSum, Digits, PackedPoly};

use super::secret::SecretKey;
use super::{KeyId, Streams};
use crate::ciphertext::{Ciphertext, Plaintext};
use crate::context::Context;
use crate::error::Error;

/// An encryption of zero modulo QP: (b, a) with b = e − a·s. Anyone who has it can encrypt.
#[derive(Clone, Debug)]
pub struct PublicKey {
    context: Arc<Context>,
    key_id: KeyId,
    seed: Seed,
    /// (b, a).
    halves: [PackedPoly; 2],
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

    /// Encrypts at the plaintext's level: (b·u + e₀, a·u + e₁)/P + (m, 0) for a ternary u. Working modulo QP and
    /// dividing by P leaves a rounding error where encryption modulo Q would leave e·u. `rng` must never repeat.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plaintext belongs to another parameter set.
    pub fn encrypt(&self, plaintext: &Plaintext, rng: &mut impl CryptoRng) -> Result<Ciphertext, Error> {
        let parameters = self.context.parameters();
        if plaintext.params_id != parameters.id() {
            return Err(Error::ParameterMismatch);
        }
        let level = plaintext.level();
        let basis = self.context.qp(level);
        let mut secrets = Streams::fork(rng).secret;
        let u = sample_ternary(basis.degree(), &mut secrets);
        let errors = [(); 2].map(|()| sample_gaussian(basis.degree(), &mut secrets));
        let sum = DigitSum {
            digits: Digits::small(basis, &u),
            pairs: slice::from_ref(&self.halves),
            limb_of: self.context.key_limb(level, parameters.max_level()),
            summands: [None; 2],
            factor: &[],
        };
        let errors = errors.each_ref().map(|error| error.as_slice());
        let [mut c0, c1] = self.context.mod_down(level).apply_to_secret_sum(&sum, errors);
        self.context.q(level).add_assign(&mut c0, &plaintext.poly);
        Ok(Ciphertext {
            operand: plaintext.operand.clone(),
            parts: [c0, c1],
            params_id: plaintext.params_id,
            key_id: self.key_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_is_error, parameters, rng};
    use crate::{Encoder, ParametersLiteral, Scale, Security};

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

    #[test]
    fn encryption_adds_errors_before_it_divides() {
        // The division hides the errors, but security rests on them. With P of 10 bits they change the rounding of one
        // coefficient in P/E|e| = 360, as often in either half of the ciphertext.
        const SAMPLES: u64 = 2000;
        let literal = ParametersLiteral {
            log_n: 4,
            levels: vec![vec![10]],
            p_bits: vec![10],
            log_scale: 5,
            security: Security::Unchecked,
        };
        let context = Context::new(literal.build().unwrap());
        let owner = SecretKey::generate(&context, &mut rng(1));
        let public_key = PublicKey::generate(&owner, &mut rng(2));
        let zero = Encoder::new(&context).encode(&[0.0], &Scale::power_of_two(5), 0).unwrap();
        let basis = context.qp(0);
        let mut changed = [0; 2];
        for seed in 0..SAMPLES {
            let ciphertext = public_key.encrypt(&zero, &mut rng(seed)).unwrap();
            let mut secrets = Streams::fork(&mut rng(seed)).secret;
            let u = basis.forward(basis.from_signed(&sample_ternary(16, &mut secrets)));
            for (half, (part, key)) in ciphertext.parts.iter().zip(&public_key.halves).enumerate() {
                let mut product = key.unpack();
                basis.mul_assign(&mut product, &u);
                let mut difference = context.mod_down(0).apply(&product);
                context.q(0).sub_assign(&mut difference, part);
                let difference = context.q(0).inverse(difference);
                changed[half] += difference.residues().iter().filter(|&&residue| residue != 0).count();
            }
        }
        let expected = 16.0 * SAMPLES as f64 * 2.55 / context.parameters().p()[0] as f64;
        assert!(changed.iter().all(|&count| (count as f64 / expected - 1.0).abs() < 0.4), "{changed:?}");
    }
}
