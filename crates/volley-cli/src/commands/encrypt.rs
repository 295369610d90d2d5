//! `volley encrypt`: the owner's data, ready for the server.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use volley_data::Schema;
use volley_mlr::volley_ckks::Context;
use volley_mlr::{Error, Hyperparameters, Job, Owner};
use volley_program::units::{counted, show_bytes};
use volley_program::{BadInput, OrBadInput};
use volley_project::atomic::FolderLock;
use volley_project::{Failure, JobFolder, OwnerFiles, Project, TableSource, check_keys};

use crate::class_weight::{ClassWeight, prepare};
use crate::console::{Console, note, phase};
use crate::escaped::argument;
use crate::in_clear::{InClear, Rehearsal};
use crate::output::Output;
use crate::passphrase::PassphraseSource;

mod append;

/// Encrypt the training data, and complete the upload
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley encrypt digits data.csv

Then digits/upload has everything that the server needs, and nothing that it
must not have. Each encryption is a job of its own: models of an earlier one
are refused. Where `volley init` was given a table, columns go by its names,
in any order.

The same training in clear goes first, and shows how good the model will be.
Where a score leaves the range of the polynomial nothing is encrypted, and an
option that mends it is named; --force goes on all the same.

More rows of the same columns and classes, before training begins:
  volley encrypt digits more.csv --append

They are prepared by the statistics of the first rows. The first rows are
decrypted from the upload, so their table is not needed. All rows are a new
job: the whole upload is sent again.")]
pub(crate) struct Options {
    /// Folder that `volley init` made
    project: PathBuf,
    /// The training data: labelled rows
    data: PathBuf,
    #[command(flatten)]
    table: TableSource,
    #[command(flatten)]
    source: PassphraseSource,
    /// Weights of rows in training: with "balanced" all classes count alike, however few rows one has [default: all
    /// rows count alike]
    #[arg(long, value_enum, value_name = "WEIGHT")]
    class_weight: Option<ClassWeight>,
    /// Replace what was encrypted before, by a new job, and encrypt even where the training in clear leaves the
    /// polynomial's range
    #[arg(long)]
    force: bool,
    /// Add these rows to those that were encrypted before, whose statistics stay, by a new job
    #[arg(long, conflicts_with = "class_weight")]
    append: bool,
}

/// The upload that was completed.
#[derive(Debug, Serialize)]
struct Encrypted {
    upload: PathBuf,
    job_id: String,
    plan_hash: String,
    samples: usize,
    /// How many of them were added to those of an earlier upload.
    appended_samples: usize,
    ciphertexts: usize,
    row_files: usize,
    upload_bytes: u64,
    keys_bytes: u64,
    in_clear: InClear,
}

impl Encrypted {
    fn new(upload: &JobFolder, job: &Job, appended_samples: usize, in_clear: InClear) -> Self {
        let plan = job.plan();
        Self {
            upload: upload.path().to_owned(),
            job_id: job.id().to_string(),
            plan_hash: job.plan_hash().to_string(),
            samples: plan.layout().shape().samples,
            appended_samples,
            ciphertexts: plan.upload().ciphertexts,
            row_files: plan.row_files(),
            upload_bytes: plan.upload_bytes(),
            keys_bytes: plan.key_spec().byte_count(),
            in_clear,
        }
    }
}

