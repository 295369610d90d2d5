//! A search for what is private in a pool, in all that its parties have of each other.

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use volley_mlr::PoolJob;
use volley_mlr::volley_ckks::Parameters;
use volley_mlr::volley_ckks::wire::FileReader;
use volley_ring::sampling::sample_ternary;

use crate::secret_forms::{HASH_BYTES, SecretForms};

/// Bytes of the seed that all secrets of an owner follow from, of a pool's id, and of the seed of a key of transport.
const SEED_BYTES: usize = 32;
const ID_BYTES: usize = 32;
const TRANSPORT_SEED_BYTES: usize = 64;
/// The number of the secret among the purposes of an owner's randomness.
const SECRET: u8 = 1;
/// Numbers of fewer characters may be anywhere.
const CHARACTERS: usize = 8;

/// Where anything private is: a form of an owner's secret or of the joint one outside of that owner's private folder,
/// or a number of what the owners decrypted in what is sent, or in the server's folder. The last folder is the
/// server's.
pub(crate) fn search(folders: &[&Path]) -> Result<Vec<String>, Box<dyn Error>> {
    let Some((server, owners)) = folders.split_last() else { return Err("no folders".into()) };
    let parameters = parameters(owners[0])?;
    let secrets: Vec<_> = owners.iter().map(|owner| secret(owner)).collect::<Result<_, _>>()?;
    let joint: Vec<i64> = (0..parameters.degree())
        .map(|place| secrets.iter().map(|secret| secret.coefficients[place]).sum())
        .collect();
    let mut found = Vec::new();
    for (owner, secret) in owners.iter().zip(&secrets) {
        let mut forms = SecretForms::default();
        forms.add_polynomial(&parameters, &secret.coefficients)?;
        secret.seeds.iter().for_each(|seed| forms.add_whole("seed", seed));
        if forms.search(&owner.join("private"))?.is_empty() {
            return Err(format!("{}: the search does not find what is there", owner.display()).into());
        }
        for folder in folders {
            found.extend(forms.search(&sent_by(folder)?)?);
        }
        for folder in folders.iter().filter(|folder| *folder != owner) {
            found.extend(forms.search(&folder.join("private"))?);
        }
    }
    let mut forms = SecretForms::default();
    forms.add_residues(&parameters, &joint)?;
    for folder in folders {
        found.extend(forms.search(&sent_by(folder)?)?);
        found.extend(forms.search(&folder.join("private"))?);
    }
    let mut forms = SecretForms::default();
    for file in ["means.json", "deviations.json", "covariance.json", "model.json"] {
        add_numbers(&mut forms, &owners[0].join("private").join(file))?;
    }
    for folder in folders {
        found.extend(forms.search(&sent_by(folder)?)?);
    }
    found.extend(forms.search(&server.join("private"))?);
    Ok(found)
}

/// The folder of what a party has sent, which has its name.
fn sent_by(folder: &Path) -> Result<std::path::PathBuf, Box<dyn Error>> {
    Ok(folder.join("exchange").join(folder.file_name().ok_or("a folder with a name")?))
}

fn parameters(folder: &Path) -> Result<Parameters, Box<dyn Error>> {
    for entry in fs::read_dir(folder.join("exchange"))? {
        let job = entry?.path().join("job.vly");
        if job.exists() {
            let job = PoolJob::read(File::open(job)?, PoolJob::MAX_FILE_BYTES)?;
            return Ok(job.plan().plan().parameters().clone());
        }
    }
    Err("no job".into())
}

/// An owner's share of the secret, and what secrets follow from.
struct Secret {
    coefficients: Vec<i64>,
    seeds: Vec<Vec<u8>>,
}

/// The share, drawn from the owner's seed as `volley-ckks` draws it.
fn secret(owner: &Path) -> Result<Secret, Box<dyn Error>> {
    let end_of_body = |file: &str, length: usize| -> Result<Vec<u8>, Box<dyn Error>> {
        let bytes = fs::read(owner.join("private").join(file))?;
        let end = bytes.len() - HASH_BYTES;
        Ok(bytes[end - length..end].to_vec())
    };
    let seed = end_of_body("owner-1.vly", SEED_BYTES)?;
    let transport = end_of_body("transport-key.vly", TRANSPORT_SEED_BYTES)?;
    let file = FileReader::open(File::open(owner.join("private/owner-1.vly"))?, u64::MAX)?;
    let (pool, member) = file.header().extension.split_at(ID_BYTES);
    let mut hash = blake3::Hasher::new_keyed(seed[..].try_into()?);
    hash.update(b"volley-ckks pool owner 1").update(pool).update(member).update(&[SECRET]);
    let degree = parameters(owner)?.degree();
    let coefficients = sample_ternary(degree, &mut ChaCha20Rng::from_seed(*hash.finalize().as_bytes()));
    Ok(Secret { coefficients: coefficients.to_vec(), seeds: vec![seed, transport] })
}

/// The numbers of a file, as text and as floating-point numbers.
fn add_numbers(forms: &mut SecretForms, file: &Path) -> Result<(), Box<dyn Error>> {
    let mut numbers = Vec::new();
    collect_numbers(&serde_json::from_str(&fs::read_to_string(file)?)?, &mut numbers);
    for number in numbers {
        let text = serde_json::to_string(&number)?;
        if text.len() >= CHARACTERS {
            let name = format!("{}: {text}", file.display());
            forms.add_whole(&name, &number.to_le_bytes());
            forms.add_whole(&name, text.as_bytes());
        }
    }
    Ok(())
}

fn collect_numbers(value: &Value, numbers: &mut Vec<f64>) {
    match value {
        Value::Number(number) => numbers.extend(number.as_f64()),
        Value::Array(values) => values.iter().for_each(|value| collect_numbers(value, numbers)),
        Value::Object(fields) => fields.values().for_each(|value| collect_numbers(value, numbers)),
        _ => {}
    }
}
