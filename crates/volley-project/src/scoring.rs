//! Encrypted prediction: the owner encrypts rows, the server scores them by a model that it cannot read, and the owner
//! decrypts the scores.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use rand_core::CryptoRng;
use volley_mlr::volley_ckks::wire::{Header, WireError};
use volley_mlr::volley_ckks::{Ciphertext, Context, EvaluationKeySet, Evaluator, SeededCiphertext};
use volley_mlr::{
    ClassLabels, EncryptedModel, EncryptedRows, EncryptedScores, Job, PredictionPlan, Predictor, RowsHash,
    ScoreKind,
};
use volley_program::{BadInput, Machine, OrBadInput};
use zeroize::Zeroizing;

use crate::atomic::Staged;
use crate::failure::Failure;
use crate::files::{buffered, open_named};
use crate::job_folder::{JobFolder, complete_length, model_limit, open};
use crate::observer::Observer;
use crate::output::check_output;
use crate::project::Project;
use crate::unlike::UnlikeColumns;

/// Scores of rows in clear.
#[derive(Clone, Debug, PartialEq)]
pub struct RowScores {
    /// The classes, in the order of the columns.
    pub classes: ClassLabels,
    /// What the scores say.
    pub kind: ScoreKind,
    /// Rows × classes.
    pub scores: Array2<f64>,
}

impl Project {
    /// Encrypts rows of the training's features into a file, and keeps their hash, by which
    /// [`decrypt_scores`](Self::decrypt_scores) knows their scores. Returns the plan of the scores, and
    /// what is unlike the rows trained on.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a file that is there, unless it is replaced, for a project without a job or its key, for a
    /// training whose keys do not suffice, and [`Failure::Internal`] for rows that cannot be encrypted.
    pub fn encrypt_rows(
        &self,
        features: &Array2<f64>,
        target: &Path,
        replace: bool,
        passphrase: impl FnOnce() -> Result<Zeroizing<String>, BadInput>,
        rng: &mut impl CryptoRng,
        observer: &dyn Observer,
    ) -> Result<(PredictionPlan, UnlikeColumns), Failure> {
        check_output(target, &[], replace)?;
        let job = self.job()?;
        let training = job.plan();
        let context = observer.during("tables", || Context::new(training.parameters().clone()));
        let secret_key = self.secret_key_of(&job, &context, passphrase)?;
        let state = self.owner_state(&job)?;
        let unlike = UnlikeColumns::of(state.preprocessing(), &self.schema(&job)?, features)?;
        let plan = observer.during("planning", || PredictionPlan::new(training, features.nrows()))?;
        if !training.key_spec().covers(plan.key_spec()) {
            let problem =
                "the keys of this training do not suffice for encrypted prediction: it takes two iterations";
            return Err(BadInput::at(self.path(), problem).into());
        }
        let rows = observer.during("encryption", || state.encrypt_rows(&plan, &secret_key, features, rng))?;
        let hash = self.stage_rows_hash(rows.hash(&job).at(target)?)?;
        Staged::new(target, |out| rows.write(&job, out))?.commit(replace)?;
        hash.commit(true)?;
        Ok((plan, unlike))
    }

    /// Decrypts scores of the rows in a file, or of those that were encrypted last.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a project without a job or its key, for scores that are damaged, of other rows, or too large to
    /// be read.
    pub fn decrypt_scores(
        &self,
        scores: &Path,
        rows: Option<&Path>,
        passphrase: impl FnOnce() -> Result<Zeroizing<String>, BadInput>,
        observer: &dyn Observer,
    ) -> Result<RowScores, Failure> {
        let job = self.job_of(scores)?;
        let context = observer.during("tables", || Context::new(job.plan().parameters().clone()));
        let secret_key = self.secret_key_of(&job, &context, passphrase)?;
        let state = self.owner_state(&job)?;
        let length = length_of(scores)?;
        let read = EncryptedScores::<Ciphertext>::read(&job, &context, open(scores)?, length);
        let (plan, rows_hash, encrypted) = read.at(scores)?;
        match rows {
            Some(rows) => check_rows_of(&job, &context, rows, scores, rows_hash)?,
            None => self.check_rows(scores, rows_hash)?,
        }
        let decrypted =
            observer.during("decryption", || state.decrypt_scores(&plan, &secret_key, &encrypted));
        let (classes, kind) = (state.classes().clone(), state.score_kind());
        Ok(RowScores { classes, kind, scores: decrypted.at(scores)? })
    }
}