impl fmt::Display for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upload = self.upload.display();
        writeln!(
            f,
            "{upload}: job {}, {}, {} in {}, {}, and evaluation keys, {}",
            self.job_id,
            counted(self.samples, "row"),
            counted(self.ciphertexts, "ciphertext"),
            counted(self.row_files, "row file"),
            show_bytes(self.upload_bytes),
            show_bytes(self.keys_bytes)
        )?;
        writeln!(f, "\n{}", self.in_clear)?;
        let upload = argument(&self.upload);
        write!(f, "\nnext: send {upload} to the server; there: volley train {upload}")
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    if options.append {
        return append::run(options, output);
    }
    let project = Project::open(&options.project)?;
    let upload = project.upload();
    let _lock = FolderLock::take(upload.path())?;
    // The job is written last: an upload without a job was never complete.
    upload.check_replaceable(options.force)?;
    let replaces = upload.job_file().exists();
    let plan = Arc::new(phase("planning", || project.plan())?);
    let (earlier, console) = (project.table()?, Console::default());
    let table = match project.planned_schema()? {
        Some(planned) => options.table.or_format(earlier).read_planned(&options.data, &planned, &console)?,
        None => options.table.or(earlier).read_training(&options.data, &console)?,
    };
    let schema = table.schema().clone();
    let data = table.into_dataset().or_bad_input()?;
    let (profile, layout) = (plan.hyperparameters().profile(), plan.layout());
    let training_set = prepare(&data, profile, layout, options.class_weight);
    let training_set = Arc::new(training_set.map_err(|error| with_project(&error)).at(&options.data)?);
    note_nearly_constant(training_set.nearly_constant());
    let settings = project.settings()?;
    let rehearsal = Rehearsal::new(&settings, &training_set, options.class_weight).at(&options.data)?;
    let in_clear = rehearsal.run(Some((&data, layout))).at(&options.data)?;
    drop(data);
    in_clear.check(&options.data, options.force)?;
    let context = phase("tables", || Context::new(plan.parameters().clone()));
    let (secret_key, _passphrase) = project.secret_key(&context, || options.source.open())?;
    let secret_key = Arc::new(secret_key);
    check_keys(&upload.keys_file(), &secret_key)?;
    let owner = Owner::new(&plan, &training_set, &secret_key).at(&options.data)?;

    let job = encrypt(&upload, &project.owner_files(), &owner, &schema, options.force, options)?;
    if replaces {
        note("the earlier job is replaced: wherever it is trained, its model cannot be decrypted any more");
    }
    output.result(&Encrypted::new(&upload, &job, 0, in_clear))
}

/// Encrypts all rows, and shows how far that is.
fn encrypt(
    upload: &JobFolder,
    private: &OwnerFiles,
    owner: &Owner,
    schema: &Schema,
    replace: bool,
    options: &Options,
) -> Result<Job> {
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let console = Console::default();
    let job = volley_project::encrypt(upload, private, owner, schema, replace, &mut rng, &console);
    job.map_err(|failure| match failure {
        // What a value of the data causes is for the user to mend.
        Failure::Internal(error) => {
            BadInput::at(&options.data, with_advice(&error, owner.plan().hyperparameters())).into()
        }
        failure => failure.into(),
    })
}

/// An error, and where the plan does not fit the data, what makes one that does.
fn with_project(error: &Error) -> String {
    let is_planned_for_others = matches!(error, Error::PlanShape { .. });
    let advice = if is_planned_for_others { ": `volley init` makes a new project for it" } else { "" };
    format!("{error}{advice}")
}

/// Names the columns that are left out although their values differ.
fn note_nearly_constant(columns: &[usize]) {
    for column in columns {
        let column = column + 1;
        note(format!(
            "feature {column} varies by no more than the rounding of its values, and counts as constant"
        ));
    }
}

/// An error, and for a shareable plan the advice how to avoid it.
fn with_advice(error: &Error, hyperparameters: &Hyperparameters) -> String {
    let advice = match error {
        Error::NoiseModel { what: "class weights", .. } => "encrypt without --class-weight",
        Error::NoiseModel { .. } | Error::ScoreRange { .. } => {
            "plan with a --weight-decay, a smaller --learning-rate or fewer iterations"
        }
        _ => return error.to_string(),
    };
    if hyperparameters.flooding().is_none() {
        return error.to_string();
    }
    format!("{error}, which a shareable plan refuses: {advice}, or plan without --shareable (`volley init`)")
}
