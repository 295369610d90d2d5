//! Two parties that share files only: `cargo run --release --example saving_and_loading`.
//!
//! The owner writes parameters, evaluation keys and a ciphertext, the server reads them with limits and writes a
//! result. The secret key stays with the owner, sealed with a passphrase.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]
#![expect(clippy::panic_in_result_fn, reason = "it checks what it found")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_ckks::{Arithmetic, Ciphertext, Context, Encoder, EvaluationKeySet, Evaluator, KeySpec};
use volley_ckks::{Parameters, SecretKey, SeededCiphertext};

/// More bytes than any file here has: a reader refuses more before it reads one of them.
const LIMIT: u64 = 100_000_000;
const PASSPHRASE: &[u8] = b"correct horse battery staple";

fn create(file: &Path) -> Result<BufWriter<File>, Box<dyn Error>> {
    Ok(BufWriter::new(File::create(file)?))
}

fn open(file: &Path) -> Result<BufReader<File>, Box<dyn Error>> {
    Ok(BufReader::new(File::open(file)?))
}

/// Makes keys, and sends ten numbers.
fn owner_sends(private: &Path, sent: &Path) -> Result<(), Box<dyn Error>> {
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let context = Context::new(Parameters::n14()?);
    let parameters = context.parameters();
    let secret_key = SecretKey::generate(&context, &mut rng);
    // Unbuffered, so that no buffer is left to be wiped; a program for use sets the mode of the file to 0600.
    secret_key.write_sealed(PASSPHRASE, &mut rng, File::create(private.join("secret-key"))?)?;
    let keys =
        EvaluationKeySet::generate(&secret_key, &KeySpec::new(parameters).relinearization(2), &mut rng)?;
    let values: Vec<f64> = (0..10).map(f64::from).collect();
    let plaintext = Encoder::new(&context).encode_padded(&values, 16, &parameters.scale(), 2)?;

    let mut out = create(&sent.join("parameters"))?;
    parameters.write(&mut out)?;
    out.flush()?;
    let mut out = create(&sent.join("keys"))?;
    keys.write(parameters, &mut out)?;
    out.flush()?;
    // Half of a fresh ciphertext is a seed.
    let mut out = create(&sent.join("values"))?;
    secret_key.encrypt(&plaintext, &mut rng)?.write(parameters, &mut out)?;
    Ok(out.flush()?)
}

/// Squares what it cannot read.
fn server_computes(sent: &Path) -> Result<(), Box<dyn Error>> {
    let context = Context::new(Parameters::read(open(&sent.join("parameters"))?, LIMIT)?);
    let keys = EvaluationKeySet::read(&context, open(&sent.join("keys"))?, LIMIT)?;
    let values = SeededCiphertext::read(&context, open(&sent.join("values"))?, LIMIT)?;
    let squares = Evaluator::new(&context, keys)?.square(&values.expand(&context)?)?;
    let mut out = create(&sent.join("squares"))?;
    squares.write(context.parameters(), &mut out)?;
    Ok(out.flush()?)
}

fn owner_reads(private: &Path, sent: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    let context = Context::new(Parameters::n14()?);
    let sealed = File::open(private.join("secret-key"))?;
    let secret_key = SecretKey::read(&context, Some(PASSPHRASE), sealed, LIMIT)?;
    let squares = Ciphertext::read(&context, open(&sent.join("squares"))?, LIMIT)?;
    Ok(Encoder::new(&context).decode_real(&secret_key.decrypt(&squares)?)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("volley-ckks-example-{}", std::process::id()));
    let (private, sent) = (folder.join("private"), folder.join("sent"));
    fs::create_dir_all(&private)?;
    fs::create_dir_all(&sent)?;
    owner_sends(&private, &sent)?;
    server_computes(&sent)?;
    let squares = owner_reads(&private, &sent)?;
    // A file that was damaged on the way is refused.
    let mut damaged = fs::read(sent.join("squares"))?;
    damaged[1000] ^= 1;
    let context = Context::new(Parameters::n14()?);
    let refused = Ciphertext::read(&context, &damaged[..], LIMIT).map(drop);
    fs::remove_dir_all(&folder)?;

    println!("{:.3?}, and a damaged file: {refused:?}", &squares[..10]);
    assert!(refused.is_err());
    assert!((0..10).all(|j| (squares[j] - (j * j) as f64).abs() < 1e-4));
    assert!(squares[10..].iter().all(|square| square.abs() < 1e-4));
    Ok(())
}
