//! `volley`: the programs of the two parties. The owner of the data makes keys, encrypts and decrypts; the server
//! trains on what it is given. They share files and nothing else: `volley --help`.

#![forbid(unsafe_code)]

mod class_weight;
mod commands;
mod console;
mod escaped;
mod evaluation;
mod event;
mod failure;
mod in_clear;
mod interrupt;
mod log;
mod logistic_regression;
mod output;
mod passphrase;
mod planning;
mod predictions;
mod table_labels;
mod usage;
mod wrapped;

use std::process::ExitCode;

use clap::Parser;

use commands::Cli;
use event::Event;
use failure::FailureKind;

/// Runs a command. Exit code 0: done. 1: it failed. 2: wrong usage or input, or nowhere to write. 3: it was asked to
/// end before it was done.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::refuse(&error),
    };
    match commands::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has gone, which is no failure.
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = FailureKind::of(&error);
            console::tell(&Event::Failure { kind, text: format!("{error:#}") });
            kind.exit_code()
        }
    }
}
