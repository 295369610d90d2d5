//! `volley pool join`: another owner or the server takes part.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use volley_program::Machine;
use volley_project::TableSource;
use volley_project::pool::{Joining, Owner, join};

use super::next::advance;
use super::workplace;
use crate::output::Output;

/// Take part in a pool whose invitation has arrived: as an owner with a table, or as the server
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley pool join east/ east.csv --name east
  volley pool join server/ --server

DIR/exchange has the invitation already. The table has the columns of the
invitation, in any order, and no other classes; with --label-column and its
kin it is read as for `volley init`.")]
pub(crate) struct Options {
    /// Folder in whose exchange folder the invitation is
    folder: PathBuf,
    /// This owner's labelled rows, which never leave
    #[arg(required_unless_present = "server", conflicts_with = "server")]
    table: Option<PathBuf>,
    /// This owner's name among the members
    #[arg(long, required_unless_present = "server", conflicts_with = "server")]
    name: Option<String>,
    /// Take part as the server, which has no rows
    #[arg(long)]
    server: bool,
    #[command(flatten)]
    source: TableSource,
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let joining = match (&options.table, &options.name) {
        (Some(table), Some(name)) => Joining::Owner(Box::new(Owner::new(name, table, &options.source)?)),
        _ => Joining::Server,
    };
    // An owner joins by a file that it sends, the server by its folder alone.
    let joined = matches!(joining, Joining::Server).then_some("join");
    advance(&join(&options.folder, joining, workplace(Machine::default())?)?, joined, output)
}
