//! `cargo xtask bootstrap`: what a bootstrapping takes, and how precise each of its steps is.
//!
//! Times are processor times: on an idle machine they are what a clock shows for one thread, on a shared one they are
//! distorted less. Precision is in bits, −log₂ of the largest or the mean absolute error, for slots of absolute value
//! at most one. The errors of steps before the last are those of coefficients in the same unit: the DFT that follows
//! adds up 2n of them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use cpu_time::ProcessTime;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use volley_mlr::volley_ckks::bootstrapping::dft::Coefficients;
use volley_mlr::volley_ckks::bootstrapping::{Bootstrapper, Bootstrapping, Preset};
use volley_mlr::volley_ckks::costs::CostModel;
use volley_mlr::volley_ckks::params::EPHEMERAL_WEIGHT;
use volley_mlr::volley_ckks::{
    Ciphertext, Complex64, Context, EncodedTransform, Encoder, Error, EvaluationKeySet, Evaluator, Precision,
    SecretKey, Security, Simulator,
};
use volley_program::machine::{available_memory_bytes, peak_memory_bytes};
use volley_program::units::show_bytes;
use volley_program::{BadInput, CoreTimes, OrBadInput};

mod embedding;

/// What is bootstrapped.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Kind of the parameters
    #[arg(long, value_enum, default_value_t = Kind::Precise)]
    preset: Kind,
    /// log2 of the ring degree; below 16 nothing is secure
    #[arg(long, default_value_t = 16)]
    log_n: u32,
    /// log2 of the number of slots
    #[arg(long, default_value_t = 13)]
    log_slots: u32,
    /// Levels that are left
    #[arg(long, default_value_t = 9)]
    levels: usize,
    /// Special primes
    #[arg(long, default_value_t = 9)]
    special: usize,
    /// Vectors of each kind
    #[arg(long, default_value_t = 1)]
    vectors: usize,
    /// Bootstraps of one ciphertext after another
    #[arg(long, default_value_t = 0)]
    consecutive: usize,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Fast,
    Precise,
}

impl Kind {
    fn preset(self) -> Preset {
        match self {
            Self::Fast => Preset::Fast,
            Self::Precise => Preset::Precise,
        }
    }
}

/// What is timed, in its order.
const STEPS: [&str; 4] = ["raise, trace", "coefficients to slots", "EvalMod", "slots to coefficients"];

/// The vectors that are bootstrapped.
const VECTORS: [&str; 4] = ["random", "constant", "one-hot", "V + iW"];

/// Makes the keys, bootstraps and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(options.threads).build_global()?;
    let security = if options.log_n < 16 { Security::Unchecked } else { Security::Classical128 };
    let preset = options.preset.preset();
    let literal = preset.parameters(options.log_n, options.levels, options.special, security);
    let parameters = literal.build().or_bad_input()?;
    if options.log_slots >= options.log_n {
        return Err(BadInput::new(format!("2^{} slots do not fit", options.log_slots)).into());
    }
    let literal = preset.bootstrapping(1 << options.log_slots);
    let plan = Bootstrapping::new(&parameters, &literal).or_bad_input()?;
    describe(&plan)?;
    check_memory(plan.key_spec()?.memory_bytes() + plan.memory_bytes())?;
    let start = ProcessTime::try_now()?;
    let bench = Bench::new(&plan)?;
    writeln!(io::stdout(), "tables, keys and matrices: {:.1} s", start.try_elapsed()?.as_secs_f64())?;
    let mut steps = Steps::default();
    for kind in VECTORS {
        for index in 0..options.vectors {
            bench.measure(&vector(kind, bench.slots(), index as u64), kind, &mut steps)?;
        }
    }
    writeln!(io::stdout(), "{}", steps.table(&foreseen(&plan, &CoreTimes::of_this_machine()?.times)?))?;
    bench.consecutive(options.consecutive)?;
    if let Some(bytes) = peak_memory_bytes() {
        writeln!(io::stdout(), "peak memory: {:.2} GB", bytes as f64 * 1e-9)?;
    }
    Ok(())
}

/// Slots of one kind, none larger than 1.
fn vector(kind: &str, slots: usize, index: u64) -> Vec<Complex64> {
    let mut rng = ChaCha20Rng::seed_from_u64(index);
    let mut unit = || rng.random_range(-1.0..=1.0);
    match kind {
        "random" => (0..slots).map(|_| Complex64::new(unit(), unit()) / 2f64.sqrt()).collect(),
        "constant" => vec![Complex64::cis(3.0 * unit()); slots],
        "one-hot" => {
            let mut values = vec![Complex64::ZERO; slots];
            values[index as usize * 31 % slots] = Complex64::ONE;
            values
        }
        // Weights of a model and their momentum, of very different sizes.
        _ => (0..slots).map(|_| Complex64::new(unit(), unit().powi(5)) / 2f64.sqrt()).collect(),
    }
}

/// One owner, and a server with keys and matrices.
pub(crate) struct Bench {
    secret_key: SecretKey,
    encoder: Encoder,
    evaluator: Evaluator,
    bootstrapper: Bootstrapper<EncodedTransform>,
}

