//! `cargo xtask bench`: runs the benches and writes what they measured, with what is needed to compare it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, System};
use volley_ring::Kernel;

use crate::workspace;

/// Which benches, and where the result goes.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Where the JSON goes; its folder must exist
    #[arg(long, value_name = "FILE", default_value = "target/bench.json")]
    output: PathBuf,
    /// Run only the benches whose name contains this
    filter: Option<String>,
}

/// The file that is written.
#[derive(Debug, Serialize)]
struct Summary {
    /// The processor's name, where the system tells it.
    cpu: Option<String>,
    /// The instruction set of the kernels.
    backend: &'static str,
    /// Version of the compiler.
    rustc: String,
    /// The commit, with `-dirty` where the work tree differs.
    commit: String,
    /// Threads that parallel benches may use.
    threads: usize,
    /// Criterion's name of the bench, and what it measured.
    benches: BTreeMap<String, Estimates>,
}

/// Nanoseconds for one call.
#[derive(Debug, PartialEq, Serialize)]
struct Estimates {
    mean_ns: f64,
    median_ns: f64,
    standard_deviation_ns: f64,
}

/// Criterion's `estimates.json`, of which this is needed.
#[derive(Deserialize)]
struct CriterionEstimates {
    mean: PointEstimate,
    median: PointEstimate,
    std_dev: PointEstimate,
}

#[derive(Deserialize)]
struct PointEstimate {
    point_estimate: f64,
}

/// Criterion's `benchmark.json`, of which this is needed.
#[derive(Deserialize)]
struct CriterionBenchmark {
    full_id: String,
}

/// Runs the benches and writes the summary of those that ran.
pub(crate) fn run(options: &Options) -> Result<()> {
    let start = SystemTime::now();
    let mut cargo = workspace::cargo();
    cargo.args(["bench", "--package", "volley-benches", "--benches", "--"]).args(&options.filter);
    workspace::run(&mut cargo, "cargo bench failed")?;

    let mut benches = BTreeMap::new();
    collect(&workspace::root().join("target/criterion"), start, &mut benches)?;
    let summary = Summary {
        cpu: cpu(),
        backend: Kernel::detect()?.name(),
        rustc: output_of("rustc", &["--version"])?,
        commit: output_of("git", &["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])?,
        threads: rayon::current_num_threads(),
        benches,
    };
    let json = serde_json::to_string_pretty(&summary)? + "\n";
    fs::write(&options.output, json).with_context(|| format!("cannot write {}", options.output.display()))?;
    println!("{} benches in {}", summary.benches.len(), options.output.display());
    Ok(())
}

/// Adds the results below a folder that were written since `start`. Criterion keeps those of a bench in a folder `new`.
fn collect(folder: &Path, start: SystemTime, benches: &mut BTreeMap<String, Estimates>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| folder.display().to_string())?,
    };
    for entry in entries {
        let path = entry?.path();
        let estimates = path.join("estimates.json");
        if path.ends_with("new") && estimates.exists() {
            if fs::metadata(&estimates)?.modified()? >= start {
                let bench: CriterionBenchmark = read(&path.join("benchmark.json"))?;
                benches.insert(bench.full_id, read::<CriterionEstimates>(&estimates)?.into());
            }
        } else if path.is_dir() {
            collect(&path, start, benches)?;
        }
    }
    Ok(())
}

impl From<CriterionEstimates> for Estimates {
    fn from(estimates: CriterionEstimates) -> Self {
        Self {
            mean_ns: estimates.mean.point_estimate,
            median_ns: estimates.median.point_estimate,
            standard_deviation_ns: estimates.std_dev.point_estimate,
        }
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// The processor's name.
fn cpu() -> Option<String> {
    let mut system = System::new().ok()?;
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    Some(system.cpus().first()?.brand().to_owned()).filter(|name| !name.is_empty())
}

fn output_of(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(workspace::root()).output();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} {} failed", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn write(folder: &Path, name: &str, id: &str, mean: u32) {
        let new = folder.join(name).join("new");
        fs::create_dir_all(&new).unwrap();
        fs::write(new.join("benchmark.json"), format!(r#"{{"full_id": "{id}", "value_str": null}}"#))
            .unwrap();
        let estimate = |value| format!(r#"{{"point_estimate": {value}, "standard_error": 0.5}}"#);
        let estimates = format!(
            r#"{{"mean": {}, "median": {}, "std_dev": {}, "slope": null}}"#,
            estimate(mean),
            estimate(2),
            estimate(3)
        );
        fs::write(new.join("estimates.json"), estimates).unwrap();
    }

    #[test]
    fn results_of_this_run_are_collected() {
        let folder = workspace::root().join("target/xtask-bench-test");
        let start = SystemTime::now() - Duration::from_secs(60);
        write(&folder, "ntt_forward/N=4096", "ntt/forward/N=4096", 1);
        write(&folder, "old", "old", 9);
        let old = fs::File::options().write(true).open(folder.join("old/new/estimates.json")).unwrap();
        old.set_modified(start - Duration::from_secs(1)).unwrap();
        let mut benches = BTreeMap::new();
        collect(&folder, start, &mut benches).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let expected = Estimates { mean_ns: 1.0, median_ns: 2.0, standard_deviation_ns: 3.0 };
        assert_eq!(benches, BTreeMap::from([("ntt/forward/N=4096".to_owned(), expected)]));
    }

    #[test]
    fn no_benches_are_no_error() {
        let mut benches = BTreeMap::new();
        collect(Path::new("no/such/folder"), SystemTime::now(), &mut benches).unwrap();
        assert!(benches.is_empty());
    }
}
