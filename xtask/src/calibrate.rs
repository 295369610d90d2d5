//! `cargo xtask calibrate`: times operations and fits the planner's cost model to them.
//!
//! The model is linear in its constants xⱼ, so the best constants solve a least squares problem. Let aᵢⱼ be the work of
//! kind j in operation i, divided by the measured time of the operation. Then Σᵢ (Σⱼ aᵢⱼ xⱼ − 1)² is the sum of the
//! squared *relative* errors. It is minimised for xⱼ ≥ 0 by coordinate descent.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use cpu_time::ProcessTime;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::ThreadPoolBuilder;
use volley_mlr::volley_ckks::costs::{CoreKind, CostModel};
use volley_mlr::volley_ckks::{
    Arithmetic, Complex64, Context, Encoder, Error, EvaluationKeySet, Evaluator, OperationCounts, Parameters,
    ParametersLiteral, SecretKey, Security, Simulator,
};
use volley_program::measure_core;

use crate::clock;

/// Terms of the sum of products that is timed, and rotations that share a decomposition: numbers as circuits have them.
const TERMS: usize = 8;

/// Rounds of the descent, far more than it needs.
const ROUNDS: usize = 10_000;

/// What a circuit pays for.
#[derive(Clone, Copy, Debug)]
enum Task {
    Rotate,
    RotateHoisted,
    SumOfProducts,
    RelinearizeRescale,
    Rescale,
    MultiplyPlain,
}

impl Task {
    const ALL: [Self; 6] = [
        Self::Rotate,
        Self::RotateHoisted,
        Self::SumOfProducts,
        Self::RelinearizeRescale,
        Self::Rescale,
        Self::MultiplyPlain,
    ];

    /// Does the task once, with ciphertexts or with simulated ones.
    fn run<A: Arithmetic>(self, ev: &A, inputs: &[A::Ciphertext], tensor: &A::Tensor) -> Result<(), Error> {
        let a = &inputs[0];
        let level = ev.operand(a).level;
        match self {
            Self::Rotate => ev.rotate(a, 1).map(drop),
            Self::RotateHoisted => ev.rotate_hoisted(a, &(1..=TERMS as i64).collect::<Vec<_>>()).map(drop),
            Self::SumOfProducts => {
                let (left, right) = inputs.split_at(TERMS);
                ev.sum_of_products(&left.iter().zip(right).collect::<Vec<_>>()).map(drop)
            }
            Self::RelinearizeRescale => ev.relinearize_rescale(tensor).map(drop),
            Self::Rescale => ev.rescale(a).map(drop),
            Self::MultiplyPlain => {
                let slots = ev.parameters().max_slots();
                let plaintext = ev.encode(|| vec![Complex64::ONE; slots], &ev.parameters().scale(), level)?;
                ev.multiply_plain(a, &plaintext).map(drop)
            }
        }
    }
}

/// A task in a ring and at a level, what it took, and what each constant of the model multiplies in it.
struct Observation {
    label: String,
    time: Duration,
    work: Vec<f64>,
}

/// Keys of one ring, and the nanoseconds of a byte of their file.
struct KeyTime {
    log_n: u32,
    bytes: u64,
    nanoseconds: f64,
}

/// Times everything on one thread and prints the best constants. Beside the measured times it prints those that are
/// foreseen by three sets of constants: the built-in ones of this kind of core, these scaled by a measurement, and the
/// best.
pub(crate) fn run() -> Result<()> {
    let pool = ThreadPoolBuilder::new().num_threads(1).build()?;
    let (observations, keys) = pool.install(observe)?;
    let kind = CoreKind::detect()?;
    let start = Instant::now();
    let measurement = measure_core()?;
    let took = start.elapsed();
    let (built_in, measured) = (CostModel::of(kind), CostModel::measured(kind, &measurement));
    let best = built_in.with_operations(fit(&relative_work(&observations)));
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["operation", "ms", "built in", "measured", "best"]);
    for observation in &observations {
        let seconds = observation.time.as_secs_f64();
        let ratio =
            |model: &CostModel| format!("{:.2}", dot(&observation.work, &model.operations()) / seconds);
        let ratios = [&built_in, &measured, &best].map(ratio);
        table.add_row([observation.label.clone(), format!("{:.3}", 1e3 * seconds)].into_iter().chain(ratios));
    }
    println!("foreseen time divided by measured time, one thread, {kind}\n{table}");
    println!("built in {built_in:?}\nmeasured {measured:?}, in {} ms\nbest     {best:?}", took.as_millis());
    for KeyTime { log_n, bytes, nanoseconds } in keys {
        println!("keys, 2^{log_n}: {nanoseconds:.2} ns for each of {bytes} bytes");
    }
    Ok(())
}

