//! CKKS at the top level of a preset: what the owner does, and each operation that a circuit pays for.
//!
//! Rayon uses all processors: set `RAYON_NUM_THREADS=1` for the time of one.

use std::error::Error;

use criterion::Criterion;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_ckks::polynomial::{ChebyshevSeries, Constants, PolynomialCircuit};
use volley_ckks::{
    Arithmetic, Ciphertext, Complex64, Context, Encoder, EvaluationKeySet, Evaluator, KeySpec,
    LinearArithmetic, LinearTransform, Parameters, ParametersLiteral, Plaintext, PublicKey, SecretKey,
    Security,
};

/// Diagonals of the matrix of the linear transforms.
const DIAGONALS: i64 = 64;
/// Baby steps of the transform by single operations: its cheapest power of two.
const BABY_STEPS: usize = 8;

/// An owner, the owner's server, and two fresh operands.
struct Session {
    parameters: Parameters,
    rng: ChaCha20Rng,
    secret_key: SecretKey,
    public_key: PublicKey,
    encoder: Encoder,
    evaluator: Evaluator,
    values: Vec<Complex64>,
    plaintext: Plaintext,
    operands: [Ciphertext; 2],
}

impl Session {
    fn new(parameters: Parameters) -> Result<Self, volley_ckks::Error> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (context, top) = (Context::new(parameters.clone()), parameters.max_level());
        let secret_key = SecretKey::generate(&context, &mut rng);
        let transform = plan(&parameters)?;
        let spec = KeySpec::new(&parameters)
            .relinearization(top)
            .rotations(1..=16, top)
            .rotations((0..DIAGONALS).step_by(BABY_STEPS), top)
            .rotations(transform.rotations(), top);
        let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng)?;
        let encoder = Encoder::new(&context);
        let values: Vec<_> = (0..parameters.max_slots()).map(|j| Complex64::cis(j as f64)).collect();
        let plaintext = encoder.encode(&values, &parameters.scale(), top)?;
        let operands = [
            secret_key.encrypt(&plaintext, &mut rng)?.expand(&context)?,
            secret_key.encrypt(&plaintext, &mut rng)?.expand(&context)?,
        ];
        Ok(Self {
            public_key: PublicKey::generate(&secret_key, &mut rng),
            evaluator: Evaluator::new(&context, keys)?,
            parameters,
            rng,
            secret_key,
            encoder,
            values,
            plaintext,
            operands,
        })
    }

    fn id(&self, operation: &str) -> String {
        format!("ckks/{operation}/N={}", self.parameters.degree())
    }
}

/// Encoding, encryption with either key, decryption and one Galois key.
fn owner(criterion: &mut Criterion, session: &mut Session) {
    let ids = ["encode", "decode", "encrypt_secret", "encrypt_public", "decrypt", "generate_galois_key"];
    let [encode, decode, encrypt_secret, encrypt_public, decrypt, generate] =
        ids.map(|name| session.id(name));
    let Session { parameters, rng, secret_key, public_key, encoder, values, plaintext, operands, .. } =
        session;
    let (scale, top) = (parameters.scale(), parameters.max_level());
    criterion.bench_function(&encode, |bencher| bencher.iter(|| encoder.encode(values, &scale, top)));
    criterion.bench_function(&decode, |bencher| bencher.iter(|| encoder.decode(plaintext)));
    criterion.bench_function(&encrypt_secret, |bencher| bencher.iter(|| secret_key.encrypt(plaintext, rng)));
    criterion.bench_function(&encrypt_public, |bencher| bencher.iter(|| public_key.encrypt(plaintext, rng)));
    criterion.bench_function(&decrypt, |bencher| bencher.iter(|| secret_key.decrypt(&operands[0])));
    let spec = KeySpec::new(parameters).rotations([1], top);
    criterion.bench_function(&generate, |bencher| {
        bencher.iter(|| EvaluationKeySet::generate(secret_key, &spec, rng));
    });
}

/// What a circuit is made of.
fn server(criterion: &mut Criterion, session: &Session) {
    let Session { evaluator, plaintext, operands: [a, b], .. } = session;
    let steps: Vec<i64> = (1..=16).collect();
    criterion.bench_function(&session.id("multiply_relinearize_rescale"), |bencher| {
        bencher.iter(|| evaluator.multiply(a, b));
    });
    criterion.bench_function(&session.id("rotate"), |bencher| bencher.iter(|| evaluator.rotate(a, 1)));
    criterion.bench_function(&session.id("rotate_hoisted_16"), |bencher| {
        bencher.iter(|| evaluator.rotate_hoisted(a, &steps));
    });
    criterion.bench_function(&session.id("rescale"), |bencher| bencher.iter(|| evaluator.rescale(a)));
    criterion.bench_function(&session.id("multiply_plain"), |bencher| {
        bencher.iter(|| evaluator.multiply_plain(a, plaintext));
    });
}

