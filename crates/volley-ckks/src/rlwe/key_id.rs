//! Names of secret keys.

use rand_core::CryptoRng;

use crate::base::id::id;

/// A random name that ties keys, ciphertexts and models to one owner's secret key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 16]);

id!(KeyId, 16);

impl KeyId {
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self(id)
    }
}
