//! The models of a key that were decrypted to be shared. The noise of a shareable plan covers so many, and no more.

use std::io::Write;
use std::path::Path;

use volley_mlr::volley_ckks::{Ciphertext, Flooding, KeyId};
use volley_mlr::{EncryptedModel, Job};
use volley_program::{BadInput, OrBadInput};

use crate::atomic::{FolderLock, Staged};
use crate::project::read_text;

/// Longer records are refused: that of ten thousand models is shorter.
const LIMIT: u64 = 1 << 20;

/// Counts a model among those of its key that the noise covers: before anyone sees it in clear. One that was counted
/// already counts once, as its noise is the same. The record in this folder, which never leaves, has a line for each:
/// the key, and the BLAKE3 of the encrypted model's file.
///
/// # Errors
///
/// For one more than is covered, and where the record cannot be read or written.
pub(crate) fn count(
    folder: &Path,
    job: &Job,
    model: &EncryptedModel<Ciphertext>,
    flooding: Flooding,
) -> Result<(), BadInput> {
    let mut hash = blake3::Hasher::new();
    model.write(job, &mut hash).or_bad_input()?;
    add(folder, job.key_id(), hash.finalize(), flooding)
}

fn add(folder: &Path, key: KeyId, model: blake3::Hash, flooding: Flooding) -> Result<(), BadInput> {
    let _lock = FolderLock::take_among_links(folder)?;
    let file = folder.join("shared-models");
    let record = if file.try_exists().at(&file)? { read_text(&file, LIMIT)? } else { String::new() };
    if record.len() as u64 == LIMIT {
        return Err(BadInput::at(&file, "longer than the record of any project"));
    }
    let (key, covered) = (format!("{key} "), flooding.decryptions());
    let line = format!("{key}{model}");
    if record.lines().any(|known| known == line) {
        return Ok(());
    }
    let counted = record.lines().filter(|known| known.starts_with(&key)).count();
    if counted >= covered as usize {
        return Err(BadInput::at(
            &file,
            format!(
                "{counted} of {covered} decryptions under this key are taken, and another one could give the key \
                 away: --private decrypts for the owner alone; `volley init --shareable --shared-decryptions` plans \
                 for more"
            ),
        ));
    }
    Staged::private(&file, |mut out| writeln!(out, "{record}{line}"))?.commit(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_models_of_a_key_are_shared_as_its_noise_covers() {
        let folder = tempfile::tempdir().unwrap();
        let covered = Flooding::new(30, 2).unwrap();
        let [first, second, third] = [1, 2, 3].map(|byte| blake3::hash(&[byte]));
        let [key, other] = [1, 2].map(|byte| KeyId::from_bytes([byte; 16]));
        for model in [first, second, first, second] {
            add(folder.path(), key, model, covered).unwrap();
        }
        let refused = add(folder.path(), key, third, covered).unwrap_err().to_string();
        assert!(refused.contains("2 of 2 decryptions under this key are taken"), "{refused}");
        add(folder.path(), other, third, covered).unwrap();
        // What is refused is not counted.
        add(folder.path(), key, third, Flooding::new(30, 3).unwrap()).unwrap();
        let record = std::fs::read_to_string(folder.path().join("shared-models")).unwrap();
        assert_eq!(record.lines().count(), 4, "{record}");
    }

    #[test]
    fn a_record_that_is_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shared-models"), vec![b'x'; LIMIT as usize + 1]).unwrap();
        let key = KeyId::from_bytes([1; 16]);
        let refused = add(folder.path(), key, blake3::hash(b""), Flooding::new(30, 2).unwrap()).unwrap_err();
        assert!(refused.to_string().contains("longer than the record"), "{refused}");
    }
}
