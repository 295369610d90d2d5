//! Who the owners are, and what all of them must agree on before there are keys.

use std::sync::Arc;

use volley_ring::sampling::Seed;

use super::error::PoolError;
use super::pool_id::PoolId;
use super::transport::TransportPublicKey;
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::rlwe::keys::KeySpec;

/// Most bytes of a member's name.
pub const MAX_NAME_BYTES: usize = 64;

/// Owners who make keys together: the parameters, the members in order, the keys they make, and the common seed of all
/// uniform halves. Everyone who takes part has the same one; a clone is the same pool.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    context: Arc<Context>,
    members: Vec<String>,
    /// By member.
    transport_keys: Vec<TransportPublicKey>,
    /// How many owners decrypt; none where all do.
    threshold: Option<usize>,
    spec: KeySpec,
    seed: Seed,
    id: PoolId,
}

/// What a uniform polynomial of the pool is for.
#[derive(Clone, Copy)]
pub(super) enum Uniform {
    PublicKey,
    Relinearization,
    Galois(u64),
}

/// Compares the ids.
impl PartialEq for Pool {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Pool {}

impl Pool {
    /// The pool of these members, who make the keys of `spec` and a public key, and who decrypt all together. Each
    /// member has a key by which messages are sealed for it. Whoever sets the pool up draws the seed.
    ///
    /// # Errors
    ///
    /// [`PoolError::OwnerCount`] where the parameters are not [pooled](crate::Parameters::pooled) for as many owners;
    /// [`PoolError::MemberName`] and [`PoolError::DuplicateMember`]; [`PoolError::RaisingKeys`];
    /// [`PoolError::Ckks`] for a list of keys of other parameters or levels.
    pub fn new(
        context: &Arc<Context>,
        members: impl IntoIterator<Item = (impl Into<String>, TransportPublicKey)>,
        spec: KeySpec,
        seed: Seed,
    ) -> Result<Self, PoolError> {
        let members = members.into_iter().map(|(name, key)| (name.into(), key)).collect();
        Self::checked(context, members, None, spec, seed)
    }

    /// As [`new`](Self::new), for a pool where any `threshold` owners decrypt.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), and [`PoolError::Threshold`] unless the threshold is at least 2 and less than the
    /// number of members.
    pub fn with_threshold(
        context: &Arc<Context>,
        members: impl IntoIterator<Item = (impl Into<String>, TransportPublicKey)>,
        threshold: usize,
        spec: KeySpec,
        seed: Seed,
    ) -> Result<Self, PoolError> {
        let members = members.into_iter().map(|(name, key)| (name.into(), key)).collect();
        Self::checked(context, members, Some(threshold), spec, seed)
    }

    pub(crate) fn checked(
        context: &Arc<Context>,
        members: Vec<(String, TransportPublicKey)>,
        threshold: Option<usize>,
        spec: KeySpec,
        seed: Seed,
    ) -> Result<Self, PoolError> {
        let (members, transport_keys): (Vec<String>, Vec<_>) = members.into_iter().unzip();
        if let Some(threshold) = threshold.filter(|&threshold| threshold < 2 || threshold >= members.len()) {
            return Err(PoolError::Threshold { threshold, members: members.len() });
        }
        let owners = context.parameters().secret().owners();
        if owners != members.len() || owners < 2 {
            return Err(PoolError::OwnerCount { owners, members: members.len() });
        }
        for (member, name) in members.iter().enumerate() {
            if !(1..=MAX_NAME_BYTES).contains(&name.len()) || name.chars().any(char::is_control) {
                return Err(PoolError::MemberName { member, max: MAX_NAME_BYTES });
            }
            if members[..member].contains(name) {
                return Err(PoolError::DuplicateMember { name: name.clone() });
            }
        }
        if spec.raising_level().is_some() {
            return Err(PoolError::RaisingKeys);
        }
        spec.check(context.parameters())?;
        let owners = threshold.unwrap_or(members.len());
        let id = pool_id((&members, &transport_keys), owners, &spec, &seed);
        let context = Arc::clone(context);
        Ok(Self(Arc::new(Parts { context, members, transport_keys, threshold, spec, seed, id })))
    }

    /// The hash of all that the members agree on: BLAKE3 of the ASCII text `volley-ckks pool 1`, then, little-endian,
    /// the id of the parameters (32 bytes), the number of members (u8), for each of them the length of the name (u8)
    /// and the name, the number of owners who decrypt (u8), the keys of transport by member (1184 bytes each), the
    /// level of the relinearization key plus 1, or 0 for none (u16), the number of Galois keys (u32), for each of them
    /// in ascending order the element (u32) and the level (u16), and the seed (32 bytes).
    #[must_use]
    pub fn id(&self) -> PoolId {
        self.0.id
    }

