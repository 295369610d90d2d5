//! The Rust layer's times of what `beside.py` does from Python: median processor times in milliseconds, as JSON.
//!
//! Parameters, kind of key, slots and the number of calls are those of `beside.py` and its `timing.py`. All runs on the
//! one thread of a pool.

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use cpu_time::ProcessTime;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use rayon::ThreadPoolBuilder;
use serde_json::json;
use volley_mlr::volley_ckks::{
    Arithmetic, Ciphertext, Complex64, Context, Encoder, EvaluationKeySet, Evaluator, KeySpec,
    LinearArithmetic, LinearTransform, Parameters, SecretKey,
};

/// Rows of the matrix.
const SIZE: usize = 16;

/// The calls of an operation that are timed, after one that is not: as many as the budget allows, within bounds.
const BUDGET: Duration = Duration::from_secs(1);
const AT_LEAST: usize = 3;
const AT_MOST: usize = 25;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let times = ThreadPoolBuilder::new().num_threads(1).build()?.install(measure)?;
    println!("{times}");
    Ok(())
}

fn measure() -> Result<serde_json::Value, Failure> {
    let parameters = Parameters::n14()?;
    let (context, top, scale) =
        (Context::new(parameters.clone()), parameters.max_level(), parameters.scale());
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let secret_key = SecretKey::generate(&context, &mut rng);
    let plan = LinearTransform::new(&parameters, top, SIZE, (0..SIZE as i64).collect::<Vec<_>>())?;
    let spec =
        KeySpec::new(&parameters).relinearization(top).rotations([1], top).rotations(plan.rotations(), top);
    let evaluator = Evaluator::new(&context, EvaluationKeySet::generate(&secret_key, &spec, &mut rng)?)?;
    let encoder = Encoder::new(&context);
    let values: Vec<f64> = (0..parameters.max_slots()).map(|slot| (slot as f64).sin() / 2.0).collect();

    // Each ciphertext has a generator of its own, which the operating system seeds: so has Python's.
    let encrypt = |values: &[f64]| -> Result<Ciphertext, Failure> {
        let plaintext = encoder.encode(values, &scale, top)?;
        let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
        Ok(secret_key.encrypt(&plaintext, &mut rng)?.expand(&context)?)
    };
    let (x, short) = (encrypt(&values)?, encrypt(&values[..SIZE])?);
    let entry = |row: usize, column: usize| ((row * SIZE + column) as f64).cos() / SIZE as f64;
    let diagonal =
        |k: usize| (0..SIZE).map(|row| Complex64::from(entry(row, (row + k) % SIZE))).collect::<Vec<_>>();
    let matrix = evaluator.encode_transform(&plan, &plan.diagonal_scale(&scale, &scale), diagonal)?;

    let check = |operation: &str, result: &Ciphertext, expected: &dyn Fn(usize) -> f64| {
        let slots = encoder.decode_real(&secret_key.decrypt(result)?)?;
        let is_right = slots.iter().enumerate().all(|(slot, value)| (value - expected(slot)).abs() < 1e-3);
        if is_right { Ok(()) } else { Err(Failure::from(format!("{operation}: the result is wrong"))) }
    };
    check("product", &evaluator.multiply(&x, &x)?, &|slot| values[slot].powi(2))?;
    check("rotation", &evaluator.rotate(&x, 1)?, &|slot| values[(slot + 1) % values.len()])?;
    let product = |row: usize| -> f64 { (0..SIZE).map(|column| entry(row, column) * values[column]).sum() };
    check("matrix", &evaluator.transform_rescale(&short, &matrix)?, &product)?;
    Ok(json!({
        "encrypt": median_ms(|| encrypt(&values))?,
        "product": median_ms(|| Ok(evaluator.multiply(&x, &x)?))?,
        "rotation": median_ms(|| Ok(evaluator.rotate(&x, 1)?))?,
        "matrix": median_ms(|| Ok(evaluator.transform_rescale(&short, &matrix)?))?,
    }))
}

/// The median processor time of some calls, after one that does not count.
fn median_ms<T>(mut operation: impl FnMut() -> Result<T, Failure>) -> Result<f64, Failure> {
    operation()?;
    let mut times = Vec::new();
    let begin = ProcessTime::try_now()?;
    while times.len() < AT_LEAST || (times.len() < AT_MOST && begin.try_elapsed()? < BUDGET) {
        let start = ProcessTime::try_now()?;
        drop(black_box(operation()?));
        times.push(start.try_elapsed()?);
    }
    times.sort_unstable();
    Ok(1e3 * times[times.len() / 2].as_secs_f64())
}
