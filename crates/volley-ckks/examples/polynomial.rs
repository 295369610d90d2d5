//! A function of encrypted numbers, by a polynomial that is close to it: `cargo run --release --example polynomial`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]
#![expect(clippy::panic_in_result_fn, reason = "it checks what it found")]

use std::error::Error;

use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_ckks::polynomial::{Basis, Constants};
use volley_ckks::{Context, Encoder, EvaluationKeySet, Evaluator, Parameters, Polynomial};
use volley_ckks::{PolynomialCircuit, SecretKey, Simulator};

fn main() -> Result<(), Box<dyn Error>> {
    // exp(x) on [−1, 1], by the first terms of its series. Where the interval is wide, Chebyshev's basis is better.
    let mut factorial = 1.0;
    let mut coefficients = vec![1.0];
    for degree in 1..8 {
        factorial *= f64::from(degree);
        coefficients.push(1.0 / factorial);
    }
    let exponential = Polynomial::new(Basis::Monomial, coefficients)?;
    let circuit = PolynomialCircuit::new(&exponential);
    println!("degree {}, {} levels", exponential.degree(), circuit.levels());

    // Input at the lowest level that suffices, and one more: at level 0 there is little room for values.
    let parameters = Parameters::n14()?;
    let (scale, level) = (parameters.scale(), circuit.levels() + 1);
    let simulator = Simulator::new(&parameters);
    circuit.evaluate(&simulator, &simulator.input(&scale, level)?, &scale, &Constants)?;

    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let context = Context::new(parameters);
    let secret_key = SecretKey::generate(&context, &mut rng);
    let keys = EvaluationKeySet::generate(&secret_key, &simulator.key_spec(), &mut rng)?;
    let encoder = Encoder::new(&context);
    let slots = context.parameters().max_slots();
    let x: Vec<f64> = (0..slots).map(|j| 2.0 * j as f64 / slots as f64 - 1.0).collect();
    let encrypted = secret_key.encrypt(&encoder.encode(&x, &scale, level)?, &mut rng)?;

    let evaluator = Evaluator::new(&context, keys)?;
    let result = circuit.evaluate(&evaluator, &encrypted.expand(&context)?, &scale, &Constants)?;

    let found = encoder.decode_real(&secret_key.decrypt(&result)?)?;
    let worst = found.iter().zip(&x).map(|(found, x)| (found - x.exp()).abs()).fold(0.0, f64::max);
    println!("{slots} values of exp, the worst off by {worst:.1e}");
    assert!(worst < 1e-4);
    Ok(())
}
