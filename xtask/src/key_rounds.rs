//! `cargo xtask key-rounds`: times the steps that make the keys of pools, and compares them with what was foreseen.
//!
//! Messages go through files, as they do in `volley pool`. Times are processor times on one thread.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write, stdout};
use std::time::Duration;

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use cpu_time::ProcessTime;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::ThreadPoolBuilder;
use tempfile::TempDir;
use volley_mlr::volley_ckks::costs::{CoreKind, CostModel, KeyRounds, KeyStep, Part};
use volley_mlr::volley_ckks::multiparty::{
    Commitments, OwnerRoundOne, OwnerRoundTwo, Pool, RoundOneGathering, RoundOneShare, RoundOneSums,
    RoundTwoGathering, RoundTwoShare, TransportKey,
};
use volley_mlr::volley_ckks::volley_ring::sampling::Seed;
use volley_mlr::volley_ckks::{Context, KeySpec, ParametersLiteral, Security};
use volley_program::measure_core;
use volley_program::units::show_bytes;

use crate::calibrate::fit;

/// Bytes that are read or written at once, as `volley` does.
const BUFFER_BYTES: usize = 1 << 18;

/// A ring: log₂ of the degree, levels of two primes, special primes, and owners.
type Shape = (u32, usize, usize, usize);
const SHAPES: [Shape; 7] =
    [(13, 4, 2, 3), (14, 5, 3, 2), (14, 5, 3, 3), (14, 5, 3, 5), (15, 6, 4, 2), (15, 6, 4, 3), (15, 6, 4, 5)];

/// Each pool is made so often.
const RUNS: usize = 5;

/// Rotations, as many as the trainings of a plan have.
const ROTATIONS: std::ops::RangeInclusive<i64> = 1..=4;

/// A step of one party, and what it took when the core had these times.
#[derive(Clone)]
struct Observation {
    label: String,
    step: KeyStep,
    time: Duration,
    core: CostModel,
}

impl Observation {
    /// The part of the time that was foreseen.
    fn foreseen(&self) -> f64 {
        self.step.seconds(&self.core) / self.time.as_secs_f64()
    }
}

/// Times the steps of several pools, and prints them beside what is foreseen for this machine. The last lines are the
/// times of the parts that fit best, in units of [`CostModel::made`].
pub(crate) fn run() -> Result<()> {
    let thread = ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut observations = Vec::new();
    for shape in SHAPES {
        observations.extend(thread.install(|| medians(shape))?);
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["step", "read", "written", "foreseen, ms", "taken, ms", "foreseen / taken"]);
    for observation in &observations {
        let Observation { label, step, time, core } = observation;
        let [read, written] = [step.read, step.written].map(show_bytes);
        let numbers = [step.seconds(core), time.as_secs_f64()].map(|seconds| format!("{:.1}", 1e3 * seconds));
        let ratio = format!("{:.2}", observation.foreseen());
        table.add_row([label.clone(), read, written].into_iter().chain(numbers).chain([ratio]));
    }
    writeln!(stdout(), "{table}")?;
    for (part, best) in Part::ALL.iter().skip(KNOWN).zip(best(&observations)) {
        writeln!(stdout(), "{part:?}: {best:.3} times a byte that is made")?;
    }
    Ok(())
}

/// The steps of a pool with their median times. The core is measured each time, as the speed of a machine that others
/// use as well changes.
fn medians(shape: Shape) -> Result<Vec<Observation>> {
    let observe = |_| {
        let core = CostModel::measured(CoreKind::detect()?, &measure_core()?);
        Session::new(shape)?.observe(core)
    };
    let runs: Vec<_> = (0..RUNS).map(observe).collect::<Result<_>>()?;
    let median = |step: usize| {
        let mut of_step: Vec<_> = runs.iter().map(|run: &Vec<Observation>| &run[step]).collect();
        of_step.sort_by(|one, other| one.foreseen().total_cmp(&other.foreseen()));
        of_step[RUNS / 2].clone()
    };
    Ok((0..runs[0].len()).map(median).collect())
}

/// Parts whose times are those of operations.
const KNOWN: usize = 2;
const FITTED: usize = Part::ALL.len() - KNOWN;

/// The times of the other parts by which the observations are met best.
fn best(observations: &[Observation]) -> [f64; FITTED] {
    let rows = observations.iter().map(|Observation { step, time, core, .. }| {
        let parts = step.parts();
        let known = Part::ALL.iter().zip(parts).take(KNOWN);
        let known: f64 = known.map(|(part, count)| 1e-9 * part.nanoseconds(core) * count).sum();
        let left = (time.as_secs_f64() - known).max(f64::MIN_POSITIVE);
        parts[KNOWN..].iter().map(|count| 1e-9 * core.made * count / left).collect()
    });
    fit(&rows.collect::<Vec<_>>())
}

/// A file that is hashed as it is read, as `volley` does.
struct Hashed(File, blake3::Hasher);

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.update(&buffer[..read]);
        Ok(read)
    }
}

/// A pool, and the folder of its messages.
struct Session {
    name: String,
    pool: Pool,
    folder: TempDir,
    rng: ChaCha20Rng,
}

