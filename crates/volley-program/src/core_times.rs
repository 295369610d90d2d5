//! The times of this machine's cores, measured once and kept among the user's caches.
//!
//! The times belong to a program, a processor and its kernels. A file that is not as it should be is ignored, and the
//! times are measured again. A cache that cannot be written costs a tenth of a second each time. Neither is an error.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use cpu_time::ThreadTime;
use etcetera::BaseStrategy;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, RefreshKind, System};
use tempfile::NamedTempFile;
use volley_mlr::volley_ckks::costs::{CoreKind, CostModel, Measurement};

/// The folder in the user's cache, and the file in it.
const FOLDER: &str = "volley";
const FILE: &str = "core_times.json";
/// More bytes than the file has.
const MAX_BYTES: u64 = 1 << 12;

/// A kind of core, and what one of this machine takes.
#[derive(Clone, Copy, Debug)]
pub struct CoreTimes {
    /// The kind, with the kernels in use.
    pub kind: CoreKind,
    /// The kind's times, scaled by the measurement.
    pub times: CostModel,
}

impl CoreTimes {
    /// The times of this machine's cores, with the kernels in use.
    ///
    /// # Errors
    ///
    /// Where `VOLLEY_BACKEND` names kernels that the processor does not run, and those of [`measure_core`].
    pub fn of_this_machine() -> Result<Self> {
        let kind = CoreKind::detect()?;
        let measurement = kept_or_measured(cache_folder().as_deref(), &Key::of(kind), measure_core)?;
        Ok(Self { kind, times: CostModel::measured(kind, &measurement) })
    }
}

/// What a measurement belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    version: String,
    /// Whether debug assertions are on, which make a build slower.
    debug_assertions: bool,
    processor: String,
    kernels: String,
}

impl Key {
    fn of(kind: CoreKind) -> Self {
        let only_cpus = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
        let system = System::new_with_specifics(only_cpus).ok();
        let processor = system.and_then(|system| Some(system.cpus().first()?.brand().to_owned()));
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            debug_assertions: cfg!(debug_assertions),
            processor: processor.unwrap_or_default(),
            kernels: kind.to_string(),
        }
    }
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    key: Key,
    /// The factors of [`Measurement::factors`].
    factors: [f64; 3],
}

fn cache_folder() -> Option<PathBuf> {
    let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(folders.cache_dir().join(FOLDER))
}

/// Times one core: all runs on one thread, however many the program has.
///
/// # Errors
///
/// Where the system gives no random bytes or no thread, or the measurement fails.
pub fn measure_core() -> Result<Measurement> {
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let thread = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    Ok(thread.install(|| Measurement::take(&mut rng, || ThreadTime::now().as_duration()))?)
}

/// The measurement in a folder, if it is one for this key, or else a measurement that is put there.
fn kept_or_measured(
    folder: Option<&Path>,
    key: &Key,
    measure: impl FnOnce() -> Result<Measurement>,
) -> Result<Measurement> {
    if let Some(kept) = folder.and_then(|folder| read(&folder.join(FILE), key)) {
        return Ok(kept);
    }
    let measurement = measure()?;
    // A cache is a convenience: the next program measures again.
    let _ = folder.map(|folder| write(folder, key, &measurement));
    Ok(measurement)
}

fn read(path: &Path, key: &Key) -> Option<Measurement> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    if kept.key == *key { Measurement::from_factors(kept.factors) } else { None }
}

/// Writes the file as a whole or not at all: another program may write at the same time.
fn write(folder: &Path, key: &Key, measurement: &Measurement) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, &Kept { key: key.clone(), factors: measurement.factors() })?;
    file.flush()?;
    file.persist(folder.join(FILE)).map_err(|failed| failed.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            version: "1".into(),
            debug_assertions: false,
            processor: "processor".into(),
            kernels: "AVX2".into(),
        }
    }

    fn factors(folder: &Path, key: &Key, measured: Option<[f64; 3]>) -> [f64; 3] {
        let measure = || Ok(Measurement::from_factors(measured.expect("it is kept")).unwrap());
        kept_or_measured(Some(folder), key, measure).unwrap().factors()
    }

    #[test]
    fn a_measurement_is_made_once_for_a_key() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cache/volley");
        assert_eq!(factors(&folder, &key(), Some([1.5, 0.1, 3.0])), [1.5, 0.1, 3.0]);
        assert_eq!(factors(&folder, &key(), None), [1.5, 0.1, 3.0]);
        let others = [
            Key { version: "2".into(), ..key() },
            Key { debug_assertions: true, ..key() },
            Key { processor: "other".into(), ..key() },
            Key { kernels: "no vectors".into(), ..key() },
        ];
        for (index, other) in others.iter().enumerate() {
            let measured = [index as f64 + 2.0, 1.0, 1.0];
            assert_eq!(factors(&folder, other, Some(measured)), measured);
            assert_eq!(factors(&folder, other, None), measured);
        }
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside it");
    }

    #[test]
    fn a_key_is_that_of_this_program_and_processor() {
        let kind = CoreKind::detect().unwrap();
        let key = Key::of(kind);
        assert_eq!(key, Key::of(kind));
        assert_eq!((key.version.as_str(), key.kernels), (env!("CARGO_PKG_VERSION"), kind.to_string()));
        assert!(!cfg!(all(target_os = "linux", target_arch = "x86_64")) || !key.processor.is_empty());
    }

    #[test]
    fn what_is_damaged_is_measured_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        factors(folder.path(), &key(), Some([2.0, 2.0, 2.0]));
        let good = fs::read_to_string(&path).unwrap();
        let damaged = [
            String::new(),
            good[..good.len() / 2].to_owned(),
            good.replace("2.0", "0.0"),
            good.replace("2.0", "1e300"),
            good.replace("factors", "factor"),
            format!("{good}x"),
        ];
        for (index, text) in damaged.iter().enumerate() {
            fs::write(&path, text).unwrap();
            let measured = [index as f64 + 3.0, 1.0, 1.0];
            assert_eq!(factors(folder.path(), &key(), Some(measured)), measured, "{text}");
            assert_eq!(factors(folder.path(), &key(), None), measured);
        }
        fs::write(&path, [0xff; 10_000]).unwrap();
        assert_eq!(factors(folder.path(), &key(), Some([9.0; 3])), [9.0; 3]);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(factors(&file, &key(), Some([1.0, 2.0, 3.0])), [1.0, 2.0, 3.0]);
        let nowhere = kept_or_measured(None, &key(), || Ok(Measurement::from_factors([1.0; 3]).unwrap()));
        assert_eq!(nowhere.unwrap().factors(), [1.0; 3]);
    }
}
