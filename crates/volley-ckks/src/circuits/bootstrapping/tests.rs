use std::sync::LazyLock;

use num_complex::Complex64;
use proptest::prelude::*;

use super::*;
use crate::base::params::ParametersError;
use crate::testing::{Setup, parameters, random_slots, rng};
use crate::{
    Arithmetic, Ciphertext, Error, EvaluationKeySet, KeySpec, Operation, Parameters, Precision, Scale,
    Security, Simulator,
};

mod splits;

const LOG_N: u32 = 11;
const LEVELS: usize = 2;

/// The parameters of a preset with a small ring and few levels left.
fn small(preset: Preset) -> Parameters {
    preset.parameters(LOG_N, LEVELS, 7, Security::Unchecked).build().unwrap()
}

/// One owner, a server with keys for bootstrapping, and the matrices.
struct Bench {
    setup: Setup,
    bootstrapper: Bootstrapper<crate::EncodedTransform>,
}

impl Bench {
    fn new(parameters: Parameters, literal: &BootstrappingLiteral) -> Self {
        let plan = Bootstrapping::new(&parameters, literal).unwrap();
        let setup = Setup::new(parameters, |_| plan.key_spec().unwrap());
        let bootstrapper = plan.prepare(&setup.evaluator).unwrap();
        Self { setup, bootstrapper }
    }

    fn of(preset: Preset, slots: usize) -> Self {
        Self::new(small(preset), &preset.bootstrapping(slots))
    }

    fn bootstrap(&self, a: &Ciphertext) -> Ciphertext {
        self.bootstrapper.bootstrap(&self.setup.evaluator, a).unwrap()
    }

    fn slots(&self) -> usize {
        self.bootstrapper.plan().literal().slots
    }

    /// Worst bits over the slots of a bootstrapping.
    fn bits(&self, values: &[Complex64], seed: u64) -> f64 {
        let refreshed = self.bootstrap(&self.setup.encrypt(values, 0, seed));
        assert_eq!((refreshed.level(), refreshed.slots()), (LEVELS, values.len()));
        assert_eq!(refreshed.scale(), &self.setup.context.parameters().scale());
        Precision::measure(values, &self.setup.decrypt(&refreshed)).worst_bits()
    }
}

/// Side by side, precise, shared by the tests that need no other.
static PRECISE: LazyLock<Bench> = LazyLock::new(|| Bench::of(Preset::Precise, 32));

