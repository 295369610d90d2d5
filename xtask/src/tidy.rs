//! `cargo xtask tidy`: the project's own rules.
//!
//! They are a program of their own, since its dependencies read Rust, which nothing else here does: an experiment is
//! built without them.

use anyhow::Result;

use crate::workspace;

/// Prints every breach of a rule; a breach is an error.
pub(crate) fn run() -> Result<()> {
    let mut rules = workspace::cargo();
    rules.args(["run", "--quiet", "--package", "volley-tidy"]);
    workspace::run(&mut rules, "the rules are broken")
}
