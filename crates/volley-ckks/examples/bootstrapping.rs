//! More products than a ring has levels for: `cargo run --release --example bootstrapping`.
//!
//! The logistic map x ← 3.2·x·(1 − x) is applied thirty times. Each time takes a level or two. Bootstrapping gives new
//! ones where none are left.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]
#![expect(clippy::panic_in_result_fn, reason = "it checks what it found")]

use std::error::Error;

use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_ckks::bootstrapping::{BootstrapArithmetic, Bootstrapper, Bootstrapping, Preset};
use volley_ckks::polynomial::{Basis, Constants};
use volley_ckks::{Context, Encoder, EvaluationKeySet, Evaluator, Operand, Polynomial, PolynomialCircuit};
use volley_ckks::{SecretKey, Security, Simulator};

const STEPS: usize = 30;
const RATE: f64 = 3.2;
const SLOTS: usize = 128;

/// The map, again and again. It is the same circuit for simulated and for real ciphertexts.
fn iterate<A: BootstrapArithmetic>(
    ev: &A,
    bootstrapper: &Bootstrapper<A::Transform>,
    x: &A::Ciphertext,
) -> Result<A::Ciphertext, volley_ckks::Error> {
    let map = Polynomial::new(Basis::Monomial, vec![0.0, RATE, -RATE])?;
    let (step, scale) = (PolynomialCircuit::new(&map), ev.parameters().scale());
    (0..STEPS).try_fold(x.clone(), |x, _| {
        let exhausted = ev.operand(&x).level < step.levels();
        let x = if exhausted { bootstrapper.bootstrap(ev, &x)? } else { x };
        step.evaluate(ev, &x, &scale, &Constants)
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    // A small ring that takes seconds, for which NO SECURITY is claimed. For use: log N = 16, and
    // `Security::Classical128`.
    let (log_n, levels_left, special_primes, security) = (10, 9, 9, Security::Unchecked);
    let preset = Preset::Precise;
    let parameters = preset.parameters(log_n, levels_left, special_primes, security).build()?;
    let plan = Bootstrapping::new(&parameters, &preset.bootstrapping(SLOTS))?;
    let (scale, level) = (parameters.scale(), plan.output_level());

    let simulator = Simulator::new(&parameters);
    let input = simulator.input_operand(Operand { level, scale: scale.clone(), slots: SLOTS })?;
    iterate(&simulator, &plan.prepare(&simulator)?, &input)?;
    println!("{} keys", simulator.key_spec().key_count());

    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let context = Context::new(parameters);
    let secret_key = SecretKey::generate(&context, &mut rng);
    let keys = EvaluationKeySet::generate(&secret_key, &simulator.key_spec(), &mut rng)?;
    let encoder = Encoder::new(&context);
    let x: Vec<f64> = (0..SLOTS).map(|j| 0.1 + 0.8 * j as f64 / SLOTS as f64).collect();
    let encrypted = secret_key.encrypt(&encoder.encode(&x, &scale, level)?, &mut rng)?;

    // The matrices of the bootstrapping are encoded once.
    let evaluator = Evaluator::new(&context, keys)?;
    let bootstrapper = plan.prepare(&evaluator)?;
    let result = iterate(&evaluator, &bootstrapper, &encrypted.expand(&context)?)?;

    let found = encoder.decode_real(&secret_key.decrypt(&result)?)?;
    let expected = |x: f64| (0..STEPS).fold(x, |x, _| RATE * x * (1.0 - x));
    let errors = found.iter().zip(&x).map(|(found, &x)| (found - expected(x)).abs());
    let worst = errors.fold(0.0, f64::max);
    println!("{STEPS} steps, the worst of {SLOTS} values off by {worst:.1e}");
    assert!(worst < 1e-3);
    Ok(())
}
