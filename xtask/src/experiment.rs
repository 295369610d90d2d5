//! `cargo xtask experiment`: train on encrypted data, end to end, and compare with the same training in clear.
//!
//! Owner and server live in one process here, but share nothing except what would be sent: [`Server`] is made of
//! evaluation keys and ciphertexts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::Array2;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_mlr::volley_ckks::{
    Ciphertext, Context, EvaluationKeySet, Evaluator, Operation, SecretKey, Security,
};
use volley_mlr::volley_revolver::plan::{Demands, RingChoice};
use volley_mlr::volley_sigmoid::SigmoidPolynomial;
use volley_mlr::{EncryptedModel, Hyperparameters, Owner, Plan, Step, StepReport, TrainingSet};
use volley_program::machine::peak_memory_bytes;
use volley_program::units::counted;
use volley_program::{BadInput, Iterations, Machine, OrBadInput, ProfileName, SMALL_KEY_BYTES};
use volley_report::{
    Measured, MeasuredIteration, Operations, PageFile, Party, Phase, Report, Rows, Training,
};

use crate::data::{Data, Source};

/// What is trained on, and how.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// `cnn` or `pixels` for the embedded ones of MNIST, or a file of features and labels: CSV with the label first in
    /// each row, NPZ with X and y, or IDX images
    #[arg(long, value_name = "FILE", default_value = "cnn")]
    features: Source,
    /// File of test rows, of the same columns; rows of the other file that are not trained on become validation rows
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// How features are prepared and steps are taken
    #[arg(long, value_enum, default_value_t = ProfileName::Standard)]
    profile: ProfileName,
    /// Rows that are trained on; all other rows of a file are tested on, unless --test is given
    #[arg(long, default_value_t = 128)]
    samples: usize,
    /// Iterations of the training, or `auto` for as many as are good for most tables
    #[arg(long, default_value_t = Iterations::Auto)]
    iterations: Iterations,
    /// No score leaves [-R, R]: takes the polynomial that suits [default: the profile's]
    #[arg(long, value_name = "R")]
    sigmoid_range: Option<f64>,
    /// No normalised weight leaves [-B, B], where long runs refresh them [default: 90]
    #[arg(long, value_name = "B")]
    weight_range: Option<f64>,
    /// log2 of the ring degree, or `auto` for the cheapest that fits
    #[arg(long, default_value = "auto", value_parser = parse_ring)]
    log_n: RingChoice,
    /// Take more time for evaluation keys of at most 60 MB
    #[arg(long)]
    small_keys: bool,
    #[command(flatten)]
    machine: Machine,
    /// Choose the training rows at random with this seed; keys and errors never depend on it
    #[arg(long)]
    seed: Option<u64>,
    /// Write the report to this file
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Write a page with plots into this folder: index.html, report.json and the plots as SVG
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

fn parse_ring(text: &str) -> Result<RingChoice, String> {
    match text {
        "auto" => Ok(RingChoice::Cheapest),
        number => number
            .parse()
            .map(RingChoice::LogN)
            .map_err(|_| "either `auto` or a number such as 14 is expected".to_owned()),
    }
}

impl Options {
    fn hyperparameters(&self) -> Result<Hyperparameters, volley_mlr::Error> {
        let mut settings = self.profile.hyperparameters(self.iterations.count())?;
        if let Some(range) = self.sigmoid_range {
            settings = settings.with_sigmoid(SigmoidPolynomial::for_range(range)?);
        }
        match self.weight_range {
            Some(range) => settings.with_weight_range(range),
            None => Ok(settings),
        }
    }
}