    /// The name of the pool's joint secret, which nobody holds: the first bytes of the [id](Self::id).
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        let mut name = [0; 16];
        name.copy_from_slice(&self.0.id.as_bytes()[..16]);
        KeyId::from_bytes(name)
    }

    /// The tables of the parameter set.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.0.context
    }

    /// The members' names, in order.
    #[must_use]
    pub fn members(&self) -> &[String] {
        &self.0.members
    }

    /// The index of a member.
    ///
    /// # Errors
    ///
    /// [`PoolError::UnknownMember`].
    pub fn member(&self, name: &str) -> Result<usize, PoolError> {
        let found = self.0.members.iter().position(|member| member == name);
        found.ok_or_else(|| PoolError::UnknownMember { member: name.to_owned() })
    }

    /// The number of owners who decrypt: all, or the threshold.
    #[must_use]
    pub fn threshold(&self) -> usize {
        self.0.threshold.unwrap_or(self.0.members.len())
    }

    /// The number of owners who decrypt, where each has a share of the others' secrets.
    pub(crate) fn sharing(&self) -> Option<usize> {
        self.0.threshold
    }

    /// The keys by which messages are sealed, by member.
    #[must_use]
    pub fn transport_keys(&self) -> &[TransportPublicKey] {
        &self.0.transport_keys
    }

    /// The keys that the members make, besides the public key.
    #[must_use]
    pub fn spec(&self) -> &KeySpec {
        &self.0.spec
    }

    /// The common seed.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.0.seed
    }

    /// The name of a member that exists, or its index.
    pub(crate) fn name(&self, member: usize) -> String {
        self.0.members.get(member).cloned().unwrap_or_else(|| format!("member {member}"))
    }

    pub(crate) fn check_member(&self, member: usize) -> Result<(), PoolError> {
        if member < self.0.members.len() {
            Ok(())
        } else {
            Err(PoolError::UnknownMember { member: self.name(member) })
        }
    }

    /// The indices of all members.
    #[must_use]
    pub fn everyone(&self) -> std::ops::Range<usize> {
        0..self.0.members.len()
    }

    /// Refuses owners, different ones in ascending order, who cannot decrypt together.
    pub(super) fn check_owners(&self, owners: &[usize]) -> Result<(), PoolError> {
        let (found, threshold, members) = (owners.len(), self.threshold(), self.0.members.len());
        if found < threshold {
            return Err(PoolError::TooFewOwners { found, threshold, members });
        }
        Ok(())
    }

    pub(crate) fn check_pool(&self, found: PoolId) -> Result<(), PoolError> {
        let expected = self.0.id;
        if found == expected { Ok(()) } else { Err(PoolError::ForeignPool { expected, found }) }
    }

    /// The seed of one key's uniform halves: BLAKE3, keyed with the common seed, of the pool's id and of one byte for
    /// the public key (1), the relinearization key (2), or a Galois key (3), then for this its element (u32).
    pub(super) fn uniform_seed(&self, uniform: Uniform) -> Seed {
        let mut hash = blake3::Hasher::new_keyed(&self.0.seed.0);
        hash.update(self.0.id.as_bytes());
        match uniform {
            Uniform::PublicKey => hash.update(&[1]),
            Uniform::Relinearization => hash.update(&[2]),
            Uniform::Galois(element) => hash.update(&[3]).update(&(element as u32).to_le_bytes()),
        };
        Seed(*hash.finalize().as_bytes())
    }
}

fn pool_id(
    (members, transport_keys): (&[String], &[TransportPublicKey]),
    owners: usize,
    spec: &KeySpec,
    seed: &Seed,
) -> PoolId {
    let mut hash = blake3::Hasher::new();
    hash.update(b"volley-ckks pool 1").update(spec.parameters().id().as_bytes());
    hash.update(&[members.len() as u8]);
    for name in members {
        hash.update(&[name.len() as u8]).update(name.as_bytes());
    }
    hash.update(&[owners as u8]);
    for key in transport_keys {
        hash.update(&key.to_bytes());
    }
    let relinearization = spec.relinearization_level().map_or(0, |level| level as u16 + 1);
    hash.update(&relinearization.to_le_bytes());
    hash.update(&(spec.galois_elements().len() as u32).to_le_bytes());
    for (element, level) in spec.galois_elements() {
        hash.update(&(element as u32).to_le_bytes()).update(&(level as u16).to_le_bytes());
    }
    PoolId::from_bytes(*hash.update(&seed.0).finalize().as_bytes())
}