/// The length of a file of encrypted rows or of scores. In its place may be the table that the rows are of.
fn length_of(file: &Path) -> Result<u64, BadInput> {
    if let Err(error @ WireError::Magic) = Header::read(open(file)?) {
        let advice =
            "`volley encrypt-rows` encrypts the rows of a table, and `volley score` makes their scores";
        return Err(BadInput::at(file, format_args!("{error}: {advice}")));
    }
    complete_length(file)
}

/// Refuses scores of other rows than those in a file.
fn check_rows_of(
    job: &Job,
    context: &Context,
    rows: &Path,
    scores: &Path,
    found: RowsHash,
) -> Result<(), BadInput> {
    let length = length_of(rows)?;
    let (_, encrypted) =
        EncryptedRows::<SeededCiphertext>::read(job, context, open(rows)?, length).at(rows)?;
    let expected = encrypted.hash(job).at(rows)?;
    if found == expected {
        return Ok(());
    }
    let problem = format!("scores of other rows than {}: of {found}, not {expected}", rows.display());
    Err(BadInput::at(scores, problem))
}

/// Scores the encrypted rows of a file by the model of a folder, into another file. Returns the plan of the scores.
///
/// # Errors
///
/// [`Failure`] for a file that is there, unless it is replaced, for a folder without a model, for rows that are damaged
/// or of another job, and for a machine without the memory.
pub fn score(
    folder: &JobFolder,
    rows: &Path,
    target: &Path,
    replace: bool,
    machine: Machine,
    observer: &dyn Observer,
) -> Result<PredictionPlan, Failure> {
    check_output(target, &[rows], replace)?;
    let job = folder.job()?;
    let model_file = folder.model_file();
    if !model_file.try_exists().at(&model_file)? {
        return Err(BadInput::at(&model_file, "there is no model: `volley train` makes it").into());
    }
    let length = length_of(rows)?;
    let plan = PredictionPlan::of_rows(&job, open(rows)?, length).at(rows)?;
    machine.check_memory("scoring these rows", |threads| plan.memory(threads))?;

    let context = observer.during("tables", || Context::new(job.plan().parameters().clone()));
    let limit = model_limit(job.plan());
    let model = EncryptedModel::<Ciphertext>::read(&job, &context, folder.open(&model_file)?, limit);
    let model = model.at(&model_file)?;
    let (done, all) = (model.iteration, job.plan().hyperparameters().iterations());
    if done < all {
        let problem =
            format!("the model after iteration {done} of {all}, and rows are scored by the last one only");
        return Err(BadInput::at(&model_file, problem).into());
    }
    let opened = buffered(observer.reads(rows, open_named(rows)?));
    let (_, encrypted) = EncryptedRows::<SeededCiphertext>::read(&job, &context, opened, length).at(rows)?;
    let rows_hash = encrypted.hash(&job).at(rows)?;
    let encrypted = encrypted.expand(&context).at(rows)?;
    let keys = folder.keys(&job, &context, plan.key_spec(), observer)?;
    let scores = scores_of(&encrypted, &model, &plan, keys, &context, observer)?;
    Staged::new(target, |out| scores.write(&job, rows_hash, out))?.commit(replace)?;
    Ok(plan)
}

/// Scores rows by the model, with the keys that this takes.
///
/// # Errors
///
/// Those of the evaluation.
pub fn scores_of(
    rows: &EncryptedRows<Ciphertext>,
    model: &EncryptedModel<Ciphertext>,
    plan: &PredictionPlan,
    keys: EvaluationKeySet,
    context: &Arc<Context>,
    observer: &dyn Observer,
) -> Result<EncryptedScores<Ciphertext>, Failure> {
    let evaluator = Arc::new(Evaluator::new(context, keys)?);
    let predictor = observer.during("set-up", || Predictor::new(&evaluator, plan, model))?;
    let count = observer.counts("scores", rows.features.len(), "blocks of rows".to_owned());
    Ok(predictor.scores_with(rows, |done| count.set(done))?)
}
