//! Multiclass logistic regression, trained on CKKS ciphertexts with the quadratic gradient and Nesterov momentum on the
//! squared likelihood error (arXiv 2304.03807).
//!
//! * **The owner** has a [`Dataset`], prepares it ([`TrainingSet`]: [`ClassLabels`], [`Preprocessing`],
//!   [`Preconditioner`]), encrypts it and decrypts the [`Model`] ([`Owner`]).
//! * **The server** has evaluation keys and [`EncryptedData`], and trains ([`Trainer`]). Its types hold nothing else.
//! * **Both** have the [`Plan`], made from the shape of the data and the [`Hyperparameters`] before there is a key.
//! * **Training has four parts,** each of which can be replaced: the source of [`Rows`], the [`Objective`], the
//!   [`UpdateRule`] and the [`Refresh`]. A [`TrainingCircuit`] plans and runs any objective.
//! * **In clear,** [`Reference`] is the same algorithm with the same polynomial in f64. It shows what an encrypted run
//!   will do before anyone pays for it, and [`Recalls`] of rows that are [held out](Dataset::hold_out) how good its model
//!   will be. [`Baseline`]s are the paper's three curves.
//!
//! Where levels do not last for all iterations, the plan [refreshes](Refresh) the weights by bootstrapping. The module
//! [`wire`] writes and reads files of all values.
//!
//! The layer below is [`volley_sigmoid`], re-exported here with the layers under it. This is the last of the layers
//! that compute on ciphertexts. It reads no tables and extracts no features from images, which `volley-data` and
//! `volley-features` do, and it knows of no terminals or networks.
//!
//! ```
//! use std::sync::Arc;
//!
//! use ndarray::array;
//! use rand::{SeedableRng, rngs::SysRng};
//! use rand_chacha::ChaCha20Rng;
//! use volley_mlr::volley_ckks::{Context, EvaluationKeySet, Evaluator, SecretKey};
//! use volley_mlr::volley_revolver::plan::Demands;
//! use volley_mlr::{Dataset, Hyperparameters, Owner, Plan, Trainer, TrainingSet};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let features = array![[0.0, 3.0], [1.0, 2.5], [4.0, 0.5], [5.0, 0.0]];
//! let data = Dataset::new(features, ["left", "left", "right", "right"])?;
//!
//! // Agreed on by both: 4 samples, 2 features, 2 classes; 128-bit security by default.
//! let hyperparameters = Hyperparameters::standard(2)?;
//! let plan = Arc::new(Plan::new(4, 2, 2, &hyperparameters, Demands::default())?);
//!
//! // The owner prepares, makes keys and encrypts.
//! let training_set = Arc::new(TrainingSet::new(&data, hyperparameters.profile())?);
//! let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
//! let context = Context::new(plan.parameters().clone());
//! let secret_key = Arc::new(SecretKey::generate(&context, &mut rng));
//! let keys = EvaluationKeySet::generate(&secret_key, plan.key_spec(), &mut rng)?;
//! let owner = Owner::new(&plan, &training_set, &secret_key)?;
//! let upload = owner.encrypt(&mut rng)?;
//!
//! // The server trains.
//! let evaluator = Arc::new(Evaluator::new(&context, keys)?);
//! let mut trainer = Trainer::new(&evaluator, &plan, upload.expand(&context)?)?;
//! while trainer.step()?.is_some() {}
//! let encrypted_model = trainer.model().ok_or("no iteration")?;
//!
//! // The owner decrypts; training in clear gives the same weights.
//! let model = owner.decrypt(&encrypted_model)?;
//! assert_eq!(model.predict(&array![[0.5, 2.0], [6.0, 1.0]])?, ["left", "right"]);
//! let reference = training_set.reference(&hyperparameters).last().ok_or("no iteration")?;
//! reference.check_range()?;
//! let in_clear = training_set.model(reference.weights)?;
//! assert!((model.weights() - in_clear.weights()).iter().all(|difference| difference.abs() < 1e-4));
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! All are on by default, and none changes a result.
//!
//! * `parallel`: work is shared among rayon's threads.
//! * `wire`: files (the module `wire`), and with them [`Job`] and its names.
//! * `sealing`: secret keys in files that a passphrase seals; it includes `wire`.
//!
//! Models and what prepares data implement `serde`'s traits without any of them.
#![forbid(unsafe_code)]

// The lowest first: error, encrypted, data, preparation, method, clear, training, plan, server, owner, prediction,
// pool, wire. None imports from one that comes after it.
mod clear;
mod data;
mod encrypted;
mod error;
mod method;
mod owner;
mod plan;
pub mod pool;
mod prediction;
mod preparation;
mod server;
#[cfg(test)]
mod testing;
mod training;
#[cfg(feature = "wire")]
pub mod wire;

pub use clear::baselines::{Baseline, BaselineRun};
pub use clear::model::{Model, Sharing};
pub use clear::owner_state::OwnerState;
pub use clear::prepared_rows::PreparedRows;
pub use clear::recalls::Recalls;
pub use clear::reference::{Reference, Step};
pub use clear::score_kind::ScoreKind;
pub use clear::training_set::TrainingSet;
pub use data::dataset::{Dataset, Precision};
pub use data::labels::ClassLabels;
pub use encrypted::{
    EncryptedData, EncryptedDataset, EncryptedGroup, EncryptedGroups, EncryptedModel, ROW_FILE_BYTES,
    RowCiphertext,
};
pub use error::Error;
pub use method::hyperparameters::{Hyperparameters, PoolDisclosure};
pub use method::learning_rate::LearningRate;
pub use method::nesterov::{Momentum, Nesterov};
pub use method::objective::{MaskedMean, Objective};
pub use method::update_rule::UpdateRule;
pub use owner::{Encryption, Owner};
pub use plan::noise::MIN_SHARED_BITS;
pub use plan::{ForMachine, Plan};
pub use prediction::{EncryptedRows, EncryptedScores, PredictionPlan, Predictor};
pub use preparation::preconditioner::Preconditioner;
pub use preparation::preprocessing::{ColumnSpread, Preprocessing, Standardisation, very_unequal_columns};
pub use preparation::profile::Profile;
pub use training::circuit::TrainingCircuit;
pub use training::refresh::{CopyLevels, MAX_ITERATIONS, Refresh};
pub use training::rows::{GroupSource, ResidentRows, RowGroup, RowPreparation, RowStorage, Rows, StoredRows};
pub use training::trainer::{Checkpoint, Gradient, StepPart, StepReport, Trainer};
pub use volley_sigmoid;
pub use volley_sigmoid::volley_revolver;
pub use volley_sigmoid::volley_revolver::volley_ckks;
#[cfg(feature = "wire")]
pub use wire::job::Job;
#[cfg(feature = "wire")]
pub use wire::names::{JobId, PlanHash, RowsHash};
#[cfg(feature = "wire")]
pub use wire::pool_job::PoolJob;
