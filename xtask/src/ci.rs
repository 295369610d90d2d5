//! `cargo xtask ci`: everything that must hold before a change is merged.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};
use volley_ring::{BACKEND_VARIABLE, Kernel};

use crate::{python, tidy, workspace};

mod programs;

/// A call of cargo.
///
/// It names the workspace also where it runs the tests of one package: the features of a dependency come from all
/// packages that are named, so a package alone would be built again, with all that it depends on.
struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

impl Step {
    fn run(&self) -> Result<()> {
        timed(self.name, || cargo(self.arguments, self.environment))
    }
}

/// The layers that know of kernels.
const LOWER_LAYERS: [&str; 2] = ["volley-ring", "volley-ckks"];

const FORMAT: Step = Step { name: "format", arguments: &["fmt", "--all", "--check"], environment: &[] };
/// The examples of volley-ckks are among the tests.
const TEST: Step = Step { name: "test", arguments: &["test", "--workspace"], environment: &[] };

/// A test that is left out of all others, as it takes minutes: it runs beside the later steps.
const THOUSAND_BOOTSTRAPS: [&str; 2] = ["a_thousand_consecutive", "--ignored"];

/// The steps beside it.
const LATER_STEPS: [Step; 4] = [
    // The readers get millions of files with defects.
    Step {
        name: "fuzz smoke",
        arguments: &["test", "--workspace", "--test", "fuzzer", "--", "--ignored"],
        environment: &[],
    },
    // Each bench runs once, as the tests are built.
    Step { name: "bench smoke", arguments: &["test", "--workspace", "--bench", "*"], environment: &[] },
    Step {
        name: "test without features",
        arguments: &["test", "--package", "volley-ckks", "--no-default-features"],
        environment: &[],
    },
    Step {
        name: "documentation",
        arguments: &["doc", "--workspace", "--no-deps", "--document-private-items"],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
    },
];

/// What takes an MPI: `mpirun` and `mpicc`, and the library of clang.
const MPI_FEATURE: [&str; 2] = ["--features", "volley-cli/mpi"];
/// The programs of all other tests have no MPI.
const TEST_WITH_MPI: Step = Step {
    name: "test with MPI",
    arguments: &["test", "--workspace", MPI_FEATURE[0], MPI_FEATURE[1], "--test", "cli", "mpi::"],
    environment: &[],
};

/// Clippy on the crates that have features, and on their tests.
const CLIPPY_ON_LIBRARIES: [&str; 12] = [
    "clippy",
    "--package",
    "volley-ring",
    "--package",
    "volley-ckks",
    "--package",
    "volley-revolver",
    "--package",
    "volley-sigmoid",
    "--package",
    "volley-mlr",
    "--all-targets",
];
/// Sets of features: none, and each alone. Other steps have all of them together.
const FEATURES: [&str; 4] = ["", "parallel", "sealing", "wire"];

/// Runs `tidy`, the steps, and what is repeated for kernels and for features, the cheapest first. The first failure
/// ends it.
pub(crate) fn run() -> Result<()> {
    let has_mpi = Command::new("mpicc").arg("--version").stdout(Stdio::null()).status().is_ok();
    timed("tidy", tidy::run)?;
    FORMAT.run()?;
    timed("clippy", || lint(has_mpi))?;
    TEST.run()?;
    let bootstrapping = programs::of_tests(&["volley-ckks"])?;
    thread::scope(|scope| {
        let bootstraps = scope.spawn(|| {
            timed("a thousand bootstraps", || {
                bootstrapping.iter().try_for_each(|program| program.run(&THOUSAND_BOOTSTRAPS, &[]))
            })
        });
        run_later_steps(has_mpi)?;
        bootstraps.join().map_err(|_| anyhow!("the thread of a thousand bootstraps panicked"))?
    })
}

/// Clippy on all that is built here.
fn lint(has_mpi: bool) -> Result<()> {
    let features = if has_mpi { &MPI_FEATURE[..] } else { &[] };
    let arguments = [&["clippy", "--workspace", "--all-targets"], features, &["--", "-D", "warnings"]];
    cargo(&arguments.concat(), &[])
}

fn run_later_steps(has_mpi: bool) -> Result<()> {
    LATER_STEPS.iter().try_for_each(Step::run)?;
    if has_mpi {
        TEST_WITH_MPI.run()?;
    } else {
        println!("==> MPI\n    skipped, there is no mpicc");
    }
    // The code above the kernels, as processors with fewer instructions run it; the steps have the fastest ones.
    for kernel in Kernel::available().into_iter().skip(1) {
        timed(&format!("test with {} kernels", kernel.name()), || test_lower_layers(kernel))?;
    }
    for features in FEATURES {
        let chosen = ["--no-default-features", "--features", features, "--", "-D", "warnings"];
        let arguments = [&CLIPPY_ON_LIBRARIES[..], &chosen].concat();
        timed(&format!("features: {features:?} alone"), || cargo(&arguments, &[]))?;
    }
    timed("python", python::run)
}

/// The tests of the lower layers with these kernels.
fn test_lower_layers(kernel: Kernel) -> Result<()> {
    let forced = [(BACKEND_VARIABLE, kernel.name())];
    for program in programs::of_tests(&LOWER_LAYERS)? {
        program.run(&[], &forced)?;
    }
    cargo(&[&["test", "--workspace", "--doc", "--"], &LOWER_LAYERS[..]].concat(), &forced)
}

fn timed(name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("==> {name}");
    let start = Instant::now();
    let result = step();
    println!(
        "    {name}: {:.1} s, {}",
        start.elapsed().as_secs_f64(),
        if result.is_ok() { "good" } else { "FAILED" }
    );
    result
}

/// Runs cargo in the workspace.
fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(arguments).envs(environment.iter().copied());
    workspace::run(&mut cargo, &format!("cargo {} failed", arguments.join(" ")))
}
