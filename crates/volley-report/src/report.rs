//! What is known of a training: the data of the table, the page and the JSON.

use serde::Serialize;

use crate::curves::{Accuracies, Curves};
use crate::examples::{Confusion, Example};

/// A training on encrypted rows. Accuracies and agreement are fractions.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the rows are, for a reader.
    pub data: String,
    /// How features were prepared and steps taken.
    pub profile: String,
    /// The parameters of the scheme.
    pub parameters: Parameters,
    /// Rows trained on.
    pub samples: usize,
    /// Rows tested on.
    pub test_samples: usize,
    /// Validation rows, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_samples: Option<usize>,
    /// Columns, without the bias.
    pub features: usize,
    /// Different labels.
    pub classes: usize,
    /// What the owner sends, evaluation keys aside.
    pub upload: Upload,
    /// The evaluation keys.
    pub keys: Keys,
    /// What was measured; None where only the model is known.
    #[serde(flatten)]
    pub run: Option<Run>,
    /// max |encrypted − plain| / max |plain| over the weights after the last iteration.
    pub max_relative_weight_error: f64,
    /// Share of the test rows for which both models predict the same class.
    pub prediction_agreement: f64,
    /// How good the models are, iteration by iteration.
    pub curves: Curves,
    /// How the decrypted model confuses the classes of the test rows.
    pub confusion: Confusion,
    /// Empty where the features are not those of known images.
    pub examples: Vec<Example>,
}

/// What was measured of a run on ciphertexts.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Threads that the run could use.
    pub threads: usize,
    /// The phases, in the order in which they ran.
    pub phases: Vec<Phase>,
    /// What the server took: set-up of the copies and all iterations.
    pub server_seconds: f64,
    /// The iterations, in their order.
    pub iterations: Vec<Iteration>,
    /// None where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
    /// What the server did.
    pub operations: Operations,
}

/// The parameters of the scheme.
#[derive(Clone, Debug, Serialize)]
pub struct Parameters {
    /// log₂ of the ring degree.
    pub log_n: u32,
    /// log₂ of the largest modulus of a ciphertext.
    pub log_q: f64,
    /// The same with the special primes.
    pub log_qp: f64,
    /// Level at which data is encrypted.
    pub data_level: usize,
    /// None where no security is claimed.
    pub security_bits: Option<u32>,
}

/// What the owner sends before training, evaluation keys aside.
#[derive(Clone, Debug, Serialize)]
pub struct Upload {
    /// Features, labels and 1/B.
    pub ciphertexts: usize,
    /// Their bytes in files.
    pub bytes: u64,
}

/// The evaluation keys.
#[derive(Clone, Debug, Serialize)]
pub struct Keys {
    /// Rotations and the relinearization.
    pub count: usize,
    /// Their bytes in files.
    pub bytes: u64,
}

/// A part of the run.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// What is done.
    pub name: String,
    /// Who does it.
    pub party: Party,
    /// What it took.
    pub seconds: f64,
}

/// Who does a part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// Whoever has the data and the secret key.
    Owner,
    /// Whoever trains.
    Server,
    /// Each for itself.
    Both,
}

/// One iteration of the training.
#[derive(Clone, Debug, Serialize)]
pub struct Iteration {
    /// Its number, from 1.
    pub iteration: usize,
    /// What it took.
    pub seconds: f64,
    /// Level of the weights after it.
    pub level: usize,
    /// Whether the iteration ended with a refresh, which the level comes from.
    pub refreshed: bool,
    /// log₂ of the modulus at that level.
    pub log_q: f64,
    /// −log₂ of max |encrypted − plain| / max |plain| over the weights.
    pub weight_precision_bits: f64,
    /// Accuracy on the test rows.
    pub accuracy_encrypted: f64,
    /// The same for the training in clear.
    pub accuracy_plain: f64,
    /// Accuracy on the validation rows, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
}

/// How often the server did the operations that cost most.
#[derive(Clone, Debug, Serialize)]
pub struct Operations {
    /// Rotations that share nothing.
    pub rotations: usize,
    /// Rotations of a ciphertext that was decomposed once.
    pub hoisted_rotations: usize,
    /// Products of ciphertexts.
    pub products: usize,
    /// Relinearizations of sums of products.
    pub relinearizations: usize,
}

impl Report {
    /// How good the decrypted model is.
    #[must_use]
    pub fn accuracies(&self) -> Accuracies {
        self.curves.encrypted.last()
    }

    /// Bits of the largest weight that agree with the training in clear.
    #[must_use]
    pub fn weight_precision_bits(&self) -> f64 {
        -self.max_relative_weight_error.log2()
    }
}

#[cfg(test)]
pub(crate) mod tests;
