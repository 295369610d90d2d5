//! What the unit tests share: a small ring, a fixed generator, and one owner with keys.

use std::sync::Arc;

use num_complex::Complex64;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use volley_ring::sampling::ERROR_STANDARD_DEVIATION;

use crate::{
    Ciphertext, Context, Encoder, EvaluationKeySet, Evaluator, KeySpec, Parameters, ParametersLiteral, Scale,
    SecretKey, Security,
};

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Parameters with N = 2^`log_n`, levels of 40 bits over a first prime of 50, and two special primes.
pub(crate) fn parameters(log_n: u32, levels: usize) -> Parameters {
    let levels = [vec![vec![50]], vec![vec![40]; levels]].concat();
    ParametersLiteral { log_n, levels, p_bits: vec![50, 50], log_scale: 40, security: Security::Unchecked }
        .build()
        .unwrap()
}

/// Slots in the unit square.
pub(crate) fn random_slots(count: usize, rng: &mut impl Rng) -> Vec<Complex64> {
    let mut unit = || (rng.next_u64() as f64 / u64::MAX as f64) * 2.0 - 1.0;
    (0..count).map(|_| Complex64::new(unit(), unit())).collect()
}

/// The coefficients of a fresh error: none is above the sampler's largest magnitude (29, which is 9.1 σ), and the
/// deviation of a thousand of them is σ within a tenth (4.5 deviations of its estimate).
#[track_caller]
pub(crate) fn assert_is_error(coefficients: &[f64]) {
    assert!(coefficients.len() >= 1024 && coefficients.iter().all(|error| error.abs() <= 29.0));
    let deviation = volley_testkit::statistics::standard_deviation(coefficients);
    assert!((deviation / ERROR_STANDARD_DEVIATION - 1.0).abs() < 0.1, "{deviation}");
}

/// One owner and a server with the keys of `spec`.
pub(crate) struct Setup {
    pub(crate) context: Arc<Context>,
    pub(crate) secret_key: SecretKey,
    pub(crate) encoder: Encoder,
    pub(crate) evaluator: Evaluator,
}

impl Setup {
    pub(crate) fn new(parameters: Parameters, spec: impl FnOnce(KeySpec) -> KeySpec) -> Self {
        let mut rng = rng(1);
        let spec = spec(KeySpec::new(&parameters));
        let context = Context::new(parameters);
        let secret_key = SecretKey::generate(&context, &mut rng);
        let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng).unwrap();
        let evaluator = Evaluator::new(&context, keys).unwrap();
        Self { encoder: Encoder::new(&context), context, secret_key, evaluator }
    }

    pub(crate) fn encrypt_at(
        &self,
        values: &[Complex64],
        scale: &Scale,
        level: usize,
        seed: u64,
    ) -> Ciphertext {
        let plaintext = self.encoder.encode(values, scale, level).unwrap();
        self.secret_key.encrypt(&plaintext, &mut rng(seed)).unwrap().expand(&self.context).unwrap()
    }

    pub(crate) fn encrypt(&self, values: &[Complex64], level: usize, seed: u64) -> Ciphertext {
        self.encrypt_at(values, &self.context.parameters().scale(), level, seed)
    }

    pub(crate) fn decrypt(&self, ciphertext: &Ciphertext) -> Vec<Complex64> {
        self.encoder.decode(&self.secret_key.decrypt(ciphertext).unwrap()).unwrap()
    }
}
