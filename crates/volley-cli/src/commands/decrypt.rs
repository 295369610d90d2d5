//! `volley decrypt`: the server's model, in clear.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_data::{ModelFormat, write_model};
use volley_mlr::Sharing;
use volley_program::OrBadInput;
use volley_project::atomic::Staged;
use volley_project::output::check_decrypted;
use volley_project::{Decryption, Project};

use crate::console::{Console, note};
use crate::output::Output;
use crate::passphrase::PassphraseSource;

/// Decrypt the model that the server returned
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley decrypt digits model.vly -o model.json

Needs the secret key: on the server there is none. Of the project it reads
upload/job.vly, private/secret-key.vly, private/owner-state.vly and
private/columns.json, all of them small: the rest may be gone.
Unless the plan is shareable the model is private: what is decrypted carries
noise that depends on the secret key, so it must not go back to the server.
The models of a shareable plan are counted in private/shared-models, and no
more are decrypted than --shared-decryptions planned for, but with --private.")]
pub(crate) struct Options {
    /// Folder that `volley init` made
    project: PathBuf,
    /// The model that the server returned
    model: PathBuf,
    /// Where to write it in clear: .json, or .npz with the names that scikit-learn gives its attributes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    source: PassphraseSource,
    /// Decrypt a shareable plan's model to the last bit, for the owner alone
    #[arg(long)]
    private: bool,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
}

/// The model that was decrypted.
#[derive(Debug, Serialize)]
struct Decrypted {
    model: PathBuf,
    job_id: String,
    iteration: usize,
    classes: usize,
    features: usize,
    sharing: Sharing,
}

impl fmt::Display for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} classes × {} features after iteration {}",
            self.model.display(),
            self.classes,
            self.features,
            self.iteration
        )
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let project = Project::open(&options.project)?;
    let format = ModelFormat::of(&options.output).or_bad_input()?;
    check_decrypted(&options.output, &[&options.model], options.force)?;
    let decryption = if options.private { Decryption::Private } else { Decryption::AsPlanned };
    let passphrase = || options.source.open();
    let decrypted = project.decrypt_model(&options.model, decryption, passphrase, &Console::default())?;
    let mut bytes = Vec::new();
    write_model(&mut bytes, format, &decrypted.model)?;
    let model = decrypted.model.model();
    Staged::private(&options.output, |mut out| out.write_all(&bytes))?.commit(options.force)?;
    note(advice(model.sharing()));
    output.result(&Decrypted {
        model: options.output.clone(),
        job_id: decrypted.job.id().to_string(),
        iteration: decrypted.iteration,
        classes: model.classes().len(),
        features: model.preprocessing().columns(),
        sharing: model.sharing(),
    })
}

/// Who may see the model.
fn advice(sharing: Sharing) -> String {
    match sharing {
        Sharing::Flooded { statistical_bits, decryptions, .. } => format!(
            "this model may be shared: it is one of {decryptions} decryptions under its key that \
             {statistical_bits} bits of statistical security cover, if the server evaluated honestly. The project \
             counts them, those of earlier iterations among them"
        ),
        Sharing::Private => {
            "this model is private: neither it nor what is computed from it may get to the server, or to anyone else \
             who has the ciphertexts, as it tells of the secret key"
                .to_owned()
        }
    }
}
