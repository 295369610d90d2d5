//! What the experiment measured: as JSON, and as a table beside the paper's figures.

use std::fmt;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use volley_program::units::{percent, show_bytes, show_seconds};

use super::curves::Curves;
use super::examples::{Confusion, Example};

#[cfg(test)]
pub(super) mod tests;

/// One run of the experiment. Accuracies and agreement are fractions.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// What the rows are, for a reader.
    pub(crate) data: String,
    /// How features were prepared and steps taken.
    pub(crate) profile: String,
    pub(crate) parameters: Parameters,
    /// Threads that the run could use.
    pub(crate) threads: usize,
    /// Rows trained on.
    pub(crate) samples: usize,
    /// Rows tested on.
    pub(crate) test_samples: usize,
    /// Columns, without the bias.
    pub(crate) features: usize,
    pub(crate) classes: usize,
    pub(crate) upload: Upload,
    pub(crate) keys: Keys,
    /// In the order in which they ran.
    pub(crate) phases: Vec<Phase>,
    /// What the server took: set-up of the copies and all iterations.
    pub(crate) server_seconds: f64,
    pub(crate) iterations: Vec<Iteration>,
    /// max |encrypted − plain| / max |plain| over the weights after the last iteration.
    pub(crate) max_relative_weight_error: f64,
    /// Share of the test rows for which both models predict the same class.
    pub(crate) prediction_agreement: f64,
    /// None where the system does not tell.
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) operations: Operations,
    pub(crate) curves: Curves,
    /// Of the decrypted model, on the test rows.
    pub(crate) confusion: Confusion,
    /// Empty where the features are not those of known images.
    pub(crate) examples: Vec<Example>,
}

/// The parameters of the scheme.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Parameters {
    pub(crate) log_n: u32,
    pub(crate) log_q: f64,
    pub(crate) log_qp: f64,
    /// Level at which data is encrypted.
    pub(crate) data_level: usize,
    /// None where no security is claimed.
    pub(crate) security_bits: Option<u32>,
}

/// What the owner sends before training, evaluation keys aside.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Upload {
    pub(crate) ciphertexts: usize,
    pub(crate) bytes: u64,
}

/// The evaluation keys.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Keys {
    pub(crate) count: usize,
    pub(crate) bytes: u64,
}

/// A part of the run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) party: Party,
    pub(crate) seconds: f64,
}

/// Who does a part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Party {
    Owner,
    Server,
    /// Each for itself.
    Both,
}

/// One iteration of the training.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Iteration {
    /// From 1.
    pub(crate) iteration: usize,
    pub(crate) seconds: f64,
    /// Level of the weights after it.
    pub(crate) level: usize,
    /// Whether the iteration ended with a refresh, which the level comes from.
    pub(crate) refreshed: bool,
    /// log₂ of the modulus at that level.
    pub(crate) log_q: f64,
    /// −log₂ of max |encrypted − plain| / max |plain| over the weights.
    pub(crate) weight_precision_bits: f64,
    /// On the test rows.
    pub(crate) accuracy_encrypted: f64,
    pub(crate) accuracy_plain: f64,
}

/// How often the server did what costs most.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Operations {
    pub(crate) rotations: usize,
    pub(crate) hoisted_rotations: usize,
    pub(crate) products: usize,
    pub(crate) relinearizations: usize,
}

/// The paper's test accuracies after its two iterations, in per cent.
pub(super) const PAPER_ACCURACY: [&str; 2] = ["20.48 %", "21.49 %"];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.overview(), self.progress())
    }
}

impl Report {
    fn overview(&self) -> Table {
        let mut table = table(&["", "this run", "paper (arXiv 2304.03807)"]);
        let mut row = |name: &str, here: String, paper: &str| {
            table.add_row([name, &here, paper]);
        };
        let Self { parameters, upload, keys, operations, .. } = self;
        row(
            "data",
            format!("{} samples × {} features", self.samples, self.features),
            "128 samples × 400 features",
        );
        row("classes", self.classes.to_string(), "10");
        row(
            "parameters",
            format!(
                "log N {}, log Q {:.0}, log QP {:.0}",
                parameters.log_n, parameters.log_q, parameters.log_qp
            ),
            "log N 16, log Q 990",
        );
        let security = parameters.security_bits.map(|bits| format!("{bits} bits (eprint 2024/463)"));
        row("security", security.unwrap_or_else(|| "none: unchecked parameters".into()), "128 bits claimed");
        row(
            "uploaded",
            format!("{} ciphertexts, {}", upload.ciphertexts, show_bytes(upload.bytes)),
            "6 ciphertexts",
        );
        row("evaluation keys", format!("{} keys, {}", keys.count, show_bytes(keys.bytes)), "");
        row("threads", self.threads.to_string(), "64 vCPUs");
        for phase in &self.phases {
            row(&phase.name, show_seconds(phase.seconds), "");
        }
        row("server, in all", show_seconds(self.server_seconds), "about 21 min");
        row(
            "operations",
            format!("{} rotations, {} hoisted", operations.rotations, operations.hoisted_rotations),
            "",
        );
        row(
            "",
            format!("{} products, {} relinearizations", operations.products, operations.relinearizations),
            "",
        );
        row("peak memory", self.peak_memory_bytes.map_or_else(|| "unknown".into(), show_bytes), "18.5 GB");
        row("largest weight difference", format!("{:.1e} (relative)", self.max_relative_weight_error), "");
        row("equal predictions", percent(self.prediction_agreement), "");
        table
    }

    fn progress(&self) -> Table {
        let mut table = table(&["iteration", "time", "level left", "test accuracy", "in clear", "paper"]);
        for (index, iteration) in self.iterations.iter().enumerate() {
            table.add_row([
                iteration.iteration.to_string(),
                show_seconds(iteration.seconds),
                format!("{}{}", if iteration.refreshed { "refreshed: " } else { "" }, iteration.level),
                percent(iteration.accuracy_encrypted),
                percent(iteration.accuracy_plain),
                PAPER_ACCURACY.get(index).copied().unwrap_or_default().to_owned(),
            ]);
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

/// An empty table in the style of the report.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table
}
