//! The distribution of the secret, on which all noise depends.

/// Most owners of a pool.
pub const MAX_OWNERS: usize = 16;

/// What a secret is distributed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretDistribution {
    /// Coefficients uniform on {−1, 0, 1}: the secret of one owner.
    Ternary,
    /// The sum of such polynomials, each known to one owner alone ([`multiparty`](crate::multiparty)).
    TernarySum {
        /// Number of summands: 2 to [`MAX_OWNERS`].
        owners: usize,
    },
}

impl SecretDistribution {
    /// Number of uniform ternary summands.
    #[must_use]
    pub fn owners(self) -> usize {
        match self {
            Self::Ternary => 1,
            Self::TernarySum { owners } => owners,
        }
    }

    /// Variance of one coefficient: 2/3 for each summand.
    #[must_use]
    pub fn variance(self) -> f64 {
        self.owners() as f64 * 2.0 / 3.0
    }
}
