//! The programs of tests, to run some of them without cargo.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::workspace;

/// A program of tests.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
}

/// Of a line of cargo's JSON, what is needed here.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The programs of tests of some packages, built as for all packages together.
pub(super) fn of_tests(packages: &[&str]) -> Result<Vec<Program>> {
    let output = workspace::cargo()
        .args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"])
        .current_dir(workspace::root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo test --no-run failed");
    let messages = String::from_utf8(output.stdout).context("cargo writes JSON as UTF-8")?;
    let programs: Vec<Program> = messages.lines().filter_map(|line| read(line, packages)).collect();
    ensure!(!programs.is_empty(), "cargo built no tests of {}", packages.join(", "));
    Ok(programs)
}

/// The program that a line speaks of. Lines of other kinds lack some of the fields.
fn read(line: &str, packages: &[&str]) -> Option<Program> {
    let artifact: Artifact = serde_json::from_str(line).ok()?;
    let folder = artifact.manifest_path.parent()?;
    let wanted = artifact.profile.test && packages.iter().any(|package| folder.ends_with(package));
    Some(Program { path: artifact.executable.filter(|_| wanted)?, folder: folder.to_owned() })
}

impl Program {
    /// Runs the tests as cargo would, with these arguments and variables.
    pub(super) fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
        let mut command = Command::new(&self.path);
        command.args(arguments).current_dir(&self.folder).envs(environment.iter().copied());
        let status = command.status().with_context(|| format!("cannot run {}", self.path.display()))?;
        ensure!(status.success(), "{} failed", self.path.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_tests_of_the_packages_are_found() {
        let line = |package: &str, test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/{package}/Cargo.toml","target":{{"name":"x"}},
                "profile":{{"opt_level":"2","test":{test}}},"executable":{executable}}}"#
            )
        };
        let found = |line: &str| read(line, &["ring", "ckks"]).map(|program| (program.path, program.folder));
        let program = (PathBuf::from("/t/x-1"), PathBuf::from("/w/ckks"));
        assert_eq!(found(&line("ckks", true, r#""/t/x-1""#)), Some(program));
        assert_eq!(found(&line("ckks", false, r#""/t/x""#)), None, "a program that is no test");
        assert_eq!(found(&line("other", true, r#""/t/x-1""#)), None, "a test of another package");
        assert_eq!(found(&line("ckks", false, "null")), None, "a library");
        assert_eq!(found(r#"{"reason":"build-finished","success":true}"#), None, "another line");
    }
}
