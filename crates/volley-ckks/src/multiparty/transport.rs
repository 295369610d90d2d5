//! Messages on their way through the server: sealed for one member, or for all.
//!
//! A message for one member is sealed with ML-KEM-768 (FIPS 203), whose key is used once, for XChaCha20-Poly1305. It
//! rests on lattices, as everything else here. A message for all members is sealed once, by a key of its own, and this
//! key for each member. The associated data names the pool, the sender, the receiver and what the message is of, so
//! that a message opens at its place only. Nothing proves who sealed it: whoever knows the public keys could.

use std::fmt;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use ml_kem::array::Array;
use ml_kem::{Decapsulate, DecapsulationKey, Encapsulate, EncapsulationKey, KeyExport, MlKem768};
use rand_core::{CryptoRng, Rng};
use zeroize::{Zeroize, Zeroizing};

use crate::rlwe::keys::SecretKey;
use crate::rlwe::streams::Streams;

/// Bytes of a member's public key of transport.
pub const TRANSPORT_KEY_BYTES: usize = 1184;
/// Bytes of a key of one message, encapsulated.
pub(crate) const ENCAPSULATED_BYTES: usize = 1088;
/// Bytes of the tag of a sealed message.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of the seed that a key of transport follows from, and of the key of one message.
const SEED_BYTES: usize = 64;
pub(crate) const MESSAGE_KEY_BYTES: usize = 32;

/// Separates the transport key from every other use of a personal secret.
const TRANSPORT_CONTEXT: &str = "Volley 2026: transport key of a member of a pool, version 1";

/// A message for one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) encapsulated: [u8; ENCAPSULATED_BYTES],
    pub(crate) message: Vec<u8>,
    pub(crate) tag: [u8; TAG_BYTES],
}

/// A message for all members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedForAll {
    /// The key of the message, sealed for each member.
    pub(crate) keys: Vec<Sealed>,
    pub(crate) message: Vec<u8>,
    pub(crate) tag: [u8; TAG_BYTES],
}

/// The key that opens what is sealed for one member: the seed of ML-KEM. It needs no parameters, so a member has it
/// before there is a pool. It has no `Clone`, prints only its public half, and is wiped when dropped.
pub struct TransportKey(Zeroizing<[u8; SEED_BYTES]>);

/// The key that everyone seals with for one member.
#[derive(Clone, PartialEq, Eq)]
pub struct TransportPublicKey(EncapsulationKey<MlKem768>);

impl TransportKey {
    /// A fresh key. `rng` must be a generator that no one else can repeat.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        Streams::fork(rng).secret.fill_bytes(&mut *seed);
        Self(seed)
    }

    /// The key that follows from a member's personal secret key, for members who have one.
    #[must_use]
    pub fn of(personal: &SecretKey) -> Self {
        let mut kdf = blake3::Hasher::new_derive_key(TRANSPORT_CONTEXT);
        for coefficient in personal.coefficients().iter() {
            kdf.update(&coefficient.to_le_bytes());
        }
        kdf.update(personal.id().as_bytes());
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        kdf.finalize_xof().fill(&mut *seed);
        kdf.zeroize();
        Self(seed)
    }

    /// The key that everyone seals with for this member.
    #[must_use]
    pub fn public_key(&self) -> TransportPublicKey {
        TransportPublicKey(self.decapsulation_key().encapsulation_key().clone())
    }

    /// The key of this seed.
    #[cfg(feature = "wire")]
    pub(crate) fn from_seed(seed: Zeroizing<[u8; SEED_BYTES]>) -> Self {
        Self(seed)
    }

    #[cfg(feature = "wire")]
    pub(crate) fn seed(&self) -> &[u8; SEED_BYTES] {
        &self.0
    }

    fn decapsulation_key(&self) -> DecapsulationKey<MlKem768> {
        DecapsulationKey::from_seed(Array(*self.0))
    }

    /// Opens what was sealed, in place; none where it was sealed otherwise, or damaged.
    pub(super) fn open(&self, sealed: &Sealed, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = Zeroizing::new(self.decapsulation_key().decapsulate_slice(&sealed.encapsulated).ok()?.0);
        open(&key, &sealed.message, sealed.tag, data)
    }

    /// Opens what was sealed for all, as the member of this place; none as [`open`](Self::open).
    pub(super) fn open_for_all(
        &self,
        sealed: &SealedForAll,
        to: usize,
        data: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.open(sealed.keys.get(to)?, &data_for(data, to))?;
        let key = Zeroizing::new(<[u8; MESSAGE_KEY_BYTES]>::try_from(key.as_slice()).ok()?);
        open(&key, &sealed.message, sealed.tag, data)
    }
}

