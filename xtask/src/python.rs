//! `cargo xtask python`: the Python package, installed and tested in an environment of its own.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::workspace;

/// Whether an interpreter is new enough and can make environments.
const CHECK: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
/// The environment, which is made anew.
const ENVIRONMENT: &str = "target/python";
/// Pages made of the package's documentation.
const REFERENCE: &str = "target/python-reference";

/// Checks the package's Rust, installs the package with what its tests need, runs them, and makes its reference. Where
/// there is no CPython 3.10 with venv, it says so and does nothing.
pub(crate) fn run() -> Result<()> {
    let python = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let check = Command::new(&python).args(["-c", CHECK]).stderr(Stdio::null()).status();
    if !check.is_ok_and(|status| status.success()) {
        println!("    python: skipped, there is no CPython 3.10 or newer with venv (PYTHON names one)");
        return Ok(());
    }
    let manifest = ["--manifest-path", "python/Cargo.toml"];
    call(workspace::cargo().arg("fmt").args(manifest).arg("--check"))?;
    let lints = ["--all-targets", "--locked", "--", "-D", "warnings"];
    call(workspace::cargo().arg("clippy").args(manifest).args(lints))?;
    call(Command::new(&python).args(["-m", "venv", "--clear", ENVIRONMENT]))?;
    let programs = Path::new(ENVIRONMENT).join(if cfg!(windows) { "Scripts" } else { "bin" });
    let python = workspace::root().join(programs).join("python");
    // With the profile of the tests, so that what both depend on is built once.
    let profile = "--config-settings=build-args=--profile dev";
    call(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        profile,
        "./python[reference,test]",
    ]))?;
    call(Command::new(&python).args(["-m", "pytest", "--quiet", "python"]))?;
    call(Command::new(&python).args(["-m", "pdoc", "--output-directory", REFERENCE, "volley", "volley.ckks"]))
}

/// Runs a program in the workspace. What the package and the workspace both depend on is built once.
fn call(command: &mut Command) -> Result<()> {
    let failure = format!("{command:?} failed");
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| workspace::root().join("target").into());
    workspace::run(command.env("CARGO_TARGET_DIR", target), &failure)
}
