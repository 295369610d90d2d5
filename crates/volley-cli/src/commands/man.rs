//! `volley man`: the manual.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_mangen::{Man, generate_to};
use volley_program::OrBadInput;

use super::Cli;
use crate::output::print;

/// Write the man page to standard output, or those of all commands to a folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley man | man -l -
  volley man --folder ~/.local/share/man/man1")]
pub(crate) struct Options {
    /// Write a page for each command to this folder
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    match &options.folder {
        Some(folder) => {
            fs::create_dir_all(folder).at(folder)?;
            Ok(generate_to(Cli::command(), folder).at(folder)?)
        }
        None => {
            let mut page = Vec::new();
            Man::new(Cli::command()).render(&mut page)?;
            print(&page)
        }
    }
}
