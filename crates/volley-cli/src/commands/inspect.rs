//! `volley inspect`: what a file is.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_mlr::volley_ckks::wire::{Header, Kind, WireError};
use volley_mlr::volley_ckks::{Ciphertext, Context, Parameters, SecretKey};
use volley_mlr::{Checkpoint, EncryptedModel, EncryptedScores, Gradient, Job, PredictionPlan, wire};
use volley_program::units::{grouped, show_bytes};
use volley_program::{BadInput, CoreTimes, OrBadInput};
use volley_project::files::{check_hash, open_named};
use volley_project::{
    ParametersSummary, PlanSummary, checkpoint_limit, gradient_limit, model_limit, open, read_job,
};

use crate::console::shown;
use crate::output::Output;

/// Show what a key or an encrypted file is: kind, parameters, security, sizes, level, names
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley inspect upload/rows-00001.vly

Shows nothing secret, even of a secret key. Parameters and levels are known by
the file's job: it is looked for beside the file unless --job names it.")]
pub(crate) struct Options {
    /// The file
    file: PathBuf,
    /// The job that the file belongs to
    #[arg(long, value_name = "FILE")]
    job: Option<PathBuf>,
}

/// What is public about a file. What is not known is left out.
#[derive(Debug, Serialize)]
struct Inspection {
    file: PathBuf,
    kind: String,
    bytes: u64,
    /// Whether the file is complete and its hash is right.
    intact: bool,
    params_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_hash: Option<String>,
    /// The hash of the encrypted rows that scores belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iteration: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertexts: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<ParametersSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlanSummary>,
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.intact { "intact" } else { "DAMAGED" };
        writeln!(f, "kind             {}", self.kind)?;
        writeln!(f, "size             {}, {state}", show_bytes(self.bytes))?;
        if let Some(sealed) = self.sealed {
            writeln!(f, "sealed           {}", if sealed { "with a passphrase" } else { "no" })?;
        }
        let counts = [
            ("iteration", self.iteration),
            ("rows", self.rows),
            ("ciphertexts", self.ciphertexts),
            ("level", self.level),
        ];
        for (name, count) in counts {
            count.map_or(Ok(()), |count| writeln!(f, "{name:16} {}", grouped(count as u64)))?;
        }
        let names = [
            ("key", &self.key_id),
            ("job", &self.job_id),
            ("plan", &self.plan_hash),
            ("of the rows", &self.rows_hash),
        ];
        for (name, id) in names {
            id.as_ref().map_or(Ok(()), |id| writeln!(f, "{name:16} {id}"))?;
        }
        write!(f, "parameter set    {}", self.params_id)?;
        self.parameters.as_ref().map_or(Ok(()), |parameters| write!(f, "\n{parameters}"))?;
        self.plan.as_ref().map_or(Ok(()), |plan| write!(f, "\n{plan}"))
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let path = &options.file;
    if path.is_dir() {
        return Err(BadInput::at(path, "a folder: name one file in it, such as job.vly").into());
    }
    let header = Header::read(open_named(path)?).map_err(|error| match error {
        WireError::Magic => BadInput::at(
            path,
            format!("{error}: keys and encrypted files are; a model in clear is read by `volley evaluate`"),
        ),
        _ => BadInput::at(path, error),
    })?;
    let state = check_hash(shown(path, open(path)?));
    let mut inspection = Inspection::new(path, &header, state.is_ok())?;
    if state.is_ok() {
        inspection.look_inside(&header, options.job.as_deref())?;
    }
    output.result(&inspection)?;
    Ok(state.at(path)?)
}

impl Inspection {
    /// An inspection with what the header says.
    fn new(path: &Path, header: &Header, intact: bool) -> Result<Self, BadInput> {
        let names = wire::names(header).filter(|_| header.kind != Kind::SECRET_KEY);
        Ok(Self {
            file: path.to_owned(),
            kind: header.kind.to_string(),
            bytes: path.metadata().at(path)?.len(),
            intact,
            params_id: header.params_id.to_string(),
            key_id: header.key_id.map(|id| id.to_string()),
            job_id: names.map(|(job, _)| job.to_string()),
            plan_hash: names.map(|(_, plan)| plan.to_string()),
            rows_hash: wire::rows(header).map(|hash| hash.to_string()),
            sealed: (header.kind == Kind::SECRET_KEY).then(|| SecretKey::is_sealed(header)),
            iteration: None,
            rows: None,
            ciphertexts: None,
            level: None,
            parameters: None,
            plan: None,
        })
    }

