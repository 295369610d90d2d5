//! Encrypting an owner's sums, and reading the totals of all.
//!
//! Sums are [integers](super::statistics::Sums) in the coefficients of a few ciphertexts, at a scale above the noise
//! that the owners' shares add. So the totals come back exact, and what is decrypted says nothing of the noise.

use rand_core::CryptoRng;

use super::encrypted_sums::Round;
use super::plan::PoolPlan;
use super::statistics::{Deviations, Fit, MAX_TOTAL_BITS, Means, Sums};
use crate::error::Error;
use crate::volley_ckks::multiparty::{PoolError, Smudging};
use crate::volley_ckks::noise::Noise;
use crate::volley_ckks::{Ciphertext, Encoder, Error as CkksError, Plaintext, PublicKey};
#[cfg(feature = "wire")]
use crate::volley_ckks::{Operand, Scale};
use crate::volley_revolver::Shape;

/// How the sums of a pool are encrypted.
#[derive(Clone, Copy, Debug)]
pub struct SumEncoding {
    smudging: Smudging,
    log_scale: u16,
    level: usize,
}

impl SumEncoding {
    /// The encoding for the owners of a plan, at the lowest level that has room for it.
    ///
    /// # Errors
    ///
    /// [`Error::Pool`] where no level has.
    pub fn new(plan: &PoolPlan) -> Result<Self, Error> {
        let (parameters, owners) = (plan.plan().parameters(), plan.rows().len());
        let error_norm = Noise::public_encryption(parameters).repeated(owners).error_norm(parameters);
        let smudging = plan.smudging_of(error_norm)?;
        // The shares' noise is below 3·owners·2^b, and that of encryption far below 2^b: half a scale is more.
        let log_scale = smudging.log_bound() + 1 + (3 * owners + 1).next_power_of_two().ilog2();
        let required = f64::from(MAX_TOTAL_BITS + log_scale + 1);
        let holds = |&level: &usize| parameters.log_q(level) > required;
        match ((0..=parameters.max_level()).find(holds), u16::try_from(log_scale)) {
            (Some(level), Ok(log_scale)) => Ok(Self { smudging, log_scale, level }),
            _ => {
                let (bits, log_bound) = (smudging.statistical_bits(), smudging.log_bound());
                let room_log2 = parameters.log_q(parameters.max_level()) - required + f64::from(log_bound);
                Err(PoolError::NoRoom { bits, log_bound, owners, room_log2 }.into())
            }
        }
    }

    /// The noise by which the owners decrypt totals.
    #[must_use]
    pub fn smudging(&self) -> &Smudging {
        &self.smudging
    }

    /// Level, scale and slots of encrypted sums.
    #[cfg(feature = "wire")]
    pub(crate) fn operand(&self, plan: &PoolPlan) -> Operand {
        let scale = Scale::power_of_two(self.log_scale.into());
        Operand { level: self.level, scale, slots: plan.plan().parameters().max_slots() }
    }

    /// Encrypts an owner's sums: one ciphertext for each N of them. `rng` must never repeat.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for a public key of other parameters.
    pub fn encrypt(
        &self,
        sums: &Sums,
        public_key: &PublicKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Ciphertext>, Error> {
        let context = public_key.context();
        let encoder = Encoder::new(context);
        let mut encrypt = |integers: &[i128]| -> Result<_, CkksError> {
            public_key.encrypt(&encoder.encode_coefficients(integers, self.log_scale, self.level)?, rng)
        };
        let chunks = sums.integers().chunks(context.parameters().degree());
        Ok(chunks.map(&mut encrypt).collect::<Result<_, _>>()?)
    }

    /// How many ciphertexts so many sums take.
    #[must_use]
    pub fn ciphertext_count(plan: &PoolPlan, sums: usize) -> usize {
        sums.div_ceil(plan.plan().parameters().degree())
    }

    /// The first `count` integers of the decrypted totals.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for plaintexts of other parameters.
    pub fn totals(
        &self,
        encoder: &Encoder,
        plaintexts: &[Plaintext],
        count: usize,
    ) -> Result<Vec<f64>, Error> {
        let mut totals = Vec::with_capacity(count);
        for plaintext in plaintexts {
            totals.extend(encoder.decode_coefficients(plaintext)?);
        }
        totals.truncate(count);
        Ok(totals)
    }
}

impl PoolPlan {
    /// Ciphertexts of the three rounds of statistics, which the owners decrypt.
    #[must_use]
    pub fn statistics_decryptions(&self) -> u32 {
        let ciphertexts = |round| SumEncoding::ciphertext_count(self, self.sum_count(round));
        Round::ALL.into_iter().map(ciphertexts).sum::<usize>() as u32
    }

    /// How many sums an owner has in a round.
    #[must_use]
    pub fn sum_count(&self, round: Round) -> usize {
        let Shape { columns, classes, .. } = self.plan().layout().shape();
        // Without the bias.
        let columns = columns - 1;
        match round {
            Round::Means => Means::sum_count(classes, columns),
            Round::Deviations => Deviations::sum_count(columns),
            Round::Covariance => Fit::sum_count(classes, columns),
        }
    }
}
