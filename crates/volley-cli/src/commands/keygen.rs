//! `volley keygen`: the owner's secret key and the server's evaluation keys.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use volley_mlr::volley_ckks::{Context, SecretKey};
use volley_program::BadInput;
use volley_program::units::show_bytes;
use volley_project::{Project, SealedKey};

use crate::console::Console;
use crate::escaped::argument;
use crate::output::Output;
use crate::passphrase::PassphraseSource;

/// Make the secret key, which stays, and the evaluation keys, which the server gets
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley keygen digits                       a new key
  volley keygen digits --passphrase          sealed with a passphrase that is asked for
  volley keygen digits --reuse-key letters   the key of another project with the same parameters

Every project has a key of its own unless --reuse-key says otherwise.")]
pub(crate) struct Options {
    /// Folder that `volley init` made
    project: PathBuf,
    /// Seal the secret key with a passphrase (Argon2id, XChaCha20-Poly1305)
    #[arg(long)]
    passphrase: bool,
    #[command(flatten)]
    source: PassphraseSource,
    /// Take the secret key of this project instead of a new one
    #[arg(long, value_name = "PROJECT")]
    reuse_key: Option<PathBuf>,
    /// Replace the keys of the project: what was encrypted for the old ones can no longer be decrypted
    #[arg(long)]
    force: bool,
}

/// The keys that were made.
#[derive(Debug, Serialize)]
struct Made {
    project: PathBuf,
    key_id: String,
    sealed: bool,
    secret_key: PathBuf,
    evaluation_keys: PathBuf,
    evaluation_keys_bytes: u64,
    /// Whether rows were encrypted before, under the keys that were replaced.
    has_upload: bool,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secret, public) = (self.secret_key.display(), self.evaluation_keys.display());
        let sealed = if self.sealed { "sealed with a passphrase" } else { "not sealed" };
        writeln!(f, "{secret}: key {}, {sealed}, never to be sent", self.key_id)?;
        writeln!(f, "{public}: {}", show_bytes(self.evaluation_keys_bytes))?;
        let force = if self.has_upload { " --force" } else { "" };
        write!(f, "\nnext: volley encrypt {} DATA{force}", argument(&self.project))
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let project = Project::open(&options.project)?;
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let secret_key = |context: &_, rng: &mut _| options.secret_key(context, rng);
    let made = project.generate_keys(secret_key, options.force, &mut rng, &Console::default())?;
    output.result(&Made {
        project: options.project.clone(),
        key_id: made.key_id,
        sealed: made.sealed,
        secret_key: project.secret_key_file(),
        evaluation_keys: project.upload().keys_file(),
        evaluation_keys_bytes: made.evaluation_keys_bytes,
        has_upload: project.upload().job_file().exists(),
    })
}

impl Options {
    /// A new key, or another project's; with the passphrase that seals it here.
    fn secret_key(&self, context: &Arc<Context>, rng: &mut ChaCha20Rng) -> Result<SealedKey, BadInput> {
        let seal = self.passphrase || self.source.is_given();
        match &self.reuse_key {
            Some(other) => match Project::open(other)?.secret_key(context, || self.source.open())? {
                (key, None) if seal => Ok((key, Some(self.source.choose()?))),
                sealed_or_not => Ok(sealed_or_not),
            },
            None => {
                let passphrase = seal.then(|| self.source.choose()).transpose()?;
                Ok((SecretKey::generate(context, rng), passphrase))
            }
        }
    }
}