impl Bench {
    pub(crate) fn new(plan: &Bootstrapping) -> Result<Self> {
        // Fixed: what is measured can be measured again. Nothing is kept.
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let context = Context::new(plan.parameters().clone());
        let secret_key = SecretKey::generate(&context, &mut rng);
        let keys = EvaluationKeySet::generate(&secret_key, &plan.key_spec()?, &mut rng)?;
        let evaluator = Evaluator::new(&context, keys)?;
        let bootstrapper = plan.prepare(&evaluator)?;
        Ok(Self { secret_key, encoder: Encoder::new(&context), evaluator, bootstrapper })
    }

    fn slots(&self) -> usize {
        self.bootstrapper.plan().literal().slots
    }

    /// A ciphertext at the lowest level.
    pub(crate) fn encrypt(&self, values: &[Complex64]) -> Result<Ciphertext> {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let scale = self.bootstrapper.plan().parameters().scale();
        let plaintext = self.encoder.encode(values, &scale, 0)?;
        Ok(self.secret_key.encrypt(&plaintext, &mut rng)?.expand(self.evaluator.context())?)
    }

    pub(crate) fn bootstrap(&self, ciphertext: &Ciphertext) -> Result<Ciphertext, Error> {
        self.bootstrapper.bootstrap(&self.evaluator, ciphertext)
    }

    pub(crate) fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Vec<Complex64>> {
        Ok(self.encoder.decode(&self.secret_key.decrypt(ciphertext)?)?)
    }

    /// The complex coefficients in one ciphertext or two.
    fn decrypt_coefficients(&self, coefficients: &Coefficients<Ciphertext>) -> Result<Vec<Complex64>> {
        let [real, imaginary] = match coefficients {
            Coefficients::SideBySide(both) => {
                let mut real = self.decrypt(both)?;
                let imaginary = real.split_off(real.len() / 2);
                [real, imaginary]
            }
            Coefficients::Apart { real, imaginary } => [self.decrypt(real)?, self.decrypt(imaginary)?],
        };
        Ok(real.iter().zip(&imaginary).map(|(re, im)| Complex64::new(re.re, im.re)).collect())
    }

    /// Bootstraps one vector, step by step.
    fn measure(&self, values: &[Complex64], kind: &'static str, steps: &mut Steps) -> Result<()> {
        let (bootstrapper, evaluator) = (&self.bootstrapper, &self.evaluator);
        let input = self.encrypt(values)?;
        let [raise, coeffs_to_slots, eval_mod, slots_to_coeffs] = STEPS;
        let raised = steps.time(raise, || bootstrapper.raise(evaluator, &input))?;
        let packed = steps.time(coeffs_to_slots, || bootstrapper.coeffs_to_slots(evaluator, &raised))?;
        let reduced = steps.time(eval_mod, || bootstrapper.eval_mod(evaluator, &packed))?;
        let output = steps.time(slots_to_coeffs, || bootstrapper.slots_to_coeffs(evaluator, &reduced))?;

        // The message that is left in the input of EvalMod, by an exact remainder.
        let reduction = bootstrapper.plan().eval_mod();
        let remainder = |x: f64| {
            let u = x * reduction.input_divisor();
            (u - u.round()) * reduction.literal().output_factor
        };
        let before = self.decrypt_coefficients(&packed)?;
        let before: Vec<_> =
            before.iter().map(|x| Complex64::new(remainder(x.re), remainder(x.im))).collect();
        let after = self.decrypt_coefficients(&reduced)?;
        let slots = self.decrypt(&output)?;
        steps.precision(coeffs_to_slots, kind, &embedding::coefficients(values), &before);
        steps.precision(eval_mod, kind, &before, &after);
        steps.precision(slots_to_coeffs, kind, &embedding::slots(&after), &slots);
        steps.precision("all", kind, values, &slots);
        Ok(())
    }

    /// Bootstraps one ciphertext many times. Its error must not grow faster than linearly: twice that of the first time
    /// for each.
    fn consecutive(&self, times: usize) -> Result<()> {
        let values = vector("random", self.slots(), 7);
        let mut ciphertext = self.encrypt(&values)?;
        let mut first = 0.0;
        for time in 1..=times {
            ciphertext = self.bootstrap(&ciphertext)?;
            let error = Precision::measure(&values, &self.decrypt(&ciphertext)?).max_error;
            if time == 1 {
                first = error;
            }
            if time.is_power_of_two() || time == times {
                writeln!(io::stdout(), "after {time} bootstraps: {:.1} bits", -error.log2())?;
            }
            if error.is_nan() || error > 2.0 * time as f64 * first {
                bail!("the error is {error:e} after {time} bootstraps, and was {first:e} after the first");
            }
        }
        Ok(())
    }
}

/// Times and precision of the steps, in their order.
#[derive(Default)]
struct Steps {
    times: BTreeMap<&'static str, Vec<Duration>>,
    /// The largest error and the mean errors, by step and kind of vector.
    errors: BTreeMap<(&'static str, &'static str), (f64, Vec<f64>)>,
}

