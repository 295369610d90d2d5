//! Encryption under either key, and decryption.

use std::{fmt, slice};

use rand_core::CryptoRng;
use volley_ring::sampling::{sample_gaussian, sample_ternary};
use volley_ring::{DigitSum, Digits, Eval, RnsPoly};

use crate::base::error::Error;
use crate::rlwe::keys::{PublicKey, SecretKey};
use crate::rlwe::streams::Streams;
use crate::scheme::ciphertext::{Ciphertext, Plaintext, SeededCiphertext};

/// What one encryption under a secret key takes of a generator. Where it is drawn for many plaintexts in their order,
/// they can be encrypted in parallel and give what they give one after the other. It serves once.
pub struct Randomness(Streams);

impl Randomness {
    /// Draws from a generator that never repeats.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(Streams::fork(rng))
    }
}

/// Shows nothing of it.
impl fmt::Debug for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Randomness").finish_non_exhaustive()
    }
}

impl SecretKey {
    /// Encrypts at the plaintext's level: (m + e − a·s, a) with a expanded from a seed. The noise is one Gaussian
    /// error, the least that any encryption has. `rng` must never repeat: two encryptions from one state give the
    /// difference of their plaintexts away.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plaintext belongs to another parameter set.
    pub fn encrypt(
        &self,
        plaintext: &Plaintext,
        rng: &mut impl CryptoRng,
    ) -> Result<SeededCiphertext, Error> {
        self.encrypt_with(plaintext, Randomness::draw(rng))
    }

    /// As [`encrypt`](Self::encrypt), by randomness that was drawn before.
    ///
    /// # Errors
    ///
    /// As [`encrypt`](Self::encrypt).
    pub fn encrypt_with(
        &self,
        plaintext: &Plaintext,
        randomness: Randomness,
    ) -> Result<SeededCiphertext, Error> {
        if plaintext.params_id != self.context().parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        let Randomness(mut streams) = randomness;
        let seed = streams.seed();
        let basis = self.context().q(plaintext.level());
        let error = sample_gaussian(basis.degree(), &mut streams.secret);
        // In place: no buffer keeps the error or a·s.
        let mut c0 = basis.forward_signed(&error);
        let a = self.context().expand_q(plaintext.level(), &seed);
        basis.sub_product_assign(&mut c0, &a, self.poly(), |limb| limb);
        basis.add_assign(&mut c0, &plaintext.poly);
        Ok(SeededCiphertext {
            operand: plaintext.operand.clone(),
            c0,
            seed,
            params_id: plaintext.params_id,
            key_id: self.id(),
        })
    }

    /// Decrypts: c₀ + c₁·s, modulo the modulus of the ciphertext's level. Values that this does not hold come out as
    /// others ([`Arithmetic`](crate::Arithmetic#room-for-values)).
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] and [`Error::KeyMismatch`] for a ciphertext of another set or owner.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Plaintext, Error> {
        if ciphertext.params_id != self.context().parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        if ciphertext.key_id != self.id() {
            return Err(Error::KeyMismatch);
        }
        let basis = self.context().q(ciphertext.level());
        let mut poly = basis.product(&ciphertext.parts[1], self.poly());
        basis.add_assign(&mut poly, &ciphertext.parts[0]);
        Ok(Plaintext { operand: ciphertext.operand.clone(), poly, params_id: ciphertext.params_id })
    }
}

impl PublicKey {
    /// Encrypts at the plaintext's level: (b·u + e₀, a·u + e₁)/P + (m, 0) for a ternary u. Working modulo QP and
    /// dividing by P leaves a rounding error where encryption modulo Q would leave e·u. `rng` must never repeat.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plaintext belongs to another parameter set.
    pub fn encrypt(&self, plaintext: &Plaintext, rng: &mut impl CryptoRng) -> Result<Ciphertext, Error> {
        if plaintext.params_id != self.context().parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        let [mut c0, c1] = self.encrypt_zero(plaintext.level(), rng);
        self.context().q(plaintext.level()).add_assign(&mut c0, &plaintext.poly);
        Ok(Ciphertext {
            operand: plaintext.operand.clone(),
            parts: [c0, c1],
            params_id: plaintext.params_id,
            key_id: self.key_id(),
        })
    }

    /// (b·u + e₀, a·u + e₁)/P modulo Q_level.
    pub(crate) fn encrypt_zero(&self, level: usize, rng: &mut impl CryptoRng) -> [RnsPoly<Eval>; 2] {
        let basis = self.context().qp(level);
        let mut secrets = Streams::fork(rng).secret;
        let u = sample_ternary(basis.degree(), &mut secrets);
        let errors = [(); 2].map(|()| sample_gaussian(basis.degree(), &mut secrets));
        let sum = DigitSum {
            digits: Digits::small(basis, &u),
            pairs: slice::from_ref(&self.halves),
            limb_of: self.context().key_limb(level, self.context().parameters().max_level()),
            summands: [None; 2],
            factor: &[],
        };
        let errors = errors.each_ref().map(|error| error.as_slice());
        self.context().mod_down(level).apply_to_secret_sum(&sum, errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{parameters, random_slots, rng};
    use crate::{Context, Encoder, ParametersLiteral, Precision, Scale, Security};

    #[test]
    fn public_key_encryption_decrypts_at_every_level() {
        let owner = SecretKey::generate(&Context::new(parameters(10, 4)), &mut rng(1));
        let (context, encoder) = (owner.context(), Encoder::new(owner.context()));
        let public_key = PublicKey::generate(&owner, &mut rng(2));
        assert_eq!(public_key.key_id(), owner.id());
        for level in 0..=4 {
            for slots in [512, 16, 1] {
                let values = random_slots(slots, &mut rng(3));
                let plaintext = encoder.encode(&values, &context.parameters().scale(), level).unwrap();
                let ciphertext = public_key.encrypt(&plaintext, &mut rng(4)).unwrap();
                assert_eq!((ciphertext.operand(), ciphertext.key_id()), (plaintext.operand(), owner.id()));
                let decoded = encoder.decode(&owner.decrypt(&ciphertext).unwrap()).unwrap();
                assert!(Precision::measure(&values, &decoded).worst_bits() > 30.0);
            }
        }
    }

    #[test]
    fn plaintexts_of_other_parameters_are_not_encrypted() {
        let owner = SecretKey::generate(&Context::new(parameters(4, 4)), &mut rng(1));
        let foreign = Encoder::new(&Context::new(parameters(4, 1)));
        let plaintext = foreign.encode(&[1.0], &Scale::power_of_two(30), 0).unwrap();
        assert_eq!(owner.encrypt(&plaintext, &mut rng(2)).unwrap_err(), Error::ParameterMismatch);
        let public_key = PublicKey::generate(&owner, &mut rng(2));
        assert_eq!(public_key.encrypt(&plaintext, &mut rng(3)).unwrap_err(), Error::ParameterMismatch);
    }

    #[test]
    fn encryption_adds_errors_before_it_divides() {
        // The division hides them, but security rests on them. With P of 10 bits they change the rounding of one
        // coefficient in P/E|e| = 360: as often in either half of the ciphertext.
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
