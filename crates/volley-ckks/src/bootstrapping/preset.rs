//! Parameter sets for bootstrapping.
//!
//! From the bottom: q₀; the levels that are left for the caller; SlotsToCoeffs; EvalMod; CoeffsToSlots. What each has to be as
//! long as it is for is derived in `docs/bootstrapping.md`. The first level of EvalMod is longer than the others: the
//! error of its input is multiplied by W·R, so the input has a longer scale, from which the first square comes down
//! to the scale of the rest.

use crate::bootstrapping::BootstrappingLiteral;
use crate::{ParametersLiteral, Security};

/// Matrices of CoeffsToSlots.
const COEFFS_TO_SLOTS: usize = 4;
/// Matrices of SlotsToCoeffs.
const SLOTS_TO_COEFFS: usize = 3;
/// Levels of EvalMod: six for the cosine and two double angles.
const EVAL_MOD: usize = 8;
const DOUBLE_ANGLES: u32 = 2;
/// Of the caller's scale and levels.
const LEVEL_BITS: u32 = 40;
const SPECIAL_BITS: u32 = 50;

/// A kind of parameter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// One prime for each level, but for the first of EvalMod: for about 16 bits.
    Fast,
    /// Levels of two primes in q₀, EvalMod and CoeffsToSlots: for more than 20 bits.
    Precise,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Fast, Self::Precise];

    /// A parameter set that leaves `levels` levels after a bootstrapping, with so many special primes.
    #[must_use]
    pub fn parameters(
        self,
        log_n: u32,
        levels: usize,
        special: usize,
        security: Security,
    ) -> ParametersLiteral {
        let (first, eval_mod, coeffs_to_slots) = match self {
            Self::Fast => (vec![50], vec![50], vec![50]),
            Self::Precise => (vec![30, 30], vec![30, 30], vec![28, 28]),
        };
        let chain = [
            vec![first],
            vec![vec![LEVEL_BITS]; levels + SLOTS_TO_COEFFS],
            vec![eval_mod; EVAL_MOD - 1],
            vec![vec![36, 36]],
            vec![coeffs_to_slots; COEFFS_TO_SLOTS],
        ];
        ParametersLiteral {
            log_n,
            levels: chain.concat(),
            p_bits: vec![SPECIAL_BITS; special],
            log_scale: LEVEL_BITS,
            security,
        }
    }

    /// The bootstrapping of ciphertexts of `slots` slots under such a set.
    #[must_use]
    pub fn bootstrapping(self, slots: usize) -> BootstrappingLiteral {
        let (log_message_ratio, degree) = match self {
            Self::Fast => (10, 50),
            Self::Precise => (13, 58),
        };
        BootstrappingLiteral {
            slots,
            coeffs_to_slots: COEFFS_TO_SLOTS,
            slots_to_coeffs: SLOTS_TO_COEFFS,
            log_message_ratio,
            degree,
            double_angles: DOUBLE_ANGLES,
            arcsine_degree: 1,
        }
    }
}
