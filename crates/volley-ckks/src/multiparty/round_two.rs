//! Round two: the relinearization key, and the shares of the Galois keys. The server alone reads it.
//!
//! With h₀ⱼ = −u·aⱼ + P·gⱼ·s + e₀ and h₁ⱼ = s·aⱼ + e₁ from round one, where s, u and errors are sums over the owners,
//! owner i sends s_i·h₀ⱼ + (u_i − s_i)·h₁ⱼ + e₂ + e₃. The sum bⱼ over the owners has
//!
//! ```text
//! bⱼ + h₁ⱼ·s = P·gⱼ·s² + s·e₀ⱼ + u·e₁ⱼ + e₂ + e₃,
//! ```
//!
//! so that (bⱼ, h₁ⱼ) is a key from s² to s. In the protocol (Mouchet, Troncoso-Pastoriza, Bossuat, Hubaux, eprint
//! 2020/304) an owner sends two summands with an error each; only their sum is needed. It is half as long, and tells no
//! more.

use maybe_rayon::prelude::*;
use rand_chacha::ChaCha20Rng;
use volley_ring::sampling::sample_gaussian;
use volley_ring::{Eval, PackedPoly, RnsPoly};
use zeroize::Zeroizing;

use super::accessors::{message, owner};
use super::commitment::{Commitments, Committed, Digest};
use super::error::PoolError;
use super::galois;
use super::heard::ShareSum;
use super::holder::KeyHolder;
use super::pool::Pool;
use super::pool_id::PoolId;
use super::round_one::{OwnerRoundOne, RoundOneSums};
use super::secret::{OwnerSecret, Purpose};
use super::sharing::{self, SealedShare};
use super::transport::TransportKey;
use crate::rlwe::keys::{EvaluationKeySet, KeySwitchingKey};
use crate::rlwe::streams::fork;

/// An owner before round two, bound to the sums of round one that it is done with.
#[derive(Debug)]
pub struct OwnerRoundTwo {
    pub(crate) secret: OwnerSecret,
    /// The hash of the sums.
    pub(crate) sums: Digest,
}

/// What one owner adds to the relinearization key in round two, and to the Galois keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTwoShare {
    pub(crate) pool: PoolId,
    pub(crate) member: usize,
    /// The hash of the sums of round one.
    pub(crate) sums: Digest,
    /// In the order of [`layout`].
    pub(crate) polys: Vec<PackedPoly>,
}

/// Shares of round two that are added up, one by one.
#[derive(Debug)]
pub struct RoundTwoGathering {
    sums: RoundOneSums,
    digest: Digest,
    shares: ShareSum,
}

/// The levels of the polynomials of round two, each modulo Q_level·P: one for each digit of the relinearization key,
/// and those of the [Galois keys](galois::layout).
pub(crate) fn layout(pool: &Pool) -> Vec<usize> {
    [relinearization_layout(pool), galois::layout(pool)].concat()
}

fn relinearization_layout(pool: &Pool) -> Vec<usize> {
    let level = pool.spec().relinearization_level();
    let digits = |level| vec![level; pool.context().parameters().digit_count(level)];
    level.map(digits).unwrap_or_default()
}

impl OwnerRoundOne {
    /// The owner before round two, who is bound to these sums. Keep it before the share of round two is sent.
    ///
    /// A server that is not trusted to add up gets nobody's round two: an owner who has all shares makes the sums by
    /// [`RoundOneGathering`](super::RoundOneGathering) and compares them with the server's.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], and [`PoolError::ForeignSums`] for sums of other shares than those committed to.
    pub fn into_round_two(
        self,
        commitments: &Commitments,
        sums: &RoundOneSums,
    ) -> Result<OwnerRoundTwo, PoolError> {
        self.pool().check_pool(commitments.pool().id())?;
        self.pool().check_pool(sums.pool().id())?;
        if sums.commitments != *commitments {
            return Err(PoolError::ForeignSums { member: self.secret.name() });
        }
        Ok(OwnerRoundTwo { sums: sums.fingerprint(), secret: self.secret })
    }
}

owner!(OwnerRoundTwo);

impl OwnerRoundTwo {
    /// The share of round two for the sums that the owner is bound to. It is the same each time.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`]; [`PoolError::SecondRoundTwo`] for other sums.
    pub fn share(&self, sums: &RoundOneSums) -> Result<RoundTwoShare, PoolError> {
        let pool = self.pool();
        pool.check_pool(sums.pool().id())?;
        if sums.fingerprint() != self.sums {
            return Err(PoolError::SecondRoundTwo { member: self.secret.name() });
        }
        let (s, level) = (self.secret.share(), pool.spec().relinearization_level());
        let mut polys = level.map(|level| self.relinearization_share(&s, sums, level)).unwrap_or_default();
        polys.extend(galois::share(&self.secret, &s));
        Ok(RoundTwoShare { pool: pool.id(), member: self.member(), sums: self.sums, polys })
    }

