//! Volley's own operations, at the top level of a preset.

use std::time::Duration;

use anyhow::{Context as _, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::ThreadPoolBuilder;
use volley_mlr::volley_ckks::{
    Arithmetic, Ciphertext, Complex64, Context, Encoder, Error, EvaluationKeySet, Evaluator, KeySpec,
    Parameters, Plaintext, PublicKey, SecretKey,
};
use volley_ring::Kernel;

use super::Measurement;
use super::operation::Operation;
use crate::clock::median;

const THREADS: usize = 1;
/// Steps of the hoisted rotations.
const ROTATIONS: [i64; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
/// The preset for a ring, if there is one.
pub(super) fn preset(log_n: u32) -> Option<Parameters> {
    match log_n {
        14 => Parameters::n14().ok(),
        15 => Parameters::n15().ok(),
        16 => Parameters::n16().ok(),
        _ => None,
    }
}

/// Times all operations at the preset for a ring, on one thread.
pub(super) fn measure(log_n: u32) -> Result<Vec<Measurement>> {
    let parameters = preset(log_n).with_context(|| format!("there is no preset with N = 2^{log_n}"))?;
    let pool = ThreadPoolBuilder::new().num_threads(THREADS).build()?;
    let kernels = Kernel::detect()?.name();
    let entry = |op, median: Duration| Measurement {
        library: "Volley".into(),
        version: format!("{} {}", env!("CARGO_PKG_VERSION"), kernels),
        op,
        log_n,
        limbs: parameters.q().len(),
        digits: parameters.digits().len(),
        log_qp: parameters.log_qp(),
        threads: THREADS,
        median_ms: 1e3 * median.as_secs_f64(),
    };
    pool.install(|| {
        let mut session = Session::new(&parameters)?;
        Operation::ALL.iter().map(|&op| Ok(entry(op, session.time(op)?))).collect()
    })
}

/// An owner, a server with the owner's keys, and two fresh operands.
struct Session {
    rng: ChaCha20Rng,
    secret_key: SecretKey,
    public_key: PublicKey,
    encoder: Encoder,
    evaluator: Evaluator,
    values: Vec<Complex64>,
    plaintext: Plaintext,
    operands: [Ciphertext; 2],
    one_rotation: KeySpec,
}

impl Session {
    fn new(parameters: &Parameters) -> Result<Self, Error> {
        // A seed that anyone can guess: these keys protect nothing.
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (context, top) = (Context::new(parameters.clone()), parameters.max_level());
        let secret_key = SecretKey::generate(&context, &mut rng);
        let spec = KeySpec::new(parameters).relinearization(top).rotations(ROTATIONS, top);
        let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng)?;
        let public_key = PublicKey::generate(&secret_key, &mut rng);
        let encoder = Encoder::new(&context);
        let values: Vec<_> =
            (0..parameters.max_slots()).map(|j| Complex64::from((j as f64).sin() / 2.0)).collect();
        let plaintext = encoder.encode(&values, &parameters.scale(), top)?;
        Ok(Self {
            operands: [public_key.encrypt(&plaintext, &mut rng)?, public_key.encrypt(&plaintext, &mut rng)?],
            evaluator: Evaluator::new(&context, keys)?,
            one_rotation: KeySpec::new(parameters).rotations([1], top),
            rng,
            secret_key,
            public_key,
            encoder,
            values,
            plaintext,
        })
    }

    /// The median time of an operation.
    fn time(&mut self, op: Operation) -> Result<Duration> {
        let Self { rng, secret_key, public_key, encoder, evaluator, values, plaintext, .. } = self;
        let [a, b] = &self.operands;
        match op {
            Operation::MultiplyRelinearizeRescale => median(|| evaluator.multiply(a, b)),
            Operation::Rotate => median(|| evaluator.rotate(a, 1)),
            Operation::RotateHoisted16 => median(|| evaluator.rotate_hoisted(a, &ROTATIONS)),
            Operation::Rescale => median(|| evaluator.rescale(a)),
            Operation::MultiplyPlain => median(|| evaluator.multiply_plain(a, plaintext)),
            Operation::EncryptPublic => median(|| public_key.encrypt(plaintext, rng)),
            Operation::EncryptSecret => median(|| secret_key.encrypt(plaintext, rng)),
            Operation::DecryptDecode => median(|| encoder.decode(&secret_key.decrypt(a)?)),
            Operation::Encode => median(|| encoder.encode(values, plaintext.scale(), plaintext.level())),
            Operation::GenerateGaloisKey => {
                median(|| EvaluationKeySet::generate(secret_key, &self.one_rotation, rng))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets() {
        assert_eq!(preset(15).map(|parameters| parameters.log_n()), Some(15));
        assert!(preset(13).is_none());
    }
}
