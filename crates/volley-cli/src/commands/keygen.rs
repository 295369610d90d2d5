//! `volley keygen`: the owner's secret key and the server's evaluation keys.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use volley_mlr::volley_ckks::wire::WireError;
use volley_mlr::volley_ckks::{Context, EvaluationKeySet, SecretKey};
use volley_program::BadInput;
use volley_program::units::show_bytes;
use volley_project::Project;
use volley_project::atomic::{FolderLock, Staged, check_free};
use zeroize::Zeroizing;

use crate::console::{Progress, phase};
use crate::disk::check_room;
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
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secret, public) = (self.secret_key.display(), self.evaluation_keys.display());
        let sealed = if self.sealed { "sealed with a passphrase" } else { "not sealed" };
        writeln!(f, "{secret}: key {}, {sealed}, never to be sent", self.key_id)?;
        writeln!(f, "{public}: {}", show_bytes(self.evaluation_keys_bytes))?;
        write!(f, "\nnext: volley encrypt {} DATA", self.project.display())
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let project = Project::open(&options.project)?;
    let upload = project.upload();
    let _lock = FolderLock::take(upload.path())?;
    check_free(&project.secret_key_file(), options.force)?;
    check_free(&upload.keys_file(), options.force)?;
    let plan = phase("planning", || project.plan())?;
    let context = phase("tables", || Context::new(plan.parameters().clone()));
    check_room(upload.path(), "key generation", plan.key_spec().byte_count())?;
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let (secret_key, passphrase) = options.secret_key(&context, &mut rng)?;
    let spec = plan.key_spec();
    let bar = Progress::new("key generation", spec.key_count(), "evaluation keys");
    let keys = EvaluationKeySet::generate_with(&secret_key, spec, &mut rng, |done| bar.set(done))?;
    drop(bar);

    let secret = Staged::private(&project.secret_key_file(), |file| match &passphrase {
        Some(passphrase) => secret_key.write_sealed(passphrase.as_bytes(), &mut rng, file),
        None => secret_key.write(file),
    })?;
    let public = phase("writing", || {
        Staged::new(&upload.keys_file(), |out| {
            keys.write(plan.parameters(), &mut *out)?;
            out.flush().map_err(WireError::from)
        })
    })?;
    secret.commit(options.force)?;
    public.commit(options.force)?;
    output.result(&Made {
        project: options.project.clone(),
        key_id: secret_key.id().to_string(),
        sealed: passphrase.is_some(),
        secret_key: project.secret_key_file(),
        evaluation_keys: upload.keys_file(),
        evaluation_keys_bytes: plan.key_spec().byte_count(),
    })
}

impl Options {
    /// A new key, or another project's; with the passphrase that seals it here.
    fn secret_key(
        &self,
        context: &Arc<Context>,
        rng: &mut ChaCha20Rng,
    ) -> Result<(SecretKey, Option<Zeroizing<String>>), BadInput> {
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
