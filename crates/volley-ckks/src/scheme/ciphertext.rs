//! Plaintexts and ciphertexts.

use std::sync::Arc;

use volley_ring::sampling::Seed;
use volley_ring::{Eval, RnsPoly};

use crate::base::error::Error;
use crate::base::params::{Parameters, ParamsId};
use crate::base::scale::Scale;
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::scheme::operand::Operand;

/// An encoded vector of slots: a polynomial with its scale and level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plaintext {
    pub(crate) operand: Operand,
    pub(crate) poly: RnsPoly<Eval>,
    pub(crate) params_id: ParamsId,
}

/// A ciphertext (c₀, c₁) with c₀ + c₁·s ≈ Δ·m.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ciphertext {
    pub(crate) operand: Operand,
    pub(crate) parts: [RnsPoly<Eval>; 2],
    pub(crate) params_id: ParamsId,
    pub(crate) key_id: KeyId,
}

/// A fresh ciphertext whose uniform half c₁ is kept as its seed: half the size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeededCiphertext {
    pub(crate) operand: Operand,
    pub(crate) c0: RnsPoly<Eval>,
    pub(crate) seed: Seed,
    pub(crate) params_id: ParamsId,
    pub(crate) key_id: KeyId,
}

/// A degree-2 ciphertext (d₀, d₁, d₂) with d₀ + d₁·s + d₂·s² ≈ Δ·m: a sum of products that waits for relinearization.
/// It can be added to and relinearized, nothing else:
///
/// ```compile_fail,E0308
/// # use volley_ckks::{Arithmetic, Ciphertext, Error, Evaluator, TensorCiphertext};
/// fn rotated(evaluator: &Evaluator, product: &TensorCiphertext) -> Result<Ciphertext, Error> {
///     evaluator.rotate(product, 1)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorCiphertext {
    pub(crate) operand: Operand,
    pub(crate) parts: [RnsPoly<Eval>; 3],
    pub(crate) params_id: ParamsId,
    pub(crate) key_id: KeyId,
}

macro_rules! operand_accessors {
    ($($type:ident),*) => { $(
        impl $type {
            /// Level, scale and slot count.
            #[must_use]
            pub fn operand(&self) -> &Operand {
                &self.operand
            }

            /// The number of rescalings that are left.
            #[must_use]
            pub fn level(&self) -> usize {
                self.operand.level
            }

            /// The scale.
            #[must_use]
            pub fn scale(&self) -> &Scale {
                &self.operand.scale
            }

            /// Number of slots.
            #[must_use]
            pub fn slots(&self) -> usize {
                self.operand.slots
            }

            /// The parameter set it belongs to.
            #[must_use]
            pub fn params_id(&self) -> ParamsId {
                self.params_id
            }
        }
    )* };
}

operand_accessors!(Plaintext, Ciphertext, SeededCiphertext, TensorCiphertext);

impl Ciphertext {
    /// The owner's key it was encrypted under.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The same slots at a lower level. A ciphertext that is sent back needs no more limbs than its reader uses.
    ///
    /// # Errors
    ///
    /// [`Error::LevelExhausted`] where `level` is above the ciphertext's, [`Error::ScaleOverflow`] where the modulus
    /// there does not hold its scale, [`Error::ParameterMismatch`] where it belongs to other parameters.
    pub fn drop_level(&self, parameters: &Parameters, level: usize) -> Result<Self, Error> {
        if parameters.id() != self.params_id {
            return Err(Error::ParameterMismatch);
        }
        let operand = self.operand.dropped(parameters, level)?;
        let parts = self.parts.each_ref().map(|part| part.prefix(parameters.limbs(level)));
        Ok(Self { operand, parts, params_id: self.params_id, key_id: self.key_id })
    }
}

impl SeededCiphertext {
    /// The owner's key it was encrypted under.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Expands the seed.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] where the context is another parameter set's.
    pub fn expand(&self, context: &Arc<Context>) -> Result<Ciphertext, Error> {
        if context.parameters().id() != self.params_id {
            return Err(Error::ParameterMismatch);
        }
        let c1 = context.expand_q(self.operand.level, &self.seed);
        Ok(Ciphertext {
            operand: self.operand.clone(),
            parts: [self.c0.clone(), c1],
            params_id: self.params_id,
            key_id: self.key_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Setup, parameters, random_slots, rng};
    use crate::{Context, Error, Operand, Scale};

    #[test]
    fn a_seeded_ciphertext_is_half_the_size_and_knows_the_same() {
        let setup = Setup::new(parameters(4, 3), |spec| spec);
        let scale = Scale::power_of_two(33);
        let plaintext = setup.encoder.encode(&random_slots(4, &mut rng(2)), &scale, 2).unwrap();
        let seeded = setup.secret_key.encrypt(&plaintext, &mut rng(3)).unwrap();
        let ciphertext = seeded.expand(&setup.context).unwrap();
        let operand = Operand { level: 2, scale, slots: 4 };
        assert_eq!([plaintext.operand(), seeded.operand(), ciphertext.operand()], [&operand; 3]);
        assert_eq!((seeded.level(), seeded.slots(), seeded.scale()), (2, 4, &operand.scale));
        let params = setup.context.parameters();
        // Packed: 50 + 40 + 40 bits for each of 16 coefficients, a seed, and 9 bytes for level, slots and scale.
        assert_eq!(seeded.record_bytes(params), 16 * 130 / 8 + 32 + 9);
        assert_eq!(ciphertext.record_bytes(params), 2 * 16 * 130 / 8 + 9);
        let id = setup.context.parameters().id();
        assert_eq!([plaintext.params_id(), seeded.params_id(), ciphertext.params_id()], [id; 3]);
        assert_eq!([seeded.key_id(), ciphertext.key_id()], [setup.secret_key.id(); 2]);
        let stranger = Context::new(parameters(4, 2));
        assert_eq!(seeded.expand(&stranger).unwrap_err(), Error::ParameterMismatch);
    }

    #[test]
    fn a_ciphertext_drops_to_any_level_below_and_to_none_above() {
        let setup = Setup::new(parameters(4, 3), |spec| spec);
        let values = random_slots(8, &mut rng(2));
        let ciphertext = setup.encrypt(&values, 2, 3);
        let parameters = setup.context.parameters();
        let before = setup.decrypt(&ciphertext);
        for level in 0..=2 {
            let dropped = ciphertext.drop_level(parameters, level).unwrap();
            assert_eq!((dropped.level(), dropped.scale()), (level, ciphertext.scale()));
            assert_eq!(dropped.parts[0].limb_count(), level + 1);
            assert_eq!(setup.decrypt(&dropped), before, "the coefficients do not change");
        }
        let error = ciphertext.drop_level(parameters, 3).unwrap_err();
        assert_eq!(error, Error::LevelExhausted { level: 2, required: 3 });
        let error = ciphertext.drop_level(&crate::testing::parameters(4, 2), 0).unwrap_err();
        assert_eq!(error, Error::ParameterMismatch);
    }
}
