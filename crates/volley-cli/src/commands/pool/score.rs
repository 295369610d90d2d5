//! `volley pool score`: an owner asks for scores of rows, which nobody else sees.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use volley_program::Machine;
use volley_project::TableSource;
use volley_project::pool::Session;

use super::next::advance;
use super::workplace;
use crate::output::Output;

/// Ask for the classes of rows: they are scored encrypted, and nobody else reads the scores
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley pool score east/ new.csv     the owner east asks
  volley pool next DIR                by everyone: the server scores, the owners switch the scores to east's key
  … east/private/predictions-00001.csv

Takes a pool that was planned for it (`volley pool init --predict ROWS`) and
has opened its model. Each request has a number of its own. The ciphertexts of
scores that the owners decrypt were planned, and each takes some of them.")]
pub(crate) struct Options {
    /// Folder of this owner
    folder: PathBuf,
    /// Rows of the pool's features; their labels are not looked at
    table: PathBuf,
    /// The owners who decrypt, as many as the threshold says [default: those who opened the model]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    by: Vec<String>,
    #[command(flatten)]
    source: TableSource,
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let session = Session::open(&options.folder, workplace(Machine::default())?, None)?;
    session.ask(&session.read_rows(&options.table, &options.source)?, &options.by)?;
    advance(&session, Some("rows to score"), output)
}