impl Steps {
    fn time<T>(&mut self, step: &'static str, run: impl FnOnce() -> Result<T, Error>) -> Result<T> {
        let start = ProcessTime::try_now()?;
        let result = run()?;
        self.times.entry(step).or_default().push(start.try_elapsed()?);
        Ok(result)
    }

    fn precision(
        &mut self,
        step: &'static str,
        kind: &'static str,
        expected: &[Complex64],
        found: &[Complex64],
    ) {
        let precision = Precision::measure(expected, found);
        let (largest, means) = self.errors.entry((step, kind)).or_default();
        *largest = largest.max(precision.max_error);
        means.push(precision.mean_error);
    }

    fn median(&self, step: &str) -> Option<f64> {
        let mut times = self.times.get(step)?.clone();
        times.sort_unstable();
        Some(times[times.len() / 2].as_secs_f64())
    }

    /// Bits of the worst slot and of the mean.
    fn bits(&self, step: &'static str, kind: &'static str) -> String {
        self.errors.get(&(step, kind)).map_or_else(String::new, |(largest, means)| {
            let mean = means.iter().sum::<f64>() / means.len() as f64;
            format!("{:.1} ({:.1})", -largest.log2(), -mean.log2())
        })
    }

    /// The seconds foreseen are those of the steps in their order.
    fn table(&self, foreseen: &[f64]) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        let bits = VECTORS.iter().map(|kind| format!("{kind}: bits, worst (mean)"));
        let header = ["step", "median", "foreseen"].map(str::to_owned);
        table.set_header(header.into_iter().chain(bits));
        let medians = STEPS.map(|step| self.median(step).unwrap_or_default());
        let all = ("all", medians.iter().sum(), foreseen.iter().sum());
        let steps = STEPS.iter().zip(medians).zip(foreseen);
        for (step, median, foreseen) in
            steps.map(|((&step, median), &foreseen)| (step, median, foreseen)).chain([all])
        {
            let times = [median, foreseen].map(|seconds: f64| format!("{seconds:.2} s"));
            let bits = VECTORS.iter().map(|kind| self.bits(step, kind));
            table.add_row([step.to_owned()].into_iter().chain(times).chain(bits));
        }
        table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        table
    }
}

/// Seconds of each step by the times of a core.
fn foreseen(plan: &Bootstrapping, core: &CostModel) -> Result<[f64; STEPS.len()]> {
    let parameters = plan.parameters();
    let simulator = Simulator::new(parameters);
    let bootstrapper = plan.prepare(&simulator)?;
    let mut before = 0.0;
    let mut seconds_since = || {
        let now = core.seconds(parameters, &simulator.counts());
        now - std::mem::replace(&mut before, now)
    };
    let raised = bootstrapper.raise(&simulator, &simulator.existing(&parameters.scale(), 0)?)?;
    let raise = seconds_since();
    let packed = bootstrapper.coeffs_to_slots(&simulator, &raised)?;
    let coeffs_to_slots = seconds_since();
    let reduced = bootstrapper.eval_mod(&simulator, &packed)?;
    let eval_mod = seconds_since();
    bootstrapper.slots_to_coeffs(&simulator, &reduced)?;
    Ok([raise, coeffs_to_slots, eval_mod, seconds_since()])
}

/// Refuses keys and matrices that do not fit the memory: the system would end the program.
fn check_memory(needed: u64) -> Result<()> {
    match available_memory_bytes() {
        Some(available) if needed > available => Err(BadInput::new(format!(
            "keys and matrices take more memory than the {} there are",
            show_bytes(available)
        ))
        .into()),
        _ => Ok(()),
    }
}

fn describe(plan: &Bootstrapping) -> Result<()> {
    let parameters = plan.parameters();
    let spec = plan.key_spec()?;
    let ephemeral = parameters.ephemeral();
    let mut out = io::stdout();
    writeln!(
        out,
        "parameters: log N {}, log Q {:.0}, log QP {:.0}, {} primes and {} special, {} digits",
        parameters.log_n(),
        parameters.log_q(parameters.max_level()),
        parameters.log_qp(),
        parameters.q().len(),
        parameters.p().len(),
        parameters.digits().len()
    )?;
    writeln!(out, "dense secret: {}", parameters.security())?;
    writeln!(
        out,
        "ephemeral secret: weight {EPHEMERAL_WEIGHT}, modulus of {:.0} bits (eprint 2022/024); failure probability at \
         most 2^{:.1}",
        ephemeral.log_qp(),
        plan.log2_failure_probability()
    )?;
    writeln!(
        out,
        "slots {}, levels {}, of which {} are left; message ratio 2^{}; error of EvalMod's approximation 2^{:.1}",
        plan.literal().slots,
        parameters.max_level(),
        plan.output_level(),
        plan.literal().log_message_ratio,
        plan.eval_mod().max_error().log2()
    )?;
    writeln!(
        out,
        "keys: {}, {:.2} GB in a file, {:.2} GB in memory; matrices {:.2} GB",
        spec.key_count(),
        spec.byte_count() as f64 * 1e-9,
        spec.memory_bytes() as f64 * 1e-9,
        plan.memory_bytes() as f64 * 1e-9
    )?;
    Ok(())
}
