//! What `cargo xtask` is an alias for. It has no dependencies, so it is there at once. It says how long the first build
//! of xtask takes, shows that build, and runs it.

#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "a command-line program")]

use std::env::{self, consts::EXE_SUFFIX};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--release", "--package", "xtask"]);
    let beside = env::current_exe().map(|this| this.with_file_name(format!("xtask{EXE_SUFFIX}")));
    if beside.is_ok_and(|xtask| xtask.exists()) {
        cargo.arg("--quiet");
    } else {
        eprintln!(
            "The first build takes three to four minutes on two cores, less on more; later ones take seconds."
        );
    }
    match cargo.arg("--").args(env::args_os().skip(1)).status() {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("error: cannot run cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
