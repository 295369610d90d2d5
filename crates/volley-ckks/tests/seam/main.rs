//! The seam of CKKS from outside: a backend, its agreement with others, and polynomials, by public items alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod agreement;
mod circuit;
mod device;
mod raw;

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_ckks::{
    Ciphertext, Complex64, Context, Encoder, EvaluationKeySet, KeySpec, Parameters, ParametersLiteral, Scale,
    SecretKey, Security,
};

const LEVELS: usize = 3;

/// N = 64; level 0 and level 2 have two primes each.
fn parameters() -> Parameters {
    let literal = ParametersLiteral {
        log_n: 6,
        levels: vec![vec![30, 25], vec![40], vec![33, 34], vec![28]],
        p_bits: vec![50, 50],
        log_scale: 30,
        security: Security::Unchecked,
    };
    literal.build().unwrap()
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// An owner, and the keys of everything that a server can do.
struct Owner {
    context: Arc<Context>,
    secret_key: SecretKey,
    encoder: Encoder,
}

impl Owner {
    fn new() -> Self {
        let context = Context::new(parameters());
        let secret_key = SecretKey::generate(&context, &mut rng(1));
        Self { encoder: Encoder::new(&context), context, secret_key }
    }

    fn keys(&self) -> EvaluationKeySet {
        let spec = KeySpec::new(self.context.parameters())
            .relinearization(LEVELS)
            .rotations(0..32, LEVELS)
            .conjugation(LEVELS)
            .raising(LEVELS);
        EvaluationKeySet::generate(&self.secret_key, &spec, &mut rng(2)).unwrap()
    }

    fn encrypt(&self, values: &[Complex64], scale: &Scale, level: usize) -> Ciphertext {
        let plaintext = self.encoder.encode(values, scale, level).unwrap();
        self.secret_key.encrypt(&plaintext, &mut rng(3)).unwrap().expand(&self.context).unwrap()
    }

    fn decrypt(&self, ciphertext: &Ciphertext) -> Vec<Complex64> {
        self.encoder.decode(&self.secret_key.decrypt(ciphertext).unwrap()).unwrap()
    }
}
