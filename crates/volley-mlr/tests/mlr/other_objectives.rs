//! Linear and Poisson regression as objectives of the same encrypted training, made of public items only: whoever has
//! another generalised linear model begins here.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_mlr::volley_ckks::costs::CostModel;
use volley_mlr::volley_ckks::polynomial::{Basis, Masked};
use volley_mlr::volley_ckks::{
    self, Arithmetic, Ciphertext, Complex64, Context, Encoder, EvaluationKeySet, Evaluator, Polynomial,
    PolynomialCircuit, SecretKey, Security,
};
use volley_mlr::volley_revolver::plan::{Demands, Plan, RingChoice};
use volley_mlr::volley_revolver::{Layout, Shape};
use volley_mlr::{
    EncryptedData, EncryptedModel, Error, LearningRate, MaskedMean, Momentum, Nesterov, Objective,
    TrainingCircuit, UpdateRule,
};

/// A generalised linear model whose mean is a polynomial in the score.
#[derive(Clone, Debug)]
struct PolynomialMean {
    /// In powers of the score.
    mean: Polynomial,
    /// log₂ of a bound on the scores.
    log_headroom: i32,
}

impl PolynomialMean {
    fn new(coefficients: &[f64], log_headroom: i32) -> Self {
        let mean = Polynomial::new(Basis::Monomial, coefficients.to_vec()).unwrap();
        Self { mean, log_headroom }
    }

    /// μ(z) = z.
    fn linear_regression() -> Self {
        Self::new(&[0.0, 1.0], 3)
    }

    /// μ(z) = exp z, by its Taylor polynomial: right to 10⁻³ up to |z| = 1.
    fn poisson_regression() -> Self {
        Self::new(&[1.0, 1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0], 1)
    }
}

impl Objective for PolynomialMean {
    fn levels(&self) -> usize {
        self.mean.levels()
    }

    fn log_headroom(&self) -> i32 {
        self.log_headroom
    }

    fn mean_at_zero(&self) -> f64 {
        self.mean.coefficients()[0]
    }

    fn mean<A: Arithmetic>(
        &self,
        arithmetic: &A,
        scores: &A::Ciphertext,
        of: &MaskedMean<'_>,
    ) -> Result<A::Ciphertext, Error> {
        let (required, level) = (self.levels(), arithmetic.operand(scores).level);
        if level < required {
            return Err(volley_ckks::Error::LevelExhausted { level, required }.into());
        }
        let coefficients = self.mean.coefficients().iter().enumerate();
        let scaled = coefficients
            .map(|(power, c)| of.output_factor * c * of.argument_factor.powi(power as i32))
            .collect();
        let circuit = PolynomialCircuit::new(&Polynomial::new(Basis::Monomial, scaled)?);
        Ok(circuit.evaluate(arithmetic, scores, of.scale, &Masked(of.mask))?)
    }
}

/// Samples with a bias, two targets each, and 1/B.
struct Data {
    features: Array2<f64>,
    targets: Array2<f64>,
    inverse: Array1<f64>,
}

impl Data {
    /// Targets around the means of true weights; `curvature` bounds μ′ on the scores.
    fn new(samples: usize, columns: usize, curvature: f64, mean: impl Fn(f64) -> f64) -> Self {
        let wave = |i: usize, j: usize| (((i * 37 + j * 101) % 64) as f64 / 32.0 - 1.0) * 0.5;
        let features =
            Array2::from_shape_fn((samples, columns), |(i, j)| if j == 0 { 1.0 } else { wave(i, j) });
        let truth = Array2::from_shape_fn((2, columns), |(k, j)| wave(j, 7 * k + 3) * 0.6);
        let noise = Array2::from_shape_fn((samples, 2), |(i, k)| 0.05 * wave(3 * i, k));
        let targets = features.dot(&truth.t()).mapv(mean) + noise;
        let gram = features.t().dot(&features);
        let inverse =
            gram.rows().into_iter().map(|row| 1.0 / (curvature * row.mapv(f64::abs).sum())).collect();
        Self { features, targets, inverse }
    }

    /// The weights after each iteration, in clear.
    fn train(&self, objective: &PolynomialMean, rule: &UpdateRule) -> Vec<Array2<f64>> {
        let momentum = Momentum::limited(rule.momentum_limit());
        let mut nesterov = Nesterov::new(2, self.features.ncols(), momentum);
        (1..=rule.iterations())
            .map(|iteration| {
                let means = self.features.dot(&nesterov.velocity().t()).mapv(|z| objective.mean.value(z));
                let rate = rule.learning_rate().factor(iteration, self.features.nrows());
                let step = rate * (&self.targets - &means).t().dot(&self.features) * &self.inverse;
                nesterov.advance(&step, rule.weight_decay());
                nesterov.weights().clone()
            })
            .collect()
    }