/// Vectors that are hard in different ways: all slots have absolute value 1 or less.
fn vectors(slots: usize) -> [(&'static str, Vec<Complex64>); 5] {
    let real = |seed| random_slots(slots, &mut rng(seed)).into_iter().map(|z| z.re);
    let mut one_hot = vec![Complex64::ZERO; slots];
    one_hot[slots / 3] = Complex64::ONE;
    [
        ("random", random_slots(slots, &mut rng(5)).into_iter().map(|z| z / 2f64.sqrt()).collect()),
        ("real", real(6).map(Complex64::from).collect()),
        ("V + iW", real(7).zip(real(8)).map(|(v, w)| Complex64::new(v, w) / 2f64.sqrt()).collect()),
        // One coefficient has all of it.
        ("constant", vec![Complex64::from_polar(1.0, 0.3); slots]),
        ("one-hot", one_hot),
    ]
}

fn check(preset: Preset, slots: usize, expected: f64) {
    let bench = Bench::of(preset, slots);
    for (name, values) in vectors(slots) {
        let bits = bench.bits(&values, 9);
        println!("{preset:?}, {slots} slots, {name}: {bits:.1} bits");
        assert!(bits > expected, "{preset:?}, {slots} slots, {name}: {bits:.1} bits");
    }
}

#[test]
fn side_by_side_is_precise() {
    for (name, values) in vectors(PRECISE.slots()) {
        let bits = PRECISE.bits(&values, 9);
        println!("{name}: {bits:.1} bits");
        assert!(bits > 22.0, "{name}: {bits:.1} bits");
    }
}

#[test]
fn half_of_the_slots_are_precise() {
    check(Preset::Precise, 1 << (LOG_N - 2), 22.0);
}

#[test]
fn full_packing_is_precise() {
    check(Preset::Precise, 1 << (LOG_N - 1), 21.0);
}

#[test]
fn fast_is_less_precise() {
    // The sine alone has 14.3 bits at a message ratio of 2⁸.
    check(Preset::Fast, 16, 14.0);
    check(Preset::Fast, 1 << (LOG_N - 1), 13.0);
}

#[test]
fn raising_adds_small_multiples_of_q0() {
    for preset in Preset::ALL {
        let parameters = small(preset);
        let top = parameters.max_level();
        let setup = Setup::new(parameters, |spec| spec.raising(top));
        let scale = setup.context.parameters().scale();
        let values = random_slots(1 << (LOG_N - 1), &mut rng(2));
        let low = setup.encrypt(&values, 0, 3);
        let raised = setup.evaluator.raise(&low, top).unwrap();
        assert_eq!((raised.level(), raised.scale()), (top, &scale));
        // Exactly, in the residues: the multiple of q₀ is taken away.
        let mut plaintext = setup.secret_key.decrypt(&raised).unwrap();
        let (basis, parameters) = (setup.context.q(top), setup.context.parameters());
        let q0 = parameters.rescaling_factor(0).to_f64();
        let coefficients = basis.to_centred(&basis.inverse(plaintext.poly.clone()));
        let integers: Vec<i64> = coefficients.iter().map(|c| (c / q0).round() as i64).collect();
        let largest = integers.iter().map(|i| i.unsigned_abs()).max().unwrap();
        assert!((3..=15).contains(&largest), "{largest}");
        let mut multiples = basis.forward_signed(&integers);
        let product = |q: volley_ring::Modulus| {
            parameters.level_primes(0).iter().fold(1, |product, &prime| q.mul(product, q.reduce(prime)))
        };
        let residues: Vec<u64> = basis.moduli().map(product).collect();
        basis.mul_integer_assign(&mut multiples, &residues);
        basis.sub_assign(&mut plaintext.poly, &multiples);
        let bits = Precision::measure(&values, &setup.encoder.decode(&plaintext).unwrap()).worst_bits();
        assert!(bits > 22.0, "{preset:?}: {bits}");
    }
}

#[test]
fn the_simulator_runs_the_same_circuit() {
    let Bench { setup, bootstrapper } = &Bench::of(Preset::Fast, 64);
    let plan = bootstrapper.plan();
    let simulator = Simulator::new(plan.parameters());
    let simulated = plan.prepare(&simulator).unwrap();
    let input = simulator.existing(&plan.parameters().scale(), 0).unwrap();
    let output = simulated.bootstrap(&simulator, &input).unwrap();
    let refreshed =
        bootstrapper.bootstrap(&setup.evaluator, &setup.encrypt(&[Complex64::ONE; 64], 0, 2)).unwrap();
    assert_eq!(simulator.operand(&output), refreshed.operand());
    assert_eq!(simulator.counts(), setup.evaluator.counts());
    assert_eq!(simulator.counts().total(Operation::Raising), 1);
    assert_eq!(simulator.key_spec(), plan.key_spec().unwrap());
    assert!(plan.log2_failure_probability() <= -128.0);
    assert_eq!((plan.output_level(), plan.output_scale()), (LEVELS, plan.parameters().scale()));
    assert!(plan.memory_bytes() > 0 && plan.eval_mod().levels() == 8);
    // A rotation that SlotsToCoeffs alone takes has a key for low levels only.
    let spec = plan.key_spec().unwrap();
    let top = plan.parameters().max_level();
    assert_eq!((spec.raising_level(), spec.relinearization_level()), (Some(top), Some(top - 4)));
}

#[test]
fn a_ciphertext_of_another_scale_takes_one_level() {
    let Bench { setup, bootstrapper } = &*PRECISE;
    let values = random_slots(32, &mut rng(3)).into_iter().map(|z| z / 2.0).collect::<Vec<_>>();
    let scale = setup.context.parameters().scale().times(&Scale::prime(setup.context.parameters().q()[3]));
    let scale = scale.divided_by(&Scale::power_of_two(40));
    let refreshed =
        bootstrapper.bootstrap(&setup.evaluator, &setup.encrypt_at(&values, &scale, 1, 4)).unwrap();
    assert!(Precision::measure(&values, &setup.decrypt(&refreshed)).worst_bits() > 22.0);
    let low = setup.encrypt_at(&values, &scale, 0, 4);
    let error = bootstrapper.bootstrap(&setup.evaluator, &low).unwrap_err();
    assert_eq!(error, Error::LevelExhausted { level: 0, required: 1 });
    // At the parameters' scale any level will do, and slots that repeat are those of a period.
    let high = setup.encrypt(&values.repeat(2), LEVELS, 5);
    let refreshed = bootstrapper.bootstrap(&setup.evaluator, &high).unwrap();
    assert!(Precision::measure(&values, &setup.decrypt(&refreshed)).worst_bits() > 22.0);
}

/// Bootstraps one ciphertext again and again. The errors of all add up: after k times there is no more than twice k
/// times that of the first.
fn check_consecutive(bench: &Bench, times: u32) {
    let values = random_slots(32, &mut rng(3)).into_iter().map(|z| z / 2.0).collect::<Vec<_>>();
    let mut ciphertext = bench.setup.encrypt(&values, 0, 4);
    let mut first = 0.0;
    for time in 1..=times {
        ciphertext = bench.bootstrap(&ciphertext);
        let error = Precision::measure(&values, &bench.setup.decrypt(&ciphertext)).max_error;
        if time == 1 {
            first = error;
        }
        assert!(error <= 2.0 * f64::from(time) * first, "{time}: {error} after {first}");
    }
}

#[test]
fn errors_of_consecutive_bootstraps_add_up() {
    check_consecutive(&PRECISE, 20);
}

#[test]
#[ignore = "takes minutes; a step of `cargo xtask ci`"]
fn a_thousand_consecutive_bootstraps() {
    check_consecutive(&PRECISE, 1000);
}

#[test]
fn what_a_bootstrapping_needs_is_said() {
    let literal = Preset::Fast.bootstrapping(16);
    let fast = small(Preset::Fast);
    let error = |parameters: &Parameters, literal: &BootstrappingLiteral| {
        Bootstrapping::new(parameters, literal).unwrap_err()
    };
    let ratio = BootstrappingLiteral { log_message_ratio: 11, ..literal.clone() };
    let expected = Error::MessageRatio { log_message_ratio: 11, log_q0: 50, log_scale: 40 };
    assert_eq!(error(&fast, &ratio), expected);
    let short = parameters(LOG_N, 14);
    assert_eq!(error(&short, &literal), Error::LevelExhausted { level: 14, required: 15 });
    let none = BootstrappingLiteral { slots: 0, ..literal.clone() };
    assert!(matches!(error(&fast, &none), Error::SlotCount { values: 0, .. }));
    let single = BootstrappingLiteral { slots: 1, ..literal.clone() };
    assert!(matches!(error(&fast, &single), Error::DftStages { .. }));
    // 192 bits are not claimed for the ephemeral secret, nor 128 in a smaller ring.
    let secure = parameters_of_claim(15, Security::Classical128);
    assert!(matches!(
        error(&secure, &literal),
        Error::Parameters(ParametersError::EphemeralSecret { log_n: 15, max: 115, .. })
    ));
    let tiny = parameters(4, 15);
    assert!(matches!(
        error(&tiny, &literal),
        Error::Parameters(ParametersError::EphemeralSecret { log_n: 4, .. })
    ));
    let higher = parameters_of_claim(16, Security::Classical192);
    assert!(matches!(error(&higher, &literal), Error::Parameters(ParametersError::EphemeralSecret { .. })));
    assert!(
        Simulator::new(&higher)
            .raise(&Simulator::new(&higher).existing(&higher.scale(), 0).unwrap(), 1)
            .is_err()
    );
}

fn parameters_of_claim(log_n: u32, security: Security) -> Parameters {
    let levels = [vec![vec![50]], vec![vec![40]; 3]].concat();
    crate::ParametersLiteral { log_n, levels, p_bits: vec![50], log_scale: 40, security }.build().unwrap()
}

#[test]
fn presets_are_within_the_table() {
    for (preset, levels, special) in
        [(Preset::Fast, 9, 9), (Preset::Fast, 11, 9), (Preset::Precise, 9, 9), (Preset::Precise, 11, 8)]
    {
        let parameters = preset.parameters(16, levels, special, Security::Classical128).build().unwrap();
        for slots in [1 << 13, 1 << 15] {
            let plan = Bootstrapping::new(&parameters, &preset.bootstrapping(slots)).unwrap();
            assert_eq!(plan.output_level(), levels);
            assert!(plan.log2_failure_probability() <= -128.0);
        }
    }
}

#[test]
fn raising_needs_its_keys_up_to_the_level() {
    let setup = Setup::new(parameters(LOG_N, 3), |spec| spec.raising(2));
    let low = setup.encrypt(&[Complex64::ONE], 0, 1);
    assert_eq!(setup.evaluator.raise(&low, 3).unwrap_err(), Error::KeyLevel { key_level: 2, level: 3 });
    assert_eq!(setup.evaluator.raise(&low, 4).unwrap_err(), Error::LevelRange { level: 4, max: 3 });
    let without = Setup::new(parameters(LOG_N, 3), |spec| spec);
    let low = without.encrypt(&[Complex64::ONE], 0, 1);
    assert_eq!(without.evaluator.raise(&low, 3).unwrap_err(), Error::MissingRaisingKeys);
    let spec = KeySpec::new(setup.context.parameters()).raising(4);
    let error = EvaluationKeySet::generate(&setup.secret_key, &spec, &mut rng(1)).unwrap_err();
    assert_eq!(error, Error::LevelRange { level: 4, max: 3 });
    let secure = parameters_of_claim(15, Security::Classical128);
    let spec = KeySpec::new(&secure).raising(1);
    let owner = crate::SecretKey::generate(&crate::Context::new(secure), &mut rng(1));
    let error = EvaluationKeySet::generate(&owner, &spec, &mut rng(1)).unwrap_err();
    assert!(matches!(error, Error::Parameters(ParametersError::EphemeralSecret { .. })));
}

#[cfg(feature = "wire")]
#[test]
fn raising_keys_are_written_and_read() {
    let setup = Setup::new(small(Preset::Precise), |spec| spec);
    let parameters = setup.context.parameters();
    let spec = KeySpec::new(parameters).raising(3).relinearization(1);
    assert_eq!(spec.key_count(), 3);
    let keys = EvaluationKeySet::generate(&setup.secret_key, &spec, &mut rng(4)).unwrap();
    assert_eq!(keys.key_count(), 3);
    let mut file = Vec::new();
    keys.write(parameters, &mut file).unwrap();
    assert_eq!(file.len() as u64, spec.byte_count());
    let read = EvaluationKeySet::read(&setup.context, &file[..], u64::MAX).unwrap();
    assert_eq!(read.spec(parameters).unwrap(), spec);
    let low = setup.encrypt(&[Complex64::ONE; 4], 0, 1);
    let [first, second] =
        [keys, read].map(|keys| crate::Evaluator::new(&setup.context, keys).unwrap().raise(&low, 3).unwrap());
    assert!(first == second);
    assert!(!KeySpec::new(parameters).relinearization(1).covers(&spec) && spec.covers(&spec));
    assert!(spec.memory_bytes() > KeySpec::new(parameters).relinearization(1).memory_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn bootstrapping_is_the_identity(seed in any::<u64>()) {
        let values: Vec<_> = random_slots(32, &mut rng(seed)).into_iter().map(|z| z / 2f64.sqrt()).collect();
        prop_assert!(PRECISE.bits(&values, seed) > 22.0);
    }
}
