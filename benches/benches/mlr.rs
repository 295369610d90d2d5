//! A training run: its plan, and what the server does at log N = 14 on the paper's shape.
//!
//! Rayon uses all processors: set `RAYON_NUM_THREADS=1` for the time of one.

use std::sync::Arc;

use criterion::{BatchSize, Criterion};
use ndarray::Array2;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use volley_mlr::volley_ckks::{Context, EvaluationKeySet, Evaluator, SecretKey};
use volley_mlr::volley_revolver::plan::{Demands, RingChoice};
use volley_mlr::{Dataset, EncryptedDataset, Error, Hyperparameters, Owner, Plan, Trainer, TrainingSet};

const SAMPLES: usize = 128;
const FEATURES: usize = 400;
const CLASSES: usize = 10;

fn plans(criterion: &mut Criterion, hyperparameters: &Hyperparameters) {
    for samples in [SAMPLES, 8192] {
        let plan = || Plan::new(samples, FEATURES, CLASSES, hyperparameters, Demands::default());
        criterion.bench_function(&format!("mlr/plan/samples={samples}"), |bencher| bencher.iter(plan));
    }
}

/// Features between 0 and 1.
fn dataset(rng: &mut impl Rng) -> Result<Dataset, Error> {
    let features = Array2::from_shape_fn((SAMPLES, FEATURES), |_| f64::from(rng.next_u32()) / 2_f64.powi(32));
    Dataset::new(features, (0..SAMPLES).map(|sample| (sample % CLASSES).to_string()))
}

/// What a server has.
struct Server {
    plan: Arc<Plan>,
    context: Arc<Context>,
    evaluator: Arc<Evaluator>,
    upload: EncryptedDataset,
}

impl Server {
    fn new(hyperparameters: &Hyperparameters) -> Result<Self, Error> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let training_set = Arc::new(TrainingSet::new(&dataset(&mut rng)?, hyperparameters.profile())?);
        let demands = Demands { ring: RingChoice::LogN(14), ..Demands::default() };
        let plan = Arc::new(Plan::new(SAMPLES, FEATURES, CLASSES, hyperparameters, demands)?);
        let context = Context::new(plan.parameters().clone());
        let secret_key = Arc::new(SecretKey::generate(&context, &mut rng));
        let keys = EvaluationKeySet::generate(&secret_key, plan.key_spec(), &mut rng)?;
        let upload = Owner::new(&plan, &training_set, &secret_key)?.encrypt(&mut rng)?;
        let evaluator = Arc::new(Evaluator::new(&context, keys)?);
        Ok(Self { plan, context, evaluator, upload })
    }

    /// A trainer after some iterations.
    fn trainer(&self, iterations: usize) -> Result<Trainer<Evaluator>, Error> {
        let mut trainer = Trainer::new(&self.evaluator, &self.plan, self.upload.expand(&self.context)?)?;
        for _ in 0..iterations {
            trainer.step()?;
        }
        Ok(trainer)
    }
}

fn training(criterion: &mut Criterion, server: &Server) {
    let id = |part: &str| format!("mlr/{part}/N={}", server.plan.parameters().degree());
    criterion.bench_function(&id("set_up"), |bencher| bencher.iter(|| server.trainer(0)));
    for (done, name) in ["first_iteration", "second_iteration"].into_iter().enumerate() {
        criterion.bench_function(&id(name), |bencher| {
            bencher.iter_batched(
                || server.trainer(done),
                |trainer| trainer.and_then(|mut trainer| trainer.step()),
                BatchSize::PerIteration,
            );
        });
    }
}

fn main() -> Result<(), Error> {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let hyperparameters = Hyperparameters::paper(2)?;
    plans(&mut criterion, &hyperparameters);
    let server = Server::new(&hyperparameters)?;
    server.trainer(hyperparameters.iterations())?;
    training(&mut criterion, &server);
    criterion.final_summary();
    Ok(())
}
