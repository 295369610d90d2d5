//! Multiclass logistic regression, trained with the quadratic gradient and Nesterov momentum on the squared
//! likelihood error (arXiv 2304.03807).
//!
//! This is the data owner's side in clear: [`Dataset`] and [`ClassLabels`], [`Preprocessing`] and [`Preconditioner`],
//! put together in a [`TrainingSet`]; the [`Reference`], which runs the encrypted algorithm in f64 with the same
//! polynomial and shows what it will do before anyone pays for it; the paper's [`Baseline`]s; and the [`Model`].
//!
//! ```
//! use ndarray::array;
//! use volley_mlr::{Dataset, Hyperparameters, TrainingSet};
//!
//! let data = Dataset::new(array![[0.0, 3.0], [1.0, 2.5], [4.0, 0.5], [5.0, 0.0]], ["left", "left", "right", "right"])?;
//! let hyperparameters = Hyperparameters::standard(3)?;
//! let training_set = TrainingSet::new(&data, hyperparameters.profile())?;
//! for step in training_set.reference(&hyperparameters) {
//!     step.check_range()?;
//!     let model = training_set.model(step.weights)?;
//!     assert_eq!(model.accuracy(&data)?, 1.0);
//! }
//! # Ok::<(), volley_mlr::Error>(())
//! ```
#![forbid(unsafe_code)]

mod baselines;
mod dataset;
mod encrypted;
mod error;
mod hyperparameters;
mod labels;
mod model;
mod nesterov;
mod owner;
mod plan;
mod preconditioner;
mod preprocessing;
mod reference;
#[cfg(test)]
mod testing;
mod trainer;
mod training_set;

pub use baselines::{Baseline, BaselineRun};
pub use dataset::Dataset;
pub use encrypted::{EncryptedData, EncryptedDataset, EncryptedModel};
pub use error::Error;
pub use hyperparameters::{Hyperparameters, LearningRate, Profile};
pub use labels::ClassLabels;
pub use model::Model;
pub use nesterov::{Momentum, Nesterov};
pub use owner::Owner;
pub use plan::Plan;
pub use preconditioner::Preconditioner;
pub use preprocessing::Preprocessing;
pub use reference::{Reference, Step};
pub use trainer::{StepReport, Trainer};
pub use training_set::TrainingSet;
pub use volley_sigmoid;
pub use volley_sigmoid::volley_revolver;
pub use volley_sigmoid::volley_revolver::volley_ckks;
