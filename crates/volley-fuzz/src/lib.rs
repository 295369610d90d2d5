//! Every reader of files, for fuzzers: the targets of `fuzz/`, and the program of this crate.
//!
//! A reader must refuse any bytes, or give an object that is written as the same bytes. It never panics.
//! [`Readers::try_file`] checks this.

#![forbid(unsafe_code)]

use std::sync::Arc;

use volley_mlr::pool::{EncryptedSums, Round};
use volley_mlr::volley_ckks::multiparty::{
    Commitment, DecryptionShare, KeyHolder, Opening, Openings, OwnerRoundOne, OwnerRoundTwo, Pool,
    RoundOneShare, RoundOneSums, RoundTwoShare, SealedOpening, SealedShare, Smudging, Switching,
    TransportKey,
};
use volley_mlr::volley_ckks::wire::{FileReader, Header};
use volley_mlr::volley_ckks::{
    Ciphertext, Context, EvaluationKeySet, KeySpec, Parameters, PublicKey, SecretKey, SeededCiphertext,
};
use volley_mlr::wire::{read_preconditioner, write_preconditioner};
use volley_mlr::{
    Checkpoint, EncryptedGroups, EncryptedModel, EncryptedRows, EncryptedScores, Gradient, Job, OwnerState,
    PoolJob,
};
use volley_project::pool::TextKind;

/// The passphrase of the sealed key among the golden files.
const PASSPHRASE: &[u8] = b"correct horse battery staple";
const HASH_BYTES: usize = 32;

type Error = Box<dyn std::error::Error>;

/// Reads a file of at most so many bytes, and writes what was read.
type RereadHashed = fn(&World, &[u8], u64) -> Result<Vec<u8>, Error>;

/// How a file is read, and written again.
#[derive(Clone, Copy, Debug)]
enum Reread {
    /// In the format of Volley's files, which ends with a hash.
    Hashed(RereadHashed),
    /// A text of a pool, whose reader has a limit of its own.
    Text(TextKind),
}

/// One reader.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The name of its fuzz target.
    pub name: &'static str,
    /// A file that it reads.
    pub golden: &'static [u8],
    reread: Reread,
}

/// What became of a file that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reader refused it with an error.
    Refused,
    /// The reader gave an object that is written as the same bytes.
    Intact,
    /// The reader gave an object that is written as other bytes, which is a defect of the reader.
    Changed,
}

/// All readers, and what they read files for.
#[derive(Debug)]
pub struct Readers {
    world: World,
}

/// What the golden files belong to.
#[derive(Debug)]
struct World {
    context: Arc<Context>,
    job: Job,
    job_context: Arc<Context>,
    pool: Pool,
    requests: Requests,
    pool_job: PoolJob,
    job_pool: Pool,
}

/// What the golden shares of decryptions are of.
#[derive(Debug)]
struct Requests {
    opening: Opening,
    switching: Switching,
    openings: Openings,
}

/// The member of the pool whose files are read, and the one a share was sealed for.
const MEMBER: usize = 1;
const RECEIVER: usize = 2;

macro_rules! golden {
    ($crate_name:literal, $name:literal) => {
        include_bytes!(concat!("../../", $crate_name, "/testdata/wire/", $name, ".vly"))
    };
}

macro_rules! reader {
    ($crate_name:literal, $name:literal, $reread:expr) => {
        Reader { name: $name, golden: golden!($crate_name, $name), reread: Reread::Hashed($reread) }
    };
}

macro_rules! text {
    ($name:literal, $kind:expr) => {
        Reader {
            name: $name,
            golden: include_bytes!(concat!("../../volley-project/testdata/pool/", $name, ".json")),
            reread: Reread::Text($kind),
        }
    };
}

