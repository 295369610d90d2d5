//! Sharing the secret, so that any t of N owners decrypt (Mouchet, Bertrand, Hubaux, eprint 2022/780).
//!
//! Owner i draws a polynomial of degree t − 1 in a new variable Y, with coefficients in R_Q,
//!
//! ```text
//! f_i(Y) = s_i + r_i1·Y + … + r_i,t−1·Y^(t−1),   r_ik uniform,
//! ```
//!
//! and sends f_i(y_j) to owner j, for the point y_j = j + 1 (Shamir's scheme). Owner j adds up what it gets:
//! S_j = f(y_j) for f = Σ f_i, whose value at 0 is s. For any set T of at least t owners
//!
//! ```text
//! s = Σ λ_j·S_j,   λ_j = ∏ y_m/(y_m − y_j)   over m ∈ T, m ≠ j,
//! ```
//!
//! modulo every prime: differences of points are at most 15 and the primes are larger. So λ_j·S_j takes the place of
//! s_j in a decryption. Smudging noise is added after the multiplication by λ_j, and no noise is multiplied by it.
//!
//! **What t − 1 owners know.** For every s′ there is exactly one polynomial of degree t − 1 that has the value s′ at 0
//! and takes their t − 1 values, and all are equally likely. So their shares say nothing of s; with t shares all is
//! known. Nothing proves that an owner's shares are of one polynomial: wrong ones spoil decryptions.
//!
//! Decryptions and switches take s modulo Q only, so that is what is shared.

use rand_core::CryptoRng;
use volley_ring::{Eval, RnsBasis, RnsPoly};
use zeroize::Zeroizing;

use super::accessors::message;
use super::error::PoolError;
use super::heard::Heard;
use super::pool::Pool;
use super::pool_id::PoolId;
use super::secret::{OwnerSecret, Purpose};
use super::transport::{Sealed, TransportKey};

/// A share of one owner's secret, sealed for one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedShare {
    pub(crate) pool: PoolId,
    pub(crate) member: usize,
    pub(crate) to: usize,
    pub(crate) sealed: Sealed,
}

message!(impl SealedShare);

impl SealedShare {
    /// Index of the member it is for.
    #[must_use]
    pub fn to(&self) -> usize {
        self.to
    }
}

/// The basis of shares: the primes of Q.
pub(crate) fn basis(pool: &Pool) -> &RnsBasis {
    pool.context().q(pool.context().parameters().max_level())
}

/// The point of a member.
fn point(member: usize) -> u64 {
    member as u64 + 1
}

/// Independent uniform residues: 128 random bits each, reduced, within 2^−78 of uniform, without a branch.
fn sample(basis: &RnsBasis, rng: &mut impl CryptoRng) -> Zeroizing<RnsPoly<Eval>> {
    let residues = basis.moduli().flat_map(|q| std::iter::repeat_n(q, basis.degree())).map(|q| {
        let word = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
        q.reduce_wide(word)
    });
    from_residues(basis, Zeroizing::new(residues.collect()))
}

fn from_residues(basis: &RnsBasis, mut residues: Zeroizing<Vec<u64>>) -> Zeroizing<RnsPoly<Eval>> {
    let poly = RnsPoly::from_residues(basis.degree(), std::mem::take(&mut *residues));
    Zeroizing::new(poly.expect("residues fill whole limbs"))
}

/// Bytes of a share: a u64 for each residue.
pub(crate) fn share_bytes(pool: &Pool) -> usize {
    size_of::<u64>() * basis(pool).degree() * basis(pool).limb_count()
}

/// The residues of a share, as little-endian words.
pub(crate) fn encode(share: &RnsPoly<Eval>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(size_of_val(share.residues())));
    share.residues().iter().for_each(|residue| bytes.extend(residue.to_le_bytes()));
    bytes
}

/// The share of these bytes; none where there are not as many as it takes, or a residue is not below its prime. The
/// only branch is on whether they are refused.
pub(crate) fn decode(pool: &Pool, bytes: &[u8]) -> Option<Zeroizing<RnsPoly<Eval>>> {
    let basis = basis(pool);
    let (words, rest) = bytes.as_chunks();
    let residues: Zeroizing<Vec<u64>> =
        Zeroizing::new(words.iter().map(|word: &[u8; 8]| u64::from_le_bytes(*word)).collect());
    let whole = rest.is_empty() && bytes.len() == share_bytes(pool);
    let limbs = residues.chunks(basis.degree()).zip(basis.moduli());
    let above = limbs.flat_map(|(limb, q)| limb.iter().map(move |&residue| residue >= q.value()));
    let refused = above.fold(false, |refused, above| refused | above);
    (whole && !refused).then(|| from_residues(basis, residues))
}