impl Session {
    /// A threshold of all but one, where there are more than two owners.
    fn new((log_n, levels, special, owners): Shape) -> Result<Self> {
        let levels_bits = std::iter::once(vec![50, 50]).chain(vec![vec![45, 45]; levels - 1]).collect();
        let literal = ParametersLiteral {
            log_n,
            levels: levels_bits,
            p_bits: vec![50; special],
            log_scale: 90,
            security: Security::Unchecked,
        };
        let context = Context::new(literal.build()?.pooled(owners)?);
        let top = context.parameters().max_level();
        let spec = KeySpec::new(context.parameters()).relinearization(top).rotations(ROTATIONS, top - 1);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let keys: Vec<_> = (0..owners).map(|_| TransportKey::generate(&mut rng).public_key()).collect();
        let members = (1..=owners).map(|owner| format!("owner {owner}")).zip(keys);
        let seed = Seed([1; 32]);
        let pool = match owners {
            2 => Pool::new(&context, members, spec, seed)?,
            _ => Pool::with_threshold(&context, members, owners - 1, spec, seed)?,
        };
        Ok(Self { name: format!("2^{log_n}, {owners} owners"), pool, folder: TempDir::new()?, rng })
    }

    fn create(&self, name: &str) -> Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(BUFFER_BYTES, File::create(self.folder.path().join(name))?))
    }

    fn open(&self, name: &str) -> Result<BufReader<Hashed>> {
        let file = File::open(self.folder.path().join(name))?;
        Ok(BufReader::with_capacity(BUFFER_BYTES, Hashed(file, blake3::Hasher::new())))
    }

    fn observe(mut self, core: CostModel) -> Result<Vec<Observation>> {
        let foreseen = KeyRounds::of(&self.pool);
        let mut observations = Vec::new();
        let name = self.name.clone();
        let mut note = |step: &str, foreseen: KeyStep, time| {
            observations.push(Observation { label: format!("{name}: {step}"), step: foreseen, time, core });
        };
        let owners: Vec<_> = self
            .pool
            .everyone()
            .map(|member| OwnerRoundOne::new(&self.pool, member, &mut self.rng))
            .collect::<Result<_, _>>()?;
        let (commitment, time) = timed(|| Ok(owners[0].commitment()))?;
        note("commitment", foreseen.commitment, time);
        let others = owners[1..].iter().map(OwnerRoundOne::commitment);
        let commitments = Commitments::new(&self.pool, std::iter::once(commitment).chain(others))?;
        let ((), time) = timed(|| self.round_one(&owners[0], &commitments))?;
        note("round 1", foreseen.round_one, time);
        owners[1..].iter().try_for_each(|owner| self.round_one(owner, &commitments))?;
        let mut owners = owners.into_iter();
        let first = owners.next().into_iter();
        let (mut second, time) =
            timed(|| first.map(|owner| self.round_two(owner, &commitments)).collect::<Result<Vec<_>>>())?;
        note("round 2", foreseen.round_two, time);
        for owner in owners {
            second.push(self.round_two(owner, &commitments)?);
        }
        if let Some(sharing) = foreseen.sharing {
            let ((), time) = timed(|| self.share(&second[0]))?;
            note("shares of the secret", sharing, time);
        }
        let ((), time) = timed(|| self.evaluation_keys(&commitments))?;
        note("evaluation keys", foreseen.evaluation_keys, time);
        Ok(observations)
    }

    fn round_one(&self, owner: &OwnerRoundOne, commitments: &Commitments) -> Result<()> {
        let mut file = self.create(&format!("1-{}", owner.member()))?;
        owner.share(commitments)?.write(&self.pool, &mut file)?;
        Ok(file.flush()?)
    }

    fn sums(&self, commitments: &Commitments) -> Result<RoundOneSums> {
        let mut gathering = RoundOneGathering::new(commitments);
        for member in self.pool.everyone() {
            let file = self.open(&format!("1-{member}"))?;
            gathering.add(RoundOneShare::read(&self.pool, member, file, u64::MAX)?)?;
        }
        Ok(gathering.finish()?)
    }

    fn round_two(&self, owner: OwnerRoundOne, commitments: &Commitments) -> Result<OwnerRoundTwo> {
        let sums = self.sums(commitments)?;
        let owner = owner.into_round_two(commitments, &sums)?;
        let mut file = self.create(&format!("2-{}", owner.member()))?;
        owner.share(&sums)?.write(&self.pool, &mut file)?;
        file.flush()?;
        Ok(owner)
    }

    fn share(&self, owner: &OwnerRoundTwo) -> Result<()> {
        for member in self.pool.everyone() {
            let mut file = self.create(&format!("3-{member}"))?;
            owner.sealed_share(member)?.write(&self.pool, &mut file)?;
            file.flush()?;
        }
        Ok(())
    }

    fn evaluation_keys(&self, commitments: &Commitments) -> Result<()> {
        let mut gathering = RoundTwoGathering::new(self.sums(commitments)?);
        for member in self.pool.everyone() {
            let file = self.open(&format!("2-{member}"))?;
            gathering.add(RoundTwoShare::read(&self.pool, member, file, u64::MAX)?)?;
        }
        let mut file = self.create("keys")?;
        gathering.finish()?.write(self.pool.context().parameters(), &mut file)?;
        Ok(file.flush()?)
    }
}

/// The result of some work, and its processor time.
pub(crate) fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = ProcessTime::try_now()?;
    let result = work()?;
    Ok((result, start.try_elapsed()?))
}
