//! Round one: shares of the public key, of the Galois keys, and the first half of the relinearization key.

use maybe_rayon::prelude::*;
use rand_core::CryptoRng;
use volley_ring::sampling::{Domain, sample_gaussian};
use volley_ring::{Eval, PackedPoly, RnsPoly};
use zeroize::Zeroizing;

use super::commitment::{Commitment, Commitments, Digest, Heard};
use super::error::PoolError;
use super::pool::{Pool, Uniform};
use super::pool_id::PoolId;
use super::secret::{OwnerSecret, Purpose};
use crate::rlwe::context::Context;
use crate::rlwe::keys::{EvaluationKeySet, KeySwitchingKey, PublicKey, galois_target};

/// An owner before round one.
#[derive(Debug)]
pub struct OwnerRoundOne {
    pub(crate) secret: OwnerSecret,
}

/// What one owner adds to the sums of round one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundOneShare {
    pub(crate) pool: PoolId,
    pub(crate) member: usize,
    /// In the order of [`layout`].
    pub(crate) polys: Vec<PackedPoly>,
}

/// Shares of round one that are added up, one by one: beside the sum, one share at a time is in memory.
#[derive(Debug)]
pub struct RoundOneGathering {
    commitments: Commitments,
    heard: Heard,
    sum: Option<Vec<PackedPoly>>,
}

/// The sums of round one: the public key, the Galois keys, and what round two takes.
#[derive(Clone, Debug)]
pub struct RoundOneSums {
    pub(crate) pool: Pool,
    /// Hashes of the shares, in the order of the members.
    pub(crate) shares: Vec<Digest>,
    /// In the order of [`layout`].
    pub(crate) polys: Vec<PackedPoly>,
}

/// The levels of the polynomials of round one, each modulo Q_level·P: the public key's; for each Galois key in
/// ascending order of the elements those of its digits; for each digit of the relinearization key h₀ and h₁.
pub(crate) fn layout(pool: &Pool) -> Vec<usize> {
    let (parameters, spec) = (pool.context().parameters(), pool.spec());
    let digits = |level, each| std::iter::repeat_n(level, each * parameters.digit_count(level));
    let galois = spec.galois_elements().flat_map(|(_, level)| digits(level, 1));
    let relinearization = spec.relinearization_level().into_iter().flat_map(|level| digits(level, 2));
    std::iter::once(parameters.max_level()).chain(galois).chain(relinearization).collect()
}

/// The hash of a share of a round.
pub(super) fn digest(pool: PoolId, round: u8, member: usize, polys: &[PackedPoly]) -> Digest {
    let mut hash = blake3::Hasher::new();
    hash.update(b"volley-ckks pool share 1").update(pool.as_bytes()).update(&[round, member as u8]);
    for poly in polys {
        hash.update(poly.bytes());
    }
    *hash.finalize().as_bytes()
}

/// sum ← sum + share, polynomial by polynomial.
pub(super) fn add(context: &Context, levels: &[usize], sum: &mut [PackedPoly], share: &[PackedPoly]) {
    sum.par_iter_mut().zip(share).zip(levels).for_each(|((sum, share), &level)| {
        let basis = context.qp(level);
        let mut total = sum.unpack();
        basis.add_assign(&mut total, &share.unpack());
        *sum = basis.pack(&total);
    });
}

impl OwnerRoundOne {
    /// A fresh share of the joint secret for the member of this index. `rng` must be a generator that no one else can
    /// repeat. Keep it before anything is sent: it cannot be made again.
    ///
    /// # Errors
    ///
    /// [`PoolError::UnknownMember`].
    pub fn new(pool: &Pool, member: usize, rng: &mut impl CryptoRng) -> Result<Self, PoolError> {
        Ok(Self { secret: OwnerSecret::generate(pool, member, rng)? })
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        self.secret.pool()
    }

    /// The owner's index.
    #[must_use]
    pub fn member(&self) -> usize {
        self.secret.member()
    }

