//! What the unit tests share: data, a small ring, and one owner with a server.

use std::sync::Arc;

use ndarray::Array2;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::data::dataset::largest;
use crate::volley_ckks::{
    Arithmetic, Ciphertext, Context, Encoder, EvaluationKeySet, Evaluator, SecretKey, Security,
    SimulatedCiphertext, Simulator,
};
use crate::volley_revolver::Layout;
use crate::volley_revolver::plan::{Demands, RingChoice};
use crate::volley_revolver::skewed::Split;
use crate::{
    Dataset, EncryptedDataset, EncryptedModel, Error, Hyperparameters, Owner, Plan, Refresh, Trainer,
    TrainingSet,
};

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Gaussian-like clouds around one centre for each class, one column dead and one nearly so. Labels are
/// "class 0", "class 1", …
pub(crate) fn clouds(samples: usize, columns: usize, classes: usize) -> Dataset {
    labelled_clouds(samples, columns, classes, |class| format!("class {class}"))
}

/// Clouds with other labels.
pub(crate) fn labelled_clouds(
    samples: usize,
    columns: usize,
    classes: usize,
    label: impl Fn(usize) -> String,
) -> Dataset {
    let mut rng = rng(5);
    let mut unit = || rng.next_u64() as f64 / u64::MAX as f64;
    let centres = Array2::from_shape_fn((classes, columns), |_| 2.0 * unit());
    let mut features =
        Array2::from_shape_fn((samples, columns), |(i, j)| centres[[i % classes, j]] + unit() + unit());
    features.column_mut(columns - 1).fill(0.0);
    features.column_mut(columns - 2).fill(1e-6);
    features[[0, columns - 2]] = 2e-6;
    Dataset::new(features, (0..samples).map(|i| label(i % classes))).unwrap()
}

/// max |found − expected| / max |expected|.
pub(crate) fn relative_error(found: &Array2<f64>, expected: &Array2<f64>) -> f64 {
    largest(&(found - expected)) / largest(expected)
}

pub(crate) fn small_ring(log_n: u32) -> Demands {
    Demands { ring: RingChoice::LogN(log_n), security: Security::Unchecked, ..Demands::default() }
}

/// A refresh by whoever has the key; without a key, that of a simulator.
#[derive(Debug)]
pub(crate) struct Reencryption {
    pub(crate) level: usize,
    pub(crate) key: Option<Arc<SecretKey>>,
}

impl Refresh<Simulator> for Reencryption {
    fn output_level(&self) -> usize {
        self.level
    }

    fn refresh(&self, simulator: &Simulator, a: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        simulator.drop_level(a, 1)?;
        Ok(simulator.existing(&simulator.parameters().scale(), self.level)?)
    }
}

impl Refresh<Evaluator> for Reencryption {
    fn output_level(&self) -> usize {
        self.level
    }

    /// Refuses slots that are too large for a bootstrapping.
    fn refresh(&self, _: &Evaluator, a: &Ciphertext) -> Result<Ciphertext, Error> {
        let key = self.key.as_deref().unwrap();
        let encoder = Encoder::new(key.context());
        let slots = encoder.decode(&key.decrypt(a)?)?;
        let weight = slots.iter().map(|slot| slot.norm()).fold(0.0, f64::max);
        if weight > 1.0 {
            return Err(Error::WeightsOutOfRange { iteration: 0, weight, range: 1.0 });
        }
        let plaintext = encoder.encode(&slots, &key.context().parameters().scale(), self.level)?;
        Ok(key.encrypt(&plaintext, &mut rng(8))?.expand(key.context())?)
    }
}

/// One owner and what the server gets. Everything random is the same each time.
pub(crate) struct Setup {
    pub(crate) training_set: Arc<TrainingSet>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) context: Arc<Context>,
    pub(crate) secret_key: Arc<SecretKey>,
}

impl Setup {
    pub(crate) fn new(data: &Dataset, hyperparameters: &Hyperparameters, demands: Demands) -> Self {
        let (samples, features) = data.features().dim();
        let classes = TrainingSet::new(data, hyperparameters.profile()).unwrap().classes().len();
        let plan = Plan::new(samples, features, classes, hyperparameters, demands).unwrap();
        Self::of(data, hyperparameters, plan)
    }

    /// A setup with the classes in blocks of `period`, under the parameters of a plan that has them in one block.
    pub(crate) fn in_class_blocks(
        data: &Dataset,
        hyperparameters: &Hyperparameters,
        demands: Demands,
        period: usize,
    ) -> Self {
        let single = Self::new(data, hyperparameters, demands).plan;
        let layout = single.layout();
        let layouts = Layout::with_period(layout.shape(), layout.slots(), period).unwrap();
        let layout = layouts[layouts.len() - 1];
        assert!(layout.class_blocks() > 1);
        let (parameters, split) = (single.parameters(), Split::on_copies(&layout));
        let plan = Plan::restore(&single.training(), parameters, layout, split).unwrap();
        Self::of(data, hyperparameters, plan)
    }

    /// A setup with a plan that was made by other means.
    pub(crate) fn of(data: &Dataset, hyperparameters: &Hyperparameters, plan: Plan) -> Self {
        let training_set = Arc::new(TrainingSet::new(data, hyperparameters.profile()).unwrap());
        let context = Context::new(plan.parameters().clone());
        let secret_key = Arc::new(SecretKey::generate(&context, &mut rng(1)));
        Self { training_set, plan: Arc::new(plan), context, secret_key }
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner::new(&self.plan, &self.training_set, &self.secret_key).unwrap()
    }

    pub(crate) fn evaluator(&self) -> Arc<Evaluator> {
        let keys = EvaluationKeySet::generate(&self.secret_key, self.plan.key_spec(), &mut rng(2)).unwrap();
        assert_eq!(keys.spec(self.plan.parameters()).as_ref(), Ok(self.plan.key_spec()));
        Arc::new(Evaluator::new(&self.context, keys).unwrap())
    }

    pub(crate) fn upload(&self) -> EncryptedDataset {
        self.owner().encrypt(&mut rng(3)).unwrap()
    }

    /// The model after the last iteration.
    pub(crate) fn train(&self) -> EncryptedModel<Ciphertext> {
        let evaluator = self.evaluator();
        let data = self.upload().expand(&self.context).unwrap();
        let mut trainer = Trainer::new(&evaluator, &self.plan, data).unwrap();
        while trainer.step().unwrap().is_some() {}
        trainer.model().unwrap()
    }
}