/// Every reader of `volley-ckks` and `volley-mlr`, and of the texts of pools in `volley-project`.
pub const READERS: [Reader; 44] = [
    // The header shows what any file is. It has no writer of its own.
    Reader {
        name: "header",
        golden: golden!("volley-mlr", "encrypted-model"),
        reread: Reread::Hashed(|_, file, _| {
            Header::read(file)?;
            Ok(file.to_vec())
        }),
    },
    reader!("volley-ckks", "parameters", |_, file, limit| {
        written(|out| Ok(Parameters::read(file, limit)?.write(out)?))
    }),
    reader!("volley-ckks", "public-key", |world, file, limit| {
        written(|out| Ok(PublicKey::read(&world.context, file, limit)?.write(out)?))
    }),
    reader!("volley-ckks", "evaluation-keys", |world, file, limit| {
        let keys = EvaluationKeySet::read(&world.context, file, limit)?;
        written(|out| Ok(keys.write(world.context.parameters(), out)?))
    }),
    // Some of the keys, cut down. All keys are read as well, as residues that are not kept may be out of range.
    Reader {
        name: "needed-keys",
        golden: golden!("volley-ckks", "evaluation-keys"),
        reread: Reread::Hashed(|world, file, limit| {
            let needed = KeySpec::new(world.context.parameters()).rotations([1], 0);
            EvaluationKeySet::read_needed(&world.context, FileReader::open(file, limit)?, &needed)?;
            let keys = EvaluationKeySet::read(&world.context, file, limit)?;
            written(|out| Ok(keys.write(world.context.parameters(), out)?))
        }),
    },
    reader!("volley-ckks", "ciphertext", |world, file, limit| {
        let ciphertext = Ciphertext::read(&world.context, file, limit)?;
        written(|out| Ok(ciphertext.write(world.context.parameters(), out)?))
    }),
    reader!("volley-ckks", "seeded-ciphertext", |world, file, limit| {
        let ciphertext = SeededCiphertext::read(&world.context, file, limit)?;
        written(|out| Ok(ciphertext.write(world.context.parameters(), out)?))
    }),
    reader!("volley-ckks", "secret-key", |world, file, limit| {
        written(|out| Ok(SecretKey::read(&world.context, None, file, limit)?.write(out)?))
    }),
    // Sealing again would take another nonce. The file counts as intact if the key is.
    reader!("volley-ckks", "sealed-secret-key", |world, file, limit| {
        let key = SecretKey::read(&world.context, Some(PASSPHRASE), file, limit)?;
        let plain = written(|out| Ok(key.write(out)?))?;
        let known = plain == golden!("volley-ckks", "secret-key");
        Ok(if known && SecretKey::is_sealed(&Header::read(file)?) {
            golden!("volley-ckks", "sealed-secret-key").to_vec()
        } else {
            plain
        })
    }),
    reader!("volley-ckks", "pooled-parameters", |_, file, limit| {
        written(|out| Ok(Parameters::read(file, limit)?.write(out)?))
    }),
    reader!("volley-ckks", "pooled-evaluation-keys", |world, file, limit| {
        let context = world.pool.context();
        let keys = EvaluationKeySet::read(context, file, limit)?;
        written(|out| Ok(keys.write(context.parameters(), out)?))
    }),
    reader!("volley-ckks", "pool", |world, file, limit| {
        written(|out| Ok(Pool::read(world.pool.context(), file, limit)?.write(out)?))
    }),
    reader!("volley-ckks", "pool-commitment", |world, file, limit| {
        let commitment = Commitment::read(&world.pool, MEMBER, file, limit)?;
        written(|out| Ok(commitment.write(&world.pool, out)?))
    }),
    reader!("volley-ckks", "pool-round-one-share", |world, file, limit| {
        let share = RoundOneShare::read(&world.pool, MEMBER, file, limit)?;
        written(|out| Ok(share.write(&world.pool, out)?))
    }),
    reader!("volley-ckks", "pool-round-one-sums", |world, file, limit| {
        written(|out| Ok(RoundOneSums::read(&world.pool, file, limit)?.write(out)?))
    }),
    reader!("volley-ckks", "pool-round-two-share", |world, file, limit| {
        let share = RoundTwoShare::read(&world.pool, MEMBER, file, limit)?;
        written(|out| Ok(share.write(&world.pool, out)?))
    }),
    reader!("volley-ckks", "pool-sealed-share", |world, file, limit| {
        let share = SealedShare::read(&world.pool, MEMBER, RECEIVER, file, limit)?;
        written(|out| Ok(share.write(&world.pool, out)?))
    }),
    reader!("volley-ckks", "pool-transport-key", |_, file, limit| {
        written(|out| Ok(TransportKey::read(file, limit)?.write(out)?))
    }),
    reader!("volley-ckks", "pool-sealed-opening", |world, file, limit| {
        let openings = &world.requests.openings;
        let sealed = SealedOpening::read(openings, MEMBER, file, limit)?;
        written(|out| Ok(sealed.write(openings, out)?))
    }),
    reader!("volley-ckks", "pool-opening-share", |world, file, limit| {
        let request = &world.requests.opening;
        let share = DecryptionShare::read(request, MEMBER, file, limit)?;
        written(|out| Ok(share.write(request, out)?))
    }),
    reader!("volley-ckks", "pool-switching-share", |world, file, limit| {
        let request = &world.requests.switching;
        let share = DecryptionShare::read(request, MEMBER, file, limit)?;
        written(|out| Ok(share.write(request, out)?))
    }),
    reader!("volley-ckks", "pool-owner-before-round-one", |world, file, limit| {
        written(|out| Ok(OwnerRoundOne::read(&world.pool, MEMBER, file, limit)?.write(out)?))
    }),
    reader!("volley-ckks", "pool-owner-before-round-two", |world, file, limit| {
        written(|out| Ok(OwnerRoundTwo::read(&world.pool, MEMBER, file, limit)?.write(out)?))
    }),
    reader!("volley-ckks", "pool-key-holder", |world, file, limit| {
        written(|out| Ok(KeyHolder::read(&world.pool, MEMBER, file, limit)?.write(out)?))
    }),
    reader!("volley-mlr", "training-job", |_, file, limit| {
        written(|out| Ok(Job::read(file, limit)?.write(out)?))
    }),
    reader!("volley-mlr", "training-rows", |world, file, limit| {
        let rows = EncryptedGroups::<SeededCiphertext>::read(&world.job, &world.job_context, 0, file, limit)?;
        written(|out| Ok(rows.write(&world.job, out)?))
    }),
    reader!("volley-mlr", "preconditioner", |world, file, limit| {
        let blocks: Vec<SeededCiphertext> = read_preconditioner(&world.job, &world.job_context, file, limit)?;
        written(|out| Ok(write_preconditioner(&blocks, &world.job, out)?))
    }),
    reader!("volley-mlr", "checkpoint", |world, file, limit| {
        let checkpoint = Checkpoint::read(&world.job, &world.job_context, file, limit)?;
        written(|out| Ok(checkpoint.write(&world.job, out)?))
    }),
    reader!("volley-mlr", "gradient", |world, file, limit| {
        let gradient = Gradient::read(&world.job, &world.job_context, file, limit)?;
        written(|out| Ok(gradient.write(&world.job, out)?))
    }),
    reader!("volley-mlr", "encrypted-model", |world, file, limit| {
        let model = EncryptedModel::read(&world.job, &world.job_context, file, limit)?;
        written(|out| Ok(model.write(&world.job, out)?))
    }),
    reader!("volley-mlr", "encrypted-rows", |world, file, limit| {
        let (_, rows) = EncryptedRows::<SeededCiphertext>::read(&world.job, &world.job_context, file, limit)?;
        written(|out| Ok(rows.write(&world.job, out)?))
    }),
    reader!("volley-mlr", "encrypted-scores", |world, file, limit| {
        let (_, rows, scores) = EncryptedScores::read(&world.job, &world.job_context, file, limit)?;
        written(|out| Ok(scores.write(&world.job, rows, out)?))
    }),
    reader!("volley-mlr", "pool-job", |_, file, limit| {
        written(|out| Ok(PoolJob::read(file, limit)?.write(out)?))
    }),
    reader!("volley-mlr", "pool-sums", |world, file, limit| {
        let (job, pool) = (&world.pool_job, &world.job_pool);
        let sums = EncryptedSums::read(job, pool, (MEMBER, Round::Deviations), file, limit)?;
        written(|out| Ok(sums.write(job, pool, out)?))
    }),
    reader!("volley-mlr", "pool-training-rows", |world, file, limit| {
        let job = world.pool_job.job(&world.job_pool)?;
        let rows = EncryptedGroups::<Ciphertext>::read(&job, world.job_pool.context(), MEMBER, file, limit)?;
        written(|out| Ok(rows.write(&job, out)?))
    }),
    reader!("volley-mlr", "pool-preconditioner", |world, file, limit| {
        let job = world.pool_job.job(&world.job_pool)?;
        let blocks: Vec<Ciphertext> = read_preconditioner(&job, world.job_pool.context(), file, limit)?;
        written(|out| Ok(write_preconditioner(&blocks, &job, out)?))
    }),
    reader!("volley-mlr", "owner-state", |world, file, limit| {
        let state = OwnerState::read(&world.job, file, limit)?;
        written(|out| Ok(state.write(&world.job, out)?))
    }),
    text!("invitation", TextKind::Invitation),
    text!("join", TextKind::Join),
    text!("ready", TextKind::Ready),
    text!("openers", TextKind::Openers),
    text!("score-request", TextKind::Request),
    text!("party", TextKind::Party),
    text!("received", TextKind::Received),
];

