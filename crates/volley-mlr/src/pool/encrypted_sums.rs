//! Encrypted sums on their way: of a member, in a round of statistics.

use crate::error::Error;
use crate::volley_ckks::multiparty::{Pool, PoolError};
use crate::volley_ckks::{Arithmetic, Ciphertext, EvaluationKeySet, Evaluator};

/// A round of [statistics](super::Means).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The sums of [`Means`](super::Means).
    Means,
    /// The sums of [`Deviations`](super::Deviations).
    Deviations,
    /// The sums of [`Fit`](super::Fit).
    Covariance,
}

impl Round {
    /// All rounds, in their order.
    pub const ALL: [Self; 3] = [Self::Means, Self::Deviations, Self::Covariance];

    /// What is found in it, in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Means => "means",
            Self::Deviations => "deviations",
            Self::Covariance => "covariance",
        }
    }
}

/// A member's sums of one round, [encrypted](super::SumEncoding::encrypt) under the key of the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct EncryptedSums {
    /// Whose sums they are: the index of the member.
    pub member: usize,
    /// What they are sums for.
    pub round: Round,
    /// The sums, as many in each ciphertext as it holds.
    pub ciphertexts: Vec<Ciphertext>,
}

impl EncryptedSums {
    /// The totals of a round, encrypted: the sums of all members, added. It takes no keys, so every owner does it for
    /// itself, and need not trust the server with it.
    ///
    /// # Errors
    ///
    /// [`Error::PooledRound`] for sums of another round, [`Error::Pool`] for other sums than one of each member,
    /// [`Error::Matrix`] for ciphertexts of another key or encoding, [`Error::PooledTotals`] for another number of
    /// them.
    pub fn total(
        pool: &Pool,
        round: Round,
        sums: impl IntoIterator<Item = Self>,
    ) -> Result<Vec<Ciphertext>, Error> {
        let no_keys = EvaluationKeySet::empty(pool.context(), pool.key_id());
        let evaluator = Evaluator::new(pool.context(), no_keys)?;
        let mut heard = vec![false; pool.members().len()];
        let mut total: Option<Vec<Ciphertext>> = None;
        for sums in sums {
            sums.check_round(pool, round)?;
            if std::mem::replace(&mut heard[sums.member], true) {
                return Err(PoolError::DuplicateShare { member: pool.members()[sums.member].clone() }.into());
            }
            total = Some(match total {
                None => sums.ciphertexts,
                Some(total) => add(&evaluator, &total, &sums.ciphertexts)?,
            });
        }
        let missing = heard.iter().zip(pool.members()).filter(|(heard, _)| !**heard);
        let members: Vec<String> = missing.map(|(_, name)| name.clone()).collect();
        match total {
            Some(total) if members.is_empty() => Ok(total),
            _ => Err(PoolError::MissingShares { members }.into()),
        }
    }

    /// Refuses sums of no member, or of another round.
    pub(crate) fn check_round(&self, pool: &Pool, expected: Round) -> Result<(), Error> {
        let unknown = || PoolError::UnknownMember { member: format!("member {}", self.member) };
        let member = pool.members().get(self.member).ok_or_else(unknown)?;
        if self.round == expected {
            return Ok(());
        }
        let (expected, found) = (expected.name(), self.round.name());
        Err(Error::PooledRound { member: member.clone(), expected, found })
    }
}

fn add(evaluator: &Evaluator, a: &[Ciphertext], b: &[Ciphertext]) -> Result<Vec<Ciphertext>, Error> {
    if a.len() != b.len() {
        return Err(Error::PooledTotals { expected: a.len(), actual: b.len() });
    }
    a.iter().zip(b).map(|(a, b)| Ok(evaluator.add(a, b)?)).collect()
}