    /// The share of the owner's secret for one member, in a pool with a threshold. Every member sends one to each,
    /// itself included. It is the same each time.
    ///
    /// # Errors
    ///
    /// [`PoolError::NoThreshold`], [`PoolError::UnknownMember`].
    pub fn sealed_share(&self, to: usize) -> Result<SealedShare, PoolError> {
        sharing::seal(&self.secret, to)
    }

    /// The owner who has done both rounds, in a pool where all decrypt together.
    ///
    /// # Errors
    ///
    /// [`PoolError::SharesNeeded`] in a pool with a threshold.
    pub fn into_key_holder(self) -> Result<KeyHolder, PoolError> {
        match self.pool().sharing() {
            None => Ok(KeyHolder::new(self.secret, None)),
            Some(_) => Err(PoolError::SharesNeeded { member: self.secret.name() }),
        }
    }

    /// The owner who has done both rounds, in a pool with a threshold, with the shares that all members sealed for it
    /// and the key of transport that opens them.
    ///
    /// # Errors
    ///
    /// [`PoolError::NoThreshold`]; [`PoolError::ForeignPool`], [`PoolError::ForeignMember`],
    /// [`PoolError::DuplicateShare`] and [`PoolError::MissingShares`] for other shares than one of each member;
    /// [`PoolError::Sealing`] for one that does not open.
    pub fn into_key_holder_by_shares(
        self,
        key: &TransportKey,
        shares: impl IntoIterator<Item = SealedShare>,
    ) -> Result<KeyHolder, PoolError> {
        let sum = sharing::open(&self.secret, key, shares)?;
        Ok(KeyHolder::new(self.secret, Some(sum)))
    }

    fn relinearization_share(&self, s: &RnsPoly<Eval>, sums: &RoundOneSums, level: usize) -> Vec<PackedPoly> {
        let context = self.pool().context();
        let (basis, max_level) = (context.qp(level), context.parameters().max_level());
        let all = context.qp(max_level);
        // −s_i, and s_i − u_i: products are subtracted.
        let [mut difference, mut negated] = [s.clone(), s.clone()].map(Zeroizing::new);
        all.neg_assign(&mut negated);
        all.sub_assign(&mut difference, &self.secret.ephemeral());
        let mut rng = self.secret.generator(Purpose::Relinearization, &self.sums);
        let digits: Vec<_> = sums.relinearization().into_iter().map(|pair| (pair, fork(&mut rng))).collect();
        let share = |(pair, mut rng): ([&PackedPoly; 2], ChaCha20Rng)| {
            let mut b = basis.forward_signed(&sample_gaussian(basis.degree(), &mut rng));
            let second = Zeroizing::new(basis.forward_signed(&sample_gaussian(basis.degree(), &mut rng)));
            basis.add_assign(&mut b, &second);
            for (half, factor) in pair.into_iter().zip([&negated, &difference]) {
                let limb_of = context.key_limb(level, max_level);
                basis.sub_product_assign(&mut b, &half.unpack(), factor, limb_of);
            }
            basis.pack(&b)
        };
        digits.into_par_iter().map(share).collect()
    }
}

message!(impl RoundTwoShare);

impl RoundTwoGathering {
    /// No shares so far.
    #[must_use]
    pub fn new(sums: RoundOneSums) -> Self {
        let pool = sums.pool();
        Self { digest: sums.fingerprint(), shares: ShareSum::new(pool, layout(pool)), sums }
    }

    /// Adds the share of a member.
    ///
    /// # Errors
    ///
    /// [`PoolError::ForeignPool`], [`PoolError::UnknownMember`], [`PoolError::DuplicateShare`];
    /// [`PoolError::OtherSums`] for a share that was made with other sums of round one, and
    /// [`PoolError::BrokenCommitment`] for one of other Galois keys. The sum is as it was before.
    pub fn add(&mut self, share: RoundTwoShare) -> Result<(), PoolError> {
        let pool = self.sums.pool();
        pool.check_pool(share.pool)?;
        pool.check_member(share.member)?;
        if share.sums != self.digest {
            return Err(PoolError::OtherSums { member: pool.name(share.member) });
        }
        let galois = &share.polys[relinearization_layout(pool).len()..];
        self.sums.commitments.check(Committed::Galois, share.member, galois)?;
        self.shares.add((share.pool, share.member), share.polys)
    }

    /// The names of the members whose shares are awaited.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.shares.heard().missing()
    }

    /// The keys that a server computes with, when all shares were added.
    ///
    /// # Errors
    ///
    /// [`PoolError::MissingShares`].
    pub fn finish(self) -> Result<EvaluationKeySet, PoolError> {
        let pool = self.sums.pool();
        let mut first = self.shares.finish()?;
        let galois = first.split_off(relinearization_layout(pool).len());
        let mut set = galois::keys(pool, galois);
        if let Some(level) = pool.spec().relinearization_level() {
            let second = self.sums.relinearization().into_iter().map(|[_, h1]| h1.clone());
            let pairs = first.into_iter().zip(second).map(<[_; 2]>::from).collect();
            set.set_relinearization_key(KeySwitchingKey::from_pairs(level, pairs));
        }
        Ok(set)
    }
}
