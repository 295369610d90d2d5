//! `volley encrypt --append`: more rows for a job that has not begun.
//!
//! The first rows are decrypted from the upload, and the rows that are added are prepared by their statistics. All of
//! them are encrypted as a new job, into a folder beside the upload. When it is complete its files take their places,
//! the job's last: an append that is interrupted before that leaves the upload as it was, and one that is interrupted
//! later is completed by the next command ([`Project::open`]).

use std::sync::Arc;

use anyhow::Result;
use volley_mlr::volley_ckks::{Context, SecretKey, SeededCiphertext};
use volley_mlr::wire::read_preconditioner;
use volley_mlr::{Dataset, EncryptedGroups, Error, Job, Owner, OwnerState, Plan, PreparedRows, TrainingSet};
use volley_program::units::{counted, grouped};
use volley_program::{BadInput, OrBadInput};
use volley_project::atomic::FolderLock;
use volley_project::{Count, JobFolder, Project, UnlikeColumns, check_keys, files_of_rows};

use super::{Encrypted, Options, encrypt};
use crate::console::{Console, Progress, note, phase};
use crate::in_clear::Rehearsal;
use crate::output::Output;

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let project = Project::open(&options.project)?;
    let upload = project.upload();
    let _lock = FolderLock::take(upload.path())?;
    let first = project.job()?;
    check_not_begun(&upload)?;
    let schema = project.schema(&first)?;
    let source = options.table.or_format(project.table()?);
    let table = source.read_labelled(&options.data, &schema, &Console::default())?;
    let state = project.owner_state(&first)?;
    source.check_classes(&table, state.classes())?;
    let data = table.into_dataset().or_bad_input()?;
    let plan = Arc::new(plan_for(first.plan(), &data).at(&options.data)?);
    let context = phase("tables", || Context::new(plan.parameters().clone()));
    let secret_key = Arc::new(project.secret_key_of(&first, &context, || options.source.open())?);
    check_keys(&upload.keys_file(), &secret_key)?;
    let unlike = UnlikeColumns::of(state.preprocessing(), &schema, data.features()).at(&options.data)?;
    // What is added cannot be taken away.
    if let (Some(problem), false) = (unlike.far.as_ref().or(unlike.negative.as_ref()), options.force) {
        let problem = format!("{problem} --force adds them all the same");
        return Err(BadInput::at(&options.data, problem).into());
    }
    unlike.note(&options.data, &Console::default());
    let rows = decrypt(&upload, &first, &state, &secret_key, &context)?;
    let (before, added) = (rows.features.nrows(), data.features().nrows());
    let training_set = Arc::new(TrainingSet::extended(rows, &state, &data).at(&options.data)?);
    drop(data);
    let settings = project.settings()?;
    let in_clear = Rehearsal::new(&settings, &training_set, None).at(&options.data)?;
    let in_clear = in_clear.run(None).at(&options.data)?;
    in_clear.check(&options.data, options.force)?;
    let owner = Owner::new(&plan, &training_set, &secret_key).at(&options.data)?;

    let pending = project.new_pending()?;
    let job = encrypt(&pending, &project.pending_owner_files(), &owner, &schema, false, options)?;
    project.complete_pending()?;
    note(format!(
        "{} added to {before}; features are prepared by the statistics of the first upload's rows. It is a new \
         job, and the whole upload goes to the server; models and scores of the earlier one are decrypted as before",
        counted(added, "row")
    ));
    output.result(&Encrypted::new(&upload, &job, added, in_clear))
}

/// The plan for more rows, which must do with the keys that were made.
fn plan_for(plan: &Plan, data: &Dataset) -> Result<Plan, String> {
    let before = plan.layout().shape().samples;
    let samples = before + data.features().nrows();
    let longer = plan.with_samples(samples).map_err(|error: Error| error.to_string())?;
    let (made, needed) = (plan.key_spec(), longer.key_spec());
    if made.covers(needed) && needed.covers(made) {
        return Ok(longer);
    }
    Err(format!(
        "{} take other evaluation keys than the {} that were planned for, as a ciphertext has places for {}: plan for \
         all rows (`volley init`)",
        counted(samples, "row"),
        grouped(before as u64),
        counted(plan.layout().rows(), "row")
    ))
}

/// Refuses an upload that a training began in. One that began in a copy of it goes on there, with the earlier rows.
fn check_not_begun(upload: &JobFolder) -> Result<(), BadInput> {
    match upload.made_by_server()?.first() {
        None => Ok(()),
        Some(file) => Err(BadInput::at(
            file,
            "the training has begun, and no rows can be added to it: for a new job move this away and `volley encrypt \
             --force`",
        )),
    }
}

/// The rows of the upload, all of which have to count alike.
fn decrypt(
    upload: &JobFolder,
    job: &Job,
    state: &OwnerState,
    secret_key: &SecretKey,
    context: &Arc<Context>,
) -> Result<PreparedRows, BadInput> {
    let plan = job.plan();
    let file = upload.preconditioner_file();
    let blocks: Vec<SeededCiphertext> =
        read_preconditioner(job, context, upload.open(&file)?, plan.preconditioner_bytes()).at(&file)?;
    state.check_weights(plan, secret_key, &blocks).at(&file)?;
    let bar = Progress::new("decryption", plan.row_files(), files_of_rows(plan.row_files()));
    let mut rows: Option<PreparedRows> = None;
    for number in 0..plan.row_files() {
        let file = upload.row_file(number);
        let limit = plan.row_file_bytes(number);
        let groups = EncryptedGroups::read(job, context, number, upload.open(&file)?, limit).at(&file)?;
        let read = state.decrypt_rows(plan, secret_key, &groups).at(&file)?;
        match &mut rows {
            Some(rows) => rows.append(&read).at(&file)?,
            None => rows = Some(read),
        }
        bar.set(number + 1);
    }
    rows.ok_or_else(|| BadInput::at(upload.path(), "there are no rows"))
}
