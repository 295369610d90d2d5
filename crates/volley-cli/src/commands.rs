//! The command line: one module for each command.

mod completions;
mod decrypt;
mod decrypt_scores;
mod encrypt;
mod encrypt_rows;
mod evaluate;
mod features;
mod init;
mod inspect;
mod keygen;
mod man;
mod plan;
mod planned;
mod pool;
mod predict;
mod rehearse;
mod report;
mod score;
mod stop;
mod train;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use volley_mlr::volley_ckks::costs::CoreKind;
use volley_program::OrBadInput;

use crate::output::Output;
use crate::{console, log};

/// Train on encrypted data: the owner's and the server's program
#[derive(Parser, Debug)]
#[command(name = "volley", version, arg_required_else_help = true, after_help = OVERVIEW)]
pub(crate) struct Cli {
    /// Write the result as JSON, and what is said on the way as JSON, a line for each event
    #[arg(long, global = true)]
    json: bool,
    /// Add a log with times and levels to this file; RUST_LOG says what is logged [default: info]
    #[arg(long, global = true, value_name = "FILE")]
    log_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const OVERVIEW: &str = "\
The owner of the data:
  volley features regnet.onnx photos -o data.csv
  volley try data.csv
  volley init data.csv digits
  volley keygen digits
  volley encrypt digits data.csv
  … sends digits/upload to the server, and gets model.vly back
  volley decrypt digits model.vly -o model.json
  volley evaluate model.json test.csv
  volley report digits model.json data.csv test.csv -o page

The server:
  volley train upload
  volley stop upload
  volley plan upload --workers 1,2,4

Several owners, none of whom shows its rows, and a server:
  volley pool --help

Exit codes: 0 done, 1 internal failure, 2 wrong usage or input or nowhere to
write, 3 asked to end before it was done.";

#[derive(Subcommand, Debug)]
enum Command {
    Features(features::Options),
    Try(rehearse::Options),
    Init(init::Options),
    Keygen(keygen::Options),
    Encrypt(encrypt::Options),
    Train(train::Options),
    Stop(stop::Options),
    Plan(plan::Options),
    Decrypt(decrypt::Options),
    Predict(predict::Options),
    Evaluate(evaluate::Options),
    Report(report::Options),
    EncryptRows(encrypt_rows::Options),
    Score(score::Options),
    DecryptScores(decrypt_scores::Options),
    Pool(pool::Options),
    Inspect(inspect::Options),
    Completions(completions::Options),
    Man(man::Options),
}

/// Runs a command.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    let output = Output { json: cli.json };
    if cli.json {
        console::write_json();
    }
    log::begin(cli.log_file.as_deref())?;
    tracing::info!("volley {} begins", env!("CARGO_PKG_VERSION"));
    // Kernels that the processor does not run are refused before anything is computed with others.
    CoreKind::detect().or_bad_input()?;
    match &cli.command {
        Command::Features(options) => features::run(options, output),
        Command::Try(options) => rehearse::run(options, output),
        Command::Init(options) => init::run(options, output),
        Command::Keygen(options) => keygen::run(options, output),
        Command::Encrypt(options) => encrypt::run(options, output),
        Command::Train(options) => train::run(options, cli.log_file.as_deref(), output),
        Command::Stop(options) => stop::run(options, output),
        Command::Plan(options) => plan::run(options, output),
        Command::Decrypt(options) => decrypt::run(options, output),
        Command::Predict(options) => predict::run(options, output),
        Command::Evaluate(options) => evaluate::run(options, output),
        Command::Report(options) => report::run(options, output),
        Command::EncryptRows(options) => encrypt_rows::run(options, output),
        Command::Score(options) => score::run(options, output),
        Command::DecryptScores(options) => decrypt_scores::run(options, output),
        Command::Pool(options) => pool::run(options, output),
        Command::Inspect(options) => inspect::run(options, output),
        Command::Completions(options) => completions::run(options),
        Command::Man(options) => man::run(options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_explained() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} has no description");
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("volley {name}")), "{name} has no example");
        }
    }
}