/// Runs the experiment and prints its report.
pub(crate) fn run(options: &Options) -> Result<()> {
    options.machine.start_threads()?;
    let experiment = Experiment::new(options)?;
    // Opened first: a long run must not end with nowhere to write its report.
    let json = options.json.as_deref().map(create).transpose()?;
    if let Some(folder) = &options.report {
        fs::create_dir_all(folder)
            .map_err(|error| BadInput::new(format!("cannot make {}: {error}", folder.display())))?;
    }
    let report = experiment.run()?;
    writeln!(io::stdout(), "{report}")?;
    if let Some(reason) = options.iterations.reason() {
        writeln!(io::stdout(), "{} ({reason})", counted(options.iterations.count(), "iteration"))?;
    }
    if let Some(mut file) = json {
        serde_json::to_writer_pretty(&file, &report)?;
        writeln!(file)?;
    }
    if let Some(folder) = &options.report {
        for PageFile { name, content } in report.page("cargo xtask experiment --report")? {
            create(&folder.join(name))?.write_all(content.as_bytes())?;
        }
    }
    Ok(())
}

/// A file for a result; where it cannot be had, the path is bad input.
pub(crate) fn create(path: &Path) -> Result<File, BadInput> {
    File::create(path).map_err(|error| BadInput::new(format!("cannot write {}: {error}", path.display())))
}

/// What is settled before the first key.
struct Experiment {
    data: Data,
    training_set: Arc<TrainingSet>,
    plan: Arc<Plan>,
    /// The same training in clear.
    reference: Vec<Step>,
}

impl Experiment {
    fn new(options: &Options) -> Result<Self> {
        let data = options.features.load(options.samples, options.seed, options.test.as_deref())?;
        let hyperparameters = options.hyperparameters().or_bad_input()?;
        let training_set = TrainingSet::new(&data.training, hyperparameters.profile()).or_bad_input()?;
        let demands = Demands {
            ring: options.log_n,
            security: Security::Classical128,
            key_bytes: options.small_keys.then_some(SMALL_KEY_BYTES),
            memory_bytes: options.machine.memory_bytes(),
            threads: rayon::current_num_threads(),
        };
        let (samples, features) = data.training.features().dim();
        let classes = training_set.classes().len();
        let plan = Plan::new(samples, features, classes, &hyperparameters, demands).or_bad_input()?;
        let reference: Vec<Step> = training_set.reference(&hyperparameters).collect();
        if let Some(Err(diverging)) = reference.iter().map(Step::check_range).find(Result::is_err) {
            eprintln!("warning: {diverging}: the training in clear shows where this leads");
        }
        let (training_set, plan) = (Arc::new(training_set), Arc::new(plan));
        Ok(Self { data, training_set, plan, reference })
    }

    fn run(&self) -> Result<Report> {
        // The user sees what a long run will take before it begins.
        if self.plan.bootstrapping().is_some() {
            eprintln!("{}", self.plan);
        }
        let progress = Progress::new(self.reference.len());
        let mut phases = Phases::new(&progress);
        let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;

        let context =
            phases.time(Party::Both, "tables", || Ok(Context::new(self.plan.parameters().clone())))?;
        let (secret_key, keys) = phases.time(Party::Owner, "key generation", || {
            let secret_key = Arc::new(SecretKey::generate(&context, &mut rng));
            let keys = EvaluationKeySet::generate(&secret_key, self.plan.key_spec(), &mut rng)?;
            Ok((secret_key, keys))
        })?;
        let owner = Owner::new(&self.plan, &self.training_set, &secret_key)?;
        let upload =
            phases.time(Party::Owner, "encryption", || Upload::encrypt(&owner, &self.plan, &mut rng))?;

        let trained = Server { context, keys, upload }.train(&self.plan, &mut phases)?;

        let weights = phases.time(Party::Owner, "decryption", || {
            trained.models.iter().map(|model| Ok(owner.decrypt_weights(model)?)).collect::<Result<Vec<_>>>()
        })?;
        progress.finish();
        self.report(phases.done, &trained, weights)
    }

