//! The masked polynomial on the scores of one ciphertext, at the level that they have in a second iteration at
//! log N = 14.
//!
//! Rayon uses all processors: set `RAYON_NUM_THREADS=1` for the time of one.

use criterion::Criterion;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_sigmoid::volley_revolver::volley_ckks::{
    self, Complex64, Context, Encoder, EvaluationKeySet, Evaluator, KeySpec, Parameters, SecretKey,
};
use volley_sigmoid::{Error, MaskedSigmoid, SigmoidPolynomial};

/// Level of the scores.
const LEVEL: usize = 4;

fn bench(criterion: &mut Criterion) -> Result<(), Error> {
    let parameters = Parameters::n14().map_err(volley_ckks::Error::from)?;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let context = Context::new(parameters.clone());
    let secret_key = SecretKey::generate(&context, &mut rng);
    let spec = KeySpec::new(&parameters).relinearization(LEVEL);
    let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng)?;
    let evaluator = Evaluator::new(&context, keys)?;
    let (slots, scale) = (parameters.max_slots(), parameters.scale());
    let scores: Vec<_> = (0..slots).map(|slot| Complex64::from((slot as f64).sin())).collect();
    let plaintext = Encoder::new(&context).encode(&scores, &scale, LEVEL)?;
    let scores = secret_key.encrypt(&plaintext, &mut rng)?.expand(&context)?;
    for degree in [3, 7] {
        let polynomial = SigmoidPolynomial::least_squares(degree, 8.0)?;
        let mask = || vec![Complex64::I; slots];
        let sigmoid =
            MaskedSigmoid { polynomial: &polynomial, argument_factor: 0.5, output_factor: -1.0, mask };
        sigmoid.evaluate(&evaluator, &scores, &scale)?;
        let id = format!("sigmoid/degree={degree}/N={}", parameters.degree());
        criterion.bench_function(&id, |bencher| {
            bencher.iter(|| sigmoid.evaluate(&evaluator, &scores, &scale));
        });
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    bench(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
