//! The dot product of two encrypted vectors, in every slot: `cargo run --release --example dot_product`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]
#![expect(clippy::panic_in_result_fn, reason = "it checks what it found")]

use std::error::Error;

use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_ckks::{Arithmetic, Context, Encoder, EvaluationKeySet, Evaluator, Operand};
use volley_ckks::{Parameters, SecretKey, Simulator};

/// Slots, a power of two: rotations and sums then need not know of more.
const SLOTS: usize = 256;

/// ∑ xⱼyⱼ. Products lie in the slots; rotations by 1, 2, 4, … add them up.
fn dot_product<A: Arithmetic>(
    ev: &A,
    x: &A::Ciphertext,
    y: &A::Ciphertext,
) -> Result<A::Ciphertext, volley_ckks::Error> {
    let mut sum = ev.multiply(x, y)?;
    for step in (0..SLOTS.ilog2()).map(|log| 1 << log) {
        sum = ev.add(&sum, &ev.rotate(&sum, step)?)?;
    }
    Ok(sum)
}

fn main() -> Result<(), Box<dyn Error>> {
    let x: Vec<f64> = (0..200).map(|j| (f64::from(j) / 20.0).sin()).collect();
    let y: Vec<f64> = (0..200).map(|j| f64::from(j % 7) / 7.0).collect();

    // A product takes one level. The simulator finds the keys.
    let parameters = Parameters::n14()?;
    let (scale, level) = (parameters.scale(), 2);
    let simulator = Simulator::new(&parameters);
    let input = || simulator.input_operand(Operand { level, scale: scale.clone(), slots: SLOTS });
    dot_product(&simulator, &input()?, &input()?)?;

    // The owner of the vectors.
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let context = Context::new(parameters);
    let secret_key = SecretKey::generate(&context, &mut rng);
    let keys = EvaluationKeySet::generate(&secret_key, &simulator.key_spec(), &mut rng)?;
    let encoder = Encoder::new(&context);
    let mut encrypt = |values: &[f64]| {
        // 200 values in 256 slots: those behind them are zero, and add nothing.
        secret_key.encrypt(&encoder.encode_padded(values, SLOTS, &scale, level)?, &mut rng)
    };
    let (encrypted_x, encrypted_y) = (encrypt(&x)?, encrypt(&y)?);

    // The server.
    let evaluator = Evaluator::new(&context, keys)?;
    let product = dot_product(&evaluator, &encrypted_x.expand(&context)?, &encrypted_y.expand(&context)?)?;

    // The owner.
    let found = encoder.decode_real(&secret_key.decrypt(&product)?)?[0];
    let expected: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
    println!("{found:.6}, in clear {expected:.6}");
    assert!((found - expected).abs() < 1e-4);
    Ok(())
}
