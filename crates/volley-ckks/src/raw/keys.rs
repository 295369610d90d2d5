//! The polynomials of keys.

use std::sync::Arc;

use volley_ring::sampling::{Domain, Seed};
use volley_ring::{Eval, PackedPoly, RnsPoly};
use zeroize::Zeroizing;

use super::{RawError, check_poly};
use crate::base::error::Error;
use crate::base::galois::GaloisPurpose;
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::rlwe::keys::{EvaluationKeySet, KeySwitchingKey, PublicKey, RaisingKeys, SecretKey};
use crate::scheme::operand::Operand;

/// What a key of an [`EvaluationKeySet`] switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyUse {
    /// It switches from s² to s.
    Relinearization,
    /// It switches from s to σ⁻¹(s), for the automorphism σ: X ↦ X^g of this element g. Switching comes first, σ last.
    Galois(u64),
    /// It switches from s to the ephemeral secret of [`bootstrapping`](crate::bootstrapping). Its modulus is q₀·p, that
    /// of the parameters [`ephemeral`](crate::Parameters::ephemeral), which have level 0 only.
    ToEphemeral,
    /// It switches from the ephemeral secret to s.
    FromEphemeral,
}

/// The halves aⱼ of a key-switching key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondHalves {
    /// Uniform ones, expanded from this seed.
    Seed(Seed),
    /// Those of a relinearization key of several owners: they were computed, and no seed gives them. One modulo
    /// Q_level·P for each digit of the level.
    Explicit(Vec<RnsPoly<Eval>>),
}

/// A key-switching key, without halves that follow from a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawKey {
    /// Highest level of a ciphertext that the key switches.
    pub level: usize,
    /// The halves aⱼ.
    pub second: SecondHalves,
    /// bⱼ modulo Q_level·P, one for each digit of the level.
    pub halves: Vec<RnsPoly<Eval>>,
}

impl RawKey {
    fn build(self, context: &Context) -> Result<KeySwitchingKey, RawError> {
        let Self { level, second, halves } = self;
        let halves = packed_halves(context, level, &halves)?;
        Ok(match second {
            SecondHalves::Seed(seed) => KeySwitchingKey::from_halves(context, level, seed, halves),
            SecondHalves::Explicit(second) => {
                let second = packed_halves(context, level, &second)?;
                KeySwitchingKey::from_pairs(
                    level,
                    halves.into_iter().zip(second).map(<[_; 2]>::from).collect(),
                )
            }
        })
    }

    /// As [`build`](Self::build), for a key that is not for relinearization.
    fn build_seeded(self, context: &Context, key_use: KeyUse) -> Result<KeySwitchingKey, RawError> {
        match self.second {
            SecondHalves::Seed(_) => self.build(context),
            SecondHalves::Explicit(_) => Err(RawError::ExplicitHalves { key_use }),
        }
    }
}

/// One half for each digit of a level, packed.
fn packed_halves(
    context: &Context,
    level: usize,
    halves: &[RnsPoly<Eval>],
) -> Result<Vec<PackedPoly>, RawError> {
    let basis = context.level(level)?.qp();
    let (expected, found) = (context.parameters().digit_count(level), halves.len());
    if expected != found {
        return Err(RawError::Digits { expected, found });
    }
    halves.iter().try_for_each(|half| check_poly(basis, half))?;
    Ok(halves.iter().map(|half| basis.pack(half)).collect())
}

impl KeySwitchingKey {
    /// (bⱼ, aⱼ) modulo Q_level·P, a pair for each digit. They are unpacked one by one. At a lower level the key
    /// consists of its first pairs, one for each digit of that level. These have only the limbs of the primes up to
    /// that level and of the special primes.
    #[must_use]
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = [RnsPoly<Eval>; 2]> + '_ {
        self.digits().iter().map(|pair| pair.each_ref().map(PackedPoly::unpack))
    }

    /// The key without halves that follow from its seed.
    #[must_use]
    pub fn to_raw(&self) -> RawKey {
        let halves = |half: usize| self.digits().iter().map(|pair| pair[half].unpack()).collect();
        let second = self.seed().map_or_else(|| SecondHalves::Explicit(halves(1)), SecondHalves::Seed);
        RawKey { level: self.level(), second, halves: halves(0) }
    }
}

impl EvaluationKeySet {
    /// All keys, with what they are for.
    pub fn switching_keys(&self) -> impl Iterator<Item = (KeyUse, &KeySwitchingKey)> {
        let relinearization = self.relinearization_key().map(|key| (KeyUse::Relinearization, key));
        let galois = self.galois_keys().map(|(element, key)| (KeyUse::Galois(element), key));
        let raising = self.raising_keys().into_iter().flat_map(|keys| {
            [(KeyUse::ToEphemeral, &keys.to_ephemeral), (KeyUse::FromEphemeral, &keys.from_ephemeral)]
        });
        relinearization.into_iter().chain(galois).chain(raising)
    }

    /// The key that relinearizes at a level.
    ///
    /// # Errors
    ///
    /// [`Error::MissingRelinearizationKey`] and [`Error::KeyLevel`].
    pub fn relinearization_at(&self, level: usize) -> Result<&KeySwitchingKey, Error> {
        self.relinearization(level)
    }