/// A text may be written in several ways. It counts as intact if what was read of it is read and written again as the
/// same bytes.
fn reread_text(kind: TextKind, file: &[u8]) -> Result<Vec<u8>, Error> {
    let once = kind.reread(file)?;
    let again = kind.reread(&once[..])?;
    Ok(if again == once { file.to_vec() } else { again })
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>) -> Result<Vec<u8>, Error> {
    let mut file = Vec::new();
    write(&mut file)?;
    Ok(file)
}

impl Readers {
    /// Reads the golden files that the others belong to.
    ///
    /// # Errors
    ///
    /// Where the golden files are no longer read.
    pub fn new() -> Result<Self, Error> {
        let parameters = golden!("volley-ckks", "parameters");
        let job = golden!("volley-mlr", "training-job");
        let context = Context::new(Parameters::read(&parameters[..], parameters.len() as u64)?);
        let job = Job::read(&job[..], job.len() as u64)?;
        let job_context = Context::new(job.plan().parameters().clone());
        let pool = golden_pool()?;
        let requests = golden_requests(&pool)?;
        let (pool_job, job_pool) = golden_job_of_pool()?;
        Ok(Self { world: World { context, job, job_context, pool, requests, pool_job, job_pool } })
    }

    /// Reads any bytes as a file of at most `limit` bytes.
    #[must_use]
    pub fn try_file(&self, reader: &Reader, file: &[u8], limit: u64) -> Outcome {
        let again = match reader.reread {
            Reread::Hashed(reread) => reread(&self.world, file, limit),
            Reread::Text(kind) => reread_text(kind, file),
        };
        match again {
            Err(_) => Outcome::Refused,
            Ok(again) if again == file => Outcome::Intact,
            Ok(_) => Outcome::Changed,
        }
    }
}

