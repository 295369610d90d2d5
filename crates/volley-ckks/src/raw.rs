//! The polynomials of ciphertexts, plaintexts and keys: for other backends, protocols and formats.
//!
//! | object | gives | is made by |
//! |---|---|---|
//! | [`Plaintext`] | [`poly`](Plaintext::poly) | [`from_poly`](Plaintext::from_poly) |
//! | [`Ciphertext`] | [`parts`](Ciphertext::parts) | [`from_parts`](Ciphertext::from_parts) |
//! | [`TensorCiphertext`] | [`parts`](TensorCiphertext::parts) | [`from_parts`](TensorCiphertext::from_parts), [`from_residue_sums`](TensorCiphertext::from_residue_sums) |
//! | [`SeededCiphertext`] | [`c0`](SeededCiphertext::c0) | [`from_c0`](SeededCiphertext::from_c0) |
//! | [`PublicKey`] | [`halves`](crate::PublicKey::halves) | [`from_b`](crate::PublicKey::from_b) |
//! | [`EvaluationKeySet`] | [`switching_keys`] | [`from_switching_keys`] |
//! | [`KeySwitchingKey`] | [`pairs`], [`to_raw`] | by its set |
//! | [`SecretKey`] | [`ternary`](crate::SecretKey::ternary) | [`from_ternary`](crate::SecretKey::from_ternary) |
//!
//! A backend finds the key for an operation by [`relinearization_at`], [`galois_at`] and [`raising_at`], with the
//! errors of an evaluator.
//!
//! [`relinearization_at`]: crate::EvaluationKeySet::relinearization_at
//! [`galois_at`]: crate::EvaluationKeySet::galois_at
//! [`raising_at`]: crate::EvaluationKeySet::raising_at
//! [`switching_keys`]: crate::EvaluationKeySet::switching_keys
//! [`from_switching_keys`]: crate::EvaluationKeySet::from_switching_keys
//! [`pairs`]: crate::keys::KeySwitchingKey::pairs
//! [`to_raw`]: crate::keys::KeySwitchingKey::to_raw
//! [`EvaluationKeySet`]: crate::EvaluationKeySet
//! [`KeySwitchingKey`]: crate::keys::KeySwitchingKey
//! [`PublicKey`]: crate::PublicKey
//! [`SecretKey`]: crate::SecretKey
//!
//! Polynomials are [`RnsPoly`]s in evaluation form ([`Eval`]): a limb of N residues for each prime, in the order of
//! [`Parameters::q`](crate::Parameters::q), then for keys [`Parameters::p`](crate::Parameters::p). The order of
//! residues is that of [`volley_ring::ntt`]; [`LevelTables::q`](crate::LevelTables::q) transforms to coefficients and
//! back. The parameter set is that of the [`Context`] which an object is made with.
//!
//! Everything that is taken is checked: level, scale and slots by [`Operand::checked`], the degree, the number of
//! limbs, and each residue against its prime. The check reads every residue once. The caller is responsible for what no
//! check can tell: that the parts are an encryption under the key that is named, with the noise that the parameters
//! promise. A ciphertext with too much noise decrypts to other values, and wrong keys give noise.
//!
//! ```
//! use rand::{SeedableRng, rngs::SysRng};
//! use rand_chacha::ChaCha20Rng;
//! use volley_ckks::raw::RawError;
//! use volley_ckks::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
//! let context = Context::new(Parameters::n14()?);
//! let secret_key = SecretKey::generate(&context, &mut rng);
//! let encoder = Encoder::new(&context);
//! let plaintext = encoder.encode(&[1.0, 2.0], &context.parameters().scale(), 1)?;
//! let ciphertext = secret_key.encrypt(&plaintext, &mut rng)?.expand(&context)?;
//!
//! // Outside: −c₀ and −c₁ are an encryption of the negated slots.
//! let (key_id, operand) = (ciphertext.key_id(), ciphertext.operand().clone());
//! let mut parts = ciphertext.into_parts();
//! let basis = context.level(operand.level)?.q();
//! parts.iter_mut().for_each(|part| basis.neg_assign(part));
//!
//! let negated = Ciphertext::from_parts(&context, key_id, operand.clone(), parts.clone())?;
//! let slots = encoder.decode_real(&secret_key.decrypt(&negated)?)?;
//! assert!((slots[1] + 2.0).abs() < 1e-6);
//!
//! // A limb is missing.
//! parts[1].truncate(1);
//! let refused = Ciphertext::from_parts(&context, key_id, operand, parts);
//! assert_eq!(refused, Err(RawError::Limbs { expected: 2, found: 1 }));
//! # Ok(())
//! # }
//! ```