    /// The key of a rotation or a conjugation of ciphertexts with this operand, and the element of its automorphism. It
    /// is the given element, or another that moves the slots in the same way.
    ///
    /// # Errors
    ///
    /// [`Error::MissingGaloisKey`], with the purpose, and [`Error::KeyLevel`].
    pub fn galois_at(
        &self,
        element: u64,
        purpose: GaloisPurpose,
        operand: &Operand,
    ) -> Result<(u64, &KeySwitchingKey), Error> {
        let galois = self.galois(element, purpose, operand.slots, operand.level)?;
        Ok((galois.automorphism.element(), &galois.key))
    }

    /// The keys to the ephemeral secret and from it that raise a modulus to that of a level.
    ///
    /// # Errors
    ///
    /// [`Error::MissingRaisingKeys`] and [`Error::KeyLevel`].
    pub fn raising_at(&self, level: usize) -> Result<[&KeySwitchingKey; 2], Error> {
        let keys = self.raising(level)?;
        Ok([&keys.to_ephemeral, &keys.from_ephemeral])
    }

    /// The set of these keys for ciphertexts under the secret key of this name. Where there are two keys for one use,
    /// the last is taken.
    ///
    /// # Errors
    ///
    /// [`RawError::Digits`], [`RawError::Degree`], [`RawError::Limbs`] and [`RawError::Residue`] for a key;
    /// [`RawError::GaloisElement`]; [`RawError::ExplicitHalves`] for any key but the one of relinearization;
    /// [`RawError::RaisingPair`] for one of two keys; [`RawError::Ckks`] for a level that does not exist, and for keys
    /// of an ephemeral secret that is not as secure as the parameters claim.
    pub fn from_switching_keys(
        context: &Context,
        key_id: KeyId,
        keys: impl IntoIterator<Item = (KeyUse, RawKey)>,
    ) -> Result<Self, RawError> {
        let mut set = Self::empty(context, key_id);
        let (mut to_ephemeral, mut from_ephemeral) = (None, None);
        for (key_use, key) in keys {
            match key_use {
                KeyUse::Relinearization => set.set_relinearization_key(key.build(context)?),
                KeyUse::Galois(element) => {
                    let order = 2 * context.parameters().degree() as u64;
                    if element <= 1 || element >= order || element.is_multiple_of(2) {
                        return Err(RawError::GaloisElement { element, order });
                    }
                    let key = key.build_seeded(context, key_use)?;
                    set.add_galois_key(context.automorphism(element), key);
                }
                KeyUse::ToEphemeral => {
                    to_ephemeral = Some(key.build_seeded(context.ephemeral(), key_use)?);
                }
                KeyUse::FromEphemeral => from_ephemeral = Some(key.build_seeded(context, key_use)?),
            }
        }
        match (to_ephemeral, from_ephemeral) {
            (Some(to_ephemeral), Some(from_ephemeral)) => {
                context.parameters().check_ephemeral().map_err(Error::from)?;
                set.set_raising_keys(RaisingKeys { to_ephemeral, from_ephemeral });
            }
            (Some(_), None) => return Err(raising_pair(KeyUse::ToEphemeral, KeyUse::FromEphemeral)),
            (None, Some(_)) => return Err(raising_pair(KeyUse::FromEphemeral, KeyUse::ToEphemeral)),
            (None, None) => {}
        }
        Ok(set)
    }
}

fn raising_pair(given: KeyUse, missing: KeyUse) -> RawError {
    RawError::RaisingPair { given, missing }
}

impl PublicKey {
    /// (b, a) modulo QP.
    #[must_use]
    pub fn halves(&self) -> [RnsPoly<Eval>; 2] {
        let (context, seed) = (self.context(), self.seed());
        let a = context.expand_qp(context.parameters().max_level(), &seed, Domain::PublicKey, 0);
        [self.b().unpack(), a]
    }

    /// The key of b modulo QP, and a by its seed, for encryptions under the secret key of this name.
    ///
    /// # Errors
    ///
    /// [`RawError::Degree`], [`RawError::Limbs`] and [`RawError::Residue`].
    pub fn from_b(
        context: &Arc<Context>,
        key_id: KeyId,
        seed: Seed,
        b: &RnsPoly<Eval>,
    ) -> Result<Self, RawError> {
        let basis = context.qp(context.parameters().max_level());
        check_poly(basis, b)?;
        Ok(Self::from_half(context, key_id, seed, basis.pack(b)))
    }
}

impl SecretKey {
    /// The coefficients −1, 0 and 1 of s, for protocols of the owner's own, such as a share of a decryption. Whoever
    /// has them decrypts everything. The copy is wiped when it is dropped; do not copy it, branch on it or index by it.
    #[must_use]
    pub fn ternary(&self) -> Zeroizing<Vec<i64>> {
        Zeroizing::new(self.coefficients().to_vec())
    }

    /// The key of this name with N coefficients −1, 0 and 1 of s. They must be uniform and known to nobody else for
    /// what the parameters claim of security to hold.
    ///
    /// # Errors
    ///
    /// [`RawError::Degree`] and [`RawError::Ternary`].
    pub fn from_ternary(context: &Arc<Context>, id: KeyId, coefficients: &[i64]) -> Result<Self, RawError> {
        let (expected, found) = (context.parameters().degree(), coefficients.len());
        if expected != found {
            return Err(RawError::Degree { expected, found });
        }
        // The only branch is on whether the coefficients are refused.
        let refused = coefficients.iter().fold(false, |refused, &c| refused | (c.wrapping_add(1) as u64 > 2));
        if refused { Err(RawError::Ternary) } else { Ok(Self::from_coefficients(context, id, coefficients)) }
    }
}
