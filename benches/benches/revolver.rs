//! The skewed products at log N = 14 on the paper's shape, by its default layout and split, and the classic product
//! beside the skewed one.
//!
//! Rayon uses all processors: set `RAYON_NUM_THREADS=1` for the time of one.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_revolver::classic::{Classic, ClassicLayout};
use volley_revolver::skewed::{Skewed, Split};
use volley_revolver::volley_ckks::{
    self, Arithmetic, Ciphertext, Complex64, Context, Encoder, EvaluationKeySet, Evaluator, Parameters,
    Plaintext, SecretKey, Simulator,
};
use volley_revolver::{Error, Layout, Shape};

/// 400 features and a bias.
const SHAPE: Shape = Shape { samples: 128, columns: 401, classes: 10 };

/// Levels at which the products of a second iteration of two run: weights after the first, errors after the sigmoid.
const FORWARD_LEVEL: usize = 5;
const BACKWARD_LEVEL: usize = 2;

/// Rows that the classic layout has room for beside 401 columns: 512 of the 8192 slots each.
const CLASSIC_ROWS: usize = 16;

/// Levels that the classic product takes. The fourth is for ten classes, which do not divide its rows.
const CLASSIC_LEVEL: usize = 4;
const SKEWED_LEVEL: usize = 1;

/// The matrices as ciphertexts: features by group and column block, weights by column block, errors by group.
struct Operands<C> {
    features: Vec<Vec<C>>,
    weights: Vec<C>,
    errors: Vec<C>,
}

impl<C> Operands<C> {
    fn new(layout: Layout, mut make: impl FnMut() -> Result<C, Error>) -> Result<Self, Error> {
        let mut several = |count| (0..count).map(|_| make()).collect::<Result<Vec<C>, Error>>();
        let blocks = layout.column_blocks();
        Ok(Self {
            features: (0..layout.groups()).map(|_| several(blocks)).collect::<Result<_, _>>()?,
            weights: several(blocks)?,
            errors: several(layout.groups())?,
        })
    }

    /// Makes copies and gives both products to `watch`, which may repeat them.
    fn run<A: Arithmetic<Ciphertext = C>>(
        &self,
        skewed: &Skewed<A>,
        arithmetic: &Arc<A>,
        mut watch: impl FnMut(&str, &dyn Fn() -> Result<Vec<C>, Error>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let at = |ciphertexts: &[C], level| -> Result<Vec<C>, Error> {
            ciphertexts.iter().map(|a| Ok(arithmetic.drop_level(a, level)?)).collect()
        };
        let (weights, errors) = (at(&self.weights, FORWARD_LEVEL)?, at(&self.errors, BACKWARD_LEVEL)?);
        let forward = |features: &Vec<C>| skewed.forward_copies(features, FORWARD_LEVEL);
        let forward = self.features.iter().map(forward).collect::<Result<Vec<_>, Error>>()?;
        watch("forward", &|| skewed.forward_all(&forward, &weights))?;
        let backward = |features: &Vec<C>| skewed.backward_copies(features, BACKWARD_LEVEL);
        let backward = self.features.iter().map(backward).collect::<Result<Vec<_>, Error>>()?;
        watch("backward", &|| skewed.backward(&backward, &errors))
    }
}

/// An evaluator with the keys that a simulated run used, and a source of ciphertexts at the highest level.
struct Server {
    secret_key: SecretKey,
    evaluator: Arc<Evaluator>,
    plaintext: Plaintext,
    rng: ChaCha20Rng,
}

impl Server {
    fn new(simulator: &Simulator) -> Result<Self, Error> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let parameters = simulator.parameters().clone();
        let (scale, top) = (parameters.scale(), parameters.max_level());
        let values: Vec<_> = (0..parameters.max_slots()).map(|slot| Complex64::cis(slot as f64)).collect();
        let context = Context::new(parameters);
        let secret_key = SecretKey::generate(&context, &mut rng);
        let keys = EvaluationKeySet::generate(&secret_key, &simulator.key_spec(), &mut rng)?;
        let evaluator = Arc::new(Evaluator::new(&context, keys)?);
        let plaintext = Encoder::new(&context).encode(&values, &scale, top)?;
        Ok(Self { secret_key, evaluator, plaintext, rng })
    }