/// f_i(y) for a point y, by Horner's rule.
pub(super) fn evaluate(secret: &OwnerSecret, threshold: usize, y: u64) -> Zeroizing<RnsPoly<Eval>> {
    let basis = basis(secret.pool());
    let residues: Vec<u64> = basis.moduli().map(|q| q.reduce(y)).collect();
    let mut value = Zeroizing::new(basis.zero());
    for k in (1..threshold).rev() {
        let mut rng = secret.generator(Purpose::Sharing, &[k as u8]);
        basis.add_assign(&mut value, &sample(basis, &mut rng));
        basis.mul_integer_assign(&mut value, &residues);
    }
    basis.add_assign(&mut value, &secret.share());
    value
}

/// λ_j modulo each prime, for a member j of a set.
fn lagrange(basis: &RnsBasis, owners: &[usize], member: usize) -> Vec<u64> {
    let coefficient = |q: volley_ring::Modulus| {
        let others = owners.iter().filter(|&&owner| owner != member).map(|&owner| q.reduce(point(owner)));
        let own = q.reduce(point(member));
        others.fold(1, |product, other| q.mul(product, q.mul(other, q.inverse(q.sub(other, own)))))
    };
    basis.moduli().map(coefficient).collect()
}

/// λ_j·S_j for a member j of a set of owners.
pub(super) fn additive(
    pool: &Pool,
    share: &RnsPoly<Eval>,
    owners: &[usize],
    member: usize,
) -> Zeroizing<RnsPoly<Eval>> {
    let basis = basis(pool);
    let mut summand = Zeroizing::new(share.clone());
    basis.mul_integer_assign(&mut summand, &lagrange(basis, owners, member));
    summand
}

/// What is authenticated with a share, beside it.
fn associated_data(pool: PoolId, member: usize, to: usize) -> Vec<u8> {
    [&b"volley-ckks pool sharing 1"[..], pool.as_bytes(), &[member as u8, to as u8]].concat()
}

/// The owner's share for one member, sealed for it.
pub(super) fn seal(secret: &OwnerSecret, to: usize) -> Result<SealedShare, PoolError> {
    let (pool, member) = (secret.pool(), secret.member());
    pool.check_member(to)?;
    let threshold = pool.sharing().ok_or(PoolError::NoThreshold)?;
    let key = &pool.transport_keys()[to];
    let share = encode(&evaluate(secret, threshold, point(to)));
    let data = associated_data(pool.id(), member, to);
    let sealed = key.seal(share, &data, &mut secret.generator(Purpose::Sealing, &[to as u8]));
    let sealed = sealed.ok_or_else(|| PoolError::Sealing { member: pool.name(member), to: pool.name(to) })?;
    Ok(SealedShare { pool: pool.id(), member, to, sealed })
}

/// S_j, for the member who has this key of transport: the sum of the shares of all members.
pub(super) fn open(
    secret: &OwnerSecret,
    key: &TransportKey,
    shares: impl IntoIterator<Item = SealedShare>,
) -> Result<Zeroizing<RnsPoly<Eval>>, PoolError> {
    let (pool, own) = (secret.pool(), secret.member());
    pool.sharing().ok_or(PoolError::NoThreshold)?;
    let basis = basis(pool);
    let mut heard = Heard::new(pool);
    let mut sum = Zeroizing::new(basis.zero());
    for share in shares {
        heard.enter(share.pool, share.member, ())?;
        let refusal = || PoolError::Sealing { member: pool.name(share.member), to: pool.name(own) };
        if share.to != own {
            return Err(PoolError::ForeignMember { expected: pool.name(own), found: pool.name(share.to) });
        }
        let data = associated_data(share.pool, share.member, own);
        let opened = key.open(&share.sealed, &data).and_then(|bytes| decode(pool, &bytes));
        basis.add_assign(&mut sum, &*opened.ok_or_else(refusal)?);
    }
    heard.check_heard(pool.everyone())?;
    Ok(sum)
}