    fn encrypt(&self, plan: &Plan, key: &SecretKey, rng: &mut ChaCha20Rng) -> EncryptedData<Ciphertext> {
        let (layout, parameters) = (plan.layout(), plan.parameters());
        let encoder = Encoder::new(key.context());
        let mut encrypt = |slots: &Vec<Complex64>| {
            let plaintext = encoder.encode(slots, &parameters.scale(), parameters.max_level()).unwrap();
            key.encrypt(&plaintext, rng).unwrap().expand(key.context()).unwrap()
        };
        let mut all = |vectors: Vec<Vec<Complex64>>| -> Vec<_> { vectors.iter().map(&mut encrypt).collect() };
        EncryptedData {
            layout,
            features: layout.pack_features(&self.features).unwrap().into_iter().map(&mut all).collect(),
            labels: all(layout.pack_labels(&self.targets).unwrap()),
            preconditioner: all(layout.pack_columns(&self.inverse).unwrap()),
        }
    }
}

fn decrypted(layout: Layout, key: &SecretKey, model: &EncryptedModel<Ciphertext>) -> Array2<f64> {
    let encoder = Encoder::new(key.context());
    let mut weights = Array2::zeros((layout.shape().classes, layout.shape().columns));
    for (factor, blocks) in &model.terms {
        let slots: Vec<_> =
            blocks.iter().map(|block| encoder.decode(&key.decrypt(block).unwrap()).unwrap()).collect();
        weights.scaled_add(*factor, &layout.unpack_weights(&slots).unwrap());
    }
    weights
}

fn largest(values: &Array2<f64>) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Trains encrypted and in clear: all iterations are the same, and the last weights explain the targets.
fn check(objective: &PolynomialMean, data: &Data, iterations: usize) {
    let rule = UpdateRule::new(iterations, LearningRate::Constant(1.0), 0.01).unwrap();
    let circuit = TrainingCircuit::new(objective.clone(), rule.clone());
    let (samples, columns) = data.features.dim();
    let shape = Shape { samples, columns, classes: 2 };
    let demands = Demands { ring: RingChoice::LogN(9), security: Security::Unchecked, ..Demands::default() };
    let plan = Plan::cheapest(shape, &circuit, demands, &CostModel::default()).unwrap();
    assert_eq!(plan.parameters().max_level(), 3 + (iterations - 1) * (2 + objective.levels()));

    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let context = Context::new(plan.parameters().clone());
    let key = SecretKey::generate(&context, &mut rng);
    let keys = EvaluationKeySet::generate(&key, plan.key_spec(), &mut rng).unwrap();
    let evaluator = Arc::new(Evaluator::new(&context, keys).unwrap());
    let mut trainer = circuit.trainer(&evaluator, &plan, data.encrypt(&plan, &key, &mut rng)).unwrap();
    let in_clear = data.train(objective, &rule);
    for expected in &in_clear {
        trainer.step().unwrap().unwrap();
        let weights = decrypted(plan.layout(), &key, &trainer.model().unwrap());
        let error = largest(&(weights - expected)) / largest(expected);
        assert!(error < 1e-5, "{error:e}");
    }
    assert_eq!(trainer.step().unwrap(), None);
    assert_eq!(&evaluator.counts(), plan.counts(), "the plan is what runs");

    let residual = |weights: &Array2<f64>| {
        let means = data.features.dot(&weights.t()).mapv(|z| objective.mean.value(z));
        (&data.targets - &means).mapv(|error| error * error).sum()
    };
    let (none, trained) = (residual(&Array2::zeros((2, columns))), residual(&in_clear[iterations - 1]));
    assert!(trained < 0.5 * none, "{trained} of {none} are left");
}

#[test]
fn linear_regression_trains_as_in_clear() {
    check(&PolynomialMean::linear_regression(), &Data::new(90, 6, 1.0, |z| z), 4);
}

#[test]
fn poisson_regression_trains_as_in_clear() {
    check(&PolynomialMean::poisson_regression(), &Data::new(90, 6, 2.0, f64::exp), 3);
}

#[test]
fn a_run_without_the_levels_is_refused() {
    let (objective, data) = (PolynomialMean::poisson_regression(), Data::new(20, 4, 2.0, f64::exp));
    let rule = |iterations| UpdateRule::new(iterations, LearningRate::Constant(1.0), 0.0).unwrap();
    let shape = Shape { samples: 20, columns: 4, classes: 2 };
    let demands = Demands { ring: RingChoice::LogN(8), security: Security::Unchecked, ..Demands::default() };
    let short = TrainingCircuit::new(objective.clone(), rule(1));
    let plan = Plan::cheapest(shape, &short, demands, &CostModel::default()).unwrap();
    let longer = TrainingCircuit::new(objective, rule(2));
    let refusal = Plan::of(&longer, plan.parameters(), plan.layout(), plan.split(), &CostModel::default());
    let Err(Error::Matrix(error)) = refusal.map(drop) else { panic!("one iteration has the levels of two") };
    assert_eq!(error, volley_ckks::Error::LevelExhausted { level: 0, required: 3 }.into());
    // Data of another layout.
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let context = Context::new(plan.parameters().clone());
    let key = SecretKey::generate(&context, &mut rng);
    let keys = EvaluationKeySet::generate(&key, plan.key_spec(), &mut rng).unwrap();
    let evaluator = Arc::new(Evaluator::new(&context, keys).unwrap());
    let mut foreign = data.encrypt(&plan, &key, &mut rng);
    foreign.layout = foreign.layout.with_samples(21).unwrap();
    assert!(matches!(short.trainer(&evaluator, &plan, foreign), Err(Error::LayoutMismatch { .. })));
}
