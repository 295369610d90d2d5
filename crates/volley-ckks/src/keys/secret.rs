//! The secret key, encryption under it, and decryption.

use std::fmt;
use std::sync::Arc;

use rand_core::CryptoRng;
use volley_ring::sampling::{SecretCoefficients, sample_gaussian, sample_ternary};
use volley_ring::{Eval, RnsPoly};
use zeroize::Zeroizing;

use super::{KeyId, Streams};
use crate::ciphertext::{Ciphertext, Plaintext, SeededCiphertext};
use crate::context::Context;
use crate::error::Error;

/// A uniform ternary secret s. It has no `Clone` and no `Serialize`, prints only its name, and is wiped when dropped.
///
/// A decryption that reaches anyone else than the owner leaks the secret (Li and Micciancio, eprint 2020/1533): treat
/// decrypted values as private unless their noise was flooded.
pub struct SecretKey {
    context: Arc<Context>,
    id: KeyId,
    /// s modulo QP.
    s: Zeroizing<RnsPoly<Eval>>,
}

impl SecretKey {
    /// A fresh key. `rng` must be a generator no one else can repeat: the operating system's, or one seeded by it.
    pub fn generate(context: &Arc<Context>, rng: &mut impl CryptoRng) -> Self {
        let mut streams = Streams::fork(rng);
        let id = KeyId::generate(&mut streams.public);
        let coefficients = sample_ternary(context.parameters().degree(), &mut streams.secret);
        Self::from_coefficients(context, id, &coefficients)
    }

    /// The key of this name with N coefficients −1, 0 and 1.
    pub(crate) fn from_coefficients(context: &Arc<Context>, id: KeyId, coefficients: &[i64]) -> Self {
        let basis = context.qp(context.parameters().max_level());
        let s = Zeroizing::new(basis.forward_signed(coefficients));
        Self { context: Arc::clone(context), id, s }
    }

    /// The coefficients −1, 0 and 1 of s. No branch depends on them.
    pub(crate) fn coefficients(&self) -> SecretCoefficients {
        let s = Zeroizing::new(self.context.q(0).prefix(1).inverse(self.s.prefix(1)));
        // Residues are 0, 1 and q₀ − 1, which is even.
        let sign = |residue: u64| (residue & 1) as i64 - i64::from(residue > 1);
        SecretCoefficients::new(s.residues().iter().map(|&residue| sign(residue)).collect())
    }

    /// The random name that everything made with this key carries.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The tables of the key's parameter set.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// s modulo QP, in evaluation form.
    pub(crate) fn poly(&self) -> &RnsPoly<Eval> {
        &self.s
    }

    /// Encrypts at the plaintext's level: (m + e − a·s, a) with a expanded from a seed. The noise is one Gaussian
    /// error, the least that any encryption has. `rng` must never repeat: two encryptions from one state reveal the
    /// difference of their plaintexts.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the plaintext belongs to another parameter set.
    pub fn encrypt(
        &self,
        plaintext: &Plaintext,
        rng: &mut impl CryptoRng,
    ) -> Result<SeededCiphertext, Error> {
        if plaintext.params_id != self.context.parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        let mut streams = Streams::fork(rng);
        let seed = streams.seed();
        let basis = self.context.q(plaintext.level());
        let error = sample_gaussian(basis.degree(), &mut streams.secret);
        // In place: no buffer keeps the error or a·s.
        let mut c0 = basis.forward_signed(&error);
        let a = self.context.expand_q(plaintext.level(), &seed);
        basis.sub_product_assign(&mut c0, &a, &self.s, |limb| limb);
        basis.add_assign(&mut c0, &plaintext.poly);
        Ok(SeededCiphertext {
            operand: plaintext.operand.clone(),
            c0,
            seed,
            params_id: plaintext.params_id,
            key_id: self.id,
        })
    }

    /// Decrypts: c₀ + c₁·s, modulo the modulus of the ciphertext's level. Values that the modulus does not hold come
    /// out as others ([`Arithmetic`](crate::Arithmetic#room-for-values)).
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] and [`Error::KeyMismatch`] for a ciphertext of another set or owner.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Plaintext, Error> {
        if ciphertext.params_id != self.context.parameters().id() {
            return Err(Error::ParameterMismatch);
        }
        if ciphertext.key_id != self.id {
            return Err(Error::KeyMismatch);
        }
        let basis = self.context.q(ciphertext.level());
        let mut poly = ciphertext.parts[1].clone();
        basis.mul_assign(&mut poly, &self.s);
        basis.add_assign(&mut poly, &ciphertext.parts[0]);
        Ok(Plaintext { operand: ciphertext.operand.clone(), poly, params_id: ciphertext.params_id })
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("id", &self.id).finish_non_exhaustive()
    }
}
