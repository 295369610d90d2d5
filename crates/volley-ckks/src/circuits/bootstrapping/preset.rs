//! Parameter sets for bootstrapping.
//!
//! The levels are, from the bottom: q₀; the levels that are left for the caller; SlotsToCoeffs; EvalMod; CoeffsToSlots.
//! `docs/bootstrapping.md` derives why each is as long as it is. The levels of EvalMod get shorter on the way: an error
//! counts the more the earlier it is made, so scales begin long and lose two bits or more with each square.

use std::ops::RangeInclusive;

use crate::base::params::{ParametersLiteral, Security, max_log_qp};
use crate::circuits::bootstrapping::bootstrapper::BootstrappingLiteral;

/// Matrices of CoeffsToSlots.
const COEFFS_TO_SLOTS: usize = 4;
/// Matrices of SlotsToCoeffs.
const SLOTS_TO_COEFFS: usize = 3;
/// Double angles of EvalMod, which has eight levels: six for the cosine and these.
const DOUBLE_ANGLES: u32 = 2;
/// Bits of the primes of EvalMod's levels, the last level first: the scale of x has 53 bits, that of T₂ 52, all others
/// 50.
const FAST_EVAL_MOD: [&[u32]; 8] = [&[50], &[50], &[50], &[50], &[50], &[50], &[27, 27], &[27, 27]];
/// The same for the preset `Precise`: the scale of x has 68 bits, the following ones 67, 65, 63, 61, 60, 60, 54 and 58.
/// The last level of the series is long for the sake of its quotients: that of T₈, whose scale has 63 bits, has the 57
/// bits that are left of 60 + 60. The last level of all has one prime; SlotsToCoeffs takes away what it leaves of the
/// scale.
const PRECISE_EVAL_MOD: [&[u32]; 8] =
    [&[50], &[33, 33], &[30, 30], &[31, 31], &[33, 32], &[34, 33], &[35, 34], &[35, 34]];
/// Bits of the caller's scale and levels.
const LEVEL_BITS: u32 = 40;
/// Bits of special primes: no more than the table of the security allows, and no fewer than those of levels.
const SPECIAL_BITS: RangeInclusive<u32> = LEVEL_BITS..=50;

/// A kind of parameter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// One prime for each level, but for the first two of EvalMod.
    Fast,
    /// Levels of two primes in q₀, EvalMod and CoeffsToSlots.
    Precise,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 2] = [Self::Fast, Self::Precise];

    /// A parameter set that leaves `levels` levels after a bootstrapping, with so many special primes: of 50 bits, or
    /// of fewer where the claim of security has no room for that.
    #[must_use]
    pub fn parameters(
        self,
        log_n: u32,
        levels: usize,
        special: usize,
        security: Security,
    ) -> ParametersLiteral {
        let (first, slots_to_coeffs, eval_mod, coeffs_to_slots) = match self {
            Self::Fast => (vec![50], vec![40], FAST_EVAL_MOD.map(<[u32]>::to_vec), vec![50]),
            Self::Precise => (vec![30, 30], vec![45], PRECISE_EVAL_MOD.map(<[u32]>::to_vec), vec![28, 28]),
        };
        let levels = [
            vec![first],
            vec![vec![LEVEL_BITS]; levels],
            vec![slots_to_coeffs; SLOTS_TO_COEFFS],
            eval_mod.to_vec(),
            vec![coeffs_to_slots; COEFFS_TO_SLOTS],
        ]
        .concat();
        let log_q: u32 = levels.iter().flatten().sum();
        let room = max_log_qp(security, log_n).map_or(u32::MAX, |max| max.saturating_sub(log_q));
        let special_bits = (room / special.max(1) as u32).clamp(*SPECIAL_BITS.start(), *SPECIAL_BITS.end());
        ParametersLiteral {
            log_n,
            levels,
            p_bits: vec![special_bits; special],
            log_scale: LEVEL_BITS,
            security,
        }
    }

    /// The bootstrapping of ciphertexts of `slots` slots under such a set.
    #[must_use]
    pub fn bootstrapping(self, slots: usize) -> BootstrappingLiteral {
        let (log_message_ratio, degree, log_input_scale) = match self {
            Self::Fast => (8, 50, 53),
            Self::Precise => (13, 58, 68),
        };
        BootstrappingLiteral {
            slots,
            coeffs_to_slots: COEFFS_TO_SLOTS,
            slots_to_coeffs: SLOTS_TO_COEFFS,
            log_message_ratio,
            log_input_scale,
            degree,
            double_angles: DOUBLE_ANGLES,
            arcsine_degree: 1,
        }
    }
}
