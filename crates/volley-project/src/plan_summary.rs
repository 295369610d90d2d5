//! A plan as it is shown: before anything is made, and for the file of a job.

use std::fmt;

use serde::Serialize;
use volley_mlr::volley_ckks::Parameters;
use volley_mlr::volley_ckks::bootstrapping::Preset;
use volley_mlr::volley_ckks::costs::{CoreKind, CostModel};
use volley_mlr::{Plan, PlanHash, Profile, RowStorage};
use volley_program::units::{counted, show_bytes, show_duration};
use volley_program::{CoreTimes, ProfileName};

use crate::job_folder::training_bytes;

/// A parameter set in figures.
#[derive(Clone, Debug, Serialize)]
pub struct ParametersSummary {
    log_n: u32,
    log_q: f64,
    log_qp: f64,
    levels: usize,
    /// `None` where no security is claimed.
    security_bits: Option<u32>,
}

impl From<&Parameters> for ParametersSummary {
    fn from(parameters: &Parameters) -> Self {
        Self {
            log_n: parameters.log_n(),
            log_q: parameters.log_q(parameters.max_level()),
            log_qp: parameters.log_qp(),
            levels: parameters.max_level(),
            security_bits: parameters.security().bits(),
        }
    }
}

impl fmt::Display for ParametersSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log_n, log_q, log_qp, levels, security_bits } = self;
        writeln!(f, "parameters       log N {log_n}, log Q {log_q:.0}, log QP {log_qp:.0}, {levels} levels")?;
        match security_bits {
            Some(bits) => write!(f, "security         {bits} bits, classical (eprint 2024/463)"),
            None => f.write_str("security         NONE: parameters for tests, nothing is safe under them"),
        }
    }
}

/// A plan in figures.
#[derive(Clone, Debug, Serialize)]
pub struct PlanSummary {
    plan_hash: String,
    samples: usize,
    features: usize,
    classes: usize,
    iterations: usize,
    /// Why there are so many, where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    iterations_reason: Option<&'static str>,
    profile: Profile,
    /// The rate of the first iteration, which most profiles keep.
    learning_rate: f64,
    sigmoid_degree: usize,
    sigmoid_range: f64,
    parameters: ParametersSummary,
    ciphertexts: usize,
    row_files: usize,
    upload_bytes: u64,
    keys: usize,
    keys_bytes: u64,
    server_memory_bytes: u64,
    /// The upload, and what training writes beside it.
    server_disk_bytes: u64,
    /// Whether the server reads the rows in every iteration: they do not fit the memory that was planned for.
    rows_on_disk: bool,
    key_seconds_on_one_core: f64,
    seconds_on_one_core: Seconds,
    refreshes: Option<Refreshes>,
    shareable: Option<Shareable>,
}

/// Times of a server like this machine, and of servers by the instruction set of their cores.
#[derive(Clone, Debug, Serialize)]
struct Seconds {
    this_machine: f64,
    this_machine_has: String,
    avx512ifma: f64,
    avx512: f64,
    avx2: f64,
    other: f64,
}

impl Seconds {
    fn new(plan: &Plan, core: &CoreTimes) -> Self {
        let built_in = |kind| plan.seconds_on(&CostModel::of(kind));
        Self {
            this_machine: plan.seconds_on(&core.times),
            this_machine_has: core.kind.to_string(),
            avx512ifma: built_in(CoreKind::Avx512Ifma),
            avx512: built_in(CoreKind::Avx512),
            avx2: built_in(CoreKind::Avx2),
            other: built_in(CoreKind::Other),
        }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { this_machine, this_machine_has, avx512ifma, avx512, avx2, other } = self;
        writeln!(
            f,
            "server time      about {} on one core of this machine ({this_machine_has}), set-up included",
            show_duration(*this_machine)
        )?;
        let others = [
            (CoreKind::Avx512Ifma, avx512ifma),
            (CoreKind::Avx512, avx512),
            (CoreKind::Avx2, avx2),
            (CoreKind::Other, other),
        ]
        .map(|(kind, seconds)| format!("{} with {kind}", show_duration(*seconds)));
        write!(f, "                 elsewhere about {}", others.join(", "))
    }
}

/// How often weights are refreshed, and what that leaves of them.
#[derive(Clone, Debug, Serialize)]
struct Refreshes {
    count: usize,
    bootstrapping: &'static str,
    bits: f64,
    weight_range: f64,
}

/// What decryptions may be shared, and what flooding leaves of the weights.
#[derive(Clone, Debug, Serialize)]
struct Shareable {
    statistical_bits: u32,
    decryptions: u32,
    weight_bits: f64,
}

