//! `volley pool join`: another owner or the server takes part.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use volley_program::{BadInput, Machine};

use super::agreement::Invitation;
use super::folder::PoolFolder;
use super::keys::make_transport_key;
use super::next::{self, Progress};
use super::party::{Owner, Party};
use super::session::Session;
use crate::output::Output;
use crate::tables::TableSource;

/// Take part in a pool whose invitation has arrived: as an owner with a table, or as the server
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley pool join east/ east.csv --name east
  volley pool join server/ --server

DIR/exchange has the invitation already. The table has the columns of the invitation, in any order, and no other
classes; with --label-column and its kin it is read as for `volley init`.")]
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
    let (_, invitation) = Invitation::find(&PoolFolder::unopened(&options.folder))?;
    let party = options.party(&invitation)?;
    let folder = PoolFolder::create(&options.folder, party.name())?;
    let lock = folder.lock(party.name())?;
    make_transport_key(&folder)?;
    party.keep(&folder)?;
    drop(lock);
    let session = Session::open(&options.folder, Machine::default(), None)?;
    let done = next::advance(&session)?;
    output.result(&Progress::of(&session, done)?)
}

impl Options {
    /// Who joins. Columns and classes of its table are those of the invitation.
    fn party(&self, invitation: &Invitation) -> Result<Party, BadInput> {
        let (Some(table), Some(name)) = (&self.table, &self.name) else { return Ok(Party::Server) };
        invitation.member(name)?;
        let owner = Owner::new(name, table, &self.source)?;
        owner.read(&invitation.columns, invitation)?;
        Ok(Party::Owner(Box::new(owner)))
    }
}
