//! A fuzzer for every stable toolchain: random defects in the golden files, for some seconds, with each allocation
//! counted. `cargo xtask fuzz` runs it.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use peak_alloc::PeakAlloc;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use volley_fuzz::{Outcome, READERS, Reader, Readers};
use volley_mlr::volley_ckks::wire::MEMORY_FACTOR;
use volley_testkit::mutation::mutate;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Bytes that a reader may take beside the object for any file: tables of names, one limb, messages.
const FIXED_BYTES: u64 = 1 << 16;
/// Bytes that opening a sealed key may take: those of the most work of Argon2id that a file may demand.
const SEALED_BYTES: u64 = (1 << 28) + FIXED_BYTES;
/// Bytes that planning a job again may take.
const PLAN_BYTES: u64 = 1 << 26;

/// Reads mutated files with every reader
#[derive(Parser, Debug)]
struct Options {
    /// How long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seed of the defects
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for a file that is not read as it should be
    #[arg(long, default_value = "fuzz/artifacts")]
    artifacts: PathBuf,
}

/// What was seen of one reader.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    refused: u64,
    intact: u64,
    /// Most bytes allocated at the same time by one read, and the time of the slowest.
    bytes: u64,
    slowest: Duration,
}

fn main() -> Result<()> {
    let options = Options::parse();
    // What is allocated is then what this reader allocated.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let readers = match Readers::new() {
        Ok(readers) => readers,
        Err(error) => bail!("the golden files are not read: {error}"),
    };
    let mut rng = ChaCha20Rng::seed_from_u64(options.seed);
    let mut seen = [Seen::default(); READERS.len()];
    let (start, mut files) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(options.seconds) {
        for (reader, seen) in READERS.iter().zip(&mut seen) {
            let file = mutant(reader, &mut rng);
            if let Err(problem) = try_file(&readers, reader, &file, seen) {
                let folder = options.artifacts.join(reader.name);
                fs::create_dir_all(&folder)?;
                let path = folder.join(blake3::hash(&file).to_hex().as_str());
                fs::write(&path, &file)?;
                bail!(
                    "{}, file {files} of seed {}: {problem}: {}",
                    reader.name,
                    options.seed,
                    path.display()
                );
            }
            files += 1;
        }
    }
    report(&seen, files, start.elapsed());
    Ok(())
}

/// A golden file, seldom another reader's, with random defects; half of them with right hashes.
fn mutant(reader: &Reader, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let other = &READERS[(rng.next_u64() % READERS.len() as u64) as usize];
    let golden = if rng.next_u64().is_multiple_of(16) { other.golden } else { reader.golden };
    let mut file = mutate(golden, || rng.next_u64());
    if rng.next_u64().is_multiple_of(2) {
        reader.repair(&mut file);
    }
    file
}

fn try_file(readers: &Readers, reader: &Reader, file: &[u8], seen: &mut Seen) -> Result<()> {
    let limit = 2 * reader.golden.len() as u64;
    let fixed = match reader.name {
        "sealed-secret-key" => SEALED_BYTES,
        "training-job" | "pool-job" => PLAN_BYTES,
        _ => FIXED_BYTES,
    };
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let start = Instant::now();
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| readers.try_file(reader, file, limit)));
    let elapsed = start.elapsed();
    let bytes = ALLOCATOR.peak_usage().saturating_sub(before) as u64;
    seen.bytes = seen.bytes.max(bytes);
    seen.slowest = seen.slowest.max(elapsed);
    match outcome {
        Ok(Outcome::Refused) => seen.refused += 1,
        Ok(Outcome::Intact) => seen.intact += 1,
        Ok(Outcome::Changed) => bail!("read, and written as other bytes"),
        Err(_) => bail!("panicked"),
    }
    let bound = MEMORY_FACTOR * limit + fixed;
    if bytes > bound {
        bail!("{bytes} bytes allocated for a limit of {limit} bytes, {bound} are allowed");
    }
    Ok(())
}

fn report(seen: &[Seen], files: u64, elapsed: Duration) {
    println!("{:27} {:>9} {:>9} {:>12} {:>12}", "reader", "refused", "intact", "most bytes", "slowest");
    for (reader, seen) in READERS.iter().zip(seen) {
        let Seen { refused, intact, bytes, slowest } = seen;
        println!("{:27} {refused:>9} {intact:>9} {bytes:>12} {slowest:>12.1?}", reader.name);
    }
    let seconds = elapsed.as_secs_f64();
    println!("{files} files in {seconds:.0} s, {:.0} a second", files as f64 / seconds);
}