use thiserror::Error;
use volley_ring::sampling::Seed;
use volley_ring::{Eval, Modulus, ResidueSums, RnsBasis, RnsPoly};

use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::scheme::ciphertext::{Ciphertext, Plaintext, SeededCiphertext, TensorCiphertext};
use crate::scheme::operand::Operand;

mod keys;

pub use keys::{KeyUse, RawKey, SecondHalves};

/// Why polynomials are no ciphertext, plaintext or key of a parameter set.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum RawError {
    /// A level, a scale or a number of slots that the parameters do not have, or keys that they do not allow.
    #[error(transparent)]
    Ckks(#[from] crate::base::error::Error),
    /// A polynomial, or the coefficients of a secret, of another degree.
    #[error("a polynomial has {found} coefficients instead of {expected}")]
    Degree {
        /// N.
        expected: usize,
        /// The number that was given.
        found: usize,
    },
    /// A polynomial that does not have a limb for each prime.
    #[error("a polynomial has {found} limbs instead of {expected}")]
    Limbs {
        /// The primes up to the level, and for keys the special primes.
        expected: usize,
        /// The number that was given.
        found: usize,
    },
    /// Sums of residues that are not as many as a polynomial has.
    #[error("{found} sums of residues where a polynomial has {expected} residues")]
    Sums {
        /// Those of a polynomial modulo Q_level.
        expected: usize,
        /// The number that was given.
        found: usize,
    },
    /// A residue that is not below its prime.
    #[error("limb {limb} has the residue {residue}, which is not below its prime {modulus}")]
    Residue {
        /// The index of the limb.
        limb: usize,
        /// The residue.
        residue: u64,
        /// The prime.
        modulus: u64,
    },
    /// A key that does not have a half for each digit of its level.
    #[error("a key has {found} halves, its level {expected} digits")]
    Digits {
        /// Digits of the level.
        expected: usize,
        /// The number that was given.
        found: usize,
    },
    /// A key whose halves aⱼ come from no seed, and that is not for relinearization.
    #[error(
        "the halves of the key {key_use:?} come from a seed: only a relinearization key has computed ones"
    )]
    ExplicitHalves {
        /// What the key is for.
        key_use: KeyUse,
    },
    /// An element of no Galois key: even, 1, or not below 2N.
    #[error("{element} is not the element of a Galois key: these are odd, above 1 and below {order}")]
    GaloisElement {
        /// The element.
        element: u64,
        /// 2N.
        order: u64,
    },
    /// One of the two keys that raise a modulus without the other.
    #[error("the key {given:?} is of no use without the key {missing:?}")]
    RaisingPair {
        /// The one that was given.
        given: KeyUse,
        /// The one that was not.
        missing: KeyUse,
    },
    /// Coefficients of a secret that are not all −1, 0 and 1. The error does not tell which.
    #[error("the coefficients of a secret are −1, 0 and 1")]
    Ternary,
}

/// Refuses what is no polynomial on a basis. Each limb has one branch, on whether it is refused: residues may be
/// secret.
fn check_poly(basis: &RnsBasis, poly: &RnsPoly<Eval>) -> Result<(), RawError> {
    let (expected, found) = (basis.degree(), poly.degree());
    if expected != found {
        return Err(RawError::Degree { expected, found });
    }
    let (expected, found) = (basis.limb_count(), poly.limb_count());
    if expected != found {
        return Err(RawError::Limbs { expected, found });
    }
    for (index, (limb, modulus)) in poly.limbs().zip(basis.moduli().map(Modulus::value)).enumerate() {
        let refused = limb.iter().fold(false, |refused, &residue| refused | (residue >= modulus));
        if let Some(&residue) = refused.then(|| limb.iter().find(|&&residue| residue >= modulus)).flatten() {
            return Err(RawError::Residue { limb: index, residue, modulus });
        }
    }
    Ok(())
}

/// The operand of polynomials modulo Q_level, where they have it.
fn checked_operand<'a>(
    context: &Context,
    operand: Operand,
    polys: impl IntoIterator<Item = &'a RnsPoly<Eval>>,
) -> Result<Operand, RawError> {
    let operand = operand.checked(context.parameters())?;
    let basis = context.q(operand.level);
    polys.into_iter().try_for_each(|poly| check_poly(basis, poly))?;
    Ok(operand)
}