    /// Adds what is known by the kind of file, or by the job.
    fn look_inside(&mut self, header: &Header, job: Option<&Path>) -> Result<()> {
        let path = self.file.clone();
        if header.kind == wire::JOB {
            let job = read_job(&path)?;
            self.plan = Some(PlanSummary::new(job.plan(), job.plan_hash(), &CoreTimes::of_this_machine()?));
        } else if header.kind == Kind::PARAMETERS {
            let parameters = Parameters::read(open(&path)?, self.bytes).at(&path)?;
            self.parameters = Some((&parameters).into());
        } else if let Some(job) = find_job(&path, header, job)? {
            self.parameters = Some(job.plan().parameters().into());
            if wire::names(header) == Some((job.id(), job.plan_hash())) {
                self.look_by_job(&path, header, &job)?;
            }
        }
        Ok(())
    }

    /// Adds what a file of a job has in it.
    fn look_by_job(&mut self, path: &Path, header: &Header, job: &Job) -> Result<(), BadInput> {
        let plan = job.plan();
        let context = || Context::new(plan.parameters().clone());
        if header.kind == wire::TRAINING_ROWS {
            let groups = wire::read_groups(job, shown(path, open(path)?), self.bytes).at(path)?;
            let layout = plan.layout();
            self.rows = Some(plan.rows_in_first(groups.end) - plan.rows_in_first(groups.start));
            self.ciphertexts = Some(groups.len() * (layout.column_blocks() + layout.class_blocks()));
            self.level = Some(plan.data_level());
        } else if header.kind == wire::PRECONDITIONER {
            self.ciphertexts = Some(plan.layout().column_blocks());
            self.level = Some(plan.data_level());
        } else if header.kind == wire::GRADIENT {
            let gradient = Gradient::read(job, &context(), open(path)?, gradient_limit(plan)).at(path)?;
            self.iteration = Some(gradient.iteration());
        } else if header.kind == wire::CHECKPOINT {
            let checkpoint =
                Checkpoint::<Ciphertext>::read(job, &context(), open(path)?, checkpoint_limit(plan));
            self.iteration = Some(checkpoint.at(path)?.iteration());
        } else if header.kind == wire::MODEL {
            let model = EncryptedModel::<Ciphertext>::read(job, &context(), open(path)?, model_limit(plan));
            let model = model.at(path)?;
            self.iteration = Some(model.iteration);
            let ciphertexts = || model.terms.iter().flat_map(|(_, blocks)| blocks);
            self.ciphertexts = Some(ciphertexts().count());
            self.level = ciphertexts().map(Ciphertext::level).min();
        } else if header.kind == wire::ROWS {
            let prediction = PredictionPlan::of_rows(job, open(path)?, self.bytes).at(path)?;
            self.rows = Some(prediction.layout().shape().samples);
            self.ciphertexts = Some(prediction.upload().ciphertexts);
            self.level = Some(prediction.rows().level);
        } else if header.kind == wire::SCORES {
            let scores = EncryptedScores::<Ciphertext>::read(job, &context(), open(path)?, self.bytes);
            let (prediction, _, scores) = scores.at(path)?;
            self.rows = Some(prediction.layout().shape().samples);
            self.ciphertexts = Some(scores.scores.len());
            self.level = Some(prediction.scores().level);
        }
        Ok(())
    }
}

/// The job that was named, or one beside the file that has the same parameters.
fn find_job(path: &Path, header: &Header, named: Option<&Path>) -> Result<Option<Job>, BadInput> {
    let job = match named {
        Some(job) => Some(read_job(job)?),
        None => {
            let folder = path.parent().unwrap_or(Path::new(""));
            let places =
                [folder.join("job.vly"), folder.join("upload/job.vly"), folder.join("../upload/job.vly")];
            places.iter().find(|place| place.exists()).and_then(|place| read_job(place).ok())
        }
    };
    Ok(job.filter(|job| job.plan().parameters().id() == header.params_id))
}
