//! The other libraries, timed by the scripts in `benches/peers`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;

use super::Measurement;
use crate::workspace;

/// A script's exit code when its library cannot be imported.
const ABSENT: i32 = 3;

/// A library that we are compared with, in one configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// OpenFHE. Its script chooses as many digits of key switching as Volley has, where security allows, unless another
    /// number is given.
    OpenFhe {
        digits: Option<usize>,
    },
    Seal,
}

impl Peer {
    /// The libraries that are timed in a ring, in the order of the table. The wanted ratios were set against an OpenFHE
    /// with five digits at 2^15 and four at 2^16; with fewer it is faster.
    pub(super) fn of(log_n: u32) -> Vec<Self> {
        let reference = match log_n {
            15 => Some(Self::OpenFhe { digits: Some(5) }),
            16 => Some(Self::OpenFhe { digits: Some(4) }),
            _ => None,
        };
        [Self::OpenFhe { digits: None }].into_iter().chain(reference).chain([Self::Seal]).collect()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OpenFhe { .. } => "OpenFHE",
            Self::Seal => "SEAL",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::OpenFhe { .. } => "benches/peers/openfhe_ops.py",
            Self::Seal => "benches/peers/seal_ops.py",
        }
    }

    /// What the script is told beside the ring.
    fn arguments(self) -> Vec<String> {
        match self {
            Self::OpenFhe { digits: Some(digits) } => vec!["--digits".into(), digits.to_string()],
            _ => Vec::new(),
        }
    }
}

/// What came of timing a library.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome<M = Measurement> {
    Measured(Vec<M>),
    /// The library is not there, and why.
    Absent(String),
}

impl<M> Outcome<M> {
    /// The outcome where there is no interpreter to run the script.
    pub(super) fn no_python() -> Self {
        Self::Absent("there is no Python".into())
    }

    pub(super) fn into_measurements(self) -> Vec<M> {
        match self {
            Self::Measured(measurements) => measurements,
            Self::Absent(_) => Vec::new(),
        }
    }
}

/// A Python interpreter that was seen to run.
#[derive(Debug)]
pub(super) struct Python(PathBuf);

impl Python {
    /// An interpreter; the error is one line that says why this is none.
    pub(super) fn new(program: &Path) -> Result<Self, String> {
        let shown = program.display();
        let output = Command::new(program).arg("--version").output();
        let output = output.map_err(|error| format!("cannot run {shown}: {error}"))?;
        if !output.status.success() || !output.stdout.starts_with(b"Python 3") {
            return Err(format!("{shown} is not a Python 3"));
        }
        Ok(Self(program.to_owned()))
    }

    /// Times a library's operations on one thread, in a process of its own.
    pub(super) fn measure(&self, peer: Peer, log_n: u32) -> Result<Outcome> {
        let arguments = [vec![log_n.to_string()], peer.arguments()].concat();
        self.run(peer.script(), &arguments)
    }

    /// Times OpenFHE's bootstrapping in the same way.
    pub(super) fn measure_bootstrapping<M: DeserializeOwned>(&self, log_slots: u32) -> Result<Outcome<M>> {
        self.run("benches/peers/openfhe_bootstrap.py", &[log_slots.to_string()])
    }

    fn run<M: DeserializeOwned>(&self, script: &str, arguments: &[String]) -> Result<Outcome<M>> {
        let mut command = Command::new(&self.0);
        command.arg(workspace::root().join(script)).args(arguments);
        // The scripts need no compiled copies of themselves in the source tree.
        command.env("OMP_NUM_THREADS", "1").env("PYTHONDONTWRITEBYTECODE", "1");
        let output = command.output().with_context(|| format!("cannot run {}", self.0.display()))?;
        outcome(&output).with_context(|| format!("{script} {}", arguments.join(" ")))
    }
}

/// What a script's output means.
fn outcome<M: DeserializeOwned>(output: &Output) -> Result<Outcome<M>> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.trim().lines().last().unwrap_or("no reason given");
    if output.status.code() == Some(ABSENT) {
        return Ok(Outcome::Absent(complaint.to_owned()));
    }
    ensure!(output.status.success(), "{complaint}");
    Ok(Outcome::Measured(serde_json::from_slice(&output.stdout).context("not a list of measurements")?))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;
    use crate::compare::operation::Operation;

    #[test]
    fn the_reference_of_the_wanted_ratios_stands_beside_our_number_of_digits() {
        let digits: Vec<_> = [14, 15, 16].map(|log_n| Peer::of(log_n).len()).into();
        assert_eq!(digits, [2, 3, 3]);
        assert_eq!(Peer::of(15)[1].arguments(), ["--digits", "5"]);
        assert!(Peer::of(15)[0].arguments().is_empty());
    }

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        Output { status: ExitStatus::from_raw(code << 8), stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn a_list_of_measurements() {
        let list = r#"[{"library": "OpenFHE", "version": "1.6.1", "op": "rotate_hoisted_16", "log_n": 15, "limbs": 15,
            "digits": 3, "log_qp": 850, "threads": 1, "median_ms": 774.25}]"#;
        let expected = Measurement {
            library: "OpenFHE".into(),
            version: "1.6.1".into(),
            op: Operation::RotateHoisted16,
            log_n: 15,
            limbs: 15,
            digits: 3,
            log_qp: 850.0,
            threads: 1,
            median_ms: 774.25,
        };
        assert_eq!(outcome(&output(0, list, "a warning")).unwrap(), Outcome::Measured(vec![expected]));
    }

    #[test]
    fn a_library_that_is_not_installed() {
        let output = output(ABSENT, "", "no module named openfhe\n");
        assert_eq!(
            outcome::<Measurement>(&output).unwrap(),
            Outcome::Absent("no module named openfhe".into())
        );
    }

    #[test]
    fn failures() {
        let message = |output| format!("{:#}", outcome::<Measurement>(&output).unwrap_err());
        assert_eq!(message(output(1, "", "Traceback\n  line\nRuntimeError: x\n")), "RuntimeError: x");
        assert_eq!(message(output(1, "", "")), "no reason given");
        assert!(message(output(0, "[{}]", "")).starts_with("not a list of measurements: missing field"));
        let unknown = r#"[{"library": "X", "version": "1", "op": "bootstrap"}]"#;
        assert!(message(output(0, unknown, "")).contains("unknown variant `bootstrap`"));
    }

    #[test]
    fn what_is_no_python() {
        let absent = Python::new("no/such/python".as_ref()).unwrap_err();
        assert!(absent.starts_with("cannot run no/such/python: "), "{absent}");
        assert_eq!(Python::new("true".as_ref()).unwrap_err(), "true is not a Python 3");
    }
}