fn golden_pool() -> Result<Pool, Error> {
    let (parameters, pool) = (golden!("volley-ckks", "pooled-parameters"), golden!("volley-ckks", "pool"));
    let context = Context::new(Parameters::read(&parameters[..], parameters.len() as u64)?);
    Ok(Pool::read(&context, &pool[..], pool.len() as u64)?)
}

/// The job of a pool, and the pool that was made for it.
fn golden_job_of_pool() -> Result<(PoolJob, Pool), Error> {
    let (job, pool) = (golden!("volley-mlr", "pool-job"), golden!("volley-mlr", "pool-of-a-job"));
    let job = PoolJob::read(&job[..], job.len() as u64)?;
    let context = Context::new(job.plan().plan().parameters().clone());
    Ok((job, Pool::read(&context, &pool[..], pool.len() as u64)?))
}

/// The requests that the golden shares are of.
fn golden_requests(pool: &Pool) -> Result<Requests, Error> {
    let context = pool.context();
    let ciphertext = |file: &[u8]| Ciphertext::read(context, file, file.len() as u64);
    let opened = ciphertext(golden!("volley-ckks", "opened-ciphertext"))?;
    let second = ciphertext(golden!("volley-ckks", "second-opened-ciphertext"))?;
    let switched = ciphertext(golden!("volley-ckks", "switched-ciphertext"))?;
    let receiver = golden!("volley-ckks", "receiver-public-key");
    let receiver = PublicKey::read(context, &receiver[..], receiver.len() as u64)?;
    let (owners, smudging) = ([0, MEMBER], Smudging::new(Smudging::MIN_STATISTICAL_BITS, 1, 1.0)?);
    Ok(Requests {
        opening: Opening::new(pool, &opened, owners, &smudging)?,
        switching: Switching::new(pool, &switched, owners, &smudging, &receiver)?,
        openings: Openings::new(pool, [&opened, &second], owners, &smudging)?,
    })
}

