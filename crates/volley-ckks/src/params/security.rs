//! The security table.
//!
//! Largest log₂ QP at which the best known attack on RLWE with a uniform ternary secret and errors of σ = 3.19 costs
//! the claimed number of classical operations: "Security Guidelines for Implementing Homomorphic Encryption",
//! eprint 2024/463, Table 5.2. Sparse secrets have no row there and are not offered here.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ParametersError;

/// What a parameter set claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