fn observe() -> Result<(Vec<Observation>, Vec<KeyTime>)> {
    let (mut observations, mut key_times) = (Vec::new(), Vec::new());
    for parameters in rings()? {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (context, top) = (Context::new(parameters.clone()), parameters.max_level());
        let secret_key = SecretKey::generate(&context, &mut rng);
        let (simulator, ..) = simulate(&Task::ALL, &parameters, top)?;
        let spec = simulator.key_spec();
        let start = ProcessTime::try_now()?;
        let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng)?;
        let (time, bytes) = (start.try_elapsed()?, spec.byte_count());
        let nanoseconds = 1e9 * time.as_secs_f64() / bytes as f64;
        key_times.push(KeyTime { log_n: parameters.log_n(), bytes, nanoseconds });
        let evaluator = Evaluator::new(&context, keys)?;
        let values = vec![Complex64::ONE; parameters.max_slots()];
        let plaintext = Encoder::new(&context).encode(&values, &parameters.scale(), top)?;
        let fresh = secret_key.encrypt(&plaintext, &mut rng)?.expand(&context)?;
        let levels: BTreeSet<usize> = [2.min(top), top.div_ceil(2), top].into();
        for level in levels {
            // Each input has its own memory, as in a circuit.
            let inputs: Vec<_> =
                (0..2 * TERMS).map(|_| evaluator.drop_level(&fresh, level)).collect::<Result<_, _>>()?;
            let tensor = evaluator.sum_of_products(&[(&inputs[0], &inputs[1])])?;
            for task in Task::ALL {
                let time = clock::median(|| task.run(&evaluator, &inputs, &tensor))?;
                let label = format!("2^{}, level {level}: {task:?}", parameters.log_n());
                observations.push(Observation { label, time, work: work(task, &parameters, level)? });
            }
        }
    }
    Ok((observations, key_times))
}

/// Runs tasks on simulated ciphertexts: the simulator afterwards, and the operations that prepared the inputs.
fn simulate(
    tasks: &[Task],
    parameters: &Parameters,
    level: usize,
) -> Result<(Simulator, OperationCounts), Error> {
    let simulator = Simulator::new(parameters);
    let inputs: Vec<_> =
        (0..2 * TERMS).map(|_| simulator.input(&parameters.scale(), level)).collect::<Result<_, _>>()?;
    let tensor = simulator.sum_of_products(&[(&inputs[0], &inputs[1])])?;
    let prepared = simulator.counts();
    tasks.iter().try_for_each(|task| task.run(&simulator, &inputs, &tensor))?;
    Ok((simulator, prepared))
}

/// The presets, and a small ring.
fn rings() -> Result<[Parameters; 4]> {
    let small = ParametersLiteral {
        log_n: 13,
        levels: vec![vec![50], vec![40], vec![40]],
        p_bits: vec![50],
        log_scale: 40,
        security: Security::Classical128,
    };
    Ok([small.build()?, Parameters::n14()?, Parameters::n15()?, Parameters::n16()?])
}

/// Seconds that a task would take for each constant of the model if that were 1 and the others 0.
fn work(task: Task, parameters: &Parameters, level: usize) -> Result<Vec<f64>> {
    let (simulator, prepared) = simulate(&[task], parameters, level)?;
    let counts = simulator.counts();
    let zero = CostModel::default().operations().map(|_| 0.0);
    let unit = |kind: usize| {
        let mut times = zero;
        times[kind] = 1.0;
        CostModel::default().with_operations(times)
    };
    let seconds =
        |model: CostModel| model.seconds(parameters, &counts) - model.seconds(parameters, &prepared);
    Ok((0..zero.len()).map(|kind| seconds(unit(kind))).collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The work of each kind in each observation, divided by the time that it took.
fn relative_work(observations: &[Observation]) -> Vec<Vec<f64>> {
    let relative = |Observation { work, time, .. }: &Observation| {
        work.iter().map(|work| work / time.as_secs_f64()).collect()
    };
    observations.iter().map(relative).collect()
}

/// The constants of least relative error, by rows that have the work of each kind divided by the measured time.
pub(crate) fn fit<const KINDS: usize>(rows: &[Vec<f64>]) -> [f64; KINDS] {
    let mut x = [0.0; KINDS];
    for round in 0..ROUNDS * KINDS {
        let kind = round % KINDS;
        let norm: f64 = rows.iter().map(|row| row[kind] * row[kind]).sum();
        let slope: f64 = rows.iter().map(|row| row[kind] * (1.0 - dot(row, &x))).sum();
        if norm > 0.0 {
            x[kind] = f64::max(0.0, x[kind] + slope / norm);
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_finds_the_constants_that_made_the_times_and_none_below_zero() {
        let observation = |work: [f64; 2], seconds: f64| Observation {
            label: String::new(),
            time: Duration::from_secs_f64(seconds),
            work: work.to_vec(),
        };
        let exact = [[1.0, 0.0], [2.0, 1.0], [1.0, 5.0]].map(|w| observation(w, 3.0 * w[0] + 0.5 * w[1]));
        let [a, b] = fit(&relative_work(&exact));
        assert!((a - 3.0).abs() < 1e-9 && (b - 0.5).abs() < 1e-9, "{a}, {b}");
        let falling = [observation([1.0, 0.0], 1.0), observation([1.0, 1.0], 0.5)];
        let [a, b] = fit(&relative_work(&falling));
        assert!(a > 0.0 && b == 0.0, "{a}, {b}");
    }

    #[test]
    fn the_work_of_a_task_is_its_own() {
        let parameters = &rings().unwrap()[0];
        let rescale = work(Task::Rescale, parameters, 2).unwrap();
        let model = CostModel::default().operations();
        assert!(dot(&rescale, &model) > 0.0);
        assert!(dot(&work(Task::Rotate, parameters, 2).unwrap(), &model) > dot(&rescale, &model));
    }
}