impl TransportPublicKey {
    /// The key with these bytes; none where they are not one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; TRANSPORT_KEY_BYTES]) -> Option<Self> {
        EncapsulationKey::new(&Array(*bytes)).ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; TRANSPORT_KEY_BYTES] {
        self.0.to_bytes().0
    }

    /// Seals a message. The nonce is zero, as each key seals once. None where the message is longer than the cipher
    /// allows: 256 GiB.
    pub(super) fn seal(
        &self,
        message: Zeroizing<Vec<u8>>,
        data: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Option<Sealed> {
        let (encapsulated, key) = self.0.encapsulate_with_rng(rng);
        let (message, tag) = seal(&Zeroizing::new(key.0), message, data)?;
        Some(Sealed { encapsulated: encapsulated.0, message, tag })
    }
}

/// Seals a message for all members, whose keys these are. None as [`seal`](TransportPublicKey::seal).
pub(super) fn seal_for_all(
    keys: &[TransportPublicKey],
    message: Zeroizing<Vec<u8>>,
    data: &[u8],
    rng: &mut impl CryptoRng,
) -> Option<SealedForAll> {
    let mut message_key = Zeroizing::new([0; MESSAGE_KEY_BYTES]);
    rng.fill_bytes(&mut *message_key);
    let mut seal_key = |(to, key): (usize, &TransportPublicKey)| {
        key.seal(Zeroizing::new(message_key.to_vec()), &data_for(data, to), rng)
    };
    let keys = keys.iter().enumerate().map(&mut seal_key).collect::<Option<_>>()?;
    let (message, tag) = seal(&message_key, message, data)?;
    Some(SealedForAll { keys, message, tag })
}

/// What is authenticated with the key of a message for one of all members.
fn data_for(data: &[u8], to: usize) -> Vec<u8> {
    [data, &[to as u8]].concat()
}

/// Encrypts a message in place, by a key that is used once.
fn seal(
    key: &[u8; MESSAGE_KEY_BYTES],
    mut message: Zeroizing<Vec<u8>>,
    data: &[u8],
) -> Option<(Vec<u8>, [u8; TAG_BYTES])> {
    let buffer = message.as_mut_slice().into();
    let tag = cipher(key).encrypt_inout_detached(&XNonce::default(), data, buffer).ok()?;
    Some((std::mem::take(&mut message), tag.into()))
}

fn open(
    key: &[u8; MESSAGE_KEY_BYTES],
    message: &[u8],
    tag: [u8; TAG_BYTES],
    data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut message = Zeroizing::new(message.to_vec());
    let (nonce, tag) = (XNonce::default(), Tag::from(tag));
    cipher(key).decrypt_inout_detached(&nonce, data, message.as_mut_slice().into(), &tag).ok()?;
    Some(message)
}

fn cipher(key: &[u8; MESSAGE_KEY_BYTES]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

impl fmt::Debug for TransportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TransportKey").field(&self.public_key()).finish()
    }
}

impl fmt::Debug for TransportPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_bytes();
        write!(f, "TransportPublicKey({:02x}{:02x}{:02x}{:02x}…)", bytes[0], bytes[1], bytes[2], bytes[3])
    }
}
