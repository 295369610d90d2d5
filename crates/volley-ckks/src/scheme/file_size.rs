//! The bytes of records and files, known before there are any.
//!
//! A plan compares and limits what is sent. So these sizes follow from the parameters alone, without an encoder. The
//! readers and writers of `wire` agree with them to the byte.

use volley_ring::sampling::Seed;

use crate::base::params::Parameters;
use crate::rlwe::keys::{KeySpec, KeySwitchingKey};
use crate::scheme::ciphertext::{Ciphertext, SeededCiphertext, TensorCiphertext};
use crate::scheme::operand::Operand;

/// The name of evaluation keys in a header.
pub(crate) const EVALUATION_KEYS: &str = "evaluation keys";
/// The name of evaluation keys whose relinearization key has computed halves.
pub(crate) const POOLED_EVALUATION_KEYS: &str = "pooled evaluation keys";
/// Magic, version, length of the header.
pub(crate) const PREAMBLE_BYTES: usize = 12;
/// The hash at the end.
pub(crate) const HASH_BYTES: u64 = 32;

/// Level of a key.
const LEVEL_BYTES: u64 = 2;
/// Level and seed of a key.
const KEY_OVERHEAD: u64 = LEVEL_BYTES + 32;
/// Whether there is a relinearization key, the number of Galois keys, whether there are keys that raise the modulus.
const SET_OVERHEAD: u64 = 1 + 4 + 1;
/// The element of a Galois key.
const ELEMENT_BYTES: u64 = 4;

impl KeySpec {
    /// Bytes of the file with the keys, exactly: for each key a seed and digits × limbs × N residues, packed.
    #[must_use]
    pub fn byte_count(&self) -> u64 {
        file_bytes(EVALUATION_KEYS, self.body_bytes())
    }

    /// Bytes of the file where these are the keys of several owners ([`multiparty`](crate::multiparty)): their
    /// relinearization key has both halves instead of a seed.
    #[must_use]
    pub fn pooled_byte_count(&self) -> u64 {
        match self.relinearization_level() {
            None => self.byte_count(),
            Some(_) => file_bytes(POOLED_EVALUATION_KEYS, self.pooled_body_bytes()),
        }
    }

    /// Bytes of the keys in the body of a file.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.other_bytes()
            + self.relinearization_level().map_or(0, |level| key_bytes(self.parameters(), level))
    }

    /// Bytes of the keys in the body of a file, the relinearization key with both halves.
    pub(crate) fn pooled_body_bytes(&self) -> u64 {
        let both = |level| LEVEL_BYTES + 2 * KeySwitchingKey::half_bytes(self.parameters(), level);
        self.other_bytes() + self.relinearization_level().map_or(0, both)
    }

    /// Bytes in the body of a file without the relinearization key.
    fn other_bytes(&self) -> u64 {
        let key = |level| key_bytes(self.parameters(), level);
        let galois: u64 = self.galois_elements().map(|(_, level)| ELEMENT_BYTES + key(level)).sum();
        let raising =
            self.raising_level().map_or(0, |level| key_bytes(&self.parameters().ephemeral(), 0) + key(level));
        SET_OVERHEAD + galois + raising
    }
}

/// Bytes of a file of keys: kind, parameters, that there is a key's name, the name, no extension, the length of the
/// body, the body.
fn file_bytes(kind: &str, body_bytes: u64) -> u64 {
    let kind = kind.len() as u64;
    let header = varint_bytes(kind) + kind + 32 + 1 + 16 + 1 + varint_bytes(body_bytes);
    PREAMBLE_BYTES as u64 + header + body_bytes + HASH_BYTES
}

fn key_bytes(parameters: &Parameters, level: usize) -> u64 {
    KEY_OVERHEAD + KeySwitchingKey::half_bytes(parameters, level)
}

/// Bytes of a number in postcard's encoding: seven bits in each.
fn varint_bytes(number: u64) -> u64 {
    (number.max(1).ilog2() / 7 + 1).into()
}

impl Operand {
    /// Bytes in a file: level, slots, and the scale with its odd primes.
    pub(crate) fn record_bytes(&self) -> u64 {
        let primes = self.scale.exponents().map_or(0, |(_, primes)| primes.len());
        (2 + 1 + 4 + 2 + 6 * primes) as u64
    }

    /// Bytes of a seeded ciphertext in the body of a file.
    pub(crate) fn seeded_bytes(&self, parameters: &Parameters) -> u64 {
        self.record_bytes() + size_of::<Seed>() as u64 + parameters.packed_bytes(self.level)
    }

    /// Bytes of a ciphertext with both halves in the body of a file.
    #[must_use]
    pub fn ciphertext_bytes(&self, parameters: &Parameters) -> u64 {
        self.record_bytes() + 2 * parameters.packed_bytes(self.level)
    }
}

impl Ciphertext {
    /// Bytes in the body of a file.
    #[must_use]
    pub fn record_bytes(&self, parameters: &Parameters) -> u64 {
        self.operand.ciphertext_bytes(parameters)
    }
}

impl TensorCiphertext {
    /// Bytes in the body of a file.
    #[must_use]
    pub fn record_bytes(&self, parameters: &Parameters) -> u64 {
        self.operand.record_bytes() + 3 * parameters.packed_bytes(self.level())
    }
}

impl SeededCiphertext {
    /// Bytes in the body of a file.
    #[must_use]
    pub fn record_bytes(&self, parameters: &Parameters) -> u64 {
        self.operand.seeded_bytes(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_a_byte_for_each_seven_bits() {
        for (number, bytes) in [(0, 1), (127, 1), (128, 2), ((1 << 14) - 1, 2), (1 << 14, 3), (u64::MAX, 10)]
        {
            assert_eq!(varint_bytes(number), bytes, "{number}");
        }
    }
}
