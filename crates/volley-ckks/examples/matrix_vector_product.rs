//! A public matrix times an encrypted vector: `cargo run --release --example matrix_vector_product`.
//!
//! A matrix is given by its generalised diagonals. The plan of the product knows which rotations it takes, and a band
//! matrix takes few.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]
#![expect(clippy::panic_in_result_fn, reason = "it checks what it found")]

use std::error::Error;

use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_ckks::{Complex64, Context, Encoder, EvaluationKeySet, Evaluator};
use volley_ckks::{LinearArithmetic, LinearTransform, Operand, Parameters, SecretKey, Simulator};

/// Rows and columns: as many as slots.
const SIZE: usize = 64;
/// The diagonals that are not zero, 0 the main one.
const DIAGONALS: [i64; 5] = [-2, -1, 0, 1, 2];

/// The matrix: each entry of the result is a mean of five neighbours, cyclically.
fn entry(row: usize, column: usize) -> f64 {
    let distance = (column + SIZE - row + 2) % SIZE;
    if distance < DIAGONALS.len() { 0.2 } else { 0.0 }
}

fn product<A: LinearArithmetic>(
    ev: &A,
    plan: &LinearTransform,
    x: &A::Ciphertext,
) -> Result<A::Ciphertext, volley_ckks::Error> {
    // The result has the scale of x again.
    let scale = &ev.operand(x).scale;
    let diagonal = |k: usize| (0..SIZE).map(|row| Complex64::from(entry(row, (row + k) % SIZE))).collect();
    let matrix = ev.encode_transform(plan, &plan.diagonal_scale(scale, scale), diagonal)?;
    ev.transform_rescale(x, &matrix)
}

fn main() -> Result<(), Box<dyn Error>> {
    let x: Vec<f64> = (0..SIZE).map(|j| if j % 8 < 4 { 1.0 } else { -1.0 }).collect();

    let parameters = Parameters::n14()?;
    let (scale, level) = (parameters.scale(), 1);
    let plan = LinearTransform::new(&parameters, level, SIZE, DIAGONALS)?;
    let simulator = Simulator::new(&parameters);
    let input = simulator.input_operand(Operand { level, scale: scale.clone(), slots: SIZE })?;
    product(&simulator, &plan, &input)?;
    println!("{} diagonals, {} rotation keys", plan.diagonal_count(), simulator.key_spec().key_count());

    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let context = Context::new(parameters);
    let secret_key = SecretKey::generate(&context, &mut rng);
    let keys = EvaluationKeySet::generate(&secret_key, &simulator.key_spec(), &mut rng)?;
    let encoder = Encoder::new(&context);
    let encrypted = secret_key.encrypt(&encoder.encode(&x, &scale, level)?, &mut rng)?;

    let evaluator = Evaluator::new(&context, keys)?;
    let result = product(&evaluator, &plan, &encrypted.expand(&context)?)?;

    let found = encoder.decode_real(&secret_key.decrypt(&result)?)?;
    for (row, found) in found.iter().enumerate() {
        let expected: f64 = (0..SIZE).map(|column| entry(row, column) * x[column]).sum();
        assert!((found - expected).abs() < 1e-6, "{row}: {found} {expected}");
    }
    println!("first entries {:.4?}", &found[..6]);
    Ok(())
}