    fn encrypt(&mut self) -> Result<Ciphertext, Error> {
        let seeded = self.secret_key.encrypt(&self.plaintext, &mut self.rng)?;
        Ok(seeded.expand(self.evaluator.context())?)
    }
}

fn bench_training(criterion: &mut Criterion) -> Result<(), Error> {
    let parameters = Parameters::n14().map_err(volley_ckks::Error::from)?;
    let layout = Layout::new(SHAPE, parameters.max_slots())?;
    let split = Split::on_copies(&layout);

    let simulator = Arc::new(Simulator::new(&parameters));
    let simulated =
        Operands::new(layout, || Ok(simulator.input(&parameters.scale(), parameters.max_level())?))?;
    simulated.run(&Skewed::new(&simulator, layout, split)?, &simulator, |_, product| product().map(drop))?;

    let mut server = Server::new(&simulator)?;
    let operands = Operands::new(layout, || server.encrypt())?;
    let evaluator = &server.evaluator;
    operands.run(&Skewed::new(evaluator, layout, split)?, evaluator, |name, product| {
        product()?;
        let id = format!("revolver/{name}/N={}", parameters.degree());
        criterion.bench_function(&id, |bencher| bencher.iter(product));
        Ok(())
    })
}

/// The classic product.
fn classic<A: Arithmetic>(
    arithmetic: &Arc<A>,
    layout: ClassicLayout,
    [features, weights]: [&A::Ciphertext; 2],
) -> Result<A::Ciphertext, Error> {
    let at = |a| arithmetic.drop_level(a, CLASSIC_LEVEL);
    Classic::new(arithmetic, layout).multiply(&at(features)?, &at(weights)?)
}

/// The skewed product, with the copies of the features that a training makes once.
fn skewed<A: Arithmetic>(
    arithmetic: &Arc<A>,
    layout: Layout,
    [features, weights]: [&A::Ciphertext; 2],
) -> Result<Vec<A::Ciphertext>, Error> {
    let skewed = Skewed::new(arithmetic, layout, Split::on_copies(&layout))?;
    let copies = skewed.forward_copies(&vec![features.clone(); layout.column_blocks()], SKEWED_LEVEL)?;
    let weights = arithmetic.drop_level(weights, SKEWED_LEVEL)?;
    skewed.forward_all(&vec![copies; layout.groups()], &vec![weights; layout.column_blocks()])
}

/// The product of 16 rows and all weights by both methods, from the same ciphertexts and each at the level that it
/// needs.
fn bench_methods(criterion: &mut Criterion) -> Result<(), Error> {
    let parameters = Parameters::n14().map_err(volley_ckks::Error::from)?;
    let shape = Shape { samples: CLASSIC_ROWS, ..SHAPE };
    let classic_layout =
        ClassicLayout::new(shape.samples, shape.columns, shape.classes, parameters.max_slots())?;
    let skewed_layout = Layout::new(shape, parameters.max_slots())?;

    let simulator = Arc::new(Simulator::new(&parameters));
    let input = simulator.input(&parameters.scale(), parameters.max_level())?;
    classic(&simulator, classic_layout, [&input; 2])?;
    skewed(&simulator, skewed_layout, [&input; 2])?;

    let mut server = Server::new(&simulator)?;
    let [features, weights] = [server.encrypt()?, server.encrypt()?];
    let evaluator = &server.evaluator;
    let operands = [&features, &weights];
    let mut group = criterion.benchmark_group("revolver");
    let id = |name: &str| BenchmarkId::new(name, format!("N={}", parameters.degree()));
    group.bench_function(id("product-classic"), |bencher| {
        bencher.iter(|| classic(evaluator, classic_layout, operands));
    });
    group.bench_function(id("product-skewed"), |bencher| {
        bencher.iter(|| skewed(evaluator, skewed_layout, operands));
    });
    group.finish();
    Ok(())
}

fn main() -> Result<(), Error> {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    bench_training(&mut criterion)?;
    bench_methods(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
