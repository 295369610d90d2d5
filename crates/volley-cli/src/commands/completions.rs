//! `volley completions`: the completions of the user's shell.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Cli;
use crate::output::print;

/// Write the completions of a shell to standard output
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley completions bash > ~/.local/share/bash-completion/completions/volley")]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let mut script = Vec::new();
    generate(options.shell, &mut Cli::command(), "volley", &mut script);
    print(&script)
}
