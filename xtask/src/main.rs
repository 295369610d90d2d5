//! The MNIST experiment and the project's chores: `cargo xtask --help`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use volley_program::{BadInput, exit_code};
use volley_ring::Kernel;

mod bench;
mod bootstrap;
mod calibrate;
mod ci;
mod clock;
mod compare;
mod data;
mod experiment;
mod fuzz;
mod key_rounds;
mod mnist;
mod mnist_subset;
mod pool;
mod python;
mod tidy;
mod workspace;

/// The MNIST experiment and the project's chores
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Train on encrypted data, end to end, and compare with the same training in clear
    Experiment(experiment::Options),
    /// Train one model on the rows of several owners, under a key that nobody holds
    Pool(pool::Options),
    /// Check everything: rules, format, lints, tests, documentation, benches
    Ci,
    /// Run the benches and collect their times in one JSON file
    Bench(bench::Options),
    /// Time a bootstrapping and measure the precision of each step
    Bootstrap(bootstrap::Options),
    /// Try every reader of files with random defects
    Fuzz(fuzz::Options),
    /// Fit the planner's cost model to operations timed on this machine
    Calibrate,
    /// Time the steps that make the keys of pools, and compare with what is foreseen
    KeyRounds,
    /// Time our operations beside OpenFHE's and SEAL's, on one thread
    Compare(compare::Options),
    /// Compute CNN features of all images of MNIST; goes on after an interruption
    Mnist(mnist::Options),
    /// Make the embedded MNIST subset from the original files
    MnistSubset(mnist_subset::Options),
    /// Install the Python package in an environment of its own, and run its tests
    Python,
    /// Check the project's own rules: layers, licences, sources, tests of errors
    Tidy,
}

/// Exit code 0: done. 1: it failed. 2: wrong usage or input.
fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            exit_code(&error)
        }
    }
}

fn run(command: &Command) -> Result<()> {
    Kernel::detect().map_err(|unknown| BadInput::new(unknown.to_string()))?;
    match command {
        Command::Experiment(options) => experiment::run(options),
        Command::Pool(options) => pool::run(options),
        Command::Ci => ci::run(),
        Command::Bench(options) => bench::run(options),
        Command::Bootstrap(options) => bootstrap::run(options),
        Command::Fuzz(options) => fuzz::run(options),
        Command::Calibrate => calibrate::run(),
        Command::KeyRounds => key_rounds::run(),
        Command::Compare(options) => compare::run(options),
        Command::Mnist(options) => mnist::run(options),
        Command::MnistSubset(options) => mnist_subset::run(options),
        Command::Python => python::run(),
        Command::Tidy => tidy::run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
