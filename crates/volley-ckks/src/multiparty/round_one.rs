//! Round one: shares of the public key, and of the first half of the relinearization key. Every owner adds them up.

use rand_core::CryptoRng;
use volley_ring::sampling::{Domain, sample_gaussian};
use volley_ring::{Eval, PackedPoly, RnsPoly};
use zeroize::Zeroizing;

use super::accessors::{message, owner};
use super::commitment::{Commitment, Commitments, Committed};
use super::error::PoolError;
use super::galois;
use super::heard::ShareSum;
use super::pool::{Pool, Uniform};
use super::pool_id::PoolId;
use super::secret::{OwnerSecret, Purpose};
use crate::rlwe::keys::{KeySwitchingKey, PublicKey};

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
    shares: ShareSum,
}

/// The sums of round one: the public key, and what round two takes.
#[derive(Clone, Debug)]
pub struct RoundOneSums {
    /// Those of the shares.
    pub(crate) commitments: Commitments,
    /// In the order of [`layout`].
    pub(crate) polys: Vec<PackedPoly>,
}

/// The levels of the polynomials of round one, each modulo Q_level·P: the public key's; for each digit of the
/// relinearization key h₀ and h₁.
pub(crate) fn layout(pool: &Pool) -> Vec<usize> {
    let parameters = pool.context().parameters();
    let halves = |level| std::iter::repeat_n(level, 2 * parameters.digit_count(level));
    let relinearization = pool.spec().relinearization_level().into_iter().flat_map(halves);
    std::iter::once(parameters.max_level()).chain(relinearization).collect()
}

owner!(OwnerRoundOne);

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

    /// What is sent first: hashes of the shares of round one and of the Galois keys. It takes as long as both, which
    /// are made for it and forgotten.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        let (pool, member, s) = (self.pool().id(), self.member(), self.secret.share());
        let round_one = Committed::RoundOne.digest((pool, member), &self.uncommitted_share(&s).polys);
        let galois = Committed::Galois.digest((pool, member), &galois::share(&self.secret, &s));
        Commitment { pool, member, digests: [round_one, galois] }
    }

    /// The share of round one, once all members are committed to theirs. It is the same each time.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], and [`PoolError::BrokenCommitment`] where the owner's own commitment is another.
    pub fn share(&self, commitments: &Commitments) -> Result<RoundOneShare, PoolError> {
        self.pool().check_pool(commitments.pool().id())?;
        let share = self.uncommitted_share(&self.secret.share());
        commitments.check(Committed::RoundOne, share.member, &share.polys)?;
        Ok(share)
    }

    fn uncommitted_share(&self, s: &RnsPoly<Eval>) -> RoundOneShare {
        let secret = &self.secret;
        let pool = secret.pool();
        let level = pool.spec().relinearization_level();
        let relinearization = level.map(|level| relinearization_share(secret, s, level));
        let public_key = public_key_share(secret, s);
        let polys = std::iter::once(public_key).chain(relinearization.into_iter().flatten()).collect();
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

/// For each digit −u_i·aⱼ + P·gⱼ·s_i + e and s_i·aⱼ + e′.
fn relinearization_share(secret: &OwnerSecret, s: &RnsPoly<Eval>, level: usize) -> Vec<PackedPoly> {
    let context = secret.pool().context();
    let (basis, max_level) = (context.qp(level), context.parameters().max_level());
    let seed = secret.pool().uniform_seed(Uniform::Relinearization);
    let mut rng = secret.generator(Purpose::Relinearization, &[]);
    let u = secret.ephemeral();
    let first = KeySwitchingKey::generate_halves(context, [s, &u], level, seed, &mut rng);
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

message!(impl RoundOneShare);

impl RoundOneGathering {
    /// No shares so far.
    #[must_use]
    pub fn new(commitments: &Commitments) -> Self {
        let pool = commitments.pool();
        Self { shares: ShareSum::new(pool, layout(pool)), commitments: commitments.clone() }
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
        self.commitments.check(Committed::RoundOne, share.member, &share.polys)?;
        self.shares.add((share.pool, share.member), share.polys)
    }

    /// The names of the members whose shares are awaited.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.shares.heard().missing()
    }

    /// The sums, when all shares were added.
    ///
    /// # Errors
    ///
    /// [`PoolError::MissingShares`].
    pub fn finish(self) -> Result<RoundOneSums, PoolError> {
        Ok(RoundOneSums { polys: self.shares.finish()?, commitments: self.commitments })
    }
}

impl RoundOneSums {
    /// The pool they are of.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        self.commitments.pool()
    }

    /// The public key of the joint secret. It serves for ciphertexts at every level.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let pool = self.pool();
        let seed = pool.uniform_seed(Uniform::PublicKey);
        PublicKey::from_half(pool.context(), pool.key_id(), seed, self.polys[0].clone())
    }

    /// A hash of the pool, the commitments and the sums. Owners compare it by another way than the server's: where it
    /// is the same, all of them have the same public key, and do round two with the same sums.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        hash.update(b"volley-ckks pool sums 1").update(self.pool().id().as_bytes());
        for digest in self.commitments.digests().iter().flatten() {
            hash.update(digest);
        }
        for poly in &self.polys {
            hash.update(poly.bytes());
        }
        *hash.finalize().as_bytes()
    }

    /// (h₀, h₁) for each digit of the relinearization key.
    pub(super) fn relinearization(&self) -> Vec<[&PackedPoly; 2]> {
        let (pairs, _) = self.polys[1..].as_chunks();
        pairs.iter().map(|pair: &[PackedPoly; 2]| pair.each_ref()).collect()
    }
}