/// A key switch of a preset's chain with other numbers of special primes, and so of digits. The presets were chosen by
/// these times. More special primes mean fewer digits, as far as security has room for them.
fn digits(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    for (log_n, levels, special) in [(14, 7, 1..=2), (15, 14, 2..=5), (16, 27, 4..=10)] {
        for special in special {
            let literal = ParametersLiteral {
                log_n,
                levels: [vec![vec![50]], vec![vec![40]; levels]].concat(),
                p_bits: vec![50; special],
                log_scale: 40,
                security: Security::Classical128,
            };
            let parameters = literal.build()?;
            let (context, mut rng) = (Context::new(parameters.clone()), ChaCha20Rng::seed_from_u64(1));
            let secret_key = SecretKey::generate(&context, &mut rng);
            let spec = KeySpec::new(&parameters).rotations([1], levels);
            let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng)?;
            let evaluator = Evaluator::new(&context, keys)?;
            // All slots are used. Fewer slots repeat, and a rotation that moves none of them is a copy.
            let ones = vec![Complex64::ONE; parameters.max_slots()];
            let plaintext = Encoder::new(&context).encode(&ones, &parameters.scale(), levels)?;
            let a = secret_key.encrypt(&plaintext, &mut rng)?.expand(&context)?;
            let (n, count) = (parameters.degree(), parameters.digits().len());
            let id = format!("ckks/digits/N={n}/special={special},digits={count}");
            criterion.bench_function(&id, |bencher| bencher.iter(|| evaluator.rotate(&a, 1)));
        }
    }
    Ok(())
}

/// A band of diagonals at the top level.
fn plan(parameters: &Parameters) -> Result<LinearTransform, volley_ckks::Error> {
    LinearTransform::new(parameters, parameters.max_level(), parameters.max_slots(), 0..DIAGONALS)
}

/// A linear transform by double hoisting and, for comparison, by single operations: every rotation divided by P.
fn linear_transform(criterion: &mut Criterion, session: &Session) -> Result<(), volley_ckks::Error> {
    let Session { parameters, evaluator, values, encoder, operands: [a, _], .. } = session;
    let transform = plan(parameters)?;
    let scale = transform.diagonal_scale(a.scale(), a.scale());
    let encoded = evaluator.encode_transform(&transform, &scale, |_| values.clone())?;
    criterion.bench_function(&session.id("transform_rescale_64_diagonals"), |bencher| {
        bencher.iter(|| evaluator.transform_rescale(a, &encoded));
    });
    drop(encoded);
    let diagonal = encoder.encode(values, &scale, a.level())?;
    let diagonals = vec![diagonal; DIAGONALS as usize];
    criterion.bench_function(&session.id("transform_rescale_64_diagonals_single_operations"), |bencher| {
        bencher.iter(|| single_operations(evaluator, a, &diagonals));
    });
    let steps: Vec<i64> = (1..=16).collect();
    criterion.bench_function(&session.id("sum_of_rotations_16"), |bencher| {
        bencher.iter(|| evaluator.sum_of_rotations(a, &steps));
    });
    Ok(())
}

/// The cosine that modular reduction takes: an even Chebyshev series of degree 62, in six levels.
fn polynomial(criterion: &mut Criterion, session: &Session) -> Result<(), volley_ckks::Error> {
    let Session { parameters, evaluator, operands: [a, _], .. } = session;
    let cosine = ChebyshevSeries::interpolate(|t| (26.0 * t).cos(), 62, &(-1.0..=1.0))?.even_part();
    let circuit = PolynomialCircuit::new(cosine.polynomial());
    let target = parameters.scale();
    circuit.evaluate(evaluator, a, &target, &Constants)?;
    criterion.bench_function(&session.id("polynomial_even_degree_62"), |bencher| {
        bencher.iter(|| circuit.evaluate(evaluator, a, &target, &Constants));
    });
    Ok(())
}

/// The same transform by hoisted baby steps, products, sums, and rotations by giant steps.
fn single_operations(
    evaluator: &Evaluator,
    a: &Ciphertext,
    diagonals: &[Plaintext],
) -> Result<Ciphertext, volley_ckks::Error> {
    let babies = evaluator.rotate_hoisted(a, &(0..BABY_STEPS as i64).collect::<Vec<_>>())?;
    let sum = |terms: Vec<Ciphertext>| {
        let (first, others) = terms.split_first().ok_or(volley_ckks::Error::EmptySum)?;
        others.iter().try_fold(first.clone(), |sum, term| evaluator.add(&sum, term))
    };
    let giants = diagonals.chunks(BABY_STEPS).enumerate().map(|(giant, diagonals)| {
        let products =
            babies.iter().zip(diagonals).map(|(baby, diagonal)| evaluator.multiply_plain(baby, diagonal));
        evaluator.rotate(&sum(products.collect::<Result<_, _>>()?)?, (giant * BABY_STEPS) as i64)
    });
    evaluator.rescale(&sum(giants.collect::<Result<_, _>>()?)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    for parameters in [Parameters::n14()?, Parameters::n15()?] {
        let mut session = Session::new(parameters)?;
        owner(&mut criterion, &mut session);
        server(&mut criterion, &session);
        linear_transform(&mut criterion, &session)?;
        polynomial(&mut criterion, &session)?;
    }
    digits(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
