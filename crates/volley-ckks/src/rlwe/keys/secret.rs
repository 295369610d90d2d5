//! The secret key.

use std::fmt;
use std::sync::Arc;

use rand_core::CryptoRng;
use volley_ring::sampling::{SecretCoefficients, sample_ternary};
use volley_ring::{Eval, RnsPoly};
use zeroize::Zeroizing;

use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::rlwe::streams::Streams;

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
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("id", &self.id).finish_non_exhaustive()
    }
}