    /// What is sent first: a hash of the share. It takes as long as the share, which is made for it and forgotten.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        self.uncommitted_share().commitment()
    }

    /// The share of round one, once all members are committed to theirs. It is the same each time.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], and [`PoolError::BrokenCommitment`] where the owner's own commitment is another.
    pub fn share(&self, commitments: &Commitments) -> Result<RoundOneShare, PoolError> {
        self.pool().check_pool(commitments.pool().id())?;
        let share = self.uncommitted_share();
        share.check_committed(self.pool(), commitments)?;
        Ok(share)
    }

    fn uncommitted_share(&self) -> RoundOneShare {
        let secret = &self.secret;
        let (pool, s) = (secret.pool(), secret.share());
        let spec = pool.spec();
        let galois: Vec<_> = spec.galois_elements().collect();
        let galois = galois.into_par_iter().map(|(element, level)| galois_share(secret, &s, element, level));
        let galois: Vec<Vec<PackedPoly>> = galois.collect();
        let relinearization =
            spec.relinearization_level().map(|level| relinearization_share(secret, &s, level));
        let public_key = public_key_share(secret, &s);
        let polys = std::iter::once(public_key)
            .chain(galois.into_iter().flatten())
            .chain(relinearization.into_iter().flatten())
            .collect();
        RoundOneShare { pool: pool.id(), member: secret.member(), polys }
    }
}

/// −a·s_i + e_i modulo QP.
fn public_key_share(secret: &OwnerSecret, s: &RnsPoly<Eval>) -> PackedPoly {
    let context = secret.pool().context();
    let level = context.parameters().max_level();
    let basis = context.qp(level);
    let seed = secret.pool().uniform_seed(Uniform::PublicKey);
    let a = context.expand_qp(level, &seed, Domain::PublicKey, 0);
    let mut rng = secret.generator(Purpose::PublicKey, &[]);
    let mut b = basis.forward_signed(&sample_gaussian(basis.degree(), &mut rng));
    basis.sub_product_assign(&mut b, &a, s, |limb| limb);
    basis.pack(&b)
}

/// The halves −aⱼ·σ⁻¹(s_i) + e + P·gⱼ·s_i of a Galois key.
fn galois_share(secret: &OwnerSecret, s: &RnsPoly<Eval>, element: u64, level: usize) -> Vec<PackedPoly> {
    let context = secret.pool().context();
    let seed = secret.pool().uniform_seed(Uniform::Galois(element));
    let mut rng = secret.generator(Purpose::Galois, &(element as u32).to_le_bytes());
    let target = galois_target(context, s, element);
    KeySwitchingKey::generate(context, [s, &target], level, seed, &mut rng).into_halves()
}

/// For each digit −u_i·aⱼ + P·gⱼ·s_i + e and s_i·aⱼ + e′.
fn relinearization_share(secret: &OwnerSecret, s: &RnsPoly<Eval>, level: usize) -> Vec<PackedPoly> {
    let context = secret.pool().context();
    let (basis, max_level) = (context.qp(level), context.parameters().max_level());
    let seed = secret.pool().uniform_seed(Uniform::Relinearization);
    let mut rng = secret.generator(Purpose::Relinearization, &[]);
    let u = secret.ephemeral();
    let first = KeySwitchingKey::generate(context, [s, &u], level, seed, &mut rng).into_halves();
    let mut negated = Zeroizing::new(s.clone());
    context.qp(max_level).neg_assign(&mut negated);
    let second = (0..first.len()).map(|digit| {
        let a = context.expand_qp(level, &seed, Domain::KeySwitchingKey, digit as u16);
        let mut h1 = basis.forward_signed(&sample_gaussian(basis.degree(), &mut rng));
        basis.sub_product_assign(&mut h1, &a, &negated, context.key_limb(level, max_level));
        basis.pack(&h1)
    });
    let second: Vec<PackedPoly> = second.collect();
    first.into_iter().zip(second).flat_map(<[_; 2]>::from).collect()
}

impl RoundOneShare {
    /// The pool it is of.
    #[must_use]
    pub fn pool(&self) -> PoolId {
        self.pool
    }

