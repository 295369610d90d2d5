//! What can go wrong among several owners: who, which round, and the numbers that explain it.

use thiserror::Error;

use super::pool_id::PoolId;

/// A step of a pool that could not be done, and why. Members are named.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// What the scheme refuses.
    #[error(transparent)]
    Ckks(#[from] crate::base::error::Error),
    /// Parameters that are not those of a pool of so many members.
    #[error("the parameters are for {owners} owners, the pool has {members} members")]
    OwnerCount {
        /// Owners of the parameters: 1 where they are not of a pool.
        owners: usize,
        /// Members that were listed.
        members: usize,
    },
    /// A name that is empty, too long, or has control characters.
    #[error("member {member} has no name of 1 to {max} bytes without control characters")]
    MemberName {
        /// Index of the member.
        member: usize,
        /// Most bytes.
        max: usize,
    },
    /// Two members of one name.
    #[error("two members are named {name:?}")]
    DuplicateMember {
        /// The name.
        name: String,
    },
    /// A number of owners that cannot be enough.
    #[error("{threshold} of {members} owners is no threshold: it is at least 2 and less than all")]
    Threshold {
        /// The number asked for.
        threshold: usize,
        /// Members of the pool.
        members: usize,
    },
    /// Shares of secrets, in a pool that decrypts by all its members.
    #[error("all members of this pool decrypt together: there are no shares of their secrets")]
    NoThreshold,
    /// An owner of a pool with a threshold, without the shares of the others' secrets.
    #[error("{member} decrypts by the shares of the members' secrets, which are needed")]
    SharesNeeded {
        /// The owner.
        member: String,
    },
    /// A sealed message that does not open.
    #[error("what {member} sealed for {to} does not open: it was sealed for another key, or changed")]
    Sealing {
        /// The member who sealed it.
        member: String,
        /// The member it is for.
        to: String,
    },
    /// Keys that nobody can make together.
    #[error("no keys that raise the modulus are made for a pool")]
    RaisingKeys,
    /// An index or a name that no member has.
    #[error("{member} is no member of the pool")]
    UnknownMember {
        /// The index or name.
        member: String,
    },
    /// Something of another pool: other parameters, members, keys or seed.
    #[error("this belongs to pool {found}, not to {expected}")]
    ForeignPool {
        /// The pool in use.
        expected: PoolId,
        /// The other.
        found: PoolId,
    },
    /// Something of another member.
    #[error("this is of {found}, what is needed is of {expected}")]
    ForeignMember {
        /// The member that was asked for.
        expected: String,
        /// The member it is of.
        found: String,
    },
    /// Two shares of one member.
    #[error("there are two shares of {member}")]
    DuplicateShare {
        /// The member.
        member: String,
    },
    /// Members whose shares are awaited.
    #[error("shares are missing: of {}", members.join(", "))]
    MissingShares {
        /// The members.
        members: Vec<String>,
    },
    /// A share that is not the one its member is committed to.
    #[error("the share of {member} is not the one that {member} is committed to")]
    BrokenCommitment {
        /// The member.
        member: String,
    },
    /// Sums of other shares than those that the members are committed to.
    #[error(
        "the sums of round one that {member} was given are of other shares than the members are committed to"
    )]
    ForeignSums {
        /// The owner that was given them.
        member: String,
    },
    /// A share of round two that was made with other sums of round one.
    #[error("the share of {member} was made with other sums of round one")]
    OtherSums {
        /// The member.
        member: String,
    },
    /// A second round with other sums than the first time.
    #[error("{member} has done round two with other sums")]
    SecondRoundTwo {
        /// The owner.
        member: String,
    },
    /// A share of another request.
    #[error("the share of {member} is of another request")]
    ForeignRequest {
        /// The member.
        member: String,
    },
    /// A request that is done by others.
    #[error("{member} is not among the owners of this request")]
    NotAsked {
        /// The member.
        member: String,
    },
    /// Fewer owners than it takes, or others than all where it takes all.
    #[error("{found} owners cannot decrypt: it takes {threshold} different ones of {members}")]
    TooFewOwners {
        /// The number of different owners that were named.
        found: usize,
        /// The number it takes.
        threshold: usize,
        /// Members of the pool.
        members: usize,
    },
    /// A share of a request that the owner's state does not have.
    #[error("{member} has not admitted this request: admit it, and keep the state, before its share is made")]
    NotAdmitted {
        /// The owner.
        member: String,
    },
    /// A second request for one ciphertext.
    #[error(
        "{member} has admitted another request for this ciphertext: each is decrypted once, for one set of owners"
    )]
    DecryptedBefore {
        /// The owner.
        member: String,
    },
    /// Fewer bits of statistical security than hide anything, or more than are meant.
    #[error("{bits} bits of statistical security are not in {min}..={max}")]
    StatisticalBits {
        /// The bits asked for.
        bits: u32,
        /// The fewest.
        min: u32,
        /// The most.
        max: u32,
    },
    /// Smudging for no decryption, or a request for none.
    #[error("there is no decryption: it takes one ciphertext at least")]
    NoDecryptions,
    /// A bound on the noise that is no positive number.
    #[error("{norm} is no bound on the norm of an error")]
    ErrorNorm {
        /// The bound.
        norm: f64,
    },
    /// Smudging noise that does not fit the modulus, or that leaves less precision than is asked for.
    #[error(
        "{bits} bits of statistical security take noise of 2^{log_bound} of each of {owners} owners, and there is room \
         for less than 2^{room_log2:.1}: decrypt at a higher level or a larger scale"
    )]
    NoRoom {
        /// Bits of statistical security.
        bits: u32,
        /// b, for noise of deviation 2^b.
        log_bound: u32,
        /// Owners who add such noise.
        owners: usize,
        /// log₂ of the largest bound there is room for.
        room_log2: f64,
    },
}