/// What a fuzz target does with an input: the reader of this name reads it as it is, and then with hashes that are
/// right.
///
/// # Panics
///
/// Where the reader panics, where an object is written as other bytes, and where there is no reader of this name.
pub fn fuzz(name: &str, input: &[u8]) {
    static WORLD: std::sync::OnceLock<Readers> = std::sync::OnceLock::new();
    let readers = WORLD.get_or_init(|| Readers::new().expect("golden files are read"));
    let reader = READERS.iter().find(|reader| reader.name == name).expect("a reader of this name");
    let mut file = input.to_vec();
    for _ in 0..2 {
        let outcome = readers.try_file(reader, &file, 2 * file.len() as u64);
        assert!(outcome != Outcome::Changed, "{name}: read, and written as other bytes");
        reader.repair(&mut file);
    }
}

impl Reader {
    /// Sets the hashes of a file that has any.
    pub fn repair(&self, file: &mut [u8]) {
        match self.reread {
            Reread::Hashed(_) => repair(file),
            Reread::Text(_) => {}
        }
    }
}

/// Sets the hash at the end of a file, and that of a golden plan in the header of a job: no fuzzer would find what is
/// behind them otherwise.
fn repair(file: &mut [u8]) {
    let Some(end) = file.len().checked_sub(HASH_BYTES) else { return };
    if let Some(start) = body_start(file).filter(|&start| start <= end) {
        let (header, body) = file[..end].split_at_mut(start);
        for HashedPlan { kind, domain, golden } in &HASHED_PLANS {
            let find = |part: &[u8]| header.windows(part.len()).position(|window| window == part);
            if let (Some(_), Some(at)) = (find(kind), find(&plan_hash(domain, golden))) {
                header[at..at + HASH_BYTES].copy_from_slice(&hash_of_plan(domain, body));
            }
        }
    }
    let hash = *blake3::hash(&file[..end]).as_bytes();
    file[end..].copy_from_slice(&hash);
}

fn body_start(file: &[u8]) -> Option<usize> {
    let length = file.get(10..12)?;
    Some(12 + usize::from(u16::from_le_bytes([length[0], length[1]])))
}

/// A kind of file whose header has a hash of its plan.
struct HashedPlan {
    kind: &'static [u8],
    /// The bytes that precede the plan where it is hashed.
    domain: &'static [u8],
    golden: &'static [u8],
}

const HASHED_PLANS: [HashedPlan; 2] = [
    HashedPlan {
        kind: b"training job",
        domain: b"volley-mlr plan 1",
        golden: golden!("volley-mlr", "training-job"),
    },
    HashedPlan {
        kind: b"pool job",
        domain: b"volley-mlr pool plan 1",
        golden: golden!("volley-mlr", "pool-job"),
    },
];

/// The hash of the plan that a job file carries.
fn plan_hash(domain: &[u8], job: &[u8]) -> [u8; HASH_BYTES] {
    let body = body_start(job).and_then(|start| job.get(start..job.len() - HASH_BYTES));
    hash_of_plan(domain, body.unwrap_or_default())
}

fn hash_of_plan(domain: &[u8], body: &[u8]) -> [u8; HASH_BYTES] {
    *blake3::Hasher::new().update(domain).update(body).finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_files_are_intact_and_damaged_ones_refused() {
        let readers = Readers::new().unwrap();
        for reader in &READERS {
            let limit = reader.golden.len() as u64;
            assert_eq!(readers.try_file(reader, reader.golden, limit), Outcome::Intact, "{}", reader.name);
            let mut file = reader.golden.to_vec();
            reader.repair(&mut file);
            assert!(file == reader.golden, "{}: its hashes were right", reader.name);
            file[0] ^= 1;
            assert_eq!(readers.try_file(reader, &file, limit), Outcome::Refused, "{}", reader.name);
            fuzz(reader.name, &file);
        }
    }

    #[test]
    fn repaired_plans_are_read() {
        let job = READERS.iter().find(|reader| reader.name == "training-job").unwrap();
        let mut file = job.golden.to_vec();
        // Changes the number of samples, behind the length, and thereby the plan.
        file[body_start(job.golden).unwrap() + 4] += 1;
        let readers = Readers::new().unwrap();
        assert_eq!(readers.try_file(job, &file, 1000), Outcome::Refused);
        repair(&mut file);
        assert_eq!(readers.try_file(job, &file, 1000), Outcome::Intact);
    }
}
