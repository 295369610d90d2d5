//! An owner who has a share of the joint secret, and decrypts each ciphertext once.

use std::collections::BTreeMap;
use std::fmt;

use volley_ring::{Eval, RnsPoly};
use zeroize::Zeroizing;

use super::accessors::owner;
use super::commitment::Digest;
use super::error::PoolError;
use super::request::{DecryptionShare, Request};
use super::secret::{OwnerSecret, Purpose};
use super::sharing;
use super::smudging::sample_smudging;

/// An owner who has done both rounds. It keeps which ciphertexts it has helped to decrypt, and how.
pub struct KeyHolder {
    pub(crate) secret: OwnerSecret,
    /// S_i modulo Q, in a pool with a threshold.
    pub(crate) sum: Option<Zeroizing<RnsPoly<Eval>>>,
    /// The hash of the request by the ciphertext's.
    pub(crate) admitted: BTreeMap<Digest, Digest>,
}

owner!(KeyHolder);

impl KeyHolder {
    pub(super) fn new(secret: OwnerSecret, sum: Option<Zeroizing<RnsPoly<Eval>>>) -> Self {
        Self { secret, sum, admitted: BTreeMap::new() }
    }

    /// Binds the owner to a request. Keep the owner before the share is made: whoever forgets an admission can be made
    /// to give two shares for one ciphertext, and their difference tells about the secret. The same request may be
    /// admitted again, and has the same share.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], [`PoolError::NotAsked`], and [`PoolError::DecryptedBefore`] where another request
    /// for this ciphertext was admitted: by other owners, for another receiver or with other noise.
    pub fn admit<const PARTS: usize>(&mut self, request: &Request<PARTS>) -> Result<(), PoolError> {
        self.admitted = self.admitted_with(self.admitted.clone(), request)?;
        Ok(())
    }

    /// How many ciphertexts the owner has admitted: its part of the τ that its noise is planned for.
    #[must_use]
    pub fn decryptions(&self) -> usize {
        self.admitted.len()
    }

    /// Requests that were admitted, and one more.
    pub(super) fn admitted_with<const PARTS: usize>(
        &self,
        mut admitted: BTreeMap<Digest, Digest>,
        request: &Request<PARTS>,
    ) -> Result<BTreeMap<Digest, Digest>, PoolError> {
        self.check(request)?;
        if *admitted.entry(request.ciphertext_id()).or_insert(request.digest()) == request.digest() {
            Ok(admitted)
        } else {
            Err(PoolError::DecryptedBefore { member: self.secret.name() })
        }
    }

    /// The owner's share of a decryption that was admitted. It is the same each time.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], [`PoolError::NotAsked`], [`PoolError::NotAdmitted`].
    pub fn share<const PARTS: usize>(
        &self,
        request: &Request<PARTS>,
    ) -> Result<DecryptionShare<PARTS>, PoolError> {
        self.check(request)?;
        if self.admitted.get(&request.ciphertext_id()) != Some(&request.digest()) {
            return Err(PoolError::NotAdmitted { member: self.secret.name() });
        }
        let level = request.ciphertext.level();
        let basis = self.pool().context().q(level);
        let mut rng = self.secret.generator(Purpose::Decryption, &request.digest());
        let mut first = basis.product(&request.ciphertext.parts[1], &self.summand(request.owners()));
        basis.add_assign(&mut first, &sample_smudging(basis, request.log_bound, &mut rng));
        let zero = request.receiver.as_ref().map(|receiver| receiver.encrypt_zero(level, &mut rng));
        let mut parts = std::array::from_fn(|part| match &zero {
            Some(zero) => zero[part].clone(),
            None => basis.zero(),
        });
        parts.iter_mut().take(1).for_each(|part| basis.add_assign(part, &first));
        Ok(DecryptionShare {
            pool: self.pool().id(),
            member: self.member(),
            request: request.digest(),
            parts,
        })
    }

    /// What these owners have that adds up to s: s_i, or λ_i·S_i.
    fn summand(&self, owners: &[usize]) -> Zeroizing<RnsPoly<Eval>> {
        match &self.sum {
            None => self.secret.share(),
            Some(sum) => sharing::additive(self.pool(), sum, owners, self.member()),
        }
    }

    fn check<const PARTS: usize>(&self, request: &Request<PARTS>) -> Result<(), PoolError> {
        self.pool().check_pool(request.pool.id())?;
        request.check_owner(self.member())
    }
}

impl fmt::Debug for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let admitted = self.admitted.len();
        f.debug_struct("KeyHolder")
            .field("secret", &self.secret)
            .field("admitted", &admitted)
            .finish_non_exhaustive()
    }
}
