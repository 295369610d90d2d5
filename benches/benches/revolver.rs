//! The skewed products at log N = 14 on the paper's shape, by its default layout and split.
//!
//! Rayon uses all processors: set `RAYON_NUM_THREADS=1` for the time of one.

use std::sync::Arc;

use criterion::Criterion;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_revolver::skewed::{Skewed, Split};
use volley_revolver::volley_ckks::{
    self, Arithmetic, Complex64, Context, Encoder, EvaluationKeySet, Evaluator, Parameters, SecretKey,
    Simulator,
};
use volley_revolver::{Error, Layout, Shape};

/// 400 features and a bias.
const SHAPE: Shape = Shape { samples: 128, columns: 401, classes: 10 };

/// Levels at which the products of a second iteration of two run: weights after the first, errors after the sigmoid.
const FORWARD_LEVEL: usize = 5;
const BACKWARD_LEVEL: usize = 2;

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
        arithmetic: &A,
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

fn bench(criterion: &mut Criterion) -> Result<(), Error> {
    let parameters = Parameters::n14().map_err(volley_ckks::Error::from)?;
    let layout = Layout::new(SHAPE, parameters.max_slots())?;
    let split = Split::on_copies(&layout);
    let (scale, top) = (parameters.scale(), parameters.max_level());

    let simulator = Arc::new(Simulator::new(&parameters));
    let simulated = Operands::new(layout, || Ok(simulator.input(&scale, top)?))?;
    simulated.run(&Skewed::new(&simulator, layout, split)?, &*simulator, |_, product| product().map(drop))?;

    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let context = Context::new(parameters.clone());
    let secret_key = SecretKey::generate(&context, &mut rng);
    let keys = EvaluationKeySet::generate(&secret_key, &simulator.key_spec(), &mut rng)?;
    let evaluator = Arc::new(Evaluator::new(&context, keys)?);
    let values: Vec<_> = (0..layout.slots()).map(|slot| Complex64::cis(slot as f64)).collect();
    let plaintext = Encoder::new(&context).encode(&values, &scale, top)?;
    let operands =
        Operands::new(layout, || Ok(secret_key.encrypt(&plaintext, &mut rng)?.expand(&context)?))?;
    operands.run(&Skewed::new(&evaluator, layout, split)?, &*evaluator, |name, product| {
        product()?;
        let id = format!("revolver/{name}/N={}", parameters.degree());
        criterion.bench_function(&id, |bencher| bencher.iter(product));
        Ok(())
    })
}

fn main() -> Result<(), Error> {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    bench(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