impl Plaintext {
    /// The polynomial modulo Q_level.
    #[must_use]
    pub fn poly(&self) -> &RnsPoly<Eval> {
        &self.poly
    }

    /// The plaintext of a polynomial modulo Q_level.
    ///
    /// # Errors
    ///
    /// [`RawError::Ckks`] for the operand; [`RawError::Degree`], [`RawError::Limbs`] and [`RawError::Residue`].
    pub fn from_poly(context: &Context, operand: Operand, poly: RnsPoly<Eval>) -> Result<Self, RawError> {
        let operand = checked_operand(context, operand, [&poly])?;
        Ok(Self { operand, poly, params_id: context.parameters().id() })
    }
}

impl Ciphertext {
    /// (c₀, c₁) modulo Q_level.
    #[must_use]
    pub fn parts(&self) -> &[RnsPoly<Eval>; 2] {
        &self.parts
    }

    /// (c₀, c₁) modulo Q_level, without a copy.
    #[must_use]
    pub fn into_parts(self) -> [RnsPoly<Eval>; 2] {
        self.parts
    }

    /// The ciphertext (c₀, c₁) modulo Q_level under the secret key of this name.
    ///
    /// # Errors
    ///
    /// As [`Plaintext::from_poly`].
    pub fn from_parts(
        context: &Context,
        key_id: KeyId,
        operand: Operand,
        parts: [RnsPoly<Eval>; 2],
    ) -> Result<Self, RawError> {
        let operand = checked_operand(context, operand, &parts)?;
        Ok(Self { operand, parts, params_id: context.parameters().id(), key_id })
    }
}

impl TensorCiphertext {
    /// The owner's key of the ciphertexts that it is a product of.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// (d₀, d₁, d₂) modulo Q_level.
    #[must_use]
    pub fn parts(&self) -> &[RnsPoly<Eval>; 3] {
        &self.parts
    }

    /// (d₀, d₁, d₂) modulo Q_level, without a copy.
    #[must_use]
    pub fn into_parts(self) -> [RnsPoly<Eval>; 3] {
        self.parts
    }

    /// The ciphertext (d₀, d₁, d₂) modulo Q_level under the secret key of this name.
    ///
    /// # Errors
    ///
    /// As [`Plaintext::from_poly`].
    pub fn from_parts(
        context: &Context,
        key_id: KeyId,
        operand: Operand,
        parts: [RnsPoly<Eval>; 3],
    ) -> Result<Self, RawError> {
        let operand = checked_operand(context, operand, &parts)?;
        Ok(Self { operand, parts, params_id: context.parameters().id(), key_id })
    }

    /// The sum of ciphertexts under the secret key of this name whose residues were added as words: those of d₀, d₁ and
    /// d₂. At most 2^14 ciphertexts may be added.
    ///
    /// # Errors
    ///
    /// [`RawError::Ckks`] for the operand, [`RawError::Sums`] for another number of words than polynomials modulo
    /// Q_level have residues.
    pub fn from_residue_sums(
        context: &Context,
        key_id: KeyId,
        operand: Operand,
        sums: [ResidueSums; 3],
    ) -> Result<Self, RawError> {
        let operand = operand.checked(context.parameters())?;
        let basis = context.q(operand.level);
        let expected = basis.degree() * basis.limb_count();
        let part = |sums: ResidueSums| {
            let found = sums.words().len();
            basis.reduce(sums).ok_or(RawError::Sums { expected, found })
        };
        let [d0, d1, d2] = sums;
        Self::from_parts(context, key_id, operand, [part(d0)?, part(d1)?, part(d2)?])
    }
}

impl SeededCiphertext {
    /// c₀ modulo Q_level.
    #[must_use]
    pub fn c0(&self) -> &RnsPoly<Eval> {
        &self.c0
    }

    /// The seed that c₁ is [expanded](Self::expand) from.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The ciphertext of c₀ modulo Q_level, and c₁ by its seed, under the secret key of this name.
    ///
    /// # Errors
    ///
    /// As [`Plaintext::from_poly`].
    pub fn from_c0(
        context: &Context,
        key_id: KeyId,
        operand: Operand,
        seed: Seed,
        c0: RnsPoly<Eval>,
    ) -> Result<Self, RawError> {
        let operand = checked_operand(context, operand, [&c0])?;
        Ok(Self { operand, c0, seed, params_id: context.parameters().id(), key_id })
    }
}
