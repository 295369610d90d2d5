//! Shares of secrets on their way through the server: sealed for one member.
//!
//! A message for one member is sealed with ML-KEM-768 (FIPS 203), whose key is used once, for XChaCha20-Poly1305. It
//! rests on lattices, as everything else here. The associated data names the pool, the sender and the receiver, so that
//! a message opens at its place only. Nothing proves who sealed it: whoever knows the public key could.

use std::fmt;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use ml_kem::array::Array;
use ml_kem::{Decapsulate, DecapsulationKey, Encapsulate, EncapsulationKey, KeyExport, MlKem768};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::rlwe::keys::SecretKey;

/// Bytes of a member's public key of transport.
pub const TRANSPORT_KEY_BYTES: usize = 1184;
/// Bytes of a key of one message, encapsulated.
pub(crate) const ENCAPSULATED_BYTES: usize = 1088;
/// Bytes of the tag of a sealed message.
pub(crate) const TAG_BYTES: usize = 16;

/// Separates the transport key from every other use of a personal secret.
const TRANSPORT_CONTEXT: &str = "Volley 2026: transport key of a member of a pool, version 1";

/// A message for one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) encapsulated: [u8; ENCAPSULATED_BYTES],
    pub(crate) message: Vec<u8>,
    pub(crate) tag: [u8; TAG_BYTES],
}

/// The key that opens what is sealed for one member. It follows from the member's personal secret key.
pub(super) struct TransportKey(DecapsulationKey<MlKem768>);

/// The key that everyone seals with for one member.
#[derive(Clone, PartialEq, Eq)]
pub struct TransportPublicKey(EncapsulationKey<MlKem768>);

impl TransportKey {
    pub(super) fn of(personal: &SecretKey) -> Self {
        let mut kdf = blake3::Hasher::new_derive_key(TRANSPORT_CONTEXT);
        for coefficient in personal.coefficients().iter() {
            kdf.update(&coefficient.to_le_bytes());
        }
        kdf.update(personal.id().as_bytes());
        let mut seed = Zeroizing::new([0; 64]);
        kdf.finalize_xof().fill(&mut *seed);
        kdf.zeroize();
        Self(DecapsulationKey::from_seed(Array(*seed)))
    }

    /// Opens what was sealed, in place; none where it was sealed otherwise, or damaged.
    pub(super) fn open(&self, sealed: &Sealed, data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = Zeroizing::new(self.0.decapsulate_slice(&sealed.encapsulated).ok()?.0);
        let mut message = Zeroizing::new(sealed.message.clone());
        let (nonce, tag) = (XNonce::default(), Tag::from(sealed.tag));
        cipher(&key).decrypt_inout_detached(&nonce, data, message.as_mut_slice().into(), &tag).ok()?;
        Some(message)
    }
}

impl TransportPublicKey {
    /// The public key that belongs to a member's personal secret key.
    #[must_use]
    pub fn of(personal: &SecretKey) -> Self {
        Self(TransportKey::of(personal).0.encapsulation_key().clone())
    }

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
        mut message: Zeroizing<Vec<u8>>,
        data: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Option<Sealed> {
        let (encapsulated, key) = self.0.encapsulate_with_rng(rng);
        let key = Zeroizing::new(key.0);
        let buffer = message.as_mut_slice().into();
        let tag = cipher(&key).encrypt_inout_detached(&XNonce::default(), data, buffer).ok()?;
        Some(Sealed { encapsulated: encapsulated.0, message: std::mem::take(&mut message), tag: tag.into() })
    }
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

impl fmt::Debug for TransportPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_bytes();
        write!(f, "TransportPublicKey({:02x}{:02x}{:02x}{:02x}…)", bytes[0], bytes[1], bytes[2], bytes[3])
    }
}
