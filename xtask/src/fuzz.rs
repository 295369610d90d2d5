//! `cargo xtask fuzz`: the readers of files, tried with random defects.
//!
//! The fuzzer is a program of its own, since it counts allocations. Like the tests it runs optimised and with debug
//! assertions.

use anyhow::Result;
use clap::Args;

use crate::workspace;

/// How long, and with which defects.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Seconds to go on for
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seed of the defects: the same seed gives the same files
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the fuzzer until the time is over or a file is not read as it should be; such a file is kept.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut fuzzer = workspace::cargo();
    fuzzer.args(["run", "--quiet", "--package", "volley-fuzz", "--"]).args([
        "--seconds",
        &options.seconds.to_string(),
        "--seed",
        &options.seed.to_string(),
    ]);
    workspace::run(&mut fuzzer, "the fuzzer found something")
}
