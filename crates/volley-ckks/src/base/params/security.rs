//! The security table.
//!
//! It has the largest log₂ QP at which the best known attack on RLWE with a uniform ternary secret and errors of
//! σ = 3.19 costs the claimed number of classical operations. The source is "Security Guidelines for Implementing
//! Homomorphic Encryption", eprint 2024/463, Table 5.2. Sparse secrets have no row there. The only sparse secret here
//! is the ephemeral one of [`bootstrapping`](crate::bootstrapping), whose claim has a rule of its own.

use std::fmt;

#[cfg(feature = "wire")]
use serde::{Deserialize, Serialize};

use super::ParametersError;

/// h, the number of coefficients of an ephemeral secret that are not zero.
pub const EPHEMERAL_WEIGHT: usize = 32;

/// Most bits of the modulus under which an ephemeral secret of weight [`EPHEMERAL_WEIGHT`] is used at N = 2^16: those
/// of eprint 2022/024 for 128 bits.
pub const MAX_EPHEMERAL_LOG_MODULUS: u32 = 115;

/// Smallest ring for which that is claimed.
const MIN_EPHEMERAL_LOG_N: u32 = 16;

/// What a parameter set claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "wire", derive(Serialize, Deserialize))]
#[non_exhaustive]
pub enum Security {
    /// At least 128 bits against classical attacks, by eprint 2024/463.
    Classical128,
    /// At least 192 bits against classical attacks.
    Classical192,
    /// At least 256 bits against classical attacks.
    Classical256,
    /// No claim: for tests with small rings. Nothing encrypted with such parameters is safe.
    Unchecked,
}

impl Security {
    /// Bits of security claimed, `None` for [`Security::Unchecked`].
    #[must_use]
    pub fn bits(self) -> Option<u32> {
        match self {
            Self::Classical128 => Some(128),
            Self::Classical192 => Some(192),
            Self::Classical256 => Some(256),
            Self::Unchecked => None,
        }
    }

    /// Refuses an ephemeral secret under a modulus that the claim does not allow. 128 bits are claimed for weight
    /// [`EPHEMERAL_WEIGHT`], N ≥ 2^16 and moduli of at most [`MAX_EPHEMERAL_LOG_MODULUS`] bits, and nothing beyond.
    /// Where nothing is claimed, the ring must have room for the weight.
    pub(super) fn check_ephemeral(self, log_n: u32, log_modulus: f64) -> Result<(), ParametersError> {
        let max = MAX_EPHEMERAL_LOG_MODULUS;
        let allowed = match self {
            Self::Unchecked => 1 << log_n >= EPHEMERAL_WEIGHT,
            Self::Classical128 => log_n >= MIN_EPHEMERAL_LOG_N && log_modulus <= f64::from(max),
            Self::Classical192 | Self::Classical256 => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(ParametersError::EphemeralSecret { log_modulus, max, log_n, claim: self })
        }
    }

    pub(super) fn check(self, log_n: u32, log_qp: f64) -> Result<(), ParametersError> {
        if self == Self::Unchecked {
            return Ok(());
        }
        match max_log_qp(self, log_n) {
            Some(max) if log_qp <= f64::from(max) => Ok(()),
            max => Err(ParametersError::Insecure { log_qp, max, log_n, claim: self }),
        }
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits() {
            Some(bits) => write!(f, "{bits}-bit classical security (eprint 2024/463)"),
            None => f.write_str("NO security claim"),
        }
    }
}

/// The table's limit on log₂ QP, `None` where it has no row or there is no claim.
#[must_use]
pub fn max_log_qp(security: Security, log_n: u32) -> Option<u32> {
    let row = match log_n {
        11 => [53, 36, 27],
        12 => [106, 73, 56],
        13 => [214, 147, 114],
        14 => [430, 297, 230],
        15 => [868, 597, 462],
        16 => [1747, 1199, 929],
        17 => [3523, 2411, 1866],
        _ => return None,
    };
    match security {
        Security::Classical128 => Some(row[0]),
        Security::Classical192 => Some(row[1]),
        Security::Classical256 => Some(row[2]),
        Security::Unchecked => None,
    }
}
