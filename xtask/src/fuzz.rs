//! `cargo xtask fuzz`: the readers of files, tried with random defects.
//!
//! The fuzzer is a program of its own, since it counts allocations. Like the tests it runs optimised and with debug
//! assertions.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, ensure};
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
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--package", "volley-fuzz", "--"])
        .args(["--seconds", &options.seconds.to_string(), "--seed", &options.seed.to_string()])
        .current_dir(workspace::root())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the fuzzer found something");
    Ok(())
}
