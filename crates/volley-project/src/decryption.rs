//! The model that a server returned, in clear.

use std::fs;
use std::path::Path;

use volley_data::TableModel;
use volley_mlr::volley_ckks::{Ciphertext, Context};
use volley_mlr::wire::WireError;
use volley_mlr::{EncryptedModel, Job};
use volley_program::{BadInput, OrBadInput};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::job_folder::{model_limit, open};
use crate::observer::Observer;
use crate::project::Project;
use crate::shared_models;

/// How a model is decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decryption {
    /// As the plan has it: the model of a shareable one gets its noise, and is counted among those that may be shared.
    AsPlanned,
    /// To the last bit, for the owner alone.
    Private,
}

/// A model in clear.
#[derive(Debug)]
pub struct DecryptedModel {
    /// The model, with the columns of its table.
    pub model: TableModel,
    /// The job that it is of.
    pub job: Job,
    /// The iterations that it has.
    pub iteration: usize,
}

impl Project {
    /// Decrypts the model in a file: one of the job that was encrypted last, or of an earlier one that rows were added
    /// to.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a project without a job or its key, for a file that is no model of the job, and for one model
    /// more than a shareable plan covers.
    pub fn decrypt_model(
        &self,
        file: &Path,
        decryption: Decryption,
        passphrase: impl FnOnce() -> Result<Zeroizing<String>, BadInput>,
        observer: &dyn Observer,
    ) -> Result<DecryptedModel, Failure> {
        let job = self.job_of(file)?;
        let plan = job.plan();
        let context = observer.during("tables", || Context::new(plan.parameters().clone()));
        let secret_key = self.secret_key_of(&job, &context, passphrase)?;
        let state = self.owner_state(&job)?;
        if !self.has_schema(&job)? {
            observer.note(
                "the names of the columns are gone with private/columns.json: the model takes columns by their place"
                    .to_owned(),
            );
        }
        fs::metadata(file).at(file)?;
        let encrypted = EncryptedModel::<Ciphertext>::read(&job, &context, open(file)?, model_limit(plan));
        let encrypted = encrypted.map_err(|error| {
            let is_foreign = matches!(error, WireError::ForeignJob { .. });
            let help = if is_foreign {
                "; after `volley encrypt --force` nothing reads the earlier job's"
            } else {
                ""
            };
            BadInput::at(file, format!("{error}{help}"))
        })?;
        let model = observer.during("decryption", || match decryption {
            Decryption::AsPlanned => state.decrypt(plan, &secret_key, &encrypted),
            Decryption::Private => state.decrypt_private(plan, &secret_key, &encrypted),
        });
        let model = TableModel::new(model.at(file)?, self.schema(&job)?).or_bad_input()?;
        if let (Decryption::AsPlanned, Some(flooding)) = (decryption, plan.hyperparameters().flooding()) {
            shared_models::count(&self.private(), &job, &encrypted, flooding)?;
        }
        Ok(DecryptedModel { model, job, iteration: encrypted.iteration })
    }
}