    /// Index of the member.
    #[must_use]
    pub fn member(&self) -> usize {
        self.member
    }

    fn digest(&self) -> Digest {
        digest(self.pool, 1, self.member, &self.polys)
    }

    fn commitment(&self) -> Commitment {
        Commitment { pool: self.pool, member: self.member, digest: self.digest() }
    }

    fn check_committed(&self, pool: &Pool, commitments: &Commitments) -> Result<Digest, PoolError> {
        let digest = self.digest();
        if commitments.digests()[self.member] == digest {
            Ok(digest)
        } else {
            Err(PoolError::BrokenCommitment { member: pool.name(self.member) })
        }
    }
}

impl RoundOneGathering {
    /// No shares so far.
    #[must_use]
    pub fn new(commitments: &Commitments) -> Self {
        Self { heard: Heard::new(commitments.pool()), commitments: commitments.clone(), sum: None }
    }

    /// Adds the share of a member.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], [`PoolError::UnknownMember`], [`PoolError::DuplicateShare`], and
    /// [`PoolError::BrokenCommitment`]. The sum is as it was before.
    pub fn add(&mut self, share: RoundOneShare) -> Result<(), PoolError> {
        let pool = self.commitments.pool();
        pool.check_pool(share.pool)?;
        pool.check_member(share.member)?;
        let digest = share.check_committed(pool, &self.commitments)?;
        self.heard.enter(share.pool, share.member, digest)?;
        match &mut self.sum {
            None => self.sum = Some(share.polys),
            Some(sum) => add(pool.context(), &layout(pool), sum, &share.polys),
        }
        Ok(())
    }

    /// The names of the members whose shares are awaited.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.heard.missing()
    }

    /// The sums, when all shares were added.
    ///
    /// # Errors
    ///
    /// [`PoolError::MissingShares`].
    pub fn finish(self) -> Result<RoundOneSums, PoolError> {
        let (pool, shares) = (self.heard.pool().clone(), self.heard.all()?);
        Ok(RoundOneSums { pool, shares, polys: self.sum.unwrap_or_default() })
    }
}

impl RoundOneSums {
    /// The pool they are of.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The public key of the joint secret. It serves for ciphertexts at every level.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let seed = self.pool.uniform_seed(Uniform::PublicKey);
        PublicKey::from_half(self.pool.context(), self.pool.key_id(), seed, self.polys[0].clone())
    }

    /// A hash of the pool, the shares and their sums. Owners compare it by another way than the server's: where it is
    /// the same, all of them have the same public key, and do round two with the same sums.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-ckks pool sums 1").update(self.pool.id().as_bytes());
        for part in self.shares.iter().map(|share| &share[..]).chain(self.polys.iter().map(PackedPoly::bytes))
        {
            hash.update(part);
        }
        *hash.finalize().as_bytes()
    }

    /// (h₀, h₁) for each digit of the relinearization key.
    pub(super) fn relinearization(&self) -> Vec<[&PackedPoly; 2]> {
        let level = self.pool.spec().relinearization_level();
        let digits = level.map_or(0, |level| self.pool.context().parameters().digit_count(level));
        let (pairs, _) = self.polys[self.polys.len() - 2 * digits..].as_chunks();
        pairs.iter().map(|pair: &[PackedPoly; 2]| pair.each_ref()).collect()
    }

    /// The set of the Galois keys.
    pub(super) fn galois_keys(&self) -> EvaluationKeySet {
        let context = self.pool.context();
        let mut set = EvaluationKeySet::empty(context, self.pool.key_id());
        let mut halves = self.polys[1..].iter().cloned();
        for (element, level) in self.pool.spec().galois_elements() {
            let halves = halves.by_ref().take(context.parameters().digit_count(level)).collect();
            let seed = self.pool.uniform_seed(Uniform::Galois(element));
            let key = KeySwitchingKey::from_halves(context, level, seed, halves);
            set.add_galois_key(context.automorphism(element), key);
        }
        set
    }
}
