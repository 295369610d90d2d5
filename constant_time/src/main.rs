//! What an owner computes from secrets, for valgrind's memcheck: see `scripts/constant_time.sh`.
//!
//! Memcheck follows every bit of uninitialised memory. It reports branches and addresses that depend on one, and
//! nothing else: sums and copies only pass it on. So secrets are declared uninitialised where they come from, and
//! published values are declared initialised where they leave.
//!
//! * **Secret**: every second key of 32 bytes that is drawn from the caller's generator, from which keys and errors are
//!   made (the first of each pair is that of public seeds and names), and the values that are encoded.
//! * **Published**: the bytes of files with ciphertexts and public keys; what was decrypted, as the encoder returns it.
//!   Each must have been secret: a check that watched nothing fails.
//!
//! The library's own refusals publish something too. They are named in `published.supp`.

#![forbid(unsafe_code)]

mod secrecy;

use std::error::Error;
use std::sync::Arc;

use secrecy::{Generator, publish, require_valgrind, secret};
use volley_ckks::{
    Ciphertext, Complex64, Context, Encoder, EvaluationKeySet, KeySpec, Parameters, ParametersLiteral,
    Plaintext, PublicKey, Scale, SecretKey, Security, SeededCiphertext,
};
use volley_ring::Kernel;

/// log₂ of the ring degree. It is small, as memcheck takes fifty times as long; the code is the same for every ring and
/// every number of primes.
const LOG_N: u32 = 9;
const LEVELS: usize = 3;
/// Coefficients of one word and of two.
const LOG_SCALES: [i32; 2] = [40, 90];
/// Noise of one word and of two.
const LOG_DEVIATIONS: [i32; 2] = [20, 70];
const LIMIT: u64 = 1 << 30;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Without an argument, the whole check with the kernels in use; with `kernels`, their names.
fn main() -> Outcome<()> {
    if std::env::args().nth(1).as_deref() == Some("kernels") {
        Kernel::available().into_iter().for_each(|kernel| println!("{}", kernel.name()));
        return Ok(());
    }
    let kernel = Kernel::detect()?.name();
    require_valgrind()?;
    let context = Context::new(parameters()?);
    let mut rng = Generator::new();
    let secret_key = SecretKey::generate(&context, &mut rng);
    make_keys(&secret_key, &mut rng)?;
    let public_key = publish_key(&secret_key, &mut rng)?;
    for log_scale in LOG_SCALES {
        for slots in [1, context.parameters().max_slots()] {
            let values = values(slots);
            let plaintext = encode(&context, values.clone(), log_scale)?;
            let by_secret_key = encrypt(&secret_key, &plaintext, &mut rng)?;
            decrypt(&secret_key, &by_secret_key, &values)?;
            let by_public_key = encrypt_publicly(&public_key, &plaintext, &mut rng)?;
            decrypt(&secret_key, &by_public_key, &values)?;
        }
    }
    println!("{kernel}: done");
    Ok(())
}

fn parameters() -> Outcome<Parameters> {
    let levels = [vec![vec![50]], vec![vec![40]; LEVELS]].concat();
    let literal = ParametersLiteral {
        log_n: LOG_N,
        levels,
        p_bits: vec![50, 50],
        log_scale: 40,
        security: Security::Unchecked,
    };
    Ok(literal.build()?)
}

fn values(slots: usize) -> Vec<Complex64> {
    (0..slots).map(|j| Complex64::new((j as f64).sin(), -(j as f64 + 0.5).cos() / 3.0)).collect()
}

/// The server's keys of every kind; those of bootstrapping have the sparse secret.
fn make_keys(secret_key: &SecretKey, rng: &mut Generator) -> Outcome<()> {
    let parameters = secret_key.context().parameters();
    let spec = KeySpec::new(parameters)
        .relinearization(LEVELS)
        .rotations([1, -2], LEVELS)
        .conjugation(1)
        .raising(LEVELS);
    let keys = EvaluationKeySet::generate(secret_key, &spec, rng)?;
    let mut file = Vec::new();
    keys.write(parameters, &mut file)?;
    publish("evaluation keys", &mut file)?;
    // In the owner's folder, where it is still secret.
    Ok(secret_key.write(&mut Vec::new())?)
}

fn publish_key(secret_key: &SecretKey, rng: &mut Generator) -> Outcome<PublicKey> {
    let mut file = Vec::new();
    PublicKey::generate(secret_key, rng).write(&mut file)?;
    publish("a public key", &mut file)?;
    Ok(PublicKey::read(secret_key.context(), &file[..], LIMIT)?)
}

fn encode(context: &Arc<Context>, mut values: Vec<Complex64>, log_scale: i32) -> Outcome<Plaintext> {
    secret(&mut values);
    Ok(Encoder::new(context).encode(&values, &Scale::power_of_two(log_scale), LEVELS)?)
}

fn encrypt(secret_key: &SecretKey, plaintext: &Plaintext, rng: &mut Generator) -> Outcome<Ciphertext> {
    let (context, mut file) = (secret_key.context(), Vec::new());
    secret_key.encrypt(plaintext, rng)?.write(context.parameters(), &mut file)?;
    publish("a seeded ciphertext", &mut file)?;
    Ok(SeededCiphertext::read(context, &file[..], LIMIT)?.expand(context)?)
}

fn encrypt_publicly(
    public_key: &PublicKey,
    plaintext: &Plaintext,
    rng: &mut Generator,
) -> Outcome<Ciphertext> {
    let (context, mut file) = (public_key.context(), Vec::new());
    public_key.encrypt(plaintext, rng)?.write(context.parameters(), &mut file)?;
    publish("a ciphertext", &mut file)?;
    Ok(Ciphertext::read(context, &file[..], LIMIT)?)
}

/// To the last bit, and flooded: the values come back, up to the noise.
fn decrypt(secret_key: &SecretKey, ciphertext: &Ciphertext, values: &[Complex64]) -> Outcome<()> {
    let encoder = Encoder::new(secret_key.context());
    check(&encoder, &secret_key.decrypt(ciphertext)?, values, 10.0)?;
    for log_deviation in LOG_DEVIATIONS {
        let deviation = f64::from(log_deviation).exp2();
        check(&encoder, &secret_key.decrypt_flooded(ciphertext, deviation)?, values, deviation)?;
    }
    Ok(())
}

fn check(encoder: &Encoder, plaintext: &Plaintext, values: &[Complex64], deviation: f64) -> Outcome<()> {
    let mut found = encoder.decode(plaintext)?;
    publish("decrypted values", &mut found)?;
    // Ten deviations of a sum of 2n coefficients, the noise being up to √(5/2) wider than asked for; and floating
    // point.
    let bound =
        f64::exp2(-40.0) + 10.0 * (5.0 * values.len() as f64).sqrt() * deviation / plaintext.scale().to_f64();
    match found.iter().zip(values).find(|(found, value)| (*found - *value).norm() > bound) {
        None => Ok(()),
        Some((found, value)) => Err(format!("{found} was decrypted, {value} was encrypted").into()),
    }
}
