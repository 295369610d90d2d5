//! On ciphertexts.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_sigmoid::volley_revolver::volley_ckks::{
    Arithmetic, Complex64, Context, Encoder, EvaluationKeySet, Evaluator, KeySpec, Parameters,
    ParametersLiteral, Precision, Scale, SecretKey, Security, Simulator,
};
use volley_sigmoid::{MaskedSigmoid, SigmoidPolynomial};

const LEVELS: usize = 4;

fn literal() -> ParametersLiteral {
    let levels = [vec![vec![50]], vec![vec![40]; LEVELS]].concat();
    let security = Security::Unchecked;
    ParametersLiteral { log_n: 10, levels, p_bits: vec![50, 50], log_scale: 40, security }
}

fn parameters() -> Parameters {
    literal().build().unwrap()
}

/// Every degree on its interval, the scores packed as a pair's real parts are: doubled, with a complex mask, at a scale
/// lowered by the interval. The simulator says beforehand what is done and which keys it takes.
#[test]
fn values_levels_scales_and_counts_on_ciphertexts() {
    let parameters = parameters();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let context = Context::new(parameters.clone());
    let (secret_key, encoder) = (SecretKey::generate(&context, &mut rng), Encoder::new(&context));
    let slots = parameters.max_slots();
    // Every fourth slot is masked out and holds what no polynomial is made for.
    let masked_out = |slot: usize| slot % 4 == 3;
    let mask =
        || (0..slots).map(|slot| if masked_out(slot) { Complex64::ZERO } else { Complex64::I }).collect();

    // Where nothing is wanted there are scores outside of the interval, whose highest power multiplies noise.
    let cases = [(1, 4.0, 3.0), (3, 8.0, 3.0), (5, 12.0, 3.0), (7, 16.0, 3.0), (9, 16.0_f64, 2.0)];
    for (degree, half_width, outside) in cases {
        let polynomial = SigmoidPolynomial::least_squares(degree, half_width).unwrap();
        let sigmoid =
            MaskedSigmoid { polynomial: &polynomial, argument_factor: 0.5, output_factor: -1.25, mask };
        let headroom = Scale::power_of_two(half_width.log2().ceil() as i32 + 1);
        let (scale, target) = (parameters.scale().divided_by(&headroom), Scale::power_of_two(41));

        let simulator = Simulator::new(&parameters);
        let simulated = simulator.input(&scale, LEVELS).unwrap();
        let simulated = sigmoid.evaluate(&simulator, &simulated, &target).unwrap();
        let keys = EvaluationKeySet::generate(&secret_key, &simulator.key_spec(), &mut rng).unwrap();
        let evaluator = Evaluator::new(&context, keys).unwrap();

        let score = |slot: usize| match masked_out(slot) {
            true => outside * half_width,
            false => half_width * (2.0 * slot as f64 / (slots - 1) as f64 - 1.0),
        };
        let doubled: Vec<_> = (0..slots).map(|slot| Complex64::from(2.0 * score(slot))).collect();
        let plaintext = encoder.encode(&doubled, &scale, LEVELS).unwrap();
        let scores = secret_key.encrypt(&plaintext, &mut rng).unwrap().expand(&context).unwrap();
        let result = sigmoid.evaluate(&evaluator, &scores, &target).unwrap();

        assert_eq!(result.operand(), simulator.operand(&simulated));
        assert_eq!((result.level(), result.scale()), (LEVELS - polynomial.levels(), &target));
        assert_eq!(evaluator.counts(), simulator.counts(), "degree {degree}");
        let decrypted = encoder.decode(&secret_key.decrypt(&result).unwrap()).unwrap();
        let values = (0..slots).map(|slot| -1.25 * polynomial.value(score(slot)));
        let expected: Vec<Complex64> =
            mask().into_iter().zip(values).map(|(m, p): (Complex64, f64)| m * p).collect();
        let precision = Precision::measure(&expected, &decrypted);
        assert!(precision.worst_bits() > 20.0, "degree {degree}: {precision:?}");
    }
}

/// What the module says of precision. The largest rounding errors are of 2¹² units here: 2⁻²⁸ at a scale of 2⁴⁰.
#[test]
fn scores_at_scale_q_over_h_keep_full_precision() {
    let parameters = ParametersLiteral { log_n: 12, ..literal() }.build().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let context = Context::new(parameters.clone());
    let (secret_key, encoder) = (SecretKey::generate(&context, &mut rng), Encoder::new(&context));
    let spec = KeySpec::new(&parameters).relinearization(LEVELS);
    let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng).unwrap();
    let evaluator = Evaluator::new(&context, keys).unwrap();
    let slots = parameters.max_slots();
    let polynomial = SigmoidPolynomial::least_squares(7, 16.0).unwrap();
    let mask = || vec![Complex64::I; slots];
    let sigmoid = MaskedSigmoid { polynomial: &polynomial, argument_factor: 1.0, output_factor: 1.0, mask };
    let score = |slot: usize| 16.0 * (2.0 * slot as f64 / (slots - 1) as f64 - 1.0);
    let scores: Vec<_> = (0..slots).map(score).collect();
    let mut worst_bits = |log_scale| {
        let plaintext = encoder.encode(&scores, &Scale::power_of_two(log_scale), LEVELS).unwrap();
        let z = secret_key.encrypt(&plaintext, &mut rng).unwrap().expand(&context).unwrap();
        let result = sigmoid.evaluate(&evaluator, &z, &Scale::power_of_two(40)).unwrap();
        let decrypted = encoder.decode(&secret_key.decrypt(&result).unwrap()).unwrap();
        let expected: Vec<_> = scores.iter().map(|&z| Complex64::I * polynomial.value(z)).collect();
        Precision::measure(&expected, &decrypted).worst_bits()
    };
    let (lowered, full) = (worst_bits(36), worst_bits(40));
    assert!(lowered > 25.0 && full < 10.0, "{lowered} and {full} bits");
}

/// A key that reaches one level less than the scores is refused, and so is none at all.
#[test]
fn keys_that_do_not_suffice_are_refused() {
    use volley_sigmoid::Error;
    use volley_sigmoid::volley_revolver::volley_ckks;
    let parameters = parameters();
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let context = Context::new(parameters.clone());
    let secret_key = SecretKey::generate(&context, &mut rng);
    let polynomial = SigmoidPolynomial::least_squares(3, 8.0).unwrap();
    let slots = parameters.max_slots();
    let mask = || vec![Complex64::ONE; slots];
    let sigmoid = MaskedSigmoid { polynomial: &polynomial, argument_factor: 1.0, output_factor: 1.0, mask };
    let plaintext = Encoder::new(&context).encode(&mask(), &parameters.scale(), LEVELS).unwrap();
    let scores = secret_key.encrypt(&plaintext, &mut rng).unwrap().expand(&context).unwrap();
    let low = volley_ckks::Error::KeyLevel { key_level: LEVELS - 1, level: LEVELS };
    let none = KeySpec::new(&parameters);
    for (spec, refusal) in [
        (none.clone(), volley_ckks::Error::MissingRelinearizationKey),
        (none.relinearization(LEVELS - 1), low),
    ] {
        let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng).unwrap();
        let evaluator = Evaluator::new(&context, keys).unwrap();
        let error = sigmoid.evaluate(&evaluator, &scores, &parameters.scale()).unwrap_err();
        assert_eq!(error, Error::Ckks(refusal));
    }
}
