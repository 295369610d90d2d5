//! `volley`: the programs of the two parties. The owner of the data makes keys, encrypts and decrypts; the server
//! trains on what it is given. They share files and nothing else: `volley --help`.

#![forbid(unsafe_code)]

mod atomic;
mod class_weight;
mod commands;
mod evaluation;
mod files;
mod in_clear;
mod logistic_regression;
mod output;
mod passphrase;
mod plan_summary;
mod planning;
mod predictions;
mod project;
mod settings;
mod table_advice;
mod tables;

use std::process::ExitCode;

use clap::Parser;

use commands::Cli;

/// Runs a command. Exit code 0: done. 1: it failed. 2: wrong usage or input, or nowhere to write.
fn main() -> ExitCode {
    match commands::run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has gone, which is no failure.
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            volley_program::exit_code(&error)
        }
    }
}