    fn report(&self, phases: Vec<Phase>, trained: &Trained, weights: Vec<Array2<f64>>) -> Result<Report> {
        let peak_memory_bytes = peak_memory_bytes();
        let operations = |operation| trained.counts.total(operation) as usize;
        let after = |((step, seconds), weights): (&(StepReport, f64), Array2<f64>)| MeasuredIteration {
            seconds: *seconds,
            level: step.level,
            refreshed: step.refreshed,
            weights,
        };
        let measured = Measured {
            threads: rayon::current_num_threads(),
            phases,
            server_seconds: trained.seconds,
            iterations: trained.steps.iter().zip(weights).map(after).collect(),
            peak_memory_bytes,
            operations: Operations {
                rotations: operations(Operation::Rotation),
                hoisted_rotations: operations(Operation::HoistedRotation),
                products: operations(Operation::Product),
                relinearizations: operations(Operation::Relinearization),
            },
        };
        let Data { name, training, test, validation, images } = &self.data;
        let training = Training {
            data: name,
            plan: &self.plan,
            training_set: &self.training_set,
            reference: &self.reference,
            rows: Rows { training, test, validation: validation.as_ref() },
            images: images.as_ref(),
        };
        Ok(Report::of_run(&training, measured)?)
    }
}

/// The server: everything it ever has.
struct Server {
    context: Arc<Context>,
    keys: EvaluationKeySet,
    upload: Upload,
}

/// What the server gives back, with its times.
struct Trained {
    /// The models after each iteration; only the last would be sent.
    models: Vec<EncryptedModel<Ciphertext>>,
    steps: Vec<(StepReport, f64)>,
    seconds: f64,
    counts: volley_mlr::volley_ckks::OperationCounts,
}

impl Server {
    fn train(self, plan: &Plan, phases: &mut Phases<'_>) -> Result<Trained> {
        let Self { context, keys, upload } = self;
        let evaluator = Arc::new(Evaluator::new(&context, keys)?);
        let mut trainer =
            phases.time(Party::Server, "server set-up", || upload.trainer(&evaluator, plan, &context))?;
        let mut seconds = phases.last_seconds();
        let (mut models, mut steps) = (Vec::new(), Vec::new());
        loop {
            let name = format!("iteration {}", steps.len() + 1);
            let start = Instant::now();
            phases.progress.show(&name, steps.len());
            let Some(step) = trainer.step()? else { break };
            let elapsed = start.elapsed().as_secs_f64();
            phases.done.push(Phase { name, party: Party::Server, seconds: elapsed });
            seconds += elapsed;
            steps.push((step, elapsed));
            models.extend(trainer.model());
        }
        Ok(Trained { models, steps, seconds, counts: evaluator.counts() })
    }
}

/// Times of the phases so far.
struct Phases<'a> {
    progress: &'a Progress,
    done: Vec<Phase>,
}

impl<'a> Phases<'a> {
    fn new(progress: &'a Progress) -> Self {
        Self { progress, done: Vec::new() }
    }

    fn time<T>(&mut self, party: Party, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.progress.show(name, 0);
        let start = Instant::now();
        let result = work()?;
        self.done.push(Phase { name: name.to_owned(), party, seconds: start.elapsed().as_secs_f64() });
        Ok(result)
    }

    fn last_seconds(&self) -> f64 {
        self.done.last().map_or(0.0, |phase| phase.seconds)
    }
}

/// A bar over the iterations that names the phase; nothing where there is no terminal.
struct Progress(ProgressBar);

impl Progress {
    fn new(iterations: usize) -> Self {
        let bar = ProgressBar::new(iterations as u64);
        let style =
            ProgressStyle::with_template("{spinner} {msg:20} {wide_bar} {pos}/{len} iterations {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Self(bar)
    }

    fn show(&self, phase: &str, iterations_done: usize) {
        self.0.set_message(phase.to_owned());
        self.0.set_position(self.0.position().max(iterations_done as u64));
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

mod upload;

use upload::Upload;

#[cfg(test)]
mod tests;