impl PlanSummary {
    /// The summary of a plan with its hash.
    #[must_use]
    pub fn new(plan: &Plan, plan_hash: PlanHash, core: &CoreTimes) -> Self {
        let (shape, hyperparameters) = (plan.layout().shape(), plan.hyperparameters());
        Self {
            plan_hash: plan_hash.to_string(),
            samples: shape.samples,
            features: shape.columns - 1,
            classes: shape.classes,
            iterations: hyperparameters.iterations(),
            iterations_reason: None,
            profile: hyperparameters.profile(),
            learning_rate: hyperparameters.learning_rate().factor(1, shape.samples),
            sigmoid_degree: hyperparameters.sigmoid().degree(),
            sigmoid_range: hyperparameters.sigmoid().half_width(),
            parameters: plan.parameters().into(),
            ciphertexts: plan.upload().ciphertexts,
            row_files: plan.row_files(),
            upload_bytes: plan.upload_bytes(),
            keys: plan.key_spec().key_count(),
            keys_bytes: plan.key_spec().byte_count(),
            server_memory_bytes: plan.memory(1).total(),
            server_disk_bytes: plan.key_spec().byte_count() + plan.upload_bytes() + training_bytes(plan),
            rows_on_disk: plan.storage() == RowStorage::Disk,
            key_seconds_on_one_core: plan.key_seconds_on(&core.times),
            seconds_on_one_core: Seconds::new(plan, core),
            refreshes: plan.bootstrapping().zip(plan.refresh_bits()).map(|(preset, bits)| Refreshes {
                count: plan.refresh_count(),
                bootstrapping: match preset {
                    Preset::Fast => "fast",
                    Preset::Precise => "precise",
                },
                bits,
                weight_range: hyperparameters.weight_range(),
            }),
            shareable: hyperparameters.flooding().zip(plan.shared_bits()).map(|(flooding, weight_bits)| {
                let (statistical_bits, decryptions) = (flooding.statistical_bits(), flooding.decryptions());
                Shareable { statistical_bits, decryptions, weight_bits }
            }),
        }
    }

    /// The same summary, which says why there are so many iterations.
    #[must_use]
    pub fn with_iterations_reason(self, reason: Option<&'static str>) -> Self {
        Self { iterations_reason: reason, ..self }
    }
}

impl fmt::Display for PlanSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { samples, features, classes, .. } = self;
        let [samples, features] = [counted(*samples, "sample"), counted(*features, "feature")];
        writeln!(f, "data             {samples} × {features}, {classes} classes")?;
        let (degree, range) = (self.sigmoid_degree, self.sigmoid_range);
        let profile = ProfileName::from(self.profile);
        let reason = self.iterations_reason.map_or(String::new(), |reason| format!(" ({reason})"));
        writeln!(
            f,
            "training         {}{reason}, profile {profile}, rate {:.3}, sigmoid of degree {degree} on \
             [-{range}, {range}]",
            counted(self.iterations, "iteration"),
            self.learning_rate
        )?;
        writeln!(f, "{}", self.parameters)?;
        let (ciphertexts, files) =
            (counted(self.ciphertexts, "ciphertext"), counted(self.row_files, "row file"));
        writeln!(f, "upload           {ciphertexts} in {files}, {}", show_bytes(self.upload_bytes))?;
        writeln!(f, "evaluation keys  {}, {}", counted(self.keys, "key"), show_bytes(self.keys_bytes))?;
        writeln!(
            f,
            "owner time       about {} for the keys on one core of this machine",
            show_duration(self.key_seconds_on_one_core)
        )?;
        let rows = if self.rows_on_disk { "; the rows are read in every iteration" } else { "" };
        writeln!(f, "server memory    {} with one thread{rows}", show_bytes(self.server_memory_bytes))?;
        writeln!(f, "server disk      {}, upload and keys included", show_bytes(self.server_disk_bytes))?;
        writeln!(f, "{}", self.seconds_on_one_core)?;
        if let Some(Refreshes { count, bootstrapping, bits, weight_range }) = &self.refreshes {
            writeln!(
                f,
                "refreshes        {count} by {bootstrapping} bootstrapping, which keeps {bits:.0} bits of weights \
                 within [-{weight_range}, {weight_range}]"
            )?;
        }
        match &self.shareable {
            Some(Shareable { statistical_bits, decryptions, weight_bits }) => write!(
                f,
                "shareable        {} with {statistical_bits} bits of statistical security, \
                 which leaves {weight_bits:.0} bits of the weights",
                counted(*decryptions as usize, "decryption")
            ),
            None => f.write_str("shareable        no: the decrypted model must stay with its owner"),
        }
    }
}
