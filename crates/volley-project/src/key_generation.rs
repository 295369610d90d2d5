//! An owner's keys: the secret one, which stays, and the evaluation keys, which the server gets.

use std::sync::Arc;

use rand_core::CryptoRng;
use volley_mlr::volley_ckks::{Context, EvaluationKeySet, SecretKey};
use volley_program::BadInput;
use zeroize::Zeroizing;

use crate::atomic::{FolderLock, Staged, check_free};
use crate::disk::check_room;
use crate::failure::Failure;
use crate::observer::Observer;
use crate::project::Project;

/// A secret key, and the passphrase that seals its file, if any does.
pub type SealedKey = (SecretKey, Option<Zeroizing<String>>);

/// The keys that were made.
#[derive(Debug)]
pub struct MadeKeys {
    /// The name of the secret key.
    pub key_id: String,
    /// Whether the file of the secret key is sealed with a passphrase.
    pub sealed: bool,
    /// The bytes of the evaluation keys.
    pub evaluation_keys_bytes: u64,
}

impl Project {
    /// Makes the evaluation keys of a secret key, and writes both. The key is a new one, or one that was made before:
    /// `secret_key` gives it. Keys that are there already are replaced on demand, and what was encrypted for them can
    /// no longer be decrypted.
    ///
    /// # Errors
    ///
    /// [`Failure`] for keys that are there, unless they are replaced, for what a server made under them, for a disk
    /// without the room, those of `secret_key`, and what the file system refuses.
    pub fn generate_keys<R: CryptoRng>(
        &self,
        secret_key: impl FnOnce(&Arc<Context>, &mut R) -> Result<SealedKey, BadInput>,
        replace: bool,
        rng: &mut R,
        observer: &dyn Observer,
    ) -> Result<MadeKeys, Failure> {
        let upload = self.upload();
        let _lock = FolderLock::take(upload.path())?;
        check_free(&self.secret_key_file(), replace)?;
        check_free(&upload.keys_file(), replace)?;
        if let Some(file) = upload.made_by_server()?.first() {
            let problem = "this is of the keys that would be replaced, without which nobody decrypts it: decrypt it \
                           first, and then move it away";
            return Err(BadInput::at(file, problem).into());
        }
        let plan = observer.during("planning", || self.plan())?;
        let (parameters, spec) = (plan.parameters(), plan.key_spec());
        let context = observer.during("tables", || Context::new(parameters.clone()));
        check_room(upload.path(), "key generation", spec.byte_count())?;
        let (secret_key, passphrase) = secret_key(&context, rng)?;
        let count = observer.counts("key generation", spec.key_count(), "evaluation keys".to_owned());
        let keys = EvaluationKeySet::generate_with(&secret_key, spec, rng, |done| count.set(done))?;
        drop(count);

        let secret = Staged::private(&self.secret_key_file(), |file| match &passphrase {
            Some(passphrase) => secret_key.write_sealed(passphrase.as_bytes(), rng, file),
            None => secret_key.write(file),
        })?;
        let public = observer
            .during("writing", || Staged::new(&upload.keys_file(), |out| keys.write(parameters, out)))?;
        secret.commit(replace)?;
        public.commit(replace)?;
        Ok(MadeKeys {
            key_id: secret_key.id().to_string(),
            sealed: passphrase.is_some(),
            evaluation_keys_bytes: spec.byte_count(),
        })
    }
}
