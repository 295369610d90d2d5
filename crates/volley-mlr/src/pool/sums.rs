//! Encrypting an owner's sums, and reading the totals of all.
//!
//! Sums are [integers](super::statistics::Sums) in the coefficients of a few ciphertexts, at a scale above the noise
//! that the owners' shares add. So the totals come back exact, and what is decrypted says nothing of the noise.

use rand_core::CryptoRng;

use super::plan::PoolPlan;
use super::statistics::{MAX_TOTAL_BITS, Sums};
use crate::error::Error;
use crate::volley_ckks::multiparty::Smudging;
use crate::volley_ckks::noise::Noise;
use crate::volley_ckks::{Ciphertext, Encoder, Error as CkksError, Plaintext, PublicKey};

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
    /// [`Error::PoolRoom`] where no level has.
    pub fn new(plan: &PoolPlan) -> Result<Self, Error> {
        let (parameters, owners) = (plan.plan().parameters(), plan.rows().len());
        let error_norm = Noise::public_encryption(parameters).repeated(owners).error_norm(parameters);
        let smudging = plan.smudging_of(error_norm)?;
        // The shares' noise is below owners·2^b, and that of encryption far below 2^b: half a scale is more.
        let log_scale = smudging.log_bound(parameters) + 2 + owners.next_power_of_two().ilog2();
        let required = MAX_TOTAL_BITS + log_scale + 1;
        let holds = |&level: &usize| parameters.log_q(level) > f64::from(required);
        let available = parameters.log_q(parameters.max_level());
        match ((0..=parameters.max_level()).find(holds), u16::try_from(log_scale)) {
            (Some(level), Ok(log_scale)) => Ok(Self { smudging, log_scale, level }),
            _ => Err(Error::PoolRoom { required, available }),
        }
    }

    /// The noise by which the owners decrypt totals.
    #[must_use]
    pub fn smudging(&self) -> &Smudging {
        &self.smudging
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
